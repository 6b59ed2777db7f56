#!/usr/bin/env bats
# Indexes from the command line, on a cluster that all tests here share.
load helpers
shared_cluster

setup() {
	T=tab$BATS_TEST_NUMBER
}

# Items in a table with both kinds of indexes.
fill() {
	ddb create "$T" --key artist --sort song --local by-year=year:N --local len=length:N=keys --global by-genre=genre/year \
		--global 'label=label=year,size'
	ddb put "$T" - <<-'J'
		{"artist":"Bach","song":"Air","year":1731,"genre":"baroque","length":5,"label":"x"}
		{"artist":"Bach","song":"Badinerie","year":1738,"genre":"baroque","length":2}
		{"artist":"Bach","song":"Fugue","genre":"baroque"}
		{"artist":"Holst","song":"Mars","year":1914,"genre":"modern","label":"x","extra":1,"size":3}
	J
}

# What a command prints, sooner or later: global indexes follow.
shows() { # LINES COMMAND...
	local wanted=$1
	shift
	[ "$("$@")" = "$wanted" ]
}

@test "index: local ones are read by their own sort key, at once and consistently" {
	fill
	run -0 ddb query "$T" Bach '>= 1735' --index by-year
	assert_output '{"artist":"Bach","genre":"baroque","length":2,"song":"Badinerie","year":1738}'
	run -0 ddb query "$T" Bach --index len --reverse --consistent
	assert_output $'{"artist":"Bach","length":5,"song":"Air"}\n{"artist":"Bach","length":2,"song":"Badinerie"}'
	run -0 ddb query "$T" Bach --index len --select label,year --limit 2
	assert_output $'{"year":1738}\n{"label":"x","year":1731}'
	run -0 ddb scan "$T" --index by-year --count
	assert_output 3
}

@test "index: global ones are read by their own key, with what they have of items" {
	fill
	wait_for shows 3 ddb scan "$T" --index by-genre --count
	wait_for shows 2 ddb scan "$T" --index label --count
	run -0 ddb query "$T" baroque 'between 1700 1735' --index by-genre --select song
	assert_output '{"song":"Air"}'
	run -0 ddb query "$T" x --index label --filter "size = 3"
	assert_output '{"artist":"Holst","label":"x","size":3,"song":"Mars","year":1914}'
	run -0 ddb query "$T" baroque --index by-genre --csv --select song,year
	assert_output $'song,year\nAir,1731\nBadinerie,1738'
	run -0 ddb scan "$T" --index label --segments 3 --count
	assert_output 2
	run -2 ddb query "$T" x --index label --consistent
	assert_output --partial 'Consistent reads are not supported on global secondary indexes'
	run -2 ddb query "$T" x 1 --index label
	assert_output 'ddb: label has no sort key'
	ddb update "$T" Bach Air 'REMOVE label'
	wait_for shows 1 ddb scan "$T" --index label --count
}

@test "index: keys of several attributes" {
	ddb create "$T" --key id:N --global place=country,city/year:N,name=keys
	ddb put "$T" - <<-'J'
		{"id":1,"country":"DE","city":"Köln","year":1999,"name":"Dom","x":1}
		{"id":2,"country":"DE","city":"Köln","year":1999,"name":"Deutz"}
		{"id":3,"country":"DE","city":"Köln","year":2001,"name":"Süd"}
		{"id":4,"country":"DE","city":"Bonn","year":1999,"name":"Dom"}
		{"id":5,"country":"DE","year":1999,"name":"Dom"}
	J
	wait_for shows 4 ddb scan "$T" --index place --count
	ids() {
		ddb query "$T" "$@" --index place | jq -c .id | xargs
	}
	assert_equal "$(ids DE Köln)" '2 1 3'
	assert_equal "$(ids DE Köln --reverse)" '3 1 2'
	assert_equal "$(ids DE Köln 1999)" '2 1'
	assert_equal "$(ids DE Köln '> 1999')" 3
	assert_equal "$(ids DE Köln 1999 begins_with De)" 2
	assert_equal "$(ids DE Köln 1999 between Df Z)" 1
	assert_equal "$(ids DE Bonn 1999 Dom)" 4
	run -2 ddb query "$T" DE --index place
	assert_output --partial '2 values of the partition key expected'
}

@test "index: added to what is there, and dropped" {
	ddb create "$T" --key id:N
	seq -f '{"id":%g,"kind":"k","people":1}' 1 200 | ddb load "$T" -
	run -0 ddb index "$T"
	assert_output ''
	run -0 ddb index "$T" add by-kind=kind/id=keys
	assert_output ''
	run -0 ddb query "$T" k '<= 3' --index by-kind
	assert_output $'{"id":1,"kind":"k"}\n{"id":2,"kind":"k"}\n{"id":3,"kind":"k"}'
	run -0 ddb query "$T" k --index by-kind --count
	assert_output 200
	run -0 ddb index "$T"
	assert_line --regexp '^by-kind +global +kind \(S\), id \(N\) +keys +ACTIVE '
	run ! ddb index "$T" add by-kind=kind
	assert_output --partial Exception
	run -0 ddb index "$T" drop by-kind
	run -2 ddb query "$T" k --index by-kind
	assert_output --partial 'no index of the name "by-kind"'
	run -1 ddb index "$T" drop by-kind
	assert_output --partial ResourceNotFoundException
	run -1 ddb index no-such-table
	run -2 ddb index "$T" add by-id=id:S
	assert_output --partial Exception
}

@test "index: a dump has them, and load makes them again" {
	fill
	ddb dump "$T" >"$BATS_TEST_TMPDIR/dump"
	ddb load "$T-2" "$BATS_TEST_TMPDIR/dump"
	run -0 diff <(ddb desc "$T" --schema | jq -cS 'del(.TableName)') <(ddb desc "$T-2" --schema | jq -cS 'del(.TableName)')
	run -0 ddb desc "$T-2"
	assert_line --regexp '^index +by-year: artist \(S\), year \(N\); local, all$'
	assert_line --regexp '^index +label: label \(S\); global, year,size; ACTIVE$'
	wait_for shows '{"song":"Air"}' ddb query "$T-2" baroque '< 1735' --index by-genre --select song
	run -0 ddb query "$T-2" Bach --index len --count
	assert_output 2
	ddb desc "$T" --schema | ddb create "$T-3" -
	run -0 ddb index "$T-3"
	assert_equal "$(wc -l <<<"$output")" 5
	ddb tables --long >"$BATS_TEST_TMPDIR/long"
	run -0 grep "^$T-3 " "$BATS_TEST_TMPDIR/long"
	assert_output --regexp ' +4 +0 +0$'
	run -0 jq ".cluster.tables[] | select(.name == \"$T-3\").indexes" <(ddb status --json)
	assert_output 4
	run -0 ddb tables
	refute_output --partial '#'
}

@test "index: bench makes a table with some, and a put reaches them" {
	run -0 ddb bench --table "$T" --load --items 100 --indexes 2 --workload w --duration 200ms --warmup 0 --json
	jq -e '.errors_total == 0 and .indexes == 2' <<<"$output"
	wait_for shows 100 ddb scan "$T" --index by-g2 --count
	run -0 ddb query "$T" user000000000042 --index by-g1 --select pk
	assert_output '{"pk":"user000000000042"}'
	run -2 ddb bench --table "$T" --indexes 1
}
