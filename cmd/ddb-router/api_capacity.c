/* Source: API reference, ConsumedCapacity and ItemCollectionMetrics. */
#include <stdlib.h>

#include "api.h"
#include "mem.h"

#define GB ((uint64_t)1 << 30)

uint64_t api_read_halves(uint64_t bytes, bool consistent)
{
	uint64_t steps = bytes > 0 ? (bytes + 4095) / 4096 : 1;

	return consistent ? 2 * steps : steps;
}

uint64_t api_write_halves(uint64_t bytes)
{
	return 2 * (bytes > 0 ? (bytes + 1023) / 1024 : 1);
}

/* --- units -------------------------------------------------------------------------------------------------------- */

void api_units_fini(struct api_units *u)
{
	free(u->index);
	u->index = NULL;
}

void api_units_index(struct api_units *u, const struct index_set *s, uint32_t id, uint64_t half_units)
{
	const struct index *x = index_set_of(s, id);

	if (x == NULL || half_units == 0)
		return;
	if (u->index == NULL)
		u->index = mem_new(s->n * sizeof *u->index);
	u->index[x - s->v] += half_units;
}

void api_units_written(struct api_units *u, const struct index_set *s, struct bytes list, unsigned times)
{
	struct msg_index_units m;
	struct bytes part;

	while (msg_list_next(&list, &part))
		if (msg_get_index_units(part, &m, MSG_VERSION))
			api_units_index(u, s, m.index, (uint64_t)2 * times * m.units);
}

bool api_wants_capacity(const struct api_req *q)
{
	return q->m[API_RETURN_CONSUMED_CAPACITY].given && !api_is(q, API_RETURN_CONSUMED_CAPACITY, "NONE");
}

/* --- ConsumedCapacity --------------------------------------------------------------------------------------------- */

static void write_units(struct json_write *w, uint64_t half_units, const char *kind)
{
	json_write_name(w, "CapacityUnits");
	json_write_double(w, (double)half_units / 2, 1);
	if (kind == NULL)
		return;
	json_write_name(w, kind);
	json_write_double(w, (double)half_units / 2, 1);
}

/* "LocalSecondaryIndexes" or "GlobalSecondaryIndexes", of those that were touched. */
static void write_indexes(struct json_write *w, const struct index_set *s, const struct api_units *u, bool local,
                          const char *kind)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].local != local || u->index[i] == 0)
			continue;
		if (!any) {
			json_write_name(w, local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
			json_write_object(w);
		}
		any = true;
		json_write_key(w, s->v[i].name);
		json_write_object(w);
		write_units(w, u->index[i], kind);
		json_write_object_end(w);
	}
	if (any)
		json_write_object_end(w);
}

void api_consumed_value(struct json_write *w, const struct api_req *q, struct bytes table, const struct index_set *s,
                        const struct api_units *u, const char *kind)
{
	uint64_t total = u->table;

	for (size_t i = 0; u->index != NULL && i < s->n; i++)
		total += u->index[i];
	json_write_object(w);
	json_write_name(w, "TableName");
	json_write_string(w, table);
	write_units(w, total, kind);
	if (api_is(q, API_RETURN_CONSUMED_CAPACITY, "INDEXES")) {
		json_write_name(w, "Table");
		json_write_object(w);
		write_units(w, u->table, kind);
		json_write_object_end(w);
		if (u->index != NULL) {
			write_indexes(w, s, u, true, kind);
			write_indexes(w, s, u, false, kind);
		}
	}
	json_write_object_end(w);
}

void api_consumed(struct json_write *w, const struct api_req *q, struct bytes table, const struct index_set *s,
                  const struct api_units *u)
{
	if (!api_wants_capacity(q))
		return;
	json_write_name(w, "ConsumedCapacity");
	api_consumed_value(w, q, table, s, u, NULL);
}

/* --- ItemCollectionMetrics ---------------------------------------------------------------------------------------- */

bool api_wants_collection(const struct api_req *q, const struct route_table *t)
{
	return t->indexes.locals > 0 && api_is(q, API_RETURN_COLLECTION_METRICS, "SIZE");
}

void api_collection(struct json_write *w, const struct route_table *t, struct bytes item, uint64_t bytes)
{
	uint64_t gb = bytes > GB ? (bytes + GB - 1) / GB : 1;
	struct bytes name = t->table.key.part[0].name;
	struct value v;

	json_write_object(w);
	if (item_get(item, name, &v)) {
		json_write_name(w, "ItemCollectionKey");
		json_write_object(w);
		json_write_key(w, name);
		djson_write_value(w, v);
		json_write_object_end(w);
	}
	json_write_name(w, "SizeEstimateRangeGB");
	json_write_array(w);
	json_write_double(w, 0, 1);
	json_write_double(w, (double)gb, 1);
	json_write_array_end(w);
	json_write_object_end(w);
}
