# ddb-wal cat and verify, on logs made by t/tools/walgen.
load helpers

setup() {
	temp_dir
	WAL=$TEMP/wal
	"$DDB_ROOT/build/rel/t/tools/walgen" "$WAL" 1000
}

teardown() {
	temp_remove
}

flip() { # FILE OFFSET: one bit
	python3 -c '
import sys
f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([b ^ 4]))' "$1" "$2"
}

@test "wal: cat --json prints every record in order" {
	run -0 --separate-stderr ddb-wal cat --json "$WAL"
	assert_equal "${#lines[@]}" 1000
	assert_equal "$(jq -s 'map(.slot) == [range(1; 1001)]' <<<"$output")" true
	assert_equal "$(jq -s 'map(.position) | . == sort' <<<"$output")" true
	assert_equal "$stderr" ""
	jq -se 'all(.kind == "entry" and .ballot == "3.2" and .entry.rows[0].op == "put")' <<<"$output"
}

@test "wal: cat selects by group and slot" {
	run -0 ddb-wal cat --json --group 6 --from-slot 500 "$WAL"
	assert_equal "$(jq -sc '[length, .[0].slot, .[-1].slot, (map(.group) | unique)]' <<<"$output")" '[51,500,1000,[6]]'
}

@test "wal: cat of single segments equals cat of the directory" {
	ddb-wal cat --json "$WAL" >"$TEMP/all"
	ddb-wal cat --json "$WAL"/*.seg >"$TEMP/single"
	cmp "$TEMP/all" "$TEMP/single"
}

@test "wal: the binary stream is framed, counted and checksummed" {
	ddb-wal cat "$WAL" >"$TEMP/stream"
	run -0 python3 - "$TEMP/stream" <<-'END'
		import struct, sys, zlib
		s = open(sys.argv[1], "rb").read()
		assert s[:16] == b"ddbstrm\n" + struct.pack("<II", 1, 1)
		at, n, slots = 16, 0, []
		while True:
		    length, crc = struct.unpack_from("<II", s, at)
		    f = s[at + 8:at + 8 + length]
		    assert len(f) == length and zlib.crc32(f) == crc
		    at += 8 + length
		    if f[0] == 0:
		        assert struct.unpack("<Q", f[1:]) == (n,) and at == len(s)
		        break
		    kind, group, ballot, slot, position = struct.unpack_from("<BQQQQ", f)
		    assert kind == 2 and group == (6 if slot % 10 == 0 else 5) and ballot == 3 << 24 | 2
		    assert f[33:35] == b"\x01\x02"
		    n += 1
		    slots.append(slot)
		assert slots == list(range(1, 1001))
	END
}

@test "wal: verify of a sound log is silent" {
	run -0 ddb-wal verify "$WAL"
	assert_output ""
}

@test "wal: verify finds a damaged body, and says whose it is" {
	flip "$WAL/000000000003.seg" $((4096 + 72 + 30))
	run -1 --separate-stderr ddb-wal verify "$WAL"
	assert_equal "${#lines[@]}" 1
	assert_output --regexp '000000000003.seg: position [0-9]+: the body is damaged \(group 5, slot [0-9]+\)'
	assert_regex "$stderr" 'verify: FAIL code=1 1 findings'
	run -1 --separate-stderr ddb-wal verify --json "$WAL"
	assert_equal "$(jq -r .what <<<"$output")" "the body is damaged"
}

@test "wal: cat goes on behind damage, says so, and does not end the stream" {
	flip "$WAL/000000000003.seg" $((4096 + 8))
	run -1 --separate-stderr ddb-wal cat --json "$WAL"
	[ "${#lines[@]}" -gt 900 ]
	[ "${#lines[@]}" -lt 1000 ]
	assert_regex "$stderr" 'a record that was synced is gone'
	ddb-wal cat "$WAL" >"$TEMP/stream" 2>/dev/null || true
	run -1 cmp -s <(tail -c 17 "$TEMP/stream" | head -c 4) <(printf '\x09\0\0\0')
}

@test "wal: verify finds a bad segment header and a missing segment" {
	flip "$WAL/000000000004.seg" 33
	run -1 --separate-stderr ddb-wal verify "$WAL"
	assert_output --regexp "000000000004.seg: position 0: the segment's header is bad"
	flip "$WAL/000000000004.seg" 33
	rm "$WAL/000000000004.seg"
	run -1 --separate-stderr ddb-wal verify "$WAL"
	assert_output --partial "the segment before is missing"
}

@test "wal: what stands behind a torn tail is no corruption" {
	local last
	# A segment made ahead may stand behind it, or not yet.
	last=$(basename "$(grep -l wlR1 "$WAL"/*.seg | tail -1)")
	ddb-wal cat --json "$WAL/$last" >"$TEMP/before"
	python3 - "$WAL/$last" <<-'END'
		import sys
		f = open(sys.argv[1], "r+b"); s = f.read(); at = s.rindex(b"wlR1", 0, len(s))
		f.seek(at + 100); f.write(b"x" * 300)
	END
	run -0 ddb-wal verify "$WAL"
}

@test "wal: every flipped bit in what was synced is found" {
	local n=0 i offset rc
	for i in $(seq 1 40); do
		offset=$((4096 + (i * 2654435761) % 200000))
		flip "$WAL/000000000003.seg" $offset
		rc=0
		ddb-wal cat --json "$WAL" >"$TEMP/now" 2>/dev/null || rc=$?
		if [ $rc -eq 0 ]; then
			# Then it was in the zeros that fill records up to 8 bytes: nothing else may go unseen.
			flip "$WAL/000000000003.seg" $offset
			ddb-wal cat --json "$WAL" | cmp - "$TEMP/now"
			continue
		fi
		assert_equal $rc 1
		n=$((n + 1))
		flip "$WAL/000000000003.seg" $offset
	done
	[ $n -gt 30 ]
}

@test "wal: a log of a newer version is refused" {
	python3 - "$WAL/000000000001.seg" <<-'END'
		import struct, sys, zlib
		f = open(sys.argv[1], "r+b"); h = bytearray(f.read(72)); struct.pack_into("<II", h, 8, 2, 2)
		struct.pack_into("<I", h, 68, zlib.crc32(h[:68])); f.seek(0); f.write(h)
	END
	run -2 ddb-wal verify "$WAL"
	assert_output --partial "format version 2 needs a reader of version 2; this program reads up to 1"
	run -2 ddb-wal cat --json "$WAL"
}

@test "wal: what cannot be read is a local error, and bad use is told" {
	run -9 ddb-wal verify "$TEMP/none"
	assert_output --partial "No such file or directory"
	run -2 ddb-wal verify
	run -2 ddb-wal caat x
	assert_output --partial "did you mean cat"
	run -2 ddb-wal cat --group x "$WAL"
	run -9 bash -c "ddb-wal cat --json '$WAL' >/dev/full"
}
