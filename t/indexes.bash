# indexes.bash: what the bats files about secondary indexes share; after helpers.  t/tools/indexes.mjs does the work.

[ -z "${DDB_BIN:-}" ] || export PATH="$DDB_BIN:$PATH"
SAY=$DDB_ROOT/build/rel/t/tools/say

indexes() {
	node "$DDB_ROOT/t/tools/indexes.mjs" "$@"
}

# writing TABLE [OPTION...]: random writes until `written`.  Sets WRITER.
writing() {
	# Not by way of a function: it is the process itself that is told to end.
	node "$DDB_ROOT/t/tools/indexes.mjs" write "$@" >"$BATS_TEST_TMPDIR/written" 3>&- &
	WRITER=$!
	wait_for grep -qx writing "$BATS_TEST_TMPDIR/written"
}

written() {
	kill -TERM "$WRITER"
	wait "$WRITER" || { cat "$BATS_TEST_TMPDIR/written"; return 1; }
	WRITER=
	cat "$BATS_TEST_TMPDIR/written"
}

# How many writes of a kind the last writer made.
made() { # KIND
	grep -oP "\\b$1 \\K[0-9]+" "$BATS_TEST_TMPDIR/written" || echo 0
}

# equal TABLE [OPTION...]: every index is what the items say, once nobody writes and its lag is zero.
equal() {
	indexes check "$1" --within 10 "${@:2}"
}

# [TableStatus, IndexStatus, Backfilling] of an index; the last two are null when there is none.
state() { # TABLE INDEX
	post DescribeTable "{\"TableName\":\"$1\"}" | jq -c --arg x "$2" '.Table | [.TableStatus,
		((.GlobalSecondaryIndexes // [])[] | select(.IndexName == $x) | .IndexStatus, .Backfilling)]'
}

index_is() { # TABLE INDEX STATE
	[ "$(state "$1" "$2")" = "$3" ]
}

# Follow an index until it is in a state: each state that it is seen in is a line of $BATS_TEST_TMPDIR/states.
follow() { # SECONDS TABLE INDEX STATE
	local end=$((SECONDS + $1)) now=
	: >"$BATS_TEST_TMPDIR/states"
	until [ "$now" = "$4" ]; do
		[ "$SECONDS" -lt "$end" ] || { echo "not within $1 s: $4; last $now"; return 1; }
		now=$(state "$2" "$3")
		[ "$(tail -n 1 "$BATS_TEST_TMPDIR/states")" = "$now" ] || echo "$now" >>"$BATS_TEST_TMPDIR/states"
	done
}

seen() { # STATE
	grep -qxF "$1" "$BATS_TEST_TMPDIR/states"
}

# "GROUP TABLE" of every group that any node has, by their numbers; fails if a node does not answer.
groups_on_nodes() {
	local zone
	for zone in a b c; do
		"$SAY" "$DDB_HOME" tool "unix:run/node-$zone.sock" 'node_status{}' >"$BATS_TEST_TMPDIR/groups.$zone" || return 1
		grep -q '^node_state{' "$BATS_TEST_TMPDIR/groups.$zone" || return 1
	done
	cat "$BATS_TEST_TMPDIR"/groups.[abc] | sed -nE 's/^ *group_state\{group=([0-9]+) table=([0-9]+) .*/\1 \2/p' | sort -nu
}
