#include "hist.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

const char *const hist_kinds[HIST_KINDS] = { "put", "cas", "get", "eget", "append", "list", "elist",
	"length" };
const char *const hist_outcomes[HIST_OUTCOMES] = { "ok", "maybe", "no" };

void hist_fini(struct hist *h)
{
	free(h->ops);
	free(h->elements);
	*h = (struct hist){ 0 };
}

void hist_add(struct hist *h, struct hist_op op, const uint64_t *elements, size_t elements_n)
{
	assert(elements_n <= HIST_ELEMENTS_MAX);
	if (h->n == h->cap) {
		h->cap = h->cap > 0 ? 2 * h->cap : 1024;
		h->ops = mem_resize(h->ops, h->cap * sizeof *h->ops);
	}
	if (h->elements_cap - h->elements_n < elements_n) {
		h->elements_cap = 2 * (h->elements_cap + elements_n);
		h->elements = mem_resize(h->elements, h->elements_cap * sizeof *h->elements);
	}
	op.elements = h->elements_n;
	op.elements_n = (uint32_t)elements_n;
	if (elements_n > 0)
		memcpy(h->elements + h->elements_n, elements, elements_n * sizeof *elements);
	h->elements_n += elements_n;
	h->ops[h->n++] = op;
}

/* --- as a file */

static void save_op(const struct hist *h, const struct hist_op *o, FILE *f)
{
	fprintf(f, "%s %" PRIu32 " %" PRId64 " ", hist_kinds[o->kind], o->key, o->from_ns);
	if (o->to_ns == HIST_NEVER)
		fprintf(f, "- ");
	else
		fprintf(f, "%" PRId64 " ", o->to_ns);
	fprintf(f, "%s %" PRIu64, hist_outcomes[o->outcome], o->value);
	if (o->kind == HIST_CAS)
		fprintf(f, " %" PRIu64, o->expect);
	if (o->kind == HIST_LIST || o->kind == HIST_ELIST) {
		fprintf(f, " %" PRIu32, o->elements_n);
		for (size_t i = 0; i < o->elements_n; i++)
			fprintf(f, " %" PRIu64, h->elements[o->elements + i]);
	}
	if (o->tx > 0)
		fprintf(f, " @%" PRIu64, o->tx);
	fputc('\n', f);
}

int hist_save(const struct hist *h, const char *path)
{
	FILE *f = fopen(path, "w");
	bool bad;

	if (f == NULL) {
		log_err("%s: %m", path);
		return -1;
	}
	for (size_t i = 0; i < h->n; i++)
		save_op(h, &h->ops[i], f);
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		log_err("%s: %m", path);
		return -1;
	}
	return 0;
}

static int word_of(const char *const *words, int n, const char *word)
{
	for (int i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

/* The next word of a line; "" at its end. */
static const char *word(char **at)
{
	const char *w;

	do
		w = strsep(at, " \n");
	while (w != NULL && *w == '\0');
	return w != NULL ? w : "";
}

static bool number(char **at, uint64_t *out)
{
	const char *w = word(at);
	char *end;

	*out = strtoull(w, &end, 10);
	return *w != '\0' && *end == '\0';
}

static bool load_op(struct hist *h, char *line)
{
	static uint64_t elements[HIST_ELEMENTS_MAX];
	struct hist_op o = { 0 };
	uint64_t key, from, to, n = 0;
	int kind = word_of(hist_kinds, HIST_KINDS, word(&line)), outcome;
	const char *end;

	if (kind < 0 || !number(&line, &key) || !number(&line, &from))
		return false;
	end = word(&line);
	to = strcmp(end, "-") == 0 ? HIST_NEVER : strtoull(end, NULL, 10);
	outcome = word_of(hist_outcomes, HIST_OUTCOMES, word(&line));
	if (outcome < 0 || !number(&line, &o.value) || (kind == HIST_CAS && !number(&line, &o.expect)))
		return false;
	if ((kind == HIST_LIST || kind == HIST_ELIST) && (!number(&line, &n) || n > HIST_ELEMENTS_MAX))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!number(&line, &elements[i]))
			return false;
	o.kind = (uint8_t)kind;
	o.outcome = (uint8_t)outcome;
	o.key = (uint32_t)key;
	o.from_ns = (int64_t)from;
	o.to_ns = (int64_t)to;
	end = word(&line);
	if (*end == '@') {
		o.tx = strtoull(end + 1, NULL, 10);
		end = word(&line);
	}
	hist_add(h, o, elements, n);
	return *end == '\0';
}

int hist_load(struct hist *h, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, n = 0;
	int rc = 0;

	if (f == NULL) {
		log_err("%s: %m", path);
		return -1;
	}
	while (rc == 0 && getline(&line, &cap, f) > 0) {
		n++;
		if (!load_op(h, line)) {
			log_err("%s: line %zu cannot be read", path, n);
			rc = -1;
		}
	}
	free(line);
	fclose(f);
	return rc;
}
