#include "msg.h"

#include <string.h>

/*
 * A message is put in one piece: its size is summed up first, so that one bounds check covers all its fields.
 */
static inline size_t size_u8(uint8_t v)
{
	return sizeof v;
}

static inline size_t size_u16(uint16_t v)
{
	return sizeof v;
}

static inline size_t size_u32(uint32_t v)
{
	return sizeof v;
}

static inline size_t size_u64(uint64_t v)
{
	return sizeof v;
}

static inline size_t size_bytes(struct bytes v)
{
	size_t n = 1;

	for (size_t left = v.n; left >= 0x80; left >>= 7)
		n++;
	return n + v.n;
}

static inline uint8_t *put_u8(uint8_t *p, uint8_t v)
{
	*p = v;
	return p + sizeof v;
}

static inline uint8_t *put_u16(uint8_t *p, uint16_t v)
{
	store_u16(p, v);
	return p + sizeof v;
}

static inline uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	store_u32(p, v);
	return p + sizeof v;
}

static inline uint8_t *put_u64(uint8_t *p, uint64_t v)
{
	store_u64(p, v);
	return p + sizeof v;
}

static inline uint8_t *put_length(uint8_t *p, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		*p++ = (uint8_t)(n | 0x80);
	*p++ = (uint8_t)n;
	return p;
}

static inline uint8_t *put_bytes(uint8_t *p, struct bytes v)
{
	p = put_length(p, v.n);
	if (v.n > 0)
		memcpy(p, v.p, v.n);
	return p + v.n;
}

#define MSG(number, name)                                                                                              \
	static inline size_t size_##name(const struct msg_##name *m, unsigned version)                                 \
	{                                                                                                              \
		size_t n = 0;                                                                                          \
		(void)m, (void)version;
#define F(since, type, name)                                                                                           \
	if (version >= since)                                                                                          \
		n += size_##type(m->name);
#define END(name)                                                                                                      \
	return n;                                                                                                      \
	}
#include "messages.def"
#undef MSG
#undef F
#undef END

#define MSG(number, name)                                                                                              \
	void msg_put_##name(struct buf *b, const struct msg_##name *m, unsigned version)                               \
	{                                                                                                              \
		size_t n = size_##name(m, version);                                                                    \
		uint8_t *p = buf_room(b, n);                                                                           \
		if (p == NULL)                                                                                         \
			return;                                                                                        \
		b->n += n;
#define F(since, type, name)                                                                                           \
	if (version >= since)                                                                                          \
		p = put_##type(p, m->name);
#define END(name)                                                                                                      \
	(void)p;                                                                                                       \
	}
#include "messages.def"
#undef MSG
#undef F
#undef END

#define get_u8 cur_u8
#define get_u16 cur_u16
#define get_u32 cur_u32
#define get_u64 cur_u64
#define get_bytes cur_lenbytes

#define MSG(number, name)                                                                                              \
	bool msg_get_##name(struct bytes raw, struct msg_##name *m, unsigned version)                                  \
	{                                                                                                              \
		struct cur c = cur_of(raw);                                                                            \
		memset(m, 0, sizeof *m);                                                                               \
		(void)version;
#define F(since, type, name)                                                                                           \
	if (version >= since)                                                                                          \
		m->name = get_##type(&c);
#define END(name)                                                                                                      \
	return cur_done(&c);                                                                                           \
	}
#include "messages.def"
#undef MSG
#undef F
#undef END

bool msg_list_next(struct bytes *rest, struct bytes *part)
{
	struct cur c = cur_of(*rest);

	*part = BYTES_NONE;
	if (rest->n == 0)
		return false;
	*part = cur_lenbytes(&c);
	if (c.bad)
		return false;
	*rest = cur_rest(&c);
	return true;
}

size_t msg_list_begin(struct buf *list)
{
	buf_u8(list, 0);
	return list->n;
}

/* Nearly all parts are shorter than 128 bytes, so one byte was left for the length; a longer part moves. */
void msg_list_end(struct buf *list, size_t mark)
{
	uint8_t length[10];
	size_t part, n;

	if (list->over)
		return;
	part = list->n - mark;
	n = (size_t)(put_length(length, part) - length);
	if (n > 1) {
		if (buf_room(list, n - 1) == NULL)
			return;
		memmove(list->p + mark + n - 1, list->p + mark, part);
		list->n += n - 1;
	}
	memcpy(list->p + mark - 1, length, n);
}
