/*
 * net: microseconds of CPU that messages and lookups cost, both ends in this process, over a unix socket.
 * usage: net [ROUNDS]
 * Prints a line a measurement: name, microseconds of CPU an operation (user, system, both), microseconds of time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "cmd/ddb-memds/memds.h"
#include "net.h"

static uv_loop_t loop;
static struct net *here, *there;
static struct net_peer *peer;
static struct memds memds;
static bool up;
static long left, depth, done;
static struct bytes payload;

static const struct net_identity router = { { 1 }, NET_ROUTER, 0, "bench" };
static const struct net_identity server = { { 1 }, NET_MEMDS, 0, "memds" };

struct stop {
	double user, system, real;
};

static struct stop now(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (struct stop){ (double)r.ru_utime.tv_sec * 1e6 + (double)r.ru_utime.tv_usec,
		              (double)r.ru_stime.tv_sec * 1e6 + (double)r.ru_stime.tv_usec, (double)clock_us() };
}

static void report(const char *name, struct stop from, long n)
{
	struct stop to = now();
	double user = (to.user - from.user) / (double)n, system = (to.system - from.system) / (double)n;

	printf("%-34s %7.3f us user %7.3f us system %7.3f us both %7.3f us time\n", name, user, system, user + system,
	       (to.real - from.real) / (double)n);
}

static void on_up(void *arg, bool is_up)
{
	(void)arg;
	up = is_up;
}

static void handle(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
{
	struct msg_get m;
	struct buf *b;

	if (type != MSG_get) {
		memds_handle(arg, c, rid, type, body);
		return;
	}
	if (!msg_get_get(body, &m, MSG_VERSION))
		abort();
	b = net_answer(there, net_conn_id(c), rid, MSG_got);
	msg_put_got(b, &(struct msg_got){ .found = 1, .item = payload }, MSG_VERSION);
	net_answered(there, net_conn_id(c));
}

static void ask(void (*put)(struct buf *), unsigned type);

static void on_got(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct msg_got m;

	(void)arg;
	if (outcome != NET_ANSWERED || type != MSG_got || !msg_get_got(body, &m, MSG_VERSION))
		abort();
	done++;
}

static void on_route(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct msg_route m;

	(void)arg;
	if (outcome != NET_ANSWERED || type != MSG_route || !msg_get_route(body, &m, MSG_VERSION) || m.result != 0)
		abort();
	done++;
}

static void put_get(struct buf *b)
{
	msg_put_get(b, &(struct msg_get){ 1, 2, 3, 1, BYTES_LIT("0123456789abcdef0123456789"), BYTES_NONE },
	            MSG_VERSION);
}

static void put_lookup(struct buf *b)
{
	static uint64_t i;
	uint8_t key[24] = { 0 };

	store_be64(key, i += 0x9e3779b97f4a7c15);
	msg_put_lookup(b, &(struct msg_lookup){ BYTES_LIT("table-17"), { key, sizeof key }, 1, 1, 1 }, MSG_VERSION);
}

static void ask(void (*put)(struct buf *), unsigned type)
{
	struct buf *b = net_request(peer, type, clock_ms() + 5000, type == MSG_get ? on_got : on_route, NULL);

	put(b);
	net_requested(peer);
	left--;
}

static void measure(const char *what, void (*put)(struct buf *), unsigned type, long at_once, long n)
{
	char name[64];
	struct stop from = now();

	depth = at_once;
	left = n;
	done = 0;
	while (done < n) {
		while (left > 0 && n - left - done < depth)
			ask(put, type);
		uv_run(&loop, UV_RUN_ONCE);
	}
	snprintf(name, sizeof name, "%s, %ld at once", what, at_once);
	report(name, from, n);
}

static void fill_map(void)
{
	struct buf list = { 0 };
	char name[32];

	for (int t = 0; t < 1000; t++) {
		buf_clear(&list);
		for (uint64_t i = 0; i < 64; i++) {
			uint8_t low[8], high[8];
			struct buf members = { 0 };
			struct msg_partition p = { .group = (uint64_t)t * 64 + i + 1, .leader = 1, .ballot = 9,
				                   .config_slot = 1 };

			store_be64(low, i << 58);
			store_be64(high, (i + 1) << 58);
			p.low = (struct bytes){ low, i > 0 ? 8 : 0 };
			p.high = (struct bytes){ high, i < 63 ? 8 : 0 };
			for (uint32_t k = 1; k <= 3; k++)
				MSG_LIST_PUT(&members, member, (&(struct msg_member){ k, 1 }), MSG_VERSION);
			p.members = buf_view(&members);
			MSG_LIST_PUT(&list, partition, &p, MSG_VERSION);
			buf_fini(&members);
		}
		snprintf(name, sizeof name, "table-%d", t);
		if (map_table(memds.map, 1,
		              &(struct msg_map_table){ 1, 1, bytes_str(name), BYTES_LIT("d"), buf_view(&list) },
		              MSG_VERSION) != MAP_OK)
			abort();
	}
	buf_fini(&list);
}

static void without_sockets(long n)
{
	struct buf b = { 0 };
	struct stop from = now();
	struct net_frame f;
	size_t bytes;

	for (long i = 0; i < n; i++) {
		struct msg_get m;
		size_t at;

		buf_clear(&b);
		at = net_frame_begin(&b);
		put_get(&b);
		net_frame_end(&b, at, 1, MSG_get);
		if (net_frame_take(buf_view(&b), NET_FRAME_BYTES_MAX, &f, &bytes) != NET_FRAME_WHOLE ||
		    !msg_get_get(f.body, &m, MSG_VERSION))
			abort();
	}
	report("a frame, made and read", from, n);
	from = now();
	for (long i = 0; i < n; i++) {
		struct msg_lookup q;
		size_t at;

		buf_clear(&b);
		put_lookup(&b);
		if (!msg_get_lookup(buf_view(&b), &q, MSG_VERSION))
			abort();
		at = b.n;
		map_route(memds.map, &q, MSG_VERSION, &b);
		if (load_u16(b.p + at) != 0)
			abort();
	}
	report("a lookup in the map", from, n);
	buf_fini(&b);
}

int main(int argc, char **argv)
{
	static uint8_t kilobyte[1024];
	long n = argc > 1 ? atol(argv[1]) : 200000;
	char addr[64];

	snprintf(addr, sizeof addr, "unix:/tmp/ddb-bench-%d.sock", (int)getpid());
	uv_loop_init(&loop);
	here = net_new(&loop, &router);
	there = net_new(&loop, &server);
	memds_init(&memds, there);
	fill_map();
	if (net_listen(there, addr, handle, &memds) == NULL)
		return 9;
	peer = net_dial(here, addr, on_up, NULL);
	while (!up)
		uv_run(&loop, UV_RUN_ONCE);
	without_sockets(n * 10);
	for (long at_once = 1; at_once <= 64; at_once *= 8)
		measure("request and empty answer", put_get, MSG_get, at_once, n);
	payload = (struct bytes){ kilobyte, sizeof kilobyte };
	for (long at_once = 1; at_once <= 64; at_once *= 8)
		measure("request and 1 KB answer", put_get, MSG_get, at_once, n);
	for (long at_once = 1; at_once <= 64; at_once *= 8)
		measure("lookup", put_lookup, MSG_lookup, at_once, n);
	net_free(here);
	net_free(there);
	uv_run(&loop, UV_RUN_DEFAULT);
	memds_fini(&memds);
	return 0;
}
