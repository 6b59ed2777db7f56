#include "data.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "djson.h"
#include "exit.h"
#include "log.h"
#include "mem.h"
#include "pjson.h"

int data_open(struct data *d, const char *table)
{
	d->table = table;
	d->w.b = &d->body;
	item_build_init(&d->build);
	return client_open(&d->where, &d->client);
}

int data_close(struct data *d, int code)
{
	int flushed = data_flush(d);

	client_answer_fini(&d->answer);
	client_close(d->client);
	data_schema_fini(&d->schema);
	item_build_fini(&d->build);
	buf_fini(&d->body);
	buf_fini(&d->out);
	return code != 0 ? code : flushed;
}

/* --- requests */

void data_begin(struct data *d)
{
	buf_clear(&d->body);
	d->w = (struct json_write){ .b = &d->body };
	json_write_object(&d->w);
	if (d->table != NULL) {
		json_write_name(&d->w, "TableName");
		json_write_str(&d->w, d->table);
	}
}

int data_try(struct data *d, const char *op)
{
	json_write_object_end(&d->w);
	if (d->body.over) {
		d->answer.status = 413;
		d->answer.type[0] = '\0';
		strcpy(d->answer.message, "the request is larger than 16 MB");
		return d->answer.status;
	}
	return client_call(d->client, op, buf_view(&d->body), &d->answer);
}

int data_call(struct data *d, const char *op)
{
	return data_try(d, op) == 200 ? 0 : client_fail(d->client, &d->answer);
}

int data_describe(struct data *d)
{
	struct bytes table;
	int code;

	if (d->schema.key.n > 0)
		return 0;
	data_begin(d);
	code = data_call(d, "DescribeTable");
	if (code != 0)
		return code;
	if (data_member(buf_view(&d->answer.body), "Table", &table) && data_schema_read(&d->schema, table))
		return 0;
	log_err("DescribeTable: an answer that makes no sense");
	return DDB_EXIT_UNAVAILABLE;
}

/* --- keys */

static void say_part(const struct key_part *part, const char *text, const char *why)
{
	log_err("key %.*s (%s): \"%s\" %s", (int)part->name.n, (const char *)part->name.p, item_type_name(part->tag),
	        text, why);
}

int data_key_value(struct data *d, const struct key_part *part, const char *text, struct value *out)
{
	struct bytes b = bytes_str(text);
	struct num n;
	uint8_t *room;
	size_t size;

	item_build_reset(&d->build);
	if (part->tag == ITEM_N) {
		if (num_parse(&n, b) != NUM_OK) {
			say_part(part, text, "is not a number");
			return DDB_EXIT_USAGE;
		}
		item_build_n(&d->build, &n);
	} else if (part->tag == ITEM_B) {
		size = json_base64_size(b);
		room = mem_new(size);
		if (!json_base64_decode(b, room, &size)) {
			free(room);
			say_part(part, text, "is not base64");
			return DDB_EXIT_USAGE;
		}
		item_build_b(&d->build, (struct bytes){ room, size });
		free(room);
	} else if (!bytes_utf8(b)) {
		say_part(part, text, "is not UTF-8");
		return DDB_EXIT_USAGE;
	} else {
		item_build_s(&d->build, b);
	}
	*out = item_value(item_build_view(&d->build));
	return 0;
}

int data_put_key(struct data *d, char **text, size_t n)
{
	const struct key_schema *key = &d->schema.key;
	struct bytes first = key->part[0].name, second = key->part[1].name;
	struct value v;

	if (n != key->n) {
		log_err("the key of %s is %.*s%s%.*s: %s expected", d->table, (int)first.n, (const char *)first.p,
		        key->n > 1 ? " and " : "", (int)second.n, second.n > 0 ? (const char *)second.p : "",
		        key->n > 1 ? "two values" : "one value");
		return DDB_EXIT_USAGE;
	}
	json_write_name(&d->w, "Key");
	json_write_object(&d->w);
	for (size_t i = 0; i < n; i++) {
		int code = data_key_value(d, &key->part[i], text[i], &v);

		if (code != 0)
			return code;
		json_write_key(&d->w, key->part[i].name);
		djson_write_value(&d->w, v);
	}
	json_write_object_end(&d->w);
	return 0;
}

/* --- answers and output */

void data_put_item(const struct data *d, struct buf *out, struct bytes item)
{
	struct json_write w = { .b = out };

	if (d->typed)
		djson_write_item(&w, item);
	else
		pjson_write_item(&w, item);
	buf_str(out, "\n");
}

int data_show_member(struct data *d, const char *name, bool *found)
{
	struct djson_error e = { .result = DJSON_OK };
	struct json_read r;
	struct bytes raw;

	*found = data_member(buf_view(&d->answer.body), name, &raw);
	if (!*found)
		return 0;
	json_read_init(&r, raw, DATA_DEPTH_MAX);
	json_read_next(&r);
	e.result = djson_item(&r, &d->build, &e);
	json_read_fini(&r);
	if (e.result != DJSON_OK) {
		log_err("%s of the answer makes no sense: %s", name, e.message);
		return DDB_EXIT_UNAVAILABLE;
	}
	data_put_item(d, &d->out, item_build_view(&d->build));
	return 0;
}

int data_write(int fd, const char *name, struct buf *out)
{
	size_t done = 0;

	while (done < out->n) {
		ssize_t n = write(fd, out->p + done, out->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE) {
			signal(SIGPIPE, SIG_DFL);
			raise(SIGPIPE);
		}
		if (n < 0) {
			log_err("%s: %m", name);
			buf_clear(out);
			return DDB_EXIT_IO;
		}
		done += (size_t)n;
	}
	buf_clear(out);
	return 0;
}

int data_flush(struct data *d)
{
	return data_write(STDOUT_FILENO, "standard output", &d->out);
}

bool data_member(struct bytes object, const char *name, struct bytes *raw)
{
	struct json_read r;
	bool found = false;

	*raw = BYTES_NONE;
	json_read_init(&r, object, DATA_DEPTH_MAX);
	if (json_read_next(&r) == JSON_OBJECT) {
		while (!found && json_read_next(&r) == JSON_KEY) {
			found = bytes_is(r.str, name);
			json_read_next(&r);
			found = json_read_raw(&r, raw) && found && r.token != JSON_NULL;
		}
	}
	json_read_fini(&r);
	return found;
}

char *data_text(struct bytes raw)
{
	struct json_read r;
	char *text = NULL;

	json_read_init(&r, raw, DATA_DEPTH_MAX);
	if (json_read_next(&r) == JSON_STRING)
		text = mem_copy(r.str.p, r.str.n);
	json_read_fini(&r);
	return text;
}
