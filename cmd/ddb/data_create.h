/* data_create: making a table, for create and for load; and waiting for what becomes of one. */
#ifndef DDB_DATA_CREATE_H
#define DDB_DATA_CREATE_H

#include "data.h"

/*
 * CreateTable of d->table with the body that was begun and filled in d, then wait until it can be used, if wait.
 * 0, or an exit code after saying why.
 */
int data_create_send(struct data *d, bool wait);
/* The same from the first line of a dump, as it says. */
int data_create_from(struct data *d, struct bytes line, bool wait);

/*
 * What --provisioned says, READS:WRITES, as a member of a request, to be freed; NULL if text is.
 * 0, or an exit code after saying why.
 */
int data_create_units(const char *text, char **member);

/* Until DescribeTable says ACTIVE or UPDATING, or, if gone, that there is no such table. */
int data_create_wait(struct data *d, bool gone);
/* The same as until it can be used, after a DescribeTable whose answer is in d. */
int data_create_ready(struct data *d);

#endif
