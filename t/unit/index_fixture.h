/* index_fixture: definitions of tables with indexes, written as items in JSON. */
#ifndef T_INDEX_FIXTURE_H
#define T_INDEX_FIXTURE_H

#include "check.h"
#include "djson.h"
#include "index.h"

#define INDEX_MAP(text) "{\"M\":{" text "}}"
#define INDEX_PART(name, type) INDEX_MAP("\"AttributeName\":{\"S\":\"" name "\"},\"KeyType\":{\"S\":\"" type "\"}")
#define INDEX_TYPE(name, type) INDEX_MAP("\"AttributeName\":{\"S\":\"" name "\"},\"AttributeType\":{\"S\":\"" type "\"}")
#define INDEX_MEMBERS(name, id, key, projection)                                                                       \
	"\"IndexName\":{\"S\":\"" name "\"},\"Id\":{\"N\":\"" id "\"},\"KeySchema\":{\"L\":[" key "]},"                \
	"\"Projection\":{\"M\":{\"ProjectionType\":{\"S\":\"" projection "\"}}}"
#define INDEX_LOCAL(name, id, key, projection) INDEX_MAP(INDEX_MEMBERS(name, id, key, projection))
#define INDEX_GLOBAL(name, id, key, projection, status)                                                                \
	INDEX_MAP(INDEX_MEMBERS(name, id, key, projection) ",\"IndexStatus\":{\"S\":\"" status "\"},\"Table\":{\"S\":\"#7." id "\"}")
/* Of a table with the key pk (S), sk (N); x (S) is an attribute of an index. */
#define INDEX_TABLE(types, locals, globals)                                                                            \
	"{\"KeySchema\":{\"L\":[" INDEX_PART("pk", "HASH") "," INDEX_PART("sk", "RANGE") "]},"                         \
	"\"AttributeDefinitions\":{\"L\":[" INDEX_TYPE("pk", "S") "," INDEX_TYPE("sk", "N") "," types "]},"            \
	"\"LocalSecondaryIndexes\":{\"L\":[" locals "]},\"GlobalSecondaryIndexes\":{\"L\":[" globals "]}}"
#define INDEX_TWO                                                                                                      \
	INDEX_TABLE(INDEX_TYPE("x", "S"), INDEX_LOCAL("local", "1", INDEX_PART("pk", "HASH") "," INDEX_PART("x", "RANGE"), "ALL"), \
	            INDEX_GLOBAL("global", "2", INDEX_PART("x", "HASH"), "ALL", "ACTIVE"))

/* The item that text stands for; owned. */
static inline struct bytes index_item(const char *text)
{
	struct djson_error e;
	struct item_build b;
	struct json_read r;
	struct bytes item;

	item_build_init(&b);
	json_read_init(&r, bytes_str(text), JSON_DEPTH_MAX);
	json_read_next(&r);
	CHECK_INT(djson_item(&r, &b, &e), DJSON_OK);
	item = bytes_copy(item_build_view(&b));
	json_read_fini(&r);
	item_build_fini(&b);
	return item;
}

static inline void index_define(struct index_set *s, const char *text)
{
	struct bytes item = index_item(text);

	CHECK(index_set_init(s, item));
	free((void *)item.p);
}

#endif
