/* Key conditions: what is left of them for a Query, or the message.  "unconfirmed" as in expr_parse.c. */
#include "check.h"

#include "common/expr.h"
#include "common/mem.h"
#include "expr_notation.h"

static const struct key_schema schema = { .part = { { { (const uint8_t *)"pk", 2 }, ITEM_S },
	{ { (const uint8_t *)"sk", 2 }, ITEM_N } }, .n = 2, .hash_n = 1 };

/* wanted: the partition key's value, then operator (enum expr_op) and values of each sort key part. */
static const struct { const char *text, *subst, *wanted;
} keys[] = {
	{ "pk = :p", ":p={S:a}", "{S:a}" },
	{ ":p = pk", ":p={S:a}", "{S:a}" },
	{ "(#k = :p) and sk = :s", "#k=pk, :p={S:a}, :s={N:1}", "{S:a} 1{N:1}" },
	{ "sk < :s and pk = :p", ":p={S:a}, :s={N:1}", "{S:a} 2{N:1}" },
	{ ":s < sk and pk = :p", ":p={S:a}, :s={N:1}", "{S:a} 4{N:1}" },
	{ "pk = :p and sk <= :s", ":p={S:a}, :s={N:1}", "{S:a} 3{N:1}" },
	{ "pk = :p and sk >= :s", ":p={S:a}, :s={N:1}", "{S:a} 5{N:1}" },
	{ "pk = :p and sk between :s and :t", ":p={S:a}, :s={N:1}, :t={N:2}", "{S:a} 6{N:1}{N:2}" },
	{ "pk = :p and begins_with(sk, :s)", ":p={S:a}, :s={S:1}",
		"One or more parameter values were invalid: Condition parameter type does not match schema type" },
	{ "sk = :s", ":s={N:1}", "Query condition missed key schema element: pk" },
	{ "pk > :p", ":p={S:a}", "Query key condition not supported" },
	{ "begins_with(pk, :p)", ":p={S:a}", "Query key condition not supported" },
	{ "pk = :p", ":p={N:1}",
		"One or more parameter values were invalid: Condition parameter type does not match schema type" },
	{ "pk = :p and sk = :p", ":p={S:a}",
		"One or more parameter values were invalid: Condition parameter type does not match schema type" },
	{ "pk = :p and zz = :s", ":p={S:a}, :s={N:1}", "Query condition missed key schema element: sk" },
	{ "pk = :p and sk = :s and zz = :s", ":p={S:a}, :s={N:1}",
		"Query key condition not supported" }, /* unconfirmed */
	{ "pk = :p", ":p={S:}",
		"One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
		"contain an empty string value. Key: pk" },
	{ "pk = :p or sk = :p", ":p={S:a}", "Invalid operator used in KeyConditionExpression: OR" },
	{ "not pk = :p", ":p={S:a}", "Invalid operator used in KeyConditionExpression: NOT" },
	{ "pk in (:p)", ":p={S:a}", "Invalid operator used in KeyConditionExpression: IN" },
	{ "pk <> :p", ":p={S:a}", "Invalid operator used in KeyConditionExpression: <>" },
	{ "attribute_exists(pk)", NULL, "Invalid operator used in KeyConditionExpression: attribute_exists" },
	{ "size(pk) = :p", ":p={N:1}", "KeyConditionExpressions cannot contain nested operations" },
	{ "pk.a = :p", ":p={S:a}", "KeyConditionExpressions cannot have conditions on nested attributes" },
	{ "pk = sk", NULL,
		"Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition" },
	{ ":p = :q", ":p={S:a}, :q={S:b}", "Invalid condition in KeyConditionExpression: No key attribute specified" },
	{ "begins_with(:p, pk)", ":p={S:a}",
		"Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its "
		"first operand" },
	{ "pk = :p and pk = :p", ":p={S:a}", "KeyConditionExpressions must only contain one condition per key" },
	{ "pk = :p and b-c", ":p={S:a}", "Invalid KeyConditionExpression: Syntax error; token: \"-\", near: \"b-c\"" },
	{ "", NULL, "Invalid KeyConditionExpression: The expression can not be empty;" },
	{ "((pk = :p))", ":p={S:a}", "Invalid KeyConditionExpression: The expression has redundant parentheses;" },
	{ "year = :p", ":p={S:a}",
		"Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: year" },
};

TEST(key_conditions)
{
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct notation_subst t;
		struct expr_key_condition k;
		struct buf text = { 0 };

		notation_subst(&t, keys[i].subst);
		if (expr_compile_key_condition(bytes_str(keys[i].text), &t.s, &schema, &k, &text)) {
			expr_text_value(item_value(k.hash[0]), &text);
			for (size_t j = 0; j < k.range_n; j++) {
				buf_fmt(&text, " %d", k.range[j].op);
				expr_text_value(item_value(k.range[j].lo), &text);
				if (k.range[j].hi.n > 0)
					expr_text_value(item_value(k.range[j].hi), &text);
			}
		}
		CHECK_STR(notation_text(&text), keys[i].wanted);
		if (strcmp((char *)text.p, keys[i].wanted) != 0)
			printf("# %s\n", keys[i].text);
		notation_free(&t);
		buf_fini(&text);
	}
}

/* An index with two attributes in each half: what is given must be the first ones, all but the last with =. */
TEST(key_conditions_on_several_attributes)
{
	static const struct key_schema two = {
		.part = { { { (const uint8_t *)"a", 1 }, ITEM_S }, { { (const uint8_t *)"b", 1 }, ITEM_S },
			{ { (const uint8_t *)"c", 1 }, ITEM_S }, { { (const uint8_t *)"d", 1 }, ITEM_S } },
		.n = 4,
		.hash_n = 2
	};
	static const struct { const char *text; int range_n;
	} some[] = {
		{ "a = :v and b = :v", 0 },
		{ "a = :v and b = :v and c > :v", 1 },
		{ "d < :v and a = :v and b = :v and c = :v", 2 },
		{ "a = :v", -1 },
		{ "a = :v and b = :v and d = :v", -1 },
		{ "a = :v and b = :v and c > :v and d = :v", -1 },
	};

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		struct notation_subst t;
		struct expr_key_condition k;
		struct buf err = { 0 };
		bool ok;

		notation_subst(&t, ":v={S:x}");
		ok = expr_compile_key_condition(bytes_str(some[i].text), &t.s, &two, &k, &err);
		CHECK_INT(ok ? (int)k.range_n : -1, some[i].range_n);
		buf_clear(&err);
		CHECK(expr_compile_key_condition(bytes_str(some[i].text), &t.s, NULL, NULL, &err));
		notation_free(&t);
		buf_fini(&err);
	}
}

/* No item has such a key, but the service does not say so by finding nothing. */
TEST(keys_that_are_too_large)
{
	static const struct key_schema strings = { .part = { { { (const uint8_t *)"pk", 2 }, ITEM_S },
		{ { (const uint8_t *)"sk", 2 }, ITEM_S } }, .n = 2, .hash_n = 1 };
	static const struct { int pk, sk; const char *wanted; } sizes[] = {
		{ KEY_PARTITION_BYTES_MAX, KEY_SORT_BYTES_MAX, "" },
		{ KEY_PARTITION_BYTES_MAX + 1, 1,
			"One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit "
			"of2048 bytes" },
		{ 1, KEY_SORT_BYTES_MAX + 1,
			"One or more parameter values were invalid: Aggregated size of all range keys has exceeded the "
			"size limit of 1024 bytes" },
	};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct notation_subst t;
		struct expr_key_condition k;
		struct buf text = { 0 };
		char subst[4096];

		snprintf(subst, sizeof subst, ":p={S:%0*d}, :s={S:%0*d}", sizes[i].pk, 0, sizes[i].sk, 0);
		notation_subst(&t, subst);
		CHECK_INT(expr_compile_key_condition(BYTES_LIT("pk = :p and sk >= :s"), &t.s, &strings, &k, &text), i == 0);
		CHECK_STR(notation_text(&text), sizes[i].wanted);
		notation_free(&t);
		buf_fini(&text);
	}
}

CHECK_MAIN(X(key_conditions) X(key_conditions_on_several_attributes) X(keys_that_are_too_large))
