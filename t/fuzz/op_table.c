/*
 * op_table: CreateTable and UpdateTable with indexes, as the bytes choose them from few names: every request has one answer, and what is
 * accepted is a definition that indexes can be read from (index.h), once autoadmin has numbered them; this file is autoadmin.
 */
#include "cmd/ddb-router/op_index.h"
#include "t/unit/op_table_admin.h"

#define PART(c, list) list[cur_u8(c) % (sizeof list / sizeof list[0])]

static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };

/* What a request has named so far. */
static struct {
	unsigned attributes;                     /* of names, a bit each */
	const char *hash;                        /* of the table */
	unsigned indexes;
} named;

static bool sometimes(struct cur *c, unsigned of)
{
	return cur_u8(c) % of == 0;
}

static void comma(struct buf *out)
{
	if (out->p[out->n - 1] != '{' && out->p[out->n - 1] != '[')
		buf_str(out, ",");
}

static void put_keys(struct buf *out, struct cur *c, const char *hash, unsigned hashes, unsigned ranges)
{
	unsigned first = cur_u8(c) % 10;

	comma(out);
	buf_str(out, "\"KeySchema\":[");
	for (unsigned i = 0, n = hashes + (ranges > 1 ? cur_u8(c) % (ranges + 1) : ranges); i < n; i++) {
		unsigned name = sometimes(c, 60) ? cur_u8(c) % 10u : i == 0 && hash != NULL ? (unsigned)(hash[0] - 'a') : (first + i) % 10;

		if (!sometimes(c, 120))
			named.attributes |= 1u << name;
		comma(out);
		buf_fmt(out, "{\"AttributeName\":\"%s\",\"KeyType\":\"%s\"}", names[name],
			sometimes(c, 60) ? "RANGE" : i < hashes ? "HASH" : "RANGE");
	}
	buf_str(out, "]");
}

static void put_definitions(struct buf *out, struct cur *c)
{
	static const char *const types[] = { "S", "S", "S", "S", "N", "B" };

	comma(out);
	buf_str(out, "\"AttributeDefinitions\":[");
	for (unsigned j = 0; j < 11; j++) {
		unsigned i = j < 10 ? j : cur_u8(c) % 10u;

		if (j == 10 ? !sometimes(c, 20) : (named.attributes & 1u << i) == 0 && !sometimes(c, 120))
			continue;
		comma(out);
		buf_fmt(out, "{\"AttributeName\":\"%s\",\"AttributeType\":\"%s\"}", names[i],
			i % 4 == 0 ? "N" : sometimes(c, 30) ? PART(c, types) : "S");
	}
	buf_str(out, "]");
}

static void put_units(struct buf *out, struct cur *c)
{
	unsigned read = sometimes(c, 20) ? 0 : 1 + cur_u8(c) % 20u, write = 1 + cur_u8(c) % 4u;

	comma(out);
	buf_fmt(out, "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":%u,\"WriteCapacityUnits\":%u}", read, write);
}

static void put_throughput(struct buf *out, struct cur *c, bool units)
{
	if (units != sometimes(c, 30))
		put_units(out, c);
	if (!units && sometimes(c, 3))
		comma(out), buf_fmt(out, "\"OnDemandThroughput\":{\"MaxReadRequestUnits\":%d}", cur_u8(c) % 9 - 1);
	if (sometimes(c, 6))
		comma(out), buf_fmt(out, "\"WarmThroughput\":{\"ReadUnitsPerSecond\":%u}", 12000 + 10u * cur_u8(c));
}

static void put_projection(struct buf *out, struct cur *c)
{
	static const char *const types[] = { "ALL", "KEYS_ONLY", "INCLUDE", "INCLUDE" };
	const char *type = PART(c, types);
	unsigned most = sometimes(c, 9) ? 21 : 6, n = strcmp(type, "INCLUDE") == 0 ? 1 + cur_u8(c) % most : 0;

	comma(out);
	buf_fmt(out, "\"Projection\":{\"ProjectionType\":\"%s\"", type);
	if (n > 0 && !sometimes(c, 40)) {
		buf_str(out, ",\"NonKeyAttributes\":[");
		for (unsigned i = 0; i < n; i++)
			comma(out), buf_fmt(out, "\"x%u\"", cur_u8(c) % 99u);
		buf_str(out, "]");
	}
	buf_str(out, "}");
}

static void put_name(struct buf *out, struct cur *c, bool new)
{
	comma(out);
	buf_fmt(out, "\"IndexName\":\"i%02u\"", new && !sometimes(c, 30) ? named.indexes++ : cur_u8(c) % (named.indexes + 1));
}

static void put_index(struct buf *out, struct cur *c, bool local, bool units)
{
	buf_str(out, "{");
	put_name(out, c, true);
	if (local)
		put_keys(out, c, named.hash, 1, 1);
	else if (sometimes(c, 9))
		put_keys(out, c, NULL, cur_u8(c) % 6, 5);
	else
		put_keys(out, c, NULL, cur_u8(c) % 2 + 1, 3);
	put_projection(out, c);
	if (!local)
		put_throughput(out, c, units);
	buf_str(out, "}");
}

static void put_indexes(struct buf *out, struct cur *c, const char *list, unsigned n, bool local, bool units)
{
	comma(out);
	buf_fmt(out, "\"%s\":[", list);
	for (unsigned i = 0; i < n; i++) {
		comma(out);
		put_index(out, c, local, units);
	}
	buf_str(out, "]");
}

static bool put_billing(struct buf *out, struct cur *c)
{
	bool units = sometimes(c, 2);

	comma(out);
	buf_fmt(out, "\"BillingMode\":\"%s\"", units ? "PROVISIONED" : "PAY_PER_REQUEST");
	if (units)
		put_units(out, c);
	return units;
}

static void put_updates(struct buf *out, struct cur *c, bool units)
{
	unsigned n = 1 + (sometimes(c, 4) ? cur_u8(c) % 6 : 0);

	comma(out);
	buf_str(out, "\"GlobalSecondaryIndexUpdates\":[");
	for (unsigned i = 0; i < n; i++) {
		uint8_t what = cur_u8(c) % 8;

		comma(out);
		buf_str(out, what == 0 ? "{\"Create\":" : what == 1 ? "{\"Delete\":{" : "{\"Update\":{");
		if (what == 0) {
			put_index(out, c, false, units);
		} else {
			put_name(out, c, false);
			if (what > 1)
				put_throughput(out, c, units);
			buf_str(out, "}");
		}
		buf_str(out, "}");
	}
	buf_str(out, "]");
}

/* --- autoadmin ---------------------------------------------------------------------------------------------------- */

static void number(struct item_build *b, const char *name, bool global, unsigned *id, uint8_t status)
{
	static const char *const ours[] = { "Id", "Table", "IndexStatus", "Backfilling" };
	struct item_iter it, map;
	struct value list, v, x;
	struct bytes attribute;
	char table[16];

	if (!item_get(buf_view(&admin.definition), bytes_str(name), &list))
		return;
	item_build_name(b, bytes_str(name)), item_build_open(b, ITEM_L);
	for (it = item_iter(list.body); item_next_value(&it, &v); ) {
		if (item_get(v.body, BYTES_LIT("IndexStatus"), &x) && bytes_is(x.body, "DELETING") && status % 2 == 0)
			continue;
		item_build_open(b, ITEM_M);
		for (map = item_iter(v.body); item_next_pair(&map, &attribute, &x);) {
			bool skip = false;

			for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
				skip |= bytes_is(attribute, ours[i]);
			if (!skip)
				item_build_name(b, attribute), item_build_raw(b, x.raw);
		}
		item_build_name(b, BYTES_LIT("Id")), item_build_u64(b, ++*id);
		if (global) {
			bool creating = item_get(v.body, BYTES_LIT("IndexStatus"), &x) && bytes_is(x.body, "CREATING") && status % 4 == 0;

			snprintf(table, sizeof table, "#1.%u", *id);
			item_build_name(b, BYTES_LIT("Table")), item_build_s(b, bytes_str(table));
			item_build_name(b, BYTES_LIT("IndexStatus")), item_build_s(b, bytes_str(creating ? "CREATING" : "ACTIVE"));
			item_build_name(b, BYTES_LIT("Backfilling")), item_build_bool(b, creating);
		}
		item_build_close(b);
	}
	item_build_close(b);
}

/* What has been accepted is a definition; and the indexes in it come further. */
static void step(uint8_t status)
{
	struct index_set indexes;
	struct item_build b;
	unsigned id = 0;

	item_build_init(&b);
	item_build_item(&b);
	number(&b, "LocalSecondaryIndexes", false, &id, 1);
	number(&b, "GlobalSecondaryIndexes", true, &id, status);
	item_build_name(&b, BYTES_LIT("TableStatus")), item_build_s(&b, BYTES_LIT("ACTIVE"));
	item_build_name(&b, BYTES_LIT("TableArn")), item_build_s(&b, BYTES_LIT(ARN));
	CHECK(item_build_close(&b) && item_build_ok(&b));
	set(item_build_view(&b));
	item_build_fini(&b);
	CHECK(index_set_init(&indexes, buf_view(&admin.definition)));
	index_set_fini(&indexes);
}

static bool done_with(struct fixture *f, const char *op, struct buf *body)
{
	struct http_req req;
	bool ok;

	ask_as(f, &req, op, buf_view(body), "secret");
	serve();
	uv_run(&f->loop, UV_RUN_NOWAIT);
	ok = req.status == 200;
	CHECK(req.answers == 1 && (ok || req.status == 400) && bytes_utf8(buf_view(&req.body)));
	done(&req);
	buf_clear(body);
	return ok;
}

static void begin(struct buf *body)
{
	buf_str(body, "{\"TableName\":\"tab\"");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct fixture f;
	static struct buf body;
	struct cur c = cur_of((struct bytes){ data, n });
	bool units;

	if (f.r.loop == NULL)
		setup(&f, 0);
	memset(&named, 0, sizeof named);
	begin(&body);
	units = put_billing(&body, &c);
	named.hash = PART(&c, names);
	put_keys(&body, &c, named.hash, 1, !sometimes(&c, 3));
	if (sometimes(&c, 2))
		put_indexes(&body, &c, "LocalSecondaryIndexes", 1 + cur_u8(&c) % 5, true, false);
	if (!sometimes(&c, 4))
		put_indexes(&body, &c, "GlobalSecondaryIndexes", sometimes(&c, 5) ? 20 : cur_u8(&c) % 4, false, units);
	put_definitions(&body, &c);
	buf_str(&body, "}");
	admin.version = 0;
	for (bool ok = done_with(&f, "CreateTable", &body); ok && !c.bad && c.p < c.end;) {
		step(cur_u8(&c));
		begin(&body);
		if (sometimes(&c, 6))
			put_billing(&body, &c);
		named.attributes = 0;
		put_updates(&body, &c, units != sometimes(&c, 8));
		put_definitions(&body, &c);
		buf_str(&body, "}");
		done_with(&f, "UpdateTable", &body);
		step(cur_u8(&c));
		begin(&body);
		buf_str(&body, "}");
		CHECK(done_with(&f, "DescribeTable", &body));
	}
	if (check_failures > 0)
		abort();
	return 0;
}
