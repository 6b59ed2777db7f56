/*
 * etcdload: `ddb bench` for etcd, over its HTTP JSON gateway: put and range, keys and values in base64.
 * The same engine, plan and report, so the two compare.
 *
 *	etcdload [OPTION...] HOST PORT        options as of `ddb bench`
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ddb/bench_go.h"
#include "json.h"
#include "log.h"
#include "mem.h"

struct etcd {
	char *authority;
	bool consistent;
	size_t value_n;
	struct buf body, value;
	char pool[BENCH_PLAN_POOL_BYTES];
};

static void request(void *arg, const struct bench_work *w, struct buf *out)
{
	struct etcd *e = arg;
	struct json_write j = { .b = &e->body };
	char key[BENCH_PLAN_KEY_BYTES];

	buf_clear(&e->body);
	bench_plan_key(w->key, key);
	json_write_object(&j);
	json_write_name(&j, "key");
	json_write_base64(&j, (struct bytes){ (const uint8_t *)key, sizeof key });
	if (w->op != BENCH_PLAN_GET) {
		buf_clear(&e->value);
		bench_plan_value(&e->value, e->pool, w->key, w->version, e->value_n);
		json_write_name(&j, "value");
		json_write_base64(&j, buf_view(&e->value));
	} else if (!e->consistent) {
		json_write_name(&j, "serializable");
		json_write_bool(&j, true);
	}
	json_write_object_end(&j);
	buf_fmt(out, "POST /v3/kv/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
	        w->op != BENCH_PLAN_GET ? "put" : "range", e->authority, e->body.n);
	buf_bytes(out, buf_view(&e->body));
}

static enum bench_verdict judge(void *arg, const struct bench_work *w, int status, struct bytes body,
                                char type[BENCH_ENGINE_TYPE_MAX])
{
	(void)arg;
	(void)type;
	if (status != 200)
		return BENCH_ENGINE_ERROR;
	if (w->op == BENCH_PLAN_GET && memmem(body.p, body.n, "\"kvs\"", 5) == NULL)
		return BENCH_ENGINE_MISSING;
	return BENCH_ENGINE_GOOD;
}

int main(int argc, char **argv)
{
	static struct bench_opts o = BENCH_OPTS_INIT;
	static const struct opt opts[] = { BENCH_OPTS(o), OPT_END };
	static const struct opt_usage usage = { "etcdload", "HOST PORT", "put load on etcd and measure it", opts, 2, 2,
		false };
	struct sockaddr_storage addr;
	struct bench_target t = { .table = "-", .addr = (const struct sockaddr *)&addr };
	struct etcd *e = mem_new(sizeof *e);
	struct bench_dialect dialect = { e, request, judge };
	int i, code;

	log_open("etcdload");
	i = opt_parse(&usage, argc, argv);
	e->authority = mem_fmt("%s:%s", argv[i], argv[i + 1]);
	e->consistent = o.consistent;
	e->value_n = o.size - BENCH_PLAN_KEY_BYTES;
	bench_plan_pool(e->pool);
	t.endpoint = e->authority;
	t.dialect = &dialect;
	code = bench_go_find(argv[i], argv[i + 1], &addr, &t.addr_n);
	if (code == 0)
		code = bench_go(&o, &t);
	buf_fini(&e->body);
	buf_fini(&e->value);
	free(e->authority);
	free(e);
	return code;
}
