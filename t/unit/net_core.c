/* net_core: frames, and the wheel of timers. */
#include "net_core.h"

#include "check.h"

/* --- frames */

TEST(frames_come_back_as_they_were)
{
	struct buf b = { 0 };
	struct net_frame f;
	size_t at, n;

	for (size_t body = 0; body < 3000; body += 97) {
		buf_clear(&b);
		buf_str(&b, "before");
		at = net_frame_begin(&b);
		for (size_t i = 0; i < body; i++)
			buf_u8(&b, (uint8_t)(i * 7));
		CHECK(net_frame_end(&b, at, 0x1122334455667788, 0x0302));
		CHECK_INT(net_frame_take((struct bytes){ b.p + at, b.n - at }, NET_FRAME_BYTES_MAX, &f, &n),
		          NET_FRAME_WHOLE);
		CHECK_INT(n, NET_FRAME_HEAD_BYTES + body);
		CHECK(f.rid == 0x1122334455667788 && f.type == 0x0302 && f.body.n == body);
		CHECK(body == 0 || f.body.p[body - 1] == (uint8_t)((body - 1) * 7));
	}
	buf_fini(&b);
}

TEST(a_frame_is_awaited_or_refused)
{
	struct buf b = { 0 };
	struct net_frame f;
	size_t at = net_frame_begin(&b), n;

	buf_str(&b, "some body");
	CHECK(net_frame_end(&b, at, 9, MSG_get));
	for (size_t i = 0; i < b.n; i++) {
		CHECK_INT(net_frame_take((struct bytes){ b.p, i }, NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_SHORT);
		CHECK_INT(n, i < 8 ? NET_FRAME_HEAD_BYTES : b.n);
		if (i >= 4) {
			b.p[i] ^= 0x10;
			CHECK_INT(net_frame_take(buf_view(&b), NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_BAD);
			b.p[i] ^= 0x10;
		}
	}
	CHECK_INT(net_frame_take(buf_view(&b), b.n, &f, &n), NET_FRAME_WHOLE);
	CHECK_INT(net_frame_take(buf_view(&b), b.n - 1, &f, &n), NET_FRAME_BAD);
	store_u32(b.p, 9);
	CHECK_INT(net_frame_take(buf_view(&b), NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_BAD);
	store_u32(b.p, UINT32_MAX);
	CHECK_INT(net_frame_take(buf_view(&b), NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_BAD);
	buf_fini(&b);
}

TEST(a_frame_that_outgrows_its_buffer_is_taken_back)
{
	struct buf b;
	size_t at;

	buf_init(&b, 100);
	buf_str(&b, "kept");
	at = net_frame_begin(&b);
	for (int i = 0; i < 50; i++)
		buf_u16(&b, 1);
	CHECK(!net_frame_end(&b, at, 1, MSG_get));
	CHECK(b.n == 4 && !b.over);
	buf_fini(&b);
}

/* --- the wheel */

#define TIMERS 500
static struct net_wheel wheel;
static struct {
	struct net_timer t;
	uint64_t at, fired;
} timers[TIMERS];
static uint64_t wheel_now;

static void on_fire(struct net_timer *t)
{
	size_t i = (size_t)((char *)t - (char *)timers) / sizeof timers[0];

	CHECK(timers[i].fired == 0);
	timers[i].fired = wheel_now;
	if (i > 0 && i % 50 == 0)
		net_wheel_unset(&wheel, &timers[i - 1].t);
	if (i == 7)
		net_wheel_set(&wheel, &timers[6].t, wheel_now, on_fire);
}

TEST(timers_fire_once_and_never_early)
{
	uint64_t start = 123456789;

	memset(timers, 0, sizeof timers);
	net_wheel_init(&wheel, start);
	for (size_t i = 0; i < TIMERS; i++) {
		timers[i].at = start + i * i * 17 % 60000;
		if (i != 6)
			net_wheel_set(&wheel, &timers[i].t, timers[i].at, on_fire);
	}
	net_wheel_unset(&wheel, &timers[3].t);
	net_wheel_unset(&wheel, &timers[3].t);
	for (wheel_now = start; wheel_now < start + 61000; wheel_now += NET_WHEEL_STEP_MS)
		net_wheel_run(&wheel, wheel_now);
	CHECK_INT(wheel.n, 0);
	CHECK(timers[3].fired == 0 && timers[6].fired > timers[7].fired);
	for (size_t i = 0; i < TIMERS; i++)
		if (i != 6 && timers[i].fired > 0)
			CHECK(timers[i].fired >= timers[i].at &&
			      timers[i].fired - timers[i].at <= 2 * NET_WHEEL_STEP_MS);
}

TEST(a_wheel_that_stood_still_catches_up)
{
	memset(timers, 0, sizeof timers);
	net_wheel_init(&wheel, 1000);
	for (size_t i = 0; i < TIMERS; i++)
		net_wheel_set(&wheel, &timers[i].t, 1000 + i * 1000, on_fire);
	wheel_now = 400000;
	net_wheel_run(&wheel, wheel_now);
	CHECK(timers[398].fired == wheel_now && timers[401].fired == 0);
	CHECK(wheel.n > 0);
}

CHECK_MAIN(
	X(frames_come_back_as_they_were) X(a_frame_is_awaited_or_refused)
	X(a_frame_that_outgrows_its_buffer_is_taken_back) X(timers_fire_once_and_never_early)
	X(a_wheel_that_stood_still_catches_up))
