#!/usr/bin/env bats
# ddb-autoadmin: one is active, whoever is deposed changes nothing.
load helpers

[ -z "${DDB_BIN:-}" ] || export PATH="$DDB_BIN:$PATH"
SCHEMA='"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"'
SAY=$DDB_ROOT/build/rel/t/tools/say

teardown() {
	local rc=0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || { cluster_logs; cat "$TEMP"/second.log; }
	[ -z "${FIRST:-}" ] || kill -CONT "$FIRST" 2>/dev/null || true
	[ -z "${SECOND:-}" ] || kill -TERM "$SECOND" 2>/dev/null || true
	cluster_stop || rc=1
	temp_remove
	return $rc
}

say() { # autoadmin|second MESSAGE
	"$SAY" "$DDB_HOME" router "unix:run/$1.sock" "$2"
}

active() { # autoadmin|second
	say "$1" 'admin{verb="list"}' | grep -q 'admin_done{result=0 '
}

@test "autoadmin: of two one is active; one that was stopped past its lease changes nothing any more" {
	cluster_start
	FIRST=$(pgrep -f -- "^([^ ]*/)?ddb-autoadmin --home $DDB_HOME " | head -1)
	ddb-autoadmin --home "$DDB_HOME" --listen unix:run/second.sock --lease 1s 2>"$TEMP/second.log" 3>&- &
	SECOND=$!
	post CreateTable "{\"TableName\":\"kept\",$SCHEMA}" >/dev/null
	wait_for eval 'post DescribeTable "{\"TableName\":\"kept\"}" | grep -q ACTIVE'
	wait_for say second 'admin{verb="status"}'
	active autoadmin
	run ! active second
	kill -STOP "$FIRST"
	wait_for active second
	# What waits in the stopped one's socket is from when it was active.
	say autoadmin 'admin{verb="delete" name="kept"}' >"$TEMP/late" &
	late=$!
	kill -CONT "$FIRST"
	wait "$late" || true
	run ! grep 'result=0 ' "$TEMP/late"
	run ! active autoadmin
	wait_for grep -q 'no longer active' "$DDB_HOME/log/autoadmin.log"
	active second
	run -0 say second 'admin{verb="list"}'
	assert_output --partial body=046b657074
	run -0 post PutItem '{"TableName":"kept","Item":{"pk":{"S":"k"}}}'
	assert_output '{}'
	# The deposed one takes over again when the other has gone.
	kill -TERM "$SECOND"
	wait "$SECOND"
	SECOND=
	wait_for active autoadmin
	run -0 say autoadmin 'admin{verb="list"}'
	assert_output --partial body=046b657074
}
