#!/usr/bin/env bats
# ddb up with the real daemons: fresh and second starts, deaths, wiped disks.
load helpers

SCHEMA='"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"'

create() { # TABLE
	ddb call CreateTable "{\"TableName\":\"$1\",$SCHEMA}" >/dev/null
	wait_for is_active "$1"
}

is_active() {
	[ "$(ddb call DescribeTable "{\"TableName\":\"$1\"}" | jq -r .Table.TableStatus)" = ACTIVE ]
}

put() { # TABLE KEY
	ddb call PutItem "{\"TableName\":\"$1\",\"Item\":{\"pk\":{\"S\":\"$2\"},\"n\":{\"N\":\"1\"}}}"
}

has() { # TABLE KEY
	ddb call GetItem "{\"TableName\":\"$1\",\"Key\":{\"pk\":{\"S\":\"$2\"}},\"ConsistentRead\":true}" | jq -e .Item.n.N
}

again() {
	run -0 ddb up -d --home "$DDB_HOME" --port 0
	eval "$(ddb env)"
	DDB_PORT=$(<"$DDB_HOME/port")
}

all_up() {
	ddb status
}

children() {
	pgrep -f -- "--home $DDB_HOME --ready-fd"
}

no_children() {
	! children
}

@test "cluster: a fresh home serves a write at once" {
	cluster_start
	create first
	put first a
	has first a
	assert_equal "$(ddb call ListTables)" '{"TableNames":["first"]}'
}

@test "cluster: a clean restart keeps what was written and serves within a second" {
	cluster_start
	create kept
	for i in 1 2 3 4 5 6 7 8; do put kept "k$i"; done
	ddb down
	again
	# Of its own making, not of the machine's load: the supervisor says how long it took.
	seconds=$(sed -n 's/.*ready in \(.*\) s\.$/\1/p' <<<"$output")
	for i in 1 2 3 4 5 6 7 8; do has kept "k$i"; done
	echo "ready in $seconds s"
	[ "$(bc <<<"$seconds < ${RESTART_SECONDS_MAX:-5}")" -eq 1 ]
}

@test "cluster: kill -9 of the supervisor ends all, and the next start has every write" {
	cluster_start
	create kept
	for i in 1 2 3 4 5 6 7 8; do put kept "k$i"; done
	kill -9 "$(<"$DDB_HOME/ddb.pid")"
	wait_for no_children
	run -4 timeout 5 ddb call ListTables --home "$DDB_HOME"
	again
	for i in 1 2 3 4 5 6 7 8; do has kept "k$i"; done
}

@test "cluster: every daemon that is killed comes back, and the cluster with it" {
	cluster_start
	create kept
	put kept before
	for what in 'ddb-memds .' 'ddb-node --node a' 'ddb-autoadmin .' 'ddb-router .' 'ddb-node --node b' 'ddb-node --node c'; do
		pid=$(pgrep -f -- "${what%% *} --home $DDB_HOME .*${what#* }" | head -1)
		kill -9 "$pid"
		put kept "after-$pid"
		wait_for all_up
	done
	has kept before
}

@test "cluster: a wiped node comes back as another replica, and the data is whole" {
	cluster_start
	create kept
	for i in 1 2 3 4 5 6 7 8; do put kept "k$i"; done
	ddb down
	rm -r "$DDB_HOME/node-b"
	again
	assert_line --partial 'node-b was wiped'
	wait_for -t 60 caught_up
	assert_equal "$(ddb status --json | jq '.cluster.nodes[] | select(.name == "b").incarnation')" 4
	for i in 1 2 3 4 5 6 7 8; do has kept "k$i"; done
}

caught_up() {
	[ "$(ddb status --json | jq '[.cluster.tables[].partitions[].replicas[] | select(.node == "b" and .incarnation == 4)] | length')" -eq 4 ]
}

@test "cluster: status shows processes, nodes and tables, and is negative when one is down" {
	cluster_start
	create shown
	wait_for all_up
	run -0 ddb status
	assert_line --regexp '^router +up '
	assert_line --regexp '^a +zone-a +1 +yes '
	assert_line --regexp '^shown +ACTIVE +0 +4 '
	run -0 --separate-stderr ddb status --json
	assert_equal "$(jq -c '[.processes[] | select(.up)] | length' <<<"$output")" 6
	assert_equal "$(jq -r .home <<<"$output")" "$DDB_HOME"
	assert_equal "$(jq -r .endpoint <<<"$output")" "http://127.0.0.1:$DDB_PORT"
	assert_equal "$(jq -r .supervisor <<<"$output")" "$(<"$DDB_HOME/ddb.pid")"
	kill -STOP "$(pgrep -f "ddb-node --home $DDB_HOME .*--node c")"
	run -1 ddb status
	kill -CONT "$(pgrep -f "ddb-node --home $DDB_HOME .*--node c")"
	assert_line --regexp '^node-c +down'
	ddb down
	run -4 ddb status
	assert_output --partial "is not running"
	run -4 --separate-stderr ddb status --json
	assert_equal "$(jq -c '[.supervisor, .endpoint, .cluster]' <<<"$output")" '[null,null,null]'
}

@test "cluster: metrics are of every process, each family once" {
	cluster_start
	run -0 --separate-stderr ddb metrics
	assert_equal "$(grep -c '^process_resident_memory_bytes{instance="' <<<"$output")" 6
	assert_line --regexp '^process_start_time_seconds\{instance="node-b"\} [0-9.]+$'
	assert_equal "$(grep '^# TYPE' <<<"$output" | awk '{ print $3 }' | sort | uniq -d)" ""
	# Every sample belongs to the family above it.
	run -0 awk '/^# TYPE/ { family = $3; next } /^#/ { next } index($0, family) != 1 { print; bad = 1 } END { exit bad }' <<<"$output"
	ddb down
	run -4 ddb metrics
}

@test "cluster: wrong keys are exit 5" {
	cluster_start
	AWS_SECRET_ACCESS_KEY=wrong run -5 ddb call ListTables
	AWS_ACCESS_KEY_ID=NOBODY run -5 ddb call ListTables
}

@test "cluster: one replica works as well" {
	cluster_start --replicas 1
	create one
	put one a
	ddb down
	again
	has one a
}

@test "cluster: all processes together idle in little memory" {
	cluster_start
	sum=$(ps -o rss= -p "$(children | paste -sd,),$(<"$DDB_HOME/ddb.pid")" | awk '{ s += $1 } END { print s }')
	echo "$sum KB"
	[ "$sum" -le 81920 ]
}

@test "cluster: a full disk is said, and nothing is left running" {
	need_root
	unshare -m true 2>/dev/null || skip "needs to mount"
	temp_dir
	for size in 4k 16k 64k 2m; do
		run -9 unshare -m sh -c "mkdir -p '$TEMP/small' && mount -t tmpfs -o size=$size none '$TEMP/small' && exec ddb up --home '$TEMP/small/home' --port 0"
		assert_output --partial "No space left on device"
	done
	run -1 pgrep -f -- "--home $TEMP/small"
}
