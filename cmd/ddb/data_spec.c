#include "data_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void data_spec_fini(struct data_spec *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->attribute[i].name);
	s->n = 0;
}

/* --- attributes */

static bool add(struct data_spec *s, char *name, char type, const char **out)
{
	size_t i = 0;

	while (i < s->n && strcmp(s->attribute[i].name, name) != 0)
		i++;
	if (i == DATA_SPEC_ATTRIBUTES_MAX) {
		snprintf(s->message, sizeof s->message, "more than %d attributes", DATA_SPEC_ATTRIBUTES_MAX);
		free(name);
		return false;
	}
	if (i == s->n) {
		s->attribute[i].name = name;
		s->attribute[i].type = 0;
		s->n++;
	} else {
		free(name);
	}
	*out = s->attribute[i].name;
	if (type != 0 && s->attribute[i].type != 0 && s->attribute[i].type != type) {
		snprintf(s->message, sizeof s->message, "%.200s is of type %c and of type %c", *out, s->attribute[i].type, type);
		return false;
	}
	if (type != 0)
		s->attribute[i].type = type;
	return true;
}

bool data_spec_attribute(struct data_spec *s, struct bytes text, const char **name)
{
	char type = 0;

	if (text.n > 2 && text.p[text.n - 2] == ':' && strchr("SNB", text.p[text.n - 1]) != NULL) {
		type = (char)text.p[text.n - 1];
		text.n -= 2;
	}
	if (text.n > 0)
		return add(s, mem_copy(text.p, text.n), type, name);
	snprintf(s->message, sizeof s->message, "a key without a name");
	return false;
}

/* --- writing */

static void put_pair(struct json_write *w, const char *name, const char *second, struct bytes value)
{
	json_write_object(w);
	json_write_name(w, "AttributeName");
	json_write_str(w, name);
	json_write_name(w, second);
	json_write_string(w, value);
	json_write_object_end(w);
}

void data_spec_keys(struct json_write *w, const char *hash, const char *sort)
{
	json_write_name(w, "KeySchema");
	json_write_array(w);
	put_pair(w, hash, "KeyType", BYTES_LIT("HASH"));
	if (sort != NULL)
		put_pair(w, sort, "KeyType", BYTES_LIT("RANGE"));
	json_write_array_end(w);
}

void data_spec_definitions(const struct data_spec *s, struct json_write *w)
{
	json_write_name(w, "AttributeDefinitions");
	json_write_array(w);
	for (size_t i = 0; i < s->n; i++) {
		uint8_t type = s->attribute[i].type != 0 ? (uint8_t)s->attribute[i].type : 'S';

		put_pair(w, s->attribute[i].name, "AttributeType", (struct bytes){ &type, 1 });
	}
	json_write_array_end(w);
}

/* --- an index */

/* What is before the first c, and *rest what is behind it; all of it, and *rest without bytes, if there is no c. */
static struct bytes before(struct bytes text, char c, struct bytes *rest)
{
	const uint8_t *at = text.n > 0 ? memchr(text.p, c, text.n) : NULL;
	size_t n = at != NULL ? (size_t)(at - text.p) : text.n;

	*rest = at != NULL ? (struct bytes){ at + 1, text.n - n - 1 } : BYTES_NONE;
	return (struct bytes){ text.p, n };
}

/* ATTR,ATTR.. */
static bool put_parts(struct data_spec *s, struct bytes list, const char *type, struct json_write *w)
{
	const char *name;

	do {
		struct bytes one = before(list, ',', &list);

		if (!data_spec_attribute(s, one, &name))
			return false;
		put_pair(w, name, "KeyType", bytes_str(type));
	} while (list.p != NULL);
	return true;
}

static bool put_projection(struct data_spec *s, struct bytes text, struct json_write *w)
{
	bool include = text.p != NULL && !bytes_is(text, "all") && !bytes_is(text, "keys");

	json_write_name(w, "Projection");
	json_write_object(w);
	json_write_name(w, "ProjectionType");
	json_write_str(w, include ? "INCLUDE" : text.p != NULL && bytes_is(text, "keys") ? "KEYS_ONLY" : "ALL");
	if (include) {
		json_write_name(w, "NonKeyAttributes");
		json_write_array(w);
		do {
			struct bytes one = before(text, ',', &text);

			if (one.n == 0) {
				snprintf(s->message, sizeof s->message, "a projection without a name");
				return false;
			}
			json_write_string(w, one);
		} while (text.n > 0);
		json_write_array_end(w);
	}
	json_write_object_end(w);
	return true;
}

bool data_spec_index(struct data_spec *s, const char *text, const char *hash, struct json_write *w)
{
	struct bytes rest, sort, projection;
	struct bytes name = before(bytes_str(text), '=', &rest), keys = before(rest, '=', &projection);
	struct bytes first = before(keys, '/', &sort);

	if (name.n == 0 || first.n == 0 || (hash != NULL && (sort.p != NULL || memchr(first.p, ',', first.n) != NULL))) {
		snprintf(s->message, sizeof s->message, "\"%.150s\" is not %s", text,
		         hash != NULL ? "NAME=SORT[:TYPE][=all|keys|ATTR,...]" :
		                        "NAME=KEY[:TYPE][,KEY...][/SORT[:TYPE]...][=all|keys|ATTR,...]");
		return false;
	}
	json_write_object(w);
	json_write_name(w, "IndexName");
	json_write_string(w, name);
	json_write_name(w, "KeySchema");
	json_write_array(w);
	if (hash != NULL)
		put_pair(w, hash, "KeyType", BYTES_LIT("HASH"));
	if (!put_parts(s, first, hash != NULL ? "RANGE" : "HASH", w) || (sort.p != NULL && !put_parts(s, sort, "RANGE", w)))
		return false;
	json_write_array_end(w);
	if (!put_projection(s, projection, w))
		return false;
	if (hash == NULL && s->units != NULL)
		json_write_raw(w, bytes_str(s->units));
	json_write_object_end(w);
	return true;
}
