/* Who asks.  Everything but "GET /" and a preflight comes through here before anything else looks at it. */
#include "api_impl.h"
#include "clock.h"

bool auth_check(struct api *a, struct http_req *http)
{
	const struct httpmsg *m = http_msg(http);
	char hash[SIGV4_HASH_BYTES];
	struct sigv4_verdict v;
	enum sigv4_result result;
	struct sigv4_req r = {
		.method = m->method, .path = m->path, .query = m->query, .headers = m->headers, .headers_n = m->headers_n,
	};

	sigv4_hash(a->sigv4, m->body, hash);
	r.body_hash = bytes_str(hash);
	result = sigv4_verify(a->sigv4, &r, a->keys, (struct sigv4_scope){ bytes_str(a->r->region), BYTES_LIT("dynamodb") },
	                      (int64_t)(clock_wall_us() / 1000000), &v);
	if (result == SIGV4_OK)
		return true;
	metrics_add(&a->refused, 1);
	api_answer_error(a, http, 400, API_SPACE_SERVICE, sigv4_exception(result), v.message);
	return false;
}
