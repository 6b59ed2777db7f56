#!/usr/bin/env bats
# Secondary indexes that come and go while those who make them die: they come and go all the same, and are what the items say.
load helpers
load indexes

FILLED=(--pks 120 --sks 100)

teardown() {
	local rc=0 pid
	for pid in ${WRITER:-} ${OTHERS:-}; do
		kill -KILL "$pid" 2>/dev/null || :
	done
	[ -z "${FIRST:-}" ] || kill -CONT "$FIRST" 2>/dev/null || :
	[ -n "${BATS_TEST_COMPLETED:-}" ] || cluster_logs
	cluster_stop || rc=1
	temp_remove
	return $rc
}

pid_of() { # PROGRAM [NODE]
	pgrep -f -- "^([^ ]*/)?ddb-$1 --home $DDB_HOME ${2:+.*--node $2( |\$)}" | head -n 1
}

# Who is to die, looked up before it matters: sets DOOMED.
doom() { # autoadmin | node | leader | everything
	case $1 in
	autoadmin) DOOMED=$(pid_of autoadmin) ;;
	node) DOOMED=$(pid_of node b) ;;
	leader)
		DOOMED=$(pid_of node "$(ddb status --json | jq -r '[.cluster.tables[] | select(.name == "tab").partitions[].replicas[] |
			select(.role == "leader").node][0]')")
		;;
	everything) DOOMED="$(<"$DDB_HOME/ddb.pid") $(pgrep -f -- "--home $DDB_HOME --ready-fd" | xargs)" ;;
	esac
	[ -n "$DOOMED" ]
}

dead() {
	local pid
	for pid in $DOOMED; do
		is_dead "$pid" || return 1
	done
}

# Sets DIED, as the logs write times.
die() {
	# shellcheck disable=SC2086
	kill -9 $DOOMED
	DIED=$(date -u +%FT%T.%6NZ)
	wait_for dead
	[ "$(wc -w <<<"$DOOMED")" -eq 1 ] || cluster_start --port "$DDB_PORT"
}

# Did autoadmin say this after that death?
said_since() { # TEXT
	awk -v died="$DIED" -v text="$1" 'index($0, text) { at = $1 } END { exit !(at > died) }' "$DDB_HOME/log/autoadmin.log"
}

backfilling() {
	index_is tab "$1" '["UPDATING","CREATING",true]'
}

@test "indexes: whoever dies in the middle of a backfill, the index is made, and one that is dropped goes" {
	local victim middle=0
	cluster_start
	indexes create tab local-all global-all
	indexes fill tab "${FILLED[@]}"
	for victim in node leader everything; do        # t/6003 has autoadmin
		writing tab "${FILLED[@]}" --rate 200 --patient
		doom "$victim"
		indexes add tab global-some
		wait_for backfilling global-some
		die
		follow 40 tab global-some '["ACTIVE","ACTIVE",null]'
		! said_since 'index global-some is active' || middle=$((middle + 1))
		written
		run -0 equal tab --least 1000
		doom "$victim"
		indexes drop tab global-some
		die
		follow 40 tab global-some '["ACTIVE"]'
	done
	# Now and then somebody died too late.
	echo "$middle of 3 in the middle"
	[ "$middle" -ge 2 ]
	run -0 equal tab --least 1000
}

there_or_not() { # TABLE
	post DescribeTable "{\"TableName\":\"$1\"}" | jq -e '.Table.TableStatus == "ACTIVE" or (.__type // "" | endswith("ResourceNotFoundException"))'
}

@test "indexes: autoadmin dies while a table with indexes is made, which is there with all of them, or not at all" {
	local n made=0
	cluster_start
	for n in 1 2; do
		indexes create "tab$n" >"$BATS_TEST_TMPDIR/created" &
		creating=$!
		[ $((n % 2)) -eq 0 ] || wait_for eval "post DescribeTable '{\"TableName\":\"tab$n\"}' | grep -q CREATING"
		doom autoadmin
		die
		wait "$creating" || true
		wait_for there_or_not "tab$n"
		! active "tab$n" || made=$((made + 1))
		active "tab$n" || indexes create "tab$n"
		indexes write "tab$n" --count 60
		run -0 equal "tab$n"
		assert_equal "${#lines[@]}" 7
	done
	echo "$made of 2 were made"
	# Nothing is left of what was not made.
	assert_equal "$(groups_on_nodes | wc -l)" "$(ddb status --json | jq '1 + ([.cluster.tables[] | ., (.global_indexes // [])[] | .partitions[]] | length)')"
}

only_catalogue() { # GROUPS: nothing but these is left
	[ "$(groups_on_nodes)" = "$1" ]
}

@test "indexes: a table that is deleted takes the groups of its indexes along, though nodes die meanwhile" {
	local before
	cluster_start
	before=$(groups_on_nodes)
	indexes create tab
	indexes fill tab
	[ "$(groups_on_nodes | wc -l)" -ge "$(($(wc -l <<<"$before") + 20))" ]
	indexes drop tab global-many
	follow 20 tab global-many '["ACTIVE"]'
	kill -9 "$(pid_of node c)"
	post DeleteTable '{"TableName":"tab"}' >/dev/null
	doom autoadmin
	die
	wait_for only_catalogue "$before"
	run -0 ddb status --json
	run ! grep -q '"#' <<<"$output"
}

admin_active() { # SOCKET
	"$SAY" "$DDB_HOME" router "unix:run/$1.sock" 'admin{verb="list"}' | grep -q 'admin_done{result=0 '
}

@test "indexes: of three autoadmins another one finishes what the active one began" {
	local socket
	cluster_start
	FIRST=$(pid_of autoadmin)
	for socket in second third; do
		ddb-autoadmin --home "$DDB_HOME" --listen "unix:run/$socket.sock" --lease 1s 2>"$BATS_TEST_TMPDIR/$socket.log" 3>&- &
		OTHERS="${OTHERS:-} $!"
	done
	indexes create tab local-all
	indexes fill tab "${FILLED[@]}"
	indexes add tab global-all
	wait_for backfilling global-all
	kill -STOP "$FIRST"
	wait_for grep -q 'index global-all is active' "$BATS_TEST_TMPDIR"/second.log "$BATS_TEST_TMPDIR"/third.log
	kill -CONT "$FIRST"
	# shellcheck disable=SC2086
	kill -TERM $OTHERS
	wait_for index_is tab global-all '["ACTIVE","ACTIVE",null]'
	run -0 equal tab --least 1000
}
