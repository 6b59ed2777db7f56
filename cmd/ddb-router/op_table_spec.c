/* Source: the service's model, for names and constraints; their order is the service's. */
#include "op_table_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "mem.h"

struct op_table_spec *op_table_spec_of(struct api_req *q)
{
	if (q->own == NULL) {
		q->own = mem_new(sizeof(struct op_table_spec));
		q->own_free = free;
	}
	return q->own;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct field {
	const char *name;
	enum json_token want;                    /* JSON_STRING, JSON_NUMBER, JSON_TRUE */
	bool given, b;
	struct bytes s;
	int64_t i;
};

#define FIELD(name, want) { name, want, false, false, { NULL, 0 }, 0 }

static enum djson_result read_field(struct json_read *r, struct field *f, struct djson_error *e)
{
	switch (f->want) {
	case JSON_STRING:
		return api_read_string(r, &f->s, &f->given, e);
	case JSON_NUMBER:
		return api_read_int(r, &f->i, &f->given, e);
	default:
		return api_read_bool(r, &f->b, &f->given, e);
	}
}

static enum djson_result syntax(struct djson_error *e)
{
	*e = (struct djson_error){ .result = DJSON_SYNTAX };
	return DJSON_SYNTAX;
}

/* One structure; members it does not know are ignored. */
static enum djson_result read_struct(struct json_read *r, struct field *f, size_t n, struct djson_error *e)
{
	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (json_read_next(r) == JSON_KEY) {
		struct field *to = NULL;

		for (size_t i = 0; i < n; i++)
			if (bytes_is(r->str, f[i].name))
				to = &f[i];
		json_read_next(r);
		if (to == NULL && !json_read_skip(r))
			return syntax(e);
		if (to != NULL && read_field(r, to, e) != DJSON_OK)
			return e->result;
	}
	return r->token == JSON_OBJECT_END ? DJSON_OK : syntax(e);
}

/* A list of structures of two strings.  Those beyond max are read and counted, not kept. */
static enum djson_result read_pairs(struct json_read *r, const char *a, const char *b, struct op_table_pair *out, size_t max, size_t *n,
                                    struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	while (json_read_next(r) != JSON_ARRAY_END) {
		struct field f[] = { FIELD(a, JSON_STRING), FIELD(b, JSON_STRING) };

		if (read_struct(r, f, 2, e) != DJSON_OK)
			return e->result;
		if (*n < max)
			out[*n] = (struct op_table_pair){ f[0].s, f[1].s };
		++*n;
	}
	return DJSON_OK;
}

static enum djson_result read_keys(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	while (json_read_next(r) != JSON_ARRAY_END) {
		struct bytes key = BYTES_NONE;
		bool given;

		if (api_read_string(r, &key, &given, e) != DJSON_OK)
			return e->result;
		if (s->tags < OP_TABLE_TAGS_READ_MAX)
			s->tag[s->tags].a = key;
		s->tags++;
	}
	return DJSON_OK;
}

static enum djson_result read_numbers(struct json_read *r, const char *read, struct op_table_number *to_read, const char *write,
                                      struct op_table_number *to_write, struct djson_error *e)
{
	struct field f[] = { FIELD(read, JSON_NUMBER), FIELD(write, JSON_NUMBER) };
	enum djson_result result = read_struct(r, f, 2, e);

	*to_read = (struct op_table_number){ f[0].given, f[0].i };
	*to_write = (struct op_table_number){ f[1].given, f[1].i };
	return result;
}

static enum djson_result read_stream(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct field f[] = { FIELD("StreamEnabled", JSON_TRUE), FIELD("StreamViewType", JSON_STRING) };
	enum djson_result result = read_struct(r, f, 2, e);

	s->stream_given = f[0].given;
	s->stream = f[0].b;
	s->view = f[1].s;
	return result;
}

static enum djson_result read_sse(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct field f[] = { FIELD("Enabled", JSON_TRUE), FIELD("SSEType", JSON_STRING), FIELD("KMSMasterKeyId", JSON_STRING) };
	enum djson_result result = read_struct(r, f, 3, e);

	s->sse_given = f[0].given;
	s->sse = f[0].b;
	s->sse_type = f[1].s;
	s->sse_key = f[2].s;
	return result;
}

static enum djson_result read_ttl(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct field f[] = { FIELD("AttributeName", JSON_STRING), FIELD("Enabled", JSON_TRUE) };
	enum djson_result result = read_struct(r, f, 2, e);

	s->ttl_attribute = f[0].s;
	s->ttl_given = f[1].given;
	s->ttl = f[1].b;
	return result;
}

static enum djson_result read_recovery(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct field f[] = { FIELD("PointInTimeRecoveryEnabled", JSON_TRUE), FIELD("RecoveryPeriodInDays", JSON_NUMBER) };
	enum djson_result result = read_struct(r, f, 2, e);

	s->recovery_given = f[0].given;
	s->recovery = f[0].b;
	s->recovery_days = (struct op_table_number){ f[1].given, f[1].i };
	return result;
}

static enum djson_result read_count(struct json_read *r, size_t *n, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	while (json_read_next(r) != JSON_ARRAY_END) {
		if (!json_read_skip(r))
			return syntax(e);
		++*n;
	}
	return DJSON_OK;
}

static enum djson_result read_indexes(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	size_t n = 0;
	enum djson_result result = read_count(r, &n, e);

	if (n > 0)
		s->unsupported = "Secondary indexes are not supported yet";
	return result;
}

enum djson_result op_table_spec_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct op_table_spec *s = op_table_spec_of(q);

	switch (m) {
	case API_ATTRIBUTE_DEFINITIONS:
		return read_pairs(r, "AttributeName", "AttributeType", s->definition, OP_TABLE_DEFINITIONS_MAX, &s->definitions, e);
	case API_KEY_SCHEMA:
		return read_pairs(r, "AttributeName", "KeyType", s->schema, OP_TABLE_SCHEMA_MAX, &s->schemas, e);
	case API_TAGS:
		return read_pairs(r, "Key", "Value", s->tag, OP_TABLE_TAGS_READ_MAX, &s->tags, e);
	case API_TAG_KEYS:
		return read_keys(r, s, e);
	case API_PROVISIONED_THROUGHPUT:
		return read_numbers(r, "ReadCapacityUnits", &s->read, "WriteCapacityUnits", &s->write, e);
	case API_WARM_THROUGHPUT:
		return read_numbers(r, "ReadUnitsPerSecond", &s->warm_read, "WriteUnitsPerSecond", &s->warm_write, e);
	case API_ON_DEMAND_THROUGHPUT:
		return read_numbers(r, "MaxReadRequestUnits", &s->max_read, "MaxWriteRequestUnits", &s->max_write, e);
	case API_STREAM:
		return read_stream(r, s, e);
	case API_SSE:
		return read_sse(r, s, e);
	case API_TIME_TO_LIVE:
		return read_ttl(r, s, e);
	case API_POINT_IN_TIME:
		return read_recovery(r, s, e);
	case API_GLOBAL_INDEX_UPDATES:
		return read_count(r, &s->index_updates, e);
	case API_REPLICA_UPDATES:
		return read_count(r, &s->replica_updates, e);
	default:
		return read_indexes(r, s, e);
	}
}

/* --- constraints -------------------------------------------------------------------------------------------------- */

static void test_name(struct api_req *q, const char *list, size_t i, struct bytes name)
{
	char where[96];

	snprintf(where, sizeof where, "%s.%zu.member.attributeName", list, i + 1);
	if (name.p == NULL)
		api_constraint(q, where, name, "Member must not be null");
	else if (name.n == 0)
		api_constraint(q, where, name, "Member must have length greater than or equal to 1");
	else if (name.n > 255)
		api_constraint(q, where, name, "Member must have length less than or equal to 255");
}

static void test_word(struct api_req *q, const char *where, struct bytes v, const char *const *words, const char *set)
{
	for (; *words != NULL; words++)
		if (bytes_is(v, *words))
			return;
	api_constraint(q, where, v, v.p == NULL ? "Member must not be null" : set);
}

static void test_part(struct api_req *q, const char *list, size_t i, const char *member, struct bytes v, const char *const *words,
                      const char *set)
{
	char where[96];

	snprintf(where, sizeof where, "%s.%zu.member.%s", list, i + 1, member);
	test_word(q, where, v, words, set);
}

/* As the service prints a list. */
static void print_schema(const struct op_table_spec *s, struct buf *out)
{
	buf_str(out, "[");
	for (size_t i = 0; i < s->schemas && i < OP_TABLE_SCHEMA_MAX; i++) {
		buf_str(out, i > 0 ? ", KeySchemaElement(attributeName=" : "KeySchemaElement(attributeName=");
		buf_bytes(out, s->schema[i].a);
		buf_str(out, ", keyType=");
		buf_bytes(out, s->schema[i].b);
		buf_str(out, ")");
	}
	buf_str(out, "]");
}

static void test_schema(struct api_req *q, const struct op_table_spec *s)
{
	static const char *const kinds[] = { "HASH", "RANGE", NULL };
	struct buf list = { 0 };

	print_schema(s, &list);
	if (s->schemas == 0)
		api_constraint(q, "keySchema", buf_view(&list), "Member must have length greater than or equal to 1");
	else if (s->schemas > 2)
		api_constraint(q, "keySchema", buf_view(&list), "Member must have length less than or equal to 2");
	buf_fini(&list);
	for (size_t i = 0; i < s->schemas && i < OP_TABLE_SCHEMA_MAX; i++) {
		test_name(q, "keySchema", i, s->schema[i].a);
		test_part(q, "keySchema", i, "keyType", s->schema[i].b, kinds, "Member must satisfy enum value set: [HASH, RANGE]");
	}
}

static void test_units(struct api_req *q, const char *where, struct op_table_number units)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, units.v);
	if (!units.given)
		api_constraint(q, where, BYTES_NONE, "Member must not be null");
	else if (units.v < 1)
		api_constraint(q, where, bytes_str(text), "Member must have value greater than or equal to 1");
}

void op_table_spec_test(struct api_req *q)
{
	static const char *const types[] = { "B", "N", "S", NULL }, *const sse[] = { "AES256", "KMS", NULL };
	static const char *const views[] = { "OLD_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", NULL };
	const struct op_table_spec *s = op_table_spec_of(q);

	if (q->m[API_PROVISIONED_THROUGHPUT].given) {
		test_units(q, "provisionedThroughput.writeCapacityUnits", s->write);
		test_units(q, "provisionedThroughput.readCapacityUnits", s->read);
	}
	for (size_t i = 0; i < s->definitions && i < OP_TABLE_DEFINITIONS_MAX; i++) {
		test_name(q, "attributeDefinitions", i, s->definition[i].a);
		test_part(q, "attributeDefinitions", i, "attributeType", s->definition[i].b, types,
		          "Member must satisfy enum value set: [B, N, S]");
	}
	if (q->m[API_KEY_SCHEMA].given)
		test_schema(q, s);
	if (q->m[API_STREAM].given && !s->stream_given)
		api_constraint(q, "streamSpecification.streamEnabled", BYTES_NONE, "Member must not be null");
	if (s->view.p != NULL)
		test_word(q, "streamSpecification.streamViewType", s->view, views,
		          "Member must satisfy enum value set: [OLD_IMAGE, KEYS_ONLY, NEW_AND_OLD_IMAGES, NEW_IMAGE]");
	if (s->sse_type.p != NULL)
		test_word(q, "sSESpecification.sSEType", s->sse_type, sse, "Member must satisfy enum value set: [AES256, KMS]");
	if (s->sse_key.p != NULL && s->sse_key.n == 0)
		api_constraint(q, "sSESpecification.kMSMasterKeyId", s->sse_key, "Member must have length greater than or equal to 1");
	if (q->m[API_REPLICA_UPDATES].given && s->replica_updates == 0)
		api_constraint(q, "replicaUpdates", BYTES_LIT("[]"), "Member must have length greater than or equal to 1");
}
