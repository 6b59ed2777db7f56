/* data_load: ddb load. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "data.h"
#include "data_batch.h"
#include "data_create.h"
#include "data_input.h"
#include "data_pool.h"
#include "data_progress.h"
#include "djson.h"
#include "exit.h"
#include "key.h"
#include "log.h"

#define SAID_MAX 20                                      /* refused lines that are told one by one */
#define LULL_MS 100                                      /* without input, after which a part of a batch is sent */
#define STUCK_MS_MAX 300000                              /* without one item written */

/* A batch and who sends it. */
struct lane {
	struct data_batch batch;
	bool active, sent;
	uint64_t ready_ms;                               /* if active and not sent: when to send */
};

struct load {
	struct data d;
	struct data_input in;
	struct data_pool *pool;
	struct lane lanes[DATA_POOL_MAX];
	struct data_batch next;                          /* being filled */
	uint64_t parallel, rate;
	const char *rejects;
	int rejects_fd;
	struct bytes first;                              /* the first line; owned */
	enum data_input_result first_result;
	bool first_is_item;
	struct buf line, json, key;
	struct key_hasher *hasher;
	uint64_t start_ms, progress_ms;                  /* when reading began; when an item was written last */
	uint64_t begun, written, refused;
	struct data_progress progress;
	bool end;
};

/* --- lines that are refused */

static int refuse(struct load *l, uint64_t number, struct bytes text, const char *why)
{
	data_progress_clear(&l->progress);
	l->refused++;
	if (l->refused <= SAID_MAX)
		log_err("%s: line %" PRIu64 ": %s", l->in.name, number, why);
	if (l->refused == SAID_MAX)
		log_err("further lines that are refused are counted only");
	if (l->rejects == NULL)
		return 0;
	buf_clear(&l->line);
	buf_bytes(&l->line, text);
	buf_str(&l->line, "\n");
	return data_write(l->rejects_fd, l->rejects, &l->line);
}

static int open_rejects(struct load *l)
{
	l->rejects_fd = -1;
	if (l->rejects == NULL)
		return 0;
	l->rejects_fd = strcmp(l->rejects, "-") == 0 ? STDOUT_FILENO :
	                open(l->rejects, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (l->rejects_fd >= 0)
		return 0;
	log_err("%s: %m", l->rejects);
	return DDB_EXIT_IO;
}

/* --- sending */

static uint64_t dice(uint64_t most)
{
	uint64_t v = 0;

	if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v)
		v = clock_us();
	return v % (most + 1);
}

/* When the rate allows so many items to have been begun. */
static uint64_t due_ms(const struct load *l, uint64_t items)
{
	return l->rate == 0 ? 0 : l->start_ms + items * 1000 / l->rate;
}

static int send_lane(struct load *l, unsigned i)
{
	struct lane *lane = &l->lanes[i];

	data_begin(&l->d);
	data_batch_write(&lane->batch, &l->d.w, l->d.table);
	json_write_object_end(&l->d.w);
	lane->sent = true;
	return data_pool_submit(l->pool, i, "BatchWriteItem", buf_view(&l->d.body)) == 0 ? 0 : DDB_EXIT_UNAVAILABLE;
}

/* What a batch with something wrong in it is refused with, as opposed to a table or a key that is. */
static bool is_of_items(const struct client_answer *a)
{
	return strcmp(a->type, "ValidationException") == 0 || strcmp(a->type, "SerializationException") == 0 ||
	       strcmp(a->type, "ItemCollectionSizeLimitExceededException") == 0 || a->status == 413;
}

/* What is not known to be written when all is given up, for whoever wants to try again. */
static void keep_rest(struct load *l, const struct data_batch *b)
{
	for (size_t i = b->at; l->rejects != NULL && i < b->n; i++) {
		buf_clear(&l->line);
		buf_bytes(&l->line, data_batch_text(b, &b->lines[i]));
		buf_str(&l->line, "\n");
		data_write(l->rejects_fd, l->rejects, &l->line);
	}
}

static int take_answer(struct load *l, unsigned i)
{
	struct lane *lane = &l->lanes[i];
	struct client_answer *a = &l->d.answer;
	const struct data_batch_line *bad = NULL;
	enum data_batch_result r;
	size_t written = 0;
	int code = 0;

	lane->sent = false;
	if (a->status == 200) {
		r = data_batch_answered(&lane->batch, buf_view(&a->body), &written);
	} else if (is_of_items(a)) {
		r = data_batch_refused(&lane->batch, &bad);
		if (bad != NULL)
			code = refuse(l, bad->number, data_batch_text(&lane->batch, bad), a->message);
	} else {
		data_progress_clear(&l->progress);
		return client_fail(l->d.client, a);
	}
	if (r == DATA_BATCH_NONSENSE) {
		log_err("BatchWriteItem: an answer that makes no sense");
		return DDB_EXIT_UNAVAILABLE;
	}
	l->written += written;
	if (written > 0 || bad != NULL)
		l->progress_ms = clock_ms();
	lane->active = r != DATA_BATCH_DONE;
	lane->ready_ms = clock_ms() + (r == DATA_BATCH_PAUSE ? dice(data_batch_pause_ms(&lane->batch)) : 0);
	return code;
}

/* Send what is due, then wait for one answer or until more is due. */
static int step(struct load *l)
{
	uint64_t now = clock_ms(), wake = now + 1000;
	int i, code = 0;

	for (unsigned k = 0; code == 0 && k < l->parallel; k++) {
		struct lane *lane = &l->lanes[k];

		if (!lane->active || lane->sent)
			continue;
		if (lane->ready_ms <= now)
			code = send_lane(l, k);
		else if (lane->ready_ms < wake)
			wake = lane->ready_ms;
	}
	if (code != 0)
		return code;
	data_progress_show(&l->progress, l->written);
	i = data_pool_wait(l->pool, wake - now, &l->d.answer);
	if (i >= 0)
		return take_answer(l, (unsigned)i);
	if (i == -2)
		return DDB_EXIT_UNAVAILABLE;
	if (clock_ms() - l->progress_ms > STUCK_MS_MAX && l->rate == 0) {
		log_err("nothing written for %d s", STUCK_MS_MAX / 1000);
		return DDB_EXIT_UNAVAILABLE;
	}
	return 0;
}

/* Hand the next batch to an idle lane; waits for one. */
static int dispatch(struct load *l)
{
	int code;

	if (l->next.n == 0)
		return 0;
	for (;;) {
		for (unsigned k = 0; k < l->parallel; k++) {
			struct lane *lane = &l->lanes[k];
			struct data_batch empty = lane->batch;

			if (lane->active)
				continue;
			lane->batch = l->next;
			l->next = empty;
			data_batch_clear(&l->next);
			lane->active = true;
			lane->sent = false;
			lane->ready_ms = due_ms(l, l->begun);
			l->begun += lane->batch.n;
			return lane->ready_ms <= clock_ms() ? send_lane(l, k) : 0;
		}
		code = step(l);
		if (code != 0)
			return code;
	}
}

/* --- reading */

static bool is_on_its_way(const struct load *l, uint64_t hash)
{
	for (unsigned k = 0; k < l->parallel; k++)
		if (l->lanes[k].active && data_batch_has(&l->lanes[k].batch, hash))
			return true;
	return false;
}

static const char *key_problem(enum key_result r)
{
	switch (r) {
	case KEY_MISSING:
		return "no key attribute";
	case KEY_WRONG_TYPE:
		return "a key attribute of another type: its";
	case KEY_EMPTY:
		return "an empty key attribute:";
	default:
		return "a key attribute that is too large:";
	}
}

static uint64_t hash_of(struct bytes key)
{
	uint64_t h = 14695981039346656037u;              /* FNV-1a */

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ key.p[i]) * 1099511628211u;
	return h;
}

static int add_item(struct load *l, struct bytes text)
{
	struct json_write w = { .b = &l->json };
	struct bytes item = item_build_view(&l->d.build);
	const struct key_schema *schema = &l->d.schema.key;
	size_t part = 0;
	uint64_t hash, width = l->rate > 0 && l->rate < DATA_BATCH_LINES_MAX ? l->rate : DATA_BATCH_LINES_MAX;
	enum key_result r;
	int code = 0;

	buf_clear(&l->key);
	r = key_of_item(&l->key, l->hasher, schema, item, &part);
	if (r != KEY_OK) {
		char why[DATA_INPUT_MESSAGE_MAX];

		snprintf(why, sizeof why, "%s %.*s (%s)", key_problem(r), (int)schema->part[part].name.n,
		         (const char *)schema->part[part].name.p, item_type_name(schema->part[part].tag));
		return refuse(l, l->in.line, text, why);
	}
	hash = hash_of(buf_view(&l->key));
	/* Of lines with one key the last one must win. */
	if (data_batch_has(&l->next, hash))
		code = dispatch(l);
	while (code == 0 && is_on_its_way(l, hash))
		code = step(l);
	buf_clear(&l->json);
	djson_write_item(&w, item);
	if (code == 0 && !data_batch_add(&l->next, l->in.line, hash, text, buf_view(&l->json))) {
		code = dispatch(l);
		if (code == 0)
			data_batch_add(&l->next, l->in.line, hash, text, buf_view(&l->json));
	}
	if (code == 0 && l->next.n >= width)
		code = dispatch(l);
	return code;
}

static int take_line(struct load *l, enum data_input_result r, struct bytes text)
{
	char why[DATA_INPUT_MESSAGE_MAX];

	switch (r) {
	case DATA_INPUT_END:
		l->end = true;
		return 0;
	case DATA_INPUT_FAILED:
		return DDB_EXIT_IO;
	case DATA_INPUT_TOO_LONG:
		return refuse(l, l->in.line, BYTES_LIT("(a line of more than 16 MB)"), "more than 16 MB");
	case DATA_INPUT_OK:
		break;
	}
	if (!data_input_item(&l->in, text, l->d.typed, &l->d.build, why))
		return refuse(l, l->in.line, text, why);
	return add_item(l, text);
}

/* Send all that was read, and see it written. */
static int drain(struct load *l)
{
	int code = dispatch(l);
	bool busy = true;

	while (code == 0 && busy) {
		busy = false;
		for (unsigned k = 0; k < l->parallel; k++)
			busy |= l->lanes[k].active;
		if (busy)
			code = step(l);
	}
	return code;
}

static int load_all(struct load *l)
{
	int code = l->first_is_item ? take_line(l, l->first_result, l->first) : 0, patience = LULL_MS;

	while (code == 0 && !l->end) {
		struct bytes text = BYTES_NONE;

		/* Whoever writes slowly does not wait for a batch to be full. */
		if (!data_input_ready(&l->in, patience)) {
			code = drain(l);
			patience = -1;
			continue;
		}
		patience = LULL_MS;
		code = take_line(l, data_input_line(&l->in, &text), text);
	}
	return code == 0 ? drain(l) : code;
}

/* The first line may be a schema, and says then what the others are.  It makes the table if there is none. */
static int begin(struct load *l)
{
	bool typed = false, schema;
	struct bytes text = BYTES_NONE;

	l->first_result = data_input_line(&l->in, &text);
	schema = l->first_result == DATA_INPUT_OK && data_schema_is_line(text, &typed);
	l->first = bytes_copy(text);
	l->first_is_item = !schema;
	l->d.typed |= typed;
	data_begin(&l->d);
	if (data_try(&l->d, "DescribeTable") == 200)
		return data_create_ready(&l->d);
	if (strcmp(l->d.answer.type, "ResourceNotFoundException") != 0)
		return client_fail(l->d.client, &l->d.answer);
	if (schema)
		return data_create_from(&l->d, l->first, true);
	log_err("%s: no such table; `ddb create` makes one, and so does load from a dump", l->d.table);
	return DDB_EXIT_NEGATIVE;
}

static int run(struct load *l)
{
	int code = begin(l);

	if (code != 0)
		return code;
	l->pool = data_pool_new(l->d.client, &l->d.where, (unsigned)l->parallel);
	if (l->pool == NULL)
		return DDB_EXIT_IO;
	l->hasher = key_hasher_new();
	l->start_ms = l->progress_ms = clock_ms();
	l->progress = data_progress_start(true);
	code = load_all(l);
	data_progress_clear(&l->progress);
	for (unsigned k = 0; code != 0 && k < l->parallel; k++)
		if (l->lanes[k].active)
			keep_rest(l, &l->lanes[k].batch);
	if (code != 0) {
		keep_rest(l, &l->next);
		log_err("%" PRIu64 " items written, %" PRIu64 " lines refused, stopped near line %" PRIu64, l->written,
		        l->refused, l->in.line);
	} else if (l->refused > 0 || l->progress.on) {
		log_info("%" PRIu64 " items written, %" PRIu64 " lines refused", l->written, l->refused);
	}
	return code == 0 && l->refused > 0 ? DDB_EXIT_LINES : code;
}

static void fini(struct load *l)
{
	data_pool_free(l->pool);
	key_hasher_free(l->hasher);
	for (unsigned k = 0; k < DATA_POOL_MAX; k++)
		data_batch_fini(&l->lanes[k].batch);
	data_batch_fini(&l->next);
	data_input_close(&l->in);
	free((void *)(uintptr_t)l->first.p);
	buf_fini(&l->line);
	buf_fini(&l->json);
	buf_fini(&l->key);
}

int data_load_run(int argc, char **argv)
{
	struct load l = { .d = DATA_INIT, .parallel = 4, .rejects_fd = -1 };
	const struct opt opts[] = {
		OPT_U64(0, "rate", "N", "at most so many items a second", &l.rate, 1, 1000000),
		OPT_U64(0, "parallel", "N", "so many requests at the same time (4)", &l.parallel, 1, DATA_POOL_MAX),
		OPT_STR(0, "rejects", "FILE", "write lines that are refused here", &l.rejects),
		DATA_TYPED(l.d),
		DATA_OPTS(l.d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb load", "TABLE [FILE | -]", "write many items, a line of JSON each",
		opts, 1, 2, false };
	int i = opt_parse(&usage, argc, argv);
	int code = data_input_open(&l.in, argc - i > 1 ? argv[i + 1] : NULL);

	if (code == 0)
		code = open_rejects(&l);
	if (code == 0)
		code = data_open(&l.d, argv[i]);
	if (code == 0)
		code = run(&l);
	fini(&l);
	return data_close(&l.d, code);
}
