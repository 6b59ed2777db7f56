/*
 * msg: messages between processes, all from one table (messages.def).
 * For each message NAME:
 *   struct msg_NAME { fields };             bytes fields are views into the frame, valid until it is consumed
 *   MSG_NAME                                its wire type
 *   void msg_put_NAME(struct buf *, const struct msg_NAME *, unsigned version);    fields of that protocol version only
 *   bool msg_get_NAME(struct bytes, struct msg_NAME *, unsigned version);          strict; later fields are zero
 * Does not: cap the lengths inside (the frame did, FRAME_BYTES_MAX), check what the fields mean.
 */
#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include "bytes.h"

#define MSG_VERSION 1u               /* the highest protocol version we speak */
#define MSG_VERSION_MIN 1u

enum msg_op_kind { MSG_OP_PUT = 1, MSG_OP_DELETE = 2, MSG_OP_UPDATE = 3, MSG_OP_CHECK = 4 };
enum msg_returns {
	MSG_RETURN_NONE,
	MSG_RETURN_ALL_OLD,
	MSG_RETURN_UPDATED_OLD,
	MSG_RETURN_ALL_NEW,
	MSG_RETURN_UPDATED_NEW,
};

enum msg_tx_state { MSG_TX_CANCELLED = 1, MSG_TX_COMMITTED = 2 };

/* Structs */
#define MSG_TYPE_u8 uint8_t
#define MSG_TYPE_u16 uint16_t
#define MSG_TYPE_u32 uint32_t
#define MSG_TYPE_u64 uint64_t
#define MSG_TYPE_bytes struct bytes
#define MSG(number, name) struct msg_##name {
#define F(version, type, name) MSG_TYPE_##type name;
#define END(name) };
#include "messages.def"
#undef MSG
#undef F
#undef END

enum msg_type {
#define MSG(number, name) MSG_##name = number,
#define F(version, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END
};

#define MSG(number, name)                                                                                              \
	void msg_put_##name(struct buf *b, const struct msg_##name *m, unsigned version);                              \
	bool msg_get_##name(struct bytes raw, struct msg_##name *m, unsigned version);
#define F(version, type, name)
#define END(name)
#include "messages.def"
#undef MSG
#undef F
#undef END

const char *msg_name(unsigned type);                     /* "unknown" for a type not in the table */
/* Prints any message for people: `beat{from=1 to=2 ...}`.  Bytes as text or hex, shortened; lists part by part. */
void msg_print(unsigned type, struct bytes raw, unsigned version, struct buf *out);
/* Takes the next part of a list field.  False at its end or when it is malformed (then *rest is not empty). */
bool msg_list_next(struct bytes *rest, struct bytes *part);
/* Appends one nested message to a list under construction:  MSG_LIST_PUT(&list, member, &m, version). */
#define MSG_LIST_PUT(list, name, m, version)                                                                           \
	do {                                                                                                           \
		size_t msg_mark = msg_list_begin(list);                                                                \
		msg_put_##name(list, m, version);                                                                      \
		msg_list_end(list, msg_mark);                                                                          \
	} while (0)
size_t msg_list_begin(struct buf *list);
void msg_list_end(struct buf *list, size_t mark);        /* puts the length in front (moves the part if need be) */

#endif
