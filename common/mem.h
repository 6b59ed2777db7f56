/*
 * mem: allocation that cannot fail.
 * Running out of memory ends the process with a message.  This holds because every size chosen by an outsider is capped
 * before it gets here.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

void *mem_new(size_t n);                         /* n zeroed bytes; n = 0 gives a unique pointer */
void *mem_resize(void *p, size_t n);             /* like realloc; new bytes are not zeroed */
void *mem_copy(const void *p, size_t n);         /* n bytes of p, followed by one 0 byte that is not counted */
char *mem_str(const char *s);                    /* a copy of s */
char *mem_fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
