/*
 * A file is whole, and the controller cannot watch the child that saves it:
 * who asked is answered, and neither the child nor the file is left. The
 * rest of the controller is played by what stands here.
 */
#define loop_child no_child
#include "../../../cmd/sec-confctl/upload.c"
#include "../db/scratch.h"
#include "../test.h"

#define ALICE "sip:alice@lab.test"

static struct service service;
static struct focus focus = { .s = &service };
static struct conference conf = { .focus = &focus };

/* The child has come to its end, and cannot be watched. */
int
no_child(struct loop *l, int pid, void (*cb)(void *, int, int), void *arg)
{
	siginfo_t si;

	(void)l, (void)cb, (void)arg;
	T_INT(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	T_INT(si.si_status, 0);
	return SEC_ERR_SYS;
}

char *
attachment_path(char out[FILE_PATH], uint64_t id, const char *file,
    const char *suffix)
{
	(void)id;
	snprintf(out, FILE_PATH, "%s/files/%s%s", scratch, file, suffix);
	return out;
}

int
attachment_seal_key(struct focus *f, struct attachment_row *a,
    const struct secret *fk)
{
	(void)f, (void)a, (void)fk;
	return 0;
}

int
attachment_wrap(const struct conference *c, const struct asker *by,
    const char *file, const struct secret *fk, struct buf *out)
{
	(void)c, (void)by, (void)file, (void)fk, (void)out;
	return 0;
}

int
attachment_unwrap(const struct conference *c, const struct asker *by,
    const char *file, const char *b64, struct secret **fk)
{
	(void)c, (void)by, (void)file, (void)b64, (void)fk;
	return SEC_ERR_AUTH;
}

void
attachment_tell(struct focus *f, const char *what,
    const struct attachment_row *a, const char *by)
{
	(void)f, (void)what, (void)a, (void)by;
}

int
commit_begin(struct focus *f)
{
	(void)f;
	return SEC_ERR_SYS;
}

void
commit_then(struct focus *f, commit_h cb, uint64_t id)
{
	(void)f, (void)cb, (void)id;
}

struct conference *
conf_find_id(struct focus *f, uint64_t id)
{
	(void)f, (void)id;
	return &conf;
}

struct member *
conf_member(const struct conference *c, const char *user)
{
	(void)c, (void)user;
	return NULL;
}

/* --- */

static struct upload *
whole_file(void)
{
	struct attachment_row a = { .size = 5, .file = "f1", .by = ALICE };
	struct asker by = { .user = ALICE };
	struct secret *fk = secret_copy("0123456789abcdef", 16);
	struct upload *u = NULL;

	memset(a.sha256, 'a', 64);
	T_INT(upload_begin(&conf, &by, &a, fk, 1, &u), 200);
	T_INT(write_all(u->fd, (const uint8_t *)"hello", 5, 0), 0);
	u->next = chunk_count(5);
	u->got = 5;
	secret_free(fk);
	return u;
}

static void
test_unwatched(void)
{
	static const char line[] = "commit\tfile=f1\tsize=5\tsha256=";
	struct asker by = { .user = ALICE };
	char path[FILE_PATH];
	struct buf b = BUF_INIT;
	struct line l;

	buf_putf(&b, "%s%s\n", line, whole_file()->row.sha256);
	T_INT(access(attachment_path(path, 0, "f1", PART), F_OK), 0);
	T_INT(line_parse(&l, buf_cstr(&b), buf_len(&b)), 0);
	T_INT(policy_commit(&conf, &by, &l), 503);
	T_STR(by.why, "the controller is out of processes");
	T(TAILQ_EMPTY(&focus.uploads->list));
	T_INT(access(attachment_path(path, 0, "f1", PART), F_OK), -1);
	T_INT(access(attachment_path(path, 0, "f1", ""), F_OK), -1);
	T_INT(waitpid(-1, NULL, 0), -1);
	T_INT(errno, ECHILD);
	line_free(&l);
	buf_free(&b);
}

int
main(void)
{
	scratch_make();
	service.loop = loop_new();
	uploads_init(&focus);
	test_unwatched();
	uploads_free(&focus);
	loop_free(service.loop);
	return t_done();
}
