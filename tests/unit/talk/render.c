/* The end of what is heard: a slow reader gets it, a full disk is told. */
#include "../../../cmd/sec-talk/render.c"

#include <sys/resource.h>
#include <sys/wait.h>

#include <signal.h>

#include "../test.h"

#define PIECE 480

static const int16_t sound[PIECE];

static struct render *
open_path(const char *path, enum wav_kind kind)
{
	struct render *r = NULL;
	char why[256];

	if (render_open(&r, path, kind, AUDIO_RATE, why) != 0 ||
	    render_begin(r) != 0)
		exit(1);
	return r;
}

/* How much comes out of it until its end. */
static size_t
drain(int fd)
{
	char b[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, b, sizeof(b))) > 0)
		all += (size_t)n;
	return all;
}

/* Three seconds wait for one who reads only when all is said. */
static void
test_slow(void)
{
	/* The child frees nothing and loses nothing. */
	static struct render *r;
	char path[64];
	int fd[2], i, status;
	pid_t pid;

	if (pipe(fd) != 0)
		exit(1);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd[1]);
	r = open_path(path, WAV_RAW);
	close(fd[1]);
	for (i = 0; i < 300; i++)
		T(render_put(r, sound, PIECE) == 0);
	T(render_fd(r) >= 0);
	if ((pid = fork()) == 0)
		_exit(close(r->fd) != 0 || drain(fd[0]) != 300 * 2 * PIECE);
	close(fd[0]);
	T_INT(render_finish(r), 0);
	T_INT(render_finish(r), 0);
	render_close(r);
	T(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Nobody reads at all; he who did has gone. */
static void
test_nobody(void)
{
	char path[64];
	struct render *r;
	int fd[2], i;

	if (pipe(fd) != 0)
		exit(1);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd[1]);
	r = open_path(path, WAV_RAW);
	close(fd[1]);
	for (i = 0; i < 100; i++)
		T(render_put(r, sound, PIECE) == 0);
	close(fd[0]);
	T_INT(render_finish(r), SEC_ERR_CLOSED);
	render_close(r);
}

/* Until there is something to hear, a file keeps what is in it. */
static void
test_keeps(void)
{
	char path[] = "/tmp/render.XXXXXX", why[256], got[8] = "";
	int fd = mkstemp(path);
	struct render *r;

	T_INT(write(fd, "before", 6), 6);
	T_INT(render_open(&r, path, WAV_RIFF, AUDIO_RATE, why), 0);
	render_close(r);
	T_INT(pread(fd, got, sizeof(got), 0), 6);
	T_STR(got, "before");
	r = open_path(path, WAV_RIFF);
	render_close(r);
	T_INT(pread(fd, got, 4, 0), 4);
	T(memcmp(got, "RIFF", 4) == 0);
	T_INT(lseek(fd, 0, SEEK_END), 44);
	close(fd);
	unlink(path);
}

/* A file gets its length; one that cannot have its end is an error. */
static void
test_file(void)
{
	char path[] = "/tmp/render.XXXXXX";
	struct rlimit most, was;
	uint8_t head[WAV_HEAD_MAX];
	struct wav w;
	struct render *r;
	int rc, fd = mkstemp(path);

	r = open_path(path, WAV_RIFF);
	T_INT(render_put(r, sound, PIECE), 0);
	T_INT(render_finish(r), 0);
	render_close(r);
	T_INT(pread(fd, head, sizeof(head), 0), 44);
	T_INT(wav_parse(&w, head, 44), 44);
	T_INT(w.size, 2 * PIECE);
	r = open_path(path, WAV_RIFF);
	T_INT(render_put(r, sound, PIECE), 0);
	getrlimit(RLIMIT_FSIZE, &was);
	most = was;
	most.rlim_cur = 0;
	setrlimit(RLIMIT_FSIZE, &most);
	rc = render_finish(r); /* the limit holds for our own lines, too */
	setrlimit(RLIMIT_FSIZE, &was);
	T_INT(rc, SEC_ERR_DISK);
	render_close(r);
	close(fd);
	unlink(path);
}

static int
descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* A stem of one who has gone is a whole file, and none of our descriptors;
 * when he is back it goes on. */
static void
test_stem(void)
{
	char dir[] = "/tmp/stems.XXXXXX", path[64];
	static const int16_t ones[PIECE] = { 1, 1, 1 };
	int before = descriptors(), fd;
	uint8_t head[WAV_HEAD_MAX];
	int16_t got[5 * PIECE];
	struct stem *s;
	struct wav w;

	T(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/c.bob.wav", dir);
	s = stem_open(dir, "c", "bob", AUDIO_RATE);
	T_INT(stem_put(s, PIECE, ones, PIECE), 0);
	stem_rest(s, (uint64_t)2 * PIECE);
	T_INT(descriptors(), before);
	fd = open(path, O_RDONLY);
	T_INT(pread(fd, head, sizeof(head), 0), 44);
	T_INT(wav_parse(&w, head, 44), 44);
	T_INT(w.size, 2 * 2 * PIECE);
	T_INT(stem_put(s, (uint64_t)3 * PIECE, ones, PIECE), 0);
	T_INT(descriptors(), before + 2);
	stem_rest(s, (uint64_t)4 * PIECE);
	stem_close(s, (uint64_t)5 * PIECE);
	T_INT(pread(fd, head, sizeof(head), 0), 44);
	T_INT(wav_parse(&w, head, 44), 44);
	T_INT(w.size, 5 * 2 * PIECE);
	T_INT(pread(fd, got, sizeof(got), 44), sizeof(got));
	T(got[0] == 0 && got[PIECE] == 1 && got[2 * PIECE] == 0 &&
	    got[3 * PIECE] == 1 && got[4 * PIECE] == 0);
	close(fd);
	/* Somebody has taken it away meanwhile. */
	s = stem_open(dir, "c", "eve", AUDIO_RATE);
	stem_rest(s, 0);
	snprintf(path, sizeof(path), "%s/c.eve.wav", dir);
	T_INT(unlink(path), 0);
	T_INT(stem_put(s, 0, ones, PIECE), SEC_ERR_DISK);
	stem_close(s, PIECE);
	T_INT(descriptors(), before);
	snprintf(path, sizeof(path), "%s/c.bob.wav", dir);
	T_INT(unlink(path), 0);
	T_INT(rmdir(dir), 0);
}

int
main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	test_slow();
	test_nobody();
	test_keeps();
	test_file();
	test_stem();
	return t_done();
}
