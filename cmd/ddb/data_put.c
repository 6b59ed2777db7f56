/* data_put: ddb put. */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "data.h"
#include "data_input.h"
#include "data_words.h"
#include "djson.h"
#include "exit.h"
#include "log.h"

struct put {
	struct data d;
	struct data_input in;
	struct bytes fixed;                              /* the members that all requests share */
	uint64_t done, refused;
};

static int put_one(struct put *p, uint64_t line)
{
	struct data *d = &p->d;

	data_begin(d);
	json_write_name(&d->w, "Item");
	djson_write_item(&d->w, item_build_view(&d->build));
	if (p->fixed.n > 0)
		json_write_raw(&d->w, p->fixed);
	if (data_try(d, "PutItem") == 200) {
		p->done++;
		return 0;
	}
	if (strcmp(d->answer.type, "ConditionalCheckFailedException") == 0) {
		log_err("%s: line %" PRIu64 ": %s", p->in.name, line, d->answer.message);
		p->refused++;
		return 0;
	}
	log_err("%s: line %" PRIu64 " and what follows were not put", p->in.name, line);
	return client_fail(d->client, &d->answer);
}

/* A document: an item, or a list of them. */
static int put_document(struct put *p, struct bytes text)
{
	char message[DATA_INPUT_MESSAGE_MAX] = "";
	struct json_read *r = &p->in.json;
	bool list;
	int code = 0;

	json_read_reset(r, text);
	list = json_read_next(r) == JSON_ARRAY;
	if (list)
		json_read_next(r);
	while (code == 0 && (!list || r->token != JSON_ARRAY_END)) {
		if (!data_input_item_at(r, p->d.typed, &p->d.build, message)) {
			log_err("%s: line %" PRIu64 ": %s", p->in.name, p->in.line, message);
			return DDB_EXIT_USAGE;
		}
		if (!list && json_read_next(r) != JSON_END) {
			log_err("%s: line %" PRIu64 ": byte %zu: something behind the item", p->in.name, p->in.line,
			        r->error_at);
			return DDB_EXIT_USAGE;
		}
		code = put_one(p, p->in.line);
		if (!list)
			break;
		json_read_next(r);
	}
	return code;
}

static int put_all(struct put *p)
{
	struct bytes text;
	int code = 0;

	while (code == 0) {
		switch (data_input_document(&p->in, &text)) {
		case DATA_INPUT_END:
			return p->refused > 0 ? DDB_EXIT_NEGATIVE : 0;
		case DATA_INPUT_FAILED:
			return DDB_EXIT_IO;
		case DATA_INPUT_TOO_LONG:
			log_err("%s: line %" PRIu64 ": more than 16 MB", p->in.name, p->in.line);
			return DDB_EXIT_USAGE;
		case DATA_INPUT_OK:
			code = put_document(p, text);
		}
	}
	return code;
}

int data_put_run(int argc, char **argv)
{
	struct put p = { .d = DATA_INIT };
	struct data_words words = { 0 };
	const char *condition = NULL, *from;
	const struct opt opts[] = {
		OPT_STR(0, "if", "CONDITION", "only if this is true of the item there; exit 1 if not", &condition),
		DATA_WORDS_OPTS(words),
		DATA_TYPED(p.d),
		DATA_OPTS(p.d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb put", "TABLE [FILE | - | JSON]", "write items, one request each", opts,
		1, 2, false };
	int i = opt_parse(&usage, argc, argv), code;
	struct buf fixed = { 0 };
	struct json_write w = { .b = &fixed };

	from = argc - i > 1 ? argv[i + 1] : "-";
	if (from[0] == '{' || from[0] == '[')
		data_input_text(&p.in, bytes_str(from));
	else if ((code = data_input_open(&p.in, from)) != 0)
		return code;
	code = data_open(&p.d, argv[i]);
	if (code == 0)
		code = data_words_begin(&words, p.d.typed);
	if (code == 0)
		code = data_words_put(&words, &w, "ConditionExpression", DATA_EXPR_CONDITION, condition);
	if (code == 0) {
		data_words_end(&words, &w);
		p.fixed = buf_view(&fixed);
		code = put_all(&p);
	}
	data_input_close(&p.in);
	data_words_fini(&words);
	buf_fini(&fixed);
	return data_close(&p.d, code);
}
