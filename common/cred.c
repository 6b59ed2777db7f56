#include "cred.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

/*
 * The files are parsed here and not by libinih: that cuts lines at 200 bytes, less than a session token, and the limit
 * is a global of the library.
 */

struct cred {
	char *path;                                      /* NULL: from the environment */
	bool own;
	struct buf text;                                 /* what the keys are views of */
	struct cred_key *keys;
	size_t n;
	struct stat seen;                                /* the file as it was read */
};

static int fail(char *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(char *error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, CRED_ERROR_MAX, fmt, ap);
	va_end(ap);
	return -1;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes v)
{
	while (v.n > 0 && blank(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n > 0 && blank(v.p[v.n - 1]))
		v.n--;
	return v;
}

/* Keys, secrets and tokens are printable and without blanks: anything else is a damaged file. */
static bool plain(struct bytes v, size_t max)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return false;
	return v.n > 0 && v.n <= max;
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

struct parse {
	const char *path;
	char *error;
	struct cred_key *keys;
	size_t n;
	bool section;                                    /* inside one: keys[n] is being filled */
};

static int section_end(struct parse *p)
{
	struct cred_key *k = &p->keys[p->n];

	if (!p->section || (k->id.n == 0 && k->secret.n == 0)) {
		p->section = false;
		return 0;
	}
	if (k->id.n == 0 || k->secret.n == 0)
		return fail(p->error, "%s: [%.*s] has no %s", p->path, (int)k->profile.n, (const char *)k->profile.p,
		            k->id.n == 0 ? "aws_access_key_id" : "aws_secret_access_key");
	for (size_t i = 0; i < p->n; i++)
		if (bytes_eq(p->keys[i].id, k->id))
			return fail(p->error, "%s: the key id of [%.*s] is also that of [%.*s]", p->path,
			            (int)k->profile.n, (const char *)k->profile.p, (int)p->keys[i].profile.n,
			            (const char *)p->keys[i].profile.p);
	p->section = false;
	p->n++;
	return 0;
}

static int section_start(struct parse *p, struct bytes line, unsigned number)
{
	struct bytes name = trim((struct bytes){ line.p + 1, line.n - 2 });

	if (line.p[line.n - 1] != ']' || name.n == 0 || name.n > CRED_ID_BYTES_MAX)
		return fail(p->error, "%s:%u: not a [profile] line", p->path, number);
	if (section_end(p) != 0)
		return -1;
	for (size_t i = 0; i < p->n; i++)
		if (bytes_eq(p->keys[i].profile, name))
			return fail(p->error, "%s:%u: a second [%.*s]", p->path, number, (int)name.n,
			            (const char *)name.p);
	if (p->n == CRED_KEYS_MAX)
		return fail(p->error, "%s:%u: more than %d keys", p->path, number, CRED_KEYS_MAX);
	p->keys[p->n] = (struct cred_key){ .profile = name };
	p->section = true;
	return 0;
}

static int setting(struct parse *p, struct bytes line, unsigned number)
{
	const uint8_t *eq = memchr(line.p, '=', line.n);
	struct cred_key *k = &p->keys[p->n];
	struct bytes name, value, *into = NULL;
	size_t max = 0;

	if (eq == NULL || !p->section)
		return fail(p->error, "%s:%u: neither [profile], name = value nor a # comment", p->path, number);
	name = trim((struct bytes){ line.p, (size_t)(eq - line.p) });
	value = trim((struct bytes){ eq + 1, line.n - (size_t)(eq + 1 - line.p) });
	if (bytes_is(name, "aws_access_key_id")) {
		into = &k->id;
		max = CRED_ID_BYTES_MAX;
	} else if (bytes_is(name, "aws_secret_access_key")) {
		into = &k->secret;
		max = CRED_SECRET_BYTES_MAX;
	} else if (bytes_is(name, "aws_session_token")) {
		into = &k->token;
		max = CRED_TOKEN_BYTES_MAX;
	} else {
		return 0;
	}
	if (into->n > 0)
		return fail(p->error, "%s:%u: a second %.*s", p->path, number, (int)name.n, (const char *)name.p);
	if (!plain(value, max))
		return fail(p->error, "%s:%u: %.*s is empty, too long or has blanks in it", p->path, number,
		            (int)name.n, (const char *)name.p);
	*into = value;
	return 0;
}

/* Fills keys and n of c from c->text. */
static int parse(struct cred *c, char *error)
{
	struct parse p = { c->path, error, mem_new((CRED_KEYS_MAX + 1) * sizeof *p.keys), 0, false };
	const uint8_t *at = c->text.p, *end = at + c->text.n;
	int rc = 0;

	for (unsigned number = 1; at < end && rc == 0; number++) {
		const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));
		struct bytes line = { at, (size_t)((nl != NULL ? nl : end) - at) };

		at = nl != NULL ? nl + 1 : end;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		/* Indented lines belong to nested settings of AWS's tools, which are none of ours. */
		if (line.n == 0 || blank(line.p[0]) || line.p[0] == '#' || line.p[0] == ';')
			continue;
		line = trim(line);
		rc = line.p[0] == '[' ? section_start(&p, line, number) : setting(&p, line, number);
	}
	if (rc == 0)
		rc = section_end(&p);
	if (rc == 0 && p.n == 0)
		rc = fail(error, "%s: no key in it", c->path);
	if (rc != 0) {
		free(p.keys);
		return -1;
	}
	c->keys = p.keys;
	c->n = p.n;
	return 0;
}

static int read_file(struct cred *c, char *error)
{
	int fd = open(c->path, O_RDONLY | O_CLOEXEC), rc = -1;

	if (fd < 0 || fstat(fd, &c->seen) != 0) {
		fail(error, "%s: %s", c->path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(c->seen.st_mode) || (uint64_t)c->seen.st_size > CRED_FILE_BYTES_MAX) {
		fail(error, "%s: not a file, or larger than 1 MB", c->path);
		goto out;
	}
	if (c->own && (c->seen.st_uid != geteuid() || (c->seen.st_mode & 077) != 0)) {
		fail(error, "%s: must be owned by this user and have mode 0600, not %04o", c->path,
		     c->seen.st_mode & 07777);
		goto out;
	}
	for (;;) {
		uint8_t *p = buf_room(&c->text, 4096);
		ssize_t n;

		if (p == NULL) {
			fail(error, "%s: larger than 1 MB", c->path);
			goto out;
		}
		n = read(fd, p, 4096);
		if (n < 0) {
			fail(error, "%s: %s", c->path, strerror(errno));
			goto out;
		}
		if (n == 0)
			break;
		c->text.n += (size_t)n;
	}
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- sets --------------------------------------------------------------------------------------------------------- */

void cred_free(struct cred *c)
{
	if (c == NULL)
		return;
	if (c->text.p != NULL)
		explicit_bzero(c->text.p, c->text.cap);
	buf_fini(&c->text);
	free(c->keys);
	free(c->path);
	free(c);
}

static struct cred *open_named(const char *path, bool own, char *error)
{
	struct cred *c = mem_new(sizeof *c);

	c->path = mem_str(path);
	c->own = own;
	buf_init(&c->text, CRED_FILE_BYTES_MAX + 4096);
	if (read_file(c, error) != 0 || parse(c, error) != 0) {
		cred_free(c);
		return NULL;
	}
	return c;
}

struct cred *cred_open(const char *path, bool own, char *error)
{
	return open_named(path, own, error);
}

int cred_reload(struct cred *c, char *error)
{
	struct cred *fresh, old;
	struct stat st;

	if (c->path == NULL)
		return 0;
	if (stat(c->path, &st) != 0)
		return fail(error, "%s: %s", c->path, strerror(errno));
	if (st.st_mtim.tv_sec == c->seen.st_mtim.tv_sec && st.st_mtim.tv_nsec == c->seen.st_mtim.tv_nsec &&
	    st.st_ino == c->seen.st_ino && st.st_size == c->seen.st_size && st.st_mode == c->seen.st_mode)
		return 0;
	fresh = open_named(c->path, c->own, error);
	if (fresh == NULL) {
		c->seen = st;                            /* complain once a change, not once a look */
		return -1;
	}
	old = *c;
	*c = *fresh;
	*fresh = old;
	cred_free(fresh);
	return 1;
}

const struct cred_key *cred_first(const struct cred *c)
{
	return c->n > 0 ? &c->keys[0] : NULL;
}

const struct cred_key *cred_find(const struct cred *c, struct bytes id)
{
	for (size_t i = 0; i < c->n; i++)
		if (bytes_eq(c->keys[i].id, id))
			return &c->keys[i];
	return NULL;
}

const struct cred_key *cred_profile(const struct cred *c, const char *profile)
{
	for (size_t i = 0; i < c->n; i++)
		if (bytes_is(c->keys[i].profile, profile))
			return &c->keys[i];
	return NULL;
}

size_t cred_count(const struct cred *c)
{
	return c->n;
}

/* --- creating ----------------------------------------------------------------------------------------------------- */

/* n characters of the alphabet, each equally likely. */
static int random_text(char *out, size_t n, const char *alphabet)
{
	size_t letters = strlen(alphabet);

	for (size_t i = 0; i < n;) {
		uint8_t c;

		if (getrandom(&c, 1, 0) != 1)
			return -1;
		if (c < 256 / letters * letters)
			out[i++] = alphabet[c % letters];
	}
	out[n] = '\0';
	return 0;
}

static int write_fresh(int fd)
{
	char id[17], secret[41], *text;
	size_t n;
	ssize_t w;

	if (random_text(id, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != 0 ||
	    random_text(secret, 40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != 0)
		return -1;
	text = mem_fmt("[default]\naws_access_key_id = AKIA%s\naws_secret_access_key = %s\n", id, secret);
	n = strlen(text);
	w = write(fd, text, n);
	explicit_bzero(secret, sizeof secret);
	explicit_bzero(text, n);
	free(text);
	if (w >= 0 && (size_t)w != n)
		errno = ENOSPC;
	return w == (ssize_t)n ? fsync(fd) : -1;
}

/* The name is durable only when the directory is. */
static int sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? mem_str(".") : mem_copy(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd >= 0 ? fsync(fd) : -1;

	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

int cred_create(const char *path, char *error)
{
	char *temporary;
	int fd, rc = -1;
	bool linked;

	if (access(path, F_OK) == 0)
		return 0;
	temporary = mem_fmt("%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);             /* mode 0600 */
	if (fd < 0) {
		fail(error, "%s: %s", temporary, strerror(errno));
		free(temporary);
		return -1;
	}
	/* link, not rename: whoever created the file meanwhile has keys in use. */
	linked = write_fresh(fd) == 0 && link(temporary, path) == 0;
	if (!linked && errno != EEXIST)
		fail(error, "%s: %s", path, strerror(errno));
	else if (sync_dir(path) != 0)
		fail(error, "%s: directory: %s", path, strerror(errno));
	else
		rc = linked;
	close(fd);
	unlink(temporary);
	free(temporary);
	return rc;
}

/* --- the client's side -------------------------------------------------------------------------------------------- */

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

static struct cred *from_env(char *error)
{
	const char *id = env("AWS_ACCESS_KEY_ID"), *secret = env("AWS_SECRET_ACCESS_KEY");
	const char *token = env("AWS_SESSION_TOKEN");
	size_t id_n, secret_n, token_n = token != NULL ? strlen(token) : 0;
	struct cred_key *k;
	struct cred *c;

	if (id == NULL || secret == NULL) {
		fail(error, "%s is set, but %s is not", id != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		     id != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
		return NULL;
	}
	id_n = strlen(id);
	secret_n = strlen(secret);
	if (!plain((struct bytes){ (const uint8_t *)id, id_n }, CRED_ID_BYTES_MAX) ||
	    !plain((struct bytes){ (const uint8_t *)secret, secret_n }, CRED_SECRET_BYTES_MAX) ||
	    (token_n > 0 && !plain((struct bytes){ (const uint8_t *)token, token_n }, CRED_TOKEN_BYTES_MAX))) {
		fail(error, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN is too long or has blanks");
		return NULL;
	}
	c = mem_new(sizeof *c);
	buf_str(&c->text, id);
	buf_str(&c->text, secret);
	if (token_n > 0)
		buf_str(&c->text, token);
	k = c->keys = mem_new(sizeof *k);
	c->n = 1;
	k->profile = BYTES_LIT("environment");
	k->id = (struct bytes){ c->text.p, id_n };
	k->secret = (struct bytes){ c->text.p + id_n, secret_n };
	if (token_n > 0)
		k->token = (struct bytes){ c->text.p + id_n + secret_n, token_n };
	return c;
}

struct cred *cred_client(const char *profile, char *error)
{
	const char *file = env("AWS_SHARED_CREDENTIALS_FILE"), *home = env("HOME");
	const struct cred_key *found;
	struct cred_key first;
	struct cred *c;
	char *path;

	if (profile == NULL && (env("AWS_ACCESS_KEY_ID") != NULL || env("AWS_SECRET_ACCESS_KEY") != NULL))
		return from_env(error);
	if (profile == NULL)
		profile = env("AWS_PROFILE") != NULL ? env("AWS_PROFILE") : "default";
	if (file == NULL && home == NULL) {
		fail(error, "no credentials: AWS_ACCESS_KEY_ID, AWS_SHARED_CREDENTIALS_FILE and HOME are all unset");
		return NULL;
	}
	path = file != NULL ? mem_str(file) : mem_fmt("%s/.aws/credentials", home);
	c = open_named(path, false, error);
	free(path);
	if (c == NULL)
		return NULL;
	found = cred_profile(c, profile);
	if (found == NULL) {
		fail(error, "%s: no profile [%.100s] with a key in it", c->path, profile);
		cred_free(c);
		return NULL;
	}
	first = *found;
	c->keys[0] = first;
	c->n = 1;
	return c;
}

const char *cred_region(void)
{
	if (env("AWS_REGION") != NULL)
		return env("AWS_REGION");
	return env("AWS_DEFAULT_REGION") != NULL ? env("AWS_DEFAULT_REGION") : "us-east-1";
}
