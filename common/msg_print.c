#include "msg.h"

#define PRINT_TEXT_MAX 48                                /* bytes shown of a field */
#define PRINT_HEX_MAX 24
#define PRINT_PARTS_MAX 8                                /* parts shown of a list */

const char *msg_name(unsigned type)
{
	switch (type) {
#define MSG(number, name)                                                                                              \
	case number:                                                                                                   \
		return #name;
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END
	}
	return "unknown";
}

static void print_number(struct buf *out, uint64_t v)
{
	buf_fmt(out, "%llu", (unsigned long long)v);
}

#define print_u8 print_number
#define print_u16 print_number
#define print_u32 print_number
#define print_u64 print_number

static bool is_text(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] > 0x7e || v.p[i] == '"' || v.p[i] == '\\')
			return false;
	return true;
}

static struct bytes shortened(struct bytes v, size_t max)
{
	return (struct bytes){ v.p, v.n < max ? v.n : max };
}

static void print_bytes(struct buf *out, struct bytes v)
{
	size_t max = is_text(v) ? PRINT_TEXT_MAX : PRINT_HEX_MAX;

	if (is_text(v)) {
		buf_str(out, "\"");
		buf_bytes(out, shortened(v, max));
		buf_str(out, "\"");
	} else {
		buf_hex(out, shortened(v, max));
	}
	if (v.n > max)
		buf_fmt(out, "..(%zu)", v.n);
}

static void print_list(struct buf *out, struct bytes list, unsigned version,
                       void (*part_print)(struct bytes raw, unsigned version, struct buf *out))
{
	struct bytes part;
	size_t n = 0;

	buf_str(out, "[");
	while (msg_list_next(&list, &part)) {
		if (n > 0 && n < PRINT_PARTS_MAX)
			buf_str(out, " ");
		if (n++ < PRINT_PARTS_MAX)
			part_print(part, version, out);
	}
	if (n > PRINT_PARTS_MAX)
		buf_fmt(out, " ..(%zu)", n);
	if (list.n > 0)
		buf_fmt(out, " malformed(%zu)", list.n);
	buf_str(out, "]");
}

#define MSG(number, name) static void print_##name(struct bytes raw, unsigned version, struct buf *out);
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END

static void print_malformed(struct bytes raw, struct buf *out)
{
	buf_str(out, "malformed ");
	print_bytes(out, raw);
	buf_str(out, "}");
}

#define MSG(number, name)                                                                                              \
	static void print_##name(struct bytes raw, unsigned version, struct buf *out)                                  \
	{                                                                                                              \
		struct msg_##name m;                                                                                   \
		const char *gap = "";                                                                                  \
		buf_str(out, #name "{");                                                                               \
		if (!msg_get_##name(raw, &m, version)) {                                                               \
			print_malformed(raw, out);                                                                     \
			return;                                                                                        \
		}
#define FIELD(since, name, printing)                                                                                   \
	if (version >= since) {                                                                                        \
		buf_str(out, gap), buf_str(out, #name "=");                                                            \
		printing;                                                                                              \
		gap = " ";                                                                                             \
	}
#define F(since, type, name) FIELD(since, name, print_##type(out, m.name))
#define L(since, part, name) FIELD(since, name, print_list(out, m.name, version, print_##part))
#define END(name)                                                                                                      \
	(void)gap;                                                                                                     \
	buf_str(out, "}");                                                                                             \
	}
#include "messages.def"
#undef MSG
#undef F
#undef L
#undef END

void msg_print(unsigned type, struct bytes raw, unsigned version, struct buf *out)
{
	switch (type) {
#define MSG(number, name)                                                                                              \
	case number:                                                                                                   \
		print_##name(raw, version, out);                                                                       \
		return;
#define F(since, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END
	}
	buf_fmt(out, "unknown(%u){", type);
	print_bytes(out, raw);
	buf_str(out, "}");
}
