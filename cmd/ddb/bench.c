#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bench_dynamo.h"
#include "bench_go.h"
#include "bench_table.h"
#include "client.h"
#include "client_find.h"
#include "cmd.h"
#include "exit.h"
#include "log.h"

#define INDEXES_MAX 20                                   /* the API's bound */

static int go(struct client *c, const struct bench_opts *o, const char *table, const char *key_name, bool verify)
{
	struct client_place place = { 0 };
	struct sockaddr_storage addr;
	struct bench_target t = { client_endpoint(c), table, (const struct sockaddr *)&addr, 0, NULL };
	struct bench_dynamo_opts d = { NULL, client_region(c), table, key_name, client_key(c), o->consistent, verify,
		o->indexes, o->size };
	struct bench_dynamo *dynamo = NULL;
	int code;

	if (!client_find_url(client_endpoint(c), &place)) {
		log_err("%s: cannot be taken apart", client_endpoint(c));
		code = DDB_EXIT_USAGE;
		goto out;
	}
	code = bench_go_find(place.host, place.port, &addr, &t.addr_n);
	if (code != 0)
		goto out;
	d.authority = place.authority;
	dynamo = bench_dynamo_new(&d);
	t.dialect = bench_dynamo_dialect(dynamo);
	code = bench_go(o, &t);
out:
	bench_dynamo_free(dynamo);
	client_find_fini(&place);
	return code;
}

int bench_run(int argc, char **argv)
{
	struct bench_opts o = BENCH_OPTS_INIT;
	struct client_opts c = CLIENT_OPTS_INIT;
	const char *table = "bench";
	char *key_name = NULL;
	bool verify = false, update = false, condition = false;
	uint64_t indexes = 0;
	struct client *client;
	const struct opt opts[] = {
		OPT_STR('t', "table", "TABLE", "table to use; made if there is none (bench)", &table),
		BENCH_OPTS(o),
		OPT_FLAG('u', "update", "write with UpdateItem instead of PutItem", &update),
		OPT_FLAG(0, "condition", "write only if the item is there; --load puts them", &condition),
		OPT_U64(0, "indexes", "N", "global indexes of the table (0)", &indexes, 0, INDEXES_MAX),
		OPT_FLAG(0, "verify", "check that what is read was written under that key", &verify),
		CLIENT_OPTS(c),
		OPT_END
	};
	const struct opt_usage usage = { "ddb bench", NULL, "put load on a server and measure it", opts, 0, 0, false };
	int code;

	opt_parse(&usage, argc, argv);
	o.timeout_ms = c.timeout_ms;
	o.indexes = (unsigned)indexes;
	if (update)
		o.write = condition ? BENCH_PLAN_UPDATE_IF : BENCH_PLAN_UPDATE;
	else if (condition)
		o.write = BENCH_PLAN_PUT_IF;
	code = client_open(&c, &client);
	if (code != 0)
		return code;
	if (strncmp(client_endpoint(client), "http://", 7) != 0) {
		log_err("%s: bench speaks plain HTTP only; measure through a proxy that ends TLS, such as stunnel",
		        client_endpoint(client));
		code = DDB_EXIT_USAGE;
	} else {
		code = bench_table_ready(client, table, o.indexes, c.timeout_ms, &key_name);
	}
	if (code == 0)
		code = go(client, &o, table, key_name, verify);
	free(key_name);
	client_close(client);
	return code;
}
