#!/usr/bin/env bats
# The tools that judge the others: the driver of make check, and the fuzz driver.
load helpers

teardown() {
	temp_remove
}

# A tree in which run-checks finds only the families we plant.
empty_tree() {
	temp_dir
	mkdir -p "$TEMP/t"
	cp "$DDB_ROOT/t/run-checks" "$TEMP/t"
	printf 'all unit fuzz tools:\n\t@true\n' >"$TEMP/Makefile"
	cd "$TEMP" || return 1
}

plant() { # FAMILY, script on stdin
	mkdir -p "t/$1"
	cat >"t/$1/run-check"
	chmod +x "t/$1/run-check"
}

@test "nothing to run is a failure" {
	empty_tree
	run -1 t/run-checks sim
	assert_equal "${lines[-1]}" "0 passed, 0 failed, 0 skipped"
}

@test "passes, failures and skips are counted in both notations" {
	empty_tree
	plant sim <<-'S'
		#!/bin/sh
		echo "ok one"; echo "ok 2 two # 17 ms"; echo "# why three failed"; echo "not ok three"
		echo "skip four # no root"; echo "ok 5 five # skip no network"
		exit 1
	S
	run -1 t/run-checks sim
	assert_equal "${lines[-1]}" "2 passed, 1 failed, 2 skipped"
	assert_output --partial "why three failed"
	assert_output --partial "no root"
	assert_output --partial "no network"
	refute_output --partial "ok one"
}

@test "a family that dies without a word has failed" {
	empty_tree
	plant crash <<-'S'
		#!/bin/sh
		echo "ok one"
		kill -9 $$
	S
	run -1 t/run-checks crash
	assert_equal "${lines[-1]}" "1 passed, 1 failed, 0 skipped"
}

@test "families can be selected" {
	empty_tree
	plant sim <<-'S'
		#!/bin/sh
		echo ok sim
	S
	plant crash <<-'S'
		#!/bin/sh
		echo not ok crash
	S
	run -0 t/run-checks sim
	assert_equal "${lines[-1]}" "1 passed, 0 failed, 0 skipped"
	run -1 t/run-checks sim crash
	assert_equal "${lines[-1]}" "1 passed, 1 failed, 0 skipped"
}

# A fuzz target with a bug behind the letters "ab".
broken_target() {
	temp_dir
	mkdir "$TEMP/corpus"
	printf 'axx' >"$TEMP/corpus/one"
	cat >"$TEMP/target.c" <<-'C'
		#include <stddef.h>
		#include <stdint.h>
		int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
		int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
		{
			return n > 1 && p[0] == 'a' && p[1] == 'b' ? p[n] : 0;
		}
	C
	gcc -D_GNU_SOURCE -g -fsanitize=address,undefined -o "$TEMP/target" "$TEMP/target.c" "$DDB_ROOT/t/fuzz/driver.c"
}

@test "the fuzz driver finds a planted bug and keeps the input" {
	broken_target
	run ! "$TEMP/target" -seed=1 -runs=200000 -corpus="$TEMP/corpus"
	assert_output --partial "kept in $TEMP/target.crash"
	assert_equal "$(head -c 2 "$TEMP/target.crash")" ab
	cp "$TEMP/target.crash" "$TEMP/found"
	run ! "$TEMP/target" "$TEMP/found"
	run -0 "$TEMP/target" "$TEMP/corpus/one"
	assert_file_not_exists "$TEMP/target.crash"
}

@test "the fuzz driver does the same for the same seed" {
	broken_target
	run "$TEMP/target" -seed=3 -runs=200000 -corpus="$TEMP/corpus"
	first=$(grep 'kept in' <<<"$output")
	[ -n "$first" ]
	run "$TEMP/target" -seed=3 -runs=200000 -corpus="$TEMP/corpus"
	assert_equal "$(grep 'kept in' <<<"$output")" "$first"
}
