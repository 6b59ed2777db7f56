#!/usr/bin/env bats
# ddb-autoadmin: a definition that changes while it dies is the old one or the new one.
load helpers

[ -z "${DDB_BIN:-}" ] || export PATH="$DDB_BIN:$PATH"

units() { # N: read N, write N + 1, in this order
	post UpdateTable "{\"TableName\":\"tab\",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":$1,\"WriteCapacityUnits\":$(($1 + 1))}}"
}

told() {
	post DescribeTable '{"TableName":"tab"}' | jq -e '.Table | .ProvisionedThroughput, .WarmThroughput' >"$TEMP/now"
}

@test "autoadmin: killed during UpdateTable, a table is as it was or as it was asked for, never in between" {
	cluster_start
	post CreateTable '{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}' >/dev/null
	wait_for active tab
	before=1 changed=0
	for i in $(seq 10 19); do
		units "$i" >"$TEMP/answer" &
		asked=$!
		[ $((i % 2)) -eq 0 ] || wait "$asked"
		kill -9 "$(pgrep -f -- "^([^ ]*/)?ddb-autoadmin --home $DDB_HOME " | head -1)"
		wait "$asked" || true
		wait_for told
		read=$(jq -s '.[0].ReadCapacityUnits' "$TEMP/now")
		assert_equal "$(jq -s '.[0].WriteCapacityUnits' "$TEMP/now")" $((read + 1))
		# What grows with it is of the same definition.
		assert_equal "$(jq -sc '.[1] | [.ReadUnitsPerSecond, .WriteUnitsPerSecond]' "$TEMP/now")" "[$read,$((read + 1))]"
		[ "$read" -eq "$i" ] || assert_equal "$read" "$before"
		! grep -q UPDATING "$TEMP/answer" || assert_equal "$read" "$i"
		[ "$read" -eq "$before" ] || changed=$((changed + 1))
		before=$read
		run -0 post PutItem '{"TableName":"tab","Item":{"pk":{"S":"k"}}}'
		assert_output '{}'
	done
	echo "$changed of 10 were made"
	[ "$changed" -ge 5 ]
}
