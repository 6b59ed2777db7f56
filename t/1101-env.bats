#!/usr/bin/env bats
# ddb env: what a shell gets, in every shell that is here; and ddb itself: commands, help, completion.
load helpers

setup() {
	temp_dir
	unset "${!AWS_@}"
	export DDB_HOME="$TEMP/it's a \\home" HOME=$TEMP
	mkdir -p "$DDB_HOME" "$TEMP/bin"
	printf 'format 1\ncluster 000102030405060708090a0b0c0d0e0f\nregion eu-north-1\n' >"$DDB_HOME/cluster"
	install -m 600 /dev/null "$DDB_HOME/credentials"
	printf '[default]\naws_access_key_id = AKIA\naws_secret_access_key = a+b/c=\n' >"$DDB_HOME/credentials"
	echo 12345 >"$DDB_HOME/port"
	# An aws that says how it was called.
	printf '#!/bin/sh\nprintf "%%s|" "$@"\necho\nexit 7\n' >"$TEMP/bin/aws"
	chmod +x "$TEMP/bin/aws"
	PATH=$TEMP/bin:$PATH
}

teardown() {
	temp_remove
}

shells() {
	local s
	for s in sh dash bash zsh ksh busybox; do
		[ "$s" = busybox ] || ! command -v "$s" >/dev/null || echo "$s"
	done
}

in_shell() { # SHELL TEXT
	"$1" -c 'eval "$(ddb env)"; '"$2"
}

@test "env: every variable is there, quoted for any shell" {
	for s in $(shells); do
		run -0 in_shell "$s" 'env'
		assert_line "AWS_ENDPOINT_URL=http://127.0.0.1:12345"
		assert_line "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:12345"
		assert_line "AWS_ACCESS_KEY_ID=AKIA"
		assert_line "AWS_SECRET_ACCESS_KEY=a+b/c="
		assert_line "AWS_REGION=eu-north-1"
		assert_line "AWS_DEFAULT_REGION=eu-north-1"
		assert_line "AWS_EC2_METADATA_DISABLED=true"
		assert_line "DDB_HOME=$DDB_HOME"
	done
}

@test "env: a shell that stops at errors and at unset variables survives it" {
	for s in $(shells); do
		run -0 "$s" -c 'set -eu; eval "$(ddb env)"; eval "$(ddb env --unset)"; echo "${AWS_REGION-none} ${DDB_HOME-none}"'
		assert_output "none none"
	done
}

@test "env: a token of another account goes" {
	AWS_SESSION_TOKEN=old run -0 in_shell sh 'echo "${AWS_SESSION_TOKEN-none}"'
	assert_output none
}

@test "env: aws gets the endpoint for DynamoDB only, and everything else as it is" {
	local e=--endpoint-url\|http://127.0.0.1:12345\|
	for s in $(shells); do
		run -7 in_shell "$s" 'aws dynamodb put-item --item "{ \"a\": 1 }"'
		assert_output "${e}dynamodb|put-item|--item|{ \"a\": 1 }|"
		run -7 in_shell "$s" 'aws --region x --output=json --debug dynamodb list-tables'
		assert_output "${e}--region|x|--output=json|--debug|dynamodb|list-tables|"
		run -7 in_shell "$s" 'aws dynamodbstreams list-streams'
		assert_output "${e}dynamodbstreams|list-streams|"
		run -7 in_shell "$s" 'aws s3 ls dynamodb'
		assert_output "s3|ls|dynamodb|"
		run -7 in_shell "$s" 'aws --profile dynamodb s3 ls'
		assert_output "--profile|dynamodb|s3|ls|"
		run -7 in_shell "$s" 'aws dynamodb list-tables --endpoint-url http://other'
		assert_output "dynamodb|list-tables|--endpoint-url|http://other|"
		run -7 in_shell "$s" 'aws --endpoint-url=http://other dynamodb list-tables'
		assert_output "--endpoint-url=http://other|dynamodb|list-tables|"
		run -7 in_shell "$s" 'aws --version'
		assert_output "--version|"
		run -7 in_shell "$s" 'aws dynamodb wait skip:x ""'
		assert_output "${e}dynamodb|wait|skip:x||"
		run -7 in_shell "$s" 'AWS_ENDPOINT_URL_DYNAMODB=http://mine; aws dynamodb list-tables'
		assert_output "--endpoint-url|http://mine|dynamodb|list-tables|"
		run -0 in_shell "$s" 'set -- keep; aws s3 ls >/dev/null || :; echo "$1 ${ddb_service-unset}"'
		assert_output "keep unset"
	done
}

@test "env: fish" {
	run -0 ddb env --fish
	assert_line "set -gx AWS_REGION 'eu-north-1';"
	assert_line "set -gx DDB_HOME '$TEMP/it\\'s a \\\\home';"
	command -v fish >/dev/null || return 0
	run -0 fish -c 'ddb env --fish | source; env; aws dynamodb list-tables; aws s3 ls'
	assert_line "DDB_HOME=$DDB_HOME"
	assert_line "--endpoint-url|http://127.0.0.1:12345|dynamodb|list-tables|"
	assert_line "s3|ls|"
}

@test "env: no cluster, or one that is not running, prints nothing to evaluate" {
	rm "$DDB_HOME/port"
	run -4 --separate-stderr ddb env
	assert_output ""
	assert_regex "$stderr" 'is not running'
	run -2 --separate-stderr ddb env --home "$TEMP/none"
	assert_output ""
	run -2 ddb env --sh --fish
	run -9 bash -c 'ddb env --unset >/dev/full'
}

@test "ddb: an unknown command is a program of that name, found beside ddb first" {
	printf '#!/bin/sh\necho "path $0 $*"\n' >"$TEMP/bin/ddb-zzz"
	chmod +x "$TEMP/bin/ddb-zzz"
	run -0 ddb zzz --home x y
	assert_output "path $TEMP/bin/ddb-zzz --home x y"
	mkdir "$TEMP/other"
	cp "$DDB_ROOT/bin/ddb" "$TEMP/other"
	printf '#!/bin/sh\necho "beside $DDB_HOME $AWS_REGION"\n' >"$TEMP/other/ddb-zzz"
	chmod +x "$TEMP/other/ddb-zzz"
	run -0 "$TEMP/other/ddb" --home /h --region r zzz
	assert_output "beside /h r"
	run -0 ddb wal --version
	assert_output --partial ddb-wal
}

@test "ddb: what it does not know is exit 2, with a guess" {
	run -2 ddb statsu
	assert_output "ddb: unknown command \"statsu\"; did you mean status?; try ddb --help"
	run -2 ddb ../x
	run -2 ddb help nonsense
	run -2 ddb
	run -2 ddb --region
}

@test "ddb: help lists the commands, and each has its own" {
	run -0 ddb help
	help=$output
	assert_line --regexp '^  up +run a cluster'
	assert_equal "$(ddb --help)" "$help"
	for c in $(awk '/^Commands/ { on = 1; next } on { print $1 }' <<<"$help"); do
		run -0 ddb help "$c"
		assert_line --index 0 --partial "usage: ddb $c"
		assert_equal "$(ddb "$c" --help)" "$output"
		run -2 ddb "$c" --no-such-option
	done
}

@test "ddb: every command's options are in its manual page, and the other way round" {
	for page in "$DDB_ROOT"/man/ddb-*.1; do
		name=${page##*/ddb-}
		[ ! -x "$DDB_ROOT/bin/ddb-${name%.1}" ] || continue
		mandoc -T ascii "$page" | sed 's/.\x08//g' >"$TEMP/text"
		grep -oE '\bCm [a-z][a-z0-9-]*' "$page" | sort -u | while read -r _ c; do
			ddb help | grep -q "^  $c " || continue
			ddb "$c" --help </dev/null || :
		done | grep -oE -- '(^|[ ,])--[a-z0-9-]+' | grep -oE -- '--.*' | sort -u >"$TEMP/help"
		grep -oE -- '--[a-z0-9-]+' "$TEMP/text" | sort -u >"$TEMP/page"
		# --help and --version are described once, for all programs; --endpoint-url is the AWS CLI's.
		run -0 diff <(grep -vxE -- '--(help|version)' "$TEMP/help") <(grep -vxE -- '--(help|version|endpoint-url)' "$TEMP/page")
	done
}

@test "ddb: bash completes commands, options and directories" {
	complete_line() {
		bash --norc -c '
			source "$1"; shift
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
			_ddb
			printf "%s\n" "${COMPREPLY[@]}"' - "$DDB_ROOT/contrib/completion/ddb" "$@"
	}
	run -0 complete_line ddb sta
	assert_output status
	run -0 complete_line ddb up --eph
	assert_output --ephemeral
	run -0 complete_line ddb --home x up --det
	assert_output --detach
	run -0 complete_line ddb --home "$TEMP/bi"
	assert_output "$TEMP/bin"
	run -0 complete_line ddb help dow
	assert_output down
}
