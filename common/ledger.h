/*
 * ledger: the table in which the fate of each transaction is decided (DESIGN, Transactions).
 * Its items:
 *   pk      S   the client's token, or a random id; the key, hash only
 *   id      B   the transaction's id: 16 bytes, random, never used again
 *   state   S   P pending, C committed, X cancelled.  Only P ever changes, by a condition on id and state
 *   hash    B   of the request        time   N  its timestamp
 *   until   N   seconds since 1970: the row may go then.  One that says C has it only once every group has carried that out
 * Until it goes, the row stands for its transaction when its token comes again.  While something may be locked, C must be read,
 * for the lack of a row means X.  So one that says X may go at any time, and to delete or replace one that says P is to cancel.
 */
#ifndef COMMON_LEDGER_H
#define COMMON_LEDGER_H

#define LEDGER_TABLE "#ledger"
#define LEDGER_PK "pk"
#define LEDGER_ID "id"
#define LEDGER_STATE "state"
#define LEDGER_HASH "hash"
#define LEDGER_UNTIL "until"
#define LEDGER_TIME "time"

#define LEDGER_PENDING "P"
#define LEDGER_COMMITTED "C"
#define LEDGER_CANCELLED "X"

#define LEDGER_ID_N 16

#endif
