/*
 * fault: named places where a test may make the system misbehave.  Always compiled in, off unless armed at start.
 *
 *	DDB_FAULT=wal.sync:EIO:3,store.commit:ENOSPC:5+,net.send:delay=500ms,wal.append:kill:100
 *
 * NAME:ERRNO fails every hit, :N only the Nth (from 1), :N+ the Nth and all later ones.  delay=TIME sleeps and
 * then succeeds; kill ends the process by SIGKILL.  The first time a fault strikes it is logged as
 * "fault NAME: what".  Any thread may hit.
 * Cost when unarmed: one predicted branch.
 */
#ifndef COMMON_FAULT_H
#define COMMON_FAULT_H

#include <stdbool.h>

#define FAULT_MAX 16                                     /* faults armed at once */

extern bool fault_armed;                                 /* written by fault_arm alone */

/*
 * Arm what spec (DDB_FAULT's value; NULL or "" disarms all) says.  Call it in main, before threads.
 * Returns 0, or -1 after logging what is wrong with it; then nothing is armed.
 */
int fault_arm(const char *spec);

int fault_strike(const char *name);                      /* fault_hit without the branch */

/* Returns 0, or the errno with which this operation is to fail without having been tried. */
static inline int fault_hit(const char *name)
{
	return __builtin_expect(fault_armed, false) ? fault_strike(name) : 0;
}

#endif
