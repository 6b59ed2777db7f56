#!/usr/bin/env bats
# ddb tag and ddb ttl, on a cluster that all tests here share.
load helpers
shared_cluster

setup() {
	T=tab$BATS_TEST_NUMBER
}

@test "tag: set, listed, changed, removed" {
	ddb create "$T" --key pk:S
	run -0 ddb tag "$T"
	assert_output ''
	run -0 ddb tag "$T" team=sound 'stage=a=b' empty=
	assert_output ''
	run -0 ddb tag "$T"
	assert_equal "$(sort <<<"$output")" $'empty=\nstage=a=b\nteam=sound'
	run -0 ddb tag "$T" team=light --remove empty --remove stage
	run -0 ddb tag "$T"
	assert_output team=light
}

@test "tag: refusals" {
	ddb create "$T" --key pk:S
	run -2 ddb tag "$T" nothing
	assert_output --partial 'KEY=VALUE'
	run -2 ddb tag "$T" =x
	run ! ddb tag "$T" aws:x=y
	run -1 ddb tag no-such-table
	run -2 ddb tag
}

@test "ttl: on, shown, not off at once" {
	ddb create "$T" --key pk:S
	run -1 ddb ttl "$T"
	assert_output ''
	run -0 ddb ttl "$T" --off
	run -0 ddb ttl "$T" expires
	run -0 ddb ttl "$T"
	assert_output expires
	# The service lets it be changed once an hour.
	run ! ddb ttl "$T" --off
	assert_output --partial 'modified multiple times'
	run -0 ddb ttl "$T"
	run -2 ddb ttl "$T" expires --off
	run -1 ddb ttl no-such-table
}
