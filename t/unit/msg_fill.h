/*
 * msg_fill.h: one message of each type with values that no other field has, made from the table.
 * fill_NAME(out, &n, version) appends an encoded NAME; n counts the fields filled so far.  fill_all lists them.
 */
#ifndef T_MSG_FILL_H
#define T_MSG_FILL_H

#include <stdio.h>

#include "mem.h"
#include "msg.h"

static inline uint8_t fill_value_u8(unsigned *n)
{
	return (uint8_t)(0x80 + ++*n % 100);
}

static inline uint16_t fill_value_u16(unsigned *n)
{
	return (uint16_t)(0x8100 + ++*n);
}

static inline uint32_t fill_value_u32(unsigned *n)
{
	return 0x83020100u + ++*n;
}

static inline uint64_t fill_value_u64(unsigned *n)
{
	return 0x8706050403020100u + ++*n;
}

#define MSG(number, name) static inline void fill_##name(struct buf *out, unsigned *n, unsigned version);
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END

#define FILL_MAX 32                                      /* bytes fields of one message */

/* A short text, and now and then one whose length takes two bytes. */
static inline struct bytes fill_text(const char *name, unsigned *n, struct buf *b)
{
	buf_fmt(b, "%s-%u", name, ++*n);
	if (*n % 7 == 0)
		for (int i = 0; i < 130; i++)
			buf_u8(b, (uint8_t)i);
	return buf_view(b);
}

#define MSG(number, name)                                                                                              \
	static inline void fill_##name(struct buf *out, unsigned *n, unsigned version)                                 \
	{                                                                                                              \
		struct buf b[FILL_MAX] = { { 0 } };                                                                    \
		size_t used = 0;                                                                                       \
		struct msg_##name m;                                                                                   \
		(void)n, (void)used;
#define FILL_u8(name) m.name = fill_value_u8(n)
#define FILL_u16(name) m.name = fill_value_u16(n)
#define FILL_u32(name) m.name = fill_value_u32(n)
#define FILL_u64(name) m.name = fill_value_u64(n)
#define FILL_bytes(name) m.name = fill_text(#name, n, &b[used++])
#define F(since, type, name) FILL_##type(name);
#define L(since, part, name)                                                                                           \
	for (int i = 0; i < 2; i++) {                                                                                  \
		size_t mark = msg_list_begin(&b[used]);                                                                \
		fill_##part(&b[used], n, version);                                                                     \
		msg_list_end(&b[used], mark);                                                                          \
	}                                                                                                              \
	m.name = buf_view(&b[used++]);
#define END(name)                                                                                                      \
	msg_put_##name(out, &m, version);                                                                              \
	for (size_t i = 0; i < FILL_MAX; i++)                                                                          \
		buf_fini(&b[i]);                                                                                       \
	}
#include "messages.def"
#undef MSG
#undef F
#undef L
#undef END

static const struct fill {
	unsigned type;
	const char *name;
	void (*fill)(struct buf *out, unsigned *n, unsigned version);
} fill_all[] = {
#define MSG(number, name) { number, #name, fill_##name },
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END
};

#define FILL_COUNT (sizeof fill_all / sizeof *fill_all)

/* Decodes raw as the type says and encodes it again into out; false if it cannot be decoded. */
static inline bool fill_again(unsigned type, struct bytes raw, unsigned version, struct buf *out)
{
	switch (type) {
#define MSG(number, name)                                                                                              \
	case number: {                                                                                                 \
		struct msg_##name m;                                                                                   \
		if (!msg_get_##name(raw, &m, version))                                                                 \
			return false;                                                                                  \
		msg_put_##name(out, &m, version);                                                                      \
		return true;                                                                                           \
	}
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END
	}
	return false;
}

#endif
