#!/usr/bin/env bats
# ddb-autoadmin: secondary indexes that come and go while something dies.
load helpers

[ -z "${DDB_BIN:-}" ] || export PATH="$DDB_BIN:$PATH"
SAY=$DDB_ROOT/build/rel/t/tools/say
ATTRIBUTES='"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},{"AttributeName":"ls","AttributeType":"S"},{"AttributeName":"gp","AttributeType":"S"}]'
KEYS='"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]'
LOCAL='{"IndexName":"local","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"ls","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}'

global() { # NAME
	echo "{\"IndexName\":\"$1\",\"KeySchema\":[{\"AttributeName\":\"gp\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\"}}"
}

create() { # TABLE: with a local index and two global ones
	post CreateTable "{\"TableName\":\"$1\",$KEYS,$ATTRIBUTES,\"BillingMode\":\"PAY_PER_REQUEST\",\"LocalSecondaryIndexes\":[$LOCAL],\"GlobalSecondaryIndexes\":[$(global one),$(global two)]}"
}

create_plain() { # TABLE
	post CreateTable "{\"TableName\":\"$1\",$KEYS,${ATTRIBUTES%%,\{\"AttributeName\":\"ls*}],\"BillingMode\":\"PAY_PER_REQUEST\"}"
}

index() { # TABLE INDEX
	post UpdateTable "{\"TableName\":\"$1\",${ATTRIBUTES/\{\"AttributeName\":\"ls\",\"AttributeType\":\"S\"\},/},\"GlobalSecondaryIndexUpdates\":[{\"Create\":$(global "$2")}]}"
}

unindex() { # TABLE INDEX
	post UpdateTable "{\"TableName\":\"$1\",\"GlobalSecondaryIndexUpdates\":[{\"Delete\":{\"IndexName\":\"$2\"}}]}"
}

drop() { # TABLE
	post DeleteTable "{\"TableName\":\"$1\"}"
}

status_of() { # TABLE
	post DescribeTable "{\"TableName\":\"$1\"}" | jq -er '.Table.TableStatus // .__type'
}

# index_is TABLE INDEX STATUS: STATUS "" is none
index_is() {
	[ "$(post DescribeTable "{\"TableName\":\"$1\"}" | jq -r ".Table.GlobalSecondaryIndexes // [] | .[] | select(.IndexName == \"$2\").IndexStatus")" = "$3" ]
}

put() { # TABLE SORT-KEY
	[ "$(post PutItem "{\"TableName\":\"$1\",\"Item\":{\"pk\":{\"S\":\"p\"},\"sk\":{\"S\":\"$2\"},\"ls\":{\"S\":\"l$2\"},\"gp\":{\"S\":\"g\"}}}")" = '{}' ]
}

fill() { # TABLE N
	local at
	for at in $(seq "$2"); do wait_for put "$1" "$at"; done
}

# Puts until $TEMP/enough is there, and notes what was taken.
flood() { # TABLE WHO
	local n=0
	: >"$TEMP/put.$2"
	until [ -e "$TEMP/enough" ]; do
		n=$((n + 1))
		! put "$1" "$2-$n" || echo "$n" >>"$TEMP/put.$2"
	done
}

count() { # TABLE INDEX PARTITION-KEY
	post Query "{\"TableName\":\"$1\",\"IndexName\":\"$2\",\"KeyConditionExpression\":\"$3 = :v\",\"ExpressionAttributeValues\":{\":v\":{\"S\":\"${3:0:1}\"}},\"Select\":\"COUNT\"}" | jq .Count
}

knows() { # TABLE INDEX N
	[ "$(count "$1" "$2" gp)" = "$3" ]
}

pid_of() { # PROGRAM [WORD]
	pgrep -f -- "^([^ ]*/)?$1 --home $DDB_HOME .*${2:-.}" | head -1
}

cluster_json() {
	ddb status --json | jq ".cluster"
}

groups_on() { # NODE
	"$SAY" "$DDB_HOME" tool "unix:run/node-$1.sock" 'node_status{}' | grep -o 'group_state{group=[0-9]*' | cut -d= -f2 | sort -nu
}

groups_are() { # N: on each node, the catalogue's included
	local node
	for node in a b c; do [ "$(groups_on "$node" | wc -l)" -eq "$1" ] || return 1; done
}

# Node NODE dies and cannot come back until node_back.
node_down() {
	local pid
	pid=$(pid_of ddb-node "--node $1")
	kill -STOP "$(<"$DDB_HOME/ddb.pid")"
	kill -9 "$pid"
	exec {HELD}>"$DDB_HOME/node-$1/lock"
	wait_for flock -n "$HELD"
	kill -CONT "$(<"$DDB_HOME/ddb.pid")"
	wait_for node_is "$1" false
}

node_back() {
	exec {HELD}>&-
}

node_is() { # NODE UP
	[ "$(cluster_json | jq ".nodes[] | select(.name == \"$1\").up")" = "$2" ]
}

@test "indexes: a new table's are there with it, spread over the zones, and their rows' tables are nobody's business" {
	cluster_start
	create tab >"$TEMP/answer"
	assert_equal "$(jq -r '.TableDescription | .TableStatus, .GlobalSecondaryIndexes[].IndexStatus' "$TEMP/answer" | sort -u)" CREATING
	wait_for active tab
	put tab 1
	assert_equal "$(count tab local pk)" 1
	wait_for knows tab one 1
	wait_for knows tab two 1
	post DescribeTable '{"TableName":"tab"}' >"$TEMP/table"
	assert_equal "$(jq -c '.Table | .TableStatus, (.GlobalSecondaryIndexes | map(.IndexStatus, .Backfilling)), (.LocalSecondaryIndexes | map(.IndexName))' "$TEMP/table" | tr '\n' ' ')" \
		'"ACTIVE" ["ACTIVE",null,"ACTIVE",null] ["local"] '
	assert_equal "$(jq -r '.Table | .TableArn + "/index/two" == .GlobalSecondaryIndexes[1].IndexArn' "$TEMP/table")" true
	sized() {
		post DescribeTable '{"TableName":"tab"}' | jq -e '.Table | .ItemCount == 1 and ([.GlobalSecondaryIndexes[], .LocalSecondaryIndexes[] | .ItemCount == 1 and .IndexSizeBytes > 0] | all)'
	}
	wait_for sized
	run -0 post ListTables '{}'
	assert_output '{"TableNames":["tab"]}'
	cluster_json >"$TEMP/status"
	run ! grep -q '#' "$TEMP/status"
	assert_equal "$(jq -c '.tables[] | .name, .indexes, (.global_indexes | map(.name, .status, (.partitions | length)))' "$TEMP/status" | tr '\n' ' ')" \
		'"tab" 3 ["one","ACTIVE",4,"two","ACTIVE",4] '
	# One replica on each of the three, and as many leaders.
	assert_equal "$(jq -c '[.tables[] | (.partitions, .global_indexes[].partitions)[].replicas | map(.node) | sort | join("")] | unique' "$TEMP/status")" '["abc"]'
	assert_equal "$(jq -c '[.tables[] | (.partitions, .global_indexes[].partitions)[].replicas[] | select(.role != "follower").node] | group_by(.) | map(length)' "$TEMP/status")" '[4,4,4]'
}

@test "indexes: autoadmin killed right after CreateTable, no item of the table comes before its indexes" {
	cluster_start
	made=0
	for i in 1 2 3 4 5 6; do
		rm -f "$TEMP/enough" "$TEMP"/put.*
		writers=()
		for j in 1 2 3; do
			flood "tab$i" "$j" 3>&- &
			writers+=($!)
		done
		create "tab$i" >"$TEMP/answer" &
		asked=$!
		[ "$i" -lt 3 ] || wait "$asked"
		kill -9 "$(pid_of ddb-autoadmin)"
		wait "$asked" || true
		! grep -q '"CREATING"' "$TEMP/answer" || made=$((made + 1))
		wait_for eval "put tab$i k || status_of tab$i | grep -q NotFound"
		touch "$TEMP/enough"
		wait "${writers[@]}"
		if [ "$(status_of "tab$i")" = com.amazonaws.dynamodb.v20120810#ResourceNotFoundException ]; then
			! grep -q '"CREATING"' "$TEMP/answer"
			continue
		fi
		there=$(($(cat "$TEMP"/put.* | wc -l) + 1))
		[ "$there" -eq "$(post Query "{\"TableName\":\"tab$i\",\"ConsistentRead\":true,\"KeyConditionExpression\":\"pk = :v\",\"ExpressionAttributeValues\":{\":v\":{\"S\":\"p\"}},\"Select\":\"COUNT\"}" | jq .Count)" ]
		assert_equal "$(count "tab$i" local pk)" "$there"
		wait_for knows "tab$i" one "$there"
		wait_for knows "tab$i" two "$there"
	done
	[ "$made" -ge 3 ]
}

@test "indexes: one is made and dropped while autoadmin dies at any moment, and holds what its table does" {
	cluster_start
	create_plain tab >/dev/null
	wait_for active tab
	fill tab 20
	items=20
	for pause in 0 0.05 0.15 0.3 0.6; do
		wait_for eval 'index tab late | grep -q CREATING'
		sleep "$pause"                           # whatever has happened by then is a case
		kill -9 "$(pid_of ddb-autoadmin)"
		items=$((items + 1))
		wait_for put tab "$items"
		wait_for index_is tab late ACTIVE
		wait_for active tab
		wait_for knows tab late "$items"
		wait_for eval 'unindex tab late | grep -q DELETING'
		sleep "$pause"
		kill -9 "$(pid_of ddb-autoadmin)"
		wait_for index_is tab late ""
		wait_for active tab
		wait_for groups_are 5
	done
}

@test "indexes: a node that dies while one is made does not hold it up, and has it once it is back" {
	cluster_start
	create_plain tab >/dev/null
	wait_for active tab
	fill tab 10
	index tab late >/dev/null
	node_down b
	wait_for index_is tab late ACTIVE
	wait_for knows tab late 10
	put tab 11
	wait_for knows tab late 11
	node_back
	wait_for groups_are 9
}

@test "indexes: with a zone down one cannot be made, and the table stays as it was" {
	cluster_start
	create_plain tab >/dev/null
	wait_for active tab
	node_down b
	run -0 index tab late -o /dev/null
	assert_output --partial Unavailable
	index_is tab late ""
	[ "$(status_of tab)" = ACTIVE ]
	put tab 1
	node_back
	wait_for node_is b true
	wait_for eval 'index tab late | grep -q CREATING'
	wait_for index_is tab late ACTIVE
	wait_for knows tab late 1
}

@test "indexes: what a table's indexes have goes with it" {
	cluster_start
	create tab >/dev/null
	wait_for active tab
	wait_for groups_are 13
	fill tab 3
	node_down c
	wait_for eval 'drop tab | grep -q DELETING'
	node_back
	wait_for groups_are 1
	run -0 post ListTables '{}'
	assert_output '{"TableNames":[]}'
	# Nothing of the name is left.
	create_plain tab >/dev/null
	wait_for active tab
	put tab 1
	wait_for groups_are 5
}

@test "indexes: two at once, their leaders die, and both hold what the table does" {
	cluster_start
	create tab >/dev/null
	wait_for active tab
	for i in $(seq 30); do
		wait_for put tab "$i"
		[ $((i % 10)) -ne 0 ] || kill -9 "$(pid_of ddb-node "--node $(printf '%b' "\\x6$((i / 10))")")"
	done
	wait_for knows tab one 30
	wait_for knows tab two 30
	[ "$(count tab local pk)" -eq 30 ]
}
