#include "client_http.h"

#include <assert.h>
#include <errno.h>
#include <llhttp.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

#define READ_BYTES 65536
#define FIELD_BYTES_MAX 256                              /* of the headers that interest us */

struct client_http {
	char *host, *port;
	int fd;
	llhttp_t parser;
	llhttp_settings_t settings;
	/* of the answer that is being read */
	struct client_http_answer *answer;
	bool done;
	char field[FIELD_BYTES_MAX], value[FIELD_BYTES_MAX];
	size_t field_n, value_n;
	uint8_t in[READ_BYTES];
};

/* --- reading an answer */

static int on_field(llhttp_t *p, const char *at, size_t n)
{
	struct client_http *h = p->data;

	if (h->field_n + n < sizeof h->field) {
		memcpy(h->field + h->field_n, at, n);
		h->field_n += n;
	}
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
	struct client_http *h = p->data;

	if (h->value_n + n < sizeof h->value) {
		memcpy(h->value + h->value_n, at, n);
		h->value_n += n;
	}
	return 0;
}

static int on_value_complete(llhttp_t *p)
{
	struct client_http *h = p->data;

	h->field[h->field_n] = h->value[h->value_n] = '\0';
	if (strcasecmp(h->field, "x-amz-crc32") == 0) {
		h->answer->has_crc = true;
		h->answer->crc = (uint32_t)strtoul(h->value, NULL, 10);
	}
	h->field_n = h->value_n = 0;
	return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	struct client_http *h = p->data;

	buf_put(&h->answer->body, at, n);
	return h->answer->body.over ? -1 : 0;
}

static int on_complete(llhttp_t *p)
{
	struct client_http *h = p->data;

	h->answer->status = p->status_code;
	/* 100 Continue and its like come before the answer. */
	if (p->status_code >= 200)
		h->done = true;
	return h->done ? HPE_PAUSED : 0;
}

struct client_http *client_http_new(const char *host, const char *port)
{
	struct client_http *h = mem_new(sizeof *h);

	h->host = mem_str(host);
	h->port = mem_str(port);
	h->fd = -1;
	llhttp_settings_init(&h->settings);
	h->settings.on_header_field = on_field;
	h->settings.on_header_value = on_value;
	h->settings.on_header_value_complete = on_value_complete;
	h->settings.on_body = on_body;
	h->settings.on_message_complete = on_complete;
	return h;
}

static void hang_up(struct client_http *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}

void client_http_free(struct client_http *h)
{
	if (h == NULL)
		return;
	hang_up(h);
	free(h->host);
	free(h->port);
	free(h);
}

/* --- the socket */

static int wait_for(int fd, short events, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		uint64_t now = clock_ms(), left = deadline_ms > now ? deadline_ms - now : 0;
		int n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0 && left == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

static int dial_one(const struct addrinfo *ai, uint64_t deadline_ms)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0, on = 1;
	socklen_t n = sizeof error;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
		if (errno != EINPROGRESS)
			goto bad;
		if (wait_for(fd, POLLOUT, deadline_ms) != 0)
			goto bad;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
			errno = error;
			goto bad;
		}
	}
	return fd;
bad:
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int dial(struct client_http *h, uint64_t deadline_ms, struct client_http_answer *a)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *all;
	int rc = getaddrinfo(h->host, h->port, &hints, &all);

	if (rc != 0) {
		snprintf(a->why, sizeof a->why, "%s: %s", h->host, gai_strerror(rc));
		return -1;
	}
	for (const struct addrinfo *ai = all; ai != NULL && h->fd < 0; ai = ai->ai_next)
		h->fd = dial_one(ai, deadline_ms);
	if (h->fd < 0) {
		a->refused = errno == ECONNREFUSED;
		snprintf(a->why, sizeof a->why, "%s:%s: %s", h->host, h->port, strerror(errno));
	}
	freeaddrinfo(all);
	return h->fd < 0 ? -1 : 0;
}

static int send_all(struct client_http *h, struct bytes head, struct bytes body, uint64_t deadline_ms)
{
	struct iovec v[2] = { { (void *)(uintptr_t)head.p, head.n }, { (void *)(uintptr_t)body.p, body.n } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

	while (v[0].iov_len + v[1].iov_len > 0) {
		ssize_t n = sendmsg(h->fd, &m, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR && (errno != EAGAIN || wait_for(h->fd, POLLOUT, deadline_ms) != 0))
			return -1;
		for (size_t i = 0; n > 0 && i < 2; i++) {
			size_t k = (size_t)n < v[i].iov_len ? (size_t)n : v[i].iov_len;

			v[i].iov_base = (uint8_t *)v[i].iov_base + k;
			v[i].iov_len -= k;
			n -= (ssize_t)k;
		}
	}
	return 0;
}

/* 0 with a whole answer, or -1 with what went wrong in a->why. */
static int receive(struct client_http *h, uint64_t deadline_ms, struct client_http_answer *a)
{
	llhttp_init(&h->parser, HTTP_RESPONSE, &h->settings);
	h->parser.data = h;
	h->answer = a;
	h->done = false;
	h->field_n = h->value_n = 0;
	while (!h->done) {
		ssize_t n = recv(h->fd, h->in, sizeof h->in, 0);
		llhttp_errno_t e;

		if (n < 0 && (errno == EINTR || (errno == EAGAIN && wait_for(h->fd, POLLIN, deadline_ms) == 0)))
			continue;
		if (n < 0) {
			snprintf(a->why, sizeof a->why, "%s",
			         errno == ETIMEDOUT ? "no answer in time" : strerror(errno));
			return -1;
		}
		if (n == 0) {
			llhttp_finish(&h->parser);           /* an answer without a length ends here */
			if (h->done)
				break;
			snprintf(a->why, sizeof a->why, "the connection was closed before the answer was whole");
			return -1;
		}
		e = llhttp_execute(&h->parser, (const char *)h->in, (size_t)n);
		if (e != HPE_OK && !(e == HPE_PAUSED && h->done)) {
			snprintf(a->why, sizeof a->why, "%s",
			         a->body.over ? "the answer is too large" : "the answer is not HTTP");
			return -1;
		}
	}
	return 0;
}

static void put_head(const struct client_http_request *r, struct buf *head)
{
	buf_fmt(head, "%s %s HTTP/1.1\r\n", r->method, r->path);
	for (size_t i = 0; i < r->headers_n; i++) {
		buf_bytes(head, r->headers[i].name);
		buf_str(head, ": ");
		buf_bytes(head, r->headers[i].value);
		buf_str(head, "\r\n");
	}
	if (r->body.n > 0 || strcmp(r->method, "GET") != 0)
		buf_fmt(head, "Content-Length: %zu\r\n", r->body.n);
	buf_str(head, "\r\n");
}

/* A server closes what idles.  Found before sending, that leaves no doubt about what it has seen. */
static bool is_stale(const struct client_http *h)
{
	char c;

	return recv(h->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

enum client_http_end client_http_do(struct client_http *h, const struct client_http_request *r,
                                    struct client_http_answer *a)
{
	enum client_http_end end = CLIENT_HTTP_LOST;
	struct buf head = { 0 };

	put_head(r, &head);
	buf_clear(&a->body);
	a->status = 0;
	a->has_crc = a->refused = false;
	a->why[0] = '\0';
	if (h->fd >= 0 && is_stale(h))
		hang_up(h);
	if (h->fd < 0 && dial(h, r->deadline_ms, a) != 0)
		end = CLIENT_HTTP_UNSENT;
	else if (send_all(h, buf_view(&head), r->body, r->deadline_ms) != 0)
		snprintf(a->why, sizeof a->why, "%s", strerror(errno));
	else if (receive(h, r->deadline_ms, a) == 0)
		end = CLIENT_HTTP_ANSWERED;
	if (end != CLIENT_HTTP_ANSWERED || !llhttp_should_keep_alive(&h->parser))
		hang_up(h);
	buf_fini(&head);
	return end;
}
