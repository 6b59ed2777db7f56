#!/usr/bin/env bats
# How soon a cluster serves: a strong write and a strong read of it work, counted from the start of `ddb up`.
# Each is measured ROUNDS times, the figures are printed, and the median counts: others use the machine as well.
load helpers

ROUNDS=${ROUNDS:-3}
LEASE_MS=1000                                # ddb-node's default
SCHEMA='"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"'

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# The AWS_* of a former home would be refused by another one.
up() {
	unset "${!AWS_@}"
	ddb up -d --home "$DDB_HOME" --port "${DDB_PORT:-0}" >>"$TEMP/up.log" 2>&1 3>&-
}

works() { # VALUE
	ddb call PutItem "{\"TableName\":\"kept\",\"Item\":{\"pk\":{\"S\":\"k\"},\"v\":{\"N\":\"$1\"}}}" --timeout 10s >/dev/null &&
		[ "$(ddb call GetItem '{"TableName":"kept","Key":{"pk":{"S":"k"}},"ConsistentRead":true}' | jq -r .Item.v.N)" = "$1" ]
}

serves() { # VALUE
	until works "$1" 2>/dev/null; do
		[ $(($(now_ms) - began)) -lt 20000 ] || return 1
	done
}

create() {
	ddb call CreateTable "{\"TableName\":\"kept\",$SCHEMA}" >/dev/null
}

# measure WHAT BOUND-MS COMMAND...: COMMAND takes the number of the round.
measure() {
	local what=$1 bound=$2 i took=()
	shift 2
	for ((i = 1; i <= ROUNDS; i++)); do
		"$@" "$i"
		took+=("$(($(now_ms) - began))")
	done
	echo "# $what serves after ${took[*]} ms, of at most $bound" >&3
	[ "$(printf '%s\n' "${took[@]}" | sort -n | sed -n "$(((ROUNDS + 1) / 2))p")" -le "$bound" ]
}

fresh() {
	cluster_stop
	export DDB_HOME=$TEMP/fresh-$1
	unset DDB_PORT
	began=$(now_ms)
	up
	create
	serves "$1"
}

clean() {
	ddb down
	began=$(now_ms)
	up
	serves "$1"
}

nobody() {
	! pgrep -f -- "--home $DDB_HOME --ready-fd"
}

killed() {
	# shellcheck disable=SC2046
	kill -9 "$(<"$DDB_HOME/ddb.pid")" $(pgrep -f -- "--home $DDB_HOME --ready-fd")
	wait_for nobody
	began=$(now_ms)
	up
	serves "$1"
}

@test "restart: a fresh home serves within a second, its first table included" {
	temp_dir
	measure "a fresh home" 1000 fresh
}

@test "restart: after ddb down a cluster serves within a second" {
	cluster_start
	create
	began=$(now_ms)
	serves 100
	measure "a clean restart" 1000 clean
}

@test "restart: after kill -9 of everything a cluster serves within lease + 1 s" {
	cluster_start
	create
	began=$(now_ms)
	serves 100
	measure "a cluster killed with -9" $((LEASE_MS + 1000)) killed
}
