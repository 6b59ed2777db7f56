#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

struct file {
	char *path;
	uint64_t bytes;
	bool there, good;                        /* header read; header sound, and this file's */
	bool recycled;                           /* header sound, but of an older life of the file */
	struct seg_header header;
};

struct scanner {
	const struct scan_events *ev;
	struct file *files;
	size_t n, room;
	uint64_t done, all;
	uint8_t *image;
	/* How the segment before ended; known is false at the start and behind damage. */
	bool known;
	uint64_t end, sequence;
	uint32_t chain;
};

static bool complain(const char *path, const char *what)
{
	log_err("%s: %s: %m", path, what);
	return false;
}

static bool add(struct scanner *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno == ENOENT && s->n > 0)
			return true;
		return complain(path, "stat");
	}
	if (s->n == SCAN_SEGMENTS_MAX) {
		log_err("%s: more than %d segments", path, SCAN_SEGMENTS_MAX);
		return false;
	}
	if (s->n == s->room) {
		s->room = s->room == 0 ? 64 : 2 * s->room;
		s->files = mem_resize(s->files, s->room * sizeof *s->files);
	}
	s->files[s->n++] = (struct file){ .path = mem_str(path), .bytes = (uint64_t)st.st_size };
	s->all += (uint64_t)st.st_size;
	return true;
}

static int is_segment(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && strspn(e->d_name, "0123456789") == n - 4 && strcmp(e->d_name + n - 4, ".seg") == 0;
}

/* By number: names have leading zeros up to 12 digits. */
static int by_number(const struct dirent **a, const struct dirent **b)
{
	size_t x = strlen((*a)->d_name), y = strlen((*b)->d_name);

	return x != y ? (x < y ? -1 : 1) : strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_dir(struct scanner *s, const char *dir)
{
	struct dirent **e;
	int n = scandir(dir, &e, is_segment, by_number);
	bool good = n >= 0;

	if (n < 0)
		complain(dir, "open");
	for (int i = 0; i < n; i++) {
		char *path = mem_fmt("%s/%s", dir, e[i]->d_name);

		good = good && add(s, path);
		free(path);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	return good;
}

static bool add_paths(struct scanner *s, char **paths, int n)
{
	for (int i = 0; i < n; i++) {
		struct stat st;
		bool dir;

		if (stat(paths[i], &st) != 0)
			return complain(paths[i], "stat");
		dir = S_ISDIR(st.st_mode);
		if (!(dir ? add_dir(s, paths[i]) : add(s, paths[i])))
			return false;
	}
	return true;
}

static void tell(struct scanner *s, const struct file *f, uint64_t position, const char *what, const struct seg_record *r)
{
	struct scan_finding finding = { f->path, position, what, r };

	s->ev->finding(s->ev->arg, &finding);
}

/* The first n bytes of f (fewer at its end) into p.  0 read, 1 gone (collected meanwhile), -1 failed. */
static int read_file(const struct file *f, uint8_t *p, size_t n, size_t *got)
{
	struct stat at, now;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC), result = 0;

	*got = 0;
	if (fd < 0)
		return errno == ENOENT ? 1 : complain(f->path, "open") - 1;
	while (*got < n) {
		ssize_t r = pread(fd, p + *got, n - *got, (off_t)*got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			complain(f->path, "read");
			result = -1;
		}
		if (r <= 0)
			break;
		*got += (size_t)r;
	}
	/* The name of a recycled file goes before its bytes change: what was read is good while the name is there. */
	if (result == 0 && (fstat(fd, &at) != 0 || stat(f->path, &now) != 0 || at.st_ino != now.st_ino))
		result = 1;
	close(fd);
	return result;
}

static uint64_t number(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strtoull(slash != NULL ? slash + 1 : path, NULL, 10);
}

static enum scan_verdict read_headers(struct scanner *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct file *f = &s->files[i];
		uint8_t raw[SEG_HEADER_BYTES];
		enum seg_verdict v;
		size_t got;
		int r = read_file(f, raw, sizeof raw, &got);

		if (r < 0)
			return SCAN_FAILED;
		f->there = r == 0;
		if (!f->there)
			continue;
		v = seg_header_get((struct bytes){ raw, got }, &f->header);
		if (v == SEG_NEWER) {
			log_err("%s: format version %" PRIu32 " needs a reader of version %" PRIu32 "; this program reads up to %u",
			        f->path, f->header.version, f->header.reader_version, SEG_VERSION);
			return SCAN_NEWER;
		}
		f->good = v == SEG_OK && (number(f->path) == f->header.sequence || number(f->path) == 0);
		f->recycled = v == SEG_OK && !f->good && number(f->path) != 0;
	}
	return SCAN_DONE;
}

static bool follows(const struct file *a, const struct file *b)
{
	return a->good && b->good && b->header.sequence == a->header.sequence + 1;
}

static void check_joint(struct scanner *s, const struct file *f)
{
	if (!s->known)
		return;
	if (f->header.sequence != s->sequence + 1)
		tell(s, f, f->header.first_position, "the segment before is missing", NULL);
	else if (f->header.first_position != s->end || f->header.chain != s->chain)
		tell(s, f, f->header.first_position, "does not follow the segment before", NULL);
}

/* One record or one finding.  False at the end of the segment, or if the scan is to stop. */
static bool step(struct scanner *s, const struct file *f, struct seg_walk *w, uint64_t bound, uint64_t proven, bool *stop)
{
	uint64_t position = seg_walk_position(w);
	struct seg_record r;
	struct bytes body;
	enum seg_verdict v;

	s->end = position;
	s->chain = w->chain;
	s->known = w->chained;
	if (position >= bound)
		return false;
	v = seg_walk_next(w, &r, &body);
	if (v != SEG_OK && position >= proven)
		return false;
	switch (v) {
	case SEG_BAD_HEADER:
	case SEG_SHORT:
		tell(s, f, position, "a record that was synced is gone", NULL);
		s->known = false;
		return v == SEG_BAD_HEADER && seg_walk_skip(w);
	case SEG_BAD_CHAIN:
		tell(s, f, position, "the chain is broken: what stood before is gone", &r);
		break;
	case SEG_BAD_BODY:
		tell(s, f, position, "the body is damaged", &r);
		break;
	default:
		break;
	}
	if (r.kind != SEG_PAD && !s->ev->record(s->ev->arg, f->path, &r, body, v == SEG_BAD_BODY))
		*stop = true;
	return !*stop;
}

static enum scan_verdict scan_file(struct scanner *s, size_t i)
{
	const struct file *f = &s->files[i];
	bool last = i + 1 == s->n, bounded = !last && follows(f, &s->files[i + 1]), stop = false;
	uint64_t bound = bounded ? s->files[i + 1].header.first_position : UINT64_MAX, proven;
	struct bytes image = { s->image, 0 };
	struct seg_walk w;
	int r = f->there ? read_file(f, s->image, SCAN_SEGMENT_BYTES_MAX, &image.n) : 1;

	if (r < 0)
		return SCAN_FAILED;
	if (r > 0) {
		s->known = false;
		return SCAN_DONE;
	}
	if (!f->good) {
		/* The last one may be prepared and never used: then no record stands in it, or only old ones. */
		if (!last || (s->known || !f->recycled ? seg_any(image, s->known ? &s->end : NULL) : false))
			tell(s, f, 0, "the segment's header is bad", NULL);
		s->known = false;
		return SCAN_DONE;
	}
	check_joint(s, f);
	proven = bounded ? bound : seg_proven(image, &f->header);
	seg_walk_init(&w, image, &f->header);
	while (step(s, f, &w, bound, proven, &stop))
		;
	s->sequence = f->header.sequence;
	return stop ? SCAN_STOPPED : SCAN_DONE;
}

enum scan_verdict scan(char **paths, int n, const struct scan_events *events)
{
	struct scanner s = { .ev = events };
	enum scan_verdict v = add_paths(&s, paths, n) ? read_headers(&s) : SCAN_FAILED;

	s.image = mem_new(SCAN_SEGMENT_BYTES_MAX);
	for (size_t i = 0; v == SCAN_DONE && i < s.n; i++) {
		events->progress(events->arg, s.done, s.all);
		v = scan_file(&s, i);
		s.done += s.files[i].bytes;
	}
	for (size_t i = 0; i < s.n; i++)
		free(s.files[i].path);
	free(s.files);
	free(s.image);
	return v;
}
