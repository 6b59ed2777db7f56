/*
 * data_spec: keys and indexes as people write them on a command line.
 *
 *	ATTR           artist   year:N                   an attribute of a key; its type is S, N or B
 *	global index   NAME=ATTR[,ATTR..][/ATTR..][=PROJECTION]
 *	               by-year=year:N   by-place=country,city/year:N,title   by-label=label=keys
 *	local index    NAME=ATTR[=PROJECTION]            the table's partition key, and ATTR as the sort key
 *	PROJECTION     all (if left out), keys, or names: year,title  (a single name that is all or keys: "keys,")
 *
 * A type that is left out is the one that the attribute has elsewhere, or else S.
 * Does not: know what servers allow, names with = , or / in them (data_schema.h has another form).
 */
#ifndef DDB_DATA_SPEC_H
#define DDB_DATA_SPEC_H

#include "json.h"

#define DATA_SPEC_ATTRIBUTES_MAX 256
#define DATA_SPEC_MESSAGE_MAX 320

/* The attributes of all keys of a table, in the order they came. */
struct data_spec {
	struct {
		char *name;                              /* owned */
		char type;                               /* 'S', 'N' or 'B'; 0: nobody said yet */
	} attribute[DATA_SPEC_ATTRIBUTES_MAX];
	size_t n;
	const char *units;                               /* a member that each global index gets, JSON; NULL: none */
	char message[DATA_SPEC_MESSAGE_MAX];             /* after false */
};

void data_spec_fini(struct data_spec *s);

/*
 * Take an ATTR; *name is kept in s.  False with a message: it has no name, or another type than elsewhere.
 */
bool data_spec_attribute(struct data_spec *s, struct bytes text, const char **name);

/*
 * Write an index as an element of LocalSecondaryIndexes or GlobalSecondaryIndexes.
 *   hash  the name of the table's partition key for a local index, NULL for a global one
 * False with a message; what was written then makes no sense.
 */
bool data_spec_index(struct data_spec *s, const char *text, const char *hash, struct json_write *w);

/* A KeySchema of one or two attributes; sort may be NULL. */
void data_spec_keys(struct json_write *w, const char *hash, const char *sort);
/* The member AttributeDefinitions. */
void data_spec_definitions(const struct data_spec *s, struct json_write *w);

#endif
