/*
 * cred: access keys, from files in AWS's format and from the environment.
 *
 *	[profile]
 *	aws_access_key_id = AKIA...
 *	aws_secret_access_key = ...
 *	aws_session_token = ...                optional
 *
 * Other names in a section are ignored, as AWS's tools do; lines that are neither are refused with their number.
 * Does not: log (errors come back as text), print a secret.
 */
#ifndef COMMON_CRED_H
#define COMMON_CRED_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

#define CRED_FILE_BYTES_MAX ((size_t)1 << 20)
#define CRED_KEYS_MAX 1024
#define CRED_ID_BYTES_MAX 128
#define CRED_SECRET_BYTES_MAX 256
#define CRED_TOKEN_BYTES_MAX 8192
#define CRED_ERROR_MAX 512

/* Views last until the next cred_reload or cred_free.  token is empty for long-term keys. */
struct cred_key {
	struct bytes profile, id, secret, token;
};

struct cred;                                             /* a set of keys */

/*
 * Read a file of keys.
 *   own     the server's own file: refused unless it is ours and nobody else can read or write it
 *   error   what is wrong, one line, naming the file; CRED_ERROR_MAX bytes
 * Returns NULL with error set.  A key id that appears twice, a section with half a key, or no key at all is an error.
 */
struct cred *cred_open(const char *path, bool own, char *error);

/*
 * Create path, mode 0600, with one fresh key in [default], unless it is there already.
 * The file appears whole or not at all.  Returns 1 created, 0 was there, -1 with error set.
 */
int cred_create(const char *path, char *error);

/* Read the file again if it changed.  1 new keys, 0 unchanged, -1 with error set: the old keys stay. */
int cred_reload(struct cred *c, char *error);

/*
 * The client's key, looked for as AWS's tools do: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN);
 * else the profile (the argument, or AWS_PROFILE, or "default") of AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials.
 * A profile given as argument wins over the environment's key.  Returns a set whose cred_first is the key, or NULL.
 */
struct cred *cred_client(const char *profile, char *error);

/* AWS_REGION, else AWS_DEFAULT_REGION, else "us-east-1". */
const char *cred_region(void);

void cred_free(struct cred *c);                          /* wipes the secrets */
const struct cred_key *cred_first(const struct cred *c);
const struct cred_key *cred_find(const struct cred *c, struct bytes id);          /* NULL if unknown */
const struct cred_key *cred_profile(const struct cred *c, const char *profile);   /* NULL if unknown */
size_t cred_count(const struct cred *c);

#endif
