/* data_tag: ddb tag and ddb ttl, small settings of a table. */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "data.h"
#include "exit.h"
#include "log.h"
#include "mem.h"
#include "opt.h"

/* --- ddb tag */

/* The table's ARN, which tags hang on; NULL after saying why, with *code. */
static char *arn_of(struct data *d, int *code)
{
	struct bytes raw;
	char *arn = NULL;

	*code = data_describe(d);
	if (*code == 0 && data_member(buf_view(&d->schema.text), "TableArn", &raw))
		arn = data_text(raw);
	if (*code == 0 && arn == NULL) {
		log_err("DescribeTable: no TableArn in the answer");
		*code = DDB_EXIT_UNAVAILABLE;
	}
	d->table = NULL;                                 /* these requests know ARNs only */
	return arn;
}

static void begin(struct data *d, const char *arn)
{
	data_begin(d);
	json_write_name(&d->w, "ResourceArn");
	json_write_str(&d->w, arn);
}

static int put_tags(struct data *d, const char *arn, char **pair, size_t n)
{
	begin(d, arn);
	json_write_name(&d->w, "Tags");
	json_write_array(&d->w);
	for (size_t i = 0; i < n; i++) {
		const char *equals = strchr(pair[i], '=');

		if (equals == NULL || equals == pair[i]) {
			log_err("\"%s\" is not KEY=VALUE", pair[i]);
			return DDB_EXIT_USAGE;
		}
		json_write_object(&d->w);
		json_write_name(&d->w, "Key");
		json_write_string(&d->w, (struct bytes){ (const uint8_t *)pair[i], (size_t)(equals - pair[i]) });
		json_write_name(&d->w, "Value");
		json_write_str(&d->w, equals + 1);
		json_write_object_end(&d->w);
	}
	json_write_array_end(&d->w);
	return data_call(d, "TagResource");
}

static int remove_tags(struct data *d, const char *arn, const struct opt_list *keys)
{
	begin(d, arn);
	json_write_name(&d->w, "TagKeys");
	json_write_array(&d->w);
	for (size_t i = 0; i < keys->n; i++)
		json_write_str(&d->w, keys->v[i]);
	json_write_array_end(&d->w);
	return data_call(d, "UntagResource");
}

static bool show_tags(struct data *d, struct bytes list)
{
	struct json_read r;
	struct bytes tag, raw;
	bool ok;

	json_read_init(&r, list, DATA_DEPTH_MAX);
	ok = json_read_next(&r) == JSON_ARRAY;
	while (ok && json_read_next(&r) == JSON_OBJECT) {
		char *key = NULL, *value = NULL;

		ok = json_read_raw(&r, &tag);
		if (ok && data_member(tag, "Key", &raw))
			key = data_text(raw);
		if (ok && data_member(tag, "Value", &raw))
			value = data_text(raw);
		ok = key != NULL && value != NULL;
		if (ok)
			buf_fmt(&d->out, "%s=%s\n", key, value);
		free(key);
		free(value);
	}
	ok = ok && r.token == JSON_ARRAY_END;
	json_read_fini(&r);
	return ok;
}

static int list_tags(struct data *d, const char *arn)
{
	char *next = NULL;
	struct bytes raw;
	int code;

	do {
		begin(d, arn);
		if (next != NULL) {
			json_write_name(&d->w, "NextToken");
			json_write_str(&d->w, next);
		}
		free(next);
		next = NULL;
		code = data_call(d, "ListTagsOfResource");
		if (code == 0 && (!data_member(buf_view(&d->answer.body), "Tags", &raw) || !show_tags(d, raw))) {
			log_err("ListTagsOfResource: an answer that makes no sense");
			code = DDB_EXIT_UNAVAILABLE;
		}
		if (code == 0 && data_member(buf_view(&d->answer.body), "NextToken", &raw))
			next = data_text(raw);
	} while (code == 0 && next != NULL);
	free(next);
	return code;
}

int data_tag_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct opt_list removed = { 0 };
	const struct opt opts[] = {
		OPT_LIST('r', "remove", "KEY", "take this tag away", &removed),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb tag", "TABLE [KEY=VALUE...]", "set, remove or list the tags of a table", opts, 1, -1,
		false };
	int i = opt_parse(&usage, argc, argv);
	int code = data_open(&d, argv[i]);
	char *arn = code == 0 ? arn_of(&d, &code) : NULL;

	if (code == 0 && removed.n > 0)
		code = remove_tags(&d, arn, &removed);
	if (code == 0 && argc - i > 1)
		code = put_tags(&d, arn, argv + i + 1, (size_t)(argc - i - 1));
	if (code == 0 && removed.n == 0 && argc - i == 1)
		code = list_tags(&d, arn);
	free(arn);
	return data_close(&d, code);
}

/* --- ddb ttl */

/* *attribute: to be freed; NULL if time to live is off, or going off. */
static int ask_ttl(struct data *d, char **attribute)
{
	struct bytes ttl, raw;
	char *status = NULL;
	int code;

	data_begin(d);
	code = data_call(d, "DescribeTimeToLive");
	if (code != 0)
		return code;
	if (data_member(buf_view(&d->answer.body), "TimeToLiveDescription", &ttl) && data_member(ttl, "TimeToLiveStatus", &raw))
		status = data_text(raw);
	if (status == NULL) {
		log_err("DescribeTimeToLive: an answer that makes no sense");
		return DDB_EXIT_UNAVAILABLE;
	}
	if (strcmp(status, "ENABLED") == 0 || strcmp(status, "ENABLING") == 0)
		*attribute = data_member(ttl, "AttributeName", &raw) ? data_text(raw) : NULL;
	free(status);
	return 0;
}

static int set_ttl(struct data *d, const char *attribute, bool on)
{
	data_begin(d);
	json_write_name(&d->w, "TimeToLiveSpecification");
	json_write_object(&d->w);
	json_write_name(&d->w, "AttributeName");
	json_write_str(&d->w, attribute);
	json_write_name(&d->w, "Enabled");
	json_write_bool(&d->w, on);
	json_write_object_end(&d->w);
	return data_call(d, "UpdateTimeToLive");
}

int data_ttl_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	bool off = false;
	const struct opt opts[] = {
		OPT_FLAG(0, "off", "let nothing expire any more", &off),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb ttl", "TABLE [ATTRIBUTE | --off]",
		"let items expire at the time, in seconds since 1970, that an attribute holds", opts, 1, 2, false };
	int i = opt_parse(&usage, argc, argv), code;
	char *now = NULL;

	if (off && argc - i > 1)
		opt_fail(&usage, "ATTRIBUTE or --off, not both");
	code = data_open(&d, argv[i]);
	if (code == 0 && argc - i > 1) {
		code = set_ttl(&d, argv[i + 1], true);
	} else if (code == 0) {
		code = ask_ttl(&d, &now);
		if (code == 0 && off && now != NULL)
			code = set_ttl(&d, now, false);
		else if (code == 0 && !off && now != NULL)
			buf_fmt(&d.out, "%s\n", now);
		else if (code == 0 && !off)
			code = DDB_EXIT_NEGATIVE;
	}
	free(now);
	return data_close(&d, code);
}
