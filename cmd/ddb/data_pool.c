#include "data_pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define OP_MAX 32
#define WAIT_MS_MAX 60000

/* What goes over the socket pairs, between a program and its own children: memory as it is. */
struct question {
	char op[OP_MAX];
	size_t body_n;
};

struct reply {
	struct client_answer answer;                     /* its body's pointer means nothing here */
	size_t body_n;
};

struct worker {
	pid_t pid;
	int fd;
	bool busy;
};

struct data_pool {
	struct client *client;
	unsigned n;
	char op[OP_MAX];                                 /* of size 1: what waits to be done */
	struct buf body;
	bool busy;
	struct worker workers[DATA_POOL_MAX];
};

static bool read_all(int fd, void *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t k = read(fd, (char *)to + done, n - done);

		if (k <= 0 && !(k < 0 && errno == EINTR))
			return false;
		done += k > 0 ? (size_t)k : 0;
	}
	return true;
}

static bool write_all(int fd, const void *from, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t k = send(fd, (const char *)from + done, n - done, MSG_NOSIGNAL);

		if (k < 0 && errno != EINTR)
			return false;
		done += k > 0 ? (size_t)k : 0;
	}
	return true;
}

/* A worker's life: until its pipe closes. */
static void work(int fd, const struct client_opts *o)
{
	struct client_answer a = { 0 };
	struct client *c;
	struct question q;
	struct buf body;
	int code = client_open(o, &c);

	if (code != 0)
		_exit(code);
	buf_init(&body, BUF_BYTES_MAX);
	while (read_all(fd, &q, sizeof q)) {
		struct reply reply;
		uint8_t *room;

		buf_clear(&body);
		room = buf_room(&body, q.body_n);
		if (room == NULL || !read_all(fd, room, q.body_n))
			break;
		body.n = q.body_n;
		client_call(c, q.op, buf_view(&body), &a);
		memset(&reply, 0, sizeof reply);
		reply.answer = a;
		reply.body_n = a.body.n;
		if (!write_all(fd, &reply, sizeof reply) || !write_all(fd, a.body.p, a.body.n))
			break;
	}
	_exit(0);
}

static int hire(struct data_pool *p, unsigned i, const struct client_opts *o)
{
	struct worker *w = &p->workers[i];
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		log_err("socketpair: %m");
		return -1;
	}
	w->pid = fork();
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned k = 0; k < i; k++)
			close(p->workers[k].fd);
		close(fds[0]);
		work(fds[1], o);
	}
	close(fds[1]);
	w->fd = fds[0];
	if (w->pid < 0) {
		log_err("fork: %m");
		return -1;
	}
	return 0;
}

struct data_pool *data_pool_new(struct client *c, const struct client_opts *o, unsigned n)
{
	struct data_pool *p = mem_new(sizeof *p);

	p->client = c;
	p->n = n < DATA_POOL_MAX ? n : DATA_POOL_MAX;
	for (unsigned i = 0; i < DATA_POOL_MAX; i++)
		p->workers[i] = (struct worker){ .pid = -1, .fd = -1 };
	for (unsigned i = 0; p->n > 1 && i < p->n; i++) {
		if (hire(p, i, o) != 0) {
			data_pool_free(p);
			return NULL;
		}
	}
	return p;
}

void data_pool_free(struct data_pool *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < DATA_POOL_MAX; i++) {
		struct worker *w = &p->workers[i];

		if (w->fd >= 0)
			close(w->fd);
		if (w->pid > 0) {
			kill(w->pid, SIGKILL);
			while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
	}
	buf_fini(&p->body);
	free(p);
}

int data_pool_submit(struct data_pool *p, unsigned i, const char *op, struct bytes body)
{
	struct question q = { .body_n = body.n };

	strncpy(q.op, op, sizeof q.op - 1);
	if (p->n == 1) {
		memcpy(p->op, q.op, sizeof p->op);
		buf_clear(&p->body);
		buf_bytes(&p->body, body);
		p->busy = true;
		return 0;
	}
	p->workers[i].busy = true;
	if (write_all(p->workers[i].fd, &q, sizeof q) && write_all(p->workers[i].fd, body.p, body.n))
		return 0;
	log_err("one of the processes that send has died");
	return -1;
}

static int take_reply(struct worker *w, struct client_answer *a)
{
	struct buf keep = a->body;
	struct reply reply;
	uint8_t *room;

	if (!read_all(w->fd, &reply, sizeof reply))
		goto dead;
	*a = reply.answer;
	a->body = keep;
	buf_clear(&a->body);
	room = buf_room(&a->body, reply.body_n);
	if (room == NULL || !read_all(w->fd, room, reply.body_n))
		goto dead;
	a->body.n = reply.body_n;
	w->busy = false;
	return 0;
dead:
	log_err("one of the processes that send has died");
	return -2;
}

static int nap(uint64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
	return -1;
}

int data_pool_wait(struct data_pool *p, uint64_t wait_ms, struct client_answer *a)
{
	struct pollfd fds[DATA_POOL_MAX];
	int ms = wait_ms < WAIT_MS_MAX ? (int)wait_ms : WAIT_MS_MAX, n;

	if (p->n == 1) {
		if (!p->busy)
			return nap((uint64_t)ms);
		p->busy = false;
		client_call(p->client, p->op, buf_view(&p->body), a);
		return 0;
	}
	for (unsigned i = 0; i < p->n; i++)
		fds[i] = (struct pollfd){ .fd = p->workers[i].busy ? p->workers[i].fd : -1, .events = POLLIN };
	n = poll(fds, p->n, ms);
	if (n <= 0)
		return -1;
	for (unsigned i = 0; i < p->n; i++)
		if (fds[i].revents != 0)
			return take_reply(&p->workers[i], a) != 0 ? -2 : (int)i;
	return -1;
}
