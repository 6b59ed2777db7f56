# ddb bench: on a cluster, and on servers that misbehave (t/bench/fake-server).
load helpers
shared_cluster

setup() {
	FAKE=
}

teardown() {
	[ -z "$FAKE" ] || kill "$FAKE"
}

# fake MODE: sets ENDPOINT.
fake() {
	local out=$BATS_TEST_TMPDIR/fake
	"$DDB_ROOT/t/bench/fake-server" "$1" >"$out" 2>&1 3>&- &
	FAKE=$!
	wait_for grep -q . "$out"
	ENDPOINT=http://127.0.0.1:$(head -1 "$out")
}

# says JQ: the report in $output fulfils it.
says() {
	jq -e "$1" <<<"$output" >/dev/null || {
		echo "not so: $1"
		echo "$output"
		return 1
	}
}

@test "bench: loads a table it makes, measures a mix, and finds every value in its place" {
	run -0 --separate-stderr ddb bench --table mixed --load --items 500 --workload a --consistent --verify \
		--warmup 0 --duration 1s --connections 8 --json
	says '.throughput > 0 and .errors_total == 0 and .errors == {} and .missing == 0 and .wrong == 0'
	says '.requests == .operations.get.requests + .operations.put.requests'
	says '.p50_us > 0 and .p50_us <= .p99_us and .p99_us <= .p999_us and .p999_us <= .max_us'
	says '.operations.get.requests / .requests | . > 0.4 and . < 0.6'
	assert_equal "$stderr" ""
	run -0 ddb bench --table mixed --items 500 --workload b --keys zipf --duration 200ms --warmup 0
	assert_output --partial 'requests/s'
}

@test "bench: --duration 0 only loads" {
	run -0 ddb bench --table only --load --items 100 --size 64 --duration 0
	assert_output ""
	post Scan '{"TableName":"only","Select":"COUNT","ConsistentRead":true}' | jq -e '.Count == 100'
}

@test "bench: an open loop sends as many as it was told" {
	run -0 ddb bench --table open --rate 200 --warmup 0 --duration 1s --workload w --json
	says '.requests == 200 and .overruns == 0 and .rate == 200'
}

@test "bench: reads of what is not there are counted, and are no errors" {
	run -0 ddb bench --table empty --workload c --warmup 0 --duration 200ms --json
	says '.missing == .requests and .requests > 0 and .errors_total == 0'
}

@test "bench: --verify notices a value that belongs to another key" {
	ddb bench --table swapped --load --items 10 --duration 0
	post PutItem '{"TableName":"swapped","Item":{"pk":{"S":"user000000000003"},"v":{"S":"user000000000004:0:"}}}'
	run -1 ddb bench --table swapped --items 10 --workload c --verify --consistent --warmup 0 --duration 300ms --json
	says '.wrong > 0 and .wrong < .requests'
	run -0 ddb bench --table swapped --items 10 --workload c --consistent --warmup 0 --duration 300ms --json
	says '.wrong == 0'
}

@test "bench: a table with a sort key is refused" {
	post CreateTable '{"TableName":"sorted","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"}]}'
	run -2 ddb bench --table sorted --duration 100ms
	assert_output --partial "must be one attribute, a string"
}

@test "bench: updates, and writes with a condition, of what --load has put" {
	run -0 ddb bench --table forms --load --items 50 --workload a --consistent --verify --update --condition --warmup 0 --duration 300ms \
		--json
	says '.errors_total == 0 and .missing == 0 and .wrong == 0 and .write == "update-if"'
	says '(.operations | keys) == ["get", "update-if"] and .requests == ([.operations[].requests] | add)'
	run -0 ddb bench --table forms --items 50 --workload w --condition --warmup 0 --duration 200ms --json
	says '.errors_total == 0 and (.operations | keys) == ["put-if"]'
	run -0 ddb bench --table forms --items 50 --workload w --update --warmup 0 --duration 200ms --json
	says '.errors_total == 0 and (.operations | keys) == ["update"]'
	run -0 ddb bench --table forms --items 50 --workload c --consistent --verify --warmup 0 --duration 200ms --json
	says '.missing == 0 and .wrong == 0'
}

@test "bench: a condition on what is not there fails, and is counted" {
	run -4 --separate-stderr ddb bench --table forms-none --items 50 --workload w --update --condition --warmup 0 --duration 200ms --json
	says '.errors | keys == ["ConditionalCheckFailedException"]'
	post Scan '{"TableName":"forms-none","Select":"COUNT","ConsistentRead":true}' | jq -e '.Count == 0'
}

@test "bench: a table of other indexes is refused, and one that is made has them" {
	run -2 ddb bench --table mixed-none --indexes 21
	ddb bench --table plain --load --items 1 --duration 0
	run -2 ddb bench --table plain --indexes 2 --duration 0
	assert_output --partial 'has 0 global indexes, not 2'
	(
		unset TEMP                                   # of the cluster
		endpoint_start
		index() {
			echo "{\"IndexName\":\"by-g$1\",\"KeySchema\":[{\"AttributeName\":\"g$1\",\"KeyType\":\"HASH\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}}"
		}
		answers '400 {"__type":"x#ResourceNotFoundException","message":""}' '200 {}' \
			'200 {"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"GlobalSecondaryIndexes":[{"IndexName":"a"},{"IndexName":"b"}]}}'
		run -0 ddb bench --table two --indexes 2 --load --items 1 --size 150 --connections 1 --duration 0
		jq -cs '.[1].body | fromjson' "$TEMP/seen" >"$TEMP/made"
		run jq -c .GlobalSecondaryIndexes "$TEMP/made"
		assert_output "[$(index 1),$(index 2)]"
		run jq -c '.AttributeDefinitions | map(.AttributeName + .AttributeType)' "$TEMP/made"
		assert_output '["pkS","g1S","g2S"]'
		run jq -cs '.[3].body | fromjson | .Item | [.pk.S, .g1.S, .g2.S, (to_entries | map((.key + .value.S) | length) | add)]' "$TEMP/seen"
		assert_output '["user000000000000","user000000000000","user000000000000",150]'
		endpoint_stop
	)
}

@test "bench: a stall of the server shows in an open loop as long as it lasted for those who came meanwhile" {
	fake stall
	run -0 ddb bench --endpoint "$ENDPOINT" --rate 200 --connections 4 --warmup 0 --duration 2s --workload w --json
	# A hundred of 400 came during the half second.
	says '.requests == 400 and .max_us >= 450000 and .p90_us >= 150000'
}

@test "bench: what cannot be sent in time is counted" {
	fake stall
	run -0 ddb bench --endpoint "$ENDPOINT" --rate 1000000 --connections 1 --timeout 1s --warmup 0 --duration 300ms \
		--workload w --json
	says '.overruns > 0 and .overruns + .requests == 300000 and .late_max <= 100000'
}

@test "bench: refusals are counted by type" {
	fake throttle
	run -0 ddb bench --endpoint "$ENDPOINT" --connections 2 --warmup 0 --duration 500ms --workload w --json
	says '(.errors | keys) == ["ProvisionedThroughputExceededException"] and .errors_total / .requests > 0.2'
	says '.errors_total == .errors.ProvisionedThroughputExceededException'
	says '.operations.put.requests == .requests - .errors_total'
}

@test "bench: lost connections are counted, and made anew" {
	fake drop
	run -0 ddb bench --endpoint "$ENDPOINT" --connections 2 --warmup 0 --duration 500ms --workload w --json
	says '.errors["connection lost"] > 1 and .requests > .errors_total'
}

@test "bench: a server that closes after each answer is served all the same" {
	fake close
	run -0 ddb bench --endpoint "$ENDPOINT" --connections 2 --warmup 0 --duration 500ms --workload w --json
	says '.errors_total == 0 and .requests > 10'
}

@test "bench: SIGINT ends it with a report" {
	fake close
	ddb bench --endpoint "$ENDPOINT" --connections 2 --warmup 0 --duration 1h --json >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$! rc=0
	wait_for grep -q asked "$BATS_TEST_TMPDIR/fake"
	kill -INT "$pid"
	wait "$pid" || rc=$?
	assert_equal "$rc" 3
	jq -e '.interrupted' "$BATS_TEST_TMPDIR/out"
}

@test "bench: nobody listens: exit 4; https: exit 2" {
	run -4 ddb bench --endpoint "http://127.0.0.1:$(free_port)" --timeout 500ms
	run -2 ddb bench --endpoint https://127.0.0.1:1
	assert_output --partial "plain HTTP only"
}

@test "bench: the model of the physical limit serves reads and writes of any size" {
	local model=$DDB_ROOT/build/rel/t/bench/model out=$BATS_TEST_TMPDIR/model size
	[ -x "$model" ] || "${MAKE:-make}" -s -C "$DDB_ROOT" build/rel/t/bench/model
	"$model" --dir "$TEMP" >"$out" 3>&- &
	FAKE=$!
	wait_for grep -q listening "$out"
	ENDPOINT=http://127.0.0.1:$(sed -n 's/^listening on //p' "$out")
	for size in 100 102400; do
		run -0 ddb bench --endpoint "$ENDPOINT" --load --items 200 --size "$size" --workload a --consistent --warmup 0 --duration 300ms --json
		says '.errors_total == 0 and .operations.get.requests > 10 and .operations.put.requests > 10'
	done
}
