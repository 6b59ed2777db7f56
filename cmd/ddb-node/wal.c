#include "wal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"
#include "wal_recover.h"

#define KEEP_BYTES (1u << 20)            /* a batch's memory is kept for the next one up to this size */

/*
 * A batch is a run of positions.  Its place in a file is chosen when it is submitted; so are salt, durable, chain and header
 * checksum of its records, which append leaves out.
 */
struct batch {
	TAILQ_ENTRY(batch) link;
	uint64_t first;
	struct buf bytes;
	bool closed;                     /* padded: nothing can be added */
};

enum flight { FLIGHT_NONE, FLIGHT_HEADER, FLIGHT_BATCH };

struct wal {
	struct wal_io io;
	struct wal_options options;
	TAILQ_HEAD(batches, batch) batches;      /* the first is in flight if flight is FLIGHT_BATCH; only the last can be open */
	struct batch *spare;
	size_t waiting;                  /* bytes of all batches but the one in flight */
	uint64_t end;                    /* where the last batch ends, or the next begins */
	uint64_t durable;

	/* Invariant: segments[n - 1] is the one written to; its header is durable if born. */
	struct wal_segment *segments;
	size_t n, room;
	bool born;
	uint64_t bytes, used;            /* its size; where the next batch goes */
	uint32_t chain;
	uint8_t *header;
	enum flight flight;
	bool wanted;                     /* flushed while something was in flight */
	bool lost;
};

static size_t batch_bytes_max(const struct wal *w)
{
	uint64_t room = w->options.segment_bytes - SEG_HEADER_BYTES;

	return room < WAL_BATCH_BYTES_MAX ? room : WAL_BATCH_BYTES_MAX;
}

static struct wal_segment *active(const struct wal *w)
{
	return &w->segments[w->n - 1];
}

static void start_segment(struct wal *w, uint64_t seq, uint64_t bytes, uint64_t first)
{
	if (w->n == w->room) {
		w->room = w->room == 0 ? 16 : 2 * w->room;
		w->segments = mem_resize(w->segments, w->room * sizeof *w->segments);
	}
	w->segments[w->n++] = (struct wal_segment){ seq, first, w->options.random(w->options.random_arg) };
	w->bytes = bytes;
	w->used = SEG_HEADER_BYTES;
	w->born = false;
}

struct wal *wal_open(const struct wal_io *io, const struct wal_options *options,
                     void (*visit)(void *arg, const struct wal_record *r), void *arg, enum wal_verdict *verdict)
{
	struct wal_found found;
	struct wal *w;

	assert(options->first_bytes % SEG_BLOCK == 0 && options->first_bytes >= 2 * SEG_BLOCK);
	assert(options->segment_bytes % SEG_BLOCK == 0 && options->segment_bytes >= 4 * SEG_BLOCK
	       && options->segment_bytes >= options->first_bytes && options->segment_bytes <= WAL_SEGMENT_BYTES_MAX);
	wal_recover(io, options, visit, arg, &found);
	*verdict = found.verdict;
	if (found.verdict == WAL_FAILED) {
		free(found.segments);
		return NULL;
	}
	w = mem_new(sizeof *w);
	TAILQ_INIT(&w->batches);
	w->io = *io;
	w->options = *options;
	w->header = mem_new(SEG_HEADER_BYTES);
	w->segments = found.segments;
	w->n = found.n;
	w->room = found.n;
	w->chain = found.chain;
	w->end = w->durable = found.end;
	w->lost = found.verdict == WAL_LOST;
	if (!w->lost) {
		uint64_t bytes = found.next_there ? options->segment_bytes : options->first_bytes;

		start_segment(w, found.next_seq, bytes, found.end);
		w->io.prepare(w->io.ctx, found.next_seq, bytes);
	}
	return w;
}

static void batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	buf_fini(&b->bytes);
	free(b);
}

void wal_free(struct wal *w)
{
	struct batch *b;

	if (w == NULL)
		return;
	while ((b = TAILQ_FIRST(&w->batches)) != NULL) {
		TAILQ_REMOVE(&w->batches, b, link);
		batch_free(b);
	}
	batch_free(w->spare);
	free(w->segments);
	free(w->header);
	free(w);
}

static void put_record(struct batch *b, uint8_t kind, uint64_t group, uint64_t ballot, uint64_t slot, struct bytes body)
{
	struct seg_record r = {
		.kind = kind, .flags = b->bytes.n == 0 ? SEG_FIRST : 0, .body_bytes = (uint32_t)body.n,
		.body_crc = seg_body_crc(body), .position = b->first + b->bytes.n,
		.group = group, .ballot = ballot, .slot = slot,
	};
	size_t n = seg_record_bytes(body.n);
	uint8_t *p = buf_room(&b->bytes, n);

	assert(p != NULL);
	memset(p + n - 8, 0, 8);
	seg_record_put(p, &r, 0);
	if (body.n > 0)
		memcpy(p + SEG_RECORD_BYTES, body.p, body.n);
	b->bytes.n += n;
}

/* How much of a PAD record n bytes need to fill whole blocks. */
static size_t padding(size_t n)
{
	size_t left = (SEG_BLOCK - n % SEG_BLOCK) % SEG_BLOCK;

	return left > 0 && left < SEG_RECORD_BYTES ? left + SEG_BLOCK : left;
}

static size_t padded(size_t n)
{
	return n + padding(n);
}

/* Pads b to whole blocks: the next batch then never rewrites a block that was acknowledged. */
static void close_batch(struct wal *w, struct batch *b)
{
	static const uint8_t zeros[SEG_BLOCK];                 /* the most is SEG_BLOCK + 64, header included */
	size_t left = padding(b->bytes.n);

	if (left > 0) {
		put_record(b, SEG_PAD, 0, 0, 0, (struct bytes){ zeros, left - SEG_RECORD_BYTES });
		w->waiting += left;
	}
	assert(b->bytes.n % SEG_BLOCK == 0 && b->bytes.n <= batch_bytes_max(w));
	b->closed = true;
	w->end = b->first + b->bytes.n;
}

static struct batch *open_batch(struct wal *w, size_t need)
{
	struct batch *b = TAILQ_LAST(&w->batches, batches);

	if (b != NULL && !b->closed && padded(b->bytes.n + need) > batch_bytes_max(w))
		close_batch(w, b);
	if (b == NULL || b->closed) {
		b = w->spare != NULL ? w->spare : mem_new(sizeof *b);
		w->spare = NULL;
		b->first = w->end;
		b->closed = false;
		buf_clear(&b->bytes);
		TAILQ_INSERT_TAIL(&w->batches, b, link);
	}
	return b;
}

uint64_t wal_append(struct wal *w, uint8_t kind, uint64_t group, uint64_t ballot, uint64_t slot, struct bytes body)
{
	size_t need = seg_record_bytes(body.n);
	struct batch *b;
	uint64_t position;

	assert(!w->lost && kind > SEG_PAD && kind <= SEG_NODE);
	assert(padded(need) <= batch_bytes_max(w));
	b = open_batch(w, need);
	position = b->first + b->bytes.n;
	put_record(b, kind, group, ballot, slot, body);
	w->waiting += need;
	w->end = b->first + b->bytes.n;
	return position;
}

/* Fill in what append could not know.  Between append and here a header is its own, complete but for the final values. */
static void seal(struct wal *w, struct batch *b)
{
	uint64_t salt = active(w)->salt;

	for (size_t off = 0; off < b->bytes.n;) {
		uint8_t *p = b->bytes.p + off;
		uint64_t none = 0, position = b->first + off;
		struct seg_record r;
		enum seg_verdict v = seg_record_get((struct bytes){ p, b->bytes.n - off }, &none, &position, &r);

		assert(v == SEG_OK);
		r.salt = salt;
		r.durable = w->durable;
		seg_record_put(p, &r, w->chain);
		w->chain = r.chain;
		off += seg_record_bytes(r.body_bytes);
	}
}

static void submit_header(struct wal *w)
{
	const struct wal_segment *s = active(w);
	struct seg_header h = {
		.version = SEG_VERSION, .reader_version = SEG_VERSION, .node = w->options.node,
		.incarnation = w->options.incarnation, .sequence = s->seq, .first_position = s->first, .salt = s->salt,
		.chain = w->chain,
	};

	memcpy(h.cluster, w->options.cluster, sizeof h.cluster);
	seg_header_put(w->header, &h);
	w->flight = FLIGHT_HEADER;
	w->io.submit(w->io.ctx, s->seq, 0, w->header, SEG_HEADER_BYTES);
}

static void advance(struct wal *w)
{
	struct batch *b = TAILQ_FIRST(&w->batches);

	assert(w->flight == FLIGHT_NONE);
	w->wanted = false;
	if (b == NULL)
		return;
	if (w->born && padded(b->bytes.n) > w->bytes - w->used)
		start_segment(w, active(w)->seq + 1, w->options.segment_bytes, b->first);
	if (!w->born) {
		/* A header of its own sync: a bad header with sound records behind it is then never a torn creation. */
		w->wanted = true;
		submit_header(w);
		return;
	}
	if (!b->closed)
		close_batch(w, b);
	seal(w, b);
	assert(w->used + b->bytes.n <= w->bytes);
	w->waiting -= b->bytes.n;
	w->flight = FLIGHT_BATCH;
	w->wanted = TAILQ_NEXT(b, link) != NULL;
	w->io.submit(w->io.ctx, active(w)->seq, w->used, b->bytes.p, b->bytes.n);
}

void wal_flush(struct wal *w)
{
	if (w->flight == FLIGHT_NONE)
		advance(w);
	else if (w->waiting > 0)
		w->wanted = true;
}

void wal_written(struct wal *w)
{
	enum flight flight = w->flight;
	struct batch *b;

	assert(flight != FLIGHT_NONE);
	w->flight = FLIGHT_NONE;
	if (flight == FLIGHT_HEADER) {
		w->born = true;
		w->io.prepare(w->io.ctx, active(w)->seq + 1, w->options.segment_bytes);
	} else {
		b = TAILQ_FIRST(&w->batches);
		TAILQ_REMOVE(&w->batches, b, link);
		w->used += b->bytes.n;
		w->durable = b->first + b->bytes.n;
		if (w->spare == NULL && b->bytes.cap <= KEEP_BYTES)
			w->spare = b;
		else
			batch_free(b);
	}
	if (w->wanted)
		advance(w);
}

bool wal_full(const struct wal *w)
{
	return w->waiting >= WAL_BATCH_BYTES_MAX;
}

uint64_t wal_durable(const struct wal *w)
{
	return w->durable;
}

uint64_t wal_end(const struct wal *w)
{
	return w->end;
}

bool wal_idle(const struct wal *w)
{
	return TAILQ_EMPTY(&w->batches);
}

static bool read_memory(struct wal *w, uint64_t position, uint64_t group, uint64_t slot, struct buf *out)
{
	struct batch *b;

	TAILQ_FOREACH(b, &w->batches, link) {
		struct seg_record r;

		if (position < b->first || position >= b->first + b->bytes.n)
			continue;
		if (seg_record_get((struct bytes){ b->bytes.p + (position - b->first), b->bytes.n - (position - b->first) }, NULL,
		                   &position, &r) != SEG_OK || r.group != group || r.slot != slot)
			return false;
		buf_put(out, b->bytes.p + (position - b->first) + SEG_RECORD_BYTES, r.body_bytes);
		return !out->over;
	}
	return false;
}

bool wal_read(struct wal *w, uint64_t position, uint64_t group, uint64_t slot, struct buf *out)
{
	uint8_t raw[SEG_RECORD_BYTES];
	const struct wal_segment *s = NULL;
	struct seg_record r;
	uint64_t off;
	uint8_t *p;

	if (position >= w->durable)
		return read_memory(w, position, group, slot, out);
	for (size_t lo = 0, hi = w->n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->segments[mid].first <= position) {
			s = &w->segments[mid];
			lo = mid + 1;
		} else
			hi = mid;
	}
	if (s == NULL)
		return false;
	off = SEG_HEADER_BYTES + (position - s->first);
	if (w->io.read(w->io.ctx, s->seq, off, raw, sizeof raw) != (long)sizeof raw)
		return false;
	if (seg_record_get((struct bytes){ raw, sizeof raw }, &s->salt, &position, &r) != SEG_OK || r.group != group
	    || r.slot != slot)
		return false;
	p = buf_room(out, r.body_bytes);
	if (p == NULL || w->io.read(w->io.ctx, s->seq, off + SEG_RECORD_BYTES, p, r.body_bytes) != (long)r.body_bytes
	    || seg_body_crc((struct bytes){ p, r.body_bytes }) != r.body_crc)
		return false;
	out->n += r.body_bytes;
	return true;
}

uint64_t wal_collect(struct wal *w, uint64_t position)
{
	size_t gone = 0;

	if (w->n == 0)
		return w->end;
	/* A segment may go when the next one has its header on disk: that is what tells where the log begins. */
	while (gone + 1 < w->n && w->segments[gone + 1].first <= position && (gone + 2 < w->n || w->born)) {
		w->io.recycle(w->io.ctx, w->segments[gone].seq);
		gone++;
	}
	if (gone > 0) {
		memmove(w->segments, w->segments + gone, (w->n - gone) * sizeof *w->segments);
		w->n -= gone;
	}
	return w->segments[0].first;
}

uint64_t wal_bytes(const struct wal *w)
{
	return w->n > 0 ? w->end - w->segments[0].first : 0;
}
