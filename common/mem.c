#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p)
{
	if (p == NULL) {
		fputs("out of memory\n", stderr);
		_Exit(9);
	}
	return p;
}

void *mem_new(size_t n)
{
	return or_die(calloc(1, n > 0 ? n : 1));
}

void *mem_resize(void *p, size_t n)
{
	return or_die(realloc(p, n > 0 ? n : 1));
}

void *mem_copy(const void *p, size_t n)
{
	char *q = or_die(malloc(n + 1));

	if (n > 0)
		memcpy(q, p, n);
	q[n] = '\0';
	return q;
}

char *mem_str(const char *s)
{
	return mem_copy(s, strlen(s));
}

char *mem_fmt(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = or_die(NULL);
	va_end(ap);
	return s;
}
