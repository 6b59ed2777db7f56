/* Source: the API's models, for the types' prefixes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api_impl.h"

#define MESSAGE_MAX ((size_t)EXPR_MESSAGE_BYTES_MAX + 4096)

static const char json_1_0[] = "application/x-amz-json-1.0", json_1_1[] = "application/x-amz-json-1.1";

static void send_json(struct http_req *http, int status, struct bytes body)
{
	const struct httpmsg_header cors = { BYTES_LIT("Access-Control-Allow-Origin"), BYTES_LIT("*") };
	const struct httpmsg *m = http_msg(http);
	bool origin = httpmsg_header(m, "origin", NULL).n > 0;
	struct bytes type = httpmsg_header(m, "content-type", NULL);

	http_answer(http, status, bytes_starts(type, BYTES_LIT("application/x-amz-json-1.1")) ? json_1_1 : json_1_0, &cors, origin ? 1 : 0,
	            body);
}

/* Messages quote what the client sent, cut anywhere; JSON is UTF-8. */
static void write_text(struct json_write *w, const char *text)
{
	struct bytes t = bytes_str(text);
	char copy[256];
	size_t n = 0;

	if (bytes_utf8(t)) {
		json_write_string(w, t);
		return;
	}
	for (size_t i = 0; i < t.n && n + 1 < sizeof copy; i++)
		copy[n++] = t.p[i] < 0x80 ? (char)t.p[i] : '?';
	copy[n] = '\0';
	json_write_str(w, copy);
}

static struct json_write *begin(struct api *a)
{
	buf_clear(&a->out);
	a->w = (struct json_write){ .b = &a->out };
	json_write_object(&a->w);
	return &a->w;
}

static void write_error(struct api *a, const char *space, const char *type, const char *name, const char *message)
{
	struct json_write *w = begin(a);
	char whole[160];

	snprintf(whole, sizeof whole, "%s%s", space, type);
	json_write_name(w, "__type");
	json_write_str(w, whole);
	if (message != NULL) {
		json_write_name(w, name);
		write_text(w, message);
	}
}

void api_answer_error(struct api *a, struct http_req *http, int status, const char *space, const char *type, const char *message)
{
	write_error(a, space, type, "message", message);
	json_write_object_end(&a->w);
	send_json(http, status, buf_view(&a->out));
}

void api_answer_text(struct http_req *http, int status, struct bytes text)
{
	http_answer(http, status, "text/plain", NULL, 0, text);
}

void api_answer_preflight(struct http_req *http)
{
	struct bytes headers = httpmsg_header(http_msg(http), "access-control-request-headers", NULL);
	struct bytes method = httpmsg_header(http_msg(http), "access-control-request-method", NULL);
	const struct httpmsg_header h[] = {
		{ BYTES_LIT("Access-Control-Allow-Origin"), BYTES_LIT("*") },
		{ BYTES_LIT("Access-Control-Max-Age"), BYTES_LIT("172800") },
		{ BYTES_LIT("Access-Control-Allow-Methods"), method },
		{ BYTES_LIT("Access-Control-Allow-Headers"), headers },
	};

	http_answer(http, 200, "text/plain", h, method.n == 0 ? 2 : headers.n == 0 ? 3 : 4, BYTES_NONE);
}

/* --- of a request ------------------------------------------------------------------------------------------------- */

struct json_write *api_begin(struct api_req *q)
{
	return begin(q->api);
}

static void end(struct api_req *q, int status)
{
	struct api *a = q->api;

	json_write_object_end(&a->w);
	if (a->out.over) {
		write_error(a, API_SPACE_DYNAMODB, "InternalServerError", "message", "The answer is too large");
		json_write_object_end(&a->w);
		status = 500;
	}
	send_json(q->http, status, buf_view(&a->out));
	api_ended(q, status);
}

void api_end(struct api_req *q)
{
	end(q, 200);
}

void api_answer_empty(struct api_req *q)
{
	api_begin(q);
	api_end(q);
}

void api_error(struct api_req *q, int status, const char *type, const char *message)
{
	write_error(q->api, API_SPACE_SERVICE, type, "Message", message);
	end(q, status);
}

static void write_result(struct api_req *q, enum result result, const char *text)
{
	const struct result_info *info = result_info(result);
	const char *space = result == RESULT_INVALID ? API_SPACE_VALIDATE :
	                    result == RESULT_NOT_SUPPORTED || result == RESULT_ACCESS_DENIED ? API_SPACE_SERVICE : API_SPACE_DYNAMODB;

	if (text == NULL || text[0] == '\0')
		text = info->message != NULL ? info->message : "";
	write_error(q->api, space, info->api, "message", text);
}

void api_refuse(struct api_req *q, enum result result, const char *fmt, ...)
{
	struct buf *b = &q->api->scratch;
	char *text;
	va_list ap;
	int n;

	if (fmt == NULL) {
		api_fail(q, result, BYTES_NONE);
		return;
	}
	buf_clear(b);
	text = (char *)buf_room(b, MESSAGE_MAX);
	va_start(ap, fmt);
	n = vsnprintf(text, MESSAGE_MAX, fmt, ap);
	va_end(ap);
	write_result(q, result, n < 0 ? NULL : text);
	end(q, result_info(result)->http);
}

void api_fail(struct api_req *q, enum result result, struct bytes text)
{
	struct buf *b = &q->api->scratch;

	buf_clear(b);
	buf_put(b, text.p, text.n < MESSAGE_MAX ? text.n : MESSAGE_MAX);
	buf_u8(b, 0);
	write_result(q, result, (const char *)b->p);
	end(q, result_info(result)->http);
}

void api_fail_item(struct api_req *q, enum result result, struct bytes item)
{
	write_result(q, result, NULL);
	json_write_name(&q->api->w, "Item");
	djson_write_item(&q->api->w, item);
	end(q, result_info(result)->http);
}

struct json_write *api_begin_error(struct api_req *q, const char *type, struct bytes message)
{
	struct buf *b = &q->api->scratch;

	buf_clear(b);
	buf_put(b, message.p, message.n < MESSAGE_MAX ? message.n : MESSAGE_MAX);
	buf_u8(b, 0);
	write_error(q->api, API_SPACE_DYNAMODB, type, "Message", (const char *)b->p);
	return &q->api->w;
}

void api_end_error(struct api_req *q)
{
	end(q, 400);
}
