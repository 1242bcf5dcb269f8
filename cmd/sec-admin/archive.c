/*
 * archive: the file of backup and restore, and the directory where its
 * parts lie before they go where they belong.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "wire/line.h"

#include "admin.h"
#include "archive.h"

#define FILES	    "files/"
#define CONF_DIGITS 16
#define FILE_DIGITS 32
#define HEAD_MAX    4096

const char *const archive_texts[] = { "rules", "types", NULL };

/* --- names --- */

/* CONF/FILE; nothing that could lead elsewhere is left. */
static int
is_file(const char *s)
{
	char conf[CONF_DIGITS + 1];

	if (strlen(s) != CONF_DIGITS + 1 + FILE_DIGITS || s[CONF_DIGITS] != '/')
		return 0;
	text_copy(conf, s, sizeof(conf));
	return text_is_hex(conf, CONF_DIGITS) &&
	    text_is_hex(s + CONF_DIGITS + 1, FILE_DIGITS);
}

enum archive_kind
archive_kind(const char *name)
{
	size_t i;

	for (i = 0; i < PLACE_DBS; i++)
		if (strcmp(name, place_dbs[i].name) == 0)
			return ARCHIVE_DB;
	for (i = 0; archive_texts[i] != NULL; i++)
		if (strcmp(name, archive_texts[i]) == 0)
			return ARCHIVE_TEXT;
	return strncmp(name, FILES, strlen(FILES)) == 0 &&
		is_file(name + strlen(FILES)) ?
	    ARCHIVE_FILE :
	    ARCHIVE_NONE;
}

char *
archive_text_path(char out[PATH_LEN], const char *name)
{
	return strcmp(name, "rules") == 0 ? path_rules(out) : path_types(out);
}

void
archive_file_name(char out[TAR_NAME], const struct attachment_row *a)
{
	snprintf(out, TAR_NAME, FILES "%016" PRIx64 "/%s", a->conf, a->file);
}

char *
archive_path(char out[PATH_LEN], const char *dir, const char *name)
{
	if (snprintf(out, PATH_LEN, "%s/%s", dir, name) >= PATH_LEN)
		die(sec_err_exit(SEC_ERR_DATA), "path too long: %.60s...", dir);
	return out;
}

/* --- the stage --- */

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

int
archive_stage(char out[PATH_LEN], const char *name)
{
	struct sigaction sa = { .sa_handler = on_signal };
	char file[64];

	/* ctrl-c removes the stage, and a write may fail instead of ending
	 * us; nothing stops a restore that has begun to move. */
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	(void)signal(SIGXFSZ, SIG_IGN);
	snprintf(file, sizeof(file), "%s.XXXXXX", name);
	return mkdtemp(path_db(out, file)) != NULL ? 0 : SEC_ERR_DISK;
}

int
archive_stopped(void)
{
	return stopped;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

void
archive_unstage(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- writing --- */

static int
put(FILE *f, const void *p, size_t n)
{
	return fwrite(p, 1, n, f) == n ? 0 : SEC_ERR_DISK;
}

static int
put_padding(FILE *f, uint64_t size)
{
	static const uint8_t zeros[TAR_BLOCK];

	return put(f, zeros, tar_padding(size));
}

static int
put_header(FILE *f, const char *name, uint64_t size, int64_t mtime)
{
	struct tar_entry e = { .mode = 0600, .size = size, .mtime = mtime };
	uint8_t block[TAR_BLOCK];
	int r;

	text_copy(e.name, name, sizeof(e.name));
	if ((r = tar_encode(block, &e)) == 0)
		r = put(f, block, sizeof(block));
	return r;
}

int
archive_put_head(FILE *f, const char *domain)
{
	struct buf b = BUF_INIT;
	int64_t now = clock_real();
	int r;

	line_begin(&b, ARCHIVE_HEAD);
	line_put_u64(&b, "version", ARCHIVE_VERSION);
	line_put(&b, "domain", domain);
	line_put_u64(&b, "at", (uint64_t)now);
	line_end(&b);
	if ((r = buf_error(&b)) == 0 &&
	    (r = put_header(f, ARCHIVE_HEAD, buf_len(&b), now / 1000)) == 0 &&
	    (r = put(f, buf_data(&b), buf_len(&b))) == 0)
		r = put_padding(f, buf_len(&b));
	buf_free(&b);
	return r;
}

/* As many bytes as its header says, whatever becomes of it meanwhile. */
static int
copy(FILE *to, FILE *from, uint64_t left)
{
	static uint8_t block[1 << 16];
	size_t n;
	int r;

	for (; left > 0; left -= n) {
		n = left < sizeof(block) ? (size_t)left : sizeof(block);
		errno = stopped ? EINTR : 0;
		if (stopped || fread(block, 1, n, from) != n)
			return SEC_ERR_SYS;
		if ((r = put(to, block, n)) != 0)
			return r;
	}
	return 0;
}

int
archive_put(FILE *f, const char *name, const char *path)
{
	struct stat st;
	FILE *from;
	int r, fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_SYS;
	if ((from = fdopen(fd, "r")) == NULL) {
		close(fd);
		return SEC_ERR_SYS;
	}
	if (fstat(fd, &st) != 0)
		r = SEC_ERR_SYS;
	else if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		r = SEC_ERR_SYS;
	} else if ((r = put_header(f, name, (uint64_t)st.st_size,
			st.st_mtime)) == 0 &&
	    (r = copy(f, from, (uint64_t)st.st_size)) == 0)
		r = put_padding(f, (uint64_t)st.st_size);
	fclose(from);
	return r;
}

int
archive_put_end(FILE *f)
{
	static const uint8_t zeros[2 * TAR_BLOCK];
	int r;

	if ((r = put(f, zeros, sizeof(zeros))) != 0)
		return r;
	return fflush(f) == 0 && fsync(fileno(f)) == 0 ? 0 : SEC_ERR_DISK;
}

/* --- reading --- */

__attribute__((format(printf, 3, 4))) static int
say(struct archive_in *in, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(in->why, sizeof(in->why), fmt, ap);
	va_end(ap);
	return err;
}

static int
cut_off(struct archive_in *in)
{
	return stopped || ferror(in->f) ?
	    say(in, SEC_ERR_SYS, "%s", strerror(errno)) :
	    say(in, SEC_ERR_DATA, "it is cut off");
}

static int
get(struct archive_in *in, void *p, size_t n)
{
	return fread(p, 1, n, in->f) == n ? 0 : cut_off(in);
}

static int
get_padding(struct archive_in *in, uint64_t size)
{
	uint8_t rest[TAR_BLOCK];

	return get(in, rest, tar_padding(size));
}

/* The second block of zeros, and no more than zeros behind it: tar(1) fills
 * up a record of its own. */
static int
get_end(struct archive_in *in)
{
	uint8_t block[TAR_BLOCK];
	struct tar_entry e;
	int r, c;

	if ((r = get(in, block, sizeof(block))) != 0)
		return r;
	r = tar_decode(&e, block);
	while (r == SEC_ERR_NOTHING && (c = fgetc(in->f)) != EOF)
		if (c != 0)
			r = SEC_ERR_DATA;
	return r == SEC_ERR_NOTHING ?
	    r :
	    say(in, SEC_ERR_DATA, "there is more behind its end");
}

int
archive_get(struct archive_in *in, struct tar_entry *e)
{
	uint8_t block[TAR_BLOCK];
	int r;

	if ((r = get(in, block, sizeof(block))) != 0)
		return r;
	switch (tar_decode(e, block)) {
	case 0: return 0;
	case SEC_ERR_NOTHING: return get_end(in);
	case SEC_ERR_NO:
		return say(in, SEC_ERR_DATA, "%.100s in it is no plain file",
		    (const char *)block);
	default: return say(in, SEC_ERR_DATA, "it is damaged");
	}
}

/* "sec-backup TAB version=1 TAB domain=..." */
static int
parse_head(struct archive_in *in, const char *text, size_t n, char *domain,
    size_t size)
{
	uint64_t version;
	struct line l;
	int r = 0;

	if (line_parse(&l, text, n) != 0)
		return say(in, SEC_ERR_DATA, "its first line is damaged");
	if (strcmp(l.verb, ARCHIVE_HEAD) != 0 ||
	    line_get_u64(&l, "version", &version) != 0 ||
	    line_get(&l, "domain") == NULL)
		r = say(in, SEC_ERR_DATA, "its first line is damaged");
	else if (version != ARCHIVE_VERSION)
		r = say(in, SEC_ERR_VERSION,
		    "it has version %" PRIu64 ", this program knows %d",
		    version, ARCHIVE_VERSION);
	else
		text_copy(domain, line_get(&l, "domain"), size);
	line_free(&l);
	return r;
}

int
archive_get_head(struct archive_in *in, char *domain, size_t size)
{
	uint8_t block[TAR_BLOCK];
	char text[HEAD_MAX];
	struct tar_entry e;
	int r;

	if (fread(block, 1, sizeof(block), in->f) != sizeof(block) ||
	    tar_decode(&e, block) != 0 || strcmp(e.name, ARCHIVE_HEAD) != 0 ||
	    e.size > sizeof(text))
		return say(in, SEC_ERR_DATA, "no backup of sec-admin");
	if ((r = get(in, text, (size_t)e.size)) != 0 ||
	    (r = get_padding(in, e.size)) != 0)
		return r;
	return parse_head(in, text, (size_t)e.size, domain, size);
}

/* A short read is the archive's fault, anything else the disk's. */
static int
get_copy(struct archive_in *in, FILE *to, const struct tar_entry *e)
{
	int r = copy(to, in->f, e->size);

	if (r == SEC_ERR_SYS)
		return cut_off(in);
	if (r == 0 && (fflush(to) != 0 || fsync(fileno(to)) != 0))
		r = SEC_ERR_DISK;
	if (r != 0)
		return say(in, r, "%s: %s", e->name, strerror(errno));
	return get_padding(in, e->size);
}

int
archive_get_bytes(struct archive_in *in, const struct tar_entry *e,
    const char *path)
{
	FILE *to = fopen(path, "wxe");
	int r;

	if (to == NULL && errno == EEXIST)
		return say(in, SEC_ERR_DATA, "%s is in it twice", e->name);
	if (to == NULL)
		return say(in, SEC_ERR_DISK, "%s: %s", path, strerror(errno));
	r = get_copy(in, to, e);
	if (fclose(to) != 0 && r == 0)
		r = say(in, SEC_ERR_DISK, "%s: %s", path, strerror(errno));
	return r;
}
