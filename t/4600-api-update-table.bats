# UpdateTable, and what DescribeTable says afterwards.
load helpers
shared_cluster

provisioned='"BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":5}'
on_demand='"BillingMode":"PAY_PER_REQUEST"'
OPV='One or more parameter values were invalid:'

made() { # TABLE MEMBERS: an active table with pk:S
	post CreateTable "{\"TableName\":\"$1\",\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}],$2}" >/dev/null
	wait_for active "$1"
}

update() { # TABLE MEMBERS
	post UpdateTable "{\"TableName\":\"$1\",$2}"
}

described() { # TABLE JQ
	post DescribeTable "{\"TableName\":\"$1\"}" | jq -c ".Table | $2"
}

refused() { # TYPE MESSAGE
	assert_equal "$(jq -r '[(.__type | sub(".*#"; "")), .message] | join(": ")' <<<"$output")" "$1: $2"
}

@test "update: throughput, up and down, and counted" {
	made units "$provisioned"
	run -0 update units '"ProvisionedThroughput":{"ReadCapacityUnits":7,"WriteCapacityUnits":3}'
	assert_equal "$(jq -c '.TableDescription | [.TableStatus, .ProvisionedThroughput.ReadCapacityUnits]' <<<"$output")" '["UPDATING",7]'
	assert_equal "$(described units '[.TableStatus, (.ProvisionedThroughput | .ReadCapacityUnits, .WriteCapacityUnits, .NumberOfDecreasesToday, has("LastIncreaseDateTime"), has("LastDecreaseDateTime"))]')" \
		'["ACTIVE",7,3,1,true,true]'
	assert_equal "$(described units '.WarmThroughput | [.ReadUnitsPerSecond, .WriteUnitsPerSecond]')" '[7,5]'
	run -0 update units '"ProvisionedThroughput":{"ReadCapacityUnits":7,"WriteCapacityUnits":3}'
	refused ValidationException 'The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: 7. Requested ReadCapacityUnits: 7. Current WriteCapacityUnits provisioned for the table: 3. Requested WriteCapacityUnits: 3. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.'
}

@test "update: the fifth decrease of a day is refused" {
	made less '"BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":50,"WriteCapacityUnits":50}'
	# A day may end meanwhile; then there are four more.
	for i in 1 2 3 4 5 6 7 8 9; do
		run -0 update less "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":$((50 - i)),\"WriteCapacityUnits\":50}"
		! grep -q LimitExceededException <<<"$output" || break
	done
	assert_output --partial 'Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day.'
	assert_output --partial 'Number of decreases today: 4. Last decrease at '
	assert_equal "$(described less .ProvisionedThroughput.NumberOfDecreasesToday)" 4
}

@test "update: billing modes there and back" {
	made mode "$provisioned"
	assert_equal "$(described mode 'has("BillingModeSummary")')" false
	run -0 update mode "$on_demand"
	assert_equal "$(described mode '[.BillingModeSummary.BillingMode, (.ProvisionedThroughput | .ReadCapacityUnits, .WriteCapacityUnits), .WarmThroughput.ReadUnitsPerSecond]')" \
		'["PAY_PER_REQUEST",0,0,12000]'
	run -0 update mode '"OnDemandThroughput":{"MaxReadRequestUnits":100}'
	assert_equal "$(described mode .OnDemandThroughput)" '{"MaxReadRequestUnits":100}'
	run -0 update mode '"BillingMode":"PROVISIONED"'
	refused ValidationException "$OPV ProvisionedThroughput must be specified when BillingMode is PROVISIONED"
	run -0 update mode '"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}'
	refused ValidationException "$OPV Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
	run -0 update mode "$provisioned"
	assert_equal "$(described mode '[.BillingModeSummary.BillingMode, (.BillingModeSummary | has("LastUpdateToPayPerRequestDateTime")), has("OnDemandThroughput"), .ProvisionedThroughput.ReadCapacityUnits]')" \
		'["PROVISIONED",true,false,5]'
	run -0 post PutItem '{"TableName":"mode","Item":{"pk":{"S":"a"}}}'
	assert_output '{}'
}

@test "update: class, stream and encryption are described" {
	made misc "$on_demand"
	run -0 update misc '"TableClass":"STANDARD_INFREQUENT_ACCESS"'
	assert_equal "$(described misc '.TableClassSummary | [.TableClass, has("LastUpdateDateTime")]')" '["STANDARD_INFREQUENT_ACCESS",true]'
	run -0 update misc '"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}'
	first=$(described misc .LatestStreamArn)
	assert_regex "$first" '^"arn:aws:dynamodb:us-east-1:000000000000:table/misc/stream/20[0-9-]{8}T[0-9:]{8}\.[0-9]{3}"$'
	run -0 update misc '"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}'
	refused ValidationException 'Table already has an enabled stream: TableName: misc'
	run -0 update misc '"StreamSpecification":{"StreamEnabled":false}'
	assert_equal "$(described misc '[has("StreamSpecification"), .LatestStreamArn]')" "[false,$first]"
	run -0 update misc '"SSESpecification":{"Enabled":true}'
	assert_equal "$(described misc '.SSEDescription | [.Status, .SSEType]')" '["ENABLED","KMS"]'
	run -0 update misc '"SSESpecification":{"Enabled":false}'
	assert_equal "$(described misc 'has("SSEDescription")')" false
}

@test "update: one kind of change at a time" {
	made one "$provisioned"
	run -0 update one '"AttributeDefinitions":[]'
	assert_output --partial 'At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, '
	run -0 update one "\"DeletionProtectionEnabled\":true,$on_demand"
	refused ValidationException "$OPV DeletionProtection modification must be the only operation in the request"
	run -0 update one '"GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"abc"}}],"TableClass":"STANDARD"'
	refused ValidationException "$OPV TableClass modification must be the only operation in the request"
	run -0 update nowhere "$on_demand"
	refused ResourceNotFoundException 'Requested resource not found: Table: nowhere not found'
	assert_equal "$(described one '[.DeletionProtectionEnabled, has("BillingModeSummary")]')" '[false,false]'
}

@test "update: deletion protection holds until it is switched off" {
	made kept "$on_demand"
	run -0 update kept '"DeletionProtectionEnabled":true'
	assert_equal "$(jq -c '.TableDescription | [.TableStatus, .DeletionProtectionEnabled]' <<<"$output")" '["ACTIVE",true]'
	run -0 post DeleteTable '{"TableName":"kept"}'
	refused ValidationException 'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.'
	run -0 update kept '"DeletionProtectionEnabled":false'
	run -0 post DeleteTable '{"TableName":"kept"}'
	assert_equal "$(jq -r .TableDescription.TableStatus <<<"$output")" DELETING
}

counted() { # TABLE N
	[ "$(described "$1" '[.ItemCount, .TableSizeBytes > 0]')" = "[$2,true]" ]
}

@test "describe: items and bytes are counted, and an id is a table's for good" {
	made count "$on_demand"
	made other "$on_demand"
	assert_equal "$(described count '[.ItemCount, .TableSizeBytes]')" '[0,0]'
	for i in $(seq 10); do
		post PutItem "{\"TableName\":\"count\",\"Item\":{\"pk\":{\"S\":\"$i\"},\"v\":{\"S\":\"some bytes\"}}}" >/dev/null
	done
	wait_for counted count 10
	id=$(described count .TableId)
	assert_regex "$id" '^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"$'
	assert_not_equal "$id" "$(described other .TableId)"
	update count "$provisioned" >/dev/null
	assert_equal "$(described count .TableId)" "$id"
	wait_for counted count 10
}

@test "tables: Terraform's and CloudFormation's way with one, by the AWS CLI" {
	need /usr/bin/aws
	local arn=arn:aws:dynamodb:us-east-1:000000000000:table/terra
	run -0 awscli dynamodb create-table --table-name terra --billing-mode PROVISIONED \
		--provisioned-throughput ReadCapacityUnits=1,WriteCapacityUnits=1 --tags Key=stage,Value=test \
		--attribute-definitions AttributeName=pk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH \
		--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE
	run -0 awscli dynamodb wait table-exists --table-name terra
	run -0 awscli dynamodb describe-table --table-name terra --query 'Table.[TableStatus,TableArn,StreamSpecification.StreamViewType]'
	assert_equal "$(jq -c . <<<"$output")" "[\"ACTIVE\",\"$arn\",\"NEW_IMAGE\"]"
	run -0 awscli dynamodb describe-continuous-backups --table-name terra
	assert_output --partial '"PointInTimeRecoveryStatus": "DISABLED"'
	run -0 awscli dynamodb update-continuous-backups --table-name terra --point-in-time-recovery-specification PointInTimeRecoveryEnabled=false
	run -0 awscli dynamodb describe-time-to-live --table-name terra
	assert_output --partial '"TimeToLiveStatus": "DISABLED"'
	run -0 awscli dynamodb tag-resource --resource-arn "$arn" --tags Key=owner,Value=me Key=stage,Value=live
	run -0 awscli dynamodb list-tags-of-resource --resource-arn "$arn" --query 'Tags[].[Key,Value]'
	assert_equal "$(jq -c sort <<<"$output")" '[["owner","me"],["stage","live"]]'
	run -0 awscli dynamodb untag-resource --resource-arn "$arn" --tag-keys owner
	run -0 awscli dynamodb list-tags-of-resource --resource-arn "$arn" --query 'Tags[].Key'
	assert_equal "$(jq -c . <<<"$output")" '["stage"]'
	run -0 awscli dynamodb update-table --table-name terra --billing-mode PAY_PER_REQUEST
	run -0 awscli dynamodb wait table-exists --table-name terra
	run -0 awscli dynamodb describe-table --table-name terra --query Table.BillingModeSummary.BillingMode
	assert_output '"PAY_PER_REQUEST"'
	# Debian's CLI is older than deletion protection.
	run -0 update terra '"DeletionProtectionEnabled":true'
	run awscli dynamodb delete-table --table-name terra
	assert_failure
	assert_output --partial 'currently protected against deletion'
	run -0 update terra '"DeletionProtectionEnabled":false'
	run -0 awscli dynamodb delete-table --table-name terra --query TableDescription.TableStatus
	assert_output '"DELETING"'
	run -0 awscli dynamodb wait table-not-exists --table-name terra
	run awscli dynamodb list-tags-of-resource --resource-arn "$arn"
	assert_failure
	assert_output --partial "Requested resource not found: ResourceArn: $arn not found"
}

no_index_moves() { # TABLE
	[ "$(described "$1" '[.TableStatus, ([.GlobalSecondaryIndexes[]?.IndexStatus] | unique)]')" = '["ACTIVE",["ACTIVE"]]' ]
}

@test "tables: Terraform's way with one that has indexes, by the AWS CLI" {
	need /usr/bin/aws
	local arn=arn:aws:dynamodb:us-east-1:000000000000:table/formed
	run -0 awscli dynamodb create-table --table-name formed --billing-mode PAY_PER_REQUEST --tags Key=stage,Value=test \
		--attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=N AttributeName=a,AttributeType=S \
		--key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE \
		--local-secondary-indexes 'IndexName=local,KeySchema=[{AttributeName=pk,KeyType=HASH},{AttributeName=a,KeyType=RANGE}],Projection={ProjectionType=ALL}' \
		--global-secondary-indexes 'IndexName=first,KeySchema=[{AttributeName=a,KeyType=HASH}],Projection={ProjectionType=INCLUDE,NonKeyAttributes=[b]}'
	run -0 awscli dynamodb wait table-exists --table-name formed
	run -0 awscli dynamodb describe-table --table-name formed --query 'Table.[LocalSecondaryIndexes[].IndexArn,GlobalSecondaryIndexes[].[IndexName,IndexStatus,Projection.NonKeyAttributes]]'
	assert_equal "$(jq -c . <<<"$output")" "[[\"$arn/index/local\"],[[\"first\",\"ACTIVE\",[\"b\"]]]]"
	run -0 awscli dynamodb list-tags-of-resource --resource-arn "$arn" --query 'Tags[].Key'
	run -0 awscli dynamodb update-time-to-live --table-name formed --time-to-live-specification Enabled=true,AttributeName=expires
	run -0 awscli dynamodb describe-time-to-live --table-name formed --query TimeToLiveDescription.TimeToLiveStatus
	assert_output '"ENABLED"'
	run -0 awscli dynamodb describe-continuous-backups --table-name formed
	# Terraform names all attributes there will be, not just those of the new index.
	run -0 awscli dynamodb update-table --table-name formed \
		--attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=N AttributeName=a,AttributeType=S AttributeName=b,AttributeType=B \
		--global-secondary-index-updates 'Create={IndexName=second,KeySchema=[{AttributeName=b,KeyType=HASH},{AttributeName=sk,KeyType=RANGE}],Projection={ProjectionType=KEYS_ONLY}}' \
		--query 'TableDescription.[TableStatus,GlobalSecondaryIndexes[?IndexName==`second`]|[0].IndexStatus]'
	assert_equal "$(jq -c . <<<"$output")" '["UPDATING","CREATING"]'
	wait_for no_index_moves formed
	assert_equal "$(described formed '[.AttributeDefinitions[].AttributeName] | sort')" '["a","b","pk","sk"]'
	run -0 awscli dynamodb update-table --table-name formed --global-secondary-index-updates 'Delete={IndexName=first}' \
		--query 'TableDescription.GlobalSecondaryIndexes[?IndexName==`first`]|[0].IndexStatus'
	assert_output '"DELETING"'
	wait_for no_index_moves formed
	assert_equal "$(described formed '[[.GlobalSecondaryIndexes[].IndexName], [.LocalSecondaryIndexes[].IndexName], ([.AttributeDefinitions[].AttributeName] | sort)]')" \
		'[["second"],["local"],["a","b","pk","sk"]]'
	run -0 awscli dynamodb delete-table --table-name formed --query TableDescription.TableStatus
	assert_output '"DELETING"'
	run -0 awscli dynamodb wait table-not-exists --table-name formed
}
