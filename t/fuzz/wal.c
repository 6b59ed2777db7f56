/* fuzz: a program of appends, flushes, crashes and bit flips over a disk in memory; what was durable is there or its loss is told. */
#include "wal.h"

#include <assert.h>

#include "log.h"
#include "t/unit/wal_fake.h"

#define SLOTS_MAX 4096

struct model {
	uint64_t at[SLOTS_MAX], slots, durable, kept;    /* slots 1..slots are appended, kept.. are wanted back */
	uint64_t next, damaged;                          /* while visiting */
	bool flipped, wrong;
};

static void visit(void *arg, const struct wal_record *r)
{
	struct model *m = arg;

	if (r->slot != m->next || r->position != m->at[r->slot])
		m->wrong = true;
	m->damaged += r->damaged;
	m->next++;
}

static struct wal *reopen(struct fake *f, struct model *m)
{
	struct wal_io io = fake_io(f);
	struct wal_options o = { .first_bytes = 8192, .segment_bytes = 32768, .node = 1, .incarnation = 1, .random = fake_random,
		.random_arg = f };
	enum wal_verdict v;
	struct wal *w;

	m->next = m->kept;
	m->damaged = 0;
	m->wrong = false;
	w = wal_open(&io, &o, visit, m, &v);
	if (!m->flipped) {
		assert(v == WAL_CLEAN && !m->wrong && m->damaged == 0 && m->next > m->durable);
		m->slots = m->durable = m->next - 1;
		return w;
	}
	/* One flipped bit: told, or in the last batch, or of no consequence. */
	if (v == WAL_CLEAN)
		assert(!m->wrong && m->damaged == 0);
	if (v == WAL_DAMAGED)
		assert(!m->wrong && m->damaged == 1);
	wal_free(w);
	return NULL;
}

static void flip(struct fake *f, struct model *m, uint64_t dice)
{
	struct fake_file *file = &f->file[dice % FAKE_FILES];

	if (file->seq == 0)
		return;
	file->p[(dice >> 8) % file->n] ^= (uint8_t)(1 << (dice >> 40) % 8);
	m->flipped = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t body[16384];
	struct fake f = { .random = n };
	struct model m = { .kept = 1 };
	struct wal *w;

	log_limit((enum log_level)0);
	f.keep_old = n > 0 && (data[0] & 1) != 0;
	w = reopen(&f, &m);
	for (size_t i = 1; i + 1 < n && w != NULL; i += 2) {
		switch (data[i] % 8) {
		case 0: case 1: case 2: case 3:
			if (m.slots + 1 < SLOTS_MAX) {
				size_t length = data[i] % 8 == 3 ? (size_t)data[i + 1] * 64 : data[i + 1];

				m.slots++;
				m.at[m.slots] = wal_append(w, SEG_ENTRY, 1, 1, m.slots, (struct bytes){ body, length });
			}
			break;
		case 4:
			wal_flush(w);
			break;
		case 5:
			fake_step(&f, w);
			break;
		case 6:
			if (m.durable > 0) {
				uint64_t first = wal_collect(w, m.at[m.durable]);

				while (m.at[m.kept] < first)
					m.kept++;
			}
			break;
		default:
			fake_crash(&f, data[i + 1] % 3 * 50u);
			wal_free(w);
			if (data[i + 1] > 250)
				flip(&f, &m, fake_random(&f) ^ data[i + 1]);
			w = reopen(&f, &m);
		}
		while (w != NULL && m.durable < m.slots && m.at[m.durable + 1] < wal_durable(w))
			m.durable++;
	}
	wal_free(w);
	fake_fini(&f);
	return 0;
}
