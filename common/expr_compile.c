#include "expr_compile.h"

#include <assert.h>

#include "expr_code.h"
#include "expr_parse.h"
#include "expr_prog.h"
#include "expr_sem.h"
#include "expr_text.h"

enum language { CONDITION, UPDATE, PROJECTION };

static bool understand(struct bytes text, struct expr_subst *s, enum language lang, struct expr_ast *a, struct buf *err)
{
	bool blank = true;

	for (size_t i = 0; i < text.n && blank; i++)
		blank = text.p[i] == ' ' || (text.p[i] >= '\t' && text.p[i] <= '\r');
	if (blank) {
		buf_str(err, "The expression can not be empty;");
		return false;
	}
	if (text.n > EXPR_TEXT_BYTES_MAX) {
		buf_fmt(err, "Expression size has exceeded the maximum allowed size; expression size: %zu", text.n);
		return false;
	}
	switch (lang) {
	case CONDITION: return expr_parse_condition(text, a, err) && expr_sem_condition(a, s, err);
	case UPDATE: return expr_parse_update(text, a, err) && expr_sem_update(a, s, err);
	default: return expr_parse_projection(text, a, err) && expr_sem_projection(a, s, err);
	}
}

/* The prefix goes in first and out again if there is nothing to say. */
static bool parse(struct bytes text, struct expr_subst *s, enum language lang, const char *parameter,
	struct expr_ast *a, struct buf *err)
{
	size_t before = err->n;

	expr_ast_init(a);
	buf_fmt(err, "Invalid %s: ", parameter);
	if (!understand(text, s, lang, a, err))
		return false;
	err->n = before;
	return true;
}

bool expr_compile_parse(
	struct bytes text, struct expr_subst *s, const char *parameter, struct expr_ast *a, struct buf *err)
{
	return parse(text, s, CONDITION, parameter, a, err);
}

/* The first key attribute that one of a's paths begins with, as an index in schema, or schema->n. */
static size_t key_named(const struct expr_ast *a, const struct expr_node *path, const struct key_schema *schema)
{
	size_t i = 0;

	while (i < schema->n && !bytes_eq(schema->part[i].name, a->steps[path->step].name))
		i++;
	return i;
}

bool expr_compile_condition(struct bytes text, struct expr_subst *s, struct buf *prog, struct buf *err)
{
	struct expr_ast a;
	bool ok = expr_compile_parse(text, s, "ConditionExpression", &a, err);

	if (ok)
		expr_code_condition(&a, s, prog);
	expr_ast_fini(&a);
	return ok;
}

bool expr_compile_without_key(const struct expr_ast *a, const struct key_schema *schema, const char *what,
	struct buf *err)
{
	for (size_t i = 1; schema != NULL && i < a->nodes_n; i++) {
		size_t part = a->nodes[i].kind == EXPR_N_PATH ? key_named(a, &a->nodes[i], schema) : schema->n;

		if (part == schema->n)
			continue;
		buf_fmt(err, "%s can only contain non-primary key attributes: Primary key attribute: ", what);
		expr_text_quote(schema->part[part].name, err);
		return false;
	}
	return true;
}

bool expr_compile_filter(struct bytes text, struct expr_subst *s, const struct key_schema *schema, struct buf *prog,
	struct buf *err)
{
	struct expr_ast a;
	bool ok = expr_compile_parse(text, s, "FilterExpression", &a, err)
		&& expr_compile_without_key(&a, schema, "Filter Expression", err);

	if (ok)
		expr_code_condition(&a, s, prog);
	expr_ast_fini(&a);
	return ok;
}

bool expr_compile_projection(struct bytes text, struct expr_subst *s, struct buf *prog, struct buf *err)
{
	struct expr_ast a;
	bool ok = parse(text, s, PROJECTION, "ProjectionExpression", &a, err);

	if (ok)
		expr_code_projection(&a, s, prog);
	expr_ast_fini(&a);
	return ok;
}

bool expr_compile_keeps_key(const struct expr_ast *a, const struct key_schema *schema, struct buf *err)
{
	for (size_t i = 0; schema != NULL && i < a->actions_n; i++) {
		size_t part = key_named(a, &a->nodes[a->actions[i].path], schema);

		if (part == schema->n)
			continue;
		buf_str(err, "One or more parameter values were invalid: Cannot update attribute ");
		expr_text_quote(schema->part[part].name, err);
		buf_str(err, ". This attribute is part of the key");
		return false;
	}
	return true;
}

bool expr_compile_update(struct bytes text, struct expr_subst *s, const struct key_schema *schema, struct buf *prog,
	struct buf *err)
{
	struct expr_ast a;
	bool ok = parse(text, s, UPDATE, "UpdateExpression", &a, err) && expr_compile_keeps_key(&a, schema, err);

	if (ok)
		expr_code_update(&a, s, prog);
	expr_ast_fini(&a);
	return ok;
}

void expr_projection_of(const struct bytes *names, size_t n, struct buf *prog)
{
	struct expr_subst none = { 0 };
	struct expr_ast a;

	assert(n <= EXPR_PROJECTION_NAMES_MAX);
	expr_ast_init(&a);
	for (size_t i = 0; i < n; i++) {
		uint16_t path = expr_ast_node(&a, EXPR_N_PATH, BYTES_NONE);

		a.nodes[path].step = expr_ast_step(&a, (struct expr_step){ .name = names[i] });
		a.nodes[path].steps = 1;
		expr_ast_action(&a, EXPR_A_REMOVE, path, 0);
	}
	expr_code_projection(&a, &none, prog);
	expr_ast_fini(&a);
}
