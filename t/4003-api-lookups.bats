# The load on memds follows the requests, never the misses (DESIGN, D9).
load helpers

@test "lookups: memds is asked once a request, be its table cached, new, absent, or the request refused" {
	count() {
		ddb metrics | awk -v name="$1" 'index($1, name) == 1 && /router/ { n += $2 } END { print n }'
	}
	local lookups requests i
	cluster_start
	post CreateTable '{"TableName":"hash","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}'
	wait_for active hash
	lookups=$(count ddb_router_lookups_total)
	requests=$(count ddb_router_requests_total)
	for ((i = 0; i < 20; i++)); do
		post PutItem '{"TableName":"hash","Item":{"pk":{"S":"warm"}}}'
		post GetItem '{"TableName":"hash","Key":{"pk":{"S":"warm"}}}'
		post GetItem '{"TableName":"hash","Key":{"nokey":{"S":"warm"}}}'
		post GetItem '{"TableName":"absent","Key":{"pk":{"S":"warm"}}}'
	done
	assert_equal "$(($(count ddb_router_lookups_total) - lookups))" "$(($(count ddb_router_requests_total) - requests))"
	assert_equal "$(($(count ddb_router_requests_total) - requests))" 80
}
