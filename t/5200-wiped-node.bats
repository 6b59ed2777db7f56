#!/usr/bin/env bats
# A node that loses its disk, or part of it, while a cluster is under load: it must come back as somebody else, catch up,
# and nobody may miss anything.  The load and its judge are t/kill's.
load helpers

setup() {
	SEED=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
	echo "seed $SEED"
}

teardown() {
	local rc=0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || { cat "$TEMP/load.out"; cluster_logs; }
	exec 9>&-
	[ -z "${LOAD:-}" ] || wait "$LOAD" || true
	cluster_stop || rc=1
	temp_remove
	return $rc
}

# Until load_end.  What it finds wrong is printed there.
load_begin() { # [OPTION...]
	mkfifo "$TEMP/in"
	"$DDB_ROOT/build/rel/t/kill/kill" --attach "$DDB_HOME" --rate 300 --connections 24 --floor 20 --seed "$SEED" \
		--history "$TEMP/hist" "$@" <"$TEMP/in" >"$TEMP/load.out" 2>&1 3>&- &
	LOAD=$!
	exec 9>"$TEMP/in"
	wait_for grep -q '^# loading' "$TEMP/load.out"
	# Something must be there that can be lost.
	wait_for rows_at_least 40
}

load_end() {
	local rc=0
	exec 9>&-
	wait "$LOAD" || rc=$?
	LOAD=
	[ $rc -eq 0 ] && ! grep -q '^not ok' "$TEMP/load.out" && grep -q '^ok kill: .* linearizable' "$TEMP/load.out"
}

# From now on ddb's nodes keep so little log that a replica which comes back needs a snapshot.
little_log() {
	mkdir "$TEMP/bin"
	cp "$DDB_ROOT"/bin/ddb* "$TEMP/bin"
	mv "$TEMP/bin/ddb-node" "$TEMP/bin/really-ddb-node"
	cat >"$TEMP/bin/ddb-node" <<-END
		#!/bin/bash
		exec -a ddb-node "$TEMP/bin/really-ddb-node" "\$@" --collect 1M --watermark 2M --segment 8M
	END
	chmod +x "$TEMP/bin/ddb-node"
	PATH=$TEMP/bin:$PATH
}

# About 1 KB each, in a table of their own.
fill() { # ITEMS
	ddb bench --table filled --workload w --items "$1" --size 1000 --load --duration 0 --connections 16 >/dev/null 2>&1 3>&- 9>&-
}

snapshots_got() { # NODE
	ddb metrics 9>&- | grep '^ddb_node_snapshots_total{' | grep "\"node-$1\"" | grep '"got"' | sed 's/.* //'
}

# The others have given back log that a node has not seen.
collected() { # NODE...
	local n
	for n; do
		ddb metrics 9>&- | grep '^ddb_node_log_collected_bytes_total{' | grep "\"node-$n\"" | grep -qv ' 0$' || return 1
	done
}

states() { # NODE
	"$DDB_ROOT/build/rel/t/tools/say" "$DDB_HOME" tool "unix:run/node-$1.sock" 'node_status{}'
}

rows_at_least() {
	[ "$(ddb call Scan '{"TableName":"kill","Select":"COUNT","ConsistentRead":true}' 9>&- | jq .Count)" -ge "$1" ]
}

groups() { # NODE
	states "$1" | grep '^group_state{'
}

incarnation() { # NODE
	states "$1" | grep -o 'incarnation=[0-9]*' | head -1 | cut -d= -f2
}

# Every group of node a has NEW among its members and OLD no more, and the node has them all.
replaced() { # NODE OLD NEW
	local groups
	[ "$(incarnation "$1")" = "$3" ] || return 1
	groups=$(groups a | wc -l)
	[ "$(groups a | grep -c "member{replica=$3 ")" -eq "$groups" ] || return 1
	[ "$(groups a | grep -c "member{replica=$2 ")" -eq 0 ] || return 1
	[ "$(groups "$1" | wc -l)" -eq "$groups" ]
}

equal() {
	run "$DDB_ROOT/t/kill/converged" "$DDB_HOME" 30
	[ "$status" -eq 0 ]
}

pid_of() { # NODE
	pgrep -f -- "ddb-node --home $DDB_HOME .*--node $1"
}

nobody() {
	! pgrep -f -- "--home $DDB_HOME --ready-fd"
}

kill_all() {
	# shellcheck disable=SC2046
	kill -9 "$(<"$DDB_HOME/ddb.pid")" $(pgrep -f -- "--home $DDB_HOME --ready-fd")
	wait_for nobody
}

again() {
	run -0 ddb up -d --home "$DDB_HOME" --port "$DDB_PORT" 3>&- 9>&-
}

@test "wiped: a node whose directory vanishes under load rejoins as another replica and catches up" {
	cluster_start
	load_begin
	rm -r "$DDB_HOME/node-b"
	kill -9 "$(pid_of b)"
	wait_for -t 60 replaced b 2 4
	run -0 grep -c 'node-b was wiped' "$DDB_HOME/log/ddb.log"
	load_end
	equal
}

@test "wiped: a node whose log alone vanishes does the same" {
	cluster_start
	load_begin
	rm -r "$DDB_HOME/node-b/wal"
	kill -9 "$(pid_of b)"
	wait_for -t 60 replaced b 2 4
	run -0 grep -c 'node-b was wiped' "$DDB_HOME/log/ddb.log"
	# And once more, with what the first time has left behind.
	rm -r "$DDB_HOME/node-b/wal"
	kill -9 "$(pid_of b)"
	wait_for -t 60 replaced b 4 5
	load_end
	equal
}

@test "wiped: a node whose stores alone vanish does the same" {
	cluster_start
	load_begin
	rm -r "$DDB_HOME/node-b/store"
	kill -9 "$(pid_of b)"
	# Its log may still hold everything; then it is the same replica as before, and has everything.
	wait_for -t 60 incarnation b
	load_end
	equal
}

@test "wiped: a directory that vanishes between kill -9 of everything and ddb up" {
	cluster_start
	load_begin
	kill_all
	rm -r "$DDB_HOME/node-b"
	again
	assert_line --partial 'node-b was wiped'
	wait_for -t 60 replaced b 2 4
	load_end
	equal
}

@test "wiped: one node after the other, and what the first ones knew is still there" {
	cluster_start
	load_begin
	rm -r "$DDB_HOME/node-b"
	kill -9 "$(pid_of b)"
	wait_for -t 60 replaced b 2 4
	equal_under_load 4
	rm -r "$DDB_HOME/node-c"
	kill -9 "$(pid_of c)"
	wait_for -t 60 replaced c 3 5
	equal_under_load 5
	rm -r "$DDB_HOME/node-a"
	kill -9 "$(pid_of a)"
	wait_for -t 60 replaced_in_b 1 6
	load_end
	equal
}

# Every replica of that incarnation has applied something.
equal_under_load() { # INCARNATION
	wait_for -t 60 has_applied "$1"
}

has_applied() {
	local n
	for n in a b c; do
		[ "$(incarnation $n)" != "$1" ] || ! groups $n | grep -vq 'applied=[1-9]' || return 1
	done
}

replaced_in_b() { # OLD NEW
	[ "$(groups b | grep -c "member{replica=$2 ")" -eq 5 ] && [ "$(groups b | grep -c "member{replica=$1 ")" -eq 0 ]
}

@test "wiped: a node gets what is no longer in anybody's log as snapshots, under load" {
	temp_dir
	little_log
	cluster_start
	fill 8000
	load_begin
	rm -r "$DDB_HOME/node-b"
	kill -9 "$(pid_of b)"
	wait_for -t 60 replaced b 2 4
	wait_for -t 60 has_applied 4
	echo "snapshots: $(snapshots_got b)"
	[ "$(snapshots_got b)" -ge 4 ]
	load_end
	equal
}

@test "wiped: a node that stood still for too long gets snapshots, and stays who it is" {
	temp_dir
	little_log
	cluster_start
	load_begin
	pid=$(pid_of b)
	kill -STOP "$pid"
	fill 10000
	wait_for collected a c
	kill -CONT "$pid"
	load_end
	equal
	[ "$(incarnation b)" -eq 2 ]
	echo "snapshots: $(snapshots_got b)"
	[ "$(snapshots_got b)" -ge 1 ]
}

# --- damaged logs, found when the node starts again

# The position of the Nth last entry in a node's log, with its group and slot.
entry_at() { # NODE N
	ddb-wal cat --json "$DDB_HOME/node-$1/wal" 2>/dev/null | jq -r 'select(.kind == "entry") | "\(.position) \(.group) \(.slot)"' |
		tail -n "$2" | head -1
}

# Flip a bit of the record at a position: of its header (20: the position it says) or of its body (80).
flip() { # NODE POSITION OFFSET
	python3 - "$DDB_HOME/node-$1/wal" "$2" "$3" <<-'END'
		import glob, struct, sys
		dir, position, offset = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		best = None
		for name in glob.glob(dir + "/*.seg"):
		    with open(name, "rb") as f:
		        head = f.read(64)
		    first = struct.unpack_from("<Q", head, 48)[0]
		    if head[:7] == b"ddbwal1" and first <= position and (best is None or first > best[0]):
		        best = (first, name)
		with open(best[1], "r+b") as f:
		    f.seek(4096 + position - best[0])
		    assert f.read(4) != b"\0\0\0\0"
		    f.seek(4096 + position - best[0] + offset)
		    byte = f.read(1)[0]
		    f.seek(-1, 1)
		    f.write(bytes([byte ^ 1]))
	END
}

# Entries stay unapplied for a while, so that what is damaged is not in the store already.
slow_apply() {
	export DDB_FAULT=store.commit:delay=500ms
}

@test "damaged: bodies of synced entries are fetched from the other replicas" {
	slow_apply
	cluster_start
	unset DDB_FAULT
	load_begin --rate 1000
	wait_for rows_at_least 46
	kill_all
	for n in 20 40 60 80; do
		read -r position group slot < <(entry_at b $n)
		echo "damaged: slot $slot of group $group"
		flip b "$position" 80
	done
	run -1 ddb-wal verify "$DDB_HOME/node-b/wal"
	again
	run -0 grep -c 'are damaged; fetching them' "$DDB_HOME/log/node-b.log"
	load_end
	equal
	[ "$(incarnation b)" -eq 2 ]
}

@test "damaged: a record of which nobody knows what it was costs the node its identity, and nothing else" {
	slow_apply
	cluster_start
	unset DDB_FAULT
	load_begin --rate 1000
	wait_for rows_at_least 46
	kill_all
	read -r position group slot < <(entry_at b 30)
	flip b "$position" 20
	again
	wait_for -t 60 replaced b 2 4
	run -0 grep -c 'has lost records' "$DDB_HOME/log/node-b.log"
	load_end
	equal
}

@test "damaged: the logs of two nodes at different places" {
	slow_apply
	cluster_start
	unset DDB_FAULT
	load_begin --rate 1000
	wait_for rows_at_least 46
	kill_all
	# Different entries, far apart: every one of them is whole on two nodes.
	read -r position group slot < <(entry_at b 40)
	flip b "$position" 80
	read -r position group slot < <(entry_at c 120)
	flip c "$position" 80
	again
	load_end
	equal
	[ "$(incarnation b)" -eq 2 ]
	[ "$(incarnation c)" -eq 3 ]
}
