/*
 * clock: the only place that asks what time it is.  For main.c and the modules that do; deciding modules are told.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

/* Time since boot, suspend included (CLOCK_BOOTTIME): never goes back, comparable between processes of one boot. */
uint64_t clock_ms(void);
uint64_t clock_us(void);

uint64_t clock_wall_us(void);                            /* since 1970 (UTC); may jump */

#define CLOCK_BOOT_ID_MAX 37
/* The kernel's boot id, 36 characters; "" if it cannot be read.  With another one the clocks above started anew. */
void clock_boot_id(char out[CLOCK_BOOT_ID_MAX]);

#endif
