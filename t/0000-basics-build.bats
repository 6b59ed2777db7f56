#!/usr/bin/env bats
# The build and the conventions that every program keeps.
load helpers

teardown() {
	temp_remove
}

programs() {
	local p
	for p in "$DDB_ROOT"/cmd/*/main.c; do
		p=${p%/main.c}
		[ ! -x "$DDB_ROOT/bin/${p##*/}" ] || echo "${p##*/}"
	done
}

# A copy of what the build rules need, with one small program.
small_tree() {
	temp_dir
	mkdir -p "$TEMP/cmd/prog" "$TEMP/common"
	cp "$DDB_ROOT/Makefile" "$TEMP"
	cp "$DDB_ROOT"/common/{mem,bytes,exit,opt,log,clock}.[ch] "$TEMP/common"
	cat >"$TEMP/cmd/prog/main.c" <<-'C'
		#include "opt.h"
		#include "log.h"

		int main(int argc, char **argv)
		{
			static const struct opt opts[] = { OPT_END };
			static const struct opt_usage usage = { "prog", NULL, "does nothing", opts, 0, 0, false };

			log_open("prog");
			opt_parse(&usage, argc, argv);
			log_info("said\nso");
			return 0;
		}
	C
	cd "$TEMP" || return 1
}

@test "every program prints its help and its version" {
	for p in $(programs); do
		run -0 --separate-stderr "$p" --help
		assert_line --index 0 --partial "usage: $p"
		run -0 --separate-stderr "$p" --version
		assert_output --regexp "^$p [0-9]+\.[0-9]+\.[0-9]+$"
	done
}

@test "every program refuses an unknown option with exit code 2 and one line" {
	for p in $(programs); do
		run -2 --separate-stderr "$p" --no-such-option
		assert_equal "$output" ""
		assert_equal "${#stderr_lines[@]}" 1
		[[ ${stderr_lines[0]} == *--no-such-option* ]]
	done
}

@test "ddb-exit(7) and the table of exit codes agree" {
	sed -n 's/^.*CODE(\([0-9]*\), \([A-Z]*\), "\(.*\)").*$/\1 \2 \3./p' "$DDB_ROOT/common/exit.h" >"$BATS_TEST_TMPDIR/table"
	awk '/^\.It [0-9]/ { n = $2; next }
		n != "" && /^\.Em/ { name = $2; next }
		name != "" { print n, name, $0; n = name = "" }' "$DDB_ROOT/man/ddb-exit.7" >"$BATS_TEST_TMPDIR/page"
	assert [ "$(wc -l <"$BATS_TEST_TMPDIR/table")" -ge 11 ]
	run -0 diff "$BATS_TEST_TMPDIR/table" "$BATS_TEST_TMPDIR/page"
}

@test "every option of --help is in the program's manual page, and the other way round" {
	for p in $(programs); do
		page=$(echo "$DDB_ROOT"/man/"$p".[18])
		[ -f "$page" ] || continue
		{
			"$p" --help
			# Commands have options of their own.
			grep -oE '\bCm [a-z][a-z0-9-]*' "$page" | sort -u | while read -r _ c; do
				"$p" "$c" --help 2>/dev/null || :
			done
		} </dev/null | grep -oE -- '--[a-z0-9-]+' | sort -u >"$BATS_TEST_TMPDIR/help"
		mandoc -T ascii "$page" | sed 's/.\x08//g' |
			grep -oE -- '--[a-z0-9-]+' | sort -u >"$BATS_TEST_TMPDIR/page"
		# --help and --version are described once, for all programs.
		run diff <(grep -vxE -- '--(help|version)' "$BATS_TEST_TMPDIR/help") \
			<(grep -vxE -- '--(help|version)' "$BATS_TEST_TMPDIR/page")
		assert_success
	done
}

@test "a header's change rebuilds what includes it, and nothing else" {
	small_tree
	make -s
	run -0 make -q
	touch common/log.h
	run make -n
	assert_output --partial common/log.c
	assert_output --partial cmd/prog/main.c
	refute_output --partial common/mem.c
}

@test "a change of flags rebuilds" {
	small_tree
	make -s
	run -0 make -q
	run make -n CFLAGS=-O1
	assert_output --partial common/mem.c
	make -s CFLAGS=-O1
	run -0 make -q CFLAGS=-O1
}

@test "a source that goes leaves the archive" {
	small_tree
	echo 'int gone_now(void); int gone_now(void) { return 1; }' >common/gone.c
	make -s
	ar t build/rel/libcommon.a | grep -q gone.o
	rm common/gone.c
	make -s
	run ! grep -q gone.o <(ar t build/rel/libcommon.a)
}

@test "a built program logs one line an event" {
	small_tree
	make -s
	run -0 --separate-stderr bin/prog
	assert_equal "${#stderr_lines[@]}" 1
	[[ ${stderr_lines[0]} =~ ^20[0-9-]+T[0-9:.]+Z\ prog\[[0-9]+\]\ info:\ said.nso$ ]]
	run -2 bin/prog extra
	assert_output 'prog: unexpected "extra"; try prog --help'
}

@test "install honours DESTDIR and PREFIX" {
	small_tree
	mkdir man
	cp "$DDB_ROOT/man/ddb-exit.7" man
	make -s install DESTDIR="$TEMP/dest" PREFIX=/opt/x
	assert_file_executable "$TEMP/dest/opt/x/bin/prog"
	assert_file_exists "$TEMP/dest/opt/x/share/man/man7/ddb-exit.7"
}

@test "install-deps names what is missing and exits 2 without root" {
	[ "$EUID" -ne 0 ] || command -v setpriv >/dev/null || skip "needs setpriv to drop root"
	command -v dpkg-query >/dev/null || skip "needs dpkg"
	temp_dir
	chmod 755 "$TEMP"
	sed "s/^build='gcc/build='no-such-package-of-ours gcc/" "$DDB_ROOT/contrib/install-deps" >"$TEMP/install-deps"
	mkdir "$TEMP/bin"
	printf '#!/bin/sh\nexit 1\n' >"$TEMP/bin/sudo"
	chmod 755 "$TEMP/bin/sudo"
	drop=()
	[ "$EUID" -ne 0 ] || drop=(setpriv --reuid 65534 --clear-groups)
	run -2 env PATH="$TEMP/bin:$PATH" "${drop[@]}" sh "$TEMP/install-deps" build
	assert_line 'install-deps: not installed: no-such-package-of-ours'
	assert_line --partial 'apt-get install -y --no-install-recommends no-such-package-of-ours'
}

@test "install-deps is silent when all is there" {
	run -0 "$DDB_ROOT/contrib/install-deps" build check
	assert_output ''
}
