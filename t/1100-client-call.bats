#!/usr/bin/env bats
# What every command for data does at the wire: where it goes, how it signs, when it tries again, what it exits with.
# The server (t/fakes/endpoint) answers from a script and writes down what it was asked.
load helpers

setup() {
	endpoint_start
}

teardown() {
	endpoint_stop
}

seen() { # JQ-FILTER: over the requests
	jq -s "$1" "$TEMP/seen"
}

@test "call: the body goes as it is and comes back as it is" {
	answers '200 {"n": 1.50, "s":"\u00e9"}'
	run -0 ddb call GetItem '{"TableName" : "t"}'
	assert_output '{"n": 1.50, "s":"\u00e9"}'
	assert_equal "$(seen '.[0].body')" '"{\"TableName\" : \"t\"}"'
	assert_equal "$(seen '.[0].headers["x-amz-target"]')" '"DynamoDB_20120810.GetItem"'
	assert_equal "$(seen '.[0].headers["content-type"]')" '"application/x-amz-json-1.0"'
	run -0 ddb call ListTables
	assert_equal "$(seen '.[1].body')" '"{}"'
	run -0 ddb call DynamoDBStreams_20120810.ListStreams - <<<'{"Limit":1}'
	assert_equal "$(seen '.[2].headers["x-amz-target"]')" '"DynamoDBStreams_20120810.ListStreams"'
	assert_equal "$(seen '.[2].body')" '"{\"Limit\":1}\n"'
}

@test "call: the signature is the one that another signer makes" {
	answers '200 {}'
	AWS_SESSION_TOKEN=to+ken= run -0 ddb call GetItem '{"TableName":"t"}'
	run -0 python3 - "$TEMP/seen" <<-'E'
		import hashlib, hmac, json, re, sys
		r = json.loads(open(sys.argv[1]).readline())
		h = r["headers"]
		auth = h["authorization"]
		signed = re.search("SignedHeaders=([^,]*)", auth).group(1).split(";")
		assert signed == sorted(signed) and set(signed) >= {"host", "x-amz-date", "x-amz-target", "x-amz-security-token"}
		canon = "\n".join(["POST", "/", ""] + [k + ":" + h[k].strip() for k in signed] +
		                  ["", ";".join(signed), hashlib.sha256(r["body"].encode()).hexdigest()])
		when = h["x-amz-date"]
		scope = when[:8] + "/eu-central-1/dynamodb/aws4_request"
		assert "Credential=AKIDEXAMPLE/" + scope in auth
		text = "\n".join(["AWS4-HMAC-SHA256", when, scope, hashlib.sha256(canon.encode()).hexdigest()])
		k = b"AWS4wJalrXUtnFEMI"
		for part in scope.split("/"):
		    k = hmac.new(k, part.encode(), hashlib.sha256).digest()
		assert auth.endswith("Signature=" + hmac.new(k, text.encode(), hashlib.sha256).hexdigest())
	E
}

@test "call: refusals are told in one line with a code for each kind" {
	local namespace=com.amazonaws.dynamodb.v20120810
	answers "400 {\"__type\":\"$namespace#ConditionalCheckFailedException\",\"message\":\"The conditional request failed\"}"
	run -1 --separate-stderr ddb call PutItem
	assert_equal "$output" ""
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" 'ConditionalCheckFailedException: The conditional request failed$'
	answers "400 {\"__type\":\"$namespace#ResourceNotFoundException\",\"message\":\"no\"}"
	run -1 ddb call GetItem
	answers '400 {"__type":"com.amazon.coral.validate#ValidationException","message":"bad"}'
	run -2 ddb call GetItem
	answers '400 {"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"who"}'
	run -5 ddb call GetItem
	answers '400 {"__type":"com.amazon.coral.service#AccessDeniedException","Message":"capital"}'
	run -5 ddb call GetItem
	assert_output --partial "AccessDeniedException: capital"
	assert_equal "$(seen length)" 5
}

@test "call: throttling and server errors are tried again until it works" {
	answers '400 {"__type":"x#ProvisionedThroughputExceededException","message":"slow"}' \
		'500 {"__type":"x#InternalServerError","message":"oh"}' '503 not json' '429 {}' '200 {"ok":true}'
	run -0 ddb call GetItem
	assert_output '{"ok":true}'
	assert_equal "$(seen length)" 5
	# Each one is signed anew, on one connection.
	assert_equal "$(seen 'map(.connection) | unique | length')" 1
}

@test "call: the end of patience is exit 4 with the last reason" {
	answers '500 {"__type":"x#InternalServerError","message":"oh"}'
	run -4 ddb call PutItem --timeout 300ms
	assert_output --partial "InternalServerError: oh (a write may have happened)"
	[ "$(seen length)" -gt 1 ]
	[ "$(seen length)" -le 10 ]
}

@test "call: --once is one attempt" {
	answers '500 {"__type":"x#InternalServerError","message":"oh"}'
	run -4 ddb call PutItem --once
	assert_equal "$(seen length)" 1
}

@test "call: a server that hangs is given up in time" {
	answers hang
	run -4 timeout 10 ddb call GetItem --timeout 300ms
	assert_output --partial "no answer in time"
}

@test "call: closed, cut off and damaged answers are tried again" {
	answers close cut '200crc {"damaged":1}' nonsense '200 {"ok":1}'
	run -0 ddb call GetItem
	assert_output '{"ok":1}'
	assert_equal "$(seen length)" 5
}

@test "call: chunked answers, answers without a length, and a 100 before the answer" {
	answers 'chunked {"a":1}'
	run -0 ddb call GetItem
	assert_output '{"a":1}'
	answers 'eof {"a":2}'
	run -0 ddb call GetItem
	assert_output '{"a":2}'
	answers 'continue {"a":3}'
	run -0 ddb call GetItem
	assert_output '{"a":3}'
}

@test "call: an answer that outgrows the bound is refused" {
	answers huge
	run -4 ddb call GetItem --once
	assert_output --partial "the answer is too large"
}

@test "call: nobody listening is exit 4 within a few seconds" {
	run -4 timeout 10 ddb call GetItem --endpoint "http://127.0.0.1:$(free_port)"
	assert_output --partial "Connection refused"
}

@test "call: endpoints that make no sense are refused by name" {
	for e in ftp://x http:// http://a/b http://a:0 http://a:65536 'http://a b' http://u@h 'http://[::1' 'http://[::1]x' x; do
		run -2 ddb call GetItem --endpoint "$e"
		assert_output --partial "--endpoint: \"$e\""
	done
	AWS_ENDPOINT_URL_DYNAMODB=nonsense run -2 ddb call GetItem
	assert_output --partial "AWS_ENDPOINT_URL_DYNAMODB"
}

@test "call: operations and regions that would break out of a header are refused" {
	run -2 ddb call $'GetItem\r\nX-Evil: 1'
	run -2 ddb call ''
	run -2 ddb call GetItem --region $'us-east-1\r\nX-Evil: 1'
	run -2 ddb call GetItem --region 'x@evil.example/'
	AWS_REGION='x/y' run -2 ddb call GetItem
	assert_equal "$(seen length)" 0
}

@test "call: localhost and a slash at the end are fine" {
	answers '200 {}'
	run -0 ddb call GetItem --endpoint "http://localhost:$(<"$TEMP/port")/"
	assert_equal "$(seen '.[0].headers.host')" "\"localhost:$(<"$TEMP/port")\""
}

@test "call: what stands before the command counts as well" {
	answers '200 {}'
	unset AWS_ENDPOINT_URL_DYNAMODB
	run -0 ddb --endpoint "http://127.0.0.1:$(<"$TEMP/port")" --region us-west-2 call GetItem
	run -0 grep -c us-west-2/dynamodb "$TEMP/seen"
	mkdir "$TEMP/.aws"
	printf '[other]\naws_access_key_id = OTHER\naws_secret_access_key = s\n' >"$TEMP/.aws/credentials"
	run -0 ddb --endpoint "http://127.0.0.1:$(<"$TEMP/port")" --profile other call GetItem
	run -0 grep -c Credential=OTHER/ "$TEMP/seen"
}

@test "call: AWS_ENDPOINT_URL is used where the one for DynamoDB is not set" {
	answers '200 {}'
	AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL_DYNAMODB
	export AWS_ENDPOINT_URL
	unset AWS_ENDPOINT_URL_DYNAMODB
	run -0 ddb call GetItem
	AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1 run -4 ddb call GetItem --once
}

@test "call: no key is exit 5, and what to do is said" {
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	run -5 ddb call GetItem
	assert_output --partial .aws/credentials
	unset AWS_ENDPOINT_URL_DYNAMODB
	run -5 ddb call GetItem
	assert_output --partial "ddb up"
}

@test "call: a home that is named is not taken for AWS" {
	unset AWS_ENDPOINT_URL_DYNAMODB
	run -2 ddb call GetItem --home "$TEMP/none"
	assert_output --partial "no cluster here"
	DDB_HOME=$TEMP/none run -2 ddb call GetItem
	mkdir "$TEMP/home"
	printf 'format 1\ncluster 000102030405060708090a0b0c0d0e0f\n' >"$TEMP/home/cluster"
	run -4 timeout 5 ddb call GetItem --home "$TEMP/home"
	assert_output --partial "is not running"
}

@test "call: a named home wins over what ddb env left in the shell" {
	answers '200 {}'
	mkdir "$TEMP/home"
	printf 'format 1\ncluster 000102030405060708090a0b0c0d0e0f\nregion ap-south-1\n' >"$TEMP/home/cluster"
	install -m 600 /dev/null "$TEMP/home/credentials"
	printf '[default]\naws_access_key_id = HOMES\naws_secret_access_key = s\n' >"$TEMP/home/credentials"
	cp "$TEMP/port" "$TEMP/home/port"
	export AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1
	run -0 ddb call GetItem --home "$TEMP/home"
	run -0 ddb --home "$TEMP/home" call GetItem
	run -0 grep -c Credential=HOMES/.*/ap-south-1/ "$TEMP/seen"
	assert_output 2
}

@test "call: https needs a certificate that can be trusted" {
	need openssl
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$TEMP/key" -out "$TEMP/cert" -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost 2>/dev/null
	"$DDB_ROOT/t/fakes/endpoint" "$TEMP" tls 3>&- &
	TLS=$!
	wait_for test -s "$TEMP/port-tls"
	answers '500 {}' '200crc {"damaged":1}' '200 {"secret":1}'
	run -5 ddb call GetItem --endpoint "https://localhost:$(<"$TEMP/port-tls")"
	assert_equal "$(seen length)" 0
	AWS_CA_BUNDLE=$TEMP/cert run -0 ddb call GetItem '{"a":"é"}' --endpoint "https://localhost:$(<"$TEMP/port-tls")"
	assert_output '{"secret":1}'
	assert_equal "$(seen '.[2].body')" '"{\"a\":\"é\"}"'
	kill $TLS
}
