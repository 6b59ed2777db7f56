# TagResource, UntagResource, ListTagsOfResource; and ARNs of other tables than ours.
load helpers
shared_cluster

ARN=arn:aws:dynamodb:us-east-1:000000000000:table/

made() { # TABLE
	post CreateTable "{\"TableName\":\"$1\",\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}],\"BillingMode\":\"PAY_PER_REQUEST\"}" >/dev/null
	wait_for active "$1"
}

tag() { # TABLE TAGS: as k=v,l=w
	post TagResource "$(jq -cn --arg arn "$ARN$1" --arg tags "$2" '{ResourceArn: $arn, Tags: ($tags / "," | map((. / "=") as $t | {Key: $t[0], Value: $t[1]}))}')"
}

tags() { # TABLE
	post ListTagsOfResource "{\"ResourceArn\":\"$ARN$1\"}" | jq -c '[.Tags[] | "\(.Key)=\(.Value)"] | sort'
}

refused() { # TYPE MESSAGE
	assert_equal "$(jq -r '[(.__type | sub(".*#"; "")), .message] | join(": ")' <<<"$output")" "$1: $2"
}

@test "tags: set, replaced and taken away" {
	made one
	run -0 tag one 'a=1,b=2'
	assert_output '{}'
	run -0 tag one 'b=3,c='
	assert_equal "$(tags one)" '["a=1","b=3","c="]'
	run -0 post UntagResource "{\"ResourceArn\":\"${ARN}one\",\"TagKeys\":[\"a\",\"never\"]}"
	assert_output '{}'
	assert_equal "$(tags one)" '["b=3","c="]'
}

@test "tags: whatever is wrong, nothing is set" {
	made good
	run -0 tag good 'fine=1,aws:mine=2'
	refused ValidationException 'Tag Key cannot be prefixed with aws:, Key: aws:mine'
	run -0 tag good "fine=1,$(printf 'k%.0s' {1..129})=2"
	refused ValidationException "The Tag Key provided is invalid, Key: $(printf 'k%.0s' {1..129})"
	run -0 tag good "fine=$(printf 'v%.0s' {1..257})"
	refused ValidationException "The Tag Value provided is invalid, Value: $(printf 'v%.0s' {1..257})"
	run -0 tag good 'fine=1,fine=2'
	refused ValidationException 'Duplicate Tag Keys provided as input: Duplicate Tag Key found fine'
	run -0 tag good "$(seq 51 | sed 's/.*/k&=v/' | paste -sd,)"
	refused ValidationException 'Number of Tags exceed the current limit for the provided ResourceArn'
	assert_equal "$(tags good)" '[]'
	run -0 tag good "$(printf 'k%.0s' {1..128})=$(printf 'v%.0s' {1..256})"
	assert_output '{}'
	run -0 tag good "$(seq 49 | sed 's/.*/k&=v/' | paste -sd,)"
	assert_output '{}'
	run -0 tag good 'fine=1'
	refused ValidationException 'Number of Tags exceed the current limit for the provided ResourceArn'
}

@test "tags: of many that come at once none is lost" {
	made many
	local asked=()
	for i in $(seq 20); do
		tag many "k$i=v" >/dev/null &
		asked+=($!)
	done
	wait "${asked[@]}"
	assert_equal "$(tags many | jq length)" 20
}

@test "tags: of tables that are not there, or not ours" {
	run -0 tag nowhere 'k=v'
	refused ResourceNotFoundException "Requested resource not found: ResourceArn: ${ARN}nowhere not found"
	run -0 post ListTagsOfResource '{"ResourceArn":"nowhere"}'
	refused ValidationException "One or more parameter values were invalid: ARNs must start with 'arn:': nowhere"
	run -0 post ListTagsOfResource '{"ResourceArn":"arn:aws:dynamodb:eu-west-1:000000000000:table/nowhere"}'
	refused ValidationException 'Invalid TableArn: Invalid ResourceArn provided as input arn:aws:dynamodb:eu-west-1:000000000000:table/nowhere'
	run -0 post ListTagsOfResource '{"ResourceArn":"arn:aws:dynamodb:us-east-1:123456789012:table/nowhere"}'
	assert_output --partial AccessDeniedException
}

@test "arns: another region's table is not ours, though its name is" {
	made mine
	run -0 post PutItem "{\"TableName\":\"${ARN}mine\",\"Item\":{\"pk\":{\"S\":\"a\"}}}"
	assert_output '{}'
	run -0 post BatchGetItem "{\"RequestItems\":{\"${ARN}mine\":{\"Keys\":[{\"pk\":{\"S\":\"a\"}}],\"ConsistentRead\":true}}}"
	assert_equal "$(jq -c '[.Responses[][].pk.S]' <<<"$output")" '["a"]'
	run -0 post GetItem '{"TableName":"arn:aws:dynamodb:eu-west-1:000000000000:table/mine","Key":{"pk":{"S":"a"}}}'
	refused ValidationException "1 validation error detected: Invalid AWS region in 'arn:aws:dynamodb:eu-west-1:000000000000:table/mine'"
	run -0 post BatchGetItem '{"RequestItems":{"arn:aws:dynamodb:eu-west-1:000000000000:table/mine":{"Keys":[{"pk":{"S":"a"}}]}}}'
	refused ValidationException "1 validation error detected: Invalid AWS region in 'arn:aws:dynamodb:eu-west-1:000000000000:table/mine'"
	run -0 post GetItem '{"TableName":"arn:aws:dynamodb:us-east-1:123456789012:table/mine","Key":{"pk":{"S":"a"}}}'
	assert_output --partial 'is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/mine'
}
