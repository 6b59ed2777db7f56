# lib.bash: what t/bench/run and t/bench/cost share.  They set dir, rounds, connections and seconds, and define
# processes SYSTEM, which prints "NAME PID" of each.
# shellcheck shell=bash disable=SC2016,SC2154  # what stands in single quotes is jq

say() {
	printf '%s\n' "$*" >&2
}

# wait_for SECONDS COMMAND...
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

now_us() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# {"NAME": microseconds of CPU so far}; processes of one name together.
cpu_of() { # SYSTEM
	local name pid ticks
	ticks=$(getconf CLK_TCK)
	processes "$1" | while read -r name pid; do
		# utime and stime; the name in parentheses may hold anything
		sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk -v n="$name" -v t="$ticks" '{ print n, ($12 + $13) * 1e6 / t }'
	done | jq -Rsc 'split("\n") | map(select(. != "") | split(" ") | {(.[0]): (.[1] | tonumber)})
		| reduce .[] as $x ({}; reduce ($x | to_entries[]) as $e (.; .[$e.key] += $e.value))'
}

# "NAME PID" of each process of a cluster.
ddb_processes() { # HOME
	local p
	p=$(<"$1/ddb.pid")
	echo "supervisor $p"
	ps -o comm=,pid= --ppid "$p" | sed 's/^ddb-//'
}

# Nothing waits to be applied.
ddb_drained() { # HOME
	bin/ddb metrics --home "$1" | awk '/^ddb_store_queued_bytes/ { n++; s += $2 } END { exit n == 0 || s > 0 }'
}

# A line about something else than a cell.
note() { # JQ-OPTION... FILTER
	jq -nc "$@" >>"$dir/raw.jsonl"
}

# The share of all cores, in percent, that was not idle for two seconds.
busy() {
	local before
	before=$(head -1 /proc/stat)
	sleep 2
	{ echo "$before"; head -1 /proc/stat; } | awk '
		{ idle[NR] = $5 + $6; for (i = 2; i <= 9; i++) all[NR] += $i }
		END { printf "%.0f\n", 100 - 100 * (idle[2] - idle[1]) / (all[2] - all[1]) }'
}

machine() {
	local fs
	fs=$(findmnt -no FSTYPE -T "$dir")
	note --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" --argjson cores "$(nproc)" \
		--arg kernel "$(uname -sr)" --arg fs "$fs" --argjson memory "$(awk '/MemTotal/ { print $2 }' /proc/meminfo)" \
		--argjson busy "$(busy)" --arg date "$(date -u +%Y-%m-%d)" \
		--arg commit "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" \
		--argjson rounds "$rounds" --argjson connections "$connections" --arg seconds "${seconds:-10, of 1 KB items 60,}" \
		'{machine: $ARGS.named}'
}
