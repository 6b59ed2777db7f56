# report.jq: RESULTS.md from the lines that t/bench/run keeps (jq -rs).
# Ratios are of neighbours in one round, then the median over the rounds.

def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def fixed($n): if . == null then "-" else
	(. * pow(10; $n) | round / pow(10; $n) | tostring) as $s
	| if $n == 0 then $s
	  else ($s | split(".")) as $p | $p[0] + "." + (($p[1] // "") + "000")[0:$n] end end;
def count: if . == null then "-" else round | tostring
	| if length > 3 then .[0:length - 3] + " " + .[length - 3:] else . end end;
def ms: if . == null then "-" else . / 1000 | fixed(if . < 10 then 2 else 1 end) end;
def row: "| " + join(" | ") + " |";
def size_name: if . >= 1024 then "\(. / 1024 | round) KB" else "\(.) B" end;

def op_name: {"put": "puts", "get": "strong gets", "eventual": "eventual gets"}[.];

. as $lines
| ($lines | map(select(.machine)) | .[0].machine) as $m
| ($lines | map(select(.system and .rate == null))) as $cells
| ($lines | map(select(.system and .rate != null))) as $open
| ["ddb", "model", "dynalite-memory", "dynalite-disk", "etcd"] as $all
| ($cells | map(.system) | unique) as $there
| ($all | map(select(. as $s | $there | index([$s])))) as $systems
| ($systems - ["ddb"]) as $peers
| ($cells | map(.size) | unique) as $sizes

| def cell($s; $op; $size): $cells | map(select(.system == $s and .op == $op and .size == $size));
  def middle($s; $op; $size; f): cell($s; $op; $size) | map(f) | median;
  def ratio($s; $op; $size): [cell("ddb"; $op; $size)[] as $a | cell($s; $op; $size)[]
	| select(.round == $a.round and .per_s > 0) | $a.per_s / .per_s] | median;
  def ops: ["put", "get", "eventual"];
  def target($what; $is; $wanted; $good; $unit): [$what, $wanted,
	if $is == null then "not measured" else $is + $unit end,
	if $is == null then "-" elif $good then "PASS" else "FAIL" end] | row;
  (ratio("model"; "put"; 1024)) as $put_model
| (ratio("dynalite-memory"; "put"; 1024)) as $put_dynalite
| (ratio("model"; "get"; 1024)) as $get_model
| (ratio("dynalite-memory"; "get"; 1024)) as $get_dynalite
| ([cell("ddb"; "get"; 1024)[] as $a | cell("ddb"; "eventual"; 1024)[]
	| select(.round == $a.round) | .per_s / $a.per_s] | median) as $eventual
| ($open | map(.p99_us) | median) as $p99
| ($lines | map(select(.idle)) | .[0].idle) as $idle
| ($lines | map(select(.get_us)) | .[0].get_us | if . == null then null else median end) as $get_us

| "# How fast ddb is, beside others", "",
  "Written by `make bench`, at \($m.commit), on \($m.date): \($m.cores) cores (\($m.cpu)), \($m.memory / 1048576 | round) GB, \($m.kernel), \($m.fs).",
  ([$m.busy, $lines[].busy_after // empty] | "Other work took \(map("\(.) %") | join(" and ")) of the cores before and after"
	+ if max > 10 then ": **the machine was not quiet**." else "." end),
  "\($m.connections) connections, the load generator on the same cores; \($m.rounds) rounds of \($m.seconds) s a measurement, systems taking turns.",
  "Of ddb, time counts until everything acknowledged is applied too. The model is the physical limit (t/bench/model.c); dynalite is one process, etcd three nodes behind their JSON gateway, asked at the leader.",
  "Ratios hold from machine to machine better than figures do.",
  ($lines | map(select(.left_out).left_out) | if length > 0 then "", "Left out: \(join(", "))." else empty end),
  "", "## Targets", "",
  (["what (items of 1 KB)", "wanted", "is", ""] | row), "|---|---|---|---|",
  target("puts / model"; $put_model | if . == null then null else fixed(3) end; ">= 0.17"; $put_model >= 0.17; ""),
  target("puts / dynalite in memory"; $put_dynalite | if . == null then null else fixed(2) end; ">= 1.2"; $put_dynalite >= 1.2; ""),
  target("strong gets / model"; $get_model | if . == null then null else fixed(3) end; ">= 0.16"; $get_model >= 0.16; ""),
  target("strong gets / dynalite in memory"; $get_dynalite | if . == null then null else fixed(2) end; ">= 1.8"; $get_dynalite >= 1.8; ""),
  target("eventual / strong gets"; $eventual | if . == null then null else fixed(2) end; ">= 0.8"; $eventual >= 0.8; ""),
  target("p99 of puts at 70 % of their rate"; $p99 | if . == null then null else ms end; "<= 20 ms"; $p99 <= 20000; " ms"),
  target("idle memory of all processes (PSS)"; $idle | if . == null then null else .pss / 1024 | fixed(1) end; "<= 80 MB"; ($idle.pss // 0) <= 81920; " MB"),
  target("`ddb get`, fork to exit"; $get_us | if . == null then null else ms end; "<= 15 ms"; $get_us <= 15000; " ms"),
  "", "## Ratios: ddb / each", "",
  (["", "item"] + $peers | row), (["---", "---"] + ($peers | map("--:")) | "|" + join("|") + "|"),
  (ops[] as $op | $sizes[] as $size | [($op | op_name), ($size | size_name)] + ($peers | map(ratio(.; $op; $size) | fixed(2))) | row),
  "", "## Requests a second", "",
  (["", "item"] + $systems | row), (["---", "---"] + ($systems | map("--:")) | "|" + join("|") + "|"),
  (ops[] as $op | $sizes[] as $size | [($op | op_name), ($size | size_name)] + ($systems | map(middle(.; $op; $size; .per_s) | count)) | row),
  "", "## Latency, closed loop: p50 / p99 in ms", "",
  (["", "item"] + $systems | row), (["---", "---"] + ($systems | map("--:")) | "|" + join("|") + "|"),
  (ops[] as $op | $sizes[] as $size | [($op | op_name), ($size | size_name)]
	+ ($systems | map(. as $s | "\(middle($s; $op; $size; .p50_us) | ms) / \(middle($s; $op; $size; .p99_us) | ms)")) | row),
  "", "## Microseconds of CPU a request", "",
  "The load generator's own: \($systems | map(. as $s | select(cell($s; "put"; 1024) | length > 0) | "\(middle($s; "put"; 1024; .cpu_us) | fixed(1)) (put), \(middle($s; "get"; 1024; .cpu_us) | fixed(1)) (get) against \($s)") | join("; ")); items of 1 KB.", "",
  (["", "item"] + $systems + ["of ddb"] | row), (["---", "---"] + ($systems | map("--:")) + ["---"] | "|" + join("|") + "|"),
  (ops[] as $op | $sizes[] as $size | [($op | op_name), ($size | size_name)]
	+ ($systems | map(middle(.; $op; $size; .server_cpu_us | add) | fixed(1)))
	+ [cell("ddb"; $op; $size) | map(.server_cpu_us) | if length == 0 then "-" else . as $c
		| .[0] | keys | map(. as $k | {k: $k, v: ($c | map(.[$k]) | median)} | select(.v >= 0.05)) | sort_by(-.v)
		| map("\(.k) \(.v | fixed(1))") | join(", ") end] | row),
  "", "## Open loop: puts of 1 KB at 70 % of the rate above", "",
  (if $open | length == 0 then "Not measured." else
	"\($open[0].rate) a second: p50 \($open | map(.p50_us) | median | ms), p99 \($p99 | ms), p99.9 \($open | map(.p999_us) | median | ms), longest \($open | map(.max_us) | max | ms) ms; \($open | map(.overruns) | add) requests never sent, \($open | map(.errors_total) | add) errors." end),
  "", "## Memory of an idle cluster", "",
  (["process", "resident MB", "of which its own share"] | row), "|---|--:|--:|",
  ($lines[] | select(.memory).memory | [.name, (.rss / 1024 | fixed(1)), (.pss / 1024 | fixed(1))] | row),
  (if $idle then ["all", ($idle.rss / 1024 | fixed(1)), ($idle.pss / 1024 | fixed(1))] | row else empty end),
  "", "## Errors", "",
  ([$lines[] | select(.system and (.errors_total > 0 or .wrong > 0 or .missing > 0)) | "- \(.system), \(.op) of \(.size | size_name), round \(.round): \(.errors | to_entries | map("\(.value) \(.key)") | join(", ")) \(if .missing > 0 then "\(.missing) missing" else "" end)"]
	| if length == 0 then "None." else .[] end)
