#include "data_words.h"

#include "exit.h"
#include "log.h"

int data_words_begin(struct data_words *words, bool typed)
{
	bool ok = true;

	data_expr_init(&words->x);
	for (size_t i = 0; ok && i < words->values.n; i++)
		ok = data_expr_user_value(&words->x, bytes_str(words->values.v[i]), typed);
	for (size_t i = 0; ok && i < words->names.n; i++)
		ok = data_expr_user_name(&words->x, bytes_str(words->names.v[i]));
	if (ok)
		return 0;
	log_err("%s", words->x.message);
	return DDB_EXIT_USAGE;
}

int data_words_put(struct data_words *words, struct json_write *w, const char *member, enum data_expr_kind kind,
                   const char *text)
{
	struct buf out = { 0 };
	int code = 0;

	if (text == NULL)
		return 0;
	if (data_expr_add(&words->x, kind, bytes_str(text), &out)) {
		json_write_name(w, member);
		json_write_string(w, buf_view(&out));
	} else {
		log_err("%s", words->x.message);
		code = DDB_EXIT_USAGE;
	}
	buf_fini(&out);
	return code;
}

void data_words_end(struct data_words *words, struct json_write *w)
{
	data_expr_write(&words->x, w);
}

void data_words_fini(struct data_words *words)
{
	data_expr_fini(&words->x);
}
