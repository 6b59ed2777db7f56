#include "op_table_settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define DAY_MS 86400000u

/* --- reading a definition ----------------------------------------------------------------------------------------- */

static uint64_t get_u64(struct bytes item, const char *name)
{
	struct value v;
	struct num n;
	uint64_t u = 0;

	return item_get(item, bytes_str(name), &v) && item_value_num(v, &n) && num_to_u64(&n, &u) ? u : 0;
}

uint64_t op_table_settings_time(struct bytes item, const char *name)
{
	struct value v;
	struct num n;
	uint64_t ms = 0;

	if (!item_get(item, bytes_str(name), &v) || !item_value_num(v, &n))
		return 0;
	if (n.digits != 0)
		n.exponent += 3;
	return num_to_u64(&n, &ms) ? ms : 0;
}

static struct bytes get_map(struct bytes item, const char *name)
{
	struct value v;

	return item_get(item, bytes_str(name), &v) && v.tag == ITEM_M ? v.body : ITEM_EMPTY;
}

static bool is_on_demand(struct bytes definition)
{
	struct value v;

	return item_get(definition, BYTES_LIT("BillingMode"), &v) && bytes_is(v.body, "PAY_PER_REQUEST");
}

static void warm_of(struct bytes d, bool on_demand, uint64_t *read, uint64_t *write)
{
	struct bytes warm = get_map(d, "WarmThroughput"), units = get_map(d, "ProvisionedThroughput");

	*read = get_u64(warm, "ReadUnitsPerSecond");
	*write = get_u64(warm, "WriteUnitsPerSecond");
	if (*read == 0)
		*read = on_demand ? OP_TABLE_WARM_READ : get_u64(units, "ReadCapacityUnits");
	if (*write == 0)
		*write = on_demand ? OP_TABLE_WARM_WRITE : get_u64(units, "WriteCapacityUnits");
}

static uint64_t decreases_of(struct bytes d, uint64_t now_ms)
{
	struct bytes units = get_map(d, "ProvisionedThroughput");

	return op_table_settings_time(units, "LastDecreaseDateTime") / DAY_MS == now_ms / DAY_MS ? get_u64(units, "NumberOfDecreasesToday") : 0;
}

static struct op_table_settings settings_of(struct bytes d, bool on_demand, uint64_t now_ms)
{
	struct bytes units = get_map(d, "ProvisionedThroughput");
	struct op_table_settings t = {
		.on_demand = on_demand, .read = get_u64(units, "ReadCapacityUnits"), .write = get_u64(units, "WriteCapacityUnits"),
		.increased_ms = op_table_settings_time(units, "LastIncreaseDateTime"), .decreased_ms = op_table_settings_time(units, "LastDecreaseDateTime"),
		.decreases = decreases_of(d, now_ms),
		.max_read = get_u64(get_map(d, "OnDemandThroughput"), "MaxReadRequestUnits"),
		.max_write = get_u64(get_map(d, "OnDemandThroughput"), "MaxWriteRequestUnits"),
	};

	warm_of(d, on_demand, &t.warm_read, &t.warm_write);
	return t;
}

struct op_table_settings op_table_settings_of(struct bytes d, uint64_t now_ms)
{
	return settings_of(d, is_on_demand(d), now_ms);
}

struct op_table_settings op_table_settings_of_index(struct bytes d, struct bytes map, uint64_t now_ms)
{
	return settings_of(map, is_on_demand(d), now_ms);
}

/* --- writing one -------------------------------------------------------------------------------------------------- */

static void put_u64(struct item_build *b, const char *name, uint64_t v)
{
	item_build_name(b, bytes_str(name)), item_build_u64(b, v);
}

static void put_s(struct item_build *b, const char *name, struct bytes s)
{
	item_build_name(b, bytes_str(name)), item_build_s(b, s);
}

void op_table_settings_begin(struct item_build *b, struct bytes old)
{
	struct value version;

	item_build_reset(b);
	item_build_item(b);
	if (item_get(old, BYTES_LIT("Version"), &version))
		item_build_name(b, BYTES_LIT("Version")), item_build_raw(b, version.raw);
}

void op_table_settings_put_time(struct item_build *b, const char *name, uint64_t ms)
{
	char text[32];
	struct num n;

	if (ms == 0)
		return;
	snprintf(text, sizeof text, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
	num_parse(&n, bytes_str(text));
	item_build_name(b, bytes_str(name)), item_build_n(b, &n);
}

/* 0: nothing */
static void put_pair(struct item_build *b, const char *name, const char *first, uint64_t a, const char *second, uint64_t c)
{
	item_build_name(b, bytes_str(name));
	item_build_open(b, ITEM_M);
	if (a > 0)
		put_u64(b, first, a);
	if (c > 0)
		put_u64(b, second, c);
	item_build_close(b);
}

void op_table_settings_put_throughput(struct item_build *b, const struct op_table_settings *t)
{
	item_build_name(b, BYTES_LIT("ProvisionedThroughput"));
	item_build_open(b, ITEM_M);
	put_u64(b, "ReadCapacityUnits", t->read);
	put_u64(b, "WriteCapacityUnits", t->write);
	op_table_settings_put_time(b, "LastIncreaseDateTime", t->increased_ms);
	op_table_settings_put_time(b, "LastDecreaseDateTime", t->decreased_ms);
	put_u64(b, "NumberOfDecreasesToday", t->decreases);
	item_build_close(b);
}

void op_table_settings_put_warm(struct item_build *b, const struct op_table_settings *t)
{
	put_pair(b, "WarmThroughput", "ReadUnitsPerSecond", t->warm_read, "WriteUnitsPerSecond", t->warm_write);
}

void op_table_settings_put_limits(struct item_build *b, const struct op_table_settings *t)
{
	put_pair(b, "OnDemandThroughput", "MaxReadRequestUnits", t->max_read, "MaxWriteRequestUnits", t->max_write);
}

void op_table_settings_put_stream(struct item_build *b, const struct op_table_spec *s, uint64_t now_ms)
{
	time_t seconds = (time_t)(now_ms / 1000);
	char label[64], text[80];
	struct tm tm;

	strftime(label, sizeof label, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
	snprintf(text, sizeof text, "%s.%03u", label, (unsigned)(now_ms % 1000));
	item_build_name(b, BYTES_LIT("StreamSpecification"));
	item_build_open(b, ITEM_M);
	item_build_name(b, BYTES_LIT("StreamEnabled")), item_build_bool(b, true);
	put_s(b, "StreamViewType", s->view);
	item_build_close(b);
	put_s(b, "LatestStreamLabel", bytes_str(text));
}

/* The key's ARN, as far as one can say without asking KMS. */
static void key_arn(const struct op_table_spec *s, const char *region, struct buf *out)
{
	struct bytes key = s->sse_key.n > 0 ? s->sse_key : BYTES_LIT("alias/aws/dynamodb");

	if (!bytes_starts(key, BYTES_LIT("arn:")))
		buf_fmt(out, "arn:aws:kms:%s:" API_ACCOUNT ":%s", region, bytes_starts(key, BYTES_LIT("alias/")) ? "" : "key/");
	buf_bytes(out, key);
}

void op_table_settings_put_sse(struct item_build *b, const struct op_table_spec *s, const char *region)
{
	struct buf arn = { 0 };

	key_arn(s, region, &arn);
	item_build_name(b, BYTES_LIT("SSEDescription"));
	item_build_open(b, ITEM_M);
	put_s(b, "Status", BYTES_LIT("ENABLED"));
	put_s(b, "SSEType", BYTES_LIT("KMS"));
	put_s(b, "KMSMasterKeyArn", buf_view(&arn));
	item_build_close(b);
	buf_fini(&arn);
}
