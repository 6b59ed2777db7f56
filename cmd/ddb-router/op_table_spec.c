/* Source: the service's model, for names and constraints; their order is the service's. */
#include "op_table_spec.h"

#include <stdio.h>
#include <stdlib.h>

#include "mem.h"

static void free_spec(void *own)
{
	struct op_table_spec *s = own;

	op_index_spec_free(&s->local);
	op_index_spec_free(&s->global);
	op_index_spec_free(&s->updates);
	free(s);
}

struct op_table_spec *op_table_spec_of(struct api_req *q)
{
	if (q->own == NULL) {
		q->own = mem_new(sizeof(struct op_table_spec));
		q->own_free = free_spec;
	}
	return q->own;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static enum djson_result read_keys(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct bytes key[OP_TABLE_TAGS_READ_MAX];
	enum djson_result result = op_table_model_read_strings(r, key, OP_TABLE_TAGS_READ_MAX, &s->tags, e);

	for (size_t i = 0; i < s->tags && i < OP_TABLE_TAGS_READ_MAX; i++)
		s->tag[i] = (struct op_table_pair){ .a = key[i] };
	return result;
}

static enum djson_result read_stream(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct op_table_field f[] = { OP_TABLE_FIELD("StreamEnabled", JSON_TRUE), OP_TABLE_FIELD("StreamViewType", JSON_STRING) };
	enum djson_result result = op_table_model_read(r, f, 2, e);

	s->stream_given = f[0].given;
	s->stream = f[0].b;
	s->view = f[1].s;
	return result;
}

static enum djson_result read_sse(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct op_table_field f[] = { OP_TABLE_FIELD("Enabled", JSON_TRUE), OP_TABLE_FIELD("SSEType", JSON_STRING),
				      OP_TABLE_FIELD("KMSMasterKeyId", JSON_STRING) };
	enum djson_result result = op_table_model_read(r, f, 3, e);

	s->sse_given = f[0].given;
	s->sse = f[0].b;
	s->sse_type = f[1].s;
	s->sse_key = f[2].s;
	return result;
}

static enum djson_result read_ttl(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct op_table_field f[] = { OP_TABLE_FIELD("AttributeName", JSON_STRING), OP_TABLE_FIELD("Enabled", JSON_TRUE) };
	enum djson_result result = op_table_model_read(r, f, 2, e);

	s->ttl_attribute = f[0].s;
	s->ttl_given = f[1].given;
	s->ttl = f[1].b;
	return result;
}

static enum djson_result read_recovery(struct json_read *r, struct op_table_spec *s, struct djson_error *e)
{
	struct op_table_field f[] = { OP_TABLE_FIELD("PointInTimeRecoveryEnabled", JSON_TRUE),
				      OP_TABLE_FIELD("RecoveryPeriodInDays", JSON_NUMBER) };
	enum djson_result result = op_table_model_read(r, f, 2, e);

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
			return op_table_model_syntax(e);
		++*n;
	}
	return DJSON_OK;
}

enum djson_result op_table_spec_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct op_table_spec *s = op_table_spec_of(q);

	switch (m) {
	case API_ATTRIBUTE_DEFINITIONS:
		return op_table_model_read_pairs(r, "AttributeName", "AttributeType", s->definition, OP_TABLE_DEFINITIONS_MAX,
						 &s->definitions, e);
	case API_KEY_SCHEMA:
		return op_table_model_read_pairs(r, "AttributeName", "KeyType", s->schema, OP_TABLE_SCHEMA_MAX, &s->schemas, e);
	case API_TAGS:
		return op_table_model_read_pairs(r, "Key", "Value", s->tag, OP_TABLE_TAGS_READ_MAX, &s->tags, e);
	case API_TAG_KEYS:
		return read_keys(r, s, e);
	case API_PROVISIONED_THROUGHPUT:
		return op_table_model_read_units(r, &s->t, e);
	case API_WARM_THROUGHPUT:
		return op_table_model_read_warm(r, &s->t, e);
	case API_ON_DEMAND_THROUGHPUT:
		return op_table_model_read_limits(r, &s->t, e);
	case API_STREAM:
		return read_stream(r, s, e);
	case API_SSE:
		return read_sse(r, s, e);
	case API_TIME_TO_LIVE:
		return read_ttl(r, s, e);
	case API_POINT_IN_TIME:
		return read_recovery(r, s, e);
	case API_GLOBAL_INDEX_UPDATES:
		return op_index_spec_read_updates(r, &s->updates, e);
	case API_LOCAL_INDEXES:
		return op_index_spec_read(r, &s->local, INDEX_LOCAL_MAX, e);
	case API_GLOBAL_INDEXES:
		return op_index_spec_read(r, &s->global, INDEX_GLOBAL_MAX, e);
	default:
		return read_count(r, &s->replica_updates, e);
	}
}

/* --- constraints -------------------------------------------------------------------------------------------------- */

void op_table_spec_test(struct api_req *q)
{
	static const char *const types[] = { "B", "N", "S", NULL }, *const sse[] = { "AES256", "KMS", NULL };
	static const char *const views[] = { "OLD_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", NULL };
	const struct op_table_spec *s = op_table_spec_of(q);
	char where[OP_TABLE_WHERE_MAX];

	op_table_model_test_units(q, "provisionedThroughput", &s->t);
	for (size_t i = 0; i < s->definitions && i < OP_TABLE_DEFINITIONS_MAX; i++) {
		snprintf(where, sizeof where, "attributeDefinitions.%zu.member.attributeName", i + 1);
		op_table_model_test_name(q, where, s->definition[i].a);
		snprintf(where, sizeof where, "attributeDefinitions.%zu.member.attributeType", i + 1);
		op_table_model_test_word(q, where, s->definition[i].b, types, "Member must satisfy enum value set: [B, N, S]");
	}
	if (q->m[API_KEY_SCHEMA].given)
		op_table_model_test_schema(q, "keySchema", s->schema, s->schemas, OP_TABLE_SCHEMA_MAX, 2);
	op_index_spec_test(q, "localSecondaryIndexes", &s->local, 2);
	op_index_spec_test(q, "globalSecondaryIndexes", &s->global, OP_INDEX_SCHEMA_MAX);
	op_index_spec_test_updates(q, &s->updates);
	if (q->m[API_STREAM].given && !s->stream_given)
		api_constraint(q, "streamSpecification.streamEnabled", BYTES_NONE, "Member must not be null");
	if (s->view.p != NULL)
		op_table_model_test_word(q, "streamSpecification.streamViewType", s->view, views,
					 "Member must satisfy enum value set: [OLD_IMAGE, KEYS_ONLY, NEW_AND_OLD_IMAGES, NEW_IMAGE]");
	if (s->sse_type.p != NULL)
		op_table_model_test_word(q, "sSESpecification.sSEType", s->sse_type, sse, "Member must satisfy enum value set: [AES256, KMS]");
	if (s->sse_key.p != NULL && s->sse_key.n == 0)
		api_constraint(q, "sSESpecification.kMSMasterKeyId", s->sse_key, "Member must have length greater than or equal to 1");
	if (q->m[API_REPLICA_UPDATES].given && s->replica_updates == 0)
		api_constraint(q, "replicaUpdates", BYTES_LIT("[]"), "Member must have length greater than or equal to 1");
}
