# BatchGetItem and BatchWriteItem: many rows of several tables, and what is refused.
load helpers
shared_cluster

setup_file() {
	cluster_start
	for t in one two; do
		ddb call CreateTable "{\"TableName\":\"$t-table\",\"BillingMode\":\"PAY_PER_REQUEST\",
			\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}],
			\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}]}" >/dev/null
		wait_for active "$t-table"
	done
}

# batch OPERATION JQ: the request that this jq program makes
batch() {
	jq -nc "def key(\$k): {pk: {S: (\$k | tostring)}};
		def put(\$k): {PutRequest: {Item: (key(\$k) + {v: {N: \"1\"}, m: {M: {a: {S: \"x\"}, b: {S: \"y\"}}}})}};
		def del(\$k): {DeleteRequest: {Key: key(\$k)}};
		{RequestItems: ($2)} + {ReturnConsumedCapacity: \"TOTAL\"}" >"$BATS_TEST_TMPDIR/request"
	ddb call "$1" - <"$BATS_TEST_TMPDIR/request"
}

refused() { # OPERATION JQ TYPE MESSAGE
	run batch "$1" "$2"
	assert_failure
	run -0 post "$1" "@$BATS_TEST_TMPDIR/request"
	assert_equal "$(jq -r '(.__type | sub(".*#"; "")) + ": " + .message' <<<"$output")" "$3: $4"
}

invalid() { # OPERATION JQ MESSAGE
	refused "$1" "$2" ValidationException "$3"
}

@test "batch: what was written is read, from two tables, in one request each" {
	run -0 batch BatchWriteItem '{"one-table": [range(20) | put(.)], "two-table": [range(5) | put(.)]}'
	assert_equal "$(jq -c '[.UnprocessedItems, (.ConsumedCapacity | map([.TableName, .CapacityUnits]))]' <<<"$output")" \
		'[{},[["one-table",20],["two-table",5]]]'
	run -0 batch BatchGetItem '{"one-table": {Keys: [range(50) | key(.)], ConsistentRead: true, ProjectionExpression: "#m.b, pk",
		ExpressionAttributeNames: {"#m": "m"}}, "two-table": {Keys: [range(50) | key(.)], ConsistentRead: true, ProjectionExpression: "v"}}'
	assert_equal "$(jq -c '.Responses | map_values(length)' <<<"$output")" '{"one-table":20,"two-table":5}'
	assert_equal "$(jq -c '.Responses["one-table"][7]' <<<"$output")" '{"m":{"M":{"b":{"S":"y"}}},"pk":{"S":"7"}}'
	assert_equal "$(jq -c '.Responses["two-table"][3]' <<<"$output")" '{"v":{"N":"1"}}'
	assert_equal "$(jq -c '[.UnprocessedKeys, (.ConsumedCapacity | map(.CapacityUnits))]' <<<"$output")" '[{},[50,50]]'
	run -0 batch BatchGetItem '{"one-table": {Keys: [key(7)], ConsistentRead: true, AttributesToGet: ["m"]},
		"two-table": {Keys: [key(3)], ConsistentRead: true, AttributesToGet: ["v"]}}'
	assert_equal "$(jq -c '.Responses | map_values(map(keys))' <<<"$output")" '{"one-table":[["m"]],"two-table":[["v"]]}'
	run -0 batch BatchGetItem '{"one-table": {Keys: [key("none")]}}'
	assert_equal "$(jq -c '[.Responses, (.ConsumedCapacity | map(.CapacityUnits))]' <<<"$output")" '[{"one-table":[]},[0.5]]'
}

@test "batch: puts and deletes go together, and an ARN is as good as a name" {
	run -0 batch BatchWriteItem '{"one-table": [put("old"), put("gone")]}'
	run -0 batch BatchWriteItem '{"arn:aws:dynamodb:us-east-1:000000000000:table/one-table": [del("gone"), put("new"), del("never")]}'
	run -0 batch BatchGetItem '{"arn:aws:dynamodb:us-east-1:000000000000:table/one-table":
		{Keys: ["old", "gone", "new"] | map({pk: {S: .}}), ConsistentRead: true, ProjectionExpression: "pk"}}'
	assert_equal "$(jq -c '.Responses[] | map(.pk.S)' <<<"$output")" '["old","new"]'
}

@test "batch: beyond 16 MB keys are handed back, and asking for those brings the rest" {
	for i in 1 2 3 4 5; do
		batch BatchWriteItem "{\"two-table\": [range(10) | {PutRequest: {Item: {pk: {S: \"big-$i-\(.)\"}, v: {S: (\"x\" * 380000)}}}}]}" \
			>/dev/null
	done
	run -0 batch BatchGetItem '{"two-table": {Keys: [range(1; 6) as $i | range(10) | {pk: {S: "big-\($i)-\(.)"}}], ConsistentRead: true,
		ProjectionExpression: "#p, v", ExpressionAttributeNames: {"#p": "pk"}}}'
	jq -c '.Responses[] | map(.pk.S)' <<<"$output" >"$BATS_TEST_TMPDIR/first"
	jq -c '{RequestItems: .UnprocessedKeys}' <<<"$output" >"$BATS_TEST_TMPDIR/rest"
	assert_equal "$(jq length "$BATS_TEST_TMPDIR/first")" 44
	run -0 ddb call BatchGetItem - <"$BATS_TEST_TMPDIR/rest"
	assert_equal "$(jq -c '[.Responses[][] | keys_unsorted | sort] | unique' <<<"$output")" '[["pk","v"]]'
	assert_equal "$(jq -c '.Responses[] | map(.pk.S)' <<<"$output" | jq -s 'add | unique | length' "$BATS_TEST_TMPDIR/first" -)" 50
}

@test "batch: lists that are empty or too long are refused" {
	local limits='Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]'
	invalid BatchGetItem '{}' "The requestItems parameter is required for BatchGetItem"
	invalid BatchWriteItem '{}' "The requestItems parameter is required for BatchWriteItem"
	invalid BatchGetItem '{"one-table": {Keys: [range(101) | key(.)]}}' \
		"1 validation error detected: Value at 'RequestItems.one-table.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100"
	invalid BatchGetItem '{"one-table": {Keys: [range(60) | key(.)]}, "two-table": {Keys: [range(60) | key(.)]}}' \
		"Too many items requested for the BatchGetItem call"
	invalid BatchWriteItem '{"one-table": [range(26) | put(.)]}' \
		"1 validation error detected: Value '{one-table=[...]}' at 'requestItems' failed to satisfy constraint: $limits"
	invalid BatchWriteItem '{"one-table": []}' \
		"1 validation error detected: Value '{one-table=[]}' at 'requestItems' failed to satisfy constraint: $limits"
	invalid BatchWriteItem '{"one-table": [range(20) | put(.)], "two-table": [range(20) | put(.)]}' \
		"Too many items requested for the BatchWriteItem call"
}

@test "batch: one bad row refuses all of them, and nothing is written" {
	invalid BatchWriteItem '{"two-table": [put("bad-a"), put("bad-b"), del("bad-a")]}' "Provided list of item keys contains duplicates"
	invalid BatchWriteItem '{"two-table": [put("bad-a"), {PutRequest: {Item: {v: {S: "no key"}}}}]}' \
		"One or more parameter values were invalid: Missing the key pk in the item"
	invalid BatchWriteItem '{"two-table": [put("bad-a"), {PutRequest: {Item: {pk: {S: ""}}}}]}' \
		"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
	invalid BatchWriteItem '{"two-table": [put("bad-a"), {DeleteRequest: {Key: {pk: {N: "1"}}}}]}' \
		"The provided key element does not match the schema"
	invalid BatchWriteItem '{"two-table": [put("bad-a"), {PutRequest: {Item: (key("b") + {v: {S: ("x" * 409600)}})}}]}' \
		"Item size has exceeded the maximum allowed size"
	refused BatchWriteItem '{"two-table": [put("bad-a")], "none-table": [put("x")]}' ResourceNotFoundException "Requested resource not found"
	run -0 batch BatchGetItem '{"two-table": {Keys: [key("bad-a"), key("bad-b")], ConsistentRead: true}}'
	assert_equal "$(jq -c '.Responses["two-table"]' <<<"$output")" '[]'
}

@test "batch: keys and projections of a read are checked table by table" {
	invalid BatchGetItem '{"one-table": {Keys: [key(1), key(2), key(1)]}}' "Provided list of item keys contains duplicates"
	invalid BatchGetItem '{"one-table": {Keys: [key(1) + {x: {S: "y"}}]}}' "The provided key element does not match the schema"
	invalid BatchGetItem '{"one-table": {Keys: [key(1)], ProjectionExpression: "v", ExpressionAttributeNames: {"#x": "y"}}}' \
		"Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"
	invalid BatchGetItem '{"one-table": {Keys: [key(1)], ProjectionExpression: "v", AttributesToGet: ["v"]}}' \
		"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
	invalid BatchGetItem '{"one-table": {Keys: [key(1)], ProjectionExpression: "v"}, "two-table": {Keys: [key(1)], AttributesToGet: ["v"]}}' \
		"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
	refused BatchGetItem '{"one-table": {Keys: [key(1)]}, "none-table": {Keys: [key(1)]}}' ResourceNotFoundException \
		"Requested resource not found"
}
