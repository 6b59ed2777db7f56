#!/usr/bin/env bats
# query and scan as tables, on a cluster that all tests here share.
load helpers
shared_cluster

setup() {
	T=tab$BATS_TEST_NUMBER
}

@test "rows: a line of names, then a line an item, the key first" {
	ddb create "$T" --key pk:S --sort n:N
	ddb put "$T" - <<-'J'
		{"pk":"a","n":1,"t":"plain","b":true,"z":null}
		{"pk":"a","n":2.50,"l":[1,"x"],"m":{"k":"v"},"t":""}
	J
	run -0 ddb query "$T" a --csv
	assert_output 'pk,n,b,t,z,l,m
a,1,true,plain,,,
a,2.5,,,,"[1,""x""]","{""k"":""v""}"'
	run -0 ddb scan "$T" --tsv --select 't, n, `m`.k, nothing'
	assert_line --index 0 $'t\tn\tm\tnothing'
	assert_line --index 1 $'plain\t1\t\t'
	assert_line --index 2 $'\t2.5\t{"k":"v"}\t'
	run -0 ddb query "$T" a --csv --select '#x,n' --name '#x=t' --reverse --limit 1
	assert_output $'t,n\n,2.5'
	run -0 ddb query "$T" none --csv
	assert_output 'pk,n'
}

@test "rows: what needs quotes has them, and other programs read it" {
	ddb create "$T" --key pk:S
	ddb put "$T" - --typed <<-'J'
		{"pk":{"S":"1"},"v":{"S":"a,b"}}
		{"pk":{"S":"2"},"v":{"S":"say \"hi\""}}
		{"pk":{"S":"3"},"v":{"S":"two\nlines\r"}}
		{"pk":{"S":"4"},"v":{"S":" blanks "}}
		{"pk":{"S":"5"},"v":{"S":"tab\tand \\ é"}}
		{"pk":{"S":"6"},"v":{"B":"AP8="}}
		{"pk":{"S":"7"},"v":{"SS":["x","y"]}}
		{"pk":{"S":"8"},"v":{"N":"12345678901234567890123456789012345678"}}
	J
	ddb scan "$T" --csv >"$BATS_TEST_TMPDIR/csv"
	run -0 python3 -c 'import csv, json, sys; print(json.dumps([r[1] for r in sorted(csv.reader(open(sys.argv[1], newline=""))) if r[0] != "pk"]))' \
		"$BATS_TEST_TMPDIR/csv"
	assert_output '["a,b", "say \"hi\"", "two\nlines\r", " blanks ", "tab\tand \\ \u00e9", "AP8=", "[\"x\",\"y\"]", "12345678901234567890123456789012345678"]'
	run -0 ddb scan "$T" --tsv --filter "pk in ('3', '5')"
	assert_line $'3\ttwo\\nlines\\r'
	assert_line $'5\ttab\\tand \\\\ é'
	# A line with nothing in it would be no line.
	run -0 ddb scan "$T" --csv --select none --filter "pk = '1'"
	assert_output $'none\n""'
}

@test "rows: attributes that come too late are told, not forgotten" {
	ddb create "$T" --key pk:S --sort n:N
	python3 -c '
import json
for i in range(8):
    print(json.dumps({"pk": "p", "n": i, "fill": "x" * 300000, **({"late": i} if i > 6 else {})}))' | ddb put "$T" -
	run -3 --separate-stderr ddb query "$T" p --csv
	assert_equal "${#lines[@]}" 9
	assert_equal "${lines[0]}" pk,n,fill
	# shellcheck disable=SC2154  # run sets it
	assert_regex "$stderr" '1 values have no column.*: late;.*--select'
	run -0 ddb query "$T" p --csv --select pk,n,late
	assert_line --index 8 p,7,7
	# The first page that has an item tells, also when the filter leaves nothing of the pages before it.
	run -0 ddb query "$T" p --csv --filter 'late > 6' --select n,late
	assert_output $'n,late\n7,7'
	run -0 ddb query "$T" p --csv --filter 'late > 6'
	assert_line --index 0 pk,n,fill,late
}

@test "rows: refusals" {
	ddb create "$T" --key pk:S
	run -2 ddb scan "$T" --csv --tsv
	assert_output --partial 'one of them'
	run -2 ddb scan "$T" --csv --count
	run -2 ddb query "$T" x --tsv --typed
}
