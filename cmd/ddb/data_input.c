#include "data_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data.h"
#include "djson.h"
#include "exit.h"
#include "log.h"
#include "pjson.h"

#define READ_BYTES ((size_t)65536)

int data_input_open(struct data_input *in, const char *path)
{
	bool standard = path == NULL || strcmp(path, "-") == 0;

	*in = (struct data_input){ .fd = STDIN_FILENO, .own_fd = !standard };
	in->name = standard ? "standard input" : path;
	json_read_init(&in->json, BYTES_LIT(""), DATA_DEPTH_MAX);
	buf_init(&in->buf, DATA_INPUT_LINE_MAX + READ_BYTES);
	if (!standard)
		in->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd >= 0)
		return 0;
	log_err("%s: %m", path);
	return DDB_EXIT_USAGE;
}

void data_input_text(struct data_input *in, struct bytes text)
{
	*in = (struct data_input){ .fd = -1, .name = "the item", .end = true };
	json_read_init(&in->json, BYTES_LIT(""), DATA_DEPTH_MAX);
	buf_bytes(&in->buf, text);
}

void data_input_close(struct data_input *in)
{
	if (in->own_fd && in->fd >= 0)
		close(in->fd);
	buf_fini(&in->buf);
	json_read_fini(&in->json);
}

/* More bytes behind those there are.  False at the end, or after saying what failed. */
static bool read_more(struct data_input *in, bool *failed)
{
	uint8_t *room;
	ssize_t n;

	*failed = false;
	if (in->end)
		return false;
	if (in->at > 0) {
		buf_drop(&in->buf, in->at);
		in->at = 0;
	}
	room = buf_room(&in->buf, READ_BYTES);
	if (room == NULL)
		return false;
	do
		n = read(in->fd, room, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		log_err("%s: %m", in->name);
		*failed = true;
		in->end = true;
		return false;
	}
	in->buf.n += (size_t)n;
	in->end = n == 0;
	return n > 0;
}

/* Past the end of the line, whatever its length. */
static enum data_input_result skip_line(struct data_input *in)
{
	bool failed = false;

	do {
		const uint8_t *nl = memchr(in->buf.p + in->at, '\n', in->buf.n - in->at);

		if (nl != NULL) {
			in->at = (size_t)(nl - in->buf.p) + 1;
			in->buf.over = false;
			return DATA_INPUT_TOO_LONG;
		}
		in->at = in->buf.n;
		in->buf.over = false;
	} while (read_more(in, &failed));
	return failed ? DATA_INPUT_FAILED : DATA_INPUT_TOO_LONG;
}

/* From in->at, searching from there + *seen on: the length with the newline, if there is one. */
static enum data_input_result find_line(struct data_input *in, size_t *seen, size_t *n)
{
	bool failed;

	for (;;) {
		size_t have = in->buf.n - in->at;
		const uint8_t *nl = have > *seen ? memchr(in->buf.p + in->at + *seen, '\n', have - *seen) : NULL;

		if (nl != NULL) {
			*n = (size_t)(nl - in->buf.p) + 1 - in->at;
			break;
		}
		if (have > DATA_INPUT_LINE_MAX) {
			in->lines++;
			return skip_line(in);
		}
		if (!read_more(in, &failed)) {
			if (failed)
				return DATA_INPUT_FAILED;
			if (have == *seen)
				return DATA_INPUT_END;
			*n = have;
			break;
		}
	}
	in->lines++;
	return DATA_INPUT_OK;
}

static bool is_blank(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (strchr(" \t\r\n", text.p[i]) == NULL)
			return false;
	return true;
}

enum data_input_result data_input_line(struct data_input *in, struct bytes *line)
{
	enum data_input_result r;

	do {
		size_t seen = 0, n;

		r = find_line(in, &seen, &n);
		in->line = in->lines;
		if (r != DATA_INPUT_OK)
			return r;
		*line = (struct bytes){ in->buf.p + in->at, n };
		in->at += n;
	} while (is_blank(*line));
	while (line->n > 0 && strchr("\r\n", line->p[line->n - 1]) != NULL)
		line->n--;
	return r;
}

bool data_input_ready(const struct data_input *in, int wait_ms)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	if (in->end || (in->buf.n > in->at && memchr(in->buf.p + in->at, '\n', in->buf.n - in->at) != NULL))
		return true;
	return poll(&p, 1, wait_ms) != 0;
}

/* How deep the brackets of text leave one, from where *depth and *quoted say it begins. */
static void follow(struct bytes text, size_t *depth, bool *quoted)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (*quoted) {
			i += c == '\\';
			*quoted = c != '"';
		} else if (c == '"') {
			*quoted = true;
		} else if (c == '{' || c == '[') {
			++*depth;
		} else if ((c == '}' || c == ']') && *depth > 0) {
			--*depth;
		}
	}
}

enum data_input_result data_input_document(struct data_input *in, struct bytes *text)
{
	size_t seen = 0, n = 0, depth = 0;
	bool quoted = false;
	enum data_input_result r;

	in->line = in->lines + 1;
	for (;;) {
		r = find_line(in, &seen, &n);
		if (r == DATA_INPUT_END && seen > 0)
			break;                               /* unfinished: whoever reads it says so */
		if (r != DATA_INPUT_OK)
			return r;
		*text = (struct bytes){ in->buf.p + in->at + seen, n - seen };
		if (seen == 0 && is_blank(*text)) {
			in->at += n;
			in->line++;
			continue;
		}
		follow(*text, &depth, &quoted);
		seen = n;
		if (depth == 0 || quoted)                    /* no string of JSON spans lines */
			break;
	}
	*text = (struct bytes){ in->buf.p + in->at, seen };
	in->at += seen;
	return DATA_INPUT_OK;
}

bool data_input_item_at(struct json_read *r, bool typed, struct item_build *b, char message[DATA_INPUT_MESSAGE_MAX])
{
	char why[PJSON_MESSAGE_MAX];
	struct djson_error e;
	bool ok;

	message[0] = '\0';
	if (!typed) {
		ok = pjson_item(r, b, why);
		if (!ok)
			snprintf(message, DATA_INPUT_MESSAGE_MAX, "%s", why);
	} else {
		ok = djson_item(r, b, &e) == DJSON_OK;
		if (!ok && e.result == DJSON_SYNTAX)
			snprintf(message, DATA_INPUT_MESSAGE_MAX, "byte %zu: %s", r->error_at, r->error);
		else if (!ok)
			snprintf(message, DATA_INPUT_MESSAGE_MAX, "%s", e.message);
	}
	if (!ok)
		return false;
	if (item_size(item_build_view(b)) > ITEM_BYTES_MAX) {
		snprintf(message, DATA_INPUT_MESSAGE_MAX, "an item of %zu bytes; at most 400 KB are allowed",
		         item_size(item_build_view(b)));
		return false;
	}
	return true;
}

bool data_input_item(struct data_input *in, struct bytes text, bool typed, struct item_build *b,
                     char message[DATA_INPUT_MESSAGE_MAX])
{
	struct json_read *r = &in->json;

	json_read_reset(r, text);
	json_read_next(r);
	if (!data_input_item_at(r, typed, b, message))
		return false;
	if (json_read_next(r) == JSON_END)
		return true;
	snprintf(message, DATA_INPUT_MESSAGE_MAX, "byte %zu: something behind the item", r->error_at);
	return false;
}
