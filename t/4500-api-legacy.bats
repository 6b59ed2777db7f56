# The parameters that came before expressions, from the request to the stored item.
load helpers
shared_cluster

setup_file() {
	cluster_start
	post CreateTable '{"TableName":"hash","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}'
	post CreateTable '{"TableName":"both","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],"BillingMode":"PAY_PER_REQUEST"}'
	wait_for active hash
	wait_for active both
	for k in a b; do
		post BatchWriteItem "$(jq -nc --arg k $k '{RequestItems: {both: [range(1; 21) | {PutRequest: {Item:
			{pk: {S: $k}, sk: {N: tostring}, third: {N: (. % 3 | tostring)}, v: {S: ("x" * .)}}}}]}}')"
	done
}

refused() { # TYPE MESSAGE
	assert_equal "$(jq -r '[(.__type | sub(".*#"; "")), .message] | join(": ")' <<<"$output")" "$1: $2"
}

invalid() {
	refused ValidationException "$1"
}

failed() {
	refused ConditionalCheckFailedException 'The conditional request failed'
}

stored() { # KEY: the item without its key
	post GetItem "{\"TableName\":\"hash\",\"Key\":{\"pk\":{\"S\":\"$1\"}},\"ConsistentRead\":true}" | jq -cS '.Item | select(.) | del(.pk)'
}

OPV='One or more parameter values were invalid:'

@test "legacy: Expected guards a put, in both of its forms" {
	put() {
		post PutItem "{\"TableName\":\"hash\",\"Item\":{\"pk\":{\"S\":\"exp\"},\"v\":{\"N\":\"$1\"}},$2}"
	}
	run -0 put 1 '"Expected":{"pk":{"Exists":false}}'
	assert_output '{}'
	run -0 put 2 '"Expected":{"pk":{"Exists":false}}'
	failed
	run -0 put 2 '"Expected":{"v":{"Value":{"N":"1.0"}}}'
	assert_output '{}'
	run -0 put 3 '"Expected":{"v":{"ComparisonOperator":"LT","AttributeValueList":[{"N":"2"}]}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"'
	failed
	assert_equal "$(jq -c .Item <<<"$output")" '{"pk":{"S":"exp"},"v":{"N":"2"}}'
	run -0 put 3 '"Expected":{"v":{"ComparisonOperator":"LE","AttributeValueList":[{"N":"2"}]},"w":{"ComparisonOperator":"NULL"}}'
	assert_output '{}'
	run -0 put 4 '"Expected":{"v":{"Value":{"N":"9"}},"w":{"Exists":false}}'
	failed
	run -0 put 4 '"Expected":{"v":{"Value":{"N":"9"}},"w":{"Exists":false}},"ConditionalOperator":"OR"'
	assert_output '{}'
	assert_equal "$(stored exp)" '{"v":{"N":"4"}}'
	run -0 post DeleteItem '{"TableName":"hash","Key":{"pk":{"S":"exp"}},"Expected":{"v":{"Value":{"N":"3"}}}}'
	failed
	run -0 post DeleteItem '{"TableName":"hash","Key":{"pk":{"S":"exp"}},"Expected":{"v":{"Value":{"N":"4"},"Exists":true}},"ReturnValues":"ALL_OLD"}'
	assert_output '{"Attributes":{"pk":{"S":"exp"},"v":{"N":"4"}}}'
}

@test "legacy: AttributeUpdates and what they return" {
	up() { # UPDATES [MORE]
		post UpdateItem "{\"TableName\":\"hash\",\"Key\":{\"pk\":{\"S\":\"up\"}},\"AttributeUpdates\":{$1}${2:-}}"
	}
	run -0 up '"n":{"Action":"ADD","Value":{"N":"1.5"}},"s":{"Action":"ADD","Value":{"SS":["a","b"]}},"l":{"Action":"ADD","Value":{"L":[{"S":"x"}]}},"size.of":{"Value":{"S":"v"}}' \
		',"ReturnValues":"ALL_NEW"'
	assert_equal "$(jq -cS '.Attributes | .s.SS |= sort' <<<"$output")" \
		'{"l":{"L":[{"S":"x"}]},"n":{"N":"1.5"},"pk":{"S":"up"},"s":{"SS":["a","b"]},"size.of":{"S":"v"}}'
	run -0 up '"n":{"Action":"ADD","Value":{"N":"1"}},"s":{"Action":"DELETE","Value":{"SS":["a","z"]}}' ',"ReturnValues":"UPDATED_NEW"'
	assert_equal "$(jq -cS .Attributes <<<"$output")" '{"n":{"N":"2.5"},"s":{"SS":["b"]}}'
	run -0 up '"l":{"Action":"ADD","Value":{"L":[{"S":"y"}]}},"s":{"Action":"DELETE","Value":{"SS":["b"]}}' ',"ReturnValues":"UPDATED_OLD"'
	assert_equal "$(jq -cS .Attributes <<<"$output")" '{"l":{"L":[{"S":"x"}]},"s":{"SS":["b"]}}'
	run -0 up '"size.of":{"Action":"DELETE"}' ',"ReturnValues":"UPDATED_NEW"'
	assert_output '{}'
	assert_equal "$(stored up)" '{"l":{"L":[{"S":"x"},{"S":"y"}]},"n":{"N":"2.5"}}'
	run -0 up '"l":{"Action":"ADD","Value":{"N":"1"}}'
	invalid 'Type mismatch for attribute to update'
	run -0 up '"n":{"Action":"DELETE","Value":{"NS":["1"]}}'
	invalid 'Type mismatch for attribute to update'
	run -0 up '"n":{"Value":{"N":"7"}}' ',"Expected":{"n":{"Value":{"N":"3"}}}'
	failed
	run -0 up '"pk":{"Value":{"S":"x"}}'
	invalid "$OPV Cannot update attribute pk. This attribute is part of the key"
}

@test "legacy: an update that only deletes makes no item, one of nothing does" {
	run -0 post UpdateItem '{"TableName":"hash","Key":{"pk":{"S":"none"}},"AttributeUpdates":{"a":{"Action":"DELETE"},"b":{"Action":"DELETE","Value":{"SS":["x"]}}},"ReturnValues":"ALL_NEW"}'
	assert_output '{}'
	run -0 post GetItem '{"TableName":"hash","Key":{"pk":{"S":"none"}},"ConsistentRead":true}'
	assert_output '{}'
	run -0 post UpdateItem '{"TableName":"hash","Key":{"pk":{"S":"none"}},"AttributeUpdates":{}}'
	assert_output '{}'
	run -0 post GetItem '{"TableName":"hash","Key":{"pk":{"S":"none"}},"ConsistentRead":true}'
	assert_output '{"Item":{"pk":{"S":"none"}}}'
}

# The sort keys that came, in their order, and how many were looked at.
found() {
	jq -c '[[.Items[].sk.N | tonumber], .ScannedCount]' <<<"$output"
}

@test "legacy: KeyConditions and QueryFilter" {
	query() { # SORT-KEY-CONDITION [MORE]
		post Query "{\"TableName\":\"both\",\"ConsistentRead\":true,\"KeyConditions\":{\"pk\":{\"ComparisonOperator\":\"EQ\",\"AttributeValueList\":[{\"S\":\"b\"}]}${1:+,\"sk\":$1}}${2:-}}"
	}
	while IFS='|' read -r op values want; do
		run -0 query "{\"ComparisonOperator\":\"$op\",\"AttributeValueList\":[$values]}"
		assert_equal "$op: $(found)" "$op: $want"
	done <<-'EOF'
		EQ|{"N":"7"}|[[7],1]
		LT|{"N":"3"}|[[1,2],2]
		LE|{"N":"3"}|[[1,2,3],3]
		GT|{"N":"18"}|[[19,20],2]
		GE|{"N":"18"}|[[18,19,20],3]
		BETWEEN|{"N":"4"},{"N":"6"}|[[4,5,6],3]
	EOF
	run -0 query '' ',"QueryFilter":{"third":{"ComparisonOperator":"EQ","AttributeValueList":[{"N":"0"}]}},"ScanIndexForward":false'
	assert_equal "$(found)" '[[18,15,12,9,6,3],20]'
	run -0 query '' ',"QueryFilter":{"third":{"ComparisonOperator":"IN","AttributeValueList":[{"N":"0"}]},"v":{"ComparisonOperator":"BEGINS_WITH","AttributeValueList":[{"S":"xxxxxxxxxxxxxxxxxxx"}]}},"ConditionalOperator":"OR","AttributesToGet":["sk"]'
	assert_equal "$(found)" '[[3,6,9,12,15,18,19,20],20]'
	assert_equal "$(jq -c '.Items[0]' <<<"$output")" '{"sk":{"N":"3"}}'
	run -0 query '' ',"FilterExpression":"third = :m","ProjectionExpression":"sk","ExpressionAttributeValues":{":m":{"N":"2"}},"Limit":5'
	assert_equal "$(found)" '[[2,5],5]'
	run -0 query '' ',"QueryFilter":{"third":{"ComparisonOperator":"NOT_NULL"}},"Select":"COUNT"'
	assert_equal "$(jq -c '[.Count, .Items]' <<<"$output")" '[20,null]'
	run -0 query '' ',"QueryFilter":{"sk":{"ComparisonOperator":"NOT_NULL"}}'
	invalid 'QueryFilter can only contain non-primary key attributes: Primary key attribute: sk'
	run -0 query '{"ComparisonOperator":"NE","AttributeValueList":[{"N":"7"}]}'
	invalid 'Attempted conditional constraint is not an indexable operation'
}

@test "legacy: ScanFilter" {
	scan() {
		post Scan "{\"TableName\":\"both\",\"ConsistentRead\":true,$1}"
	}
	run -0 scan '"ScanFilter":{"sk":{"ComparisonOperator":"LE","AttributeValueList":[{"N":"2"}]},"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}}'
	assert_equal "$(found)" '[[1,2],40]'
	run -0 scan '"ScanFilter":{"v":{"ComparisonOperator":"CONTAINS","AttributeValueList":[{"S":"xxxxxxxxxxxxxxxxxxxx"}]},"no":{"ComparisonOperator":"NOT_NULL"}},"ConditionalOperator":"OR","AttributesToGet":["pk"]'
	assert_equal "$(jq -c '[.Items | sort[].pk.S]' <<<"$output")" '["a","b"]'
	run -0 scan '"ScanFilter":{"v":{"ComparisonOperator":"NOT_CONTAINS","AttributeValueList":[{"S":"xx"}]}},"Select":"COUNT"'
	assert_equal "$(jq -c '[.Count, .ScannedCount]' <<<"$output")" '[2,40]'
}

@test "legacy: mistakes are told before the table is looked for, and mixtures before them" {
	run -0 post PutItem '{"TableName":"gone","Item":{"pk":{"S":"x"}},"Expected":{"a":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"1"}]}}}'
	invalid "$OPV Invalid number of argument(s) for the BETWEEN ComparisonOperator"
	run -0 post PutItem '{"TableName":"gone","Item":{"pk":{"S":"x"}},"Expected":{"a":{"Value":{"N":"1"}}}}'
	refused ResourceNotFoundException 'Requested resource not found'
	run -0 post UpdateItem '{"TableName":"gone","Key":{"pk":{"S":"x"}},"AttributeUpdates":{"a":{"Action":"ADD"}},"ConditionalOperator":"OR","ConditionExpression":"-"}'
	invalid 'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates, ConditionalOperator} Expression parameters: {ConditionExpression}'
	run -0 post Scan '{"TableName":"gone","ConditionalOperator":"AND"}'
	invalid 'ConditionalOperator cannot be used without Filter or Expected'
	run -0 post BatchGetItem '{"RequestItems":{"hash":{"Keys":[{"pk":{"S":"x"}}],"AttributesToGet":["a","a"]}}}'
	invalid "$OPV Duplicate value in attribute name: a"
}

@test "legacy: thousands of conditions are one condition" {
	jq -nc '{TableName: "hash", Item: {pk: {S: "many"}}, Expected: ([range(2048) | {key: "a\(.)", value:
		{ComparisonOperator: "NE", AttributeValueList: [{S: "x"}]}}] | from_entries)}' >"$BATS_TEST_TMPDIR/many"
	run -0 post PutItem "@$BATS_TEST_TMPDIR/many"
	assert_output '{}'
	jq -c '.Expected.a1024.ComparisonOperator = "EQ"' "$BATS_TEST_TMPDIR/many" >"$BATS_TEST_TMPDIR/one"
	run -0 post PutItem "@$BATS_TEST_TMPDIR/one"
	failed
}
