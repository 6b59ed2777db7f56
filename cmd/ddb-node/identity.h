/*
 * identity: which incarnation a node's directory belongs to.  File HOME/node-NAME/identity; format: ddb-node(8).
 * A wiped disk has no identity; it gets a new incarnation from the catalogue and never votes under the old one (DESIGN, D3).
 * The directory is locked while open.
 */
#ifndef NODE_IDENTITY_H
#define NODE_IDENTITY_H

#include "bytes.h"

struct identity {
	char *dir;                   /* HOME/node-NAME */
	int lock;                    /* descriptor */
	uint8_t cluster[16];
	uint32_t number, incarnation;  /* incarnation 0: none yet */
	bool used;                   /* a log was written under it: an empty one means that the disk was wiped */
};

/*
 * Make the directory if need be, lock it, read the file.  An identity whose log has vanished does not count.
 * Returns 0, or an exit code after saying why (in use, of another cluster, of a newer format).
 */
int identity_open(struct identity *id, const char *home, const char *name, const uint8_t cluster[16]);
int identity_save(const struct identity *id);    /* durably; 0, or an exit code after saying why */
/* The log has lost what the node promised: put everything aside, so that the next start joins anew. */
int identity_give_up(struct identity *id);
void identity_close(struct identity *id);

#endif
