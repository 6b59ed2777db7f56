/* cmd/ddb: metrics of several processes in one text, endpoints from URLs, words for shells. */
#include <stdlib.h>

#include "cmd/ddb/client_find.h"
#include "cmd/ddb/collect.h"
#include "cmd/ddb/quote.h"
#include "check.h"

static const char *text_of(struct buf *b)
{
	buf_u8(b, 0);
	return (const char *)b->p;
}

TEST(labels)
{
	struct collect *c = collect_new();
	struct buf b = { 0 };

	collect_add(c, "x", BYTES_LIT("# HELP a_total about a\n# TYPE a_total counter\na_total 1\na_total{op=\"G\"} 2\na_total{} 3\n"));
	collect_print(c, &b);
	CHECK_STR(text_of(&b), "# HELP a_total about a\n# TYPE a_total counter\n"
	          "a_total{instance=\"x\"} 1\na_total{instance=\"x\",op=\"G\"} 2\na_total{instance=\"x\"} 3\n");
	buf_fini(&b);
	collect_free(c);
}

TEST(families_once)
{
	struct collect *c = collect_new();
	struct buf b = { 0 };

	collect_add(c, "x", BYTES_LIT("# HELP h time\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\n# HELP g now\n# TYPE g gauge\ng 1\n"));
	collect_add(c, "y", BYTES_LIT("# HELP g now\n# TYPE g gauge\ng 2\n# HELP h time\n# TYPE h histogram\nh_sum 7"));
	collect_print(c, &b);
	CHECK_STR(text_of(&b), "# HELP h time\n# TYPE h histogram\n"
	          "h_bucket{instance=\"x\",le=\"1\"} 1\nh_sum{instance=\"x\"} 1\nh_sum{instance=\"y\"} 7\n"
	          "# HELP g now\n# TYPE g gauge\ng{instance=\"x\"} 1\ng{instance=\"y\"} 2\n");
	buf_fini(&b);
	collect_free(c);
}

TEST(strange_texts)
{
	static const char *const texts[] = { "", "\n", "x 1\n", "# HELP", "# HELP \n", "# HELP a\n{", "# HELP a b\na{", "# TYPE a\n a" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct collect *c = collect_new();
		struct buf b = { 0 };

		collect_add(c, "x", bytes_str(texts[i]));
		collect_print(c, &b);
		CHECK(!b.over);
		buf_fini(&b);
		collect_free(c);
	}
}

TEST(urls)
{
	static const struct {
		const char *url, *host, *port, *authority, *clean;
		bool https;
	} good[] = {
		{ "http://localhost", "localhost", "80", "localhost", "http://localhost", false },
		{ "http://127.0.0.1:8000/", "127.0.0.1", "8000", "127.0.0.1:8000", "http://127.0.0.1:8000", false },
		{ "HTTPS://h.example", "h.example", "443", "h.example", "HTTPS://h.example", true },
		{ "http://[::1]:99", "::1", "99", "[::1]:99", "http://[::1]:99", false },
		{ "https://[fe80::1]", "fe80::1", "443", "[fe80::1]", "https://[fe80::1]", true },
	};
	static const char *const bad[] = { "", "http:", "http://", "http:///", "http://:80", "http://a:", "http://a:x", "http://a:0",
		"http://a:65536", "http://a:1/x", "http://a/x", "http://a?x", "http://u@a", "http://[", "http://[]", "http://[::1", "http://[::1]9",
		"http://a b", "http://a\r\nX: y", "ftp://a", "a:80", "http://a:+1", "http://a:8000000000000000000000" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct client_place p = { 0 };

		CHECK(client_find_url(good[i].url, &p));
		CHECK_STR(p.host, good[i].host);
		CHECK_STR(p.port, good[i].port);
		CHECK_STR(p.authority, good[i].authority);
		CHECK_STR(p.url, good[i].clean);
		CHECK(p.https == good[i].https);
		client_find_fini(&p);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct client_place p = { 0 };

		if (client_find_url(bad[i], &p)) {
			printf("# taken: %s\n", bad[i]);
			CHECK(false);
		}
		client_find_fini(&p);
	}
}

TEST(words)
{
	struct buf b = { 0 };

	quote_sh(&b, "/a/b-c_1.d");
	buf_str(&b, " ");
	quote_sh(&b, "a b");
	buf_str(&b, " ");
	quote_sh(&b, "it's");
	buf_str(&b, " ");
	quote_sh(&b, "");
	buf_str(&b, " ");
	quote_sh(&b, "$x`y`");
	buf_str(&b, " ");
	quote_fish_always(&b, "it's \\x");
	CHECK_STR(text_of(&b), "/a/b-c_1.d 'a b' 'it'\\''s' '' '$x`y`' 'it\\'s \\\\x'");
	buf_fini(&b);
}

CHECK_MAIN(X(labels) X(families_once) X(strange_texts) X(urls) X(words))
