/*
 * api_fixture: ddb-router's operations between a client and a cluster that are both this file: it stands in for the HTTP server and for
 * net, so that a test sees every message and answers each as it likes.
 */
#ifndef T_API_FIXTURE_H
#define T_API_FIXTURE_H

#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "cmd/ddb-router/api.h"
#include "index_fixture.h"
#include "mem.h"
#include "sigv4.h"

/* --- a client ----------------------------------------------------------------------------------------------------- */

struct http_req {
	struct httpmsg m;
	int status;                              /* 0: not answered */
	unsigned answers;
	struct buf body;
};

struct httpmsg *http_msg(struct http_req *req)
{
	return &req->m;
}

bool http_gone(const struct http_req *req)
{
	(void)req;
	return false;
}

void http_answer(struct http_req *req, int status, const char *type, const struct httpmsg_header *headers, size_t n, struct bytes body)
{
	(void)type;
	(void)headers;
	(void)n;
	req->answers++;
	req->status = status;
	buf_clear(&req->body);
	buf_bytes(&req->body, body);
	buf_u8(&req->body, 0);
	req->body.n--;
}

/* --- the cluster: who is dialled, what is sent ------------------------------------------------------------------------ */

struct net_peer {
	char *addr;
	bool up;
	uint32_t incarnation;
};

struct sent {
	struct net_peer *peer;
	unsigned type;
	struct buf body;
	void (*done)(void *arg, enum net_outcome outcome, unsigned type, struct bytes body);
	void *arg;
};

#define SENT_MAX 256
#define NODES 3

static struct {
	struct net_peer memds, autoadmin, *node[NODES];
	struct sent sent[SENT_MAX];
	size_t n;                                /* outstanding */
	uint64_t table_id, table_version;        /* 0: no table */
	enum table_status table_status;
	struct key_schema schema;
	const char *indexes;                     /* definition, or NULL: none.  Their tables are there, with the key "hidden" and id 8 */
	struct key_schema hidden;
	uint32_t leader;
	uint64_t group, ballot;
} cluster;

struct buf *net_request(struct net_peer *p, unsigned type, uint64_t deadline_ms,
                        void (*done)(void *arg, enum net_outcome outcome, unsigned type, struct bytes body), void *arg)
{
	struct sent *s = &cluster.sent[cluster.n];

	if (!p->up || cluster.n == SENT_MAX || deadline_ms < clock_ms())
		return NULL;
	cluster.n++;
	*s = (struct sent){ .peer = p, .type = type, .done = done, .arg = arg };
	return &s->body;
}

void net_requested(struct net_peer *p)
{
	(void)p;
}

struct net_peer *net_dial(struct net *n, const char *addr, void (*up)(void *arg, bool up), void *arg)
{
	struct net_peer *p = mem_new(sizeof *p);

	(void)n;
	(void)up;
	(void)arg;
	p->addr = mem_str(addr);
	p->up = true;
	p->incarnation = (uint32_t)atoi(addr + strlen("unix:n"));
	cluster.node[p->incarnation - 1] = p;
	return p;
}

void net_hangup(struct net_peer *p)
{
	p->up = false;
}

bool net_is_up(const struct net_peer *p)
{
	return p->up;
}

uint32_t net_peer_incarnation(const struct net_peer *p)
{
	return p->incarnation;
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

/* The first outstanding message of this type; NULL if there is none. */
static inline struct sent *sent_find(unsigned type)
{
	for (size_t i = 0; i < cluster.n; i++)
		if (cluster.sent[i].type == type)
			return &cluster.sent[i];
	return NULL;
}

/* Ends it; body is freed with it. */
static inline void sent_end(struct sent *s, enum net_outcome outcome, unsigned type, struct buf *body)
{
	struct sent copy = *s;

	memmove(s, s + 1, (size_t)(&cluster.sent[--cluster.n] - s) * sizeof *s);
	copy.done(copy.arg, outcome, type, body != NULL ? buf_view(body) : BYTES_NONE);
	buf_fini(&copy.body);
	if (body != NULL)
		buf_fini(body);
}

static inline void put_partition(struct buf *out)
{
	struct buf members = { 0 };

	for (uint32_t i = 1; i <= NODES; i++)
		MSG_LIST_PUT(&members, member, (&(struct msg_member){ i, 1 }), MSG_VERSION);
	msg_put_partition(out, &(struct msg_partition){ .group = cluster.group, .ballot = cluster.ballot, .leader = cluster.leader,
	                                                .members = buf_view(&members) }, MSG_VERSION);
	buf_fini(&members);
}

static inline void put_nodes(struct buf *out)
{
	char addr[16];

	for (uint32_t i = 1; i <= NODES; i++) {
		snprintf(addr, sizeof addr, "unix:n%u", i);
		MSG_LIST_PUT(out, node, (&(struct msg_node){ .incarnation = i, .number = i, .addr = bytes_str(addr) }), MSG_VERSION);
	}
}

/* memds answers its oldest question as the cluster is now.  False if it was not asked. */
static inline bool memds_answers(void)
{
	struct sent *s = sent_find(MSG_lookup);
	struct buf out = { 0 }, nodes = { 0 }, partition = { 0 }, list = { 0 };
	struct item_build b;
	struct msg_lookup m;
	struct msg_route r = { .result = RESULT_NO_TABLE, .map_version = 1, .nodes_version = 1 };

	if (s == NULL || !msg_get_lookup(buf_view(&s->body), &m, MSG_VERSION))
		return false;
	item_build_init(&b);
	if (cluster.table_id > 0 && (bytes_is(m.table, "tab") || (cluster.hidden.n > 0 && bytes_starts(m.table, BYTES_LIT("#"))))) {
		struct table t = { .id = cluster.table_id, .version = cluster.table_version, .schema = 1, .name = m.table,
			           .status = cluster.table_status, .key = cluster.schema };
		struct bytes indexes = BYTES_NONE;

		if (!bytes_is(m.table, "tab")) {
			t.id = 8;
			t.key = cluster.hidden;
		} else if (cluster.indexes != NULL) {
			indexes = t.definition = index_item(cluster.indexes);
		}
		table_build(&b, &t);
		free((void *)indexes.p);
		r.result = RESULT_OK;
		r.table_version = cluster.table_version;
		if (m.table_version < cluster.table_version)
			r.definition = item_build_view(&b);
		put_partition(&partition);
		size_t mark = msg_list_begin(&list);
		buf_bytes(&list, buf_view(&partition));
		msg_list_end(&list, mark);
		r.partitions = buf_view(&list);
	}
	if (m.nodes_version == 0) {
		put_nodes(&nodes);
		r.nodes = buf_view(&nodes);
	}
	msg_put_route(&out, &r, MSG_VERSION);
	item_build_fini(&b);
	buf_fini(&nodes);
	buf_fini(&partition);
	buf_fini(&list);
	sent_end(s, NET_ANSWERED, MSG_route, &out);
	return true;
}

/* The node that was asked for a write (or a get) answers.  partition: it names the leader as the cluster has it. */
static inline void node_answers(enum result result, const char *text, bool partition)
{
	struct sent *s = sent_find(MSG_write);
	bool write = s != NULL;
	struct buf out = { 0 }, part = { 0 };

	if (!write)
		s = sent_find(MSG_get);
	if (s == NULL)
		return;
	if (partition)
		put_partition(&part);
	if (write)
		msg_put_written(&out, &(struct msg_written){ .result = (uint16_t)result, .text = bytes_str(text),
		                                             .partition = buf_view(&part), .new_bytes = 1500 }, MSG_VERSION);
	else
		msg_put_got(&out, &(struct msg_got){ .result = (uint16_t)result, .text = bytes_str(text), .partition = buf_view(&part) },
		            MSG_VERSION);
	buf_fini(&part);
	sent_end(s, NET_ANSWERED, write ? MSG_written : MSG_got, &out);
}

/* The oldest tx_get finds nothing. */
static inline void tx_get_answers(struct sent *s)
{
	struct buf out = { 0 }, results = { 0 };
	struct msg_tx_get m;
	struct bytes part;

	if (!msg_get_tx_get(buf_view(&s->body), &m, MSG_VERSION))
		abort();
	while (msg_list_next(&m.gets, &part))
		MSG_LIST_PUT(&results, tx_item, &(struct msg_tx_item){ .found = 0 }, MSG_VERSION);
	msg_put_tx_got(&out, &(struct msg_tx_got){ .results = buf_view(&results) }, MSG_VERSION);
	buf_fini(&results);
	sent_end(s, NET_ANSWERED, MSG_tx_got, &out);
}

/* Everything outstanding, and what follows from it, gets some answer. */
static inline void all_answer(void)
{
	while (cluster.n > 0) {
		struct sent *s = &cluster.sent[0];
		struct buf out = { 0 };

		switch (s->type) {
		case MSG_lookup:
			if (!memds_answers())
				abort();
			break;
		case MSG_tx_get:
			tx_get_answers(s);
			break;
		case MSG_scan:
			msg_put_page(&out, &(struct msg_page){ .result = RESULT_OK }, MSG_VERSION);
			sent_end(s, NET_ANSWERED, MSG_page, &out);
			break;
		case MSG_admin:
			msg_put_admin_done(&out, &(struct msg_admin_done){ .result = RESULT_INVALID, .text = BYTES_LIT("no") }, MSG_VERSION);
			sent_end(s, NET_ANSWERED, MSG_admin_done, &out);
			break;
		default:
			node_answers(RESULT_OK, "", false);
		}
	}
}

/* --- the router --------------------------------------------------------------------------------------------------- */

struct fixture {
	struct router r;
	uv_loop_t loop;
	struct sigv4 *sigv4;
	char path[64];
};

static inline void setup(struct fixture *f, unsigned inflight_max)
{
	static const char keys[] = "[default]\naws_access_key_id = AKIATEST\naws_secret_access_key = secret\n";
	int fd;

	memset(f, 0, sizeof *f);
	memset(&cluster, 0, sizeof cluster);
	cluster.memds.up = cluster.autoadmin.up = true;
	cluster.table_id = 7;
	cluster.table_version = 1;
	cluster.table_status = TABLE_ACTIVE;
	cluster.group = 10;
	cluster.ballot = 5;
	cluster.leader = 1;
	cluster.schema = (struct key_schema){ .part = { { BYTES_LIT("pk"), ITEM_S } }, .n = 1, .hash_n = 1 };
	snprintf(f->path, sizeof f->path, "/tmp/ddb-api.XXXXXX");
	fd = mkstemp(f->path);
	if (fd < 0 || write(fd, keys, sizeof keys - 1) < 0)
		abort();
	close(fd);
	uv_loop_init(&f->loop);
	f->r.loop = &f->loop;
	f->r.memds = &cluster.memds;
	f->r.autoadmin = &cluster.autoadmin;
	f->r.region = "us-east-1";
	route_init(&f->r);
	f->r.api = api_new(&f->r, &(struct api_options){ .credentials = f->path, .inflight_max = inflight_max });
	f->sigv4 = sigv4_new();
}

static inline void teardown(struct fixture *f)
{
	while (cluster.n > 0)
		sent_end(&cluster.sent[0], NET_UNSENT, 0, NULL);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	route_fini(&f->r);
	api_free(f->r.api);
	sigv4_free(f->sigv4);
	uv_loop_close(&f->loop);
	for (size_t i = 0; i < NODES; i++) {
		if (cluster.node[i] != NULL)
			free(cluster.node[i]->addr);
		free(cluster.node[i]);
	}
	unlink(f->path);
}

/* One turn of the loop, timers included, until `until` says so. */
static inline bool run_until(struct fixture *f, bool (*until)(void))
{
	uint64_t end = clock_ms() + 5000;

	while (!until() && clock_ms() < end)
		uv_run(&f->loop, UV_RUN_ONCE);
	return until();
}

/* A request, signed unless secret is NULL, handed to the router. */
static inline void ask_as(struct fixture *f, struct http_req *req, const char *op, struct bytes body, const char *secret)
{
	char hash[SIGV4_HASH_BYTES], date[SIGV4_DATE_BYTES], target[128];
	struct httpmsg_header h[] = { { BYTES_LIT("host"), BYTES_LIT("x") }, { BYTES_LIT("x-amz-date"), BYTES_NONE },
				      { BYTES_LIT("x-amz-target"), BYTES_NONE } };
	struct sigv4_req r = { .method = BYTES_LIT("POST"), .path = BYTES_LIT("/"), .query = BYTES_LIT(""), .headers = h, .headers_n = 3 };
	struct buf text = { 0 }, auth = { 0 };
	int64_t now = (int64_t)(clock_wall_us() / 1000000);
	size_t used;

	*req = (struct http_req){ .status = 0 };
	httpmsg_init(&req->m);
	snprintf(target, sizeof target, "DynamoDB_20120810.%s", op);
	sigv4_date(now, date);
	sigv4_hash(f->sigv4, body, hash);
	h[1].value = bytes_str(date);
	h[2].value = bytes_str(target);
	r.body_hash = bytes_str(hash);
	if (secret != NULL) {
		struct cred_key key = { .id = BYTES_LIT("AKIATEST"), .secret = bytes_str(secret) };

		buf_str(&auth, "Authorization: ");
		sigv4_sign(f->sigv4, &r, &key, (struct sigv4_scope){ BYTES_LIT("us-east-1"), BYTES_LIT("dynamodb") }, now, &auth);
		buf_str(&auth, "\r\n");
	}
	buf_fmt(&text, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Date: %s\r\nX-Amz-Target: %s\r\n", date, target);
	buf_bytes(&text, buf_view(&auth));
	buf_fmt(&text, "Content-Length: %zu\r\n\r\n", body.n);
	buf_bytes(&text, body);
	struct bytes left = buf_view(&text);
	while (left.n > 0 && httpmsg_feed(&req->m, left, &used) != HTTPMSG_DONE)
		left = (struct bytes){ left.p + used, left.n - used };
	buf_fini(&text);
	buf_fini(&auth);
	api_handle(req, f->r.api);
}

static inline void ask(struct fixture *f, struct http_req *req, const char *op, const char *body)
{
	ask_as(f, req, op, bytes_str(body), "secret");
}

static inline const char *body_of(const struct http_req *req)
{
	return req->body.p != NULL ? (const char *)req->body.p : "";
}

static inline void done(struct http_req *req)
{
	httpmsg_fini(&req->m);
	buf_fini(&req->body);
}

#endif
