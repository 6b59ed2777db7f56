#!/usr/bin/env bats
# ddb up and down as a supervisor, with daemons (t/fakes/daemon) that do nothing but what it can see.
load helpers

setup() {
	temp_dir
	mkdir "$TEMP/bin"
	cp "$DDB_ROOT/bin/ddb" "$TEMP/bin"
	for p in node memds autoadmin router; do
		cp "$DDB_ROOT/t/fakes/daemon" "$TEMP/bin/ddb-$p"
	done
	PATH=$TEMP/bin:$PATH
	unset "${!AWS_@}"
	export DDB_HOME=$TEMP/home HOME=$TEMP
}

up() {
	run -0 ddb up -d --port 0 "$@"
}

# The last pid under which NAME was started.
pid_of() {
	awk -v name="$1" '$1 == name { pid = $2 } END { print pid }' "$DDB_HOME/starts"
}

pids() {
	awk '{ print $2 }' "$DDB_HOME/starts"
}

nobody_left() {
	local p
	for p in $(pids); do
		is_dead "$p" || return 1
	done
}

starts_of() {
	grep -c "^$1 " "$DDB_HOME/starts"
}

has_started() { # NAME TIMES
	[ "$(starts_of "$1")" -ge "$2" ]
}

# In front, as another process; FRONT is its pid.
up_in_front() {
	# Background jobs of a script ignore SIGINT unless they get it back.
	python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])' \
		ddb up --port 0 >"$TEMP/out" 2>"$TEMP/err" 3>&- &
	FRONT=$!
	wait_for test -s "$TEMP/out"
}

@test "up: a fresh home is made, private, and everything is started once" {
	up
	assert_line --index 0 --regexp '^DynamoDB at http://127.0.0.1:[0-9]+, region us-east-1, 3 replicas, ready in'
	assert_line --regexp "home +$DDB_HOME\$"
	assert_equal "$(stat -c %a "$DDB_HOME")" 700
	assert_equal "$(stat -c %a "$DDB_HOME/credentials")" 600
	assert_equal "$(grep -c '^node ' "$DDB_HOME/cluster")" 3
	assert_equal "$(awk '{ print $1 }' "$DDB_HOME/starts" | sort | xargs)" "autoadmin memds node-a node-b node-c router"
	[ "$(<"$DDB_HOME/port")" -gt 0 ]
	for p in autoadmin memds node-a node-b node-c router ddb; do
		assert_file_exists "$DDB_HOME/log/$p.log"
	done
}

@test "up: --home and its place stand in every daemon's arguments" {
	up
	for p in $(pids); do
		run -0 bash -c "tr '\0' ' ' </proc/$p/cmdline"
		assert_output --partial "--home $DDB_HOME "
		assert_output --partial "--life-fd 4 "
	done
}

@test "up: only the nodes of a cluster that never lived are told that it is their first life" {
	up
	run -0 bash -c "tr '\0' ' ' </proc/$(pid_of node-b)/cmdline"
	assert_output --partial "--node b "
	assert_output --partial --first-life
	kill -9 "$(pid_of node-b)"
	wait_for has_started node-b 2
	run -0 bash -c "tr '\0' ' ' </proc/$(pid_of node-b)/cmdline"
	refute_output --partial --first-life
}

@test "up: --sweep goes to the nodes and --ttl-change to the router, and to nobody without being said" {
	up
	for p in $(pids); do
		run -0 bash -c "tr '\0' ' ' </proc/$p/cmdline"
		refute_output --regexp '--(sweep|ttl-change)'
	done
	ddb down
	: >"$DDB_HOME/starts"
	up --sweep 50ms --ttl-change 0
	for n in node-a node-c; do
		run -0 bash -c "tr '\0' ' ' </proc/$(pid_of $n)/cmdline"
		assert_output --partial '--sweep 50ms '
		refute_output --partial --ttl-change
	done
	run -0 bash -c "tr '\0' ' ' </proc/$(pid_of router)/cmdline"
	assert_output --partial '--ttl-change 0ms '
	refute_output --partial --sweep
	run -2 ddb up --sweep 1ms
	run -2 ddb up --ttl-change soon
}

@test "up: a second start keeps identity and keys" {
	up
	ddb down
	cp "$DDB_HOME/cluster" "$DDB_HOME/credentials" "$TEMP"
	up
	cmp "$DDB_HOME/cluster" "$TEMP/cluster"
	cmp "$DDB_HOME/credentials" "$TEMP/credentials"
	run -0 bash -c "tr '\0' ' ' </proc/$(pid_of node-a)/cmdline"
	refute_output --partial --first-life
}

@test "down: stops the router first and memds last, and leaves no port" {
	up
	run -0 ddb down
	assert_output ""
	assert_equal "$(head -2 "$DDB_HOME/stops" | xargs)" "router autoadmin"
	assert_equal "$(tail -1 "$DDB_HOME/stops")" memds
	assert_equal "$(wc -l <"$DDB_HOME/stops")" 6
	assert_file_not_exists "$DDB_HOME/port"
	nobody_left
}

@test "down: nothing running is said, and is no failure; no cluster is one" {
	up
	ddb down
	run -0 ddb down
	assert_output --partial "is not running"
	run -2 ddb down --home "$TEMP/elsewhere"
	assert_output --partial "no cluster here"
}

@test "down: a pid file that nobody holds the lock of kills nobody" {
	up
	ddb down
	tail -f /dev/null 3>&- &
	echo $! >"$DDB_HOME/ddb.pid"
	run -0 ddb down
	assert_output --partial "is not running"
	kill $!
}

@test "up: SIGINT in front stops everything, exit 0" {
	up_in_front
	kill -INT $FRONT
	wait $FRONT
	assert_equal "$(wc -l <"$DDB_HOME/stops")" 6
	nobody_left
}

@test "up: a ^C goes to the supervisor only" {
	up_in_front
	for p in $(pids); do
		[ "$(ps -o pgid= -p "$p" | tr -d ' ')" != "$(ps -o pgid= -p $FRONT | tr -d ' ')" ]
	done
	kill -TERM $FRONT
	wait $FRONT
}

@test "up: a third signal ends what does not want to leave" {
	mkdir "$DDB_HOME"
	echo deaf >"$DDB_HOME/fake-router"
	up_in_front
	kill -INT $FRONT
	wait_for grep -q 'stopping: SIGINT' "$TEMP/err"
	kill -INT $FRONT
	wait_for grep -q 'stopping at once' "$TEMP/err"
	kill -INT $FRONT
	wait $FRONT
	nobody_left
}

@test "up: kill -9 of the supervisor takes its children along" {
	up
	kill -9 "$(<"$DDB_HOME/ddb.pid")"
	wait_for nobody_left
	# And what it left behind stops nobody.
	up
	ddb down
}

@test "up: a child that dies is started again, and that is one line" {
	up_in_front
	kill -9 "$(pid_of memds)"
	wait_for has_started memds 2
	run -0 grep 'was killed by signal 9' "$TEMP/err"
	assert_equal "${#lines[@]}" 1
	assert_line --regexp 'memds \(pid [0-9]+\) was killed by signal 9 \(Killed\); starting it again in 20 ms'
	assert_equal "$(starts_of node-a)" 1
	kill -TERM $FRONT
	wait $FRONT
}

@test "up: a child that keeps dying is started ever more rarely" {
	up
	echo exit 7 >"$DDB_HOME/fake-node-c"
	kill -9 "$(pid_of node-c)"
	wait_for grep -q 'again in 640 ms' "$DDB_HOME/log/ddb.log"
	run -0 grep -o 'again in [0-9]* ms' "$DDB_HOME/log/ddb.log"
	assert_line --index 1 'again in 40 ms'
	assert_line --index 2 'again in 80 ms'
	assert_line --index 5 'again in 640 ms'
	# It comes back once it can.
	rm "$DDB_HOME/fake-node-c"
	wait_for has_started node-c 7
}

@test "up: a router that comes back has the same port, though others ask for one" {
	up
	port=$(<"$DDB_HOME/port")
	kill -9 "$(pid_of router)"
	wait_for has_started router 2
	wait_for curl -sf "http://127.0.0.1:$port/"
}

@test "up: a home in use is exit 6, and says who" {
	up
	run -6 ddb up -d --port 0
	assert_output --partial "$DDB_HOME is in use: process $(<"$DDB_HOME/ddb.pid") runs it"
	run -6 ddb up --port 0
	# The one that runs is none the worse.
	curl -sf "http://127.0.0.1:$(<"$DDB_HOME/port")/"
}

@test "up: a port in use is said, and nothing is left running" {
	up
	run -6 ddb up --home "$TEMP/second" --port "$(<"$DDB_HOME/port")"
	assert_output --partial "port $(<"$DDB_HOME/port") is in use by another program"
	assert_file_not_exists "$TEMP/second/starts"
	run -6 ddb up -d --home "$TEMP/second" --port "$(<"$DDB_HOME/port")"
}

@test "up: a home that cannot be made is a clear error at once" {
	touch "$TEMP/file"
	run -9 ddb up --home "$TEMP/file"
	assert_output --partial "cannot make the home $TEMP/file: $TEMP/file: Not a directory"
	run -9 ddb up -d --home "$TEMP/file/home"
	assert_output --partial "Not a directory"
}

@test "up: a home that cannot be written is a clear error at once" {
	if [ "$EUID" -eq 0 ]; then
		unshare -m true 2>/dev/null || skip "needs to mount"
		run -9 unshare -m sh -c "mkdir '$TEMP/ro' && mount -t tmpfs -o ro none '$TEMP/ro' && ddb up --home '$TEMP/ro'"
	else
		mkdir -m 500 "$TEMP/ro"
		run -9 ddb up --home "$TEMP/ro"
	fi
	assert_output --partial "$TEMP/ro"
	assert_output --regexp 'Read-only file system|Permission denied'
}

@test "up: a home of a newer version is refused" {
	up
	ddb down
	sed -i 's/^format 1$/format 2/' "$DDB_HOME/cluster"
	: >"$DDB_HOME/starts"
	run -2 ddb up
	assert_output --partial "made by a newer version of ddb"
	run -2 ddb up -d
	assert_equal "$(wc -l <"$DDB_HOME/starts")" 0
	run -2 ddb status
}

@test "up: a cluster file that is gone is no fresh home" {
	up
	ddb down
	rm "$DDB_HOME/cluster"
	run -2 ddb up
	assert_output --partial "the file \`cluster' is missing" || assert_output --partial "is missing, but a cluster has lived here"
}

@test "up: a wiped node is said in one line" {
	up
	ddb down
	rm -r "$DDB_HOME/node-b"
	up
	run -0 grep -c 'node-b was wiped' <<<"$output"
	assert_output 1
	run -0 bash -c "tr '\0' ' ' </proc/$(pid_of node-b)/cmdline"
	refute_output --partial --first-life
}

@test "up: a daemon that will not start ends it, with its code" {
	mkdir "$DDB_HOME"
	echo exit 2 >"$DDB_HOME/fake-autoadmin"
	run -2 ddb up --port 0
	assert_output --partial "autoadmin ended with code 2"
	nobody_left
	run -2 ddb up -d --port 0
	assert_output --partial "$DDB_HOME/log"
	assert_line "autoadmin begins"
	nobody_left
}

@test "up: a program that is missing is named" {
	rm "$TEMP/bin/ddb-memds"
	run -2 ddb up --port 0
	assert_output --partial "$TEMP/bin/ddb-memds: No such file or directory"
	nobody_left
}

@test "up: -d gives up on what is never ready, and says on whom it waited" {
	mkdir "$DDB_HOME"
	echo mute >"$DDB_HOME/fake-node-b"
	run -4 ddb up -d --port 0 --wait 500ms
	assert_output --partial "waiting for node-b"
	nobody_left
	echo sick >"$DDB_HOME/fake-router"
	rm "$DDB_HOME/fake-node-b"
	run -4 ddb up -d --port 0 --wait 500ms
	assert_output --partial "waiting for the catalogue"
	nobody_left
}

@test "up: -d holds on to nothing that it inherited" {
	# A reader of the pipe sees its end as soon as the command returns.
	run -0 timeout 20 bash -c 'exec 9> >(cat); ddb up -d --port 0 | cat; ls -l /proc/$(<$DDB_HOME/ddb.pid)/fd'
	assert_output --partial "$DDB_HOME/log/ddb.log"
}

@test "up: --ephemeral removes its home at the end" {
	TMPDIR=$TEMP up --ephemeral
	home=$(sed -n 's/^ *home *\(.*\) (removed at the end)$/\1/p' <<<"$output")
	assert_file_exists "$home/cluster"
	DDB_HOME=$home
	ddb down
	assert_file_not_exists "$home"
	run -2 ddb up --ephemeral --home x
}

@test "up: --replicas 1 is one node, and stays so" {
	up --replicas 1
	assert_output --partial ", 1 replica, "
	assert_equal "$(grep -c node "$DDB_HOME/starts")" 1
	ddb down
	up
	assert_output --partial ", 1 replica, "
	ddb down
	run -2 ddb up --replicas 3
	assert_output --partial "has 1, as its first start made it"
	run -2 ddb up --replicas 2
}

@test "up: --credentials uses another file, for all, from then on" {
	up
	ddb down
	printf '[default]\naws_access_key_id = MINE\naws_secret_access_key = secret\n' >"$TEMP/keys"
	chmod 644 "$TEMP/keys"
	run -2 ddb up --credentials "$TEMP/keys"
	assert_output --partial "mode 0600"
	chmod 600 "$TEMP/keys"
	up --credentials "$TEMP/keys"
	run -0 ddb env
	assert_output --partial "AWS_ACCESS_KEY_ID='MINE'"
	ddb down
	up
	run -0 ddb env
	assert_output --partial "AWS_ACCESS_KEY_ID='MINE'"
	ddb down
	run -2 ddb up --credentials "$TEMP/none"
}

@test "up: a region is kept from the first start" {
	AWS_REGION=eu-west-1 up
	assert_output --partial "region eu-west-1"
	ddb down
	up
	run -0 ddb env
	assert_output --partial "AWS_REGION='eu-west-1'"
	run -2 ddb up --home "$TEMP/x" --region 'a b'
}

@test "up: the default home is ~/.ddb" {
	unset DDB_HOME
	up
	export DDB_HOME=$TEMP/.ddb
	assert_file_exists "$DDB_HOME/cluster"
	ddb down
}

@test "up: a home may have blanks and quotes in its name, and a long one" {
	DDB_HOME="$TEMP/it's a home, $(printf 'x%.0s' {1..150})"
	up
	run -0 bash -c 'eval "$(ddb env)"; echo "$DDB_HOME"'
	assert_output "$DDB_HOME"
	ddb down
}
