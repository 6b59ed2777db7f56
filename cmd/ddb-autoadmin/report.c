/* What `ddb status` shows, as one JSON object. */
#include "autoadmin.h"
#include "catalogue.h"
#include "json.h"
#include "ledger.h"

static void put_u64(struct json_write *w, const char *name, uint64_t v)
{
	json_write_name(w, name);
	json_write_u64(w, v);
}

static void put_str(struct json_write *w, const char *name, const char *v)
{
	json_write_name(w, name);
	json_write_str(w, v);
}

static void put_node(struct json_write *w, const struct aa_node *n)
{
	uint64_t leading = 0;

	for (const struct aa_group_state *s = n->states; s != NULL; s = s->hh.next)
		leading += s->leading > 0;
	json_write_object(w);
	put_str(w, "name", n->name);
	put_str(w, "zone", n->zone);
	put_u64(w, "incarnation", n->incarnation);
	json_write_name(w, "up");
	json_write_bool(w, nodes_up(n));
	put_u64(w, "groups", HASH_COUNT(n->states));
	put_u64(w, "leading", leading);
	put_u64(w, "log_bytes", n->log_bytes);
	json_write_object_end(w);
}

static void put_partition(struct aa *a, struct json_write *w, const struct aa_partition *p)
{
	json_write_object(w);
	put_u64(w, "group", p->group);
	json_write_name(w, "replicas");
	json_write_array(w);
	for (size_t i = 0; i < a->nnodes; i++) {
		const struct aa_group_state *s = nodes_state(a->node[i], p->group);

		if (s == NULL)
			continue;
		json_write_object(w);
		put_str(w, "node", a->node[i]->name);
		put_u64(w, "incarnation", a->node[i]->incarnation);
		json_write_name(w, "up");
		json_write_bool(w, nodes_up(a->node[i]));
		put_str(w, "role", s->leading == 2 ? "leader" : s->leading == 1 ? "elected" : "follower");
		put_u64(w, "committed", s->committed);
		put_u64(w, "applied", s->applied);
		put_u64(w, "config_slot", s->config_slot);
		json_write_object_end(w);
	}
	json_write_array_end(w);
	json_write_object_end(w);
}

static void put_partitions(struct aa *a, struct json_write *w, const struct aa_table *t)
{
	json_write_name(w, "partitions");
	json_write_array(w);
	for (size_t i = 0; t != NULL && i < t->nparts; i++)
		put_partition(a, w, &t->part[i]);
	json_write_array_end(w);
}

static void put_index(struct aa *a, struct json_write *w, const struct index *x)
{
	json_write_object(w);
	json_write_name(w, "name");
	json_write_string(w, x->name);
	put_str(w, "status", index_status_name(x->status));
	put_partitions(a, w, state_table(a, x->table));
	json_write_object_end(w);
}

static void put_table(struct aa *a, struct json_write *w, const struct aa_table *t)
{
	json_write_object(w);
	json_write_name(w, "name");
	json_write_string(w, t->t.name);
	put_str(w, "status", table_status_name(tables_status(t)));
	if (!tables_hidden(t->t.name))
		put_u64(w, "indexes", t->indexes.n);
	put_partitions(a, w, t);
	if (t->indexes.n > t->indexes.locals) {
		json_write_name(w, "global_indexes");
		json_write_array(w);
		for (size_t i = 0; i < t->indexes.n; i++)
			if (!t->indexes.v[i].local)
				put_index(a, w, &t->indexes.v[i]);
		json_write_array_end(w);
	}
	json_write_object_end(w);
}

/* Those of global indexes are shown with their tables. */
static bool is_rows(const struct aa_table *t)
{
	return tables_hidden(t->t.name) && !bytes_is(t->t.name, LEDGER_TABLE);
}

void report_write(struct aa *a, struct buf *out)
{
	struct json_write w = { .b = out };
	struct buf id = { 0 };

	buf_hex(&id, (struct bytes){ a->d->cluster.id, 16 });
	json_write_object(&w);
	json_write_name(&w, "cluster");
	json_write_string(&w, buf_view(&id));
	put_str(&w, "region", a->d->cluster.region);
	json_write_name(&w, "active");
	json_write_bool(&w, lease_active(a));
	put_u64(&w, "epoch", a->epoch);
	json_write_name(&w, "nodes");
	json_write_array(&w);
	for (size_t i = 0; i < a->nnodes; i++)
		put_node(&w, a->node[i]);
	json_write_array_end(&w);
	json_write_name(&w, "catalogue");
	put_partition(a, &w, &a->catalogue);
	json_write_name(&w, "tables");
	json_write_array(&w);
	for (const struct aa_table *t = a->tables; t != NULL; t = t->hh.next)
		if (!is_rows(t))
			put_table(a, &w, t);
	json_write_array_end(&w);
	json_write_object_end(&w);
	buf_fini(&id);
}
