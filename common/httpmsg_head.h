/*
 * httpmsg_head: the head of a request, read from its complete bytes.  Private to httpmsg.c.
 */
#ifndef COMMON_HTTPMSG_HEAD_H
#define COMMON_HTTPMSG_HEAD_H

#include "httpmsg.h"

/*
 * Read m->head, which ends in an empty line and whose lines all end in CRLF.  Fills everything that is known from
 * HTTPMSG_HEAD on, and length, chunked and packed.  False with status and why set.
 */
bool httpmsg_head_parse(struct httpmsg *m);

bool httpmsg_head_token(uint8_t c);                      /* a character of a token (RFC 9110, section 5.6.2) */

#endif
