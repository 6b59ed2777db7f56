/*
 * smuggling: requests that two readers could read differently.  Each of them is refused, whole or byte by byte, with
 * the same status; and next to them stand requests that differ from them little and are accepted.
 */
#include "httpmsg.h"

#include <stdlib.h>

#include "check.h"

struct one {
	const char *text;
	size_t n;
	int status;                                      /* 0: accepted */
};

#define S(status, text) { text, sizeof(text) - 1, status },
/* As a whole. */
#define RAW(text) S(400, text)
/* A request line; a header line or several; a chunked body; a Host line. */
#define LINE(text) S(400, text "\r\nHost: a\r\n\r\n")
#define HEAD(text) S(400, "POST / HTTP/1.1\r\nHost: a\r\n" text "\r\n\r\nabcde")
#define TOPH(text) S(400, "POST / HTTP/1.1\r\n" text "\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde")
#define BODY(text) S(400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" text)
#define HOST(text) S(400, "GET / HTTP/1.1\r\n" text "\r\n")
#define CL "Content-Length: 5\r\n"
#define TE "Transfer-Encoding: chunked\r\n"

static const struct one refused[] = {
	/* request lines */
	LINE("") LINE(" GET / HTTP/1.1") LINE("\tGET / HTTP/1.1") LINE("GET  / HTTP/1.1") LINE("GET /  HTTP/1.1")
	LINE("GET / HTTP/1.1 ") LINE("GET\t/ HTTP/1.1") LINE("GET /\tHTTP/1.1") LINE("GET / HTTP/1.1\t") LINE("GET /")
	LINE("GET") LINE("GET / ") LINE("GET HTTP/1.1") LINE("GET  HTTP/1.1") LINE("GET / HTTP/1.1 x")
	LINE("GET / x HTTP/1.1")
	LINE("GET /a b HTTP/1.1") LINE("GET / http/1.1") LINE("GET / HTTP/1") LINE("GET / HTTP/11")
	LINE("GET / HTTP/1.10")
	LINE("GET / HTTP/01.1") LINE("GET / HTTP/1.1.1") LINE("GET / HTTP/+1.1") LINE("GET / HTTP/ 1.1")
	LINE("GET / HTTP 1.1")
	LINE("GET / HTTP/1,1") LINE("GET / HTTP/1.x") LINE("GET / HTTP-1.1") LINE("GET / HTTPS/1.1")
	LINE("GET / ICE/1.0")
	LINE("GET / RTSP/1.0") LINE("GET / HTTP/\x31.\xb1") LINE("get / HTTP/1.1") LINE("Get / HTTP/1.1")
	LINE("G\0T / HTTP/1.1")
	LINE("GET/ / HTTP/1.1") LINE("GET: / HTTP/1.1") LINE("(GET) / HTTP/1.1") LINE("GET\x7f / HTTP/1.1")
	LINE("\xef\xbb\xbfGET / HTTP/1.1") LINE("GET http://a/ HTTP/1.1") LINE("GET //[a HTTP/1.1")
	LINE("GET a HTTP/1.1")
	LINE("GET * HTTP/1.1") LINE("GET *a HTTP/1.1") LINE("OPTIONS ** HTTP/1.1") LINE("GET a:80 HTTP/1.1")
	LINE("GET /# HTTP/1.1") LINE("GET /a#b HTTP/1.1") LINE("GET /\0 HTTP/1.1") LINE("GET /\x01 HTTP/1.1")
	LINE("GET /\x7f HTTP/1.1") LINE("GET /\x80 HTTP/1.1") LINE("GET /\xc3\xbc HTTP/1.1") LINE("GET /\r HTTP/1.1")
	LINE("GET /% HTTP/1.1") LINE("GET /%1 HTTP/1.1") LINE("GET /%zz HTTP/1.1") LINE("GET /?%2 HTTP/1.1")
	LINE("GET /\\ HTTP/1.1") LINE("GET /<a> HTTP/1.1") LINE("GET /\" HTTP/1.1") LINE("GET /{a} HTTP/1.1")
	LINE("GET /^ HTTP/1.1") LINE("GET /| HTTP/1.1") LINE("GET /` HTTP/1.1") LINE("GET ?a HTTP/1.1")
	RAW("GET / HTTP/1.1\nHost: a\r\n\r\n") RAW("GET / HTTP/1.1\rHost: a\r\n\r\n")
	RAW("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n")
	RAW("GET / HTTP/1.1\n\rHost: a\r\n\r\n") RAW("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	RAW("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	RAW("\r\n\r\n") RAW("\n\n") RAW("\0\r\n\r\n") RAW("GET /\r\n\r\n") RAW("GET /\n") RAW("GET / HTTP/0.9\n\n")
	RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") RAW("HTTP/1.1 200 OK\r\nHost: a\r\n\r\n")
	RAW("\x05\x01\x00")
	S(505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n") S(505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n")
	S(505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n")
	S(505, "GET / HTTP/1.9\r\nHost: a\r\n\r\n") S(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	S(505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n")
	S(501, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n") S(501, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")
	S(501, "M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n") S(501, "GE / HTTP/1.1\r\nHost: a\r\n\r\n")
	S(501, "GETT / HTTP/1.1\r\nHost: a\r\n\r\n") S(501, "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n")
	S(501, "POSTGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	/* Host */
	HOST("") HOST("Host:\r\n") HOST("Host: \r\n") HOST("Host: a\r\nHost: a\r\n") HOST("Host: a\r\nHost: b\r\n")
	HOST("Host: a\r\nhost: b\r\n") HOST("Host: a\r\nHOST:\r\n") HOST("Host: a b\r\n") HOST("Host: a,b\r\n")
	HOST("Host: a/b\r\n")
	HOST("Host: a@b\r\n") HOST("Host: a\\b\r\n") HOST("Host: a\tb\r\n") HOST("Host: a\xff\r\n")
	HOST("Host: http://a\r\n")
	HOST("Host : a\r\n") HOST(" Host: a\r\n") HOST("Host\t: a\r\n") HOST("Hos\0t: a\r\n") HOST("Host: a?\r\n")
	HOST("Host: a#\r\n")
	HOST("X-Host: a\r\n") HOST("Host; a\r\n") HOST("Host: <a>\r\n") HOST("Host: a;b\r\n")
	S(400, "GET / HTTP/1.0\r\n\r\n")
	/* header lines: white space, folding, characters, endings */
	HEAD(CL "Content-Length : 5") HEAD("Content-Length : 5") HEAD("Content-Length\t: 5")
	HEAD("Content-Length\x0b: 5")
	HEAD(" Content-Length: 5") HEAD("\tContent-Length: 5") HEAD("Content Length: 5") HEAD("Content-Length 5")
	HEAD(": 5")
	HEAD("Content-Length") HEAD("Content-Length\r\n: 5") HEAD("Content-Length:\r\n 5")
	HEAD("Content-Length:\r\n\t5")
	HEAD(CL "X: a\r\n b") HEAD(CL "X: a\r\n\tb") HEAD(CL " X: a") HEAD(CL "X : a") HEAD(CL "X(: a")
	HEAD(CL "X@: a")
	HEAD(CL "X/: a") HEAD(CL "X\xff: a") HEAD(CL "X\0: a") HEAD(CL "X: a\0b") HEAD(CL "X: a\x01")
	HEAD(CL "X: a\x7f")
	HEAD(CL "X: a\x0b") HEAD(CL "X: a\x0c") HEAD(CL "X: \x1b[0m") HEAD(CL "X: a\rb") HEAD(CL "X: a\r")
	HEAD(CL "X: a\nY: b")
	HEAD(CL "X: a\n") HEAD(CL "\rX: a") HEAD(CL "X\r: a") HEAD(CL "\"X\": a") HEAD(CL "X[]: a") HEAD(CL "X{}: a")
	HEAD(CL "X=: a")
	HEAD(CL "X,: a") HEAD(CL "X;: a") HEAD(CL "X?: a") HEAD(CL "X\\: a") HEAD(CL "\x80: a") HEAD(CL "X \r\n: a")
	TOPH(" X: a") TOPH("\tX: a") TOPH(" ") TOPH("\r") TOPH("X") TOPH(":") TOPH(": a") TOPH("X\n") TOPH("X: a\n")
	TOPH("X: \0")
	RAW("GET / HTTP/1.1\r\nHost: a\n\r\n") RAW("GET / HTTP/1.1\r\nHost: a\r\n\n")
	RAW("GET / HTTP/1.1\r\nHost: a\n\n")
	RAW("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n") RAW("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n")
	/* Content-Length */
	HEAD("Content-Length:") HEAD("Content-Length: ") HEAD("Content-Length: +5") HEAD("Content-Length: -5")
	HEAD("Content-Length: -0") HEAD("Content-Length: 05") HEAD("Content-Length: 00") HEAD("Content-Length: 0x5")
	HEAD("Content-Length: 5.0") HEAD("Content-Length: 5e0") HEAD("Content-Length: 5,5")
	HEAD("Content-Length: 5, 5")
	HEAD("Content-Length: 5 5") HEAD("Content-Length: 5;") HEAD("Content-Length: \"5\"")
	HEAD("Content-Length: 5a")
	HEAD("Content-Length: a") HEAD("Content-Length: 5\x0b") HEAD("Content-Length: \x0c" "5")
	HEAD("Content-Length: \xb5")
	HEAD("Content-Length: 5\0") HEAD("Content-Length: \0" "5") HEAD("Content-Length: 5\xc2\xa0")
	HEAD("Content-Length: 1_0")
	HEAD("Content-Length: 18446744073709551621") HEAD("Content-Length: 99999999999999999999")
	HEAD(CL "Content-Length: 5")
	HEAD(CL "Content-Length: 6") HEAD(CL "content-length: 5") HEAD(CL "CONTENT-LENGTH: 0")
	HEAD("Content-Length: 0\r\n" "Content-Length: 5")
	HEAD(CL "Content_Length: 5") HEAD("Content_Length: 5") HEAD("content_LENGTH: 5") HEAD("Content-Length: 5,")
	HEAD("Content-Length: ,5")
	S(413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\n\r\n")
	S(413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n")
	RAW("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde")
	RAW("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde")
	RAW("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	/* Transfer-Encoding */
	HEAD(CL "Transfer-Encoding: chunked") HEAD(TE "Content-Length: 5") HEAD(TE "Content-Length: 0")
	HEAD(TE "Transfer-Encoding: chunked")
	HEAD(TE "Transfer-Encoding: identity") HEAD(TE "transfer-encoding: x") HEAD("Transfer-Encoding: identity")
	HEAD("Transfer-Encoding: gzip") HEAD("Transfer-Encoding: gzip, chunked")
	HEAD("Transfer-Encoding: chunked, gzip")
	HEAD("Transfer-Encoding: chunked, chunked") HEAD("Transfer-Encoding: chunked, identity")
	HEAD("Transfer-Encoding: xchunked")
	HEAD("Transfer-Encoding: chunkedx") HEAD("Transfer-Encoding: \"chunked\"")
	HEAD("Transfer-Encoding: 'chunked'")
	HEAD("Transfer-Encoding: chunked;") HEAD("Transfer-Encoding: chunked;q=1") HEAD("Transfer-Encoding: chunked,")
	HEAD("Transfer-Encoding: ,chunked") HEAD("Transfer-Encoding:") HEAD("Transfer-Encoding: ")
	HEAD("Transfer-Encoding: chunk")
	HEAD("Transfer-Encoding: ch\0unked") HEAD("Transfer-Encoding: \x0b" "chunked")
	HEAD("Transfer-Encoding: chunked\x0b")
	HEAD("Transfer-Encoding: chun ked") HEAD("Transfer-Encoding: chunked\xc2\xa0")
	HEAD("Transfer-Encoding : chunked")
	HEAD("Transfer-Encoding\t: chunked") HEAD(" Transfer-Encoding: chunked")
	HEAD("Transfer-Encoding:\r\n chunked")
	HEAD("X: a\r\n Transfer-Encoding: chunked") HEAD("X: a\nTransfer-Encoding: chunked")
	HEAD("X: a\rTransfer-Encoding: chunked")
	HEAD("Transfer_Encoding: chunked") HEAD(CL "Transfer_Encoding: chunked") HEAD("transfer_encoding: x")
	HEAD("Transfer Encoding: chunked")
	HEAD("Transfer-Encoding chunked") HEAD("Transfer-Encoding: cow") HEAD(CL "Transfer-Encoding: cow")
	HEAD("Transfer-Encoding: \xe2\x80\x8b" "chunked")
	RAW("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	RAW("POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	/* Connection and what must be there once */
	HEAD(CL "Connection: Content-Length") HEAD(CL "Connection: close, content-length")
	HEAD(TE "Connection: Transfer-Encoding")
	HEAD(CL "Connection: Host") HEAD(CL "Connection: keep-alive, x-amz-target")
	HEAD(CL "Connection: Authorization")
	HEAD(CL "X-Amz-Target: a\r\nX-Amz-Target: b") HEAD(CL "X-Amz-Target: a\r\nx-amz-target: a")
	HEAD(CL "X-Amz-Date: a\r\nX-Amz-Date: b")
	HEAD(CL "Authorization: a\r\nAuthorization: a") HEAD(CL "Content-Type: a\r\nContent-Type: b")
	HEAD(CL "Content-Encoding: gzip\r\nContent-Encoding: identity")
	HEAD(CL "Expect: 100-continue\r\nExpect: 100-continue")
	HEAD(CL "X-Amz-Security-Token: a\r\nX-Amz-Security-Token: b")
	HEAD(CL "X-Amz-Content-Sha256: a\r\nX-Amz-Content-SHA256: b")
	S(417, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 200-ok\r\n\r\n")
	S(417, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue, x\r\n\r\n")
	S(415, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Encoding: br\r\n\r\n")
	S(415, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Encoding: gzip, gzip\r\n\r\n")
	S(415, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Encoding:\r\n\r\n")
	/* chunks */
	BODY("\r\n") BODY("5\nabcde\r\n0\r\n\r\n") BODY("5\rabcde\r\n0\r\n\r\n") BODY("5\r\rabcde\r\n0\r\n\r\n")
	BODY(" 5\r\nabcde\r\n0\r\n\r\n")
	BODY("5 \r\nabcde\r\n0\r\n\r\n") BODY("\t5\r\nabcde\r\n0\r\n\r\n") BODY("+5\r\nabcde\r\n0\r\n\r\n")
	BODY("-5\r\nabcde\r\n0\r\n\r\n")
	BODY("0x5\r\nabcde\r\n0\r\n\r\n") BODY("5h\r\nabcde\r\n0\r\n\r\n") BODY("\"5\"\r\nabcde\r\n0\r\n\r\n")
	BODY("5.0\r\nabcde\r\n0\r\n\r\n")
	BODY("5,5\r\nabcde\r\n0\r\n\r\n") BODY("5\0\r\nabcde\r\n0\r\n\r\n") BODY("000000005\r\nabcde\r\n0\r\n\r\n")
	BODY("g\r\nabcde\r\n0\r\n\r\n")
	S(413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000005\r\n")
	S(413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\n")
	BODY(";a\r\nabcde\r\n0\r\n\r\n")
	BODY("5;\r\nabcde\r\n0\r\n\r\n") BODY("5;;\r\nabcde\r\n0\r\n\r\n") BODY("5; a\r\nabcde\r\n0\r\n\r\n")
	BODY("5 ;a\r\nabcde\r\n0\r\n\r\n")
	BODY("5;a=\r\nabcde\r\n0\r\n\r\n") BODY("5;=b\r\nabcde\r\n0\r\n\r\n") BODY("5;a=b=c\r\nabcde\r\n0\r\n\r\n")
	BODY("5;a=\"b\"\r\nabcde\r\n0\r\n\r\n")
	BODY("5;a=\"b\r\n\"\r\nabcde\r\n0\r\n\r\n") BODY("5;a\nabcde\r\n0\r\n\r\n") BODY("5;a\rabcde\r\n0\r\n\r\n")
	BODY("5;\nabcde\r\n0\r\n\r\n")
	BODY("5;a\x01\r\nabcde\r\n0\r\n\r\n") BODY("5;a\xff\r\nabcde\r\n0\r\n\r\n")
	BODY("5;a\0\r\nabcde\r\n0\r\n\r\n") BODY("5;a b\r\nabcde\r\n0\r\n\r\n")
	BODY("5\r\nabcdef\r\n0\r\n\r\n") BODY("5\r\nabcd\r\n0\r\n\r\n") BODY("5\r\nabcde\n0\r\n\r\n")
	BODY("5\r\nabcde\r0\r\n\r\n")
	BODY("5\r\nabcde0\r\n\r\n") BODY("5\r\nabcde\r\r\n0\r\n\r\n") BODY("5\r\nabcde\r\n\r\n0\r\n\r\n")
	BODY("5\r\nabcde\r\n0\n\r\n")
	BODY("5\r\nabcde\r\n0\r\n\n") BODY("5\r\nabcde\r\n0\r\nX: a\r\n\r\n") BODY("0\r\nContent-Length: 5\r\n\r\n")
	BODY("0\r\nHost: b\r\n\r\n")
	BODY("0\r\n0\r\n\r\n") BODY("0\r\n \r\n") BODY("0\r\rX") BODY("0;\r\n\r\n") BODY("0 \r\n\r\n") BODY("0\n\n")
	BODY("00x\r\n\r\n")
	BODY("GET / HTTP/1.1\r\nHost: a\r\n\r\n") BODY("5\r\nabcde\r\nGET / HTTP/1.1\r\n\r\n") BODY("-0\r\n\r\n")
	BODY("\xb5\r\nabcde\r\n0\r\n\r\n")
	HEAD(CL "Transfer-Encoding:\tchunked") HEAD("Content-Length: 5 \t")
	S(413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000001\r\n")
	S(413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nfffffff\r\n")
	S(413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n")
};

static const struct one accepted[] = {
	S(0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	S(0, "GET / HTTP/1.0\r\nHost: a\r\n\r\n")
	S(0, "GET /a/b%20c?d=e&f HTTP/1.1\r\nHost: localhost:8000\r\n\r\n")
	S(0, "OPTIONS * HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nhost:a\r\ncontent-length:  5  \r\nX-Empty:\r\nX: \t a b\xfc \r\n\r\nabcde")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
	     "00000005;a=b\r\nabcde\r\nA\r\n0123456789\r\n0;x=y\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde")
	S(0, "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nabcde")
	S(0, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
	     "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nabcde")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
	S(0, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
	     "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde")
	S(0, "DELETE / HTTP/1.1\r\nHost: a\r\nX_Y: z\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n")
	S(0, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\r\n\r\n\n")
};

#define N(a) (sizeof(a) / sizeof *(a))

/* The status of the refusal, 0 if accepted whole, -1 if more would be needed.  piece: bytes given at a time. */
static int verdict(const struct one *o, size_t piece)
{
	struct bytes in = { (const uint8_t *)o->text, o->n };
	enum httpmsg_step step = HTTPMSG_MORE;
	struct httpmsg m;
	int status = -1;

	httpmsg_init(&m);
	while (step != HTTPMSG_BAD && step != HTTPMSG_DONE && (in.n > 0 || step == HTTPMSG_HEAD)) {
		size_t used;

		step = httpmsg_feed(&m, (struct bytes){ in.p, in.n < piece ? in.n : piece }, &used);
		in.p += used;
		in.n -= used;
	}
	if (step == HTTPMSG_BAD)
		status = m.status;
	else if (step == HTTPMSG_DONE)
		status = in.n == 0 ? 0 : -2;
	httpmsg_fini(&m);
	return status;
}

static void run(const struct one *set, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int whole = verdict(&set[i], SIZE_MAX), bytewise = verdict(&set[i], 1), sevens = verdict(&set[i], 7);

		if (whole != set[i].status || bytewise != whole || sevens != whole) {
			printf("# case %zu: %d whole, %d bytewise, %d by sevens, wanted %d: %s\n", i, whole, bytewise,
			       sevens, set[i].status, set[i].text);
			check_failures++;
		}
	}
}

TEST(at_least_200_cases)
{
	printf("# %zu refused, %zu accepted\n", N(refused), N(accepted));
	CHECK(N(refused) >= 200);
}

TEST(everything_ambiguous_is_refused)
{
	run(refused, N(refused));
}

TEST(their_good_neighbours_are_accepted)
{
	run(accepted, N(accepted));
}

/* What follows a request on its connection is not read as part of it. */
TEST(the_rest_belongs_to_the_next_request)
{
	for (size_t i = 0; i < N(accepted); i++) {
		char text[512];
		struct one two = { text, accepted[i].n + 4, 0 };

		memcpy(text, accepted[i].text, accepted[i].n);
		memcpy(text + accepted[i].n, "GET ", 4);
		CHECK_INT(verdict(&two, SIZE_MAX), -2);
		CHECK_INT(verdict(&two, 1), -2);
	}
}

CHECK_MAIN(X(at_least_200_cases) X(everything_ambiguous_is_refused) X(their_good_neighbours_are_accepted)
           X(the_rest_belongs_to_the_next_request))
