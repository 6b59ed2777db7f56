#!/usr/bin/env bats
# Queries of secondary indexes: they find what follows from the items.
load helpers
load indexes
shared_cluster

@test "indexes: random queries of every index find what the items say, page by page" {
	indexes create many
	indexes write many --count 1500 --pks 5 --sks 60
	run -0 equal many --least 20
	for seed in 1 2 3; do
		run -0 node "$DDB_ROOT/t/tools/index_queries.mjs" many --seed "$seed" --count 400
		echo "$output"
		[ "$(grep -oP 'queries, \K[0-9]+' <<<"$output")" -gt 1000 ]
	done
}
