# What the router lets in, and how it turns the rest away.
load helpers
shared_cluster

# A request of our own signing, for what curl would not do: sign.py TARGET BODY KEY=VALUE...
#   secret= id= region= shift=SECONDS unsigned=HEADER path= header=NAME:VALUE  print the status and the body
sign() {
	python3 - "$@" <<-'END'
		import datetime, hashlib, hmac, http.client, os, sys
		target, body, o = sys.argv[1], sys.argv[2].encode(), dict(a.split("=", 1) for a in sys.argv[3:])
		key, secret = o.get("id", os.environ["AWS_ACCESS_KEY_ID"]), o.get("secret", os.environ["AWS_SECRET_ACCESS_KEY"])
		region = o.get("region", "us-east-1")
		now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=int(o.get("shift", 0)))
		date, day, host = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d"), "127.0.0.1:" + os.environ["DDB_PORT"]
		h = {"host": host, "x-amz-date": date, "x-amz-target": "DynamoDB_20120810." + target}
		signed = sorted(k for k in h if k != o.get("unsigned"))
		canonical = "\n".join(["POST", "/", ""] + [k + ":" + h[k] for k in signed] + ["", ";".join(signed), hashlib.sha256(body).hexdigest()])
		scope = f"{day}/{region}/dynamodb/aws4_request"
		text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
		k = ("AWS4" + secret).encode()
		for part in scope.split("/"):
		    k = hmac.new(k, part.encode(), hashlib.sha256).digest()
		h["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(signed)}, "
		                      f"Signature={hmac.new(k, text.encode(), hashlib.sha256).hexdigest()}")
		c = http.client.HTTPConnection("127.0.0.1", int(os.environ["DDB_PORT"]), timeout=10)
		c.request("POST", "/", o.get("send", sys.argv[2]).encode(), {k: v for k, v in h.items() if k != "host"} | {"Host": host})
		r = c.getresponse()
		print(r.status, r.read().decode())
	END
}

type_of() {
	jq -r '.__type | sub(".*#"; "")' <<<"$output"
}

@test "door: a health check needs no signature" {
	run -0 curl -sS -i "http://127.0.0.1:$DDB_PORT/"
	assert_line --partial "HTTP/1.1 200"
	assert_output --regexp 'healthy: dynamodb.us-east-1.amazonaws.com $'
}

@test "door: a browser's preflight is answered, and answers may be read by it" {
	run -0 curl -sS -i -X OPTIONS -H 'Origin: http://x' -H 'Access-Control-Request-Method: POST' \
		-H 'Access-Control-Request-Headers: x-amz-target' "http://127.0.0.1:$DDB_PORT/"
	assert_line --partial "HTTP/1.1 200"
	assert_output --regexp 'Access-Control-Allow-Origin: \*'
	assert_output --regexp 'Access-Control-Allow-Headers: x-amz-target'
	run -0 post ListTables '{}' -i -H 'Origin: http://x'
	assert_output --regexp 'Access-Control-Allow-Origin: \*'
}

@test "door: nothing but these is answered without a signature" {
	local method path how
	for method in GET POST PUT DELETE PATCH HEAD OPTIONS; do
		for path in / /x '/?a'; do
			[ "$method$path" != GET/ ] || continue
			how=(-X "$method")
			[ "$method" != HEAD ] || how=(-I)
			run -0 curl -sS -m 5 -o /dev/null -w '%{http_code}' "${how[@]}" \
				-H 'X-Amz-Target: DynamoDB_20120810.ListTables' "http://127.0.0.1:$DDB_PORT$path"
			assert_output 400
		done
	done
	run -0 curl -sS -d '{}' -H 'X-Amz-Target: DynamoDB_20120810.ListTables' "http://127.0.0.1:$DDB_PORT/"
	assert_equal "$(type_of)" MissingAuthenticationTokenException
}

@test "door: a good signature is let in, by our own reckoning too" {
	run -0 sign ListTables '{}'
	assert_output --partial '200 {"TableNames":['
}

@test "door: wrong, expired, early, foreign and partial signatures are refused" {
	run -0 sign ListTables '{}' secret=wrong
	assert_output --partial 400
	assert_output --partial InvalidSignatureException
	run -0 sign ListTables '{}' id=AKIAUNKNOWN
	assert_output --partial UnrecognizedClientException
	run -0 sign ListTables '{}' shift=-1000
	assert_output --partial InvalidSignatureException
	assert_output --partial 'Signature expired'
	run -0 sign ListTables '{}' shift=1000
	assert_output --partial 'Signature not yet current'
	run -0 sign ListTables '{}' region=eu-west-1
	assert_output --partial InvalidSignatureException
	run -0 sign ListTables '{}' unsigned=x-amz-target
	assert_output --partial 400
	refute_output --partial TableNames
	run -0 sign ListTables '{}' 'send={"Limit":1}'
	assert_output --partial InvalidSignatureException
}

@test "door: fourteen minutes of skew are fine" {
	run -0 sign ListTables '{}' shift=-840
	assert_output --partial TableNames
	run -0 sign ListTables '{}' shift=840
	assert_output --partial TableNames
}

@test "door: keys are read again when their file changes, at once on SIGHUP" {
	local pid
	printf '\n[more]\naws_access_key_id = AKIAMORE\naws_secret_access_key = moremoremore\n' >>"$DDB_HOME/credentials"
	pid=$(pgrep -f "ddb-router.*--home.*$DDB_HOME" | head -1)
	kill -HUP "$pid"
	more() {
		sign ListTables '{}' id=AKIAMORE secret=moremoremore | grep TableNames
	}
	wait_for more
	run -0 post ListTables '{}'
}

@test "door: unknown operations, and those that are not built" {
	run -0 post Nonsense '{}' -w '\n%{http_code}'
	assert_line 400
	assert_line '{"__type":"com.amazon.coral.service#UnknownOperationException"}'
	run -0 post ExecuteStatement '{}'
	assert_equal "$(type_of)" UnknownOperationException
	assert_output --partial 'not supported yet'
	run -0 post PutItem '{}' -X PUT -w '\n%{http_code}'
	assert_line 404
}

@test "door: what is not JSON, or not of the right type, cannot be deserialised" {
	local body
	for body in '' '{' '[]' '"x"' 'null' '{"a":1' '{"TableName":"abc"}x' '{"TableName":"abc","TableName":"abd"}' \
		'{"TableName":"\ud800"}' '{"TableName":"a\u000"}' $'{"TableName":"\xff"}' '{"TableName":01}' '{"TableName":5}' \
		'{"TableName":["abc"]}' '{"TableName":{}}' '{"TableName":"abc","Key":[]}' '{"TableName":"abc","Key":{"a":"b"}}' \
		'{"TableName":"abc","Key":{"a":{"S":5}}}' '{"TableName":"abc","Key":{"a":{"SS":"x"}}}' \
		'{"TableName":"abc","Key":{"a":{"B":"?"}}}' '{"TableName":"abc","ConsistentRead":"yes"}'; do
		run -0 post GetItem "$body" -w '\n%{http_code}'
		assert_line 400
		assert_line --partial SerializationException
	done
	python3 -c 'print("{\"a\":" + "[" * 300000)' >"$BATS_TEST_TMPDIR/deep"
	python3 -c 'print("{\"TableName\":\"abc\",\"Key\":{\"a\":" + "{\"L\":[" * 40000 + "]}" * 40000 + "}}")' >"$BATS_TEST_TMPDIR/deeper"
	for body in deep deeper; do
		run -0 post GetItem "@$BATS_TEST_TMPDIR/$body"
		assert_output --partial SerializationException
	done
	run -0 post ListTables '{}'
}

@test "door: a body over 16 MB is refused, one below is read, packed ones too" {
	head -c 17000000 /dev/zero | tr '\0' ' ' >"$BATS_TEST_TMPDIR/large"
	run -0 post ListTables "@$BATS_TEST_TMPDIR/large" -w '\n%{http_code}' -H 'Expect:'
	assert_line 413
	{ head -c 15000000 /dev/zero | tr '\0' ' '; echo '{}'; } >"$BATS_TEST_TMPDIR/fits"
	run -0 post ListTables "@$BATS_TEST_TMPDIR/fits"
	assert_output --partial TableNames
	gzip -c "$BATS_TEST_TMPDIR/fits" >"$BATS_TEST_TMPDIR/packed"
	run -0 post ListTables "@$BATS_TEST_TMPDIR/packed" -H 'Content-Encoding: gzip'
	assert_output --partial TableNames
	{ cat "$BATS_TEST_TMPDIR/large"; echo '{}'; } | gzip -c >"$BATS_TEST_TMPDIR/bomb"
	run -0 post ListTables "@$BATS_TEST_TMPDIR/bomb" -w '\n%{http_code}' -H 'Content-Encoding: gzip'
	assert_line 413
}

@test "door: answers say their type as asked, a request id, and a right crc32" {
	run -0 python3 - <<-'END'
		import os, re, subprocess, zlib
		def post(version):
		    return subprocess.run(["curl", "-sS", "-i", "--aws-sigv4", "aws:amz:us-east-1:dynamodb", "--user",
		        os.environ["AWS_ACCESS_KEY_ID"] + ":" + os.environ["AWS_SECRET_ACCESS_KEY"], "-H", "Content-Type: application/x-amz-json-" + version,
		        "-H", "X-Amz-Target: DynamoDB_20120810.DescribeLimits", "-d", "{}", "http://127.0.0.1:" + os.environ["DDB_PORT"] + "/"],
		        capture_output=True, check=True).stdout
		for version in "1.0", "1.1":
		    head, body = post(version).split(b"\r\n\r\n", 1)
		    h = {k.lower(): v.strip() for k, v in (l.split(":", 1) for l in head.decode().split("\r\n")[1:])}
		    assert h["content-type"] == "application/x-amz-json-" + version, h
		    assert int(h["x-amz-crc32"]) == zlib.crc32(body), h
		    assert re.fullmatch("[A-Z0-9]{52}", h["x-amzn-requestid"]), h
	END
}

@test "door: two hundred slow clients do not stop a quick one" {
	python3 - "$DDB_PORT" <<-'END' &
		import socket, sys, time
		s = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for i in range(200)]
		for c in s:
		    c.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
		open(__import__("os").environ["BATS_TEST_TMPDIR"] + "/slow", "w").close()
		time.sleep(60)
	END
	local slow=$!
	wait_for test -e "$BATS_TEST_TMPDIR/slow"
	run -0 post ListTables '{}' -m 2
	assert_output --partial TableNames
	kill $slow
}

@test "door: TLS on the public listener" {
	need openssl
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/cert" 2>/dev/null
	ddb-router --home "$DDB_HOME" --listen 127.0.0.1:0 --port-file "$BATS_TEST_TMPDIR/port" --tls-cert "$BATS_TEST_TMPDIR/cert" \
		--tls-key "$BATS_TEST_TMPDIR/key" 3>&- 2>"$BATS_TEST_TMPDIR/log" &
	local pid=$! port
	wait_for test -s "$BATS_TEST_TMPDIR/port"
	port=$(<"$BATS_TEST_TMPDIR/port")
	run -0 curl -sS --cacert "$BATS_TEST_TMPDIR/cert" "https://127.0.0.1:$port/"
	assert_output --partial healthy
	kill -TERM "$pid"
	wait "$pid"
}

@test "door: a port in use, an unreadable key, half of TLS: said and left" {
	run -9 timeout 10 ddb-router --home "$DDB_HOME" --listen "127.0.0.1:$DDB_PORT" --port-file "$BATS_TEST_TMPDIR/p"
	assert_output --partial "address already in use"
	run -2 timeout 10 ddb-router --home "$DDB_HOME" --listen 127.0.0.1:0 --credentials /nonexistent --port-file "$BATS_TEST_TMPDIR/p"
	assert_output --partial /nonexistent
	run -2 timeout 10 ddb-router --home "$DDB_HOME" --tls-cert x
	assert_output --partial tls-key
	run -2 timeout 10 ddb-router --home "$DDB_HOME" --listen nonsense
	assert_output --partial "HOST:PORT"
}
