/* op_table_admin: the operations on tables between a client and an autoadmin that is this file, and has one table, "tab". */
#ifndef T_OP_TABLE_ADMIN_H
#define T_OP_TABLE_ADMIN_H

#include <stdarg.h>

#include "api_fixture.h"
#include "check.h"

#define ARN "arn:aws:dynamodb:us-east-1:000000000000:table/tab"

static struct {
	struct buf definition;
	uint64_t version;
	unsigned stale;                          /* so many updates find that somebody else was faster */
	unsigned updates, describes;
} admin;

static inline void set(struct bytes change)
{
	struct item_build b;
	struct item_iter it;
	struct bytes name;
	struct value v, ignored;

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("Version")), item_build_u64(&b, ++admin.version);
	for (it = item_iter(buf_view(&admin.definition)); admin.definition.n > 0 && item_next_pair(&it, &name, &v);)
		if (!bytes_is(name, "Version") && !item_get(change, name, &ignored))
			item_build_name(&b, name), item_build_raw(&b, v.raw);
	for (it = item_iter(change); item_next_pair(&it, &name, &v);)
		if (!bytes_is(name, "Version") && v.tag != ITEM_NULL)
			item_build_name(&b, name), item_build_raw(&b, v.raw);
	CHECK(item_build_close(&b));
	buf_clear(&admin.definition);
	buf_bytes(&admin.definition, item_build_view(&b));
	item_build_fini(&b);
}

static inline bool is_present(struct bytes change)
{
	struct value asked, now;

	return item_get(change, BYTES_LIT("Version"), &asked) && item_get(buf_view(&admin.definition), BYTES_LIT("Version"), &now) &&
	       item_value_eq(asked, now);
}

/* Everything that is asked of autoadmin and memds is answered, and what follows from it. */
static inline void serve(void)
{
	struct sent *s;

	while (cluster.n > 0) {
		struct msg_admin_done done = { .result = RESULT_OK };
		struct buf out = { 0 };
		struct msg_admin m;

		if (memds_answers())
			continue;
		s = sent_find(MSG_admin);
		if (s == NULL || !msg_get_admin(buf_view(&s->body), &m, MSG_VERSION))
			abort();
		if (!bytes_is(m.name, "tab") && !bytes_is(m.verb, "create")) {
			done.result = RESULT_NO_TABLE;
			done.text = BYTES_LIT("Requested resource not found: Table: x not found");
		} else if (bytes_is(m.verb, "create")) {
			buf_clear(&admin.definition);
			set(m.body);
		} else if (bytes_is(m.verb, "update")) {
			admin.updates++;
			CHECK(is_present(m.body));
			if (admin.stale > 0) {
				admin.stale--;
				done.result = RESULT_STALE_SCHEMA;
				set(ITEM_EMPTY);
			} else {
				set(m.body);
			}
		} else {
			admin.describes++;
		}
		if (done.result == RESULT_OK)
			done.body = buf_view(&admin.definition);
		msg_put_admin_done(&out, &done, MSG_VERSION);
		sent_end(s, NET_ANSWERED, MSG_admin_done, &out);
	}
}

/* The answer to a request has this status and holds each of the texts; the last one is NULL. */
static inline void told(struct fixture *f, const char *op, const char *body, int status, ...)
{
	struct http_req req;
	const char *text;
	va_list ap;

	ask(f, &req, op, body);
	serve();
	CHECK_INT(req.status, status);
	va_start(ap, status);
	while ((text = va_arg(ap, const char *)) != NULL)
		if (strstr(body_of(&req), text) == NULL)
			CHECK_STR(body_of(&req), text);
	va_end(ap);
	done(&req);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

static inline void refused(struct fixture *f, const char *op, const char *body, const char *type, const char *message)
{
	char quoted[2048], whole[128];

	snprintf(quoted, sizeof quoted, "\"message\":\"%s\"", message);
	snprintf(whole, sizeof whole, "#%s\"", type);
	told(f, op, body, 400, whole, quoted, NULL);
}

/* Makes the table of this request; it is ACTIVE then, as are its indexes, and the map knows all that autoadmin does. */
static inline void make(struct fixture *f, const char *body)
{
	struct item_build b;

	setup(f, 0);
	cluster.table_version = 1000;
	admin.version = 0;
	admin.stale = admin.updates = admin.describes = 0;
	told(f, "CreateTable", body, 200, "\"TableName\":\"tab\"", NULL);
	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("TableStatus")), item_build_s(&b, BYTES_LIT("ACTIVE"));
	item_build_name(&b, BYTES_LIT("TableArn")), item_build_s(&b, BYTES_LIT(ARN));
	item_build_close(&b);
	set(item_build_view(&b));
	item_build_fini(&b);
}

static inline void end(struct fixture *f)
{
	teardown(f);
	buf_fini(&admin.definition);
}

#endif
