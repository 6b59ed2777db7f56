#include "op_table_change.h"

#include "op_index_change.h"
#include "op_table_units.h"

struct change {
	struct api_req *q;
	const struct op_table_spec *s;
	struct bytes old;
	struct op_table_settings now;
	bool on_demand;                          /* afterwards */
	uint64_t now_ms;
	struct item_build *b;
	struct buf *err;
};

/* --- what belongs together ---------------------------------------------------------------------------------------- */

static bool given(const struct api_req *q, enum api_member m)
{
	return m == API_GLOBAL_INDEX_UPDATES ? ((struct op_table_spec *)q->own)->updates.n > 0 : q->m[m].given;
}

static bool others(const struct api_req *q, enum api_member but)
{
	static const uint8_t all[] = { API_PROVISIONED_THROUGHPUT, API_BILLING_MODE, API_ON_DEMAND_THROUGHPUT, API_STREAM, API_SSE,
				       API_TABLE_CLASS, API_DELETION_PROTECTION, API_WARM_THROUGHPUT, API_GLOBAL_INDEX_UPDATES,
				       API_REPLICA_UPDATES };

	for (size_t i = 0; i < sizeof all; i++)
		if (all[i] != but && given(q, all[i]))
			return true;
	return false;
}

/* The first of these that is not alone is the one the service names. */
static const char *not_alone(const struct api_req *q)
{
	if (given(q, API_SSE) && others(q, API_SSE))
		return "Server-Side Encryption modification must be the only operation in the request";
	if (given(q, API_TABLE_CLASS) && others(q, API_TABLE_CLASS))
		return "TableClass modification must be the only operation in the request";
	if (given(q, API_DELETION_PROTECTION) && others(q, API_DELETION_PROTECTION))
		return "DeletionProtection modification must be the only operation in the request";
	if (given(q, API_WARM_THROUGHPUT) && others(q, API_WARM_THROUGHPUT))
		return "WarmThroughput must be the only operation in the request";
	if (given(q, API_REPLICA_UPDATES) && others(q, API_REPLICA_UPDATES))
		return "Replica modification must be the only operation in the request";
	if (given(q, API_ON_DEMAND_THROUGHPUT) && (given(q, API_STREAM) || given(q, API_PROVISIONED_THROUGHPUT)))
		return "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request";
	if (given(q, API_STREAM) && (given(q, API_PROVISIONED_THROUGHPUT) || api_is(q, API_BILLING_MODE, "PROVISIONED")))
		return "You cannot modify stream status while updating table IOPS";
	return NULL;
}

static void test_stream(const struct api_req *q, const struct op_table_spec *s, struct buf *err)
{
	if (!given(q, API_STREAM) || s->stream == (s->view.p != NULL))
		return;
	buf_str(err, s->stream ? DJSON_PREFIX "If stream is being enabled then UpdateViewType is required" :
		DJSON_PREFIX "If stream is being disabled, then UpdateViewType must not be specified");
}

void op_table_change_test(struct api_req *q, struct buf *err)
{
	const struct op_table_spec *s = op_table_spec_of(q);
	const char *alone = not_alone(q);

	if (!others(q, API_NO_MEMBER))
		buf_str(err, "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
			     "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
			     "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required");
	else if (alone != NULL)
		buf_fmt(err, DJSON_PREFIX "%s", alone);
	else if (api_is(q, API_BILLING_MODE, "PROVISIONED") && !given(q, API_PROVISIONED_THROUGHPUT))
		buf_str(err, DJSON_PREFIX "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
	else if (api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST") && given(q, API_PROVISIONED_THROUGHPUT))
		buf_str(err, DJSON_PREFIX "ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST");
	else
		op_table_units_test(&s->t, BYTES_NONE, err);
	if (err->n == 0)
		op_index_change_test(s, err);
	if (err->n == 0)
		test_stream(q, s, err);
	if (err->n == 0)
		op_table_change_test_sse(s, err);
}

bool op_table_change_encrypts(const struct op_table_spec *s)
{
	return s->sse_given ? s->sse : s->sse_type.p != NULL || s->sse_key.p != NULL;
}

void op_table_change_test_sse(const struct op_table_spec *s, struct buf *err)
{
	if (!op_table_change_encrypts(s)) {
		if (s->sse_type.p != NULL || s->sse_key.p != NULL)
			buf_fmt(err, DJSON_PREFIX "%s can not be specified if Enabled is false",
				s->sse_type.p != NULL ? "SSEType" : "KMSMasterKeyId");
	} else if (bytes_is(s->sse_type, "AES256")) {
		buf_str(err, DJSON_PREFIX "SSEType AES256 is not supported");
	} else if (s->sse_key.p != NULL && s->sse_type.p == NULL) {
		buf_str(err, DJSON_PREFIX "SSEType KMS is required if KMSMasterKeyId is specified");
	}
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static void put_s(struct item_build *b, const char *name, struct bytes s)
{
	item_build_name(b, bytes_str(name)), item_build_s(b, s);
}

static void put_null(struct item_build *b, const char *name)
{
	item_build_name(b, bytes_str(name)), item_build_null(b);
}

static enum result invalid(const struct change *c, const char *text)
{
	buf_str(c->err, text);
	return RESULT_INVALID;
}

static enum result to_on_demand(struct change *c)
{
	if (given(c->q, API_PROVISIONED_THROUGHPUT))
		return invalid(c, DJSON_PREFIX "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
					       "PAY_PER_REQUEST");
	if (c->now.on_demand)
		return RESULT_OK;
	op_table_units_end(&c->now);
	put_s(c->b, "BillingMode", BYTES_LIT("PAY_PER_REQUEST"));
	op_table_settings_put_time(c->b, "LastUpdateToPayPerRequestDateTime", c->now_ms);
	op_table_settings_put_throughput(c->b, &c->now);
	op_table_settings_put_warm(c->b, &c->now);
	return RESULT_OK;
}

static enum result to_units(struct change *c)
{
	bool on_demand = c->now.on_demand;
	enum result r = op_table_units_set(&c->now, &c->s->t, BYTES_NONE, c->now_ms, c->err);
	uint64_t since;

	if (r != RESULT_OK)
		return r;
	put_s(c->b, "BillingMode", BYTES_LIT("PROVISIONED"));
	if (on_demand) {
		since = op_table_settings_time(c->old, "LastUpdateToPayPerRequestDateTime");
		op_table_settings_put_time(c->b, "LastUpdateToPayPerRequestDateTime",
					   since > 0 ? since : op_table_settings_time(c->old, "CreationDateTime"));
		put_null(c->b, "OnDemandThroughput");
	}
	op_table_settings_put_throughput(c->b, &c->now);
	op_table_settings_put_warm(c->b, &c->now);
	return RESULT_OK;
}

static enum result limits(struct change *c)
{
	enum result r = op_table_units_limit(&c->now, &c->s->t, BYTES_NONE, c->on_demand, c->err);

	if (r != RESULT_OK)
		return r;
	if (c->now.max_read == 0 && c->now.max_write == 0)
		put_null(c->b, "OnDemandThroughput");
	else
		op_table_settings_put_limits(c->b, &c->now);
	return RESULT_OK;
}

static enum result warm(struct change *c)
{
	enum result r = op_table_units_warm(&c->now, &c->s->t, BYTES_NONE, c->err);

	if (r == RESULT_OK)
		op_table_settings_put_warm(c->b, &c->now);
	return r;
}

static enum result stream(struct change *c)
{
	struct bytes name = c->q->m[API_TABLE_NAME].s;
	struct value v;
	bool enabled = item_get(c->old, BYTES_LIT("StreamSpecification"), &v);

	if (c->s->stream == enabled) {
		buf_fmt(c->err, "%s: TableName: %.*s", enabled ? "Table already has an enabled stream" : "Table has no stream to disable",
			(int)name.n, (const char *)name.p);
		return RESULT_INVALID;
	}
	if (enabled)
		put_null(c->b, "StreamSpecification");
	else
		op_table_settings_put_stream(c->b, c->s, c->now_ms);
	return RESULT_OK;
}

static enum result encryption(struct change *c)
{
	struct value old, arn;
	bool encrypted = item_get(c->old, BYTES_LIT("SSEDescription"), &old) && old.tag == ITEM_M;

	if (op_table_change_encrypts(c->s)) {
		if (encrypted && item_get(old.body, BYTES_LIT("KMSMasterKeyArn"), &arn) && bytes_eq(arn.body, c->s->sse_key))
			return invalid(c, DJSON_PREFIX "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter "
					               "if you want to change Master Key");
		op_table_settings_put_sse(c->b, c->s, c->q->r->region);
		return RESULT_OK;
	}
	if (!encrypted)
		return invalid(c, DJSON_PREFIX "Table is already encrypted by default");
	put_null(c->b, "SSEDescription");
	return RESULT_OK;
}

static void class(struct change *c)
{
	struct bytes wanted = c->q->m[API_TABLE_CLASS].s;
	struct value old;
	bool same = item_get(c->old, BYTES_LIT("TableClass"), &old) ? bytes_eq(old.body, wanted) : bytes_is(wanted, "STANDARD");

	if (same)
		return;
	put_s(c->b, "TableClass", wanted);
	op_table_settings_put_time(c->b, "TableClassDateTime", c->now_ms);
}

static bool is_defined(struct bytes list, const struct op_table_pair *p)
{
	struct item_iter it = item_iter(list);
	struct value v, name, type;

	while (item_next_value(&it, &v))
		if (v.tag == ITEM_M && item_get(v.body, BYTES_LIT("AttributeName"), &name) && bytes_eq(name.body, p->a) &&
		    item_get(v.body, BYTES_LIT("AttributeType"), &type) && bytes_eq(type.body, p->b))
			return true;
	return false;
}

static enum result unused(const struct change *c, struct bytes list)
{
	struct item_iter it = item_iter(list);
	struct value v, name;
	bool first = true;

	buf_str(c->err, DJSON_PREFIX "Some AttributeDefinitions are not used. AttributeDefinitions: [");
	for (size_t i = 0; i < c->s->definitions && i < OP_TABLE_DEFINITIONS_MAX; i++) {
		buf_str(c->err, i > 0 ? ", " : "");
		buf_bytes(c->err, c->s->definition[i].a);
	}
	buf_str(c->err, "], keys used: [");
	for (; item_next_value(&it, &v); first = false)
		if (v.tag == ITEM_M && item_get(v.body, BYTES_LIT("AttributeName"), &name)) {
			buf_str(c->err, first ? "" : ", ");
			buf_bytes(c->err, name.body);
		}
	buf_str(c->err, "]");
	return RESULT_INVALID;
}

/* Of those that come with a new index, what nobody uses is dropped. */
static enum result definitions(const struct change *c)
{
	struct value list;

	if (op_index_change_creates(c->s))
		return RESULT_OK;
	if (!item_get(c->old, BYTES_LIT("AttributeDefinitions"), &list) || list.tag != ITEM_L)
		return RESULT_OK;
	for (size_t i = 0; i < c->s->definitions && i < OP_TABLE_DEFINITIONS_MAX; i++)
		if (!is_defined(list.body, &c->s->definition[i]))
			return unused(c, list.body);
	return RESULT_OK;
}

enum result op_table_change(struct api_req *q, struct bytes old, uint64_t now_ms, struct item_build *b, struct buf *err)
{
	struct change c = { .q = q, .s = op_table_spec_of(q), .old = old, .now = op_table_settings_of(old, now_ms), .now_ms = now_ms, .b = b,
			    .err = err };
	enum result r = op_index_change_may(c.s, q->m[API_TABLE_NAME].s, old, err);

	c.on_demand = given(q, API_BILLING_MODE) ? api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST") : c.now.on_demand;
	if (r == RESULT_OK)
		r = definitions(&c);
	op_table_settings_begin(b, old);
	if (r == RESULT_OK && (given(q, API_BILLING_MODE) || given(q, API_PROVISIONED_THROUGHPUT)))
		r = c.on_demand ? to_on_demand(&c) : to_units(&c);
	if (r == RESULT_OK)
		r = op_index_change(c.s, old, c.on_demand, now_ms, b, err);
	if (r == RESULT_OK && given(q, API_ON_DEMAND_THROUGHPUT))
		r = limits(&c);
	if (r == RESULT_OK && given(q, API_WARM_THROUGHPUT))
		r = warm(&c);
	if (r == RESULT_OK && given(q, API_STREAM))
		r = stream(&c);
	if (r == RESULT_OK && given(q, API_SSE))
		r = encryption(&c);
	if (r == RESULT_OK && given(q, API_TABLE_CLASS))
		class(&c);
	if (r == RESULT_OK && given(q, API_DELETION_PROTECTION))
		item_build_name(b, BYTES_LIT("DeletionProtectionEnabled")), item_build_bool(b, q->m[API_DELETION_PROTECTION].i != 0);
	return r == RESULT_OK && item_build_close(b) ? RESULT_OK : r;
}
