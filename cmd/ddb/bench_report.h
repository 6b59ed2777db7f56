/* bench_report: what a run measured, for people and for programs.  The members of the JSON are in ddb-bench(1). */
#ifndef DDB_BENCH_REPORT_H
#define DDB_BENCH_REPORT_H

#include "bench_go.h"

void bench_report_text(const struct bench_opts *o, const struct bench_target *t, const struct bench_stats *s,
                       struct buf *out);
void bench_report_json(const struct bench_opts *o, const struct bench_target *t, const struct bench_stats *s,
                       struct buf *out);

#endif
