/*
 * cluster: the file `cluster` of a home directory: which cluster this is and where its processes are.
 * Format: ddb-cluster(5).
 * Lines, in any order but the first; # begins a comment line:
 *	format 1
 *	cluster 32-hex-digits
 *	region us-east-1
 *	node NUMBER NAME zone ZONE addr ADDR incarnation N
 *	memds ADDR          autoadmin ADDR          router ADDR
 * The incarnation of a node is that of its first life, which exists before there is a catalogue to ask.
 * Does not: keep comments, resolve or connect to addresses.
 */
#ifndef COMMON_CLUSTER_H
#define COMMON_CLUSTER_H

#include "bytes.h"

#define CLUSTER_FORMAT 1
#define CLUSTER_NODES_MAX 1000
#define CLUSTER_ADDRS_MAX 64                             /* of each kind */
#define CLUSTER_NAME_MAX 64                              /* of a node, a zone, a region: letters, digits, - _ . */
#define CLUSTER_ADDR_MAX 1024
#define CLUSTER_FILE_BYTES_MAX ((size_t)4 << 20)

struct cluster_node {
	uint32_t number;                                 /* > 0, distinct, as are names and incarnations */
	uint32_t incarnation;                            /* > 0 */
	char *name, *zone, *addr;
};

struct cluster_addrs {
	char **v;
	size_t n;
};

struct cluster {                                         /* owns everything; zeroed is empty */
	uint8_t id[16];
	char *region;
	struct cluster_node *nodes;                      /* in the order of the file */
	size_t nodes_n;
	struct cluster_addrs memds, autoadmin, router;
};

void cluster_fini(struct cluster *c);

/* Building one, for `ddb up`; arguments are copied.  Asserts the bounds above. */
void cluster_set_region(struct cluster *c, const char *region);
void cluster_add_node(struct cluster *c, uint32_t number, const char *name, const char *zone, const char *addr,
                      uint32_t incarnation);
void cluster_add_addr(struct cluster_addrs *a, const char *addr);

/* Strict.  False leaves *c empty and says in why, as "line 7: ...", what is wrong. */
bool cluster_parse(struct bytes text, struct cluster *c, struct buf *why);
void cluster_print(const struct cluster *c, struct buf *out);

/* Reads HOME/cluster.  0; 1 if there is none, saying nothing; -1 after saying why. */
int cluster_load(const char *home, struct cluster *c);
/* Replaces HOME/cluster, durably or not at all.  0, or -1 after saying why. */
int cluster_save(const char *home, const struct cluster *c);

/* NULL if there is no such node. */
const struct cluster_node *cluster_node(const struct cluster *c, const char *name);

/* An address of the file as net.h takes it: relative unix paths begin at home.  To be freed. */
char *cluster_addr(const char *home, const char *addr);

#endif
