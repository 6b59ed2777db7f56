/* lin_impl: what the files of lin share.  lin.c goes key by key; lin_register.c and lin_list.c judge one. */
#ifndef T_KILL_LIN_IMPL_H
#define T_KILL_LIN_IMPL_H

#include "lin.h"

/* The operations of one key. */
struct lin_key {
	const struct hist *h;
	const struct hist_op **op;
	size_t n;
	struct lin *out;
};

/* Remember what is wrong with this key; returns false. */
bool lin_bad(const struct lin_key *k, enum lin_fault f, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void lin_say(const struct hist_op *o, char *out, size_t n);     /* "put 7 at 12.345-12.350 s" */

bool lin_register(const struct lin_key *k);
bool lin_list(const struct lin_key *k);

#endif
