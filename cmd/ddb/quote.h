/* quote: text as one word of a shell. */
#ifndef DDB_QUOTE_H
#define DDB_QUOTE_H

#include "bytes.h"

void quote_sh(struct buf *b, const char *s);             /* plain where that is safe, else in single quotes */
void quote_sh_always(struct buf *b, const char *s);
void quote_fish_always(struct buf *b, const char *s);    /* fish knows \\ and \' inside single quotes */

#endif
