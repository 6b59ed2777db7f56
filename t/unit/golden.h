/*
 * golden.h: compare what a test produced with a file of t/golden.  Lines of "name hex"; a mismatch shows the line produced.
 */
#ifndef T_GOLDEN_H
#define T_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

static inline void golden_line(struct buf *text, const char *name, struct bytes v)
{
	buf_fmt(text, "%s ", name);
	buf_hex(text, v);
	buf_str(text, "\n");
}

/* True if path holds exactly text.  Run from the top of the tree. */
static inline bool golden_same(const char *path, const struct buf *text)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0, at = 0;
	ssize_t n;
	bool same = f != NULL;

	while (f != NULL && (n = getline(&line, &room, f)) >= 0) {
		const uint8_t *end = at < text->n ? memchr(text->p + at, '\n', text->n - at) : NULL;
		size_t want = end != NULL ? (size_t)(end - (text->p + at)) + 1 : 0;

		if (want != (size_t)n || memcmp(text->p + at, line, want) != 0) {
			printf("# %s: wanted %s# now %.*s", path, line, (int)want, want > 0 ? (const char *)text->p + at : "");
			same = false;
		}
		at += want;
	}
	if (at < text->n) {
		printf("# %s: now also\n%.*s", path, (int)(text->n - at), (const char *)text->p + at);
		same = false;
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return same;
}

#endif
