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

ticks() { # PID
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

retried() { # TIMES
	local n
	n=$(say router 'metrics{}' | awk '$1 == "ddb_router_retries_total" { print $2 }')
	[ "$n" -ge "$1" ]
}

@test "autoadmin: with every node stopped nobody spins, and what waits is answered when they are back" {
	cluster_start
	touch "$TEMP/second.log"
	post CreateTable "{\"TableName\":\"kept\",$SCHEMA}" >/dev/null
	wait_for eval 'post DescribeTable "{\"TableName\":\"kept\"}" | grep -q ACTIVE'
	router=$(pgrep -f -- "^([^ ]*/)?ddb-router --home $DDB_HOME " | head -1)
	admin=$(pgrep -f -- "^([^ ]*/)?ddb-autoadmin --home $DDB_HOME " | head -1)
	mapfile -t nodes < <(pgrep -f -- "^([^ ]*/)?ddb-node --home $DDB_HOME ")
	[ "${#nodes[@]}" -eq 3 ]
	before=$(($(ticks "$router") + $(ticks "$admin")))
	kill -STOP "$(<"$DDB_HOME/ddb.pid")"
	kill -9 "${nodes[@]}"
	asked=()
	for i in $(seq 20); do
		post GetItem '{"TableName":"kept","Key":{"pk":{"S":"k'"$i"'"}},"ConsistentRead":true}' >"$TEMP/answer.$i" &
		asked+=($!)
	done
	# Each waits longer from try to try, up to 100 ms: 20 need more than a second for 300.
	began=$(date +%s%N)
	wait_for retried 300
	took=$((($(date +%s%N) - began) / 1000000))
	after=$(($(ticks "$router") + $(ticks "$admin")))
	kill -CONT "$(<"$DDB_HOME/ddb.pid")"
	wait "${asked[@]}"
	assert_equal "$(sort -u "$TEMP"/answer.*)" '{}'
	echo "$took ms, $((after - before)) ticks of CPU"
	[ "$took" -ge 800 ]
	[ $((after - before)) -lt "${SPIN_TICKS_MAX:-60}" ]
}
