# What the API must answer, a case a rule: t/sdk/conformance.
load helpers
shared_cluster

conforms() { # DIRECTORY...
	[ -d "$DDB_ROOT/t/sdk/node_modules/@aws-sdk" ] || skip "t/sdk/node_modules is missing: npm install --prefix t/sdk"
	run node --no-warnings "$DDB_ROOT/t/sdk/conformance/run.mjs" "$@"
	grep -v '^ok ' <<<"$output"
	echo "# $BATS_TEST_DESCRIPTION: ${lines[-1]#\# }" >&3
	assert_success
}

@test "conformance: items and expressions" {
	conforms item
}

@test "conformance: lookups, batches, tables and HTTP" {
	local others
	mapfile -t others < <(cd "$DDB_ROOT/t/sdk/conformance/cases" && printf '%s\n' * | grep -vx item)
	conforms "${others[@]}"
}
