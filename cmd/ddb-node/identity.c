#include "identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "log.h"
#include "mem.h"

#define FORMAT 1
#define FILE_BYTES_MAX 512
#define LOST_MAX 1000
#define INCARNATION_MAX 0xffffffu                /* of a ballot, 24 bits name its replica */

static bool log_exists(const char *dir)
{
	char *path = mem_fmt("%s/wal", dir);
	DIR *d = opendir(path);
	struct dirent *e;
	bool found = false;

	free(path);
	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL)
		found = strstr(e->d_name, ".seg") != NULL;
	closedir(d);
	return found;
}

static int parse(struct identity *id, const char *path, const char *text, const uint8_t cluster[16])
{
	char hex[33], used[4];
	unsigned long long number, incarnation;
	unsigned format = 0;
	int end = -1;

	if (sscanf(text, "format %u", &format) == 1 && format > FORMAT) {
		log_err("%s: format %u is newer than this program knows (%d)", path, format, FORMAT);
		return DDB_EXIT_USAGE;
	}
	if (sscanf(text, "format %u cluster %32s node %10llu incarnation %10llu used %3s %n", &format, hex, &number, &incarnation, used,
		   &end) != 5 || format != FORMAT || strlen(hex) != 32 || !bytes_hex(bytes_str(hex), id->cluster, 16) ||
	    number == 0 || number > UINT32_MAX || incarnation == 0 || incarnation > INCARNATION_MAX ||
	    (strcmp(used, "yes") != 0 && strcmp(used, "no") != 0) || end < 0 || text[end] != '\0') {
		log_err("%s: malformed", path);
		return DDB_EXIT_USAGE;
	}
	if (memcmp(id->cluster, cluster, 16) != 0) {
		log_err("%s: belongs to another cluster", path);
		return DDB_EXIT_USAGE;
	}
	id->number = (uint32_t)number;
	id->incarnation = (uint32_t)incarnation;
	id->used = strcmp(used, "yes") == 0;
	return 0;
}

static int load(struct identity *id, const uint8_t cluster[16])
{
	char *path = mem_fmt("%s/identity", id->dir);
	char text[FILE_BYTES_MAX + 1];
	FILE *f = fopen(path, "re");
	int code = 0;

	if (f != NULL) {
		text[fread(text, 1, FILE_BYTES_MAX, f)] = '\0';
		fclose(f);
		code = parse(id, path, text, cluster);
	} else if (errno != ENOENT) {
		log_err("%s: %m", path);
		code = DDB_EXIT_IO;
	}
	if (code == 0 && id->used && !log_exists(id->dir)) {
		log_warn("%s: the log of incarnation %u is gone", id->dir, id->incarnation);
		id->incarnation = 0;
		id->used = false;
	}
	free(path);
	return code;
}

int identity_open(struct identity *id, const char *home, const char *name, const uint8_t cluster[16])
{
	char *path;
	int code = 0;

	*id = (struct identity){ .lock = -1 };
	memcpy(id->cluster, cluster, 16);
	id->dir = mem_fmt("%s/node-%s", home, name);
	path = mem_fmt("%s/lock", id->dir);
	if (mkdir(id->dir, 0700) < 0 && errno != EEXIST) {
		log_err("%s: %m", id->dir);
		code = DDB_EXIT_IO;
	} else if ((id->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) {
		log_err("%s: %m", path);
		code = DDB_EXIT_IO;
	} else if (flock(id->lock, LOCK_EX | LOCK_NB) < 0) {
		log_err("%s: another process uses this directory", id->dir);
		code = DDB_EXIT_BUSY;
	} else {
		code = load(id, cluster);
	}
	free(path);
	return code;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

int identity_save(const struct identity *id)
{
	char *path = mem_fmt("%s/identity", id->dir), *tmp = mem_fmt("%s/identity.tmp", id->dir);
	FILE *f = fopen(tmp, "we");
	struct buf hex = { 0 };
	int code = 0;

	buf_hex(&hex, (struct bytes){ id->cluster, 16 });
	buf_u8(&hex, 0);
	if (f == NULL ||
	    fprintf(f, "format %d\ncluster %s\nnode %u\nincarnation %u\nused %s\n", FORMAT, (char *)hex.p, id->number,
		    id->incarnation, id->used ? "yes" : "no") < 0 ||
	    fflush(f) != 0 || fsync(fileno(f)) < 0 || rename(tmp, path) < 0 || sync_dir(id->dir) < 0) {
		log_err("%s: %m", path);
		code = DDB_EXIT_IO;
	}
	if (f != NULL)
		fclose(f);
	buf_fini(&hex);
	free(tmp);
	free(path);
	return code;
}

static int put_aside(const struct identity *id, const char *what)
{
	char *from = mem_fmt("%s/%s", id->dir, what), *to = mem_fmt("%s/lost-%u-%s", id->dir, id->incarnation, what);
	int rc;

	/* An incarnation is lost once, but what has none, say wal/ without an identity, may be found again and again. */
	for (int i = 2; i < LOST_MAX && access(to, F_OK) == 0; i++) {
		free(to);
		to = mem_fmt("%s/lost-%u.%d-%s", id->dir, id->incarnation, i, what);
	}
	rc = rename(from, to);

	if (rc < 0 && errno == ENOENT)
		rc = 0;
	if (rc < 0)
		log_err("%s: %m", from);
	free(from);
	free(to);
	return rc;
}

int identity_give_up(struct identity *id)
{
	if (id->incarnation != 0)
		log_err("%s: the log has lost records that this node may have promised; it leaves as incarnation %u and will join "
			"anew (the old files stay in lost-%u-*)", id->dir, id->incarnation, id->incarnation);
	/* The identity goes first: without it nothing here can vote. */
	if (put_aside(id, "identity") < 0 || sync_dir(id->dir) < 0 || put_aside(id, "wal") < 0 || put_aside(id, "store") < 0 ||
	    sync_dir(id->dir) < 0)
		return DDB_EXIT_IO;
	id->incarnation = 0;
	id->used = false;
	return 0;
}

void identity_close(struct identity *id)
{
	if (id->lock >= 0)
		close(id->lock);
	free(id->dir);
	*id = (struct identity){ .lock = -1 };
}
