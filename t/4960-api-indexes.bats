#!/usr/bin/env bats
# Secondary indexes: they are what the items say, however these were written; they come and go while others write; and
# nobody sees the tables that hold their rows.
load helpers
load indexes
shared_cluster

setup_file() {
	cluster_start --sweep 50ms --ttl-change 0
}

setup() {
	T=tab$BATS_TEST_NUMBER
}

teardown() {
	[ -z "${WRITER:-}" ] || kill -KILL "$WRITER" 2>/dev/null || :
	[ -n "${BATS_TEST_COMPLETED:-}" ] || cluster_logs
}

@test "indexes: whichever way items are written, every index has exactly the rows that follow from them" {
	local way
	indexes create "$T"
	for way in put update delete batch transact; do
		run -0 indexes write "$T" --only "$way" --count 400 --seed "${#way}"
		[ "$(grep -oP "^$way \\K[0-9]+" <<<"${lines[1]}")" -ge 300 ]
		run -0 equal "$T" --least 20
		echo "$way: ${lines[*]}"
		assert_equal "${#lines[@]}" 7
	done
}

unexpired() { # TABLE: items with a time that is over
	[ "$(post Scan "{\"TableName\":\"$1\",\"ConsistentRead\":true,\"Select\":\"COUNT\",\"FilterExpression\":\"attribute_exists(e)\"}" |
		jq .Count)" -eq "$2" ]
}

@test "indexes: what expires leaves every index" {
	indexes create "$T" local-all local-keys global-all global-keys
	indexes fill "$T"
	indexes write "$T" --only put --count 600 --expire
	run -0 equal "$T"
	assert_line --regexp '^global-all [0-9]+ of 800$'
	run ! unexpired "$T" 0
	post UpdateTimeToLive "{\"TableName\":\"$T\",\"TimeToLiveSpecification\":{\"AttributeName\":\"e\",\"Enabled\":true}}" >/dev/null
	wait_for unexpired "$T" 0
	run -0 equal "$T" --least 100
	run ! grep -q 'of 800$' <<<"$output"
}

@test "indexes: one is made of 20,000 items, and one dropped, while others write" {
	indexes create "$T" local-all global-all
	indexes fill "$T" --pks 200 --sks 100
	writing "$T" --pks 200 --sks 100 --rate 400
	indexes add "$T" global-some
	follow 60 "$T" global-some '["ACTIVE","ACTIVE",null]'
	cat "$BATS_TEST_TMPDIR/states"
	seen '["UPDATING","CREATING",true]'
	run ! seen '["ACTIVE","CREATING",true]'
	indexes drop "$T" global-all
	follow 20 "$T" global-all '["ACTIVE"]'
	cat "$BATS_TEST_TMPDIR/states"
	written
	[ "$(made put)" -ge 20 ]
	run -0 equal "$T" --least 3000
	assert_equal "$(cut -d' ' -f1 <<<"$output" | xargs)" 'local-all global-some'
	run -0 post Scan "{\"TableName\":\"$T\",\"IndexName\":\"global-all\"}"
	assert_output --partial 'The table does not have the specified index: global-all'
	# What had this name comes back as another.
	indexes add "$T" global-all
	follow 60 "$T" global-all '["ACTIVE","ACTIVE",null]'
	run -0 equal "$T" --least 3000
	assert_equal "${#lines[@]}" 3
}

@test "indexes: an item from before an index is in it if it can be, and is no harm if it cannot" {
	indexes create "$T" local-all
	# Empty, of another type, and too long for the index's key to come.
	local n=0
	for g in '{"S":""}' '{"N":"1"}' "{\"S\":\"$(printf 'x%.0s' {1..3000})\"}" '{"S":"good"}'; do
		n=$((n + 1))
		run -0 post PutItem "{\"TableName\":\"$T\",\"Item\":{\"pk\":{\"S\":\"p\"},\"sk\":{\"S\":\"$n\"},\"l\":{\"N\":\"1\"},\"g\":$g}}"
		assert_output '{}'
	done
	indexes add "$T" global-all
	follow 20 "$T" global-all '["ACTIVE","ACTIVE",null]'
	run -0 post Scan "{\"TableName\":\"$T\",\"IndexName\":\"global-all\"}"
	assert_equal "$(jq -c '[.Items[].sk.S]' <<<"$output")" '["4"]'
	# Such an item can be mended.
	run -0 post UpdateItem "{\"TableName\":\"$T\",\"Key\":{\"pk\":{\"S\":\"p\"},\"sk\":{\"S\":\"2\"}},\"UpdateExpression\":\"SET g = :g\",
		\"ExpressionAttributeValues\":{\":g\":{\"S\":\"mended\"}}}"
	assert_output '{}'
	mended() {
		[ "$(post Scan "{\"TableName\":\"$T\",\"IndexName\":\"global-all\"}" | jq -c '[.Items[].sk.S] | sort')" = '["2","4"]' ]
	}
	wait_for mended
}

@test "indexes: nobody can name, list or find the tables of their rows" {
	indexes create "$T"
	run -0 post ListTables '{}'
	run ! grep -q '#' <<<"$output"
	run -0 ddb tables
	run ! grep -q '#' <<<"$output"
	run -0 post DescribeTable "{\"TableName\":\"$T\"}"
	run ! grep -q '#\|"Id"\|NextIndex\|IndexVersion\|Partitions' <<<"$output"
	run -0 post DescribeTable "{\"TableName\":\"$T\"}"
	arn=$(jq -r .Table.TableArn <<<"$output")
	assert_equal "$(jq -r '.Table | (.LocalSecondaryIndexes, .GlobalSecondaryIndexes)[] | .IndexArn' <<<"$output" | sort)" \
		"$(for x in global-all global-keys global-many global-some local-all local-keys local-some; do echo "$arn/index/$x"; done)"
	for name in '#2.1' '#3.4' '#ledger'; do
		run -0 post DescribeTable "{\"TableName\":\"$name\"}"
		assert_output --partial ValidationException
		run -0 post Scan "{\"TableName\":\"$name\"}"
		assert_output --partial ValidationException
		run -0 post DeleteTable "{\"TableName\":\"${arn%/*}/$name\"}"
		assert_output --partial ValidationException
	done
}
