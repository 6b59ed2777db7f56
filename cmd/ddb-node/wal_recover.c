#include "wal_recover.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

#define CHUNK_BYTES (64u << 10)

struct recovery {
	const struct wal_io *io;
	const struct wal_options *options;
	void (*visit)(void *arg, const struct wal_record *r);
	void *arg;
	struct wal_found *out;
	uint64_t *seqs;
	struct seg_header *headers;      /* of seqs */
	size_t n, born;                  /* files; those of them with a header of their own: all, or all but the last */
	uint8_t *image;
	size_t image_room;
};

static void give_up(struct recovery *r, enum wal_verdict verdict)
{
	r->out->verdict = verdict;
}

static bool lost(struct recovery *r, uint64_t seq, uint64_t position, const char *what)
{
	log_err("log segment %" PRIu64 ": position %" PRIu64 ": %s; what stood there is not known", seq, position, what);
	give_up(r, WAL_LOST);
	return false;
}

static bool foreign(struct recovery *r, uint64_t seq, const struct seg_header *h)
{
	const struct wal_options *o = r->options;

	if (memcmp(h->cluster, o->cluster, sizeof o->cluster) == 0 && h->node == o->node && h->incarnation == o->incarnation)
		return false;
	log_err("log segment %" PRIu64 ": belongs to another replica: node %" PRIu32 " incarnation %" PRIu32
	        ", not node %" PRIu32 " incarnation %" PRIu32 " of this cluster",
	        seq, h->node, h->incarnation, o->node, o->incarnation);
	give_up(r, WAL_FAILED);
	return true;
}

static bool find_segments(struct recovery *r)
{
	int n;

	r->seqs = mem_new(WAL_SEGMENTS_MAX * sizeof *r->seqs);
	n = r->io->list(r->io->ctx, r->seqs, WAL_SEGMENTS_MAX);
	if (n < 0) {
		give_up(r, WAL_FAILED);
		return false;
	}
	r->n = (size_t)n;
	/* Only the newest file that was written to can hold what never reached the disk; a younger one is empty. */
	for (size_t i = r->n > 2 ? r->n - 2 : 0; i < r->n; i++) {
		if (r->io->sync(r->io->ctx, r->seqs[i]) != 0) {
			give_up(r, WAL_FAILED);
			return false;
		}
	}
	return true;
}

/* Everything that makes us refuse the log is found here, before anything of it is believed. */
static bool read_headers(struct recovery *r)
{
	r->headers = mem_new((r->n + 1) * sizeof *r->headers);
	r->born = r->n;
	for (size_t i = 0; i < r->n; i++) {
		uint8_t raw[SEG_HEADER_BYTES];
		long got = r->io->read(r->io->ctx, r->seqs[i], 0, raw, sizeof raw);
		enum seg_verdict v;

		if (got < 0) {
			give_up(r, WAL_FAILED);
			return false;
		}
		v = seg_header_get((struct bytes){ raw, (size_t)got }, &r->headers[i]);
		if (v == SEG_NEWER) {
			log_err("log segment %" PRIu64 ": format version %" PRIu32 " needs a reader of version %" PRIu32
			        "; this program reads up to %u",
			        r->seqs[i], r->headers[i].version, r->headers[i].reader_version, SEG_VERSION);
			give_up(r, WAL_FAILED);
			return false;
		}
		if (v == SEG_OK && r->headers[i].sequence == r->seqs[i]) {
			if (foreign(r, r->seqs[i], &r->headers[i]))
				return false;
		} else if (i + 1 < r->n)
			return lost(r, r->seqs[i], 0, "the segment's header is bad");
		else
			r->born = i;
		if (r->seqs[i] != r->seqs[0] + i)
			return lost(r, r->seqs[0] + i, 0, "the segment is missing");
	}
	return true;
}

static bool load(struct recovery *r, uint64_t seq, struct bytes *image)
{
	size_t n = 0;
	long got;

	do {
		if (r->image_room == n && n < WAL_SEGMENT_BYTES_MAX) {
			r->image_room = n == 0 ? CHUNK_BYTES : 2 * n;
			r->image = mem_resize(r->image, r->image_room);
		}
		got = r->io->read(r->io->ctx, seq, n, r->image + n, r->image_room - n);
		if (got < 0) {
			give_up(r, WAL_FAILED);
			return false;
		}
		n += (size_t)got;
	} while (n == r->image_room && n < WAL_SEGMENT_BYTES_MAX);
	*image = (struct bytes){ r->image, n };
	return true;
}

static void show(struct recovery *r, const struct seg_record *record, struct bytes body, bool damaged)
{
	struct wal_record give = { record->kind, record->group, record->ballot, record->slot, record->position, body, damaged };

	if (record->kind == SEG_PAD)
		return;
	if (damaged) {
		log_err("log record at position %" PRIu64 " (group %" PRIu64 ", slot %" PRIu64 "): the body is damaged",
		        record->position, record->group, record->slot);
		r->out->verdict = WAL_DAMAGED;
	}
	r->visit(r->arg, &give);
}

/* The last segment's records end where nothing sound follows.  Say so if there was something. */
static void tail(const struct seg_walk *at, enum seg_verdict v, uint64_t seq)
{
	struct seg_walk w = *at;

	if (v == SEG_BAD_BODY || w.off % SEG_BLOCK != 0 || seg_walk_skip(&w))
		log_info("log segment %" PRIu64 ": torn tail at position %" PRIu64 ", never acknowledged: left behind", seq,
		         seg_walk_position(at));
}

static bool read_segment(struct recovery *r, size_t i)
{
	bool last = i + 1 == r->born;
	uint64_t seq = r->seqs[i], bound = last ? UINT64_MAX : r->headers[i + 1].first_position, proven;
	struct bytes image;
	struct seg_walk w;

	if (i > 0 && (r->headers[i].chain != r->out->chain || r->headers[i].first_position != r->out->end))
		return lost(r, seq, r->headers[i].first_position, "the segment does not follow the one before");
	if (!load(r, seq, &image))
		return false;
	proven = last ? seg_proven(image, &r->headers[i]) : bound;
	seg_walk_init(&w, image, &r->headers[i]);
	for (;;) {
		struct seg_walk at = w;
		uint64_t position = seg_walk_position(&w);
		struct seg_record record;
		struct bytes body;
		enum seg_verdict v;

		r->out->end = position;
		r->out->chain = w.chain;
		if (position >= bound)
			break;
		v = seg_walk_next(&w, &record, &body);
		if (v == SEG_OK || (v == SEG_BAD_BODY && position < proven)) {
			show(r, &record, body, v == SEG_BAD_BODY);
			continue;
		}
		if (position < proven)
			return lost(r, seq, position, "a record that was synced is gone");
		tail(&at, v, seq);
		break;
	}
	return true;
}

/* A file without a header of its own was prepared and never used, unless records stand in it. */
static bool check_unborn(struct recovery *r)
{
	uint64_t seq = r->seqs[r->born];
	struct bytes image;

	if (!load(r, seq, &image))
		return false;
	if (seg_any(image, r->born > 0 ? &r->out->end : NULL))
		return lost(r, seq, r->out->end, "the segment's header is bad");
	return true;
}

void wal_recover(const struct wal_io *io, const struct wal_options *options,
                 void (*visit)(void *arg, const struct wal_record *r), void *arg, struct wal_found *out)
{
	struct recovery r = { .io = io, .options = options, .visit = visit, .arg = arg, .out = out };
	bool good;

	*out = (struct wal_found){ .verdict = WAL_CLEAN, .next_seq = 1 };
	good = find_segments(&r) && read_headers(&r);
	if (good) {
		out->segments = mem_new((r.n + 1) * sizeof *out->segments);
		for (size_t i = 0; good && i < r.born; i++) {
			const struct seg_header *h = &r.headers[i];

			out->segments[out->n++] = (struct wal_segment){ h->sequence, h->first_position, h->salt };
			good = read_segment(&r, i);
		}
		if (good && r.born < r.n)
			good = check_unborn(&r);
		if (good && r.n > 0) {
			out->next_there = r.born < r.n;
			out->next_seq = out->next_there ? r.seqs[r.born] : r.seqs[r.n - 1] + 1;
		}
	}
	free(r.seqs);
	free(r.headers);
	free(r.image);
}
