/* cred: files in AWS's format, creation, reloading, and the client's search for its key. */
#include "cred.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "mem.h"

struct fixture {
	char dir[32], path[64], error[CRED_ERROR_MAX];
};

static void write_to(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
	close(fd);
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	strcpy(f->dir, "/tmp/ddb-cred-XXXXXX");
	CHECK(mkdtemp(f->dir) != NULL);
	snprintf(f->path, sizeof f->path, "%s/credentials", f->dir);
}

static void teardown(struct fixture *f)
{
	char cmd[64];

	snprintf(cmd, sizeof cmd, "rm -r %s", f->dir);
	CHECK(system(cmd) == 0);
}

static struct cred *open_text(struct fixture *f, const char *text)
{
	write_to(f->path, text, 0600);
	f->error[0] = '\0';
	return cred_open(f->path, true, f->error);
}

static bool key_is(const struct cred_key *k, const char *profile, const char *id, const char *secret, const char *token)
{
	return k != NULL && bytes_is(k->profile, profile) && bytes_is(k->id, id) && bytes_is(k->secret, secret) &&
	       bytes_is(k->token, token);
}

#define PAIR(id, secret) "aws_access_key_id = " id "\naws_secret_access_key = " secret "\n"

TEST(reads_awss_format)
{
	struct fixture f;
	struct cred *c;

	setup(&f);
	c = open_text(
		&f, "# comment\n; comment\n\n[default]\r\naws_access_key_id=AKIAONE\r\naws_secret_access_key=s/+=1\r\n"
		    "region = eu-west-1\ns3 =\n  max_concurrent_requests = 20\n  addressing_style = path\n\n"
		    "[ dev ]\n" PAIR("AKIATWO",
	                             "s2") "aws_session_token = tok//==\n"
					   "[role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n"
					   "[last]\naws_secret_access_key\t=\ts3  \naws_access_key_id=AKIATHREE");
	CHECK_STR(f.error, "");
	CHECK(c != NULL && cred_count(c) == 3);
	CHECK(key_is(cred_first(c), "default", "AKIAONE", "s/+=1", ""));
	CHECK(key_is(cred_find(c, bytes_str("AKIATWO")), "dev", "AKIATWO", "s2", "tok//=="));
	CHECK(key_is(cred_profile(c, "last"), "last", "AKIATHREE", "s3", ""));
	CHECK(cred_find(c, bytes_str("AKIAFOUR")) == NULL && cred_find(c, BYTES_NONE) == NULL);
	CHECK(cred_profile(c, "role") == NULL);
	cred_free(c);
	cred_free(NULL);
	teardown(&f);
}

/* libinih, which many programs use for this format, cuts lines at 200 bytes. */
TEST(tokens_may_be_long)
{
	struct buf text = { 0 };
	struct fixture f;
	struct cred *c;

	setup(&f);
	buf_str(&text, "[default]\n" PAIR("AKIA", "s") "aws_session_token = ");
	for (int i = 0; i < CRED_TOKEN_BYTES_MAX; i++)
		buf_u8(&text, 'x');
	buf_u8(&text, 0);
	c = open_text(&f, (const char *)text.p);
	CHECK(c != NULL && cred_first(c)->token.n == CRED_TOKEN_BYTES_MAX);
	cred_free(c);
	text.n--;
	buf_str(&text, "x");
	buf_u8(&text, 0);
	CHECK(open_text(&f, (const char *)text.p) == NULL);
	buf_fini(&text);
	teardown(&f);
}

TEST(errors_name_the_place)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", ": no key in it" },
		{ "[default]\n", ": no key in it" },
		{ "garbage\n", ":1: neither [profile], name = value nor a # comment" },
		{ "aws_access_key_id = a\n", ":1: neither [profile], name = value nor a # comment" },
		{ "[default]\nxyz\n", ":2: neither [profile], name = value nor a # comment" },
		{ "[default\n", ":1: not a [profile] line" },
		{ "[]\n", ":1: not a [profile] line" },
		{ "[a]b\n", ":1: not a [profile] line" },
		{ "[d]\naws_access_key_id = a\n", ": [d] has no aws_secret_access_key" },
		{ "[d]\naws_secret_access_key = a\n[e]\n", ": [d] has no aws_access_key_id" },
		{ "[d]\naws_access_key_id = a\naws_access_key_id = b\n", ":3: a second aws_access_key_id" },
		{ "[d]\naws_access_key_id =\n", ":2: aws_access_key_id is empty, too long or has blanks in it" },
		{ "[d]\naws_secret_access_key = a b\n",
		  ":2: aws_secret_access_key is empty, too long or has blanks in it" },
		{ "[d]\naws_secret_access_key = a\x01\n",
		  ":2: aws_secret_access_key is empty, too long or has blanks in it" },
		{ "[d]\naws_secret_access_key = \xc3\xbc\n",
		  ":2: aws_secret_access_key is empty, too long or has blanks in it" },
		{ "[d]\n" PAIR("a", "b") "[d]\n" PAIR("c", "d"), ":4: a second [d]" },
		{ "[d]\n" PAIR("a", "b") "[e]\n" PAIR("a", "d"), ": the key id of [e] is also that of [d]" },
	};
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(open_text(&f, cases[i].text) == NULL);
		CHECK(strncmp(f.error, f.path, strlen(f.path)) == 0);
		CHECK_STR(f.error + strlen(f.path), cases[i].want);
	}
	teardown(&f);
}

TEST(secrets_never_show_in_errors)
{
	struct fixture f;

	setup(&f);
	CHECK(open_text(&f, "[d]\naws_secret_access_key = hush hush\n") == NULL);
	CHECK(strstr(f.error, "hush") == NULL);
	CHECK(open_text(&f, "[d]\nhushhush\n") == NULL);
	CHECK(strstr(f.error, "hush") == NULL);
	teardown(&f);
}

TEST(the_servers_own_file_is_nobody_elses)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0666, 0644, 0601, 0610 };
	struct fixture f;
	struct cred *c;

	setup(&f);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		write_to(f.path, "[d]\n" PAIR("a", "b"), modes[i]);
		CHECK(cred_open(f.path, true, f.error) == NULL);
		CHECK(strstr(f.error, "must be owned by this user and have mode 0600, not ") != NULL);
		c = cred_open(f.path, false, f.error);
		CHECK(c != NULL);
		cred_free(c);
	}
	write_to(f.path, "[d]\n" PAIR("a", "b"), 0400);
	c = cred_open(f.path, true, f.error);
	CHECK(c != NULL);
	cred_free(c);
	CHECK(cred_open(f.dir, true, f.error) == NULL);
	CHECK(cred_open("/nowhere/credentials", true, f.error) == NULL);
	CHECK_STR(f.error, "/nowhere/credentials: No such file or directory");
	teardown(&f);
}

TEST(large_files_are_refused)
{
	struct fixture f;

	setup(&f);
	write_to(f.path, "", 0600);
	CHECK(truncate(f.path, (off_t)CRED_FILE_BYTES_MAX + 1) == 0);
	CHECK(cred_open(f.path, true, f.error) == NULL);
	CHECK(strstr(f.error, "larger than 1 MB") != NULL);
	teardown(&f);
}

TEST(creates_once)
{
	struct cred *c, *again;
	struct fixture f;
	struct stat st;
	char other[80], cmd[128];

	setup(&f);
	CHECK_INT(cred_create(f.path, f.error), 1);
	CHECK(stat(f.path, &st) == 0 && (st.st_mode & 07777) == 0600);
	c = cred_open(f.path, true, f.error);
	CHECK(c != NULL && cred_count(c) == 1);
	CHECK(bytes_is(cred_first(c)->profile, "default"));
	CHECK(cred_first(c)->id.n == 20 && memcmp(cred_first(c)->id.p, "AKIA", 4) == 0 &&
	      cred_first(c)->secret.n == 40);
	CHECK_INT(cred_create(f.path, f.error), 0);
	again = cred_open(f.path, true, f.error);
	CHECK(again != NULL && bytes_eq(cred_first(c)->secret, cred_first(again)->secret));
	cred_free(again);
	snprintf(other, sizeof other, "%s/other", f.dir);
	CHECK_INT(cred_create(other, f.error), 1);
	again = cred_open(other, true, f.error);
	CHECK(again != NULL && !bytes_eq(cred_first(c)->secret, cred_first(again)->secret));
	CHECK(!bytes_eq(cred_first(c)->id, cred_first(again)->id));
	cred_free(again);
	cred_free(c);
	CHECK_INT(cred_create("/nowhere/credentials", f.error), -1);
	CHECK(strncmp(f.error, "/nowhere/", 9) == 0);
	/* No temporary file is left. */
	snprintf(cmd, sizeof cmd, "test \"$(ls %s | wc -l)\" = 2", f.dir);
	CHECK(system(cmd) == 0);
	teardown(&f);
}

TEST(reloads_what_changed)
{
	struct fixture f;
	struct cred *c;
	char next[80];

	setup(&f);
	c = open_text(&f, "[d]\n" PAIR("AKIAOLD", "old"));
	CHECK_INT(cred_reload(c, f.error), 0);
	snprintf(next, sizeof next, "%s/next", f.dir);
	write_to(next, "[d]\n" PAIR("AKIAOLD", "old") "[n]\n" PAIR("AKIANEW", "new"), 0600);
	CHECK(rename(next, f.path) == 0);
	CHECK_INT(cred_reload(c, f.error), 1);
	CHECK(cred_find(c, bytes_str("AKIANEW")) != NULL && cred_find(c, bytes_str("AKIAOLD")) != NULL);
	CHECK_INT(cred_reload(c, f.error), 0);
	/* A bad file changes nothing, and is reported once. */
	write_to(next, "garbage\n", 0600);
	CHECK(rename(next, f.path) == 0);
	CHECK_INT(cred_reload(c, f.error), -1);
	CHECK(strstr(f.error, ":1: neither") != NULL);
	CHECK_INT(cred_reload(c, f.error), 0);
	CHECK(cred_find(c, bytes_str("AKIANEW")) != NULL);
	CHECK(unlink(f.path) == 0);
	CHECK_INT(cred_reload(c, f.error), -1);
	CHECK(cred_count(c) == 2);
	write_to(next, "[n]\n" PAIR("AKIANEW", "new"), 0600);
	CHECK(rename(next, f.path) == 0);
	CHECK_INT(cred_reload(c, f.error), 1);
	CHECK(cred_find(c, bytes_str("AKIAOLD")) == NULL);
	CHECK(chmod(f.path, 0644) == 0);
	CHECK_INT(cred_reload(c, f.error), -1);
	cred_free(c);
	teardown(&f);
}

/* --- the client's side -------------------------------------------------------------------------------------------- */

static void clear_env(void)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID",           "AWS_SECRET_ACCESS_KEY",
		                             "AWS_SESSION_TOKEN",           "AWS_PROFILE",
		                             "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION",
		                             "AWS_DEFAULT_REGION",          "HOME" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

static bool client_is(struct fixture *f, const char *profile, const char *name, const char *id, const char *token)
{
	struct cred *c = cred_client(profile, f->error);
	bool is = c != NULL && cred_count(c) == 1 && bytes_is(cred_first(c)->profile, name) &&
	          bytes_is(cred_first(c)->id, id) && bytes_is(cred_first(c)->token, token);

	cred_free(c);
	return is;
}

TEST(the_client_looks_where_awss_tools_look)
{
	struct fixture f;
	char aws[64], home[96];

	setup(&f);
	clear_env();
	CHECK(cred_client(NULL, f.error) == NULL);
	CHECK(strncmp(f.error, "no credentials: ", 16) == 0);
	setenv("HOME", f.dir, 1);
	CHECK(cred_client(NULL, f.error) == NULL);
	snprintf(aws, sizeof aws, "%s/.aws", f.dir);
	snprintf(home, sizeof home, "%s/credentials", aws);
	CHECK(mkdir(aws, 0700) == 0);
	write_to(home,
	         "[default]\n" PAIR("AKIAHOME", "h") "[p]\n" PAIR("AKIAHOMEP", "h") "[q]\n" PAIR("AKIAHOMEQ", "h"),
	         0644);
	CHECK(client_is(&f, NULL, "default", "AKIAHOME", ""));
	CHECK(client_is(&f, "p", "p", "AKIAHOMEP", ""));
	setenv("AWS_PROFILE", "q", 1);
	CHECK(client_is(&f, NULL, "q", "AKIAHOMEQ", ""));
	CHECK(client_is(&f, "p", "p", "AKIAHOMEP", ""));
	CHECK(cred_client("missing", f.error) == NULL);
	CHECK(strstr(f.error, ": no profile [missing] with a key in it") != NULL);
	write_to(f.path, "[q]\n" PAIR("AKIASHARED", "h") "aws_session_token = t\n", 0600);
	setenv("AWS_SHARED_CREDENTIALS_FILE", f.path, 1);
	CHECK(client_is(&f, NULL, "q", "AKIASHARED", "t"));
	setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
	CHECK(cred_client(NULL, f.error) == NULL);
	CHECK_STR(f.error, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	setenv("AWS_SECRET_ACCESS_KEY", "e", 1);
	CHECK(client_is(&f, NULL, "environment", "AKIAENV", ""));
	setenv("AWS_SESSION_TOKEN", "tok", 1);
	CHECK(client_is(&f, NULL, "environment", "AKIAENV", "tok"));
	CHECK(client_is(&f, "q", "q", "AKIASHARED", "t"));
	setenv("AWS_SESSION_TOKEN", "", 1);
	CHECK(client_is(&f, NULL, "environment", "AKIAENV", ""));
	setenv("AWS_SECRET_ACCESS_KEY", "a b", 1);
	CHECK(cred_client(NULL, f.error) == NULL);
	unsetenv("AWS_ACCESS_KEY_ID");
	CHECK(cred_client(NULL, f.error) == NULL);
	clear_env();
	teardown(&f);
}

TEST(regions)
{
	clear_env();
	CHECK_STR(cred_region(), "us-east-1");
	setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
	CHECK_STR(cred_region(), "eu-west-1");
	setenv("AWS_REGION", "eu-west-2", 1);
	CHECK_STR(cred_region(), "eu-west-2");
	setenv("AWS_REGION", "", 1);
	CHECK_STR(cred_region(), "eu-west-1");
	clear_env();
}

CHECK_MAIN(X(reads_awss_format) X(tokens_may_be_long) X(errors_name_the_place) X(secrets_never_show_in_errors)
           X(the_servers_own_file_is_nobody_elses) X(large_files_are_refused) X(creates_once) X(reloads_what_changed)
           X(the_client_looks_where_awss_tools_look) X(regions))
