#include "wal.h"

#include <stdlib.h>

#include "bytes.h"
#include "check.h"
#include "log.h"
#include "wal_fake.h"

struct seen {
	struct { uint64_t slot, position; bool damaged; size_t n; uint8_t first; } r[4096];
	int n;
};

static void visit(void *arg, const struct wal_record *r)
{
	struct seen *s = arg;

	if (s->n < 4096) {
		s->r[s->n].slot = r->slot;
		s->r[s->n].position = r->position;
		s->r[s->n].damaged = r->damaged;
		s->r[s->n].n = r->body.n;
		s->r[s->n].first = r->body.n > 0 ? r->body.p[0] : 0;
	}
	s->n++;
}

static struct wal_options options(struct fake *f)
{
	return (struct wal_options){ .first_bytes = 16384, .segment_bytes = 65536, .cluster = "0123456789abcde", .node = 1,
		.incarnation = 7, .random = fake_random, .random_arg = f };
}

static struct wal *reopen(struct fake *f, struct seen *s, enum wal_verdict *v)
{
	struct wal_io io = fake_io(f);
	struct wal_options o = options(f);

	memset(s, 0, sizeof *s);
	return wal_open(&io, &o, visit, s, v);
}

static uint64_t put(struct wal *w, uint64_t slot, size_t n)
{
	uint8_t body[60000];

	memset(body, (int)(slot & 0xff), sizeof body);
	return wal_append(w, SEG_ENTRY, 5, 77, slot, (struct bytes){ body, n });
}

static void settle(struct fake *f, struct wal *w)
{
	wal_flush(w);
	while (fake_step(f, w))
		;
}

static struct seen seen;

TEST(empty_log_opens)
{
	struct fake f = { .random = 1 };
	enum wal_verdict v;
	struct wal *w = reopen(&f, &seen, &v);

	CHECK(w != NULL && v == WAL_CLEAN && seen.n == 0 && wal_idle(w));
	CHECK_INT(wal_durable(w), 0);
	wal_free(w);
	fake_fini(&f);
}

TEST(appended_comes_back)
{
	struct fake f = { .random = 2 };
	enum wal_verdict v;
	struct wal *w = reopen(&f, &seen, &v);
	uint64_t at[3];

	for (uint64_t i = 0; i < 3; i++)
		at[i] = put(w, i + 1, 100 * i);
	CHECK_INT(wal_durable(w), 0);
	CHECK(!wal_idle(w));
	settle(&f, w);
	CHECK(wal_durable(w) > at[2] && wal_idle(w));
	CHECK_INT(wal_durable(w) % SEG_BLOCK, 0);
	wal_free(w);
	w = reopen(&f, &seen, &v);
	CHECK_INT(v, WAL_CLEAN);
	CHECK_INT(seen.n, 3);
	for (int i = 0; i < 3; i++)
		CHECK(seen.r[i].slot == (uint64_t)i + 1 && seen.r[i].position == at[i] && seen.r[i].n == 100 * (size_t)i);
	wal_free(w);
	fake_fini(&f);
}

TEST(batches_group_while_one_is_in_flight)
{
	struct fake f = { .random = 3 };
	enum wal_verdict v;
	struct wal *w = reopen(&f, &seen, &v);
	int steps = 0;

	put(w, 1, 10);
	settle(&f, w);
	put(w, 2, 10);
	wal_flush(w);
	for (uint64_t i = 3; i < 20; i++) {
		put(w, i, 10);
		wal_flush(w);
	}
	while (fake_step(&f, w))
		steps++;
	CHECK_INT(steps, 2);
	CHECK(wal_idle(w));
	wal_free(w);
	fake_fini(&f);
}

TEST(segments_roll_over_and_are_collected)
{
	struct fake f = { .random = 4, .keep_old = true };
	enum wal_verdict v;
	struct wal *w = reopen(&f, &seen, &v);
	uint64_t last = 0;
	struct buf got = { 0 };

	for (uint64_t i = 1; i <= 300; i++) {
		last = put(w, i, 1000 + i * 7 % 3000);
		if (i % 3 == 0)
			settle(&f, w);
		if (i % 50 == 0)
			CHECK(wal_collect(w, last) <= last);
	}
	settle(&f, w);
	CHECK(f.recycles > 5);
	CHECK(wal_bytes(w) < 3 * 65536);
	CHECK(wal_read(w, last, 5, 300, &got) && got.n == 1000 + 2100 && got.p[0] == (300 & 0xff));
	CHECK(!wal_read(w, last, 6, 300, &got));
	CHECK(!wal_read(w, last + 8, 5, 300, &got));
	CHECK(!wal_read(w, 0, 5, 1, &got));
	wal_free(w);
	w = reopen(&f, &seen, &v);
	CHECK_INT(v, WAL_CLEAN);
	CHECK(seen.n > 0 && seen.r[seen.n - 1].slot == 300);
	buf_clear(&got);
	CHECK(wal_read(w, last, 5, 300, &got) && got.n == 3100);
	buf_fini(&got);
	wal_free(w);
	fake_fini(&f);
}

TEST(records_larger_than_what_is_left_roll_over)
{
	struct fake f = { .random = 5 };
	enum wal_verdict v;
	struct wal *w = reopen(&f, &seen, &v);

	put(w, 1, 50000);                        /* more than the first segment takes */
	settle(&f, w);
	put(w, 2, 50000);
	put(w, 3, 50000);
	put(w, 4, 10);
	settle(&f, w);
	wal_free(w);
	w = reopen(&f, &seen, &v);
	CHECK_INT(v, WAL_CLEAN);
	CHECK_INT(seen.n, 4);
	CHECK(seen.r[2].n == 50000 && seen.r[3].slot == 4);
	wal_free(w);
	fake_fini(&f);
}

TEST(unflushed_records_can_be_read)
{
	struct fake f = { .random = 6 };
	enum wal_verdict v;
	struct wal *w = reopen(&f, &seen, &v);
	struct buf got = { 0 };
	uint64_t a = put(w, 1, 10), b;

	CHECK(wal_read(w, a, 5, 1, &got) && got.n == 10 && got.p[0] == 1);
	settle(&f, w);
	a = put(w, 2, 20);
	wal_flush(w);
	b = put(w, 3, 30);
	buf_clear(&got);
	CHECK(wal_read(w, a, 5, 2, &got) && got.n == 20);
	CHECK(wal_read(w, b, 5, 3, &got) && got.n == 50);
	while (fake_step(&f, w))
		;
	CHECK(wal_read(w, b, 5, 3, &got) && got.n == 80);
	buf_fini(&got);
	wal_free(w);
	fake_fini(&f);
}

/* Random appends, flushes and crashes: what was durable comes back, in order, and nothing else but what was appended. */
static void crashes(uint64_t seed, int rounds)
{
	struct fake f = { .random = seed, .keep_old = seed % 2 == 0 };
	enum wal_verdict v;
	struct wal *w = reopen(&f, &seen, &v);
	uint64_t slot = 0, kept_from = 1, durable_slot = 0, at[4096];

	for (int round = 0; round < rounds && slot < 3900; round++) {
		for (uint64_t k = fake_random(&f) % 40; k > 0; k--) {
			switch (fake_random(&f) % 4) {
			case 0: wal_flush(w); break;
			case 1: fake_step(&f, w); break;
			default: slot++; at[slot] = put(w, slot, fake_random(&f) % (fake_random(&f) % 8 == 0 ? 20000 : 400));
			}
			while (durable_slot < slot && at[durable_slot + 1] < wal_durable(w))
				durable_slot++;
		}
		if (fake_random(&f) % 4 == 0 && durable_slot > 0) {
			uint64_t first = wal_collect(w, at[durable_slot]);

			while (at[kept_from] < first)
				kept_from++;
		}
		fake_crash(&f, (unsigned)(fake_random(&f) % 3) * 50);
		wal_free(w);
		w = reopen(&f, &seen, &v);
		CHECK_INT(v, WAL_CLEAN);
		if (w == NULL || v != WAL_CLEAN)
			break;
		CHECK(seen.n >= (int)(durable_slot - kept_from + 1));
		for (int i = 0; i < seen.n; i++)
			CHECK(seen.r[i].slot == kept_from + (uint64_t)i && seen.r[i].position == at[seen.r[i].slot]
			      && !seen.r[i].damaged);
		slot = kept_from + (uint64_t)seen.n - 1;
		if (check_failures > 0) {
			printf("# seed %llu round %d\n", (unsigned long long)seed, round);
			break;
		}
		durable_slot = slot;
	}
	wal_free(w);
	fake_fini(&f);
}

TEST(crashes_lose_nothing_durable)
{
	const char *s = getenv("SEED");

	for (uint64_t seed = s != NULL ? strtoull(s, NULL, 10) : 1; seed < (s != NULL ? 0 : 400) && check_failures == 0; seed++)
		crashes(seed, 30);
	if (s != NULL)
		crashes(strtoull(s, NULL, 10), 30);
}

/* A log of three batches in the second segment, and where its parts are. */
static struct wal *three(struct fake *f, uint64_t at[10])
{
	enum wal_verdict v;
	struct wal *w = reopen(f, &seen, &v);

	for (uint64_t i = 1; i <= 9; i++) {
		at[i] = put(w, i, 5000);
		if (i % 3 == 0)
			settle(f, w);
	}
	return w;
}

static uint8_t *place(struct fake *f, uint64_t position)
{
	struct fake_file *best = NULL;
	struct seg_header h, of = { 0 };

	for (int i = 0; i < FAKE_FILES; i++) {
		struct fake_file *file = &f->file[i];

		if (file->seq != 0 && seg_header_get((struct bytes){ file->p, file->n }, &h) == SEG_OK && h.first_position <= position
		    && (best == NULL || h.first_position >= of.first_position)) {
			best = file;
			of = h;
		}
	}
	return best->p + SEG_HEADER_BYTES + (position - of.first_position);
}

static enum wal_verdict after_flip(uint64_t which, uint64_t offset, int *n, int *damaged)
{
	struct fake f = { .random = 9 };
	enum wal_verdict v;
	uint64_t at[10];
	struct wal *w = three(&f, at);

	wal_free(w);
	place(&f, at[which])[offset] ^= 0x10;
	w = reopen(&f, &seen, &v);
	*n = seen.n;
	*damaged = 0;
	for (int i = 0; i < seen.n; i++)
		if (seen.r[i].damaged)
			*damaged = (int)seen.r[i].slot;
	wal_free(w);
	fake_fini(&f);
	return v;
}

TEST(a_damaged_body_is_told)
{
	int n, damaged;

	CHECK_INT(after_flip(2, SEG_RECORD_BYTES + 100, &n, &damaged), WAL_DAMAGED);
	CHECK_INT(n, 9);
	CHECK_INT(damaged, 2);
	CHECK_INT(after_flip(6, SEG_RECORD_BYTES + 100, &n, &damaged), WAL_DAMAGED);
	CHECK_INT(n, 9);
	CHECK_INT(damaged, 6);
}

TEST(a_damaged_header_of_what_was_synced_loses_the_log)
{
	int n, damaged;

	CHECK_INT(after_flip(1, 30, &n, &damaged), WAL_LOST);
	CHECK_INT(after_flip(2, 30, &n, &damaged), WAL_LOST);
	CHECK_INT(after_flip(6, 9, &n, &damaged), WAL_LOST);
}

TEST(damage_in_the_last_batch_cannot_be_told_from_a_torn_tail)
{
	int n, damaged;

	CHECK_INT(after_flip(8, 30, &n, &damaged), WAL_CLEAN);
	CHECK_INT(n, 7);
	CHECK_INT(after_flip(8, SEG_RECORD_BYTES + 1, &n, &damaged), WAL_CLEAN);
	CHECK_INT(n, 7);
}

TEST(nothing_is_appended_behind_garbage)
{
	struct fake f = { .random = 10 };
	enum wal_verdict v;
	uint64_t at[10];
	struct wal *w = three(&f, at);

	wal_free(w);
	place(&f, at[8])[30] ^= 1;
	w = reopen(&f, &seen, &v);
	CHECK_INT(wal_durable(w), at[8]);
	CHECK_INT(put(w, 108, 100), at[8]);
	settle(&f, w);
	wal_free(w);
	w = reopen(&f, &seen, &v);
	CHECK_INT(v, WAL_CLEAN);
	CHECK_INT(seen.n, 8);
	CHECK_INT(seen.r[7].slot, 108);
	wal_free(w);
	fake_fini(&f);
}

static struct wal *with_missing(struct fake *f, uint64_t seq, bool header_only, enum wal_verdict *v)
{
	uint64_t at[10];
	struct wal *w = three(f, at);
	struct fake_file *file;

	settle(f, w);
	wal_free(w);
	file = fake_find(f, seq);
	if (header_only)
		file->p[20] ^= 4;
	else {
		free(file->p);
		*file = (struct fake_file){ 0 };
	}
	return reopen(f, &seen, v);
}

TEST(a_missing_segment_loses_the_log)
{
	struct fake f = { .random = 11 };
	enum wal_verdict v;
	struct wal *w = with_missing(&f, 2, false, &v);

	CHECK_INT(v, WAL_LOST);
	wal_free(w);
	fake_fini(&f);
}

TEST(a_bad_segment_header_with_records_loses_the_log)
{
	struct fake f = { .random = 12 };
	enum wal_verdict v;
	struct wal *w = with_missing(&f, 2, true, &v);

	CHECK_INT(v, WAL_LOST);
	wal_free(w);
	fake_fini(&f);
	f = (struct fake){ .random = 12 };
	w = with_missing(&f, 1, true, &v);
	CHECK_INT(v, WAL_LOST);
	wal_free(w);
	fake_fini(&f);
}

TEST(a_bad_header_of_the_last_segment_without_records_is_a_torn_creation)
{
	struct fake f = { .random = 13 };
	enum wal_verdict v;
	uint64_t at[10];
	struct wal *w = three(&f, at);
	uint64_t last = 0;

	wal_free(w);
	for (int i = 0; i < FAKE_FILES; i++)
		if (f.file[i].seq > last)
			last = f.file[i].seq;
	memset(fake_find(&f, last)->p, 'x', 512);
	w = reopen(&f, &seen, &v);
	CHECK_INT(v, WAL_CLEAN);
	CHECK_INT(seen.n, 9);
	put(w, 10, 10);
	settle(&f, w);
	wal_free(w);
	w = reopen(&f, &seen, &v);
	CHECK_INT(v, WAL_CLEAN);
	CHECK_INT(seen.n, 10);
	wal_free(w);
	fake_fini(&f);
}

TEST(newer_and_foreign_logs_are_refused)
{
	struct fake f = { .random = 14 };
	enum wal_verdict v;
	uint64_t at[10];
	struct wal *w = three(&f, at);
	struct wal_io io = fake_io(&f);
	struct wal_options o = options(&f);
	struct seg_header h;

	wal_free(w);
	o.incarnation++;
	CHECK(wal_open(&io, &o, visit, &seen, &v) == NULL && v == WAL_FAILED);
	CHECK(seg_header_get((struct bytes){ fake_find(&f, 2)->p, 65536 }, &h) == SEG_OK);
	h.version = h.reader_version = SEG_VERSION + 1;
	seg_header_put(fake_find(&f, 2)->p, &h);
	CHECK(reopen(&f, &seen, &v) == NULL && v == WAL_FAILED && seen.n == 0);
	fake_fini(&f);
}

static int flips(int wanted)
{
	struct fake f = { .random = 15 };
	enum wal_verdict v;
	uint64_t at[10];
	struct wal *w = three(&f, at);
	int silent = 0;

	wal_free(w);
	/* Bits of the synced part (all but the last batch): each must be noticed, unless it is in padding or zeros. */
	for (int i = 0; i < wanted; i++) {
		uint64_t position = fake_random(&f) % at[7];
		uint8_t *p = place(&f, position), bit = (uint8_t)(1u << fake_random(&f) % 8);
		bool same = true;

		*p ^= bit;
		w = reopen(&f, &seen, &v);
		for (int k = 0; k < 9 && k < seen.n; k++)
			same = same && seen.r[k].slot == (uint64_t)k + 1 && seen.r[k].n == 5000 && !seen.r[k].damaged;
		if (v == WAL_CLEAN && (seen.n != 9 || !same))
			silent++;
		wal_free(w);
		*p ^= bit;
	}
	fake_fini(&f);
	return silent;
}

TEST(no_flipped_bit_goes_unseen)
{
	CHECK_INT(flips(10000), 0);
}

int main(int argc, char **argv)
{
	log_open("wal");
	log_limit(getenv("VERBOSE") != NULL ? LOG_LEVEL_DEBUG : (enum log_level)0);
	X(empty_log_opens)
	X(appended_comes_back)
	X(batches_group_while_one_is_in_flight)
	X(segments_roll_over_and_are_collected)
	X(records_larger_than_what_is_left_roll_over)
	X(unflushed_records_can_be_read)
	X(crashes_lose_nothing_durable)
	X(a_damaged_body_is_told)
	X(a_damaged_header_of_what_was_synced_loses_the_log)
	X(damage_in_the_last_batch_cannot_be_told_from_a_torn_tail)
	X(nothing_is_appended_behind_garbage)
	X(a_missing_segment_loses_the_log)
	X(a_bad_segment_header_with_records_loses_the_log)
	X(a_bad_header_of_the_last_segment_without_records_is_a_torn_creation)
	X(newer_and_foreign_logs_are_refused)
	X(no_flipped_bit_goes_unseen)
	return check_failures > 0;
}
