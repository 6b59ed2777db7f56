# cost.jq: COST.md from the lines that t/bench/cost keeps (jq -rs).
# Ratios are of neighbours in one round, then the median over the rounds.

def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def fixed($n): if . == null then "-" else
	(. * pow(10; $n) | round / pow(10; $n) | tostring) as $s
	| if $n == 0 then $s
	  else ($s | split(".")) as $p | $p[0] + "." + (($p[1] // "") + "000")[0:$n] end end;
def row: "| " + join(" | ") + " |";
def kind_name: {"put": "plain put", "get": "strong get", "update-if": "conditional update",
	"index-put": "put, one global index"}[.];

# Of a histogram, {le, n} cumulative and sorted: where share q of it ends, as between the ends of a bucket.
def quantile($q): . as $h | ($h | last | .n) as $n
	| if $n == null or $n == 0 then null else
	  ([range(0; $h | length) | select($h[.].n >= $q * $n)] | first) as $i
	  | (if $i == 0 then {le: 0, n: 0} else $h[$i - 1] end) as $a | $h[$i] as $b
	  | if $b.le == infinite then $a.le else
	    $a.le + ($b.le - $a.le) * ($q * $n - $a.n) / ([$b.n - $a.n, 1] | max) end end;
# What was added to the histograms of all instances.  Ends that one has left out hold what its next lower one holds.
def added: def at($le): (map(select(.le <= $le) | .n) | max) // 0;
	def parsed: map(.le |= if . == "+Inf" then infinite else tonumber end);
	(.before | parsed) as $before | (.after | parsed) as $after
	| ($after | map(.instance) | unique) as $who | ($after | map(.le) | unique)
	| map(. as $le | {le: $le, n: ([$who[] as $w | ($after | map(select(.instance == $w)) | at($le))
		- ($before | map(select(.instance == $w)) | at($le))] | add)});

. as $lines
| ($lines | map(select(.machine)) | .[0].machine) as $m
| ($lines | map(select(.against) | .against) | .[0]) as $against
| ($lines | map(select(.lag) | .lag) | .[0]) as $lag
| ($lag | if . == null then null else added | quantile(0.99) | if . == null then null else . * 1000 end end) as $p99

| def cells($k; $b): $lines | map(select(.kind == $k and .build == $b));
  def cpu: .server_cpu_us | add;
  def ratios($k; $b): [cells($k; $b)[] as $x | $lines[] | select(.kind == "put" and .build == $b and .round == $x.round)
	| ($x | cpu) / cpu];
  def other($k): [cells($k; "ours")[] as $x | $lines[] | select(.kind == $k and .build == "theirs" and .round == $x.round)
	| ($x | cpu) / cpu];
  def spread: if length == 0 then "-" else "\(min | fixed(2)) to \(max | fixed(2))" end;
  def target($what; $most; $values): ($values | median) as $is
	| [$what, "<= \($most | fixed(2))", if $is == null then "not measured" else ($is | fixed(3)) end, ($values | spread),
	   if $is == null then "-" elif $is <= $most then "PASS" else "FAIL" end] | row;
  "# What a request of ddb costs", "",
  "Written by `make bench-cost`, at \($m.commit), on \($m.date): \($m.cores) cores (\($m.cpu)), \($m.memory / 1048576 | round) GB, \($m.kernel), \($m.fs).",
  ([$m.busy, $lines[].busy_after // empty] | "Other work took \(map("\(.) %") | join(" and ")) of the cores before and after"
	+ if max > 10 then ": **the machine was not quiet**." else "." end),
  "\($m.connections) connections, the load generator on the same cores; \($m.rounds) rounds of \($m.seconds) s a measurement, kinds taking turns.",
  "CPU of all processes of the cluster, until everything acknowledged is applied and in its indexes.",
  "", "## Targets", "",
  (["CPU a request", "wanted", "is", "over the rounds", ""] | row), "|---|---|---|---|---|",
  target("conditional update / plain put"; 1.3; ratios("update-if"; "ours")),
  target("put with one global index / plain put"; 2.5; ratios("index-put"; "ours")),
  (if $against then
	target("plain put / that of \($against)"; 1.1; other("put")),
	target("strong get / that of \($against)"; 1.1; other("get")) else empty end),
  ([ "lag of the index, p99" + if $lag then " at \($lag.put.rate) puts a second" else "" end, "<= 100 ms",
	if $p99 == null then "not measured" else "\($p99 | fixed(1)) ms" end, "-",
	if $p99 == null then "-" elif $p99 <= 100 then "PASS" else "FAIL" end] | row),
  "", "## Microseconds of CPU a request", "",
  (["", "all", "by process", "requests a second", "p50 / p99 ms"] | row), "|---|--:|---|--:|--:|",
  (("ours", "theirs") as $b | ("put", "get", "update-if", "index-put") as $k | cells($k; $b) | select(length > 0)
	| . as $c
	| [($k | kind_name) + if $b == "theirs" then ", \($against)" else "" end,
	   (map(cpu) | median | fixed(1)),
	   ($c[0].server_cpu_us | keys | map(. as $p | {p: $p, v: ($c | map(.server_cpu_us[$p]) | median)} | select(.v >= 0.05))
		| sort_by(-.v) | map("\(.p) \(.v | fixed(1))") | join(", ")),
	   (map(.throughput) | median | fixed(0)),
	   "\(map(.p50_us) | median / 1000 | fixed(2)) / \(map(.p99_us) | median / 1000 | fixed(2))"] | row),
  "", "## Lag of the index", "",
  (if $lag == null then "Not measured." else
	($lag | added) as $h
	| "\($lag.put.rate) puts a second for \($lag.put.seconds | fixed(0)) s, p99 \($lag.put.p99_us / 1000 | fixed(2)) ms, \($lag.put.overruns) never sent, \($lag.put.errors_total) errors.",
	  "Batches that the index took: \($h | last | .n // 0); their oldest row was late by p50 \($h | quantile(0.5) | if . then . * 1000 else . end | fixed(1)) ms, p99 \($p99 | fixed(1)) ms, as between buckets of powers of two." end),
  "", "## Errors", "",
  ([$lines[] | select(.kind and (.errors_total > 0 or .wrong > 0 or .missing > 0))
	| "- \(.kind), \(.build), round \(.round): \(.errors | to_entries | map("\(.value) \(.key)") | join(", ")) \(if .missing > 0 then "\(.missing) missing" else "" end)"]
	| if length == 0 then "None." else .[] end)
