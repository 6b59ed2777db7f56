# ddb-memds: the routing map, spoken to over its socket by t/tools/say.
load helpers

setup() {
	temp_dir
	HOME_DIR=$TEMP/home
	SAY=$DDB_ROOT/build/rel/t/tools/say
	mkdir -p "$HOME_DIR/run"
	cat >"$HOME_DIR/cluster" <<-'END'
		format 1
		cluster 000102030405060708090a0b0c0d0e0f
		region us-east-1
		node 1 node-a zone a addr unix:run/node-a.sock incarnation 1
		memds unix:run/memds.sock
	END
	unset DDB_HOME
}

teardown() {
	[ -z "${MEMDS:-}" ] || kill -9 "$MEMDS" 2>/dev/null || true
	temp_remove
}

# Starts ddb-memds and returns when it is ready; its log is in $TEMP/log.
memds_start() {
	rm -f "$TEMP/ready"
	mkfifo "$TEMP/ready"
	env "${MEMDS_ENV[@]}" ddb-memds --home "$HOME_DIR" --ready-fd 7 "$@" 7>"$TEMP/ready" 2>>"$TEMP/log" 3>&- &
	MEMDS=$!
	read -r _ <"$TEMP/ready"
}

say() { # ROLE MESSAGE...
	"$SAY" "$HOME_DIR" "$1" unix:run/memds.sock "${@:2}"
}

PARTITIONS='[partition{group=10 high="m"} partition{group=11 low="m"}]'

@test "memds: a map is not ready, then complete, then says what is absent" {
	memds_start
	run -0 say router 'lookup{table="orders"}'
	assert_output --partial 'route{result=7 '
	run -0 say autoadmin "map_table{epoch=1 version=3 name=\"orders\" definition=\"def\" partitions=$PARTITIONS}" \
		'map_complete{epoch=1 tables=1}'
	assert_line --index 0 'map_ack{result=0 complete=0 epoch=1}'
	assert_line --index 1 'map_ack{result=0 complete=1 epoch=1}'
	run -0 say router 'lookup{table="orders" key="z" limit=1}' 'lookup{table="other"}' 'lookup{table="orders" table_version=3 limit=9}'
	assert_line --index 0 --regexp '^route\{result=0 .*definition="def".*partitions=\[partition\{group=11 low="m" high="" [^]]*members=\[\]\}\]\}$'
	assert_line --index 1 --partial 'route{result=3 '
	assert_line --index 2 --regexp 'definition="" .*group=10 .*group=11 '
	wait_for grep -q 'the map is complete: 1 tables, 2 partitions' "$TEMP/log"
}

@test "memds: what nodes push is served, the higher ballot wins" {
	memds_start
	say autoadmin "map_table{epoch=1 version=3 name=\"orders\" definition=\"def\" partitions=$PARTITIONS}" 'map_complete{epoch=1 tables=1}'
	say node '!map_push{incarnation=1 partitions=[partition{group=11 ballot=7 leader=2 config_slot=1 members=[member{replica=2 role=1}]}]}'
	wait_for_leader() { say router 'lookup{table="orders" key="z" limit=1}' | grep -q "ballot=$1 leader=$2 "; }
	wait_for wait_for_leader 7 2
	say node '!map_push{incarnation=1 partitions=[partition{group=11 ballot=6 leader=3 config_slot=1} partition{group=10 ballot=1 leader=9}]}'
	wait_for eval "say router 'lookup{table=\"orders\" limit=1}' | grep -q 'leader=9 '"
	run -0 say router 'lookup{table="orders" key="z" limit=1}'
	assert_output --partial 'ballot=7 leader=2 config_slot=1 members=[member{replica=2 role=1}]'
}

@test "memds: a former autoadmin is fenced, and only an autoadmin may say what there is" {
	memds_start
	say autoadmin 'map_complete{epoch=5}'
	run -0 say autoadmin 'map_table{epoch=4 version=1 name="t" definition="d"}' 'map_complete{epoch=4}'
	assert_line --index 0 'map_ack{result=15 complete=1 epoch=5}'
	assert_line --index 1 'map_ack{result=15 complete=1 epoch=5}'
	run -1 say router 'map_complete{epoch=9}'
	assert_output lost
	run -1 say tool 'get{group=1}'
	assert_output lost
	run -0 say router 'lookup{table="t"}'
	assert_output --partial 'route{result=3 '
}

@test "memds: metrics count lookups by answer" {
	memds_start
	say router 'lookup{table="a"}' 'lookup{table="b"}'
	say autoadmin 'map_complete{epoch=3}'
	say router 'lookup{table="a"}'
	run -0 say tool 'metrics{}'
	assert_line 'ddb_memds_lookups_total{answer="not_ready"} 2'
	assert_line 'ddb_memds_lookups_total{answer="absent"} 1'
	assert_line 'ddb_memds_epoch 3'
	assert_line 'ddb_memds_complete 1'
	assert_line 'ddb_net_connections 1'
	assert_line --regexp '^process_resident_memory_bytes [0-9]+'
}

@test "memds: SIGTERM ends it with 0 and takes the socket away" {
	memds_start
	assert_socket_exists "$HOME_DIR/run/memds.sock"
	kill -TERM "$MEMDS"
	wait "$MEMDS"
	assert_not_exists "$HOME_DIR/run/memds.sock"
}

@test "memds: it leaves when its parent's pipe closes" {
	mkfifo "$TEMP/life"
	sleep_forever() { exec tail -f /dev/null >"$TEMP/life" 3>&-; }
	sleep_forever &
	holder=$!
	exec 8<"$TEMP/life"
	memds_start --life-fd 8
	exec 8<&-
	kill "$holder"
	wait "$MEMDS"
	grep -q 'the parent has gone' "$TEMP/log"
}

@test "memds: after kill -9 the socket is taken over" {
	memds_start
	kill -9 "$MEMDS"
	wait "$MEMDS" || true
	assert_exists "$HOME_DIR/run/memds.sock"
	memds_start
	run -0 say router 'lookup{table="orders"}'
}

@test "memds: a second one on the same address is refused" {
	memds_start
	run -2 ddb-memds --home "$HOME_DIR"
	assert_output --partial 'run/memds.sock: cannot listen: Address already in use'
}

@test "memds: a home without a cluster, of another format or malformed is refused with its reason" {
	mkdir "$TEMP/empty"
	run -2 ddb-memds --home "$TEMP/empty"
	assert_output --partial "$TEMP/empty: no cluster here"
	run -2 ddb-memds --home "$TEMP/nowhere"
	assert_output --partial "No such file or directory"
	run -2 ddb-memds
	assert_output --partial 'give --home or set DDB_HOME'
	echo 'format 2' >"$HOME_DIR/cluster"
	run -2 ddb-memds --home "$HOME_DIR"
	assert_output --partial 'cluster: line 1: made by a newer version of ddb'
	printf 'format 1\nnonsense\n' >"$HOME_DIR/cluster"
	run -2 env DDB_HOME="$HOME_DIR" ddb-memds
	assert_output --partial 'cluster: line 2: unknown word'
}

@test "memds: another cluster's processes are refused" {
	memds_start
	mkdir "$TEMP/other"
	sed 's/^cluster 00/cluster ff/' "$HOME_DIR/cluster" >"$TEMP/other/cluster"
	run -4 timeout 20 "$SAY" "$TEMP/other" router "unix:$HOME_DIR/run/memds.sock" 'lookup{table="t"}'
	grep -q 'refused say: this is another cluster' "$TEMP/log"
}

@test "memds: nonsense on the socket drops the connection and nothing else" {
	memds_start
	head -c 100000 /dev/urandom | timeout 10 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
try:
    s.sendall(sys.stdin.buffer.read())
    assert s.recv(1) == b""
except (BrokenPipeError, ConnectionResetError): pass' "$HOME_DIR/run/memds.sock"
	run -0 say router 'lookup{table="orders"}'
	grep -q 'dropped a client: malformed frame' "$TEMP/log"
}

@test "memds: a home with a very long path works" {
	long=$TEMP/$(printf 'd%.0s' {1..120})
	mv "$HOME_DIR" "$long"
	HOME_DIR=$long
	memds_start
	run -0 say router 'lookup{table="orders"}'
}

@test "memds: DDB_TRACE=net prints the frames" {
	MEMDS_ENV=(DDB_TRACE=net)
	memds_start
	say router 'lookup{table="orders"}'
	grep -Eq '^net ddb-memds < a client#[0-9]+ rid=0 hello\{' "$TEMP/log"
	grep -Eq '^net ddb-memds < say#[0-9]+ rid=[0-9]+ lookup\{table="orders" ' "$TEMP/log"
	grep -Eq '^net ddb-memds > say#[0-9]+ rid=[0-9]+ route\{result=7 ' "$TEMP/log"
}

@test "memds: one thread, little memory" {
	memds_start
	assert_equal "$(ls "/proc/$MEMDS/task" | wc -l)" 1
	assert_equal "$(awk '/^VmRSS/ { print ($2 < 8000) ? "small" : $2 }' "/proc/$MEMDS/status")" small
}
