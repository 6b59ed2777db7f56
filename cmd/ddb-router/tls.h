/*
 * tls: the server's end of TLS 1.2 and 1.3 as a filter between bytes and bytes (OpenSSL over memory).
 * Does not: I/O on sockets; ask clients for certificates; renegotiate.
 */
#ifndef ROUTER_TLS_H
#define ROUTER_TLS_H

#include <stddef.h>

#include "bytes.h"

struct tls_ctx;                                          /* certificate and key of a listener */
struct tls;                                              /* one connection */

/* Read PEM files (the certificate may be followed by its chain).  NULL after logging what is wrong. */
struct tls_ctx *tls_ctx_new(const char *cert, const char *key);
/* Read the files again.  0, or -1 after logging: the old ones stay.  Connections keep what they began with. */
int tls_ctx_reload(struct tls_ctx *c);
void tls_ctx_free(struct tls_ctx *c);

struct tls *tls_new(struct tls_ctx *c);
void tls_free(struct tls *t);

void tls_feed(struct tls *t, struct bytes cipher);       /* what came from the socket */
/* Plain bytes into p.  How many; 0 if more must be fed first; -1 if the peer closed or broke the protocol. */
int tls_read(struct tls *t, uint8_t *p, size_t n);
/* Only after tls_read gave something, so that the handshake is done.  0, or -1 if the connection is broken. */
int tls_write(struct tls *t, struct bytes plain);
void tls_close(struct tls *t);                           /* say goodbye: one more record in tls_out */
struct buf *tls_out(struct tls *t);                      /* what must go to the socket; the caller empties it */

#endif
