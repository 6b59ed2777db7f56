#include "quote.h"

#include <string.h>

void quote_sh_always(struct buf *b, const char *s)
{
	buf_str(b, "'");
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			buf_str(b, "'\\''");
		else
			buf_put(b, s, 1);
	}
	buf_str(b, "'");
}

void quote_sh(struct buf *b, const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";

	if (s[0] != '\0' && strspn(s, safe) == strlen(s))
		buf_str(b, s);
	else
		quote_sh_always(b, s);
}

void quote_fish_always(struct buf *b, const char *s)
{
	buf_str(b, "'");
	for (; *s != '\0'; s++) {
		if (*s == '\'' || *s == '\\')
			buf_str(b, "\\");
		buf_put(b, s, 1);
	}
	buf_str(b, "'");
}
