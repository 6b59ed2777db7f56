/* The HTTP server and its worst clients: slow ones, absent ones, too many of them. */
#include "http_fixture.h"

TEST(time_limits)
{
	struct fixture f = { .options = { .head_ms = 150, .body_ms = 150, .idle_ms = 150 } };
	struct answer a = { 0 };
	int silent, head, body, idle, busy;

	setup(&f);
	silent = dial(http_port(f.server));
	head = dial(http_port(f.server));
	body = dial(http_port(f.server));
	idle = dial(http_port(f.server));
	busy = dial(http_port(f.server));
	CHECK(puts_to(head, "GET / HTTP/1.1\r\nHost:"));
	CHECK(puts_to(body, POST("/echo", "5") "hell"));
	CHECK(puts_to(idle, GET_("/echo")) && get(idle, &a));
	CHECK(puts_to(busy, GET_("/hold")));
	CHECK(at_end(silent));
	CHECK(get(head, &a) && a.status == 408 && at_end(head));
	CHECK(get(body, &a) && a.status == 408 && at_end(body));
	CHECK(at_end(idle));
	/* Our own slowness is no reason to cut anyone off. */
	pthread_mutex_lock(&f.lock);
	while (f.held_n < 1)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	order(&f, &f.release);
	CHECK(get(busy, &a) && a.status == 200);
	close(silent);
	close(head);
	close(body);
	close(idle);
	close(busy);
	buf_fini(&a.body);
	teardown(&f);
}

/* Bytes that trickle in do not extend the time for a head. */
TEST(trickling_does_not_help)
{
	struct fixture f = { .options = { .head_ms = 200, .body_ms = 200 } };
	struct answer a = { 0 };
	struct pollfd p = { 0, POLLIN, 0 };
	int fd, sent = 0;

	setup(&f);
	fd = p.fd = dial(http_port(f.server));
	CHECK(puts_to(fd, "GET / HTTP/1.1\r\nHost: a\r\nX: "));
	for (; sent < 1000 && poll(&p, 1, 10) == 0; sent++)
		puts_to(fd, "x");
	CHECK(sent < 1000);
	CHECK(get(fd, &a) && a.status == 408);
	close(fd);
	fd = p.fd = dial(http_port(f.server));
	CHECK(puts_to(fd, POST("/echo", "100000")));
	for (sent = 0; sent < 1000 && poll(&p, 1, 10) == 0; sent++)
		puts_to(fd, "x");
	CHECK(sent < 1000);
	CHECK(get(fd, &a) && a.status == 408);
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

/* A client that asks and does not read: it stops being read, others are served, and when it reads it gets all. */
TEST(a_slow_reader_stops_being_read)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int fd, other, got;

	setup(&f);
	fd = dial(http_port(f.server));
	for (int i = 0; i < 100; i++)
		CHECK(puts_to(fd, GET_("/big?1000000")));
	other = dial(http_port(f.server));
	for (int i = 0; i < 200; i++)
		CHECK(puts_to(other, GET_("/echo")) && get(other, &a) && a.status == 200);
	CHECK(http_counts(f.server)->requests < 300 - 50);
	for (got = 0; got < 100 && get(fd, &a); got++)
		if (a.status != 200 || a.body.n != 1000000 || a.body.p[0] != 'a' || a.body.p[999999] != 'j')
			break;
	CHECK_INT(got, 100);
	close(fd);
	close(other);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(a_reader_that_never_reads_is_cut_off)
{
	struct fixture f = { .options = { .body_ms = 200 } };
	struct answer a = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	for (int i = 0; i < 50; i++)
		CHECK(puts_to(fd, GET_("/big?1000000")));
	for (;;) {
		int other = dial(http_port(f.server));

		CHECK(puts_to(other, GET_("/echo")) && get(other, &a));
		close(other);
		if (http_counts(f.server)->timeouts > 0)
			break;
		poll(NULL, 0, 10);
	}
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(two_hundred_slow_clients_hinder_nobody)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int slow[200], fd;

	setup(&f);
	for (int i = 0; i < 200; i++) {
		slow[i] = dial(http_port(f.server));
		CHECK(slow[i] >= 0);
		CHECK(puts_to(slow[i], i % 2 ? "POST /echo HTTP/1.1\r\nHost: a\r\n" : POST("/echo", "5") "he"));
	}
	fd = dial(http_port(f.server));
	for (int i = 0; i < 500; i++)
		CHECK(puts_to(fd, GET_("/echo")) && get(fd, &a) && a.status == 200);
	for (int i = 0; i < 200; i += 2)
		CHECK(puts_to(slow[i], "llo") && get(slow[i], &a) && body_is(&a, "hello"));
	for (int i = 0; i < 200; i++)
		close(slow[i]);
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(one_connection_too_many_gets_503)
{
	struct fixture f = { .options = { .connections_max = 10 } };
	struct answer a = { 0 };
	int fds[11];

	setup(&f);
	for (int i = 0; i < 10; i++) {
		fds[i] = dial(http_port(f.server));
		CHECK(puts_to(fds[i], GET_("/echo")) && get(fds[i], &a) && a.status == 200);
	}
	fds[10] = dial(http_port(f.server));
	CHECK(get(fds[10], &a) && a.status == 503 && at_end(fds[10]));
	close(fds[0]);
	close(fds[10]);
	for (;;) {
		fds[0] = dial(http_port(f.server));
		if (puts_to(fds[0], GET_("/echo")) && get(fds[0], &a) && a.status == 200)
			break;
		close(fds[0]);
	}
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	buf_fini(&a.body);
	teardown(&f);
}

/* In a process of its own, since the limit counts our own descriptors too. */
static void serve_with_few_descriptors(int ready)
{
	struct rlimit r = { 40, 40 };
	uv_loop_t loop;
	struct http_options o = { 0 };
	struct fixture f = { 0 };
	struct http_server *s;
	int port;

	uv_loop_init(&loop);
	s = http_listen(&loop, &o, handle, &f);
	if (s == NULL || setrlimit(RLIMIT_NOFILE, &r) != 0)
		_exit(1);
	port = http_port(s);
	if (write(ready, &port, sizeof port) != sizeof port)
		_exit(1);
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(1);
}

TEST(running_out_of_descriptors_is_survived)
{
	struct answer a = { 0 };
	int fds[100], pipefd[2], port = 0, served = 0, fd, status;
	pid_t pid;

	CHECK(pipe(pipefd) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		serve_with_few_descriptors(pipefd[1]);
	CHECK(read(pipefd[0], &port, sizeof port) == sizeof port);
	for (int i = 0; i < 100; i++) {
		fds[i] = dial(port);
		served += fds[i] >= 0 && puts_to(fds[i], GET_("/echo")) && get(fds[i], &a) && a.status == 200;
	}
	CHECK(served >= 10 && served <= 40);
	for (int i = 0; i < 100; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (int i = 0; i < 100; i++) {
		fd = dial(port);
		if (puts_to(fd, GET_("/echo")) && get(fd, &a) && a.status == 200)
			break;
		close(fd);
		poll(NULL, 0, 10);
	}
	CHECK_INT(a.status, 200);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(pipefd[0]);
	close(pipefd[1]);
	buf_fini(&a.body);
}

TEST(a_client_that_leaves_early)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct linger reset = { 1, 0 };
	int fd, held;

	setup(&f);
	for (int i = 0; i < 50; i++) {
		fd = dial(http_port(f.server));
		CHECK(puts_to(fd, i % 3 == 0 ? GET_("/later") GET_("/echo") :
		                  i % 3 == 1 ? POST("/echo", "5") "he" : GET_("/big?5000000")));
		if (i % 2 == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(fd);
	}
	held = dial(http_port(f.server));
	CHECK(puts_to(held, GET_("/hold")));
	pthread_mutex_lock(&f.lock);
	while (f.held_n < 1)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	close(held);
	/* Half closed, as "nc -N" does: the answers still come. */
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, GET_("/later") GET_("/echo")));
	shutdown(fd, SHUT_WR);
	CHECK(get(fd, &a) && a.status == 200);
	CHECK(get(fd, &a) && a.status == 200 && at_end(fd));
	close(fd);
	order(&f, &f.release);
	buf_fini(&a.body);
	teardown(&f);
}

CHECK_MAIN(X(time_limits) X(trickling_does_not_help) X(a_slow_reader_stops_being_read)
           X(a_reader_that_never_reads_is_cut_off) X(two_hundred_slow_clients_hinder_nobody)
           X(one_connection_too_many_gets_503) X(running_out_of_descriptors_is_survived) X(a_client_that_leaves_early))
