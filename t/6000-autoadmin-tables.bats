#!/usr/bin/env bats
# ddb-autoadmin: tables that come and go while something dies.
load helpers

[ -z "${DDB_BIN:-}" ] || export PATH="$DDB_BIN:$PATH"
SCHEMA='"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"'
SAY=$DDB_ROOT/build/rel/t/tools/say

create() { # TABLE [CURL-OPTION...]
	post CreateTable "{\"TableName\":\"$1\",$SCHEMA}" "${@:2}"
}

drop() { # TABLE
	post DeleteTable "{\"TableName\":\"$1\"}"
}

status_of() { # TABLE
	post DescribeTable "{\"TableName\":\"$1\"}" | jq -er '.Table.TableStatus // .__type'
}

is_active() { # TABLE
	[ "$(status_of "$1")" = ACTIVE ]
}

put() { # TABLE KEY
	[ "$(post PutItem "{\"TableName\":\"$1\",\"Item\":{\"pk\":{\"S\":\"$2\"}}}")" = '{}' ]
}

has() { # TABLE KEY
	post GetItem "{\"TableName\":\"$1\",\"Key\":{\"pk\":{\"S\":\"$2\"}},\"ConsistentRead\":true}" | jq -e .Item.pk.S
}

pid_of() { # PROGRAM [WORD]
	pgrep -f -- "^([^ ]*/)?$1 --home $DDB_HOME .*${2:-.}" | head -1
}

report() {
	"$SAY" "$DDB_HOME" tool unix:run/autoadmin.sock 'admin{verb="status"}'
}

cluster_json() {
	ddb status --json | jq ".cluster"
}

groups_on() { # NODE
	"$SAY" "$DDB_HOME" tool "unix:run/node-$1.sock" 'node_status{}' | grep -o 'group_state{group=[0-9]*' | cut -d= -f2 | sort -nu
}

only_catalogue() { # NODE
	[ "$(groups_on "$1")" = 1 ]
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

dropped_everywhere() {
	only_catalogue a && only_catalogue b && only_catalogue c
}

all_active() { # N
	[ "$(cluster_json | jq '[.tables[] | select(.status == "ACTIVE")] | length')" -eq "$1" ]
}

@test "autoadmin: killed right after CreateTable, the table is there whole or not at all" {
	cluster_start
	made=0
	for i in 1 2 3 4 5; do
		create "tab$i" >"$TEMP/answer.$i" &
		asked=$!
		[ "$i" -lt 3 ] || wait "$asked"
		kill -9 "$(pid_of ddb-autoadmin)"
		wait "$asked" || true
		wait_for eval "status_of tab$i | grep -qE 'ACTIVE|ResourceNotFound'"
		if grep -q '"CREATING"' "$TEMP/answer.$i"; then
			wait_for is_active "tab$i"
		fi
		if is_active "tab$i"; then
			put "tab$i" k
			has "tab$i" k
			made=$((made + 1))
			[ "$(cluster_json | jq ".tables[] | select(.name == \"tab$i\").partitions | length")" -eq 4 ]
		fi
	done
	[ "$made" -ge 3 ]
}

@test "autoadmin: a table dropped while a node is down goes there as well once it is back" {
	cluster_start
	create gone >/dev/null
	wait_for is_active gone
	wait_for eval '[ "$(groups_on c | wc -l)" -eq 5 ]'
	node_down c
	drop gone >/dev/null
	wait_for only_catalogue a
	[ "$(status_of gone)" = com.amazonaws.dynamodb.v20120810#ResourceNotFoundException ]
	node_back
	wait_for only_catalogue c
}

@test "autoadmin: with a zone down CreateTable is refused, and works again afterwards" {
	cluster_start
	create before >/dev/null
	wait_for is_active before
	node_down b
	run -0 create never -o /dev/null -w '%{http_code}'
	assert_output 503
	[ "$(status_of never)" = com.amazonaws.dynamodb.v20120810#ResourceNotFoundException ]
	put before k
	node_back
	wait_for node_is b true
	wait_for eval 'create never | grep -q CREATING'
	wait_for is_active never
	put never k
}

@test "autoadmin: 50 tables come and go, and no id is given out twice" {
	cluster_start
	for i in $(seq 50); do create "tab$i" | jq -r .TableDescription.TableId; done >"$TEMP/tables"
	wait_for all_active 50
	cluster_json | jq '.tables[].partitions[].group' >"$TEMP/groups"
	for i in $(seq 50); do drop "tab$i"; done >/dev/null
	wait_for dropped_everywhere
	kill -9 "$(pid_of ddb-autoadmin)"
	for i in $(seq 5); do
		wait_for eval "create tab$i >$TEMP/answer; grep -q CREATING $TEMP/answer"
		jq -r .TableDescription.TableId "$TEMP/answer"
	done >>"$TEMP/tables"
	wait_for all_active 5
	cluster_json | jq '.tables[].partitions[].group' >>"$TEMP/groups"
	assert_equal "$(sort -u "$TEMP/tables" | wc -l)" 55
	assert_equal "$(sort -u "$TEMP/groups" | wc -l)" 220
}

@test "autoadmin: first leaders are spread, over tables of one partition too" {
	cluster_start
	one=${SCHEMA/\"BillingMode\":\"PAY_PER_REQUEST\"/\"ProvisionedThroughput\":\{\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":1\}}
	for i in 1 2 3 4 5 6; do post CreateTable "{\"TableName\":\"tab$i\",$one}" >/dev/null; done
	wait_for all_active 6
	assert_equal "$(cluster_json | jq -c '[.tables[].partitions[].replicas[] | select(.role != "follower").node] | group_by(.) | map(length)')" '[2,2,2]'
}

@test "autoadmin: the catalogue's leader dies during CreateTable, and what is known stays consistent" {
	cluster_start
	for i in 1 2 3; do
		wait_for eval "cluster_json | jq -e '.active and ([.nodes[].up] | all)'"
		leader=$(cluster_json | jq -r '.catalogue.replicas[] | select(.role == "leader").node')
		create "tab$i" >"$TEMP/answer.$i" &
		asked=$!
		kill -9 "$(pid_of ddb-node "--node ${leader:-a}")"
		wait "$asked" || true
		wait_for eval "status_of tab$i | grep -qE 'ACTIVE|ResourceNotFound'"
		if status_of "tab$i" | grep -q NotFound; then
			! grep -q CREATING "$TEMP/answer.$i"
			wait_for eval "create tab$i | grep -qE 'CREATING|already exists'"
		fi
		wait_for is_active "tab$i"
		put "tab$i" k
	done
	assert_equal "$(post ListTables '{}')" '{"TableNames":["tab1","tab2","tab3"]}'
	for i in 1 2 3; do wait_for eval "drop tab$i | grep -q DELETING"; done
	wait_for dropped_everywhere
}

@test "autoadmin: it, memds and the router die at once, and requests come back" {
	cluster_start
	create kept >/dev/null
	wait_for is_active kept
	asked=()
	for i in $(seq 20); do
		put kept "k$i" &
		asked+=($!)
	done
	kill -9 "$(pid_of ddb-autoadmin)" "$(pid_of ddb-memds)" "$(pid_of ddb-router)"
	wait "${asked[@]}" || true
	began=$(date +%s%N)
	wait_for put kept after
	took=$((($(date +%s%N) - began) / 1000000))
	echo "served again after $took ms"
	[ "$took" -lt "${RESTART_MS_MAX:-5000}" ]
	for i in $(seq 20); do wait_for put kept "k$i"; done
	has kept k20
}

@test "autoadmin: memds dies, and its map is whole again at once" {
	cluster_start
	create kept >/dev/null
	wait_for is_active kept
	put kept before
	kill -9 "$(pid_of ddb-memds)"
	put kept during
	whole() {
		"$SAY" "$DDB_HOME" router unix:run/memds.sock 'lookup{table="kept" limit=9}' | grep -o 'partition{[^}]* leader=[1-9]' | wc -l | grep -qx 4
	}
	wait_for -t "${RESTART_SECONDS_MAX:-5}" whole
	run -0 "$SAY" "$DDB_HOME" router unix:run/memds.sock 'lookup{table="other"}'
	assert_output --partial 'route{result=3 '
}

@test "autoadmin: it leaves with 0 while changes wait, and cannot share a socket" {
	cluster_start
	run -2 timeout 5 ddb-autoadmin --home "$DDB_HOME"
	assert_output --partial autoadmin.sock
	asked=()
	for i in $(seq 10); do
		create "tab$i" >/dev/null 2>&1 &
		asked+=($!)
	done
	timeout 20 ddb down
	wait "${asked[@]}" || true
	run ! grep -hE 'Sanitizer|runtime error|Assert|assert' "$DDB_HOME"/log/*
}
