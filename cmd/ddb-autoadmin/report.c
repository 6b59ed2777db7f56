/* What `ddb status` shows, as one JSON object. */
#include "autoadmin.h"
#include "catalogue.h"
#include "json.h"

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

static void put_table(struct aa *a, struct json_write *w, struct aa_table *t)
{
	json_write_object(w);
	json_write_name(w, "name");
	json_write_string(w, t->t.name);
	put_str(w, "status", table_status_name(t->serving ? TABLE_ACTIVE : TABLE_CREATING));
	if (t->t.name.p[0] != '#')                       /* itself of an index, or our own */
		put_u64(w, "indexes", t->indexes.n);
	json_write_name(w, "partitions");
	json_write_array(w);
	for (size_t i = 0; i < t->nparts; i++)
		put_partition(a, w, &t->part[i]);
	json_write_array_end(w);
	json_write_object_end(w);
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
	for (struct aa_table *t = a->tables; t != NULL; t = t->hh.next)
		put_table(a, &w, t);
	json_write_array_end(&w);
	json_write_object_end(&w);
	buf_fini(&id);
}
