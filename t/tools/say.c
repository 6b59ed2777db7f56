/*
 * say: speaks the protocol between processes, for tests.
 * usage: say HOME ROLE ADDR MESSAGE...
 *   HOME     directory with a cluster file; relative addresses begin there
 *   ROLE     node, router, memds, autoadmin or tool
 *   MESSAGE  as DDB_TRACE=net prints them, fields of value 0 left out: 'lookup{table="orders" limit=1}'.  Bytes are
 *            "text", hexadecimal digits, or a list [part{...} part{...}].  A ! in front: one way, no answer is awaited
 * Sends each message when the one before was answered, and prints the answers, a line each (metrics: their text; behind
 * a node_state, which shows few of its groups, each of them, a line each); "lost" if there is none.
 * Exits 0 if all were answered, 1 if not, 2 for a message that cannot be read, 4 if nobody listens.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cluster.h"
#include "log.h"
#include "mem.h"
#include "net.h"

#define WAIT_MS 10000

/* --- reading messages.  What is read is never freed: the process is short. */

static const char *at;

static void bad(const char *why)
{
	fprintf(stderr, "say: %s, at: %s\n", why, at);
	exit(2);
}

static void skip_blanks(void)
{
	while (isspace((unsigned char)*at))
		at++;
}

static void expect(char c)
{
	skip_blanks();
	if (*at != c)
		bad(c == '{' ? "{ expected" : c == '=' ? "= expected" : "unexpected character");
	at++;
}

static char *word(void)
{
	const char *from;

	skip_blanks();
	for (from = at; isalnum((unsigned char)*at) || *at == '_'; at++)
		;
	if (at == from)
		bad("a name expected");
	return mem_copy(from, (size_t)(at - from));
}

static uint64_t number(uint64_t max)
{
	char *end;
	unsigned long long v = strtoull(at, &end, 10);

	if (end == at || v > max)
		bad("a number expected, or one too large");
	at = end;
	return v;
}

static void part(const char *name, struct buf *out);

static struct bytes value(void)
{
	struct buf b = { 0 };

	if (*at == '"') {
		for (at++; *at != '"'; at++) {
			if (*at == '\0')
				bad("\" expected");
			buf_u8(&b, (uint8_t)*at);
		}
		at++;
	} else if (*at == '[') {
		for (at++, skip_blanks(); *at != ']'; skip_blanks()) {
			char *name = word();
			size_t mark = msg_list_begin(&b);

			part(name, &b);
			msg_list_end(&b, mark);
		}
		at++;
	} else {
		size_t n = strspn(at, "0123456789abcdef");

		b.n = n / 2;
		b.p = mem_new(n / 2 + 1);
		if (!bytes_hex((struct bytes){ (const uint8_t *)at, n }, b.p, n / 2))
			bad("an even number of hexadecimal digits expected");
		at += n;
	}
	return buf_view(&b);
}

#define VALUE_u8 (uint8_t)number(UINT8_MAX)
#define VALUE_u16 (uint16_t)number(UINT16_MAX)
#define VALUE_u32 (uint32_t)number(UINT32_MAX)
#define VALUE_u64 number(UINT64_MAX)
#define VALUE_bytes value()

#define MSG(id, name)                                                                                                  \
	static void read_##name(struct buf *out)                                                                       \
	{                                                                                                              \
		struct msg_##name m;                                                                                   \
		memset(&m, 0, sizeof m);                                                                               \
		expect('{');                                                                                           \
		for (skip_blanks(); *at != '}'; skip_blanks()) {                                                       \
			char *field = word();                                                                          \
			expect('=');
#define F(since, type, name)                                                                                           \
	if (strcmp(field, #name) == 0) {                                                                               \
		m.name = VALUE_##type;                                                                                 \
		continue;                                                                                              \
	}
#define END(name)                                                                                                      \
	free(field);                                                                                                   \
	bad(#name " has no such field");                                                                               \
	}                                                                                                              \
	at++;                                                                                                          \
	msg_put_##name(out, &m, MSG_VERSION);                                                                          \
	}
#include "messages.def"
#undef MSG
#undef F
#undef END

static unsigned type_of(const char *name)
{
#define MSG(number, known)                                                                                             \
	if (strcmp(name, #known) == 0)                                                                                 \
		return number;
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END
	bad("no such message");
	return 0;
}

static void part(const char *name, struct buf *out)
{
	switch (type_of(name)) {
#define MSG(number, known)                                                                                             \
	case number:                                                                                                   \
		read_##known(out);                                                                                     \
		break;
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END
	}
}

/* --- speaking */

static bool answered;
static int status;

static void on_up(void *arg, bool up)
{
	if (!up)
		uv_stop(arg);
}

static void print_groups(struct bytes body)
{
	struct msg_node_state m;
	struct bytes rest, part;

	if (!msg_get_node_state(body, &m, MSG_VERSION))
		return;
	for (rest = m.groups; msg_list_next(&rest, &part);) {
		struct buf line = { 0 };

		msg_print(MSG_group_state, part, MSG_VERSION, &line);
		printf("%.*s\n", (int)line.n, (const char *)line.p);
		buf_fini(&line);
	}
}

static void on_done(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct buf line = { 0 };
	struct msg_metrics_text m;

	(void)arg;
	answered = true;
	if (outcome == NET_ANSWERED && type == MSG_metrics_text && msg_get_metrics_text(body, &m, MSG_VERSION)) {
		printf("%.*s", (int)m.text.n, (const char *)m.text.p);
	} else if (outcome == NET_ANSWERED) {
		msg_print(type, body, MSG_VERSION, &line);
		printf("%.*s\n", (int)line.n, (const char *)line.p);
		if (type == MSG_node_state)
			print_groups(body);
	} else {
		printf("lost\n");
		status = 1;
	}
	fflush(stdout);
}

static void say(uv_loop_t *loop, struct net_peer *p, const char *text)
{
	bool one_way = text[0] == '!';
	struct buf body = { 0 }, *b;
	char *name;
	unsigned type;

	at = text + one_way;
	name = word();
	type = type_of(name);
	part(name, &body);
	skip_blanks();
	if (*at != '\0')
		bad("more than one message");
	b = one_way ? net_send(p, type) : net_request(p, type, clock_ms() + WAIT_MS, on_done, NULL);
	if (b == NULL) {
		printf("lost\n");
		status = 1;
		return;
	}
	buf_bytes(b, buf_view(&body));
	if (one_way)
		net_sent(p);
	else
		net_requested(p);
	answered = one_way;
	while (!answered)
		uv_run(loop, UV_RUN_ONCE);
	if (one_way)
		uv_run(loop, UV_RUN_NOWAIT);
}

int main(int argc, char **argv)
{
	static const char *const roles[] = { "", "node", "router", "memds", "autoadmin", "tool", NULL };
	struct net_identity id = { .role = 0, .name = "say" };
	struct cluster c;
	uv_loop_t loop;
	struct net *n;
	struct net_peer *p;
	uint64_t until = clock_ms() + WAIT_MS;

	log_open("say");
	for (unsigned i = 1; argc > 2 && roles[i] != NULL; i++)
		if (strcmp(argv[2], roles[i]) == 0)
			id.role = i;
	if (argc < 4 || id.role == 0 || cluster_load(argv[1], &c) != 0) {
		fprintf(stderr, "usage: say HOME ROLE ADDR MESSAGE...\n");
		return 2;
	}
	memcpy(id.cluster, c.id, sizeof id.cluster);
	uv_loop_init(&loop);
	n = net_new(&loop, &id);
	p = net_dial(n, cluster_addr(argv[1], argv[3]), on_up, &loop);
	while (p != NULL && !net_is_up(p) && clock_ms() < until)
		uv_run(&loop, UV_RUN_ONCE);
	if (p == NULL || !net_is_up(p))
		return 4;
	for (int i = 4; i < argc; i++)
		say(&loop, p, argv[i]);
	net_free(n);
	uv_run(&loop, UV_RUN_DEFAULT);
	return status;
}
