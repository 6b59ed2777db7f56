#!/usr/bin/env bats
# The unmodified AWS SDK for JavaScript.

load helpers

@test "the AWS SDK for JavaScript creates, writes, reads, queries and scans over 4 partitions" {
	[ -d "$DDB_ROOT/t/sdk/node_modules/@aws-sdk" ] || skip "t/sdk/node_modules is missing: npm install --prefix t/sdk"
	cluster_start
	run node "$DDB_ROOT/t/sdk/walk.mjs" sdk-walk
	echo "$output"
	assert_success
	assert_equal "$(grep -c '^ok ' <<<"$output")" 9
}
