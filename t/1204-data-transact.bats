#!/usr/bin/env bats
# ddb transact, on a cluster that all tests here share.
load helpers
shared_cluster

setup() {
	T=tab$BATS_TEST_NUMBER
	ddb create "$T" --key pk:S --sort n:N
}

has() { # KEY N ITEM
	assert_equal "$(ddb get "$T" "$1" "$2" || :)" "$3"
}

@test "transact: writes of every kind, in two tables, then reads" {
	ddb create "$T-b" --key id:S
	ddb put "$T" '[{"pk":"a","n":1,"v":1},{"pk":"a","n":2},{"pk":"a","n":3,"status":"open"}]'
	run -0 ddb transact - <<-J
		{"put":"$T","item":{"pk":"b","n":1.50,"list":[1,{"x":null}]},"if":"attribute_not_exists(pk)"}
		{"put":"$T-b","item":{"id":"x","size":4}}

		{"update":"$T","key":{"pk":"a","n":1},
		 "expression":"SET size = v + 1, \`odd name\` = 'it''s' REMOVE v"}
		{"delete":"$T","key":{"pk":"a","n":2},"if":"n = 2"}
		{"check":"$T","key":{"pk":"a","n":3},"if":"status = 'open' and attribute_not_exists(size)"}
	J
	assert_output ''
	has b 1.5 '{"list":[1,{"x":null}],"n":1.5,"pk":"b"}'
	has a 1 '{"n":1,"odd name":"it'"'"'s","pk":"a","size":2}'
	has a 2 ''
	run -0 --separate-stderr ddb transact <<-J
		{"get":"$T","key":{"n":1,"pk":"b"}}
		{"get":"$T","key":{"pk":"a","n":1},"select":"size,\`odd name\`"}
		{"get":"$T-b","key":{"id":"x"}}
	J
	assert_output $'null\n{"odd name":"it\'s","size":2}\n{"id":"x","size":4}'
}

@test "transact: typed, a set by its name" {
	run -0 ddb transact --typed <<-J
		{"put":"$T","item":{"pk":{"S":"a"},"n":{"N":"1"},"b":{"B":"AP8="}}}
		{"update":"$T","key":{"pk":{"S":"a"},"n":{"N":"2"}},"expression":"ADD tags :t, count :n","values":{":t":{"SS":["x","y"]},":n":{"N":"5"}}}
	J
	run -0 ddb transact --typed <<-J
		{"get":"$T","key":{"pk":{"S":"a"},"n":{"N":"2"}}}
		{"get":"$T","key":{"pk":{"S":"a"},"n":{"N":"1"}},"select":"b"}
	J
	assert_line --index 0 '{"count":{"N":"5"},"n":{"N":"2"},"pk":{"S":"a"},"tags":{"SS":["x","y"]}}'
	assert_line --index 1 '{"b":{"B":"AP8="}}'
}

@test "transact: one condition that is false cancels all, and is named by its line" {
	ddb put "$T" '{"pk":"a","n":1,"v":1}'
	cat >"$BATS_TEST_TMPDIR/actions" <<-J
		{"put":"$T","item":{"pk":"new","n":1}}

		{"update":"$T","key":{"pk":"a","n":1},
		 "expression":"SET v = v + 1", "if":"v > 1"}
		{"delete":"$T","key":{"pk":"a","n":2}}
		{"check":"$T","key":{"pk":"a","n":9},"if":"attribute_exists(pk)"}
	J
	run -1 ddb transact "$BATS_TEST_TMPDIR/actions"
	assert_line --index 0 'ddb: TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None, ConditionalCheckFailed]'
	assert_line --index 1 "ddb: $BATS_TEST_TMPDIR/actions: line 3: ConditionalCheckFailed: The conditional request failed"
	assert_line --index 2 "ddb: $BATS_TEST_TMPDIR/actions: line 6: ConditionalCheckFailed: The conditional request failed"
	assert_equal "${#lines[@]}" 3
	has new 1 ''
	has a 1 '{"n":1,"pk":"a","v":1}'
}

@test "transact: once under a token, each time without" {
	add="{\"update\":\"$T\",\"key\":{\"pk\":\"a\",\"n\":1},\"expression\":\"ADD v 1\"}"
	for _ in 1 2 3; do
		ddb transact --token once <<<"$add"
	done
	has a 1 '{"n":1,"pk":"a","v":1}'
	ddb transact <<<"$add"
	ddb transact <<<"$add"
	has a 1 '{"n":1,"pk":"a","v":3}'
	run -2 ddb transact --token once <<<"${add/ADD v 1/ADD v 2}"
	assert_output --partial IdempotentParameterMismatchException
	run -2 ddb transact --token 0123456789012345678901234567890123456 <<<"$add"
	assert_output --partial ValidationException
	has a 1 '{"n":1,"pk":"a","v":3}'
}

@test "transact: a line that makes no sense is named, and nothing is done" {
	refused() { # MESSAGE LINE...
		local message=$1
		shift
		run -2 ddb transact < <(printf '%s\n' "$@")
		assert_output "ddb: standard input: $message"
	}
	good="{\"put\":\"$T\",\"item\":{\"pk\":\"good\",\"n\":1}}"
	key='"key":{"pk":"a","n":1}'
	refused 'no actions' ''
	refused 'line 2: none of put, update, delete, check and get' "$good" "{$key}"
	refused 'line 2: put wants an "item", and no "key"' "$good" "{\"put\":\"$T\",$key}"
	refused 'line 1: this wants a "key", and no "item"' "{\"delete\":\"$T\"}"
	refused 'line 1: this wants a "key", and no "item"' "{\"check\":\"$T\",\"item\":{\"pk\":\"a\"},\"if\":\"a = 1\"}"
	refused 'line 1: update wants an "expression"' "{\"update\":\"$T\",$key}"
	refused 'line 1: only update has an "expression"' "{\"delete\":\"$T\",$key,\"expression\":\"SET a = 1\"}"
	refused 'line 1: check wants an "if"' "{\"check\":\"$T\",$key}"
	refused 'line 1: get has no "if"' "{\"get\":\"$T\",$key,\"if\":\"a = 1\"}"
	refused 'line 1: only get has a "select"' "{\"delete\":\"$T\",$key,\"select\":\"a\"}"
	refused 'line 2: a transaction reads or writes, not both' "$good" "{\"get\":\"$T\",$key}"
	refused 'line 2: a transaction reads or writes, not both' "{\"get\":\"$T\",$key}" "$good"
	what='not {"put", "update", "delete", "check" or "get": TABLE, "item" or "key": {...}, ...}'
	refused "line 1: $what" "{\"put\":\"$T\",\"get\":\"$T\",$key}"
	refused "line 1: $what" "{\"put\":\"$T\",\"item\":{\"pk\":\"a\"},\"other\":1}"
	refused "line 1: $what" '"put"'
	refused 'line 101: more than 100 actions' "$(yes "$good" | head -101)"
	run -2 ddb transact <<<'{"put":'
	assert_output --partial 'line 1: '
	run -2 ddb transact <<<"{\"update\":\"$T\",$key,\"expression\":\"SET a = 'x\"}"
	run -2 ddb transact <<<"{\"delete\":\"$T\",$key,\"if\":\"a = :v\",\"values\":{\"v\":1}}"
	assert_output --partial 'line 1: '
	run -2 ddb transact --token t <<<"{\"get\":\"$T\",$key}"
	assert_output 'ddb: --token is for what writes'
	run -2 ddb transact "$BATS_TEST_TMPDIR/none"
	assert_output --partial 'No such file'
	has good 1 ''
}

@test "transact: what the server refuses" {
	key='"key":{"pk":"a","n":1}'
	run -2 ddb transact <<<"{\"put\":\"$T\",\"item\":{\"pk\":\"a\",\"n\":1}}"$'\n'"{\"delete\":\"$T\",$key}"
	assert_output --partial 'ValidationException: Transaction request cannot include multiple operations on one item'
	run -1 ddb transact <<<"{\"delete\":\"no-such-table\",$key}"
	assert_output --partial ResourceNotFoundException
	run ! ddb transact <<<"{\"update\":\"$T\",$key,\"expression\":\"SET a = b + 1\"}"
	assert_output --partial 'line 1: ValidationError: '
	run -2 ddb transact <<<"{\"delete\":\"$T\",$key,\"if\":\"a =\"}"
	assert_output --partial ValidationException
}
