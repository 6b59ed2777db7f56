#include "cluster.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define WORDS_MAX 16

void cluster_fini(struct cluster *c)
{
	struct cluster_addrs *lists[] = { &c->memds, &c->autoadmin, &c->router };

	for (size_t i = 0; i < c->nodes_n; i++) {
		free(c->nodes[i].name);
		free(c->nodes[i].zone);
		free(c->nodes[i].addr);
	}
	free(c->nodes);
	for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
		for (size_t i = 0; i < lists[k]->n; i++)
			free(lists[k]->v[i]);
		free(lists[k]->v);
	}
	free(c->region);
	*c = (struct cluster){ 0 };
}

/* --- what may stand in the file */

static bool is_name(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t ch = v.p[i];

		if (!((ch | 32) >= 'a' && (ch | 32) <= 'z') && !(ch >= '0' && ch <= '9') && ch != '-' && ch != '_' &&
		    ch != '.')
			return false;
	}
	return v.n > 0 && v.n <= CLUSTER_NAME_MAX;
}

static bool is_addr(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] == 0x7f)
			return false;
	return v.n <= CLUSTER_ADDR_MAX && v.n > 5 &&
	       (bytes_starts(v, BYTES_LIT("unix:")) || bytes_starts(v, BYTES_LIT("tcp:")));
}

static bool get_number(struct bytes v, uint32_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.n && n <= UINT32_MAX; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	*out = (uint32_t)n;
	return v.n > 0 && v.p[0] != '0' && n <= UINT32_MAX;
}

static char *text_of(struct bytes v)
{
	return (char *)(uintptr_t)bytes_copy(v).p;
}

/* --- building */

static void add_node(struct cluster *c, struct cluster_node node)
{
	c->nodes = mem_resize(c->nodes, (c->nodes_n + 1) * sizeof *c->nodes);
	c->nodes[c->nodes_n++] = node;
}

static void add_addr(struct cluster_addrs *a, char *addr)
{
	a->v = mem_resize(a->v, (a->n + 1) * sizeof *a->v);
	a->v[a->n++] = addr;
}

void cluster_set_region(struct cluster *c, const char *region)
{
	assert(is_name(bytes_str(region)));
	free(c->region);
	c->region = mem_str(region);
}

void cluster_add_node(struct cluster *c, uint32_t number, const char *name, const char *zone, const char *addr,
                      uint32_t incarnation)
{
	assert(number > 0 && incarnation > 0 && c->nodes_n < CLUSTER_NODES_MAX && cluster_node(c, name) == NULL);
	assert(is_name(bytes_str(name)) && is_name(bytes_str(zone)) && is_addr(bytes_str(addr)));
	add_node(c, (struct cluster_node){ number, incarnation, mem_str(name), mem_str(zone), mem_str(addr) });
}

void cluster_add_addr(struct cluster_addrs *a, const char *addr)
{
	assert(a->n < CLUSTER_ADDRS_MAX && is_addr(bytes_str(addr)));
	add_addr(a, mem_str(addr));
}

const struct cluster_node *cluster_node(const struct cluster *c, const char *name)
{
	for (size_t i = 0; i < c->nodes_n; i++)
		if (strcmp(c->nodes[i].name, name) == 0)
			return &c->nodes[i];
	return NULL;
}

/* --- parsing */

struct parse {
	struct cluster *c;
	struct bytes word[WORDS_MAX];
	size_t words;
	bool has_format, has_cluster;
};

/* Each of these takes one line's words and returns what is wrong with them, or NULL. */
static const char *take_format(struct parse *p)
{
	uint32_t format;

	if (p->words != 2 || !get_number(p->word[1], &format))
		return "format takes one number";
	if (p->has_format)
		return "a second format";
	if (format > CLUSTER_FORMAT)
		return "made by a newer version of ddb, whose format this one cannot read";
	p->has_format = true;
	return NULL;
}

static const char *take_cluster(struct parse *p)
{
	if (p->has_cluster)
		return "a second cluster";
	if (p->words != 2 || !bytes_hex(p->word[1], p->c->id, sizeof p->c->id))
		return "cluster takes 32 hexadecimal digits";
	p->has_cluster = true;
	return NULL;
}

static const char *take_region(struct parse *p)
{
	if (p->c->region != NULL)
		return "a second region";
	if (p->words != 2 || !is_name(p->word[1]))
		return "region takes one name";
	p->c->region = text_of(p->word[1]);
	return NULL;
}

static const char *take_node(struct parse *p)
{
	struct cluster_node node = { 0 };
	const struct bytes *w = p->word;

	if (p->words != 9 || !bytes_is(w[3], "zone") || !bytes_is(w[5], "addr") || !bytes_is(w[7], "incarnation"))
		return "not of the form node NUMBER NAME zone ZONE addr ADDR incarnation N";
	if (!get_number(w[1], &node.number) || !get_number(w[8], &node.incarnation))
		return "number and incarnation are numbers from 1 on";
	if (!is_name(w[2]) || !is_name(w[4]))
		return "a name has 1 to 64 letters, digits and . - _";
	if (!is_addr(w[6]))
		return "addr takes unix:PATH or tcp:HOST:PORT";
	for (size_t i = 0; i < p->c->nodes_n; i++) {
		const struct cluster_node *other = &p->c->nodes[i];

		if (other->number == node.number || other->incarnation == node.incarnation ||
		    bytes_is(w[2], other->name))
			return "another node has this number, name or incarnation";
	}
	if (p->c->nodes_n == CLUSTER_NODES_MAX)
		return "too many nodes";
	node.name = text_of(w[2]);
	node.zone = text_of(w[4]);
	node.addr = text_of(w[6]);
	add_node(p->c, node);
	return NULL;
}

static const char *take_addr(struct parse *p, struct cluster_addrs *a)
{
	if (p->words != 2 || !is_addr(p->word[1]))
		return "takes unix:PATH or tcp:HOST:PORT";
	if (a->n == CLUSTER_ADDRS_MAX)
		return "too many addresses";
	add_addr(a, text_of(p->word[1]));
	return NULL;
}

static const char *take_line(struct parse *p)
{
	struct bytes verb = p->word[0];

	if (bytes_is(verb, "format"))
		return take_format(p);
	if (!p->has_format)
		return "the first line is to be: format 1";
	if (bytes_is(verb, "cluster"))
		return take_cluster(p);
	if (bytes_is(verb, "region"))
		return take_region(p);
	if (bytes_is(verb, "node"))
		return take_node(p);
	if (bytes_is(verb, "memds"))
		return take_addr(p, &p->c->memds);
	if (bytes_is(verb, "autoadmin"))
		return take_addr(p, &p->c->autoadmin);
	if (bytes_is(verb, "router"))
		return take_addr(p, &p->c->router);
	return "unknown word at the start of the line";
}

static const char *split(struct parse *p, struct bytes line)
{
	p->words = 0;
	for (size_t i = 0; i < line.n;) {
		size_t from = i;

		if (line.p[i] == ' ' || line.p[i] == '\t') {
			i++;
			continue;
		}
		while (i < line.n && line.p[i] != ' ' && line.p[i] != '\t')
			i++;
		if (p->words == WORDS_MAX)
			return "too many words";
		p->word[p->words++] = (struct bytes){ line.p + from, i - from };
	}
	return NULL;
}

bool cluster_parse(struct bytes text, struct cluster *c, struct buf *why)
{
	struct parse p = { .c = c };
	const char *wrong = NULL;
	size_t line = 0;

	*c = (struct cluster){ 0 };
	if (text.n > CLUSTER_FILE_BYTES_MAX)
		wrong = "file too large";
	for (size_t at = 0; at < text.n && wrong == NULL; line++) {
		const uint8_t *end = memchr(text.p + at, '\n', text.n - at);
		size_t n = end != NULL ? (size_t)(end - (text.p + at)) : text.n - at;

		wrong = split(&p, (struct bytes){ text.p + at, n });
		if (wrong == NULL && p.words > 0 && p.word[0].p[0] != '#')
			wrong = take_line(&p);
		at += n + (end != NULL);
	}
	if (wrong == NULL && !p.has_format)
		wrong = "no format line";
	if (wrong == NULL && !p.has_cluster)
		wrong = "no cluster line";
	if (wrong == NULL)
		return true;
	buf_fmt(why, "line %zu: %s", line, wrong);
	cluster_fini(c);
	return false;
}

void cluster_print(const struct cluster *c, struct buf *out)
{
	const struct {
		const char *verb;
		const struct cluster_addrs *a;
	} lists[] = { { "memds", &c->memds }, { "autoadmin", &c->autoadmin }, { "router", &c->router } };

	buf_fmt(out, "format %d\ncluster ", CLUSTER_FORMAT);
	buf_hex(out, (struct bytes){ c->id, sizeof c->id });
	buf_str(out, "\n");
	if (c->region != NULL)
		buf_fmt(out, "region %s\n", c->region);
	for (size_t i = 0; i < c->nodes_n; i++)
		buf_fmt(out, "node %u %s zone %s addr %s incarnation %u\n", c->nodes[i].number, c->nodes[i].name,
		        c->nodes[i].zone, c->nodes[i].addr, c->nodes[i].incarnation);
	for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
		for (size_t i = 0; i < lists[k].a->n; i++)
			buf_fmt(out, "%s %s\n", lists[k].verb, lists[k].a->v[i]);
}

/* --- the file */

/* 0 with the whole file in text, or -1 with errno. */
static int slurp(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	int error;

	if (fd < 0)
		return -1;
	do {
		uint8_t *room = buf_room(text, 4096);

		if (room == NULL) {
			errno = EFBIG;
			n = -1;
			break;
		}
		n = read(fd, room, 4096);
		if (n > 0)
			text->n += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	error = errno;
	close(fd);
	errno = error;
	return n == 0 ? 0 : -1;
}

int cluster_load(const char *home, struct cluster *c)
{
	char *path = mem_fmt("%s/cluster", home);
	struct buf text, why = { 0 };
	int rc = -1;

	*c = (struct cluster){ 0 };
	buf_init(&text, CLUSTER_FILE_BYTES_MAX + 4096);
	if (slurp(path, &text) != 0) {
		rc = errno == ENOENT ? 1 : -1;
		if (rc < 0)
			log_err("%s: %m", path);
	} else if (cluster_parse(buf_view(&text), c, &why)) {
		rc = 0;
	} else {
		log_err("%s: %.*s", path, (int)why.n, (const char *)why.p);
	}
	buf_fini(&text);
	buf_fini(&why);
	free(path);
	return rc;
}

static int write_all(int fd, struct bytes v)
{
	for (size_t at = 0; at < v.n;) {
		ssize_t n = write(fd, v.p + at, v.n - at);

		if (n < 0 && errno != EINTR)
			return -1;
		at += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd);
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

int cluster_save(const char *home, const struct cluster *c)
{
	char *path = mem_fmt("%s/cluster", home), *temp = mem_fmt("%s/cluster.new", home);
	const char *failed = temp;
	struct buf text = { 0 };
	int fd, rc = -1;

	cluster_print(c, &text);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write_all(fd, buf_view(&text)) != 0)
		goto out;
	failed = path;
	if (rename(temp, path) != 0 || sync_dir(home) != 0)
		goto out;
	rc = 0;
out:
	if (rc != 0)
		log_err("%s: %m", failed);
	if (fd >= 0)
		close(fd);
	buf_fini(&text);
	free(temp);
	free(path);
	return rc;
}

char *cluster_addr(const char *home, const char *addr)
{
	if (strncmp(addr, "unix:", 5) == 0 && addr[5] != '/')
		return mem_fmt("unix:%s/%s", home, addr + 5);
	return mem_str(addr);
}
