# TransactWriteItems and TransactGetItems: several items of several tables, all or none, and what is refused.
# Where a message could not be confirmed against the service, the line says so.
load helpers
load bank
shared_cluster

setup_file() {
	cluster_start
	bank_open
}

K() { # KEY
	echo "{\"pk\":{\"S\":\"$1\"}}"
}

put() { # TABLE KEY [MEMBERS]
	echo "{\"Put\":{\"TableName\":\"$1\",\"Item\":{\"pk\":{\"S\":\"$2\"},\"v\":{\"N\":\"1\"}}${3:+,$3}}}"
}

update() { # TABLE KEY EXPRESSION VALUES [MEMBERS]
	echo "{\"Update\":{\"TableName\":\"$1\",\"Key\":$(K "$2"),\"UpdateExpression\":\"$3\",\"ExpressionAttributeValues\":$4${5:+,$5}}}"
}

del() { # TABLE KEY [MEMBERS]
	echo "{\"Delete\":{\"TableName\":\"$1\",\"Key\":$(K "$2")${3:+,$3}}}"
}

check() { # TABLE KEY CONDITION [MEMBERS]
	echo "{\"ConditionCheck\":{\"TableName\":\"$1\",\"Key\":$(K "$2"),\"ConditionExpression\":\"$3\"${4:+,$4}}}"
}

get() { # TABLE KEY [MEMBERS]
	echo "{\"Get\":{\"TableName\":\"$1\",\"Key\":$(K "$2")${3:+,$3}}}"
}

items() { # ELEMENT...
	local IFS=,
	echo "\"TransactItems\":[$*]"
}

write_all() { # ELEMENT...
	post TransactWriteItems "{$(items "$@")}"
}

read_all() { # ELEMENT...
	post TransactGetItems "{$(items "$@")}"
}

value() { # TABLE KEY: of v, strongly consistent
	post GetItem "{\"TableName\":\"$1\",\"Key\":$(K "$2"),\"ConsistentRead\":true}" | jq -r '.Item.v | if . then .[] else "-" end'
}

refused() { # OPERATION BODY TYPE MESSAGE
	run -0 post "$1" "$2"
	assert_equal "$(jq -r '(.__type | sub(".*#"; "")) + ": " + (.message // .Message)' <<<"$output")" "$3: $4"
}

invalid() { # OPERATION BODY MESSAGE
	refused "$1" "$2" ValidationException "$3"
}

cancelled() { # CODES BODY: a TransactWriteItems
	refused TransactWriteItems "$2" TransactionCanceledException \
		"Transaction cancelled, please refer cancellation reasons for specific reasons [$1]"
	assert_equal "$(jq -r '[.CancellationReasons[].Code] | join(", ")' <<<"$output")" "$1"
}

@test "transactions: all four kinds in two tables, and what they cost" {
	run -0 write_all "$(put even p1)" "$(put odd p2)"
	assert_output '{}'
	run -0 post TransactWriteItems "{$(items "$(put even new1)" "$(update odd p2 'SET v = v + :x, w = :x' '{":x":{"N":"41"}}')" \
		"$(del even p1 '"ConditionExpression":"v = :o","ExpressionAttributeValues":{":o":{"N":"1"}}')" \
		"$(check odd none 'attribute_not_exists(pk)')"),\"ReturnConsumedCapacity\":\"TOTAL\",\"ReturnItemCollectionMetrics\":\"SIZE\"}"
	assert_equal "$(jq -c '.ConsumedCapacity' <<<"$output")" \
		'[{"TableName":"even","CapacityUnits":4,"WriteCapacityUnits":4},{"TableName":"odd","CapacityUnits":4,"WriteCapacityUnits":4}]'
	assert_equal "$(value even new1) $(value odd p2) $(value even p1) $(value odd none)" '1 42 - -'
	run -0 post TransactWriteItems "{$(items "$(put arn:aws:dynamodb:us-east-1:000000000000:table/even arn)"),\"ReturnConsumedCapacity\":\"INDEXES\"}"
	assert_equal "$(jq -c '.ConsumedCapacity' <<<"$output")" \
		'[{"TableName":"even","CapacityUnits":2,"WriteCapacityUnits":2,"Table":{"CapacityUnits":2,"WriteCapacityUnits":2}}]'
	assert_equal "$(value even arn)" 1
}

@test "transactions: reading keeps the order, leaves out what is not there, and projects" {
	write_all "$(put even r1)" "$(put odd r2)"
	run -0 post TransactGetItems "{$(items "$(get odd r2)" "$(get even none)" \
		"$(get even r1 '"ProjectionExpression":"#v","ExpressionAttributeNames":{"#v":"v"}')" \
		"$(get even r2)"),\"ReturnConsumedCapacity\":\"TOTAL\"}"
	assert_equal "$(jq -c .Responses <<<"$output")" '[{"Item":{"pk":{"S":"r2"},"v":{"N":"1"}}},{},{"Item":{"v":{"N":"1"}}},{}]'
	assert_equal "$(jq -c '[.ConsumedCapacity[] | [.TableName, .CapacityUnits, .ReadCapacityUnits]] | sort' <<<"$output")" \
		'[["even",6,6],["odd",2,2]]'
}

@test "transactions: one condition that fails undoes everything, with a reason a position" {
	write_all "$(put even c1)" "$(put odd c2)"
	cancelled 'None, ConditionalCheckFailed, None' "{$(items "$(put even c3)" \
		"$(check odd c2 'v > :x' '"ExpressionAttributeValues":{":x":{"N":"5"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"')" \
		"$(del even c1)")}"
	assert_equal "$(jq -c '.CancellationReasons' <<<"$output")" '[{"Code":"None"},{"Code":"ConditionalCheckFailed",'` \
		`'"Message":"The conditional request failed","Item":{"pk":{"S":"c2"},"v":{"N":"1"}}},{"Code":"None"}]'
	assert_equal "$(value even c1) $(value even c3)" '1 -'
	cancelled 'ConditionalCheckFailed, ConditionalCheckFailed' "{$(items \
		"$(put even c1 '"ConditionExpression":"attribute_not_exists(pk)"')" "$(del odd none '"ConditionExpression":"attribute_exists(pk)"')")}"
	assert_equal "$(jq -c '[.CancellationReasons[] | has("Item")]' <<<"$output")" '[false,false]'
	# Locks are gone with the answer.
	write_all "$(put even c1)" "$(put even c3)" "$(del odd c2)" | grep -qx '{}'
}

@test "transactions: an update that cannot be is a ValidationError" {
	jq -nc '{TableName: "even", Item: {pk: {S: "u1"}, v: {S: ("x" * 300000)}}}' >"$BATS_TEST_TMPDIR/in"
	post PutItem "@$BATS_TEST_TMPDIR/in"
	jq -nc '{TransactItems: [{Put: {TableName: "odd", Item: {pk: {S: "u2"}}}}, {Update: {TableName: "even", Key: {pk: {S: "u1"}},
		UpdateExpression: "SET w = :b", ExpressionAttributeValues: {":b": {S: ("x" * 110000)}}}}]}' >"$BATS_TEST_TMPDIR/big"
	cancelled 'None, ValidationError' "@$BATS_TEST_TMPDIR/big"
	assert_equal "$(jq -r '.CancellationReasons[1].Message' <<<"$output")" 'Item size to update has exceeded the maximum allowed size'
	cancelled 'ValidationError' "{$(items "$(update even u1 'SET v = v + :x' '{":x":{"N":"1"}}')")}"
	assert_equal "$(jq -r '.CancellationReasons[0].Message' <<<"$output")" 'An operand in the update expression has an incorrect data type'
	cancelled 'ValidationError' "{$(items "$(update even none 'SET v = w' '{":x":{"N":"1"}}' | sed 's/,"ExpressionAttributeValues":.*}}/}}/')")}"
	assert_equal "$(jq -r '.CancellationReasons[0].Message' <<<"$output")" \
		'The provided expression refers to an attribute that does not exist in the item'
	assert_equal "$(value odd u2)" -
}

@test "transactions: a token makes the same request one" {
	local body i pids=()
	body="{$(items "$(update even t1 'ADD v :x' '{":x":{"N":"1"}}')" "$(update odd t2 'ADD v :x' '{":x":{"N":"1"}}')"),\"ClientRequestToken\":\"$BATS_TEST_NUMBER-token\""
	run -0 post TransactWriteItems "$body}"
	assert_output '{}'
	run -0 post TransactWriteItems "$body}"
	assert_output '{}'
	run -0 post TransactWriteItems "$body,\"ReturnConsumedCapacity\":\"TOTAL\"}"
	assert_equal "$(jq -c '[.ConsumedCapacity[] | [.CapacityUnits, .ReadCapacityUnits, .WriteCapacityUnits]]' <<<"$output")" '[[2,2,null],[2,2,null]]'
	assert_equal "$(value even t1) $(value odd t2)" '1 1'
	refused TransactWriteItems "{$(items "$(put even t1)"),\"ClientRequestToken\":\"$BATS_TEST_NUMBER-token\"}" \
		IdempotentParameterMismatchException "DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used."
	# What was cancelled left nothing: the token is free.
	cancelled ConditionalCheckFailed "{$(items "$(check even none 'attribute_exists(pk)')"),\"ClientRequestToken\":\"$BATS_TEST_NUMBER-other\"}"
	run -0 post TransactWriteItems "{$(items "$(put even t3)"),\"ClientRequestToken\":\"$BATS_TEST_NUMBER-other\"}"
	assert_output '{}'
	# Many at once under one token change the item once.
	body="{$(items "$(update even t4 'ADD v :x' '{":x":{"N":"1"}}')" "$(put odd t4)"),\"ClientRequestToken\":\"$BATS_TEST_NUMBER-many\"}"
	for i in 1 2 3 4 5 6 7 8; do
		post TransactWriteItems "$body" -w '\n' >"$BATS_TEST_TMPDIR/many-$i" &
		pids[i]=$!
	done
	wait "${pids[@]}"
	run ! grep -hEv '^(\{\}|.*TransactionInProgressException.*)$' "$BATS_TEST_TMPDIR"/many-*
	assert_equal "$(value even t4)" 1
}

@test "transactions: what is malformed is refused before anything is done" {
	local one='1 validation error detected: Value'
	invalid TransactWriteItems '{}' "$one null at 'transactItems' failed to satisfy constraint: Member must not be null"
	invalid TransactGetItems '{"TransactItems":[]}' \
		"$one '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"
	invalid TransactWriteItems "{$(items "$(put even x)"),\"ClientRequestToken\":\"$(head -c 37 /dev/zero | tr '\0' x)\"}" \
		"$one '$(head -c 37 /dev/zero | tr '\0' x)' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36"
	invalid TransactWriteItems "{$(items '{"Update":{"TableName":"even"}}')}" "2 validation errors detected: Value null at 'transactItems.1.member.update.key' failed to satisfy constraint: Member must not be null; Value null at 'transactItems.1.member.update.updateExpression' failed to satisfy constraint: Member must not be null"
	invalid TransactWriteItems "{$(items '{"Put":{"TableName":"even","Item":{"pk":{"S":"x"}}},"Delete":{"TableName":"even","Key":{"pk":{"S":"y"}}}}')}" \
		'TransactItems can only contain one of Check, Put, Update or Delete'
	invalid TransactWriteItems "{$(items '{}')}" 'Invalid Request: TransactWriteRequest should contain Delete or Put or Update request' # unconfirmed
	invalid TransactWriteItems "{$(items "$(put even x)" "$(check even x 'attribute_exists(pk)')")}" \
		'Transaction request cannot include multiple operations on one item'
	invalid TransactGetItems "{$(items "$(get even x)" "$(get even x)")}" 'Transaction request cannot include multiple operations on one item'
	invalid TransactWriteItems "{$(items "$(put even '')")}" \
		'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk'
	invalid TransactWriteItems "{$(items "$(check even x 'a = ')")}" 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'
	invalid TransactWriteItems "{$(items "$(del even x '"ConditionExpression":"a = :a"')")}" \
		'Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :a'
	invalid TransactWriteItems "{$(items "$(update even x 'SET pk = :x' '{":x":{"S":"y"}}')")}" \
		'One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key'
	refused TransactWriteItems "{$(items "$(put even x)" "$(put no-such x)")}" ResourceNotFoundException 'Requested resource not found'
	refused TransactGetItems "{$(items "$(get no-such x)")}" ResourceNotFoundException 'Requested resource not found'
	cancelled 'None, ValidationError' "{$(items "$(put even x)" '{"Delete":{"TableName":"even","Key":{"pk":{"N":"1"}}}}')}"
	assert_equal "$(jq -r '.CancellationReasons[1].Message' <<<"$output")" 'The provided key element does not match the schema'
	assert_equal "$(value even x)" -
}

@test "transactions: a hundred items and 4 MB, and not more" {
	jq -nc '{TransactItems: [range(100) | {Put: {TableName: (if . % 2 == 0 then "even" else "odd" end), Item: {pk: {S: "h\(.)"}}}}]}' >"$BATS_TEST_TMPDIR/in"
	run -0 post TransactWriteItems "@$BATS_TEST_TMPDIR/in"
	assert_output '{}'
	jq -nc '{TransactItems: [range(100) | {Get: {TableName: (if . % 2 == 0 then "even" else "odd" end), Key: {pk: {S: "h\(.)"}}}}]}' >"$BATS_TEST_TMPDIR/in"
	run -0 post TransactGetItems "@$BATS_TEST_TMPDIR/in"
	assert_equal "$(jq '[.Responses[].Item] | length' <<<"$output")" 100
	jq -nc '{TransactItems: [range(101) | {Put: {TableName: "even", Item: {pk: {S: "h\(.)"}}}}]}' >"$BATS_TEST_TMPDIR/in"
	invalid TransactWriteItems "@$BATS_TEST_TMPDIR/in" \
		"1 validation error detected: Value '[...]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100"
	jq -nc '("x" * 400000) as $v | {TransactItems: [range(10) | {Put: {TableName: "even", Item: {pk: {S: "b\(.)"}, v: {S: $v}}}}]}' >"$BATS_TEST_TMPDIR/in"
	for _ in 1 2; do                                     # the second time with old items as large
		run -0 post TransactWriteItems "@$BATS_TEST_TMPDIR/in"
		assert_output '{}'
	done
	jq -nc '{TransactItems: [range(10) | {Get: {TableName: "even", Key: {pk: {S: "b\(.)"}}}}]}' >"$BATS_TEST_TMPDIR/in"
	run -0 post TransactGetItems "@$BATS_TEST_TMPDIR/in"
	assert_equal "$(jq '[.Responses[].Item.v.S | length] | add' <<<"$output")" 4000000
	jq -nc '("x" * 400000) as $v | {TransactItems: [range(11) | {Put: {TableName: "even", Item: {pk: {S: "b\(.)"}, v: {S: $v}}}}]}' >"$BATS_TEST_TMPDIR/in"
	invalid TransactWriteItems "@$BATS_TEST_TMPDIR/in" 'Transaction request size cannot exceed 4194304 bytes' # unconfirmed
}

@test "transactions: nobody sees the ledger" {
	run -0 write_all "$(put even l1)"
	run -0 post ListTables '{}'
	refute_output --partial ledger
	for op in DescribeTable DeleteTable Scan; do
		run -0 post $op '{"TableName":"#ledger"}'
		assert_equal "$(jq -r '.__type' <<<"$output")" 'com.amazon.coral.validate#ValidationException'
	done
	run -0 post GetItem '{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/#ledger","Key":{"pk":{"S":"x"}}}'
	assert_output --partial ValidationException
	run -0 post ListTagsOfResource '{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/#ledger"}'
	assert_output --partial ValidationException
	run -0 post BatchGetItem '{"RequestItems":{"#ledger":{"Keys":[{"pk":{"S":"x"}}]}}}'
	assert_output --partial ValidationException
}

@test "transactions: eight clients move money, and the total never changes" {
	local i pids=()
	bank_auditor "$BATS_TEST_TMPDIR/end" >"$BATS_TEST_TMPDIR/audit" &
	local auditor=$!
	for i in 1 2 3 4 5 6 7 8; do
		bank_client "bank-$i" 25 >"$BATS_TEST_TMPDIR/client-$i" &
		pids[i]=$!
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait "${pids[i]}"
	done
	touch "$BATS_TEST_TMPDIR/end"
	wait $auditor
	# Nothing but success and contention.
	run -1 grep -hvxF '{}' <(grep -hv TransactionCanceledException "$BATS_TEST_TMPDIR"/client-*)
	run ! grep -hE 'ValidationError|ConditionalCheckFailed' "$BATS_TEST_TMPDIR"/client-*
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/client-* | grep -cxF '{}')" 200
	assert_equal "$(bank_read)" "$((ACCOUNTS * START)) 200"
}
