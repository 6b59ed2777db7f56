# helpers.bash: what the bats files share.  A file begins with
#
#	load helpers
#
# and a test that wants a cluster calls cluster_start; teardown below stops it and removes the directory.  A file whose
# tests share one says
#
#	load helpers
#	shared_cluster
#
# Tests run in parallel, those of one file too: each uses tables of its own.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file

DDB_ROOT=$(cd "${BATS_TEST_DIRNAME:?}/.." && pwd)
export DDB_ROOT
export PATH="$DDB_ROOT/bin:$PATH"
export LC_ALL=C.UTF-8 NO_COLOR=1 AWS_PAGER=
# What the caller's shell says about clusters and accounts is none of the tests' business.
# MAKEFLAGS names descriptors of a jobserver that bats has taken for itself.
unset MAKEFLAGS MFLAGS MAKELEVEL
unset DDB_FAULT AWS_PROFILE AWS_SESSION_TOKEN AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
: "${BATS_TEST_TIMEOUT:=120}"

WAIT_SECONDS=${WAIT_SECONDS:-20}

# A directory on a real file system (an fsync on tmpfs proves nothing), with a path short enough for sockets.
# Sets and exports TEMP; the same one when called again.
temp_dir() {
	local base=${DDB_TEST_TMP:-/var/tmp}
	if [ -z "${TEMP:-}" ]; then
		TEMP=$(mktemp -d "$base/ddb-t.XXXXXX") || return 1
		export TEMP
	fi
}

temp_remove() {
	[ -z "${TEMP:-}" ] || [ -n "${KEEP:-}" ] || rm -rf "$TEMP"
	unset TEMP
}

# wait_for [-t SECONDS] COMMAND...: run COMMAND again and again until it succeeds; fails after WAIT_SECONDS.
wait_for() {
	local seconds=$WAIT_SECONDS end
	if [ "$1" = -t ]; then
		seconds=$2
		shift 2
	fi
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "not within $seconds s: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

is_dead() { # PID
	! kill -0 "$1" 2>/dev/null
}

# cluster_start [OPTION...]: a cluster of its own, ready to serve, at a free port.  OPTIONs go to ddb up.
# Sets and exports TEMP, DDB_HOME, DDB_PORT and what ddb env says.
cluster_start() {
	temp_dir || return 1
	export DDB_HOME=${DDB_HOME_WANTED:-$TEMP/home}
	if ! ddb up -d --home "$DDB_HOME" --port 0 "$@" >"$TEMP/up.log" 2>&1 3>&-; then
		echo "ddb up failed:" >&2
		cluster_logs >&2
		return 1
	fi
	DDB_PORT=$(<"$DDB_HOME/port")
	export DDB_PORT
	eval "$(ddb env)"
}

# Ends what cluster_start began; fails, after killing, if it does not leave by itself.
cluster_stop() {
	local pid
	[ -n "${DDB_HOME:-}" ] && [ -f "$DDB_HOME/ddb.pid" ] || return 0
	pid=$(<"$DDB_HOME/ddb.pid")
	[ -n "$pid" ] || return 0
	kill -TERM "$pid" 2>/dev/null || return 0
	wait_for is_dead "$pid" && return 0
	kill -KILL "$pid" 2>/dev/null
	return 1
}

cluster_logs() {
	[ ! -f "${TEMP:-}/up.log" ] || sed 's/^/up: /' "$TEMP/up.log"
	[ -z "${DDB_HOME:-}" ] || [ ! -d "$DDB_HOME/log" ] || tail -n 20 "$DDB_HOME"/log/* 2>/dev/null
}

teardown() {
	local rc=0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || cluster_logs
	cluster_stop || rc=1
	temp_remove
	return $rc
}

# shared_cluster: one cluster for all tests of the file.  A file that needs more beforehand defines its own setup_file
# after this, which begins with cluster_start.
shared_cluster() {
	setup_file() {
		cluster_start
	}

	teardown_file() {
		local rc=0
		cluster_stop || rc=1
		temp_remove
		return $rc
	}

	teardown() {
		[ -n "${BATS_TEST_COMPLETED:-}" ] || cluster_logs
	}
}

# endpoint_start: a server that answers from a script instead of a cluster (t/fakes/endpoint); ddb's commands go there.
# endpoint_stop belongs in teardown.
endpoint_start() {
	temp_dir
	unset "${!AWS_@}" DDB_HOME
	export HOME=$TEMP AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI AWS_REGION=eu-central-1
	: >"$TEMP/seen"
	"$DDB_ROOT/t/fakes/endpoint" "$TEMP" 3>&- &
	ENDPOINT_PID=$!
	wait_for test -s "$TEMP/port" || return 1
	AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:$(<"$TEMP/port")
	export AWS_ENDPOINT_URL_DYNAMODB
}

endpoint_stop() {
	kill "$ENDPOINT_PID" 2>/dev/null || :
	temp_remove
}

# answers LINE...: what it does next, a line a request; the last one again and again.
answers() {
	printf '%s\n' "$@" >"$TEMP/script.new"
	mv "$TEMP/script.new" "$TEMP/script"
}

# Debian's CLI, which knows no AWS_ENDPOINT_URL; what pip installed is used only where there is no other.
awscli() {
	local aws=/usr/bin/aws
	[ -x "$aws" ] || aws=aws
	command "$aws" --endpoint-url "http://127.0.0.1:$DDB_PORT" --region "${AWS_REGION:-us-east-1}" --output json "$@"
}

# curl to the router, the answer's body on stdout: post TARGET BODY [CURL-OPTION...], signed with the cluster's key.
post() {
	local target=$1 body=$2
	shift 2
	curl -sS --aws-sigv4 "aws:amz:${AWS_REGION:-us-east-1}:dynamodb" \
		--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H 'Content-Type: application/x-amz-json-1.0' \
		-H "X-Amz-Target: DynamoDB_20120810.$target" --data-binary "$body" "$@" "http://127.0.0.1:$DDB_PORT/"
}

active() { # TABLE
	post DescribeTable "{\"TableName\":\"$1\"}" | jq -e '.Table.TableStatus == "ACTIVE"'
}

# A port nobody listens on at this moment.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

need_root() {
	[ "$EUID" -eq 0 ] || skip "needs root"
}

need() { # COMMAND...
	local c
	for c; do
		command -v "$c" >/dev/null || skip "needs $c"
	done
}
