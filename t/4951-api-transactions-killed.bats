# Transactions whose coordinator, or whose partitions' leaders, die: all or nothing all the same, and no lock stays.
load helpers
load bank

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

plain() { # TABLE KEY: a plain write to an item
	post UpdateItem "{\"TableName\":\"$1\",\"Key\":{\"pk\":{\"S\":\"$2\"}},\"UpdateExpression\":\"SET touched = :t\",
		\"ExpressionAttributeValues\":{\":t\":{\"N\":\"1\"}}}"
}

writable() {
	plain "$1" "$2" | grep -qx '{}'
}

value() { # TABLE KEY
	post GetItem "{\"TableName\":\"$1\",\"Key\":{\"pk\":{\"S\":\"$2\"}},\"ConsistentRead\":true}" | jq -r '.Item.v.N // "-"'
}

both() { # KEY TOKEN: adds 1 to two items
	post TransactWriteItems "{\"ClientRequestToken\":\"$2\",\"TransactItems\":[
		{\"Update\":{\"TableName\":\"even\",\"Key\":{\"pk\":{\"S\":\"$1\"}},\"UpdateExpression\":\"ADD v :x\",
			\"ExpressionAttributeValues\":{\":x\":{\"N\":\"1\"}}}},
		{\"Update\":{\"TableName\":\"odd\",\"Key\":{\"pk\":{\"S\":\"$1\"}},\"UpdateExpression\":\"ADD v :x\",
			\"ExpressionAttributeValues\":{\":x\":{\"N\":\"1\"}}}}]}"
}

succeeds() {
	[ "$(both "$1" "$2")" = '{}' ]
}

# Until a plain write to both items is taken: ms.
locked_for() { # KEY
	local began
	began=$(now_ms)
	wait_for writable even "$1"
	wait_for writable odd "$1"
	echo $(($(now_ms) - began))
}

bank_with() { # NUISANCE [TIMES]: clients work while it runs, again and again
	local i times=${2:-20} pids=()
	bank_auditor "$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/audit" &
	local auditor=$!
	for i in 1 2 3 4 5 6 7 8; do
		bank_client "bank-$i" "$times" patient >"$BATS_TEST_TMPDIR/client-$i" &
		pids[i]=$!
	done
	"$1"
	for i in 1 2 3 4 5 6 7 8; do
		wait "${pids[i]}"
	done
	touch "$BATS_TEST_TMPDIR/end"
	wait $auditor
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/client-* | grep -cxF '{}')" $((8 * times))
	settled() {
		[ "$(bank_read)" = "$((ACCOUNTS * START)) $((8 * times))" ]
	}
	wait_for settled
}

@test "transactions: a coordinator that stops between two steps leaves nothing half done, and no lock for 5 s" {
	local step
	for step in begun prepared committed finished; do
		export DDB_FAULT=tx.$step:EIO:2              # the second transaction gets so far and no further
		cluster_start
		table_make even
		table_make odd
		succeeds first first
		run -0 both k token
		assert_output --partial InternalServerError
		case $step in
		prepared | committed)
			assert_equal "$(plain even k | jq -r '(.__type | sub(".*#"; "")) + ": " + .message')" \
				'TransactionConflictException: Transaction is ongoing for the item'
			run -0 both k another
			assert_output --partial '[TransactionConflict, TransactionConflict]'
			assert_equal "$(value even k) $(value odd k)" '- -'
			;;
		esac
		run -0 locked_for k
		echo "# $step: locked for $output ms" >&3
		[ "$output" -le 5000 ]
		case $step in
		begun | prepared) assert_equal "$(value even k) $(value odd k)" '- -' ;;
		*) assert_equal "$(value even k) $(value odd k)" '1 1' ;;
		esac
		# Whoever has no answer asks again, under the same token.
		wait_for succeeds k token
		assert_equal "$(value even k) $(value odd k)" '1 1'
		run -0 both k token
		assert_output '{}'
		assert_equal "$(value even k) $(value odd k)" '1 1'
		cluster_stop
		temp_remove
	done
}

nobody() {
	! pgrep -f -- "--home $DDB_HOME --ready-fd"
}

@test "transactions: locks outlive kill -9 of everything, and are decided as the ledger says" {
	local step
	for step in prepared committed; do
		export DDB_FAULT=tx.$step:EIO:2
		cluster_start
		table_make even
		table_make odd
		succeeds first first
		run -0 both k token
		assert_output --partial InternalServerError
		# shellcheck disable=SC2046
		kill -9 "$(<"$DDB_HOME/ddb.pid")" $(pgrep -f -- "--home $DDB_HOME --ready-fd")
		wait_for nobody
		unset DDB_FAULT
		cluster_start
		wait_for value even first
		run -0 locked_for k
		echo "# $step: locked for $output ms" >&3
		[ "$output" -le 5000 ]
		case $step in
		prepared) assert_equal "$(value even k) $(value odd k)" '- -' ;;
		*) assert_equal "$(value even k) $(value odd k)" '1 1' ;;
		esac
		wait_for succeeds k token
		assert_equal "$(value even k) $(value odd k)" '1 1'
		cluster_stop
		temp_remove
	done
}

@test "transactions: routers die between two phases under load, and every transfer happens once" {
	# The seventeenth commit of each life is its last.
	export DDB_FAULT=tx.prepared:kill:23,tx.committed:kill:17
	cluster_start
	bank_open
	bank_with true
	run -0 grep -c 'fault tx' "$DDB_HOME/log/router.log"
	echo "# killed $output times" >&3
	[ "$output" -ge 3 ]
}

moved() { # TRANSFERS
	[ "$(cat "$BATS_TEST_TMPDIR"/client-* | grep -cxF '{}')" -ge "$1" ]
}

kill_leaders() {
	local i node
	for i in 1 2 3; do
		wait_for moved $((i * 30))
		node=$(ddb status --json | jq -r '[.cluster.tables[].partitions[].replicas[] | select(.role == "leader").node] | group_by(.) | max_by(length)[0]')
		kill -9 "$(pgrep -f -- "ddb-node --home $DDB_HOME .*--node $node")"
	done
}

@test "transactions: leaders die under load, and the total never changes" {
	cluster_start
	bank_open
	bank_with kill_leaders
}
