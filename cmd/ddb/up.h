/*
 * up: what the files of `ddb up` share.
 *
 *	up.c        options, wiring, going into the background     up_child.c  one process: start, watch, start again
 *	up_home.c   what a home needs before its first process     up_run.c    the loop: until ready, then until told to stop
 */
#ifndef DDB_UP_H
#define DDB_UP_H

#include <netinet/in.h>
#include <sys/types.h>
#include <uv.h>

#include "cluster.h"

#define UP_CHILDREN_MAX (3 + CLUSTER_NODES_MAX)
#define UP_ARGS_MAX 16
#define UP_AGAIN_MS 20                                   /* a child that died is started again after this, */
#define UP_AGAIN_MS_MAX 5000                             /* doubled each time up to that, */
#define UP_LIVED_MS 10000                                /* and at the beginning again once it has lived so long */
#define UP_STOP_MS_MAX 12000                             /* a little more than a daemon gives itself (daemon.h) */
#define UP_LOG_BYTES_MAX (16 << 20)                      /* a log that is longer at a start is put aside as NAME.log.1 */

#define UP_UNSAID UINT64_MAX

struct up;

/* Children stop in this order, those of one phase together: first no new requests, last what the others ask. */
enum up_phase { UP_ROUTER, UP_AUTOADMIN, UP_NODE, UP_MEMDS, UP_PHASES };

struct up_child {
	struct up *up;
	enum up_phase phase;
	char *name;                                      /* "node-a" */
	char *program;                                   /* path */
	char *args[UP_ARGS_MAX];                         /* owned; NULL ends */
	pid_t pid;                                       /* 0: not running */
	bool ready;                                      /* said so since its last start */
	uint64_t started_ms, again_ms;
	uv_poll_t poll;                                  /* of the pipe on which it says so */
	int ready_fd;                                    /* ours; -1: none */
	uv_timer_t again;
};

struct up {
	/* what was wanted */
	char *home;                                      /* absolute */
	char *bin;                                       /* directory of the programs */
	bool detach, ephemeral, first_life;
	const char *log_level;
	uint64_t sweep_ms, ttl_change_ms;                /* UP_UNSAID: the daemons' own */
	int port;
	/* what is */
	int lock;                                        /* descriptor; -1: not locked */
	int reserved;                                    /* a socket bound to the port, never listening */
	int life[2];                                     /* the pipe whose writing end only we hold */
	int tell;                                        /* detached: where the first process waits for our code; -1 */
	struct cluster cluster;
	uv_loop_t loop;
	uv_signal_t signals[4];
	uv_timer_t patience;
	struct up_child *children;
	size_t children_n;
	pid_t probe;                                     /* of the process that asks whether the cluster answers */
	uint64_t born_ms, start_ms, wait_ms;             /* of the command; of the loop; 0: for ever */
	bool ready, stopping;
	enum up_phase phase;                             /* while stopping */
	int signals_n;                                   /* how often we were told to stop */
	int code;
};

/* --- up_home.c: each 0, or an exit code after saying why. */

/*
 * Bring a locked home to where daemons can start: cluster file (made with that many nodes if there is none), credentials, directories.
 *   replicas     0: as it is, or 3
 *   credentials  a file to use, or NULL
 * Sets cluster and first_life.
 */
int up_home_prepare(struct up *u, uint64_t replicas, const char *region, const char *credentials);
int up_home_started(struct up *u);                       /* from now on nobody has a first life any more */
int up_home_ephemeral(struct up *u);                     /* makes one, and sets home */
void up_home_say_wiped(const struct up *u, const char *node);    /* "node-a", which is about to start; nothing if it was not */

/* --- up_child.c */

struct up_child *up_child_add(struct up *u, enum up_phase phase, const char *name, const char *program);
void up_child_arg(struct up_child *c, const char *arg);  /* copied */
void up_child_time(struct up_child *c, const char *option, uint64_t ms); /* nothing if UP_UNSAID */
void up_child_start(struct up_child *c);
void up_child_ended(struct up_child *c, int status);     /* as waitpid tells */
void up_child_signal(struct up_child *c, int number);    /* nothing if it does not run */
void up_child_log(const struct up *u, const char *name); /* from now on stdout and stderr go to that log */
void up_child_fini(struct up_child *c);

/* --- up_run.c */

/* Starts everything, and returns an exit code when all have left. */
int up_run_loop(struct up *u);
void up_run_child_ready(struct up_child *c);
/* A child ended and is not wanted back: stop everything, and exit with code. */
void up_run_give_up(struct up *u, int code);

/* --- up.c */

void up_announce(struct up *u);                          /* ready: says so to people, files and the first process */

#endif
