#include "tls.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

#define CIPHER_BYTES_MAX ((size_t)1 << 30)               /* more than http.c ever gathers */

struct tls_ctx {
	SSL_CTX *ssl;
	char *cert, *key;
};

struct tls {
	SSL *ssl;
	BIO *in, *out;                                   /* owned by ssl */
	struct buf cipher;
};

static const char *reason(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e != 0 ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return text != NULL ? text : "unknown error";
}

/* HTTP/2 is not spoken here: a client that offers only that gets no answer to its offer. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                           unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	int rc = SSL_select_next_proto((unsigned char **)out, out_n, ours, sizeof ours - 1, in, in_n);

	(void)ssl;
	(void)arg;
	return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static SSL_CTX *load(const char *cert, const char *key)
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

	assert(ssl != NULL);
	SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
	if (SSL_CTX_use_certificate_chain_file(ssl, cert) != 1)
		log_err("%s: %s", cert, reason());
	else if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ssl) != 1)
		log_err("%s: %s", key, reason());
	else
		return ssl;
	SSL_CTX_free(ssl);
	return NULL;
}

struct tls_ctx *tls_ctx_new(const char *cert, const char *key)
{
	SSL_CTX *ssl = load(cert, key);
	struct tls_ctx *c;

	if (ssl == NULL)
		return NULL;
	c = mem_new(sizeof *c);
	c->ssl = ssl;
	c->cert = mem_str(cert);
	c->key = mem_str(key);
	return c;
}

int tls_ctx_reload(struct tls_ctx *c)
{
	SSL_CTX *ssl = load(c->cert, c->key);

	if (ssl == NULL)
		return -1;
	SSL_CTX_free(c->ssl);                            /* connections hold it by reference */
	c->ssl = ssl;
	return 0;
}

void tls_ctx_free(struct tls_ctx *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ssl);
	free(c->cert);
	free(c->key);
	free(c);
}

struct tls *tls_new(struct tls_ctx *c)
{
	struct tls *t = mem_new(sizeof *t);

	t->ssl = SSL_new(c->ssl);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	assert(t->ssl != NULL && t->in != NULL && t->out != NULL);
	BIO_set_mem_eof_return(t->in, -1);               /* empty means "later", not "closed" */
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_accept_state(t->ssl);
	buf_init(&t->cipher, CIPHER_BYTES_MAX);
	return t;
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	buf_fini(&t->cipher);
	free(t);
}

void tls_feed(struct tls *t, struct bytes cipher)
{
	int n = BIO_write(t->in, cipher.p, (int)cipher.n);

	assert(n == (int)cipher.n);
}

int tls_read(struct tls *t, uint8_t *p, size_t n)
{
	int got = SSL_read(t->ssl, p, (int)n), why;

	if (got > 0)
		return got;
	why = SSL_get_error(t->ssl, got);
	ERR_clear_error();
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

int tls_write(struct tls *t, struct bytes plain)
{
	if (plain.n > 0 && SSL_write(t->ssl, plain.p, (int)plain.n) != (int)plain.n) {
		ERR_clear_error();
		return -1;
	}
	return 0;
}

void tls_close(struct tls *t)
{
	if (SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}

struct buf *tls_out(struct tls *t)
{
	size_t n = BIO_ctrl_pending(t->out);

	if (n > 0) {
		uint8_t *p = buf_room(&t->cipher, n);

		assert(p != NULL && BIO_read(t->out, p, (int)n) == (int)n);
		t->cipher.n += n;
	}
	return &t->cipher;
}
