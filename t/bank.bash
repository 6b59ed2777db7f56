# bank.bash: accounts in two tables, and clients that move money between them; what there is in all never changes.

ACCOUNTS=16 START=1000

table_make() { # NAME
	post CreateTable "{\"TableName\":\"$1\",\"BillingMode\":\"PAY_PER_REQUEST\",
		\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}],
		\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}]}" >/dev/null
	wait_for active "$1"
}

bank_table() { # ACCOUNT
	[ $(($1 % 2)) -eq 0 ] && echo even || echo odd
}

bank_open() {
	local i
	table_make even
	table_make odd
	for ((i = 0; i < ACCOUNTS; i++)); do
		post PutItem "{\"TableName\":\"$(bank_table $i)\",\"Item\":{\"pk\":{\"S\":\"a$i\"},\"v\":{\"N\":\"$START\"},\"n\":{\"N\":\"0\"}}}"
	done >/dev/null
}

# transfer FROM TO AMOUNT TOKEN: one request; n counts how often an account was paid from.
transfer() {
	post TransactWriteItems "{\"ClientRequestToken\":\"$4\",\"TransactItems\":[
		{\"Update\":{\"TableName\":\"$(bank_table "$1")\",\"Key\":{\"pk\":{\"S\":\"a$1\"}},\"ConditionExpression\":\"v >= :m\",
			\"UpdateExpression\":\"SET v = v - :m, n = n + :one\",
			\"ExpressionAttributeValues\":{\":m\":{\"N\":\"$3\"},\":one\":{\"N\":\"1\"}}}},
		{\"Update\":{\"TableName\":\"$(bank_table "$2")\",\"Key\":{\"pk\":{\"S\":\"a$2\"}},
			\"UpdateExpression\":\"SET v = v + :m\",\"ExpressionAttributeValues\":{\":m\":{\"N\":\"$3\"}}}}]}" --max-time 15 2>&1
}

# bank_client NAME TIMES: so many transfers that are carried out, each asked for under its token until it is.
# Prints one line an answer.
bank_client() {
	local i from to answer tries
	for ((i = 0; i < $2; i++)); do
		from=$((RANDOM % ACCOUNTS)) to=$(((from + 1 + RANDOM % (ACCOUNTS - 1)) % ACCOUNTS))
		for ((tries = 0; tries < 600; tries++)); do
			answer=$(transfer $from $to 1 "$1-$i") || :  # nobody may be there
			[ "$answer" != '{}' ] || break
			[ "${3:-}" = patient ] && sleep 0.05
			echo "$answer"
		done
		echo "$answer"
	done
}

# All accounts at one moment; prints "TOTAL PAYMENTS", or the refusal.
bank_read() {
	local items
	items=$(for ((i = 0; i < ACCOUNTS; i++)); do
		echo "{\"Get\":{\"TableName\":\"$(bank_table $i)\",\"Key\":{\"pk\":{\"S\":\"a$i\"}}}}"
	done | paste -sd,)
	post TransactGetItems "{\"TransactItems\":[$items]}" --max-time 15 2>/dev/null |
		jq -r 'if .Responses then "\([.Responses[].Item.v.N | tonumber] | add) \([.Responses[].Item.n.N | tonumber] | add)" else .__type end'
}

# Reads until FILE is there, and once more; fails if it ever saw another total.
bank_auditor() { # FILE
	local seen=0 answer
	until [ -e "$1" ] && [ $seen -gt 0 ]; do
		answer=$(bank_read) || :
		case $answer in
		"$((ACCOUNTS * START)) "*) seen=$((seen + 1)) ;;
		[0-9]*)
			echo "the total is $answer"
			return 1
			;;
		esac
	done
	echo "audited $seen times"
}
