#include "op_table_units.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define DAY_MS 86400000u
#define HOUR_MS 3600000u

/* "table", or "index NAME". */
static void whose(struct buf *err, struct bytes index)
{
	buf_str(err, index.p == NULL ? "table" : "index ");
	buf_bytes(err, index);
}

/* --- by itself ---------------------------------------------------------------------------------------------------- */

void op_table_units_test(const struct op_table_throughput *t, struct bytes index, struct buf *err)
{
	bool read = t->read.v > OP_TABLE_UNITS_MAX;

	if (!read && t->write.v <= OP_TABLE_UNITS_MAX)
		return;
	buf_fmt(err, "Given value %" PRId64 " for %sCapacityUnits is out of bounds", read ? t->read.v : t->write.v,
		read ? "Read" : "Write");
	buf_str(err, index.p == NULL ? "" : " for index ");
	buf_bytes(err, index);
}

void op_table_units_test_limits(const struct op_table_throughput *t, struct bytes index, bool on_demand, bool clears, struct buf *err)
{
	const struct op_table_number *const n[] = { &t->max_read, &t->max_write };

	for (size_t i = 0; i < 2 && err->n == 0; i++) {
		const char *name = i == 0 ? "MaxReadRequestUnits" : "MaxWriteRequestUnits";

		if (n[i]->given && !on_demand) {
			buf_fmt(err, DJSON_PREFIX "%s for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED",
				name);
		} else if (n[i]->given && (n[i]->v < 1 || n[i]->v > OP_TABLE_UNITS_MAX) && !(clears && n[i]->v == -1)) {
			buf_fmt(err, DJSON_PREFIX "Requested %s for OnDemandThroughput for ", name);
			whose(err, index);
			buf_str(err, " is outside of valid range");
		}
	}
}

static void refuse_warm(struct buf *err, struct bytes index, bool read, const char *why)
{
	buf_fmt(err, DJSON_PREFIX "Requested %sUnitsPerSecond for WarmThroughput for ", read ? "Read" : "Write");
	whose(err, index);
	buf_fmt(err, " is %s", why);
}

void op_table_units_test_warm(const struct op_table_throughput *t, struct bytes index, bool on_demand, struct buf *err)
{
	const struct op_table_number *const n[] = { &t->warm_read, &t->warm_write };
	const int64_t least[] = { on_demand ? OP_TABLE_WARM_READ : t->read.v, on_demand ? OP_TABLE_WARM_WRITE : t->write.v };

	for (size_t i = 0; i < 2 && err->n == 0; i++) {
		if (!n[i]->given || (n[i]->v >= least[i] && n[i]->v <= OP_TABLE_UNITS_MAX))
			continue;
		refuse_warm(err, index, i == 0, n[i]->v > OP_TABLE_UNITS_MAX ? "out of bounds" :
			    on_demand ? "lower than initial throughput for OnDemand" :
			    i == 0 ? "lower than ReadCapacityUnits of ProvisionedThroughput" :
			    "lower than WriteCapacityUnits of ProvisionedThroughput");
	}
}

static uint64_t given(struct op_table_number n)
{
	return n.given ? (uint64_t)n.v : 0;
}

struct op_table_settings op_table_units_new(const struct op_table_throughput *t, bool on_demand)
{
	return (struct op_table_settings){
		.on_demand = on_demand, .read = given(t->read), .write = given(t->write), .warm_read = given(t->warm_read),
		.warm_write = given(t->warm_write), .max_read = given(t->max_read), .max_write = given(t->max_write),
	};
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

/* A table keeps what it has grown to. */
static void warm_up(struct op_table_settings *now, uint64_t read, uint64_t write)
{
	now->warm_read = read > now->warm_read ? read : now->warm_read;
	now->warm_write = write > now->warm_write ? write : now->warm_write;
}

static void print_time(struct buf *out, uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[96];
	struct tm tm;

	strftime(text, sizeof text, "%A, %B %-d, %Y at %-I:%M:%S %p Coordinated Universal Time", gmtime_r(&seconds, &tm));
	buf_str(out, text);
}

static enum result decrease(struct op_table_settings *now, uint64_t now_ms, struct buf *err)
{
	uint64_t hour = now->decreased_ms + HOUR_MS, midnight = (now_ms / DAY_MS + 1) * DAY_MS;

	if (now->decreases >= OP_TABLE_DECREASES_MAX && now_ms < hour) {
		buf_fmt(err, "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the "
			     "first %d decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 "
			     "seconds. Number of decreases today: %" PRIu64 ". Last decrease at ", OP_TABLE_DECREASES_MAX, now->decreases);
		print_time(err, now->decreased_ms);
		buf_str(err, ". Next decrease can be made at ");
		print_time(err, hour < midnight ? hour : midnight);
		return RESULT_LIMIT;
	}
	now->decreases++;
	now->decreased_ms = now_ms;
	return RESULT_OK;
}

static void refuse_same(const struct op_table_settings *now, struct bytes index, struct buf *err)
{
	static const char *const names[] = { "Read", "Write" };
	const uint64_t units[] = { now->read, now->write };

	buf_str(err, "The provisioned throughput for the ");
	whose(err, index);
	buf_str(err, " will not change. The requested value equals the current value. ");
	for (size_t i = 0; i < 2; i++)
		buf_fmt(err, "Current %sCapacityUnits provisioned for the %s: %" PRIu64 ". Requested %sCapacityUnits: %" PRIu64 ". ", names[i],
			index.p == NULL ? "table" : "index", units[i], names[i], units[i]);
	buf_str(err, "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.");
}

void op_table_units_end(struct op_table_settings *now)
{
	now->on_demand = true;
	now->read = now->write = 0;
	warm_up(now, OP_TABLE_WARM_READ, OP_TABLE_WARM_WRITE);
}

enum result op_table_units_set(struct op_table_settings *now, const struct op_table_throughput *t, struct bytes index, uint64_t now_ms,
                               struct buf *err)
{
	uint64_t read = (uint64_t)t->read.v, write = (uint64_t)t->write.v;

	if (!now->on_demand && read == now->read && write == now->write) {
		refuse_same(now, index, err);
		return RESULT_INVALID;
	}
	if ((read < now->read || write < now->write) && decrease(now, now_ms, err) != RESULT_OK)
		return RESULT_LIMIT;
	if (read > now->read || write > now->write)
		now->increased_ms = now_ms;
	now->read = read;
	now->write = write;
	now->on_demand = false;
	now->max_read = now->max_write = 0;
	warm_up(now, read, write);
	return RESULT_OK;
}

static uint64_t limit_of(struct op_table_number asked, uint64_t old)
{
	return !asked.given ? old : asked.v < 0 ? 0 : (uint64_t)asked.v;
}

enum result op_table_units_limit(struct op_table_settings *now, const struct op_table_throughput *t, struct bytes index, bool on_demand,
                                 struct buf *err)
{
	op_table_units_test_limits(t, index, on_demand, true, err);
	if (err->n > 0)
		return RESULT_INVALID;
	now->max_read = limit_of(t->max_read, now->max_read);
	now->max_write = limit_of(t->max_write, now->max_write);
	return RESULT_OK;
}

enum result op_table_units_warm(struct op_table_settings *now, const struct op_table_throughput *t, struct bytes index,
                                struct buf *err)
{
	const struct op_table_number *const n[] = { &t->warm_read, &t->warm_write };
	const uint64_t old[] = { now->warm_read, now->warm_write };

	for (size_t i = 0; i < 2; i++) {
		if (!n[i]->given || (n[i]->v >= 0 && (uint64_t)n[i]->v >= old[i] && n[i]->v <= OP_TABLE_UNITS_MAX))
			continue;
		refuse_warm(err, index, i == 0, n[i]->v > OP_TABLE_UNITS_MAX ? "out of bounds" :
			    "lower than current WarmThroughput, decreasing WarmThroughput is not supported");
		return RESULT_INVALID;
	}
	warm_up(now, n[0]->given ? (uint64_t)n[0]->v : 0, n[1]->given ? (uint64_t)n[1]->v : 0);
	return RESULT_OK;
}
