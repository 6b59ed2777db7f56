#!/usr/bin/env bats
# What the commands for items ask for, and what they make of answers that a healthy server seldom gives.
# The server (t/fakes/endpoint) answers from a script and writes down what it was asked.
load helpers

TABLE='{"Table":{"TableName":"t","TableStatus":"ACTIVE","KeySchema":[{"KeyType":"RANGE","AttributeName":"size"},{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"size","AttributeType":"N"},{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"g","AttributeType":"B"}],"GlobalSecondaryIndexes":[{"IndexName":"by-g","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"},"IndexStatus":"ACTIVE","IndexSizeBytes":1}],"LocalSecondaryIndexes":[{"IndexName":"local","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"g","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}],"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},"ItemCount":3}}'

setup() {
	endpoint_start
}

teardown() {
	endpoint_stop
}

body() { # N [JQ-FILTER]: what request N, from 0, had in it
	jq -cs ".[$1].body | fromjson | ${2:-.}" "$TEMP/seen"
}

count() {
	jq -s length "$TEMP/seen"
}

is_seen() { # N
	[ "$(count)" -ge "$1" ]
}

@test "wire: get describes the table once and asks for one item, consistently" {
	answers "200 $TABLE" '200 {"Item":{"pk":{"S":"a"},"size":{"N":"10"},"x":{"NS":["2","1"]}}}'
	run -0 ddb get t a 1e1 --select 'size,x,a-b[0].c'
	assert_output '{"pk":"a","size":10,"x":[1,2]}'
	assert_equal "$(count)" 2
	assert_equal "$(body 1)" '{"TableName":"t","Key":{"pk":{"S":"a"},"size":{"N":"10"}},"ProjectionExpression":"#_0,x,#_1[0].c","ExpressionAttributeNames":{"#_0":"size","#_1":"a-b"},"ConsistentRead":true}'
	assert_equal "$(jq -s 'map(.connection) | unique | length' "$TEMP/seen")" 1
	answers "200 $TABLE" '200 {"Item":{}}'
	run -0 ddb get t a 10 --eventual
	assert_equal "$(body 3 .ConsistentRead)" false
	answers "200 $TABLE" '200 {}'
	run -1 ddb get t a 10
}

@test "wire: query follows pages to the end, or to the limit" {
	page() { # NUMBER NEXT
		local item="{\"pk\":{\"S\":\"a\"},\"size\":{\"N\":\"$1\"}}"
		echo "200 {\"Items\":[$item],\"Count\":1,\"ScannedCount\":1${2:+,\"LastEvaluatedKey\":$item}}"
	}
	answers "200 $TABLE" "$(page 1 more)" '200 {"Items":[],"Count":0,"LastEvaluatedKey":{"pk":{"S":"a"},"size":{"N":"5"}}}' "$(page 7)"
	run -0 ddb query t a '>= 1' --reverse
	assert_equal "${lines[*]}" '{"pk":"a","size":1} {"pk":"a","size":7}'
	assert_equal "$(body 1)" '{"TableName":"t","ConsistentRead":true,"KeyConditionExpression":"#_0 = :_0 AND #_1 >= :_1","ScanIndexForward":false,"ExpressionAttributeNames":{"#_0":"pk","#_1":"size"},"ExpressionAttributeValues":{":_0":{"S":"a"},":_1":{"N":"1"}}}'
	assert_equal "$(body 3 .ExclusiveStartKey)" '{"pk":{"S":"a"},"size":{"N":"5"}}'
	assert_equal "$(count)" 4
	answers "200 $TABLE" "$(page 1 more)" "$(page 2 more)"
	run -0 ddb query t a --limit 2
	assert_equal "${#lines[@]}" 2
	assert_equal "$(count)" 7
	assert_equal "$(body 5 .Limit)$(body 6 .Limit)" 21
	# With a filter the page's limit would not be that of the output.
	answers "200 $TABLE" "$(page 1 more)"
	run -0 ddb query t a --limit 1 --filter 'x = 1'
	assert_equal "$(body 8 'has("Limit")')" false
}

@test "wire: what came before a failure has been written" {
	answers "200 $TABLE" '200 {"Items":[{"pk":{"S":"a"},"size":{"N":"1"}}],"Count":1,"LastEvaluatedKey":{"pk":{"S":"a"}}}' '400 {"__type":"x#ValidationException","message":"no"}'
	run -2 --separate-stderr ddb query t a
	assert_output '{"pk":"a","size":1}'
	assert_equal "$stderr" "ddb: ValidationException: no"
}

@test "wire: indexes bring their own keys, and global ones are not read consistently" {
	answers "200 $TABLE" '200 {"Items":[],"Count":0}'
	run -0 ddb query t AP8= --index by-g
	assert_equal "$(body 1)" '{"TableName":"t","IndexName":"by-g","ConsistentRead":false,"KeyConditionExpression":"#_0 = :_0","ExpressionAttributeNames":{"#_0":"g"},"ExpressionAttributeValues":{":_0":{"B":"AP8="}}}'
	answers "200 $TABLE" '200 {"Items":[],"Count":0}'
	run -0 ddb query t a AP8= --index local
	assert_equal "$(body 3 '[.ConsistentRead,.ExpressionAttributeValues[":_1"]]')" '[true,{"B":"AP8="}]'
	answers "200 $TABLE"
	run -2 ddb query t a --index none
	assert_output 'ddb: t: no index of the name "none"'
	run -2 ddb query t AP8= AP8= --index by-g
	assert_output 'ddb: by-g has no sort key'
	run -0 ddb desc t
	assert_line --regexp '^index +by-g: g \(B\); global, all; ACTIVE$'
	assert_line --regexp '^index +local: pk \(S\), g \(B\); local, keys$'
}

@test "wire: a schema line makes the table again, indexes and all" {
	answers "200 $TABLE"
	ddb desc t --schema >"$TEMP/line"
	answers '200 {}' "200 $TABLE"
	run -0 ddb create t2 "$TEMP/line" --warm-write 4000
	assert_equal "$(body 1 '[.TableName,.BillingMode,.WarmThroughput,(.GlobalSecondaryIndexes[0] | keys),has("DumpVersion")]')" \
		'["t2","PAY_PER_REQUEST",{"WriteUnitsPerSecond":4000},["IndexName","KeySchema","Projection"],false]'
	assert_equal "$(body 1 .LocalSecondaryIndexes)" "$(jq -c '.Table.LocalSecondaryIndexes' <<<"$TABLE")"
	answers '200 {}' "200 $TABLE"
	run -0 ddb create t2 --key a:S --sort b:N --provisioned 1:2
	assert_equal "$(body 3)" '{"TableName":"t2","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"N"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"RANGE"}],"BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}'
}

WIDE='{"Table":{"TableName":"t","TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"N"},{"AttributeName":"country","AttributeType":"S"},{"AttributeName":"year","AttributeType":"N"},{"AttributeName":"city","AttributeType":"S"},{"AttributeName":"title","AttributeType":"S"}],"GlobalSecondaryIndexes":[{"IndexName":"place","KeySchema":[{"AttributeName":"country","KeyType":"HASH"},{"AttributeName":"year","KeyType":"RANGE"},{"AttributeName":"city","KeyType":"HASH"},{"AttributeName":"title","KeyType":"RANGE"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a","b"]},"IndexStatus":"CREATING","Backfilling":true,"ItemCount":7,"IndexSizeBytes":70}]}}'

@test "wire: keys of several attributes, the partition key's first, then the sort key's" {
	asked() { # OPERAND...: what the key condition and its values become
		answers "200 $WIDE" '200 {"Items":[],"Count":0}'
		run -0 ddb query t "$@" --index place
		jq -cs 'last.body | fromjson | (.KeyConditionExpression | gsub("#_";"#") | gsub(":_";":")) + " " + ([.ExpressionAttributeNames | to_entries[].value] | join(" "))
			+ " " + ([.ExpressionAttributeValues | to_entries[].value | to_entries[] | .key + .value] | join(" "))' "$TEMP/seen"
	}
	assert_equal "$(asked DE Köln)" '"#0 = :0 AND #1 = :1 country city SDE SKöln"'
	assert_equal "$(asked DE Köln 1999)" '"#0 = :0 AND #1 = :1 AND #2 = :2 country city year SDE SKöln N1999"'
	assert_equal "$(asked DE Köln '>= 1999' | sed 's/ country.*//')" '"#0 = :0 AND #1 = :1 AND #2 >= :2'
	assert_equal "$(asked DE Köln between 1 2 | sed 's/ country.*//')" '"#0 = :0 AND #1 = :1 AND #2 between :2 AND :3'
	assert_equal "$(asked DE Köln 1999 begins_with A | sed 's/ country.*//')" '"#0 = :0 AND #1 = :1 AND #2 = :2 AND begins_with(#3, :3)'
	assert_equal "$(asked DE Köln = 1999 '< B' | sed 's/ country.*//')" '"#0 = :0 AND #1 = :1 AND #2 = :2 AND #3 < :3'
	assert_equal "$(asked DE Köln 1999 '= < B' | sed 's/.*year//')" ' title SDE SKöln N1999 S< B"'
	answers "200 $WIDE"
	run -2 ddb query t DE --index place
	assert_output 'ddb: the key of place is country (S), city (S) / year (N), title (S): 2 values of the partition key expected'
	run -2 ddb query t DE Köln '> 1999' A --index place
	assert_output --partial 'of several attributes only the last one has other than X'
	run -2 ddb query t DE Köln 1999 A B --index place
	run -2 ddb query t DE Köln year --index place
	assert_output 'ddb: key year (N): "year" is not a number'
	run -0 ddb desc t
	assert_line --regexp '^index +place: country \(S\), city \(S\) / year \(N\), title \(S\); global, a,b; CREATING$'
}

@test "wire: create makes local and global indexes" {
	made() { # JQ
		body 0 "$1"
	}
	answers '200 {}' "200 $TABLE"
	run -0 ddb create t --key id:N --sort n --local 'late=end:N=keys' --local by-id=id:N --global 'by-place=country,city/year:N,end' \
		--global 'owners=owner/id=title,year' --global one=city=keys,
	assert_equal "$(made '.AttributeDefinitions | map(.AttributeName + ":" + .AttributeType) | join(" ")')" \
		'"id:N n:S end:N country:S city:S year:N owner:S"'
	assert_equal "$(made '.KeySchema | map(.AttributeName + .KeyType)')" '["idHASH","nRANGE"]'
	assert_equal "$(made .LocalSecondaryIndexes[0])" \
		'{"IndexName":"late","KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"AttributeName":"end","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}'
	assert_equal "$(made '.GlobalSecondaryIndexes[0] | [.IndexName, (.KeySchema | map(.AttributeName + .KeyType)), .Projection.ProjectionType, keys]')" \
		'["by-place",["countryHASH","cityHASH","yearRANGE","endRANGE"],"ALL",["IndexName","KeySchema","Projection"]]'
	assert_equal "$(made .GlobalSecondaryIndexes[1].Projection)" '{"ProjectionType":"INCLUDE","NonKeyAttributes":["title","year"]}'
	assert_equal "$(made .GlobalSecondaryIndexes[2].Projection)" '{"ProjectionType":"INCLUDE","NonKeyAttributes":["keys"]}'
	answers '200 {}' "200 $TABLE"
	run -0 ddb create t --key id --global g=a=all --local l=b --provisioned 3:4
	assert_equal "$(body 2 '[.ProvisionedThroughput, .GlobalSecondaryIndexes[0].ProvisionedThroughput, .GlobalSecondaryIndexes[0].Projection, .LocalSecondaryIndexes[0].ProvisionedThroughput]')" \
		'[{"ReadCapacityUnits":3,"WriteCapacityUnits":4},{"ReadCapacityUnits":3,"WriteCapacityUnits":4},{"ProjectionType":"ALL"},null]'
}

@test "wire: an index that makes no sense is refused before anything is asked" {
	for bad in g =a g= g=/a 'g=a,' g=a,,b g=a/ 'g=a/b,' g=a= g=a=x,,y; do
		run -2 ddb create t --key id --global "$bad"
	done
	for bad in l =a l= l=a,b l=a/b l=a=; do
		run -2 ddb create t --key id --local "$bad"
	done
	assert_output 'ddb: a projection without a name'
	run -2 ddb create t --key id --local l=a,b
	assert_output 'ddb: "l=a,b" is not NAME=SORT[:TYPE][=all|keys|ATTR,...]'
	run -2 ddb create t --key id:N --global g=id:S
	assert_output 'ddb: id is of type N and of type S'
	run -2 ddb create t - --global g=a <<<'{}'
	assert_output --partial 'a schema has its own indexes'
	assert_equal "$(count)" 0
}

@test "wire: index lists, adds and drops, and waits" {
	answers "200 $WIDE"
	run -0 ddb index t
	assert_line --regexp '^INDEX +KIND +KEY +HAS +STATUS +ITEMS +BYTES$'
	assert_line --regexp '^place +global +country \(S\), city \(S\) / year \(N\), title \(S\) +a,b +CREATING, filling +7 +70$'
	run -0 ddb index t --json
	assert_equal "$output" "$(jq -c '.Table.GlobalSecondaryIndexes[0]' <<<"$WIDE")"
	answers "200 $TABLE"
	run -0 ddb index t --json
	assert_equal "$(jq -r .IndexName <<<"$output" | xargs)" "local by-g"
	# size is a number in the table's key; g2 is new.
	new=${TABLE/'"GlobalSecondaryIndexes":['/'"GlobalSecondaryIndexes":[{"IndexName":"new","IndexStatus":"STATUS"},'}
	answers "200 $TABLE" '200 {}' "200 $TABLE" "200 ${new/STATUS/CREATING}" "200 ${new/STATUS/ACTIVE}"
	before=$(count)
	run -0 ddb index t add new=g2/size=keys
	assert_output ''
	assert_equal "$(count)" $((before + 5))
	assert_equal "$(body $((before + 1)))" '{"TableName":"t","GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"new","KeySchema":[{"AttributeName":"g2","KeyType":"HASH"},{"AttributeName":"size","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}}],"AttributeDefinitions":[{"AttributeName":"g2","AttributeType":"S"},{"AttributeName":"size","AttributeType":"N"}]}'
	answers "200 $TABLE" '200 {}' "200 ${new/STATUS/CREATING}" "200 $TABLE"
	run -1 ddb index t add new=g2
	assert_output 'ddb: t: somebody has dropped the index new'
	answers '200 {}' "200 ${new/STATUS/DELETING}" "200 $TABLE"
	before=$(count)
	run -0 ddb index t drop new
	assert_equal "$(body "$before")" '{"TableName":"t","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"new"}}]}'
	assert_equal "$(count)" $((before + 3))
	answers '200 {}'
	run -0 ddb index t drop new --no-wait
	assert_equal "$(count)" $((before + 4))
	provisioned=${TABLE/'"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"}'/'"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}'}
	answers "200 $provisioned" '200 {}'
	run -0 ddb index t add new=g2 --no-wait
	assert_equal "$(body $((before + 5)) '.GlobalSecondaryIndexUpdates[0].Create.ProvisionedThroughput | tostring')" \
		'"{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}"'
	answers "200 $provisioned" '200 {}'
	run -0 ddb index t add new=g2 --no-wait --provisioned 1:2
	assert_equal "$(body $((before + 7)) '.GlobalSecondaryIndexUpdates[0].Create.ProvisionedThroughput.WriteCapacityUnits')" 2
}

@test "wire: index says what it cannot do" {
	answers "200 $TABLE" '400 {"__type":"x#ResourceNotFoundException","message":"Requested resource not found"}'
	run -1 ddb index t drop none
	answers '400 {"__type":"x#ResourceNotFoundException","message":"Requested resource not found"}'
	run -1 ddb index t
	run -2 ddb index t add
	run -2 ddb index t make x
	run -2 ddb index t drop x --provisioned 1:1
	answers "200 $TABLE"
	run -2 ddb index t add x
	assert_output 'ddb: "x" is not NAME=KEY[:TYPE][,KEY...][/SORT[:TYPE]...][=all|keys|ATTR,...]'
	run -2 ddb index t add x=a --provisioned 5
}

@test "wire: create and drop wait for the table" {
	answers '200 {}' "200 ${TABLE/ACTIVE/CREATING}" "200 ${TABLE/ACTIVE/CREATING}" "200 $TABLE"
	run -0 ddb create t --key a
	assert_equal "$(count)" 4
	answers '200 {}' "200 ${TABLE/ACTIVE/DELETING}" '400 {"__type":"x#ResourceNotFoundException","message":"no"}'
	run -0 ddb drop t --yes
	assert_equal "$(count)" 7
	answers '200 {}'
	run -0 ddb drop t --yes --no-wait
	assert_equal "$(count)" 8
}

@test "wire: load does not wait for an index that is being made" {
	answers "200 ${TABLE/ACTIVE/UPDATING}" '200 {"UnprocessedItems":{}}'
	run -0 ddb load t <<<'{"pk":"a","size":1}'
	assert_equal "$(count)" 2
}

@test "wire: load sends again what was left unprocessed, and only that" {
	left='{"t":[{"PutRequest":{"Item":{"pk":{"S":"b"},"size":{"N":"2"}}}}]}'
	answers "200 $TABLE" "200 {\"UnprocessedItems\":$left}" "200 {\"UnprocessedItems\":$left}" '200 {"UnprocessedItems":{}}'
	run -0 ddb load t --parallel 1 <<<$'{"pk":"a","size":1}\n\n{"pk":"b","size":2}\n{"pk":"c","size":3.0}'
	assert_output ""
	assert_equal "$(count)" 4
	assert_equal "$(body 1 '.RequestItems.t | map(.PutRequest.Item.size.N)')" '["1","2","3"]'
	assert_equal "$(body 2 .RequestItems)" "$left"
	assert_equal "$(body 3 .RequestItems)" "$left"
}

@test "wire: load does not wait for a batch to be full when its input comes slowly" {
	answers "200 $TABLE" '200 {}'
	mkfifo "$TEMP/fifo"
	ddb load t "$TEMP/fifo" 3>&- &
	exec 7>"$TEMP/fifo"
	echo '{"pk":"a","size":1}' >&7
	wait_for is_seen 2
	echo '{"pk":"b","size":2}' >&7
	wait_for is_seen 3
	exec 7>&-
	wait $!
	assert_equal "$(body 2 '.RequestItems.t | length')" 1
}

@test "wire: load cuts batches at 25" {
	answers "200 $TABLE" '200 {}'
	for i in $(seq 60); do echo "{\"pk\":\"a\",\"size\":$i}"; done | ddb load t
	assert_equal "$(jq -cs '.[1:] | map(.body | fromjson.RequestItems.t | length) | sort' "$TEMP/seen")" '[10,25,25]'
}

@test "wire: a batch that is refused goes again line by line" {
	answers "200 $TABLE" '400 {"__type":"x#ValidationException","message":"something in it"}' '200 {}' \
		'400 {"__type":"x#ValidationException","message":"this one"}' '200 {}'
	run -10 ddb load t --parallel 1 --rejects "$TEMP/bad" <<<$'{"pk":"a","size":1}\n{"pk":"b","size":2}\n{"pk":"c","size":3}'
	assert_line "ddb: standard input: line 2: this one"
	assert_line "ddb: 2 items written, 1 lines refused"
	assert_equal "$(<"$TEMP/bad")" '{"pk":"b","size":2}'
	assert_equal "$(count)" 5
}

@test "wire: load that has to give up keeps what it had begun" {
	answers "200 $TABLE" '400 {"__type":"x#AccessDeniedException","message":"no more"}'
	run -5 ddb load t --rejects "$TEMP/bad" <<<$'{"pk":"a","size":1}\n{"pk":"b","size":2}'
	assert_line --partial "AccessDeniedException: no more"
	assert_line --partial "0 items written, 0 lines refused, stopped near line 2"
	assert_equal "$(wc -l <"$TEMP/bad")" 2
	answers "200 $TABLE" '500 {"__type":"x#InternalServerError","message":"oh"}'
	run -4 ddb load t --timeout 200ms <<<'{"pk":"a","size":1}'
}

@test "wire: load keeps to its rate" {
	answers "200 $TABLE" '200 {}'
	start=${EPOCHREALTIME/./}
	for i in $(seq 60); do echo "{\"pk\":\"a\",\"size\":$i}"; done | ddb load t --rate 100
	us=$((${EPOCHREALTIME/./} - start))
	# The last of three batches begins after 50 items.
	[ $us -ge 500000 ]
}

@test "wire: a missing table is made by the schema line, and then filled" {
	answers "200 $TABLE"
	ddb desc t --schema >"$TEMP/dump"
	echo '{"pk":{"S":"a"},"size":{"N":"1"},"s":{"SS":["x"]}}' >>"$TEMP/dump"
	answers '400 {"__type":"x#ResourceNotFoundException","message":"no"}' '200 {}' "200 $TABLE" '200 {}'
	run -0 ddb load t2 "$TEMP/dump"
	assert_equal "$(body 2 .TableName)" '"t2"'
	assert_equal "$(body 4 .RequestItems.t2)" '[{"PutRequest":{"Item":{"pk":{"S":"a"},"s":{"SS":["x"]},"size":{"N":"1"}}}}]'
}

@test "wire: segments are read at the same time, each to its end" {
	answers '200 {"Items":[{"pk":{"S":"a"}}],"Count":1}'
	run -0 ddb scan t --segments 3
	assert_equal "${#lines[@]}" 3
	assert_equal "$(jq -cs 'map(.body | fromjson | [.Segment,.TotalSegments]) | sort' "$TEMP/seen")" '[[0,3],[1,3],[2,3]]'
	assert_equal "$(jq -s 'map(.connection) | unique | length' "$TEMP/seen")" 3
}

@test "wire: a dump that fails leaves no file" {
	answers "200 $TABLE" '400 {"__type":"x#ValidationException","message":"no"}'
	run -2 ddb dump t "$TEMP/dump"
	assert_file_not_exists "$TEMP/dump"
	assert_file_not_exists "$TEMP/dump.new"
}

@test "wire: answers that make no sense are told, not believed" {
	for answer in '{}' '[]' '{"Table":1}' '{"Table":{"KeySchema":[],"AttributeDefinitions":[]}}' 'x'; do
		answers "200 $answer"
		run -4 ddb get t a 1
	done
	for answer in '[]' '{"Items":1}' '{"Items":[1]}' '{"Items":[{"a":{"S":1}}]}' '{"Items":[]' '{"Items":[]} x'; do
		answers "200 $answer"
		run -4 ddb scan t
		assert_output --partial "makes no sense"
	done
	answers "200 $TABLE" '200 {"Item":{"a":{"X":"y"}}}'
	run -4 ddb get t a 1
	answers "200 $TABLE" '200 {"UnprocessedItems":[]}'
	run -4 ddb load t <<<'{"pk":"a","size":1}'
}

@test "wire: sizes over the bounds are refused before anything is sent" {
	answers "200 $TABLE" '200 {}'
	run -2 ddb put t - < <(printf '{"pk":"a","size":1,"x":"%s"}' "$(head -c 409600 /dev/zero | tr '\0' x)")
	assert_output --partial "line 1: an item of 4096"
	answers '200 {}'
	run -2 ddb put t - < <(head -c 17000000 /dev/zero | tr '\0' x)
	assert_output --partial "more than 16 MB"
	answers "200 $TABLE" '200 {}'
	run -10 ddb load t < <(head -c 40000000 /dev/zero | tr '\0' x; printf '\n{"pk":"a","size":1}\n')
	assert_output --partial "line 1: more than 16 MB"
	assert_output --partial "1 items written, 1 lines refused"
}
