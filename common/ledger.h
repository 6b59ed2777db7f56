/*
 * ledger: the table in which the fate of each transaction is decided (DESIGN, Transactions).
 * Its items:
 *   pk      S   the client's token, or a random id; the key, hash only
 *   id      B   the transaction's id: 16 bytes, random, never used again
 *   state   S   P pending, C committed, X cancelled.  Only P ever changes, by a condition on id and state
 *   hash    B   of the request        until  N  seconds: the token stands for this transaction until then
 *   time    N   its timestamp         reasons B  of X, as the coordinator has written them
 *   done    N   1 once every group has carried out a C
 * A row that says C is replaced or deleted only once it is `done` and `until` is past, or nobody can ask for it: while something
 * may be locked, C must be read, for the lack of a row means X.  So one that says X may go at any time, and to delete or
 * replace one that says P is to cancel.
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
#define LEDGER_REASONS "reasons"
#define LEDGER_DONE "done"

#define LEDGER_PENDING "P"
#define LEDGER_COMMITTED "C"
#define LEDGER_CANCELLED "X"

#define LEDGER_ID_N 16

#endif
