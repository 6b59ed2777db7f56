#!/usr/bin/env bats
# Time to live: what has expired goes, on a cluster that looks for it every moment and lets the setting change at any time.
load helpers
shared_cluster

setup_file() {
	cluster_start --sweep 50ms --ttl-change 0
}

setup() {
	T=ttl$BATS_TEST_NUMBER
	END=end$BATS_TEST_NUMBER                 # its own, so that what nodes know of it is of this table
	NOW=$(date +%s)
	post CreateTable "{\"TableName\":\"$T\",\"BillingMode\":\"PAY_PER_REQUEST\",
		\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}],
		\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}]}" >/dev/null
	wait_for active "$T"
}

ttl() { # ATTRIBUTE true|false
	post UpdateTimeToLive "{\"TableName\":\"$T\",\"TimeToLiveSpecification\":{\"AttributeName\":\"$1\",\"Enabled\":$2}}"
}

put() { # KEY [VALUE [ATTRIBUTE]]
	local end=
	[ -z "${2:-}" ] || end=",\"${3:-$END}\":$2"
	[ "$(post PutItem "{\"TableName\":\"$T\",\"Item\":{\"pk\":{\"S\":\"$1\"}$end}}")" = '{}' ]
}

past() { # KEY [ATTRIBUTE]
	put "$1" "{\"N\":\"$((NOW - 100))\"}" "${2:-$END}"
}

has() { # KEY
	post GetItem "{\"TableName\":\"$T\",\"Key\":{\"pk\":{\"S\":\"$1\"}},\"ConsistentRead\":true}" | jq -e 'has("Item")' >/dev/null
}

gone() { # KEY
	[ "$(post GetItem "{\"TableName\":\"$T\",\"Key\":{\"pk\":{\"S\":\"$1\"}},\"ConsistentRead\":true}")" = '{}' ]
}

refused() { # MESSAGE
	assert_equal "$(jq -r '[(.__type | sub(".*#"; "")), .message] | join(": ")' <<<"$output")" "ValidationException: $1"
}

pid_of() { # NODE
	pgrep -f -- "^ddb-node --home $DDB_HOME .*--node $1( |\$)"
}

expired() {
	ddb metrics | awk '/^ddb_node_expired_items_total/ { n += $NF } END { print n }'
}

# No node goes by the attribute any more.
forgotten() {
	local node
	for node in a b c; do
		"$DDB_ROOT/build/rel/t/tools/say" "$DDB_HOME" tool "unix:run/node-$node.sock" 'node_status{}' >"$BATS_TEST_TMPDIR/state"
		grep -q '^node_state{' "$BATS_TEST_TMPDIR/state" || return 1
		! grep -q "ttl=\"$END\"" "$BATS_TEST_TMPDIR/state" || return 1
	done
}

@test "ttl: what has expired goes, and nothing else" {
	past past
	put now "{\"N\":\"$NOW\"}"
	put future "{\"N\":\"$((NOW + 1000))\"}"
	put milliseconds "{\"N\":\"$((NOW - 100))000\"}"
	put missing
	put text "{\"S\":\"$((NOW - 100))\"}"
	put "five years" "{\"N\":\"$((NOW - 5 * 365 * 86400 - 100))\"}"
	run -0 ttl "$END" true
	assert_output "{\"TimeToLiveSpecification\":{\"AttributeName\":\"$END\",\"Enabled\":true}}"
	run -0 post DescribeTimeToLive "{\"TableName\":\"$T\"}"
	assert_output "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"ENABLED\",\"AttributeName\":\"$END\"}}"
	wait_for gone past
	wait_for gone now
	# A pass that began later has been over them all.
	past after
	wait_for gone after
	for key in future milliseconds missing text "five years"; do
		has "$key"
	done
	[ "$(expired)" -ge 3 ]
}

@test "ttl: an item goes when its time comes" {
	run -0 ttl "$END" true
	put soon "{\"N\":\"$(($(date +%s) + 2))\"}"
	past past
	wait_for gone past
	has soon
	wait_for gone soon
	[ "$(date +%s)" -ge "$((NOW + 2))" ]
}

@test "ttl: more than fit one slice" {
	local n m requests
	run -0 ttl "$END" true
	for n in {0..7}; do
		requests=
		for m in {0..24}; do
			requests+="${requests:+,}{\"PutRequest\":{\"Item\":{\"pk\":{\"S\":\"$n-$m\"},\"$END\":{\"N\":\"$((NOW - 100))\"}}}}"
		done
		run -0 post BatchWriteItem "{\"RequestItems\":{\"$T\":[$requests]}}"
		assert_output '{"UnprocessedItems":{}}'
	done
	none_left() {
		[ "$(post Scan "{\"TableName\":\"$T\",\"Select\":\"COUNT\",\"ConsistentRead\":true}" | jq .Count)" -eq 0 ]
	}
	wait_for none_left
}

@test "ttl: switched off, nothing goes, and it is another attribute's turn" {
	run -0 ttl "$END" false
	refused 'TimeToLive is already disabled'
	run -0 ttl "$END" true
	past first
	wait_for gone first
	run -0 ttl "$END" true
	refused 'TimeToLive is already enabled'
	run -0 ttl other true
	# unconfirmed
	refused "TimeToLive is active on a different AttributeName: current AttributeName is $END"
	run -0 ttl "$END" false
	assert_output "{\"TimeToLiveSpecification\":{\"AttributeName\":\"$END\",\"Enabled\":false}}"
	run -0 post DescribeTimeToLive "{\"TableName\":\"$T\"}"
	assert_output '{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}'
	wait_for forgotten
	for n in {0..23}; do
		past "stays$n"
		past "goes$n" other
	done
	run -0 ttl other true
	for n in {0..23}; do
		wait_for gone "goes$n"
	done
	for n in {0..23}; do
		has "stays$n"
	done
}

@test "ttl: it goes on when nodes restart and others lead" {
	run -0 ttl "$END" true
	for node in a b c; do
		past "before-$node"
		wait_for gone "before-$node"
		pid=$(pid_of "$node")
		kill -9 "$pid"
		wait_for is_dead "$pid"
		wait_for pid_of "$node"
		# One for each partition: some have a new leader, or one that has forgotten.
		for n in {0..11}; do
			wait_for past "after-$node-$n"
		done
		for n in {0..11}; do
			wait_for gone "after-$node-$n"
		done
	done
}

@test "ttl: a request that makes no sense is refused" {
	run -0 post UpdateTimeToLive "{\"TableName\":\"$T\"}"
	refused "1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null"
	run -0 post UpdateTimeToLive '{"TableName":"no-such-table","TimeToLiveSpecification":{"AttributeName":"end","Enabled":true}}'
	assert_equal "$(jq -r .message <<<"$output")" 'Requested resource not found: Table: no-such-table not found'
	run -0 post DescribeTimeToLive '{"TableName":"no-such-table"}'
	assert_equal "$(jq -r .message <<<"$output")" 'Requested resource not found: Table: no-such-table not found'
}
