/*
 * What the compiler makes of a text (as expr_print shows it) or the message with which it refuses it.
 * Messages marked "unconfirmed" are not known from the real service's documentation or from reports of its answers.
 */
#include "check.h"

#include <stdio.h>

#include "common/expr.h"
#include "common/expr_eval.h"
#include "common/mem.h"
#include "common/reserved.h"
#include "expr_notation.h"

enum kind { C, F, U, P };               /* condition, filter and update (pk and sk are the key), projection */

struct row {
	enum kind kind;
	const char *text, *subst, *wanted;      /* wanted: a message, or = and the program's text */
};

#define CE "Invalid ConditionExpression: "
#define UE "Invalid UpdateExpression: "
#define PE "Invalid ProjectionExpression: "
#define COUNT "Incorrect number of operands for operator or function; operator or function: "
#define TYPE "Incorrect operand type for operator or function; operator or function: "
#define ADD_TYPE "Incorrect operand type for operator or function; operator: "
#define FOR_ADD ", typeSet: ALLOWED_FOR_ADD_OPERAND"
#define DISTINCT \
	"The first operand must be distinct from the remaining operands for this operator or function; operator: "
#define NO_NAME "An expression attribute name used in the document path is not defined; attribute name: "
#define NO_VALUE "An expression attribute value used in expression is not defined; attribute value: "
#define OVERLAP "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
#define CONFLICT "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "
#define USED "The function is not allowed to be used this way in an expression; function: "
#define V1 ":v={N:1}"
#define S1 ":s={S:x}"

static const struct row rows[] = {
	/* programs */
	{ C, "a = :v", V1, "=a = {N:1}" },
	{ C, " a\t=\n:v ", V1, "=a = {N:1}" },
	{ C, "a.b[2].#c <> :v", "#c=x y, :v={N:1}", "=a.b[2].x y <> {N:1}" },
	{ C, "a=:v or b=:v and c=:v", V1, "=(a = {N:1} OR (b = {N:1} AND c = {N:1}))" },
	{ C, "a=:v and b=:v or c=:v", V1, "=((a = {N:1} AND b = {N:1}) OR c = {N:1})" },
	{ C, "a=:v and b=:v and c=:v", V1, "=((a = {N:1} AND b = {N:1}) AND c = {N:1})" },
	{ C, "a=:v and (b=:v or c=:v)", V1, "=(a = {N:1} AND (b = {N:1} OR c = {N:1}))" },
	{ C, "not a=:v and b=:v", V1, "=(NOT a = {N:1} AND b = {N:1})" },
	{ C, "not (a=:v and b=:v)", V1, "=NOT (a = {N:1} AND b = {N:1})" },
	{ C, "not not a=:v", V1, "=NOT NOT a = {N:1}" },
	{ C, "a between b and c and d = e", NULL, "=(a BETWEEN b AND c AND d = e)" },
	{ C, "a in (b, c, :v)", V1, "=a IN (b, c, {N:1})" },
	{ C, "a in ((b))", NULL, "=a IN (b)" },
	{ C, "(a) < (b)", NULL, "=a < b" },
	{ C, "(a = b)", NULL, "=a = b" },
	{ C, "((a) = b)", NULL, "=a = b" },
	{ C, "(a = b) and (c = d)", NULL, "=(a = b AND c = d)" },
	{ C,
		"size(a) > :v AND attribute_exists(b) AND attribute_not_exists(c) AND attribute_type(d, :t) AND "
		"begins_with(e, :s) AND contains(f, :v)",
		":v={N:1}, :t={S:BOOL}, :s={S:x}",
		"=(((((size(a) > {N:1} AND attribute_exists(b)) AND attribute_not_exists(c)) AND attribute_type(d, "
		"BOOL)) AND "
		"begins_with(e, {S:x})) AND contains(f, {N:1}))" },
	{ U,
		"SET a = :v, b.c = d + :v, e = if_not_exists(f, :v) - g, h = list_append(i, j) REMOVE k, l[1] ADD m :v "
		"DELETE n :s",
		":v={N:1}, :s={SS:[x]}",
		"=SET a = {N:1}; SET b.c = (d + {N:1}); SET e = (if_not_exists(f, {N:1}) - g); SET h = list_append(i, "
		"j); "
		"REMOVE k; REMOVE l[1]; ADD m {N:1}; DELETE n {SS:[x]}" },
	{ U, "remove a set b = (c)", NULL, "=REMOVE a; SET b = c" },
	{ U, "set a = (b + c)", NULL, "=SET a = (b + c)" },
	{ U, "set a = (b) + (c)", NULL, "=SET a = (b + c)" },
	{ P, "a, b.c, b.d[1], b.d[0], e", NULL, "=a, b(.c, .d([0], [1])), e" },
	{ P, "#a.#b", "#a=x, #b=y", "=x(.y)" },
	{ F, "a = :v", V1, "=a = {N:1}" },

	/* syntax */
	{ C, "", NULL, CE "The expression can not be empty;" },
	{ C, " \n\t ", NULL, CE "The expression can not be empty;" },
	{ U, "", NULL, UE "The expression can not be empty;" },
	{ P, "", NULL, PE "The expression can not be empty;" },
	{ C, "a b", NULL, CE "Syntax error; token: \"b\", near: \"a b\"" },
	{ C, "foo", NULL, CE "Syntax error; token: \"<EOF>\", near: \"foo\"" },
	{ C, "foo  ", NULL, CE "Syntax error; token: \"<EOF>\", near: \"foo\"" },
	{ C, "not (#a)", "#a=x", CE "Syntax error; token: \"<EOF>\", near: \")\"" },
	{ C, "a-b", NULL, CE "Syntax error; token: \"-\", near: \"a-b\"" },
	{ C, "a = = b", NULL, CE "Syntax error; token: \"=\", near: \"= = b\"" },
	{ C, "a = :v AND", V1, CE "Syntax error; token: \"<EOF>\", near: \"AND\"" },
	{ C, "a = :v AND b", V1, CE "Syntax error; token: \"<EOF>\", near: \"b\"" },
	{ C, "a AND b = :v", V1, CE "Syntax error; token: \"AND\", near: \"a AND b\"" },
	{ C, "(a = :v", V1, CE "Syntax error; token: \"<EOF>\", near: \":v\"" },
	{ C, "a = :v)", V1, CE "Syntax error; token: \")\", near: \":v)\"" },
	{ C, "a = (:v", V1, CE "Syntax error; token: \"<EOF>\", near: \":v\"" },
	{ C, "(a = :v) = b", V1, CE "Syntax error; token: \"=\", near: \") = b\"" },
	{ C, "contains (themes, :theme", ":theme={S:x}", CE "Syntax error; token: \"<EOF>\", near: \":theme\"" },
	{ C, "attribute_not_exists(", NULL, CE "Syntax error; token: \"<EOF>\", near: \"(\"" },
	{ C, "#articleId attribute_not_exists :ckpst", NULL,
		CE "Syntax error; token: \"attribute_not_exists\", near: \"#articleId attribute_not_exists :ckpst\"" },
	{ C, "tenantAgent:abc123-x", NULL, CE "Syntax error; token: \":abc123\", near: \"tenantAgent:abc123-\"" },
	{ C, "_version = :v", V1, CE "Syntax error; token: \"_\", near: \"_version\"" },
	{ C, "__typename <> :v", V1, CE "Syntax error; token: \"_\", near: \"__\"" },
	{ C, "a = :v AND _sortKey = :v", V1, CE "Syntax error; token: \"_\", near: \"AND _sortKey\"" },
	{ C, "a in :v", V1, CE "Syntax error; token: \":v\", near: \"in :v\"" },
	{ C, "a in ()", V1, CE "Syntax error; token: \")\", near: \"()\"" },
	{ C, "a between b", NULL, CE "Syntax error; token: \"<EOF>\", near: \"b\"" },
	{ C, "a between b or c", NULL, CE "Syntax error; token: \"or\", near: \"b or c\"" },
	{ C, "a = b + c", NULL, CE "Syntax error; token: \"+\", near: \"b + c\"" },
	{ C, "and = :v", V1, CE "Syntax error; token: \"and\", near: \"and =\"" },
	{ C, "a = \"b\"", NULL, CE "Syntax error; token: \"\"\", near: \"= \"b\"" },
	{ C, "a = \xc3\xa9z", NULL, CE "Syntax error; token: \"\xc3\xa9\", near: \"= \xc3\xa9z\"" },
	{ C, "a..b = :v", V1, CE "Syntax error; token: \".\", near: \"..b\"" },
	{ C, "a[b] = :v", V1, CE "Syntax error; token: \"b\", near: \"[b]\"" },
	{ C, "a[-1] = :v", V1, CE "Syntax error; token: \"-\", near: \"[-1\"" },
	{ C, "a[:v] = :v", V1, CE "Syntax error; token: \":v\", near: \"[:v]\"" },
	{ C, "5 = :v", V1, CE "Syntax error; token: \"5\", near: \"5 =\"" },
	{ U, "INVALID SYNTAX", NULL, UE "Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\"" },
	{ U, "set _something = :something", NULL, UE "Syntax error; token: \"_\", near: \"set _something\"" },
	{ U, "SET a = :v, #, b", NULL, UE "Syntax error; token: \"#\", near: \", #,\"" },
	{ U, "SET otp = if_not_exists(otp, 0)", NULL, UE "Syntax error; token: \"0\", near: \", 0)\"" },
	{ U, "SET book-price = :v", V1, UE "Syntax error; token: \"-\", near: \"book-price\"" },
	{ U, "SET a = :v,", V1, UE "Syntax error; token: \"<EOF>\", near: \",\"" },
	{ U, "SET", NULL, UE "Syntax error; token: \"<EOF>\", near: \"SET\"" },
	{ U, "SET a = :v b", V1, UE "Syntax error; token: \"b\", near: \":v b\"" },
	{ U, "SET a = b + c + d", NULL, UE "Syntax error; token: \"+\", near: \"c + d\"" },
	{ U, "SET a = (b + c) + d", NULL, UE "Syntax error; token: \"+\", near: \") + d\"" },
	{ U, "SET a = list_append(b + c, d)", NULL, UE "Syntax error; token: \"+\", near: \"b + c\"" },
	{ U, "ADD a b", NULL, UE "Syntax error; token: \"b\", near: \"a b\"" },
	{ U, "ADD a = :v", V1, UE "Syntax error; token: \"=\", near: \"a = :v\"" },
	{ U, "REMOVE a :v", V1, UE "Syntax error; token: \":v\", near: \"a :v\"" },
	{ U, "SET :v = a", V1, UE "Syntax error; token: \":v\", near: \"SET :v =\"" },
	{ U, "SET set = a", NULL, UE "Syntax error; token: \"set\", near: \"SET set =\"" },
	{ P, "!!!", NULL, PE "Syntax error; token: \"!\", near: \"!!\"" },
	{ P, "a b", NULL, PE "Syntax error; token: \"b\", near: \"a b\"" },
	{ P, "a,", NULL, PE "Syntax error; token: \"<EOF>\", near: \",\"" },
	{ P, "a.", NULL, PE "Syntax error; token: \"<EOF>\", near: \".\"" },
	{ P, "a, :v", V1, PE "Syntax error; token: \":v\", near: \", :v\"" },

	/* parentheses, functions, names, in the order in which they are found */
	{ C, "((a = :v))", V1, CE "The expression has redundant parentheses;" },
	{ C, "((a)) = :v", V1, CE "The expression has redundant parentheses;" },
	{ C, "((a = :v)) and foo(b)", V1, CE "The expression has redundant parentheses;" },
	{ U, "SET a = ((b))", NULL, UE "The expression has redundant parentheses;" }, /* unconfirmed */
	{ C, "foo(a) and size(b) and name = :x", NULL, CE "Invalid function name; function: foo" },
	{ C, "SIZE(a) = :v", V1, CE "Invalid function name; function: SIZE" },
	{ C, "if_not_exists(a, b)", NULL,
		CE "The function is not allowed in a condition expression; function: if_not_exists" },
	{ U, "SET a = size(b)", NULL, UE "The function is not allowed in an update expression; function: size" },
	{ U, "SET a = foo(b)", NULL, UE "Invalid function name; function: foo" },
	{ C, "size(a) and name = :x", NULL, CE USED "size" },
	{ C, "attribute_exists(a) = b", NULL, CE USED "attribute_exists" },
	{ C, "contains(a, begins_with(b, c))", NULL, CE USED "begins_with" },
	{ C, "name = :x", NULL, CE "Attribute name is a reserved keyword; reserved keyword: name" },
	{ C, "a.Status = :x", NULL, CE "Attribute name is a reserved keyword; reserved keyword: Status" },
	{ C, "set = :v", V1, CE "Attribute name is a reserved keyword; reserved keyword: set" },
	{ U, "SET a = :x, data = :y", NULL, UE "Attribute name is a reserved keyword; reserved keyword: data" },
	{ P, "a, Date", NULL, PE "Attribute name is a reserved keyword; reserved keyword: Date" },
	{ C, "#a = b", NULL, CE NO_NAME "#a" },
	{ C, "a = :x", NULL, CE NO_VALUE ":x" },
	{ U, "SET a = :x, #b = c", NULL, UE NO_NAME "#b" },
	{ U, "SET a = :x", NULL, UE NO_VALUE ":x" },
	{ P, "a, #a", NULL, PE NO_NAME "#a" },
	{ C, "a[99999999999] = b", NULL, CE "List index is not within the allowable range; index: [99999999999]" },
	{ C, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.A.B.C.D.E.F.G = b", NULL,
		CE "The document path has too many nesting levels; nesting levels: 33" }, /* unconfirmed */

	/* operands */
	{ C, "attribute_exists(a, b)", NULL, CE COUNT "attribute_exists, number of operands: 2" },
	{ C, "begins_with(a)", NULL, CE COUNT "begins_with, number of operands: 1" },
	{ U, "SET a = list_append(b)", NULL, UE COUNT "list_append, number of operands: 1" },
	{ C, "a = a", NULL, CE DISTINCT "=, first operand: [a]" },
	{ C, "a.b[1] < #a.b[1]", "#a=a", CE DISTINCT "<, first operand: [a, b, [1]]" },
	{ C, "contains(a, a)", NULL, CE DISTINCT "contains, first operand: [a]" },
	{ C, "a IN (b, a)", NULL, CE DISTINCT "IN, first operand: [a]" }, /* unconfirmed */
	{ C, "attribute_exists(:v)", V1,
		CE "Operator or function requires a document path; operator or function: attribute_exists" },
	{ U, "SET a = if_not_exists(:v, b)", V1,
		UE "Operator or function requires a document path; operator or function: if_not_exists" },
	{ C, "begins_with(a, :v)", V1, CE TYPE "begins_with, operand type: N" },
	{ C, "begins_with(a, size(b))", NULL, CE TYPE "begins_with, operand type: N" },
	{ C, "size(:v) = a", V1, CE TYPE "size, operand type: N" },
	{ C, "size(size(a)) = :v", V1, CE TYPE "size, operand type: N" },
	{ C, "contains(:v, a)", V1, CE TYPE "contains, operand type: N" }, /* unconfirmed */
	{ C, "a < :v", ":v={BOOL:true}", CE TYPE "<, operand type: BOOL" },
	{ C, "a BETWEEN :v AND :v", ":v={SS:[a]}", CE TYPE "BETWEEN, operand type: SS" }, /* unconfirmed */
	{ C, "attribute_type(a, b)", NULL, CE TYPE "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}" },
	{ C, "attribute_type(a, :v)", V1, CE TYPE "attribute_type, operand type: N" },
	{ C, "attribute_type(a, :s)", S1,
		CE "Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}" },
	{ C, "a BETWEEN :s AND :v", ":s={S:b}, :v={N:1}",
		CE "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
		   "AttributeValue: {S:b}, upper bound operand: AttributeValue: {N:1}" },
	{ C, "a BETWEEN :s AND :v", ":s={S:b}, :v={S:a}",
		CE "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound "
		   "operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}" },
	{ U, "ADD a :s", S1, UE ADD_TYPE "ADD, operand type: STRING" FOR_ADD },
	{ U, "ADD a :l", ":l={L:[]}", UE ADD_TYPE "ADD, operand type: LIST" FOR_ADD },
	{ U, "DELETE a :v", V1, UE ADD_TYPE "DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
	{ U, "SET a = list_append(b, :m)", ":m={M:{}}", UE TYPE "list_append, operand type: M" },
	{ U, "SET a = :s + b", S1, UE TYPE "+, operand type: S" },
	{ U, "SET a = b - list_append(c, d)", NULL, UE TYPE "-, operand type: L" }, /* unconfirmed */

	/* paths against each other, sections, keys */
	{ U, "SET a = b, a = c", NULL, UE OVERLAP "[a], path two: [a]" },
	{ U, "SET a = b REMOVE a.b", NULL, UE OVERLAP "[a], path two: [a, b]" },
	{ U, "SET a.b = b, a[1] = c", NULL, UE CONFLICT "[a, b], path two: [a, [1]]" },
	{ P, "b[1], b.a, #a.b, a", "#a=a", PE OVERLAP "[a, b], path two: [a]" },
	{ P, "b[1], b.a", NULL, PE CONFLICT "[b, [1]], path two: [b, a]" },
	{ U, "SET a = b SET c = d", NULL, UE "The \"SET\" section can only be used once in an update expression;" },
	{ U, "REMOVE a ADD b :v REMOVE c", V1,
		UE "The \"REMOVE\" section can only be used once in an update expression;" },
	{ U, "SET a = :v, sk = :v", V1,
		"One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the "
		"key" },
	{ U, "REMOVE #k", "#k=pk",
		"One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the "
		"key" },
	{ F, "a = :v AND sk > :v", V1,
		"Filter Expression can only contain non-primary key attributes: Primary key attribute: sk" },
	{ F, "a b", NULL, "Invalid FilterExpression: Syntax error; token: \"b\", near: \"a b\"" },
};

static const struct key_schema schema = { .part = { { { (const uint8_t *)"pk", 2 }, ITEM_S },
	{ { (const uint8_t *)"sk", 2 }, ITEM_N } }, .n = 2, .hash_n = 1 };

static bool compile(enum kind kind, struct bytes text, struct expr_subst *s, struct buf *prog, struct buf *err)
{
	switch (kind) {
	case C: return expr_compile_condition(text, s, prog, err);
	case F: return expr_compile_filter(text, s, &schema, prog, err);
	case U: return expr_compile_update(text, s, &schema, prog, err);
	default: return expr_compile_projection(text, s, prog, err);
	}
}

TEST(texts_compile_or_say_why_not)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct notation_subst t;
		struct buf prog = { 0 }, err = { 0 };

		notation_subst(&t, rows[i].subst);
		if (compile(rows[i].kind, bytes_str(rows[i].text), &t.s, &prog, &err)) {
			CHECK_INT(err.n, 0);
			buf_str(&err, "=");
			expr_print(buf_view(&prog), &err);
		}
		CHECK_STR(notation_text(&err), rows[i].wanted);
		if (strcmp((char *)err.p, rows[i].wanted) != 0)
			printf("# %s\n", rows[i].text);
		notation_free(&t);
		buf_fini(&prog);
		buf_fini(&err);
	}
}

static void repeat(struct buf *out, const char *s, size_t n)
{
	while (n-- > 0)
		buf_str(out, s);
}

/* head, middle n times, tail; wanted NULL: compiles. */
static void sized(enum kind kind, const char *head, const char *middle, size_t n, const char *tail, const char *wanted)
{
	struct notation_subst t;
	struct buf text = { 0 }, prog = { 0 }, err = { 0 };
	bool ok;

	notation_subst(&t, V1);
	buf_str(&text, head);
	repeat(&text, middle, n);
	buf_str(&text, tail);
	ok = compile(kind, buf_view(&text), &t.s, &prog, &err);
	CHECK_STR(notation_text(&err), wanted != NULL ? wanted : "");
	CHECK(ok == (wanted == NULL));
	notation_free(&t);
	buf_fini(&text);
	buf_fini(&prog);
	buf_fini(&err);
}

TEST(limits_are_kept)
{
	sized(C, "a=:v", " ", 4092, "", NULL);
	sized(C, "a=:v", " ", 4093, "",
		CE "Expression size has exceeded the maximum allowed size; expression size: 4097");
	sized(C, "a=:v", " or a=:v", 149, "", NULL);
	sized(C, "not a=:v", " or a=:v", 149, "", NULL);
	sized(C, "not a=:v", " or not a=:v", 149, "",
		CE "The expression contains too many operators; operator count: 449");
	sized(C, "not a=:v", " or a=:v", 150, "", CE "The expression contains too many operators; operator count: 302");
	sized(C, "", "not ", 299, "a=:v", NULL);
	sized(C, "", "not ", 300, "a=:v", CE "The expression contains too many operators; operator count: 301");
	sized(C, "", "not ", 1000, "a=:v", CE "The expression contains too many operators; operator count: 1001");
	sized(C, "a in (b", ",:v", 99, ")", NULL);
	sized(C, "a in (b", ",:v", 100, ")",
		CE "The IN operator is provided with too many operands; number of operands: 101");
	sized(C, "", "(", 4000, "", CE "Syntax error; token: \"<EOF>\", near: \"(\"");
	sized(C, "", "a(", 2000, "", CE "Syntax error; token: \"(\", near: \"a(a\""); /* unconfirmed */
	sized(U, "SET a=", "(", 4000, "", UE "Syntax error; token: \"<EOF>\", near: \"(\"");
	sized(U, "SET a=", "if_not_exists(b,", 200, "a" /* and the closing ones: */,
		UE "Syntax error; token: \"<EOF>\", near: \"a\"");
	sized(P, "a", ".b", 31, "", NULL);
	sized(P, "a", ".b", 32, "", PE "The document path has too many nesting levels; nesting levels: 33");
}

TEST(substitutions_are_checked_and_counted)
{
	static const struct { const char *name, *value, *wanted; } bad[] = {
		{ "a", NULL, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"" },
		{ "#", NULL, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"" },
		{ "#a-b", NULL, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\"" },
		{ "#environment.item", NULL,
			"ExpressionAttributeNames contains invalid key: Syntax error; key: \"#environment.item\"" },
		{ NULL, "v", "ExpressionAttributeValues contains invalid key: Syntax error; key: \"v\"" },
		{ NULL, ":v-", "ExpressionAttributeValues contains invalid key: Syntax error; key: \":v-\"" },
	};
	struct notation_subst t;
	struct buf err = { 0 }, prog = { 0 };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct expr_subst s = { 0 };

		if (bad[i].name != NULL)
			expr_subst_name(&s, bytes_str(bad[i].name), BYTES_LIT("x"));
		else
			expr_subst_value(&s, bytes_str(bad[i].value), BYTES_LIT("\x04"));
		buf_clear(&err);
		CHECK(!expr_subst_seal(&s, &err));
		CHECK_STR(notation_text(&err), bad[i].wanted);
		expr_subst_fini(&s);
	}
	notation_subst(&t, "#b=x, #a=y, #c=z, :v={N:1}, :w={N:2}");
	buf_clear(&err);
	CHECK(expr_compile_condition(BYTES_LIT("#c = :v"), &t.s, &prog, &err));
	CHECK(!expr_unused(&t.s, &err));
	CHECK_STR(notation_text(&err),
		"Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}");
	buf_clear(&err);
	CHECK(expr_compile_projection(BYTES_LIT("#a, #b.#c"), &t.s, &prog, &err));
	CHECK(!expr_unused(&t.s, &err));
	CHECK_STR(notation_text(&err), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}");
	buf_clear(&err);
	CHECK(expr_compile_filter(BYTES_LIT("x = :w"), &t.s, NULL, &prog, &err));
	CHECK(expr_unused(&t.s, &err));
	notation_free(&t);
	buf_fini(&err);
	buf_fini(&prog);
}

TEST(reserved_words)
{
	CHECK(reserved_is(BYTES_LIT("ABORT")) && reserved_is(BYTES_LIT("zone"))
		&& reserved_is(BYTES_LIT("LocalTimestamp")));
	CHECK(!reserved_is(BYTES_LIT("pk")) && !reserved_is(BYTES_LIT("")) && !reserved_is(BYTES_LIT("zone\0")));
	for (size_t i = 0; i < RESERVED_N; i++) {
		CHECK(reserved_is(bytes_str(reserved_at(i))));
		CHECK(i == 0 || strcmp(reserved_at(i - 1), reserved_at(i)) < 0);
	}
	CHECK(reserved_at(RESERVED_N) == NULL);
}

static enum kind kind_of(const char *name)
{
	return name[0] == 'c' ? C : name[0] == 'u' ? U : P;
}

/*
 * t/golden/expr-v1.txt: kind, text, substitutions, program in hexadecimal, a line each.  A change of any program of
 * version 1 breaks nodes of another release: it needs a version of its own.
 */
TEST(programs_are_as_in_the_golden_file)
{
	FILE *f = fopen("t/golden/expr-v1.txt", "r");
	char line[4096];
	size_t n = 0;

	CHECK(f != NULL);
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *kind, *text, *subst, *hex, *end;
		struct notation_subst t;
		struct buf prog = { 0 }, err = { 0 };

		if (line[0] == '#')
			continue;
		end = line;
		kind = strsep(&end, "|");
		text = strsep(&end, "|");
		subst = strsep(&end, "|");
		hex = strsep(&end, "\n");
		CHECK(hex != NULL);
		notation_subst(&t, subst);
		CHECK(compile(kind_of(kind), bytes_str(text), &t.s, &prog, &err));
		buf_hex(&err, buf_view(&prog));
		CHECK_STR(notation_text(&err), hex);
		notation_free(&t);
		buf_fini(&prog);
		buf_fini(&err);
		n++;
	}
	CHECK(n >= 10);
	if (f != NULL)
		fclose(f);
}

CHECK_MAIN(X(texts_compile_or_say_why_not) X(limits_are_kept) X(substitutions_are_checked_and_counted)
	X(reserved_words) X(programs_are_as_in_the_golden_file))
