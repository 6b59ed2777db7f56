#include "store_db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "log.h"
#include "mem.h"

#define APPLICATION_ID 0x64646273                /* "ddbs" */
#define PAGE_BYTES 8192
#define WAL_HEADER_BYTES 32                              /* sqlite.org/fileformat2, section 4.1 */
#define WAL_FRAME_BYTES 24
#define WRITEBACK_BYTES (256u << 10)
#define BUSY_MS 2000                             /* another connection recovers the write-ahead log */

#define LOCAL_BYTES 20                           /* of a local index in meta: u32 id, u64 rows, u64 bytes */
#define META_LOCALS "locals BLOB NOT NULL DEFAULT x''"
#define CREATE_LOCKS "CREATE TABLE locks (key BLOB PRIMARY KEY) WITHOUT ROWID;"

enum statement { GET, SEEK, SEEK_BACK, LAST, LOCKED, PUT, DELETE, LOCK, UNLOCK, META_GET, META_GET_OLD, META_PUT, BEGIN, BEGIN_READ, COMMIT, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[GET] = "SELECT val FROM kv WHERE key = ?1",
	[SEEK] = "SELECT key, val FROM kv WHERE key >= ?1 ORDER BY key",
	[SEEK_BACK] = "SELECT key, val FROM kv WHERE key <= ?1 ORDER BY key DESC",
	[LAST] = "SELECT key, val FROM kv ORDER BY key DESC",
	[LOCKED] = "SELECT key, val FROM locks JOIN kv USING (key) ORDER BY key",
	[LOCK] = "INSERT OR IGNORE INTO locks VALUES (?1)",
	[UNLOCK] = "DELETE FROM locks WHERE key = ?1",
	/* replaced() counts what goes away; it costs nothing, where a look before the write costs a third of it. */
	[PUT] = "INSERT INTO kv VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET val = replaced(val, excluded.val)",
	[DELETE] = "DELETE FROM kv WHERE key = ?1 AND replaced(val, 1)",
	[META_GET] = "SELECT applied, clock, deleted_clock, hash, rows, bytes, config_slot, config, locals FROM meta",
	[META_GET_OLD] = "SELECT applied, clock, deleted_clock, hash, rows, bytes, config_slot, config, x'' FROM meta",
	[META_PUT] = "UPDATE meta SET applied = ?1, clock = ?2, deleted_clock = ?3, hash = ?4, rows = ?5, bytes = ?6, "
	             "config_slot = ?7, config = ?8, locals = ?9",
	[BEGIN] = "BEGIN IMMEDIATE",
	[BEGIN_READ] = "BEGIN",
	[COMMIT] = "COMMIT",
};

struct store_db {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *statement[STATEMENTS];
	bool busy[STATEMENTS];                           /* a scan uses it */
	unsigned scans;
	struct bytes key;                                /* of the row being written */
	struct store_worth old;                          /* what replaced() has seen there */
	int64_t version, locks;                          /* locks: rows of that table, to one who writes */
	uint64_t wal_pages;
	int wal_fd;                                      /* of the -wal; -1 until it is needed */
	uint64_t wal_begun;                              /* bytes of it that are on their way to the disk */
};

static int fail(struct store_db *d, const char *what)
{
	int err = sqlite3_system_errno(d->db);

	log_err("%s: %s: %s (%d%s%s)", d->path, what, sqlite3_errmsg(d->db), sqlite3_extended_errcode(d->db),
	        err != 0 ? ", " : "", err != 0 ? strerror(err) : "");
	return -1;
}

static int fail_fault(struct store_db *d, const char *what, int err)
{
	log_err("%s: %s: %s", d->path, what, strerror(err));
	return -1;
}

static sqlite3_stmt *prepare(struct store_db *d, enum statement which)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v3(d->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
		fail(d, "prepare");
	return s;
}

static sqlite3_stmt *cached(struct store_db *d, enum statement which)
{
	if (d->statement[which] == NULL)
		d->statement[which] = prepare(d, which);
	return d->statement[which];
}

static int exec(struct store_db *d, const char *what, const char *text)
{
	return sqlite3_exec(d->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(d, what);
}

static int step_once(struct store_db *d, enum statement which, const char *what)
{
	sqlite3_stmt *s = cached(d, which);
	int rc;

	if (s == NULL)
		return -1;
	rc = sqlite3_step(s);
	if (rc != SQLITE_DONE) {
		fail(d, what);
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	return 0;
}

static struct bytes column(sqlite3_stmt *s, int i)
{
	const void *p = sqlite3_column_blob(s, i);       /* before its length: the order SQLite asks for */

	return (struct bytes){ p, (size_t)sqlite3_column_bytes(s, i) };
}

/* An empty blob is not NULL. */
static void bind(sqlite3_stmt *s, int i, struct bytes v)
{
	assert(v.n <= INT32_MAX);
	sqlite3_bind_blob(s, i, v.n > 0 ? (const void *)v.p : "", (int)v.n, SQLITE_STATIC);
}

static void replaced(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct store_db *d = sqlite3_user_data(c);
	const void *p = sqlite3_value_blob(v[0]);

	(void)n;
	d->old = store_row_worth(d->key, (struct bytes){ p, (size_t)sqlite3_value_bytes(v[0]) });
	sqlite3_result_value(c, v[1]);
}

/*
 * Nothing of the -wal is synced before its checkpoint, which would then hand the disk all of it at once, and the node's log would
 * stand in line behind that.  So it is sent on its way in parts.  Only a hint: an error means nothing, the sync will tell.
 */
static void begin_writeback(struct store_db *d)
{
	uint64_t bytes = WAL_HEADER_BYTES + d->wal_pages * (WAL_FRAME_BYTES + PAGE_BYTES);
	char path[PATH_MAX];

	if (bytes < d->wal_begun)
		d->wal_begun = 0;                        /* it begins anew, in the same file */
	if (bytes < d->wal_begun + WRITEBACK_BYTES)
		return;
	if (d->wal_fd < 0 && snprintf(path, sizeof path, "%s-wal", d->path) < (int)sizeof path)
		d->wal_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (d->wal_fd >= 0)
		sync_file_range(d->wal_fd, (off_t)d->wal_begun, (off_t)(bytes - d->wal_begun), SYNC_FILE_RANGE_WRITE);
	d->wal_begun = bytes;
}

static int committed(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store_db *d = arg;

	(void)db, (void)name;
	d->wal_pages = (uint64_t)pages;
	begin_writeback(d);
	return SQLITE_OK;
}

static int number(struct store_db *d, const char *query, int64_t *out)
{
	sqlite3_stmt *s = NULL;
	int r = -1;

	if (sqlite3_prepare_v2(d->db, query, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
		*out = sqlite3_column_int64(s, 0);
		r = 0;
	} else {
		fail(d, query);
	}
	sqlite3_finalize(s);
	return r;
}

static int check_format(struct store_db *d)
{
	int64_t id;

	if (number(d, "PRAGMA application_id", &id) != 0 || number(d, "PRAGMA user_version", &d->version) != 0)
		return -1;
	if (id != APPLICATION_ID) {
		log_err("%s: not a store of ddb (application id %lld)", d->path, (long long)id);
		return -1;
	}
	if (d->version < 1 || d->version > STORE_DB_VERSION) {
		log_err("%s: store format %lld, this program knows %d%s", d->path, (long long)d->version, STORE_DB_VERSION,
		        d->version > STORE_DB_VERSION ? ": it was written by a newer ddb" : "");
		return -1;
	}
	return 0;
}

static int create_schema(struct store_db *d)
{
	char text[128];

	sqlite3_snprintf(sizeof text, text, "PRAGMA page_size=%d; PRAGMA application_id=%d; PRAGMA user_version=%d",
	                 PAGE_BYTES, APPLICATION_ID, STORE_DB_VERSION);
	return exec(d, "create", "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF") != 0 || exec(d, "create", text) != 0 ||
	       exec(d, "create",
	               "BEGIN;"
	               "CREATE TABLE kv (key BLOB PRIMARY KEY, val BLOB NOT NULL) WITHOUT ROWID;"
	               CREATE_LOCKS
	               "CREATE TABLE meta (applied INTEGER NOT NULL, clock INTEGER NOT NULL, deleted_clock INTEGER NOT NULL,"
	               " hash BLOB NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, config_slot INTEGER NOT NULL,"
	               " config BLOB NOT NULL, " META_LOCALS ");"
	               "INSERT INTO meta VALUES (0, 0, 0, zeroblob(16), 0, 0, 0, x'', x'');"
	               "COMMIT") != 0 ? -1 : 0;
}

/* A file of version 1 has no locks, one of version 2 counts no rows of local indexes: it was made before there were any. */
static int upgrade(struct store_db *d)
{
	if (d->version == STORE_DB_VERSION)
		return 0;
	if (exec(d, "upgrade", "BEGIN IMMEDIATE") != 0 || (d->version < 2 && exec(d, "upgrade", CREATE_LOCKS) != 0) ||
	    exec(d, "upgrade", "ALTER TABLE meta ADD COLUMN " META_LOCALS "; PRAGMA user_version=3; COMMIT") != 0)
		return -1;
	d->version = STORE_DB_VERSION;
	return 0;
}

static int set_up(struct store_db *d, enum store_db_mode mode, uint32_t cache_kb, uint64_t mmap_bytes)
{
	char text[128];

	sqlite3_extended_result_codes(d->db, 1);
	sqlite3_busy_timeout(d->db, BUSY_MS);
	/* Only the apply thread checkpoints; the last one to close must not do it unseen. */
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, mode != STORE_DB_BUILD, NULL);
	/* Debian builds SQLite to overwrite what is deleted; that is no promise of ours, and it costs. */
	sqlite3_snprintf(sizeof text, text, "PRAGMA mmap_size=%llu; PRAGMA cache_size=-%u; PRAGMA secure_delete=OFF",
	                 (unsigned long long)mmap_bytes, cache_kb);
	if (exec(d, "open", text) != 0)
		return -1;
	if (mode == STORE_DB_BUILD ? create_schema(d) != 0 : check_format(d) != 0)
		return -1;
	if (mode == STORE_DB_READ)
		return exec(d, "open", "PRAGMA query_only=ON");
	if (sqlite3_create_function(d->db, "replaced", 2, SQLITE_UTF8, d, replaced, NULL, NULL) != SQLITE_OK)
		return fail(d, "replaced");
	if (mode == STORE_DB_BUILD)
		return 0;
	if (exec(d, "open", "PRAGMA synchronous=NORMAL; PRAGMA cache_spill=OFF") != 0 || upgrade(d) != 0 ||
	    number(d, "SELECT count(*) FROM locks", &d->locks) != 0)
		return -1;
	sqlite3_wal_hook(d->db, committed, d);           /* in the place of the automatic checkpoint */
	return 0;
}

struct store_db *store_db_open(const char *path, enum store_db_mode mode, uint32_t cache_kb, uint64_t mmap_bytes)
{
	struct store_db *d = mem_new(sizeof *d);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == STORE_DB_BUILD ? SQLITE_OPEN_CREATE : 0);
	int err = fault_hit("store.open");

	d->path = mem_str(path);
	d->wal_fd = -1;
	if (err != 0) {
		fail_fault(d, "open", err);
	} else if (sqlite3_open_v2(path, &d->db, flags, NULL) != SQLITE_OK) {
		fail(d, "open");
	} else if (set_up(d, mode, cache_kb, mmap_bytes) == 0) {
		return d;
	}
	store_db_close(d);
	return NULL;
}

void store_db_close(struct store_db *d)
{
	if (d == NULL)
		return;
	assert(d->scans == 0);
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(d->statement[i]);
	sqlite3_close(d->db);
	if (d->wal_fd >= 0)
		close(d->wal_fd);
	free(d->path);
	free(d);
}

void store_db_shrink(struct store_db *d)
{
	sqlite3_db_release_memory(d->db);
}

static void get_locals(struct bytes raw, struct store_meta *m)
{
	struct cur c = cur_of(raw);

	for (size_t i = 0; i < STORE_LOCALS_MAX && !cur_done(&c); i++) {
		m->local[i].index = cur_u32(&c);
		m->local[i].rows = cur_u64(&c);
		m->local[i].bytes = cur_u64(&c);
	}
}

static struct bytes put_locals(const struct store_meta *m, uint8_t out[STORE_LOCALS_MAX * LOCAL_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; i < STORE_LOCALS_MAX && m->local[i].index != 0; i++, n += LOCAL_BYTES) {
		store_u32(out + n, m->local[i].index);
		store_u64(out + n + 4, m->local[i].rows);
		store_u64(out + n + 12, m->local[i].bytes);
	}
	return (struct bytes){ out, n };
}

int store_db_meta(struct store_db *d, struct store_meta *out)
{
	sqlite3_stmt *s = cached(d, d->version < 3 ? META_GET_OLD : META_GET);
	struct bytes hash, config;
	int r = -1;

	if (s == NULL)
		return -1;
	if (sqlite3_step(s) != SQLITE_ROW) {
		fail(d, "meta");
		goto out;
	}
	*out = (struct store_meta){
		.applied = (uint64_t)sqlite3_column_int64(s, 0),
		.clock = (uint64_t)sqlite3_column_int64(s, 1),
		.deleted_clock = (uint64_t)sqlite3_column_int64(s, 2),
		.rows = (uint64_t)sqlite3_column_int64(s, 4),
		.bytes = (uint64_t)sqlite3_column_int64(s, 5),
		.config_slot = (uint64_t)sqlite3_column_int64(s, 6),
	};
	hash = column(s, 3);
	config = column(s, 7);
	if (hash.n != sizeof out->hash || config.n > sizeof out->config) {
		log_err("%s: meta is damaged", d->path);
		goto out;
	}
	memcpy(&out->hash, hash.p, hash.n);
	if (config.n > 0)
		memcpy(out->config, config.p, config.n);
	out->config_bytes = (uint32_t)config.n;
	get_locals(column(s, 8), out);
	r = 0;
out:
	sqlite3_reset(s);
	return r;
}

int store_db_get(struct store_db *d, struct bytes key, struct buf *row)
{
	sqlite3_stmt *s = cached(d, GET);
	int err = fault_hit("store.read"), rc;

	if (s == NULL)
		return -1;
	if (err != 0)
		return fail_fault(d, "read", err);
	bind(s, 1, key);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		buf_bytes(row, column(s, 0));
	else if (rc != SQLITE_DONE)
		fail(d, "read");
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

int store_db_begin_read(struct store_db *d)
{
	return step_once(d, BEGIN_READ, "begin");
}

int store_db_seek(struct store_db *d, struct bytes from, bool reverse, struct store_db_scan *scan)
{
	enum statement which = !reverse ? SEEK : from.n > 0 ? SEEK_BACK : LAST;
	sqlite3_stmt *s = d->busy[which] ? prepare(d, which) : cached(d, which);

	if (s == NULL)
		return -1;
	*scan = (struct store_db_scan){ .db = d, .statement = s, .shared = s == d->statement[which] };
	if (scan->shared)
		d->busy[which] = true;
	d->scans++;
	/* A copy: the caller's key need not outlive this call. */
	if (which != LAST)
		sqlite3_bind_blob(s, 1, from.n > 0 ? (const void *)from.p : "", (int)from.n, SQLITE_TRANSIENT);
	return 0;
}

int store_db_any_locked(struct store_db *d)
{
	int64_t any = 0;

	if (d->version == STORE_DB_VERSION && number(d, "SELECT EXISTS (SELECT 1 FROM locks)", &any) != 0)
		return -1;
	return any != 0;
}

int store_db_seek_locked(struct store_db *d, struct store_db_scan *scan)
{
	sqlite3_stmt *s = d->version < STORE_DB_VERSION ? NULL : prepare(d, LOCKED);

	if (s == NULL && d->version == STORE_DB_VERSION)
		return -1;
	*scan = (struct store_db_scan){ .db = d, .statement = s };
	d->scans++;
	return 0;
}

int store_db_next(struct store_db_scan *scan, struct bytes *key, struct bytes *row)
{
	int err = fault_hit("store.read"), rc;

	if (err != 0)
		return fail_fault(scan->db, "read", err);
	if (scan->statement == NULL)
		return 0;
	rc = sqlite3_step(scan->statement);
	if (rc == SQLITE_ROW) {
		*key = column(scan->statement, 0);
		*row = column(scan->statement, 1);
		return 1;
	}
	return rc == SQLITE_DONE ? 0 : fail(scan->db, "read");
}

void store_db_end(struct store_db_scan *scan)
{
	struct store_db *d = scan->db;

	d->scans--;
	if (!scan->shared) {
		sqlite3_finalize(scan->statement);
		return;
	}
	sqlite3_reset(scan->statement);
	for (int i = 0; i < STATEMENTS; i++)
		if (d->statement[i] == scan->statement)
			d->busy[i] = false;
}

/* Nothing is looked for while there are no locks. */
static int write_lock(struct store_db *d, struct bytes key, bool locked)
{
	sqlite3_stmt *s;

	if (!locked && d->locks == 0)
		return 0;
	s = cached(d, locked ? LOCK : UNLOCK);
	if (s == NULL)
		return -1;
	bind(s, 1, key);
	if (step_once(d, locked ? LOCK : UNLOCK, "lock") != 0)
		return -1;
	d->locks += locked ? sqlite3_changes(d->db) : -sqlite3_changes(d->db);
	return 0;
}

static int write_row(struct store_db *d, const struct store_row *r, struct store_meta *meta)
{
	sqlite3_stmt *s = cached(d, r->row.n > 0 ? PUT : DELETE);
	struct store_worth worth = store_row_worth(r->key, r->row);

	if (s == NULL)
		return -1;
	d->key = r->key;
	d->old = (struct store_worth){ .local = worth.local };
	bind(s, 1, r->key);
	if (r->row.n > 0)
		bind(s, 2, r->row);
	if (sqlite3_step(s) != SQLITE_DONE) {
		fail(d, "write");
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	store_count(meta, &worth, &d->old);
	return write_lock(d, r->key, worth.locked);
}

static int write_meta(struct store_db *d, const struct store_meta *m)
{
	uint8_t locals[STORE_LOCALS_MAX * LOCAL_BYTES];
	sqlite3_stmt *s = cached(d, META_PUT);

	if (s == NULL)
		return -1;
	assert(m->config_bytes <= sizeof m->config);
	sqlite3_bind_int64(s, 1, (int64_t)m->applied);
	sqlite3_bind_int64(s, 2, (int64_t)m->clock);
	sqlite3_bind_int64(s, 3, (int64_t)m->deleted_clock);
	bind(s, 4, (struct bytes){ m->hash.b, sizeof m->hash.b });
	sqlite3_bind_int64(s, 5, (int64_t)m->rows);
	sqlite3_bind_int64(s, 6, (int64_t)m->bytes);
	sqlite3_bind_int64(s, 7, (int64_t)m->config_slot);
	bind(s, 8, (struct bytes){ m->config, m->config_bytes });
	bind(s, 9, put_locals(m, locals));
	return step_once(d, META_PUT, "meta");
}

int store_db_apply(struct store_db *d, const struct store_row *rows, size_t n, struct store_meta *meta)
{
	int err;

	if (step_once(d, BEGIN, "begin") != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (write_row(d, &rows[i], meta) != 0)
			return -1;
	if (write_meta(d, meta) != 0)
		return -1;
	err = fault_hit("store.commit");
	if (err != 0)
		return fail_fault(d, "commit", err);
	return step_once(d, COMMIT, "commit");
}

uint64_t store_db_wal_bytes(const struct store_db *d)
{
	return d->wal_pages * PAGE_BYTES;
}

int store_db_checkpoint(struct store_db *d)
{
	int err = fault_hit("store.checkpoint"), in_log = 0, moved = 0, rc;

	if (err != 0)
		return fail_fault(d, "checkpoint", err);
	rc = sqlite3_wal_checkpoint_v2(d->db, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
	if (rc == SQLITE_BUSY)
		return 0;
	if (rc != SQLITE_OK)
		return fail(d, "checkpoint");
	/* The database file is synced only by a checkpoint that reaches the end of the log. */
	return in_log >= 0 && in_log == moved;
}

int store_db_finish(struct store_db *d)
{
	/* Closing moves what the change of mode wrote, and removes the -wal; the file is then all there is. */
	int r = exec(d, "finish", "PRAGMA journal_mode=WAL");

	for (int i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(d->statement[i]);
		d->statement[i] = NULL;
	}
	if (r == 0 && sqlite3_close(d->db) != SQLITE_OK)
		r = fail(d, "close");
	else if (r == 0)
		d->db = NULL;
	store_db_close(d);
	return r;
}
