#include "expr_subst.h"

#include <assert.h>
#include <stdlib.h>

#include "expr_text.h"
#include "mem.h"

void expr_subst_fini(struct expr_subst *s)
{
	free(s->names);
	free(s->values);
	*s = (struct expr_subst){ 0 };
}

static void add(struct expr_alias **list, size_t *n, size_t *cap, struct bytes alias, struct bytes to)
{
	if (*n == *cap) {
		*cap = *cap > 0 ? 2 * *cap : 8;
		*list = mem_resize(*list, *cap * sizeof **list);
	}
	(*list)[(*n)++] = (struct expr_alias){ .alias = alias, .to = to };
}

void expr_subst_name(struct expr_subst *s, struct bytes alias, struct bytes name)
{
	assert(!s->sealed);
	s->bytes += alias.n + name.n;
	add(&s->names, &s->names_n, &s->names_cap, alias, name);
}

void expr_subst_value(struct expr_subst *s, struct bytes alias, struct bytes value)
{
	assert(!s->sealed);
	s->bytes += alias.n + value.n;
	add(&s->values, &s->values_n, &s->values_cap, alias, value);
}

static int compare(const void *a, const void *b)
{
	return bytes_cmp(((const struct expr_alias *)a)->alias, ((const struct expr_alias *)b)->alias);
}

static bool well_formed(struct bytes alias, char first)
{
	if (alias.n < 2 || alias.p[0] != first)
		return false;
	for (size_t i = 1; i < alias.n; i++) {
		uint8_t c = alias.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

static bool check(const struct expr_alias *list, size_t n, char first, const char *what, struct buf *err)
{
	for (size_t i = 0; i < n; i++) {
		if (!well_formed(list[i].alias, first)) {
			buf_fmt(err, "%s contains invalid key: Syntax error; key: \"", what);
			expr_text_quote(list[i].alias, err);
			buf_str(err, "\"");
			return false;
		}
		if (list[i].alias.n > EXPR_ALIAS_BYTES_MAX) {
			buf_fmt(err, "%s contains invalid key: The expression attribute map contains a key that is too "
				"long; key: \"", what);
			expr_text_quote(list[i].alias, err);
			buf_str(err, "\"");
			return false;
		}
	}
	return true;
}

static int compare_to(const void *a, const void *b)
{
	return bytes_cmp((*(struct expr_alias *const *)a)->to, (*(struct expr_alias *const *)b)->to);
}

/*
 * A path is compared with every other, and each of its names may be 64 KB that differ in their last byte: the bytes are
 * looked at here, once.
 */
static void rank(struct expr_alias *list, size_t n)
{
	struct expr_alias **order = mem_new(n * sizeof *order);

	for (size_t i = 0; i < n; i++)
		order[i] = &list[i];
	qsort(order, n, sizeof *order, compare_to);
	for (size_t i = 1; i < n; i++)
		order[i]->rank = order[i - 1]->rank + (compare_to(&order[i - 1], &order[i]) != 0);
	free(order);
}

bool expr_subst_seal(struct expr_subst *s, struct buf *err)
{
	assert(!s->sealed);
	if (!check(s->names, s->names_n, '#', "ExpressionAttributeNames", err)
	    || !check(s->values, s->values_n, ':', "ExpressionAttributeValues", err))
		return false;
	for (size_t i = 0; i < s->names_n; i++) {
		size_t n = s->names[i].to.n;

		if (n > 0 && n <= ITEM_NAME_MAX)
			continue;
		buf_str(err, "ExpressionAttributeNames contains invalid value: Invalid attribute name: ");
		buf_str(err, n == 0 ? "An attribute name must not be empty" : "An attribute name is too long");
		buf_str(err, "; key: ");
		buf_bytes(err, s->names[i].alias);
		return false;
	}
	if (s->bytes > EXPR_SUBST_BYTES_MAX) {
		buf_fmt(err, "The total size of expression attribute names and values has exceeded the maximum allowed "
			"size; size: %zu", s->bytes);
		return false;
	}
	if (s->names_n > 0)
		qsort(s->names, s->names_n, sizeof *s->names, compare);
	if (s->names_n > 1)
		rank(s->names, s->names_n);
	if (s->values_n > 0)
		qsort(s->values, s->values_n, sizeof *s->values, compare);
	s->sealed = true;
	return true;
}

static struct expr_alias *find(struct expr_alias *list, size_t n, struct bytes alias)
{
	struct expr_alias key = { .alias = alias };

	return n > 0 ? bsearch(&key, list, n, sizeof *list, compare) : NULL;
}

struct expr_alias *expr_subst_find_name(struct expr_subst *s, struct bytes alias)
{
	assert(s->sealed || s->names_n == 0);
	return find(s->names, s->names_n, alias);
}

struct expr_alias *expr_subst_find_value(struct expr_subst *s, struct bytes alias)
{
	assert(s->sealed || s->values_n == 0);
	return find(s->values, s->values_n, alias);
}

static bool unused(const struct expr_alias *list, size_t n, const char *what, struct buf *err)
{
	size_t shown = 0;

	for (size_t i = 0; i < n; i++) {
		if (list[i].used)
			continue;
		if (shown == 0)
			buf_fmt(err, "Value provided in %s unused in expressions: keys: {", what);
		else if (shown * EXPR_ALIAS_BYTES_MAX >= EXPR_MESSAGE_BYTES_MAX)
			break;
		buf_str(err, shown > 0 ? ", " : "");
		buf_bytes(err, list[i].alias);
		shown++;
	}
	if (shown > 0)
		buf_str(err, "}");
	return shown == 0;
}

bool expr_unused(const struct expr_subst *s, struct buf *err)
{
	return unused(s->names, s->names_n, "ExpressionAttributeNames", err)
		&& unused(s->values, s->values_n, "ExpressionAttributeValues", err);
}
