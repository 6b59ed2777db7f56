/* The HTTP server behind TLS, and before a signer that is not ours (curl). */
#include "http_fixture.h"

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

/* A self-signed certificate for name, and its key. */
static void certificate(const char *cert, const char *key, const char *name)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	FILE *out;

	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, pkey);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
	                           0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	CHECK(X509_sign(x, pkey, EVP_sha256()) > 0);
	out = fopen(cert, "w");
	CHECK(out != NULL && PEM_write_X509(out, x) == 1);
	fclose(out);
	out = fopen(key, "w");
	CHECK(out != NULL && PEM_write_PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(out);
	X509_free(x);
	EVP_PKEY_free(pkey);
}

static SSL *tls_dial(SSL_CTX *ctx, int port)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, dial(port));
	if (SSL_connect(ssl) != 1) {
		close(SSL_get_fd(ssl));
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static void tls_hang_up(SSL *ssl)
{
	SSL_shutdown(ssl);
	close(SSL_get_fd(ssl));
	SSL_free(ssl);
}

/* Ask for n bytes and read head and body. */
static void tls_ask(SSL *ssl, size_t n)
{
	char request[100], text[4096];
	size_t have = 0, want;
	int got;

	snprintf(request, sizeof request, "GET /big?%zu HTTP/1.1\r\nHost: a\r\n\r\n", n);
	CHECK(SSL_write(ssl, request, (int)strlen(request)) == (int)strlen(request));
	while (have < 4 || memcmp(text + have - 4, "\r\n\r\n", 4) != 0) {
		CHECK(SSL_read(ssl, text + have, 1) == 1);
		if (++have == sizeof text)
			return;
	}
	CHECK(memcmp(text, "HTTP/1.1 200 ", 13) == 0);
	for (want = n; want > 0; want -= (size_t)got)
		if ((got = SSL_read(ssl, text, (int)(want < sizeof text ? want : sizeof text))) <= 0)
			break;
	CHECK_INT(want, 0);
}

static void peer_name(SSL *ssl, char out[64])
{
	X509 *x = SSL_get1_peer_certificate(ssl);

	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, out, 64);
	X509_free(x);
}

TEST(tls_behind_the_same_interface)
{
	char cert[] = "/tmp/ddb-http-cert-XXXXXX", key[] = "/tmp/ddb-http-key-XXXXXX", name[64];
	struct fixture f = { .options = { .tls_cert = cert, .tls_key = key, .head_ms = 300 } };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method()), *old = SSL_CTX_new(TLS_client_method());
	static const unsigned char protocols[] = "\x02h2\x08http/1.1";
	const unsigned char *chosen;
	unsigned chosen_n;
	SSL *ssl;
	int fd;

	close(mkstemp(cert));
	close(mkstemp(key));
	certificate(cert, key, "first");
	SSL_CTX_set_alpn_protos(ctx, protocols, sizeof protocols - 1);
	SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
	SSL_CTX_set_cipher_list(old, "ALL:@SECLEVEL=0");
	setup(&f);
	ssl = tls_dial(ctx, http_port(f.server));
	CHECK(ssl != NULL);
	SSL_get0_alpn_selected(ssl, &chosen, &chosen_n);
	CHECK(chosen_n == 8 && memcmp(chosen, "http/1.1", 8) == 0);
	peer_name(ssl, name);
	CHECK_STR(name, "first");
	for (int i = 0; i < 20; i++)
		tls_ask(ssl, 10);
	tls_ask(ssl, 5000000);
	tls_ask(ssl, 0);
	CHECK(tls_dial(old, http_port(f.server)) == NULL);
	/* Plain HTTP to a TLS port, and one who never shakes hands. */
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, GET_("/echo")));
	while (recv(fd, name, sizeof name, 0) > 0)
		;
	close(fd);
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, "\x16\x03\x01") && at_end(fd));
	close(fd);
	/* New files are taken on request; the old ones stay when the new ones are bad. */
	certificate(cert, key, "second");
	f.reload_rc = 1;
	order(&f, &f.reload);
	pthread_mutex_lock(&f.lock);
	while (f.reload_rc == 1)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	CHECK_INT(f.reload_rc, 0);
	tls_ask(ssl, 10);
	tls_hang_up(ssl);
	ssl = tls_dial(ctx, http_port(f.server));
	peer_name(ssl, name);
	CHECK_STR(name, "second");
	tls_hang_up(ssl);
	teardown(&f);
	SSL_CTX_free(ctx);
	SSL_CTX_free(old);
	unlink(cert);
	unlink(key);
}

/* --- an independent signer ---------------------------------------------------------------------------------------- */

TEST(curl_signs_what_we_verify)
{
	static const struct {
		const char *options, *want;
	} cases[] = {
		{ "--user AKIACURL:s3cr3t/+ -d '{}'", "200" },
		{ "--user AKIACURL:s3cr3t/+ --data-binary @/dev/null -H 'Content-Type: application/json'", "200" },
		{ "--user AKIACURL:s3cr3t/+ -H 'X-Amz-Security-Token: abc//def==' -d ''", "200" },
		{ "--user AKIACURL:wrong -d '{}'", "400" },
		{ "--user AKIANOBODY:s3cr3t/+ -d '{}'", "400" },
	};
	char path[] = "/tmp/ddb-http-keys-XXXXXX", error[CRED_ERROR_MAX] = "";
	struct fixture f = { 0 };
	FILE *out;

	if (system("curl --version >/dev/null 2>&1") != 0) {
		printf("# no curl: skipped\n");
		return;
	}
	close(mkstemp(path));
	out = fopen(path, "w");
	fputs("[default]\naws_access_key_id = AKIACURL\naws_secret_access_key = s3cr3t/+\n", out);
	fclose(out);
	f.sigv4 = sigv4_new();
	f.keys = cred_open(path, true, error);
	CHECK_STR(error, "");
	setup(&f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char cmd[512], got[16] = "";
		FILE *curl;

		snprintf(cmd, sizeof cmd,
		         "curl -s -m 10 -o /dev/null -w '%%{http_code}' --aws-sigv4 aws:amz:us-east-1:dynamodb "
		         "-H 'X-Amz-Target: DynamoDB_20120810.ListTables' %s http://127.0.0.1:%d/",
		         cases[i].options, http_port(f.server));
		curl = popen(cmd, "r");
		CHECK(curl != NULL && fgets(got, sizeof got, curl) != NULL && pclose(curl) == 0);
		CHECK_STR(got, cases[i].want);
	}
	teardown(&f);
	sigv4_free(f.sigv4);
	cred_free(f.keys);
	unlink(path);
}

CHECK_MAIN(X(tls_behind_the_same_interface) X(curl_signs_what_we_verify))
