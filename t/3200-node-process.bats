#!/usr/bin/env bats
# What one ddb-node process is like.

load helpers

node_pids() {
	pgrep -f "ddb-node --home $DDB_HOME "
}

# Format version and minimum reader version 99, and the checksum made right (ddb-wal(5)).
make_newer() { # SEGMENT
	python3 - "$1" <<-'E'
		import struct, sys, zlib
		with open(sys.argv[1], "r+b") as f:
		    h = bytearray(f.read(68))
		    h[8:16] = struct.pack("<II", 99, 99)
		    f.seek(0)
		    f.write(bytes(h) + struct.pack("<I", zlib.crc32(bytes(h))))
	E
}

@test "node: the loop and two helper threads, and no others, also under load" {
	cluster_start
	ddb bench -t threads -w a -n 100 -c 8 -d 1s --warmup 0s --json >"$TEMP/bench.json"
	[ "$(node_pids | wc -l)" -eq 3 ]
	for pid in $(node_pids); do
		assert_equal "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" 3
	done
}

@test "node: an unknown name, and a directory in use, are refused" {
	cluster_start
	run ddb-node --home "$DDB_HOME" --node zebra
	assert_equal "$status" 2
	assert_output --partial "no node zebra"
	run ddb-node --home "$DDB_HOME" --node a
	assert_equal "$status" 6
	assert_output --partial "another process uses this directory"
}

@test "node: a log of a newer version is refused, and nothing is touched" {
	cluster_start
	ddb down
	for segment in "$DDB_HOME"/node-a/wal/*.seg; do
		make_newer "$segment"
	done
	before=$(cat "$DDB_HOME"/node-a/wal/*.seg | sha256sum)
	run timeout 10 ddb-node --home "$DDB_HOME" --node a
	assert_failure
	assert_output --partial "format version 99"
	assert_equal "$(cat "$DDB_HOME"/node-a/wal/*.seg | sha256sum)" "$before"
	assert_file_exist "$DDB_HOME/node-a/identity"
}
