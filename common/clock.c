#include "clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t now_us(clockid_t id)
{
	struct timespec ts;
	int rc = clock_gettime(id, &ts);

	assert(rc == 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_ms(void)
{
	return now_us(CLOCK_BOOTTIME) / 1000;
}

uint64_t clock_us(void)
{
	return now_us(CLOCK_BOOTTIME);
}

uint64_t clock_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

void clock_boot_id(char out[CLOCK_BOOT_ID_MAX])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	out[0] = '\0';
	if (f == NULL)
		return;
	if (fgets(out, CLOCK_BOOT_ID_MAX, f) == NULL)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}
