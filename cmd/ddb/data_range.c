#include "data_range.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

static const char *const signs[] = { "<=", ">=", "<", ">", "=", NULL };

static const char *word_of(const char *text, size_t n)
{
	static const char *const words[] = { "begins_with", "between", NULL };

	for (const char *const *w = words; *w != NULL; w++)
		if (strlen(*w) == n && strncasecmp(text, *w, n) == 0)
			return *w;
	return NULL;
}

static const char *sign_of(const char *text)
{
	for (const char *const *s = signs; *s != NULL; s++)
		if (strncmp(text, *s, strlen(*s)) == 0)
			return *s;
	return NULL;
}

/* "A and B", or "A B" without another blank. */
static bool split(struct data_range *r, const char *text)
{
	const char *and = strstr(text, " and "), *blank = strchr(text, ' ');

	if (and != NULL) {
		r->value[0] = mem_copy(text, (size_t)(and - text));
		r->value[1] = mem_str(and + strlen(" and "));
		return true;
	}
	if (blank == NULL || strchr(blank + 1, ' ') != NULL)
		return false;
	r->value[0] = mem_copy(text, (size_t)(blank - text));
	r->value[1] = mem_str(blank + 1);
	return true;
}

static bool read_one(struct data_range *r, const char *text)
{
	size_t n = strcspn(text, " ");
	const char *word = text[n] != '\0' ? word_of(text, n) : NULL, *sign = sign_of(text), *rest;

	if (word == NULL && sign == NULL) {
		r->op = "=";
		r->value[0] = mem_str(text);
		return true;
	}
	r->op = word != NULL ? word : sign;
	rest = text + strlen(r->op);
	rest += *rest == ' ';
	if (strcmp(r->op, "between") == 0)
		return split(r, rest);
	r->value[0] = mem_str(rest);
	return true;
}

size_t data_range_takes(char **operands, size_t n)
{
	const char *sign = sign_of(operands[0]);
	bool alone = sign != NULL && strcmp(sign, operands[0]) == 0;

	if (n > 2 && alone && strcmp(sign, "=") == 0)
		return 2;
	return n > 1 && (alone || word_of(operands[0], strlen(operands[0])) != NULL) ? n : 1;
}

bool data_range_read(struct data_range *r, char **operands, size_t n)
{
	const char *sign;

	*r = (struct data_range){ .op = NULL };
	if (n == 0)
		return true;
	if (n == 1)
		return read_one(r, operands[0]);
	sign = sign_of(operands[0]);
	r->op = sign != NULL && strcmp(sign, operands[0]) == 0 ? sign : word_of(operands[0], strlen(operands[0]));
	if (r->op == NULL)
		return false;
	r->value[0] = mem_str(operands[1]);
	if (strcmp(r->op, "between") != 0)
		return n == 2;
	if (n == 2) {
		free(r->value[0]);
		r->value[0] = NULL;
		return split(r, operands[1]);
	}
	if (n == 4 && strcasecmp(operands[2], "and") != 0)
		return false;
	r->value[1] = mem_str(operands[n - 1]);
	return n <= 4;
}

void data_range_free(struct data_range *r)
{
	free(r->value[0]);
	free(r->value[1]);
}
