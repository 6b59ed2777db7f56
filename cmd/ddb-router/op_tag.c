/* Source: the API reference, and "Tagging restrictions in DynamoDB" of the guide; the messages are the service's. */
#include "op_tag.h"

#include <stdlib.h>

#include "mem.h"
#include "op_table.h"
#include "op_table_settings.h"

#define KEY_MAX 128                              /* characters */
#define VALUE_MAX 256

const uint8_t op_tag_members[] = { API_RESOURCE_ARN | API_REQUIRED, API_TAGS | API_REQUIRED, API_NO_MEMBER };
const uint8_t op_tag_remove_members[] = { API_RESOURCE_ARN | API_REQUIRED, API_TAG_KEYS | API_REQUIRED, API_NO_MEMBER };
const uint8_t op_tag_list_members[] = { API_RESOURCE_ARN | API_REQUIRED, API_NEXT_TOKEN, API_NO_MEMBER };

/* --- what a tag may be -------------------------------------------------------------------------------------------- */

static bool is_ascii_ok(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == ' ' || c == '+' || c == '-' || c == '=' ||
	       c == '.' || c == '_' || c == ':' || c == '/' || c == '@';
}

/* Letters and digits of any script.  Without tables of them: whatever is not in the blocks of signs and pictures. */
static bool is_ok(uint32_t c)
{
	return c < 0x80 ? is_ascii_ok(c) : !(c >= 0x2010 && c < 0x2c00) && !(c >= 0x1f000 && c < 0x1fb00);
}

static uint32_t next_char(const uint8_t **p, const uint8_t *end)
{
	uint32_t c = *(*p)++;
	unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	c &= 0x7fu >> (more > 0 ? more + 1 : 0);
	for (; more > 0 && *p < end; more--)
		c = c << 6 | (*(*p)++ & 0x3fu);
	return c;
}

static bool is_valid(struct bytes s, size_t min, size_t max)
{
	size_t n = 0;

	if (s.p == NULL)
		return false;
	for (const uint8_t *p = s.p, *end = s.p + s.n; p < end; n++)
		if (!is_ok(next_char(&p, end)))
			return false;
	return n >= min && n <= max;
}

static void say(struct buf *err, const char *what, struct bytes s)
{
	buf_str(err, what);
	buf_bytes(err, s.p != NULL ? s : BYTES_LIT("null"));
}

static void test_one(const struct op_table_spec *s, size_t i, bool values, struct buf *err)
{
	struct bytes key = s->tag[i].a;

	if (!is_valid(key, 1, KEY_MAX)) {
		say(err, "The Tag Key provided is invalid, Key: ", key);
	} else if (bytes_starts(key, BYTES_LIT("aws:"))) {
		say(err, "Tag Key cannot be prefixed with aws:, Key: ", key);
	} else if (values && !is_valid(s->tag[i].b, 0, VALUE_MAX)) {
		say(err, "The Tag Value provided is invalid, Value: ", s->tag[i].b);
	} else {
		for (size_t j = 0; j < i && values; j++)
			if (bytes_eq(s->tag[j].a, key)) {
				say(err, "Duplicate Tag Keys provided as input: Duplicate Tag Key found ", key);
				break;
			}
	}
}

void op_tag_test(const struct op_table_spec *s, bool values, struct buf *err)
{
	if (s->tags == 0)
		buf_str(err, values ? "Atleast one Tag needs to be provided as Input." : "Atleast one Tag Key needs to be provided as Input.");
	else if (s->tags > OP_TABLE_TAGS_MAX)
		buf_str(err, "Number of Tags exceed the current limit for the provided ResourceArn");
	for (size_t i = 0; err->n == 0 && i < s->tags; i++)
		test_one(s, i, values, err);
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

static bool is_asked(const struct op_table_spec *s, struct bytes key)
{
	for (size_t i = 0; i < s->tags; i++)
		if (bytes_eq(s->tag[i].a, key))
			return true;
	return false;
}

static void put_tag(struct item_build *b, struct bytes key, struct bytes value)
{
	item_build_open(b, ITEM_M);
	item_build_name(b, BYTES_LIT("Key")), item_build_s(b, key);
	item_build_name(b, BYTES_LIT("Value")), item_build_s(b, value);
	item_build_close(b);
}

/* The old tags that are not asked for, then those asked for, if they come with values. */
static enum result change(struct api_req *q, struct bytes old)
{
	const struct op_table_spec *s = op_table_spec_of(q);
	bool values = q->m[API_TAGS].given;
	struct item_build *b = &q->item;
	struct value list, tag, key;
	size_t n = values ? s->tags : 0;

	op_table_settings_begin(b, old);
	item_build_name(b, BYTES_LIT("Tags"));
	item_build_open(b, ITEM_L);
	if (item_get(old, BYTES_LIT("Tags"), &list) && list.tag == ITEM_L)
		for (struct item_iter it = item_iter(list.body); item_next_value(&it, &tag);) {
			if (tag.tag != ITEM_M || !item_get(tag.body, BYTES_LIT("Key"), &key) || is_asked(s, key.body))
				continue;
			item_build_raw(b, tag.raw);
			n++;
		}
	for (size_t i = 0; values && i < s->tags; i++)
		put_tag(b, s->tag[i].a, s->tag[i].b);
	item_build_close(b);
	item_build_close(b);
	if (n <= OP_TABLE_TAGS_MAX)
		return RESULT_OK;
	buf_str(&q->failed, "Number of Tags exceed the current limit for the provided ResourceArn");
	return RESULT_INVALID;
}

static void changed(struct api_req *q, struct bytes definition)
{
	(void)definition;
	api_answer_empty(q);
}

/* The table that the request is about; false after refusing. */
static bool resource(struct api_req *q, struct bytes *name)
{
	struct bytes arn = q->m[API_RESOURCE_ARN].s;
	enum result r = api_arn_resource(arn, q->op->name, q->r->region, &q->failed);

	*name = api_table_name(arn);
	if (r == RESULT_OK)
		return true;
	api_fail(q, r, buf_view(&q->failed));
	return false;
}

static void edit(struct api_req *q, bool values)
{
	struct bytes name;

	if (!resource(q, &name))
		return;
	op_tag_test(op_table_spec_of(q), values, &q->failed);
	if (q->failed.n > 0)
		api_fail(q, RESULT_INVALID, buf_view(&q->failed));
	else
		op_table_edit(q, name, change, changed);
}

void op_tag(struct api_req *q)
{
	edit(q, true);
}

void op_tag_remove(struct api_req *q)
{
	edit(q, false);
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

static void write_tag(struct json_write *w, struct bytes tag)
{
	static const char *const names[] = { "Key", "Value" };
	struct value v;

	json_write_object(w);
	for (size_t i = 0; i < 2; i++) {
		if (!item_get(tag, bytes_str(names[i]), &v))
			continue;
		json_write_name(w, names[i]);
		json_write_string(w, v.body);
	}
	json_write_object_end(w);
}

static void listed(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct json_write *w;
	struct item_iter it;
	struct value list, tag;

	if (!op_table_given(q, result, m))
		return;
	w = api_begin(q);
	json_write_name(w, "Tags");
	json_write_array(w);
	if (item_get(m->body, BYTES_LIT("Tags"), &list) && list.tag == ITEM_L)
		for (it = item_iter(list.body); item_next_value(&it, &tag);)
			write_tag(w, tag.body);
	json_write_array_end(w);
	api_end(q);
}

void op_tag_list(struct api_req *q)
{
	struct bytes name;

	if (!resource(q, &name))
		return;
	/* One page holds as many tags as a table may have, so none of our answers ever brought a token. */
	if (q->m[API_NEXT_TOKEN].given)
		api_refuse(q, RESULT_INVALID, "Invalid NextToken");
	else
		api_admin(q, "describe", name, BYTES_NONE, 0, listed);
}
