#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cred.h"
#include "exit.h"
#include "home.h"
#include "log.h"
#include "mem.h"
#include "up.h"

#define TMPFS_TYPE 0x01021994
#define RAMFS_TYPE 0x858458f6

static const char *const node_names[] = { "a", "b", "c" };

static int make_cluster(struct up *u, size_t nodes, const char *region)
{
	if (strlen(region) == 0 || strlen(region) > CLUSTER_NAME_MAX ||
	    strspn(region, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != strlen(region)) {
		log_err("region \"%s\": letters, digits and - only", region);
		return DDB_EXIT_USAGE;
	}
	if (getrandom(u->cluster.id, sizeof u->cluster.id, 0) != (ssize_t)sizeof u->cluster.id) {
		log_err("getrandom: %m");
		return DDB_EXIT_IO;
	}
	cluster_set_region(&u->cluster, region);
	for (size_t i = 0; i < nodes; i++) {
		char *zone = mem_fmt("zone-%s", node_names[i]), *addr = mem_fmt("unix:run/node-%s.sock", node_names[i]);

		cluster_add_node(&u->cluster, (uint32_t)i + 1, node_names[i], zone, addr, (uint32_t)i + 1);
		free(zone);
		free(addr);
	}
	cluster_add_addr(&u->cluster.memds, "unix:run/memds.sock");
	cluster_add_addr(&u->cluster.autoadmin, "unix:run/autoadmin.sock");
	cluster_add_addr(&u->cluster.router, "unix:run/router.sock");
	return cluster_save(u->home, &u->cluster) == 0 ? 0 : DDB_EXIT_IO;
}

static bool is_there(const struct up *u, const char *name)
{
	char *path = mem_fmt("%s/%s", u->home, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* HOME/credentials becomes a link to the file, so that it stands in one place and every process finds it. */
static int link_credentials(const struct up *u, const char *file)
{
	char *path = mem_fmt("%s/credentials", u->home), *temp = mem_fmt("%s/credentials.new", u->home);
	char *old = mem_fmt("%s/credentials.generated", u->home), absolute[PATH_MAX], error[CRED_ERROR_MAX];
	struct cred *c = NULL;
	struct stat st;
	int code = DDB_EXIT_USAGE;

	if (realpath(file, absolute) == NULL) {
		log_err("--credentials %s: %m", file);
		goto out;
	}
	c = cred_open(absolute, true, error);
	if (c == NULL) {
		log_err("--credentials: %s", error);
		goto out;
	}
	code = 0;
	if (strcmp(absolute, path) == 0)
		goto out;
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && rename(path, old) == 0)
		log_info("the key of %s is in %s now", path, old);
	unlink(temp);
	if (symlink(absolute, temp) != 0 || rename(temp, path) != 0) {
		log_err("%s: %m", path);
		code = DDB_EXIT_IO;
	}
out:
	cred_free(c);
	free(old);
	free(temp);
	free(path);
	return code;
}

static int check_credentials(const struct up *u, const char *file)
{
	char *path, error[CRED_ERROR_MAX];
	struct cred *c;
	int made;

	if (file != NULL)
		return link_credentials(u, file);
	path = mem_fmt("%s/credentials", u->home);
	made = cred_create(path, error);
	c = made >= 0 ? cred_open(path, true, error) : NULL;
	free(path);
	if (c == NULL) {
		log_err("%s", error);
		return made < 0 ? DDB_EXIT_IO : DDB_EXIT_USAGE;
	}
	cred_free(c);
	return 0;
}

/* Has this node ever had a log?  Its identity says so (identity.c in ddb-node). */
static bool has_lived(const struct up *u, const char *node)
{
	char *path = mem_fmt("%s/%s/identity", u->home, node), text[512];
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;

	free(path);
	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	return strstr(text, "used yes") != NULL;
}

void up_home_say_wiped(const struct up *u, const char *node)
{
	char *identity = mem_fmt("%s/identity", node), *wal = mem_fmt("%s/wal", node);

	if (!u->first_life && (!is_there(u, identity) || (!is_there(u, wal) && has_lived(u, node))))
		log_warn("%s was wiped: it comes back as a new replica and copies what the others have", node);
	free(identity);
	free(wal);
}

int up_home_prepare(struct up *u, uint64_t replicas, const char *region, const char *credentials)
{
	int code = 0;

	switch (cluster_load(u->home, &u->cluster)) {
	case 0:
		break;
	case 1:
		if (is_there(u, "started")) {
			log_err("%s: the file `cluster` is missing, but a cluster has lived here", u->home);
			return DDB_EXIT_USAGE;
		}
		code = make_cluster(u, replicas != 0 ? replicas : 3, region);
		break;
	default:
		return DDB_EXIT_USAGE;
	}
	if (code == 0 && replicas != 0 && u->cluster.nodes_n != replicas) {
		log_err("--replicas %u: %s has %zu, as its first start made it", (unsigned)replicas, u->home, u->cluster.nodes_n);
		code = DDB_EXIT_USAGE;
	}
	if (code == 0)
		code = check_credentials(u, credentials);
	u->first_life = !is_there(u, "started");
	return code;
}

int up_home_started(struct up *u)
{
	char *path = mem_fmt("%s/started", u->home);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), dir = open(u->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = 0;

	/* From now on a wiped node must never be mistaken for a new one. */
	if (fd < 0 || dir < 0 || fsync(fd) != 0 || fsync(dir) != 0) {
		log_err("%s: %m", path);
		code = DDB_EXIT_IO;
	}
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	free(path);
	u->first_life = code != 0;
	return code;
}

static bool is_memory(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && ((unsigned long)fs.f_type == TMPFS_TYPE || (unsigned long)fs.f_type == RAMFS_TYPE);
}

int up_home_ephemeral(struct up *u)
{
	const char *dirs[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" }, *base = NULL;
	char real[PATH_MAX];

	/* An fsync to memory proves nothing about what a disk would do. */
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs && base == NULL; i++)
		if (dirs[i] != NULL && dirs[i][0] == '/' && access(dirs[i], W_OK) == 0 && !is_memory(dirs[i]))
			base = dirs[i];
	if (base == NULL) {
		base = "/tmp";
		log_warn("no temporary directory on a disk: the home is in memory");
	}
	if (realpath(base, real) == NULL) {
		log_err("%s: %m", base);
		return DDB_EXIT_IO;
	}
	u->home = mem_fmt("%s/ddb-XXXXXX", real);
	if (mkdtemp(u->home) == NULL) {
		log_err("%s: %m", u->home);
		free(u->home);
		u->home = NULL;
		return DDB_EXIT_IO;
	}
	return 0;
}
