# CreateTable, DescribeTable, ListTables, DeleteTable, and what is asked right after them.
load helpers
shared_cluster

# create NAME KEYS REST: KEYS as pk:S,sk:N; REST are further members, with a comma in front
create() {
	local name=$1 keys=$2 rest=$3
	post CreateTable "$(jq -cn --arg name "$name" --arg keys "$keys" '($keys / "," | map(. / ":")) as $k | {
		TableName: $name, AttributeDefinitions: ($k | map({AttributeName: .[0], AttributeType: .[1]})),
		KeySchema: ([{AttributeName: $k[0][0], KeyType: "HASH"}] + ($k[1:] | map({AttributeName: .[0], KeyType: "RANGE"})))}' |
		sed "s/}\$/$rest}/")"
}

on_demand=',"BillingMode":"PAY_PER_REQUEST"'

refused() { # TYPE MESSAGE
	assert_equal "$(jq -r '[(.__type | sub(".*#"; "")), .message] | join(": ")' <<<"$output")" "$1: $2"
}

OPV='One or more parameter values were invalid:'

@test "tables: made, described, listed, used and dropped" {
	run -0 create life pk:S,sk:N "$on_demand"
	assert_equal "$(jq -c '.TableDescription | [.TableName, .TableStatus, .BillingModeSummary.BillingMode, .KeySchema[1].KeyType]' \
		<<<"$output")" '["life","CREATING","PAY_PER_REQUEST","RANGE"]'
	wait_for active life
	run -0 post DescribeTable '{"TableName":"life"}'
	assert_equal "$(jq -c '.Table | [.TableArn, (.CreationDateTime | type), .AttributeDefinitions]' <<<"$output")" \
		'["arn:aws:dynamodb:us-east-1:000000000000:table/life","number",[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]]'
	run -0 post PutItem '{"TableName":"life","Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}'
	assert_output '{}'
	run -0 create life pk:S "$on_demand"
	refused ResourceInUseException 'Table already exists: life'
	run -0 post ListTables '{}'
	assert_equal "$(jq '.TableNames | index("life") != null' <<<"$output")" true
	run -0 post DeleteTable '{"TableName":"life"}'
	assert_equal "$(jq -r .TableDescription.TableStatus <<<"$output")" DELETING
	run -0 post DescribeTable '{"TableName":"life"}'
	refused ResourceNotFoundException 'Requested resource not found: Table: life not found'
	run -0 post DeleteTable '{"TableName":"life"}'
	refused ResourceNotFoundException 'Requested resource not found: Table: life not found'
}

@test "tables: a name that is taken again is another table" {
	run -0 create again pk:S "$on_demand"
	wait_for active again
	run -0 post PutItem '{"TableName":"again","Item":{"pk":{"S":"a"}}}'
	assert_output '{}'
	run -0 post DeleteTable '{"TableName":"again"}'
	run -0 create again id:N,n:S "$on_demand"
	wait_for active again
	run -0 post PutItem '{"TableName":"again","Item":{"id":{"N":"1"},"n":{"S":"x"}}}'
	assert_output '{}'
	run -0 post GetItem '{"TableName":"again","Key":{"id":{"N":"1"},"n":{"S":"x"}},"ConsistentRead":true}'
	assert_output '{"Item":{"id":{"N":"1"},"n":{"S":"x"}}}'
	run -0 post GetItem '{"TableName":"again","Key":{"pk":{"S":"a"}},"ConsistentRead":true}'
	refused ValidationException 'The provided key element does not match the schema'
}

@test "tables: an ARN is as good as a name" {
	run -0 create byarn pk:S "$on_demand"
	wait_for active byarn
	run -0 post PutItem '{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/byarn","Item":{"pk":{"S":"a"}}}'
	assert_output '{}'
	run -0 post DescribeTable '{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/byarn"}'
	assert_equal "$(jq -r .Table.TableName <<<"$output")" byarn
}

@test "tables: names" {
	run -0 create ab pk:S "$on_demand"
	refused ValidationException "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"
	run -0 create ../../etc/passwd pk:S "$on_demand"
	refused ValidationException "1 validation error detected: Value '../../etc/passwd' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
	run -0 create "$(printf 'x%.0s' {1..256})" pk:S "$on_demand"
	assert_output --partial 'Member must have length less than or equal to 255'
	run -0 create "$(printf 'x%.0s' {1..255})" pk:S "$on_demand"
	assert_output --partial CREATING
	run -0 post CreateTable '{}'
	refused ValidationException "The parameter 'TableName' is required but was not present in the request"
	run -0 create .. pk:S "$on_demand"
	assert_output --partial 'greater than or equal to 3'
	run -0 create ... pk:S "$on_demand"
	assert_output --partial CREATING
}

@test "tables: what is wrong in a definition" {
	run -0 create wrong pk:S ''
	refused ValidationException 'No provisioned throughput specified for the table'
	run -0 create wrong pk:S ',"BillingMode":"PROVISIONED"'
	refused ValidationException "$OPV ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
	run -0 create wrong pk:S "$on_demand"',"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}'
	refused ValidationException "$OPV Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
	run -0 create wrong pk:X "$on_demand"
	refused ValidationException "1 validation error detected: Value 'X' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]"
	run -0 create wrong pk:S,pk:S "$on_demand"
	refused ValidationException "Cannot have two attributes with the same name"
	run -0 create wrong a:S,b:S,c:S "$on_demand"
	assert_output --partial 'at '"'keySchema'"' failed to satisfy constraint: Member must have length less than or equal to 2'
	run -0 post CreateTable '{"TableName":"wrong","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"b","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}'
	refused ValidationException "$OPV Some index key attributes are not defined in AttributeDefinitions. Keys: [a], AttributeDefinitions: [b]"
	run -0 post CreateTable '{"TableName":"wrong","KeySchema":[{"AttributeName":"a","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}'
	refused ValidationException "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
	run -0 post CreateTable '{"TableName":"wrong"}'
	refused ValidationException "2 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not be null"
	run -0 create wrong pk:S ',"ProvisionedThroughput":{"ReadCapacityUnits":0}'
	refused ValidationException "2 validation errors detected: Value null at 'provisionedThroughput.writeCapacityUnits' failed to satisfy constraint: Member must not be null; Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or equal to 1"
	run -0 create wrong pk:S ',"BillingMode":"FREE"'
	assert_output --partial "Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"
}

@test "tables: what is not there yet is refused, not passed over" {
	run -0 create policy pk:S "$on_demand"',"ResourcePolicy":"{}"'
	refused UnknownOperationException 'Resource policies are not supported yet'
	run -0 create stream pk:S "$on_demand"',"StreamSpecification":{"StreamEnabled":true}'
	refused ValidationException "$OPV Table is being created with a stream enabled, UpdateViewType is required"
	run -0 create nostream pk:S "$on_demand"',"StreamSpecification":{"StreamEnabled":false}'
	assert_output --partial CREATING
}

@test "tables: provisioned capacity, deletion protection, class and tags are kept" {
	run -0 create kept pk:B ',"ProvisionedThroughput":{"ReadCapacityUnits":7,"WriteCapacityUnits":5},"DeletionProtectionEnabled":true,"TableClass":"STANDARD","Tags":[{"Key":"k","Value":"v"}]'
	wait_for active kept
	run -0 post DescribeTable '{"TableName":"kept"}'
	assert_equal "$(jq -c '.Table | [.ProvisionedThroughput, .DeletionProtectionEnabled, .TableClassSummary.TableClass, has("BillingModeSummary")]' \
		<<<"$output")" '[{"NumberOfDecreasesToday":0,"ReadCapacityUnits":7,"WriteCapacityUnits":5},true,"STANDARD",false]'
	run -0 post ListTagsOfResource '{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/kept"}'
	assert_output '{"Tags":[{"Key":"k","Value":"v"}]}'
	run -0 post DeleteTable '{"TableName":"kept"}'
	refused ValidationException 'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.'
}

@test "tables: listed in pages" {
	local i seen='' after='' page
	for i in 1 2 3 4 5; do
		run -0 create "page-$i" pk:S "$on_demand"
	done
	after='page-0'
	while :; do
		page=$(post ListTables "{\"Limit\":2,\"ExclusiveStartTableName\":\"$after\"}")
		seen+=" $(jq -r '.TableNames | join(" ")' <<<"$page")"
		after=$(jq -r '.LastEvaluatedTableName // empty' <<<"$page")
		[ -n "$after" ] || break
	done
	assert_regex "$seen" ' page-1 page-2 page-3 page-4 page-5'
	run -0 post ListTables '{"Limit":101}'
	refused ValidationException "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"
	run -0 post ListTables '{"Limit":0}'
	refused ValidationException "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
}

@test "tables: what Terraform asks after a create" {
	run -0 create terra pk:S "$on_demand"
	wait_for active terra
	run -0 post DescribeTimeToLive '{"TableName":"terra"}'
	assert_output '{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}'
	run -0 post DescribeContinuousBackups '{"TableName":"terra"}'
	assert_output --partial '"PointInTimeRecoveryStatus":"DISABLED"'
	run -0 post ListTagsOfResource '{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/terra"}'
	assert_output '{"Tags":[]}'
	run -0 post DescribeEndpoints '{}'
	assert_output "{\"Endpoints\":[{\"Address\":\"127.0.0.1:$DDB_PORT\",\"CachePeriodInMinutes\":1440}]}"
	run -0 post DescribeLimits '{}'
	assert_output --partial '"TableMaxReadCapacityUnits":40000'
}

@test "tables: the AWS CLI makes, waits for and drops one" {
	need /usr/bin/aws
	run -0 awscli dynamodb create-table --table-name cli --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=pk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH
	run -0 awscli dynamodb wait table-exists --table-name cli
	run -0 awscli dynamodb put-item --table-name cli --item '{"pk":{"S":"x"},"v":{"N":"1"}}'
	run -0 awscli dynamodb get-item --table-name cli --key '{"pk":{"S":"x"}}' --consistent-read --query Item.v.N
	assert_output '"1"'
	run -0 awscli dynamodb delete-table --table-name cli
	run -0 awscli dynamodb wait table-not-exists --table-name cli
}
