/*
 * A transfer reads its row of conf.db once, however many chunks it has, and
 * a file that is detached is not found any more. The rest of the controller
 * is played by what stands here.
 */
#define attachment_get get
#include "../../../cmd/sec-confctl/download.c"
#include "../db/scratch.h"
#include "../test.h"

#define CHUNKS 5

static struct service service;
static struct focus focus = { .s = &service };
static struct conference conf = { .focus = &focus, .row.id = 7 };
static const char *there = "f1"; /* under that name; NULL: nothing */
static int asked;

int
get(struct db *d, uint64_t id, const char *name, struct attachment_row *out)
{
	(void)d;
	asked++;
	if (there == NULL)
		return SEC_ERR_NOTHING;
	memset(out, 0, sizeof *out);
	out->conf = id;
	out->size = CHUNKS * CHUNK_BYTES - 1;
	snprintf(out->name, sizeof out->name, "%s", name);
	snprintf(out->file, sizeof out->file, "%s", there);
	return 0;
}

char *
attachment_path(char out[FILE_PATH], uint64_t id, const char *file,
    const char *suffix)
{
	(void)id, (void)file, (void)suffix;
	snprintf(out, FILE_PATH, "%s/file", scratch);
	return out;
}

int
attachment_open_key(struct focus *f, const struct attachment_row *a,
    struct secret **fk)
{
	(void)f, (void)a, (void)fk;
	return SEC_ERR_AUTH;
}

int
attachment_wrap(const struct conference *c, const struct asker *by,
    const char *file, const struct secret *fk, struct buf *out)
{
	(void)c, (void)by, (void)file, (void)fk, (void)out;
	return SEC_ERR_AUTH;
}

/* --- */

static int
chunk(const char *name, const char *file, uint64_t n)
{
	struct asker by = { .user = "sip:bob@lab.test" };
	struct buf b = BUF_INIT;
	struct line l;
	int status;

	line_begin(&b, "download");
	line_put(&b, "name", name);
	line_put(&b, "file", file);
	line_put_u64(&b, "n", n);
	T_INT(line_parse(&l, buf_cstr(&b), buf_len(&b)), 0);
	status = policy_download(&conf, &by, &l);
	line_free(&l);
	buf_free(&b);
	buf_free(&by.answer);
	return status;
}

static void
test_once(void)
{
	uint64_t n;

	for (n = 0; n < CHUNKS; n++)
		T_INT(chunk("a", "f1", n), 200);
	T_INT(asked, 1);
	T_INT(chunk("a", "f1", CHUNKS), 400);
	/* Of that name; and in another conference it is another one. */
	T_INT(chunk("b", "f1", 0), 200);
	T_INT(asked, 2);
	conf.row.id = 8;
	T_INT(chunk("a", "f1", 0), 200);
	T_INT(asked, 3);
	conf.row.id = 7;
	T_INT(chunk("a", "f1", 0), 200);
	T_INT(asked, 3);
}

static void
test_detached(void)
{
	there = NULL;
	downloads_forget(&focus, 7, "f1");
	T_INT(chunk("a", "f1", 1), 404);
	/* Another one has come under its name. */
	there = "f2";
	T_INT(chunk("a", "f1", 1), 404);
	T_INT(chunk("a", "f2", 1), 200);
	T_INT(chunk("a", NULL, 1), 200);
}

int
main(void)
{
	char path[FILE_PATH];
	FILE *f;

	scratch_make();
	if ((f = fopen(attachment_path(path, 0, "", ""), "w")) == NULL ||
	    ftruncate(fileno(f), CHUNKS * CHUNK_SEALED - 1) != 0)
		return 1;
	fclose(f);
	downloads_init(&focus);
	test_once();
	test_detached();
	downloads_free(&focus);
	return t_done();
}
