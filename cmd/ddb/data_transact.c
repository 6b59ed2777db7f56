/* data_transact: ddb transact. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cmd.h"
#include "data.h"
#include "data_input.h"
#include "data_words.h"
#include "djson.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

#define ACTIONS_MAX 100                                  /* the API's bound */
#define TOKEN_BYTES 16

enum verb { PUT, UPDATE, DELETE, CHECK, GET, VERBS };

static const struct {
	const char *word, *action;                       /* in a line, and in the API */
} verbs[VERBS] = {
	[PUT] = { "put", "Put" }, [UPDATE] = { "update", "Update" }, [DELETE] = { "delete", "Delete" },
	[CHECK] = { "check", "ConditionCheck" }, [GET] = { "get", "Get" },
};

/* What one line says. */
struct action {
	enum verb verb;                                  /* VERBS: nothing yet */
	char *table, *condition, *expression, *select;   /* owned */
	struct bytes item, key, values;                  /* raw JSON, in the line */
};

struct transact {
	struct data d;
	struct data_input in;
	uint64_t line[ACTIONS_MAX];                      /* where each action began */
	size_t n, gets;
};

static int bad(const struct transact *t, const char *what)
{
	log_err("%s: line %" PRIu64 ": %s", t->in.name, t->in.line, what);
	return DDB_EXIT_USAGE;
}

/* --- one line */

static bool take_text(struct json_read *r, char **out)
{
	if (r->token != JSON_STRING || *out != NULL)
		return false;
	*out = mem_copy(r->str.p, r->str.n);
	return true;
}

static bool take_object(struct json_read *r, struct bytes *raw)
{
	return r->token == JSON_OBJECT && json_read_raw(r, raw);
}

static bool take_member(struct json_read *r, struct action *a)
{
	struct { const char *name; char **text; struct bytes *object; } members[] = {
		{ "item", NULL, &a->item }, { "key", NULL, &a->key }, { "values", NULL, &a->values },
		{ "if", &a->condition, NULL }, { "expression", &a->expression, NULL }, { "select", &a->select, NULL },
	};

	for (enum verb v = PUT; v < VERBS; v++)
		if (bytes_is(r->str, verbs[v].word)) {
			a->verb = v;                         /* a second one finds a table there */
			json_read_next(r);
			return take_text(r, &a->table);
		}
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (bytes_is(r->str, members[i].name)) {
			json_read_next(r);
			return members[i].text != NULL ? take_text(r, members[i].text) :
			                                 take_object(r, members[i].object);
		}
	return false;
}

static const char *fault_of(const struct action *a)
{
	bool item = a->item.p != NULL, key = a->key.p != NULL;

	if (a->verb == VERBS)
		return "none of put, update, delete, check and get";
	if (item != (a->verb == PUT) || key == item)
		return a->verb == PUT ? "put wants an \"item\", and no \"key\"" : "this wants a \"key\", and no \"item\"";
	if ((a->expression != NULL) != (a->verb == UPDATE))
		return a->verb == UPDATE ? "update wants an \"expression\"" : "only update has an \"expression\"";
	if (a->verb == CHECK && a->condition == NULL)
		return "check wants an \"if\"";
	if (a->verb == GET ? a->condition != NULL : a->select != NULL)
		return a->verb == GET ? "get has no \"if\"" : "only get has a \"select\"";
	return NULL;
}

static int read_action(struct transact *t, struct bytes text, struct action *a)
{
	struct json_read *r = &t->in.json;
	const char *fault;
	bool ok;

	json_read_reset(r, text);
	ok = json_read_next(r) == JSON_OBJECT;
	while (ok && json_read_next(r) == JSON_KEY)
		ok = take_member(r, a);
	ok = ok && json_read_next(r) == JSON_END;
	if (r->token == JSON_ERROR)
		return bad(t, r->error);
	if (!ok)
		return bad(t, "not {\"put\", \"update\", \"delete\", \"check\" or \"get\": TABLE, \"item\" or \"key\": {...}, ...}");
	fault = fault_of(a);
	return fault != NULL ? bad(t, fault) : 0;
}

/* {":t":{"SS":["a"]},..}, as --value of other commands has them one by one. */
static int put_values(struct transact *t, struct data_words *words, struct bytes values)
{
	struct json_read r;
	struct bytes raw;
	int code = 0;

	if (values.p == NULL)
		return 0;
	json_read_init(&r, values, DATA_DEPTH_MAX);
	json_read_next(&r);
	while (code == 0 && json_read_next(&r) == JSON_KEY) {
		struct buf text = { 0 };

		buf_bytes(&text, r.str);
		buf_str(&text, "=");
		json_read_next(&r);
		if (json_read_raw(&r, &raw))
			buf_bytes(&text, raw);
		if (!data_expr_user_value(&words->x, buf_view(&text), t->d.typed))
			code = bad(t, words->x.message);
		buf_fini(&text);
	}
	json_read_fini(&r);
	return code;
}

static int write_action(struct transact *t, const struct action *a)
{
	char message[DATA_INPUT_MESSAGE_MAX] = "";
	struct data_words words = { 0 };
	struct json_write *w = &t->d.w;
	int code;

	if (!data_input_item(&t->in, a->verb == PUT ? a->item : a->key, t->d.typed, &t->d.build, message))
		return bad(t, message);
	json_write_object(w);
	json_write_name(w, verbs[a->verb].action);
	json_write_object(w);
	json_write_name(w, "TableName");
	json_write_str(w, a->table);
	json_write_name(w, a->verb == PUT ? "Item" : "Key");
	djson_write_item(w, item_build_view(&t->d.build));
	code = data_words_begin(&words, t->d.typed);
	if (code == 0)
		code = put_values(t, &words, a->values);
	if (code == 0)
		code = data_words_put(&words, w, "UpdateExpression", DATA_EXPR_UPDATE, a->expression);
	if (code == 0)
		code = data_words_put(&words, w, "ConditionExpression", DATA_EXPR_CONDITION, a->condition);
	if (code == 0)
		code = data_words_put(&words, w, "ProjectionExpression", DATA_EXPR_PATHS, a->select);
	data_words_end(&words, w);
	data_words_fini(&words);
	json_write_object_end(w);
	json_write_object_end(w);
	return code;
}

static int add_line(struct transact *t, struct bytes text)
{
	struct action a = { .verb = VERBS };
	int code;

	if (t->n == ACTIONS_MAX)
		return bad(t, "more than 100 actions");
	code = read_action(t, text, &a);
	if (code == 0 && t->n > 0 && (a.verb == GET) != (t->gets > 0))
		code = bad(t, "a transaction reads or writes, not both");
	t->line[t->n] = t->in.line;
	if (code == 0)
		code = write_action(t, &a);
	if (code == 0) {
		t->n++;
		t->gets += a.verb == GET;
	}
	free(a.table);
	free(a.condition);
	free(a.expression);
	free(a.select);
	return code;
}

static int read_all(struct transact *t)
{
	struct bytes text;
	int code = 0;

	while (code == 0) {
		switch (data_input_document(&t->in, &text)) {
		case DATA_INPUT_END:
			if (t->n > 0)
				return 0;
			log_err("%s: no actions", t->in.name);
			return DDB_EXIT_USAGE;
		case DATA_INPUT_FAILED:
			return DDB_EXIT_IO;
		case DATA_INPUT_TOO_LONG:
			return bad(t, "more than 16 MB");
		case DATA_INPUT_OK:
			code = add_line(t, text);
		}
	}
	return code;
}

/* --- the answer */

/* Which lines stood in the way: the reasons come in the order of the actions. */
static void show_reasons(const struct transact *t)
{
	struct bytes list, reason, raw;
	struct json_read r;

	if (!data_member(buf_view(&t->d.answer.body), "CancellationReasons", &list))
		return;
	json_read_init(&r, list, DATA_DEPTH_MAX);
	json_read_next(&r);
	for (size_t i = 0; i < t->n && json_read_next(&r) == JSON_OBJECT && json_read_raw(&r, &reason); i++) {
		char *why = data_member(reason, "Code", &raw) ? data_text(raw) : NULL;
		char *message = data_member(reason, "Message", &raw) ? data_text(raw) : NULL;

		if (why != NULL && strcmp(why, "None") != 0)
			log_err("%s: line %" PRIu64 ": %s%s%s", t->in.name, t->line[i], why, message != NULL ? ": " : "",
			        message != NULL ? message : "");
		free(why);
		free(message);
	}
	json_read_fini(&r);
}

/* An item a line, null where there is none. */
static int show_items(struct transact *t)
{
	struct bytes list, response, raw;
	struct json_read r, item;
	struct djson_error e;
	bool ok = data_member(buf_view(&t->d.answer.body), "Responses", &list);
	size_t n = 0;

	json_read_init(&r, list, DATA_DEPTH_MAX);
	json_read_init(&item, BYTES_LIT(""), DATA_DEPTH_MAX);
	ok = ok && json_read_next(&r) == JSON_ARRAY;
	for (; ok && json_read_next(&r) == JSON_OBJECT; n++) {
		ok = json_read_raw(&r, &response);
		if (!ok || !data_member(response, "Item", &raw)) {
			buf_str(&t->d.out, "null\n");
			continue;
		}
		json_read_reset(&item, raw);
		json_read_next(&item);
		ok = djson_item(&item, &t->d.build, &e) == DJSON_OK;
		if (ok)
			data_put_item(&t->d, &t->d.out, item_build_view(&t->d.build));
	}
	json_read_fini(&item);
	json_read_fini(&r);
	if (ok && n == t->n)
		return 0;
	log_err("TransactGetItems: an answer that makes no sense");
	return DDB_EXIT_UNAVAILABLE;
}

static int finish(struct transact *t, const char *token)
{
	struct data *d = &t->d;
	uint8_t dice[TOKEN_BYTES];
	struct buf hex = { 0 };
	int code;

	json_write_array_end(&d->w);
	if (t->gets > 0) {
		if (token != NULL) {
			log_err("--token is for what writes");
			return DDB_EXIT_USAGE;
		}
		code = data_call(d, "TransactGetItems");
		return code == 0 ? show_items(t) : code;
	}
	/* Also without one of the user's: an attempt after a lost answer must not do it twice. */
	if (token == NULL && getrandom(dice, sizeof dice, 0) == (ssize_t)sizeof dice)
		buf_hex(&hex, (struct bytes){ dice, sizeof dice });
	if (token != NULL || hex.n > 0) {
		json_write_name(&d->w, "ClientRequestToken");
		json_write_string(&d->w, token != NULL ? bytes_str(token) : buf_view(&hex));
	}
	buf_fini(&hex);
	code = data_call(d, "TransactWriteItems");
	if (code != 0)
		show_reasons(t);
	return code;
}

int data_transact_run(int argc, char **argv)
{
	struct transact t = { .d = DATA_INIT };
	const char *token = NULL;
	const struct opt opts[] = {
		OPT_STR(0, "token", "TEXT", "the same again, within ten minutes, is done once", &token),
		DATA_TYPED(t.d),
		DATA_OPTS(t.d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb transact", "[FILE | -]",
		"write, or read, up to 100 items at one moment, all or none", opts, 0, 1, false };
	int i = opt_parse(&usage, argc, argv);
	int code = data_input_open(&t.in, argc > i ? argv[i] : "-");

	if (code == 0)
		code = data_open(&t.d, NULL);
	data_begin(&t.d);
	json_write_name(&t.d.w, "TransactItems");
	json_write_array(&t.d.w);
	if (code == 0)
		code = read_all(&t);
	if (code == 0)
		code = finish(&t, token);
	data_input_close(&t.in);
	return data_close(&t.d, code);
}
