# PutItem, GetItem, UpdateItem, DeleteItem.
load helpers
shared_cluster

setup_file() {
	cluster_start
	post CreateTable '{"TableName":"hash","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}'
	post CreateTable '{"TableName":"both","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"B"},{"AttributeName":"sk","AttributeType":"N"}],"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":5}}'
	wait_for active hash
	wait_for active both
}

refused() { # TYPE MESSAGE
	assert_equal "$(jq -r '[(.__type | sub(".*#"; "")), .message] | join(": ")' <<<"$output")" "$1: $2"
}

invalid() {
	refused ValidationException "$1"
}

OPV='One or more parameter values were invalid:'

@test "items: every type comes back as it went in, numbers in their plain form" {
	local item='{"pk":{"S":"types"},"b":{"B":"AAEC/w=="},"bs":{"BS":["AA==","AQ=="]},"e":{"S":""},"f":{"BOOL":false},"l":{"L":[{"S":"x"},{"L":[]},{"M":{}}]},"m":{"M":{"deep":{"M":{"er":{"N":"-1.5"}}}}},"n":{"N":"12345678901234567890123456789012345678"},"nil":{"NULL":true},"ns":{"NS":["-1","0","2.5"]},"s":{"S":"ü\" \\ \n €"},"ss":{"SS":["a","b"]},"t":{"BOOL":true},"z":{"S":"a\u0000b"},"z\u0000":{"SS":["\u0000"]}}'
	run -0 post PutItem "{\"TableName\":\"hash\",\"Item\":$item}"
	assert_output '{}'
	run -0 post GetItem '{"TableName":"hash","Key":{"pk":{"S":"types"}},"ConsistentRead":true}'
	assert_equal "$(jq -cS .Item <<<"$output")" "$(jq -cS . <<<"$item")"
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"numbers"},"a":{"N":"00042"},"b":{"N":"1.5E2"},"c":{"N":"-0"},"d":{"N":"3.140"}}}'
	run -0 post GetItem '{"TableName":"hash","Key":{"pk":{"S":"numbers"}},"ConsistentRead":true}'
	assert_equal "$(jq -c '.Item | [.a.N, .b.N, .c.N, .d.N]' <<<"$output")" '["42","150","0","3.14"]'
}

@test "items: keys of binary and number" {
	run -0 post PutItem '{"TableName":"both","Item":{"pk":{"B":"AA=="},"sk":{"N":"1.0"},"v":{"S":"one"}}}'
	run -0 post GetItem '{"TableName":"both","Key":{"sk":{"N":"1"},"pk":{"B":"AA=="}},"ConsistentRead":true,"ProjectionExpression":"v"}'
	assert_output '{"Item":{"v":{"S":"one"}}}'
	run -0 post GetItem '{"TableName":"both","Key":{"pk":{"B":"AA=="},"sk":{"N":"2"}},"ConsistentRead":true}'
	assert_output '{}'
}

@test "items: conditions, and the item that failed them" {
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"cond"},"v":{"N":"1"}},"ConditionExpression":"attribute_not_exists(pk)"}'
	assert_output '{}'
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"cond"},"v":{"N":"2"}},"ConditionExpression":"attribute_not_exists(pk)"}' -w '\n%{http_code}'
	assert_line 400
	output=${lines[0]}
	refused ConditionalCheckFailedException 'The conditional request failed'
	assert_equal "$(jq 'has("Item")' <<<"$output")" false
	run -0 post DeleteItem '{"TableName":"hash","Key":{"pk":{"S":"cond"}},"ConditionExpression":"v > :x","ExpressionAttributeValues":{":x":{"N":"1"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}'
	refused ConditionalCheckFailedException 'The conditional request failed'
	assert_equal "$(jq -c .Item <<<"$output")" '{"pk":{"S":"cond"},"v":{"N":"1"}}'
	run -0 post DeleteItem '{"TableName":"hash","Key":{"pk":{"S":"cond"}},"ConditionExpression":"v = :x","ExpressionAttributeValues":{":x":{"N":"1.0"}},"ReturnValues":"ALL_OLD"}'
	assert_output '{"Attributes":{"pk":{"S":"cond"},"v":{"N":"1"}}}'
	run -0 post DeleteItem '{"TableName":"hash","Key":{"pk":{"S":"cond"}},"ReturnValues":"ALL_OLD"}'
	assert_output '{}'
}

@test "items: updates and what they return" {
	up() {
		post UpdateItem "{\"TableName\":\"hash\",\"Key\":{\"pk\":{\"S\":\"up\"}},$1}"
	}
	run -0 up '"UpdateExpression":"SET a = :one, #l = list_append(if_not_exists(#l, :empty), :list)","ExpressionAttributeNames":{"#l":"l"},"ExpressionAttributeValues":{":one":{"N":"1"},":empty":{"L":[]},":list":{"L":[{"S":"x"}]}},"ReturnValues":"ALL_NEW"'
	assert_equal "$(jq -cS .Attributes <<<"$output")" '{"a":{"N":"1"},"l":{"L":[{"S":"x"}]},"pk":{"S":"up"}}'
	run -0 up '"UpdateExpression":"ADD a :one REMOVE l","ExpressionAttributeValues":{":one":{"N":"1"}},"ReturnValues":"UPDATED_NEW"'
	assert_output '{"Attributes":{"a":{"N":"2"}}}'
	run -0 up '"UpdateExpression":"SET a = a - :x","ExpressionAttributeValues":{":x":{"N":"0.5"}},"ReturnValues":"UPDATED_OLD"'
	assert_output '{"Attributes":{"a":{"N":"2"}}}'
	run -0 up '"ReturnValues":"ALL_OLD"'
	assert_equal "$(jq -cS .Attributes <<<"$output")" '{"a":{"N":"1.5"},"pk":{"S":"up"}}'
	run -0 up '"UpdateExpression":"REMOVE a","ReturnValues":"UPDATED_NEW"'
	assert_output '{}'
	run -0 up '"UpdateExpression":"SET b = nothing"'
	invalid 'The provided expression refers to an attribute that does not exist in the item'
	run -0 up '"UpdateExpression":"SET pk = :x","ExpressionAttributeValues":{":x":{"S":"y"}}'
	invalid "$OPV Cannot update attribute pk. This attribute is part of the key"
}

@test "items: an update of nothing makes an item of the key, and changes none" {
	run -0 post UpdateItem '{"TableName":"hash","Key":{"pk":{"S":"bare"}},"ReturnValues":"ALL_NEW"}'
	assert_output '{"Attributes":{"pk":{"S":"bare"}}}'
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"bare"},"v":{"S":"stays"}}}'
	run -0 post UpdateItem '{"TableName":"hash","Key":{"pk":{"S":"bare"}},"ReturnValues":"UPDATED_NEW"}'
	assert_output '{}'
	run -0 post GetItem '{"TableName":"hash","Key":{"pk":{"S":"bare"}},"ConsistentRead":true}'
	assert_equal "$(jq -r .Item.v.S <<<"$output")" stays
}

@test "items: capacity" {
	python3 -c 'import json; print(json.dumps({"TableName": "hash", "Item": {"pk": {"S": "cap"}, "v": {"S": "x" * 5000}}, "ReturnConsumedCapacity": "TOTAL"}))' >"$BATS_TEST_TMPDIR/put"
	run -0 post PutItem "@$BATS_TEST_TMPDIR/put"
	assert_output '{"ConsumedCapacity":{"TableName":"hash","CapacityUnits":5.0}}'
	run -0 post GetItem '{"TableName":"hash","Key":{"pk":{"S":"cap"}},"ConsistentRead":true,"ReturnConsumedCapacity":"INDEXES","ProjectionExpression":"pk"}'
	assert_equal "$(jq -c .ConsumedCapacity <<<"$output")" '{"TableName":"hash","CapacityUnits":2,"Table":{"CapacityUnits":2}}'
	# A smaller item pays for the larger one that it replaces; so does a batch, and a delete.
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"cap"}},"ReturnConsumedCapacity":"TOTAL"}'
	assert_output '{"ConsumedCapacity":{"TableName":"hash","CapacityUnits":5.0}}'
	run -0 post PutItem "@$BATS_TEST_TMPDIR/put"
	run -0 post BatchWriteItem '{"RequestItems":{"hash":[{"PutRequest":{"Item":{"pk":{"S":"cap"}}}}]},"ReturnConsumedCapacity":"TOTAL"}'
	assert_equal "$(jq -c .ConsumedCapacity <<<"$output")" '[{"TableName":"hash","CapacityUnits":5}]'
	run -0 post PutItem "@$BATS_TEST_TMPDIR/put"
	run -0 post DeleteItem '{"TableName":"hash","Key":{"pk":{"S":"cap"}},"ReturnConsumedCapacity":"TOTAL"}'
	assert_output '{"ConsumedCapacity":{"TableName":"hash","CapacityUnits":5.0}}'
	run -0 post GetItem '{"TableName":"hash","Key":{"pk":{"S":"none"}},"ReturnConsumedCapacity":"TOTAL"}'
	assert_output '{"ConsumedCapacity":{"TableName":"hash","CapacityUnits":0.5}}'
}

@test "items: 400 KB and not a byte more" {
	local n
	for n in 409594 409595; do # with the names pk and v, and the key x
		python3 -c "import json; print(json.dumps({'TableName': 'hash', 'Item': {'pk': {'S': 'x'}, 'v': {'S': 'a' * ($n + 2)}}}))" >"$BATS_TEST_TMPDIR/$n"
		run -0 post PutItem "@$BATS_TEST_TMPDIR/$n"
		if [ "$n" = 409594 ]; then
			assert_output '{}'
		else
			invalid 'Item size has exceeded the maximum allowed size'
		fi
	done
	run -0 post UpdateItem '{"TableName":"hash","Key":{"pk":{"S":"x"}},"UpdateExpression":"SET w = :w","ExpressionAttributeValues":{":w":{"S":"w"}}}'
	invalid 'Item size to update has exceeded the maximum allowed size'
}

@test "items: what is wrong with a key" {
	put() {
		post PutItem "{\"TableName\":\"both\",\"Item\":$1}"
	}
	get() {
		post GetItem "{\"TableName\":\"both\",\"Key\":$1}"
	}
	run -0 put '{"pk":{"B":"AA=="}}'
	invalid "$OPV Missing the key sk in the item"
	run -0 put '{"pk":{"S":"a"},"sk":{"N":"1"}}'
	invalid "$OPV Type mismatch for key pk expected: B actual: S"
	run -0 put '{"pk":{"B":""},"sk":{"N":"1"}}'
	invalid 'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty binary value. Key: pk'
	run -0 get '{"pk":{"B":""},"sk":{"N":"1"}}'
	invalid "$OPV The AttributeValue for a key attribute cannot contain an empty binary value. Key: pk"
	run -0 get '{"pk":{"B":"AA=="}}'
	invalid 'The provided key element does not match the schema'
	run -0 get '{"pk":{"B":"AA=="},"sk":{"N":"1"},"more":{"S":"x"}}'
	invalid 'The provided key element does not match the schema'
	run -0 get '{"pk":{"B":"AA=="},"sk":{"S":"1"}}'
	invalid 'The provided key element does not match the schema'
	run -0 get "{\"pk\":{\"B\":\"$(head -c 2049 /dev/zero | base64 -w0)\"},\"sk\":{\"N\":\"1\"}}"
	invalid "$OPV Size of hashkey has exceeded the maximum size limit of2048 bytes"
}

@test "items: what is wrong with a value" {
	put() {
		post PutItem "{\"TableName\":\"hash\",\"Item\":{\"pk\":{\"S\":\"v\"},\"v\":$1}}"
	}
	run -0 put '{"SS":[]}'
	invalid "$OPV An string set  may not be empty"
	run -0 put '{"SS":["a","a"]}'
	invalid "$OPV Input collection [a, a] contains duplicates."
	run -0 put '{"NULL":false}'
	invalid "$OPV Null attribute value types must have the value of true"
	run -0 put '{"N":"1e126"}'
	invalid 'Number overflow. Attempting to store a number with magnitude larger than supported range'
	run -0 put '{"N":"123456789012345678901234567890123456789"}'
	invalid 'Attempting to store more than 38 significant digits in a Number'
	run -0 put '{}'
	invalid 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes'
	run -0 put "$(printf '{"L":[%.0s' {1..33})$(printf ']}%.0s' {1..33})"
	invalid 'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit'
	run -0 post UpdateItem '{"TableName":"hash","Key":{"pk":{"S":"v"}},"UpdateExpression":"SET a = :a","ExpressionAttributeValues":{":a":{"SS":[]}}}'
	invalid "ExpressionAttributeValues contains invalid value: $OPV An string set  may not be empty for key :a"
}

@test "items: mistakes are told in order: shape, names, expressions, table, item" {
	run -0 post PutItem '{"TableName":"nosuch","ReturnValues":"X","Item":{"pk":{"SS":[]}},"ConditionExpression":"("}'
	assert_output --partial '1 validation error detected'
	assert_output --partial returnValues
	run -0 post PutItem '{"TableName":"nosuch","Item":{"pk":{"SS":[]}},"ConditionExpression":"("}'
	invalid "$OPV An string set  may not be empty"
	run -0 post PutItem '{"TableName":"nosuch","Item":{"pk":{"S":"x"}},"ConditionExpression":"a = :v AND (","ExpressionAttributeValues":{"v":{"S":"x"}}}'
	invalid 'ExpressionAttributeValues contains invalid key: Syntax error; key: "v"'
	run -0 post PutItem '{"TableName":"nosuch","Item":{},"ConditionExpression":"("}'
	assert_output --partial 'Invalid ConditionExpression: Syntax error'
	run -0 post PutItem '{"TableName":"nosuch","Item":{}}'
	refused ResourceNotFoundException 'Requested resource not found'
	run -0 post PutItem '{"TableName":"hash","Item":{}}'
	invalid "$OPV Missing the key pk in the item"
}

@test "items: parameters that do not belong together" {
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"x"}},"ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"S":"x"}},"Expected":{"a":{"Exists":false}}}'
	invalid 'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}'
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"x"}},"ExpressionAttributeNames":{"#a":"a"}}'
	invalid 'ExpressionAttributeNames can only be specified when using expressions'
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"x"}},"ConditionExpression":"attribute_exists(#a)","ExpressionAttributeNames":{"#a":"a","#b":"b"}}'
	invalid 'Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}'
	run -0 post PutItem '{"TableName":"hash","Item":{"pk":{"S":"x"}},"ReturnValues":"ALL_NEW"}'
	invalid 'ReturnValues can only be ALL_OLD or NONE'
	run -0 post PutItem '{"ReturnValues":"X","ReturnConsumedCapacity":"Y"}'
	assert_output --partial '4 validation errors detected: '
}
