# Query and Scan: ranges, order, pages, segments, and what is refused.
load helpers
shared_cluster

setup_file() {
	cluster_start
	table nums N
	table bytes B
	table big S
	# 10 partition keys of 25 rows each, -10..14, over four partitions.
	for k in a b c d e f g h i j; do
		jq -nc --arg k $k '{RequestItems: {nums: [range(-10; 15) | {PutRequest: {Item:
			{pk: {S: $k}, sk: {N: tostring}, even: {BOOL: (. % 2 == 0)}, v: {S: ("x" * (. + 11))}}}}]}}' |
			ddb call BatchWriteItem - >/dev/null
	done
}

table() { # NAME SORT-TYPE
	ddb call CreateTable "$(jq -nc --arg n "$1" --arg t "$2" '{TableName: $n, BillingMode: "PAY_PER_REQUEST",
		AttributeDefinitions: [{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: $t}],
		KeySchema: [{AttributeName: "pk", KeyType: "HASH"}, {AttributeName: "sk", KeyType: "RANGE"}]}')" >/dev/null
	wait_for active "$1"
}

# query CONDITION VALUES [MORE]: of partition key c of nums, strongly consistent
query() {
	jq -nc --arg c "$1" --argjson v "$2" --argjson more "${3:-{\}}" '{TableName: "nums", ConsistentRead: true,
		KeyConditionExpression: ("pk = :h" + $c), ExpressionAttributeValues: ({":h": {S: "c"}} + $v)} + $more'
}

# pages OPERATION REQUEST: every page, a line each
pages() {
	local request=$2 answer last
	while :; do
		answer=$(ddb call "$1" "$request") || return
		printf '%s\n' "$answer"
		last=$(jq -c '.LastEvaluatedKey // empty' <<<"$answer")
		[ -n "$last" ] || return 0
		request="${2%\}},\"ExclusiveStartKey\":$last}"
	done
}

numbers() {
	jq -sr '[.[].Items[].sk.N | tonumber] | @json'
}

# Told apart from a crash by the body.
refused() { # OPERATION REQUEST TYPE MESSAGE
	run -0 post "$1" "$2"
	assert_equal "$(jq -r '(.__type | sub(".*#"; "")) + ": " + .message' <<<"$output")" "$3: $4"
}

invalid() { # OPERATION REQUEST MESSAGE
	refused "$1" "$2" ValidationException "$3"
}

@test "query: every comparison of the sort key, both ways, in pages of any size" {
	while IFS='|' read -r condition values want; do
		for limit in 3 25; do
			run -0 pages Query "$(query "$condition" "$values" "{\"Limit\":$limit}")"
			assert_equal "$(numbers <<<"$output")" "$(jq -nc "$want")"
			run -0 pages Query "$(query "$condition" "$values" "{\"Limit\":$limit,\"ScanIndexForward\":false}")"
			assert_equal "$(numbers <<<"$output")" "$(jq -nc "$want | reverse")"
		done
	done <<-'E'
		|{}|[range(-10; 15)]
		 AND sk = :a|{":a":{"N":"-3"}}|[-3]
		 AND sk < :a|{":a":{"N":"-3.5"}}|[range(-10; -3)]
		 AND sk <= :a|{":a":{"N":"-3"}}|[range(-10; -2)]
		 AND sk > :a|{":a":{"N":"3"}}|[range(4; 15)]
		 AND sk >= :a|{":a":{"N":"3"}}|[range(3; 15)]
		 AND sk BETWEEN :a AND :b|{":a":{"N":"-1"},":b":{"N":"2"}}|[-1, 0, 1, 2]
		 AND sk > :a|{":a":{"N":"1E100"}}|[]
	E
}

@test "query: begins_with knows bytes of every value" {
	jq -nc '{RequestItems: {bytes: ["YQ==", "YQA=", "YQAA", "YQAB", "YQD/", "Yf8=", "Yf//", "Yf//AQ==", "Yg==", "AA==", "/w==", "//8="]
		| map({PutRequest: {Item: {pk: {S: "p"}, sk: {B: .}}}})}}' | ddb call BatchWriteItem - >/dev/null
	while read -r prefix want; do
		run -0 ddb call Query "{\"TableName\":\"bytes\",\"ConsistentRead\":true,
			\"KeyConditionExpression\":\"pk = :p AND begins_with(sk, :s)\",
			\"ExpressionAttributeValues\":{\":p\":{\"S\":\"p\"},\":s\":{\"B\":\"$prefix\"}}}"
		assert_equal "$(jq -r '[.Items[].sk.B] | join(",")' <<<"$output")" "$want"
	done <<-'E'
		YQ== YQ==,YQA=,YQAA,YQAB,YQD/,Yf8=,Yf//,Yf//AQ==
		YQA= YQA=,YQAA,YQAB,YQD/
		YQD/ YQD/
		Yf8= Yf8=,Yf//,Yf//AQ==
		/w== /w==,//8=
		eg==
	E
}

@test "query: a limit counts what is looked at, and a page that meets it can be continued" {
	run -0 ddb call Query "$(query '' '{":t":{"BOOL":true}}' '{"FilterExpression":"even = :t","Limit":5,"ProjectionExpression":"sk"}')"
	assert_equal "$(jq -c '[.Count, .ScannedCount, .Items, .LastEvaluatedKey]' <<<"$output")" \
		'[3,5,[{"sk":{"N":"-10"}},{"sk":{"N":"-8"}},{"sk":{"N":"-6"}}],{"pk":{"S":"c"},"sk":{"N":"-6"}}]'
	run -0 ddb call Query "$(query '' '{}' '{"Limit":25}')"
	assert_equal "$(jq -c .LastEvaluatedKey <<<"$output")" '{"pk":{"S":"c"},"sk":{"N":"14"}}'
	run -0 ddb call Query "$(query '' '{}' '{"Limit":26}')"
	assert_equal "$(jq -c .LastEvaluatedKey <<<"$output")" null
}

@test "query: a page ends with the item that reaches 1 MB, and what was read is paid for" {
	for i in 1 2 3 4 5; do
		jq -nc --arg i $i '{TableName: "big", Item: {pk: {S: "p"}, sk: {S: $i}, v: {S: ("x" * 300000)}}}' |
			ddb call PutItem - >/dev/null
	done
	local request='{"TableName":"big","ConsistentRead":true,"KeyConditionExpression":"pk = :p","ReturnConsumedCapacity":"TOTAL",
		"ExpressionAttributeValues":{":p":{"S":"p"}}}'
	run -0 pages Query "$request"
	assert_equal "$(jq -sc 'map(.Count)' <<<"$output")" '[4,1]'
	assert_equal "$(jq -sc 'map(.ConsumedCapacity.CapacityUnits)' <<<"$output")" '[293,74]'
	run -0 ddb call Query "$(jq '. + {Select: "COUNT", ConsistentRead: false}' <<<"$request")"
	assert_equal "$(jq -c '[.Count, .Items, .ConsumedCapacity.CapacityUnits]' <<<"$output")" '[4,null,146.5]'
}

@test "query: a start key that this query could not have given is refused" {
	start() { # CONDITION VALUES KEY MESSAGE
		invalid Query "$(query "$1" "$2" "{\"ExclusiveStartKey\":$3}")" "$4"
	}
	start '' '{}' '{"pk":{"S":"c"}}' "The provided starting key is invalid"
	start '' '{}' '{"pk":{"S":"c"},"sk":{"S":"1"}}' "The provided starting key is invalid"
	start '' '{}' '{"pk":{"S":"c"},"sk":{"N":"1"},"x":{"N":"1"}}' "The provided starting key is invalid"
	start '' '{}' '{"pk":{"S":"d"},"sk":{"N":"1"}}' \
		"The provided starting key is outside query boundaries based on provided conditions"
	local condition
	for condition in '> :a' '<= :a' '< :a'; do
		start " AND sk $condition" '{":a":{"N":"5"}}' '{"pk":{"S":"c"},"sk":{"N":"5"}}' \
			"The provided starting key does not match the range key predicate"
	done
}

@test "query: what is missing, unknown or contradicts itself is refused" {
	invalid Query '{"TableName":"nums"}' \
		"Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
	invalid Query "$(query '' '{}' '{"IndexName":"index"}')" "The table does not have the specified index: index"
	invalid Query "$(query '' '{}' '{"Select":"SPECIFIC_ATTRIBUTES"}')" \
		"Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
	invalid Query "$(query '' '{}' '{"Select":"COUNT","ProjectionExpression":"v"}')" \
		"Cannot specify the ProjectionExpression when choosing to get only the Count"
	invalid Query "$(query '' '{}' '{"Select":"ALL_ATTRIBUTES","ProjectionExpression":"v"}')" \
		"Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"
	invalid Query "$(query '' '{}' '{"Select":"ALL_PROJECTED_ATTRIBUTES"}')" \
		"ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
	invalid Query '{"TableName":"nums","KeyConditionExpression":"sk = :s","ExpressionAttributeValues":{":s":{"N":"1"}}}' \
		"Query condition missed key schema element: pk"
	refused Query "$(query '' '{}' '{"TableName":"none"}')" ResourceNotFoundException "Requested resource not found"
}

@test "scan: every row once, whatever the page" {
	for limit in 9 250 1000; do
		run -0 pages Scan "{\"TableName\":\"nums\",\"ConsistentRead\":true,\"Limit\":$limit}"
		assert_equal "$(jq -s 'map(.Items[]) | length' <<<"$output")" 250
		assert_equal "$(jq -s 'map(.Items[] | [.pk.S, .sk.N]) | unique | length' <<<"$output")" 250
	done
	run -0 pages Scan '{"TableName":"nums","ConsistentRead":true,"Limit":40,"FilterExpression":"pk = :p",
		"ExpressionAttributeValues":{":p":{"S":"g"}}}'
	assert_equal "$(numbers <<<"$output")" "$(jq -nc '[range(-10; 15)]')"
}

@test "scan: an empty table answers with nothing, for half a unit" {
	table empty S
	run -0 ddb call Scan '{"TableName":"empty","ReturnConsumedCapacity":"TOTAL"}'
	assert_equal "$(jq -c '[.Items, .Count, .ScannedCount, .LastEvaluatedKey, .ConsumedCapacity.CapacityUnits]' <<<"$output")" \
		'[[],0,0,null,0.5]'
}

@test "scan: segments are disjoint and leave nothing out" {
	for total in 1 3 8; do
		: >"$TEMP/segments-$total"
		for ((s = 0; s < total; s++)); do
			pages Scan "{\"TableName\":\"nums\",\"ConsistentRead\":true,\"Segment\":$s,\"TotalSegments\":$total,\"Limit\":30}" \
				>>"$TEMP/segments-$total"
		done
		assert_equal "$(jq -s 'map(.Items[]) | length' "$TEMP/segments-$total")" 250
		assert_equal "$(jq -s 'map(.Items[] | [.pk.S, .sk.N]) | unique | length' "$TEMP/segments-$total")" 250
	done
}

@test "scan: segments and start keys that make no sense are refused" {
	invalid Scan '{"TableName":"nums","Segment":5,"TotalSegments":5}' \
		"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less than TotalSegments: 5"
	invalid Scan '{"TableName":"nums","Segment":5}' \
		"The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
	invalid Scan '{"TableName":"nums","TotalSegments":5}' \
		"The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
	invalid Scan '{"TableName":"nums","ExclusiveStartKey":{"pk":{"S":"c"}}}' \
		"The provided starting key is invalid: The provided key element does not match the schema"
	invalid Scan '{"TableName":"nums","Segment":0,"TotalSegments":1000,"ExclusiveStartKey":{"pk":{"S":"c"},"sk":{"N":"1"}}}' \
		"The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 1000 Segment: 0"
}
