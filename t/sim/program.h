/*
 * program: expressions compiled once, with places where the identity of an operation goes.
 * Values in the text: :v an identity, :one, :zero, :none an empty list, :list a list of an identity, :m3 to :p3 the numbers -3 to 3,
 * :id a transaction's id, :P :C :X these letters.  The name #state is what it says.
 */
#ifndef SIM_PROGRAM_H
#define SIM_PROGRAM_H

#include "bytes.h"

#define PROGRAM_ID_BYTES 8               /* of an operation, in items */
#define PROGRAM_TXID "transact"          /* and these before it make 16 bytes */
#define PROGRAM_PLACES_MAX 4

struct program {
	struct buf b;
	size_t at[PROGRAM_PLACES_MAX], n;
};

void program_compile(struct program *p, const char *text, bool update);
void program_fini(struct program *p);
void program_spell(uint32_t id, uint8_t out[PROGRAM_ID_BYTES]);
struct bytes program_fill(const struct program *p, uint32_t id, struct buf *out);        /* appended; a view of that */

#endif
