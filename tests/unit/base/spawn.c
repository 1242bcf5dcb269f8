/*
 * Programs run to their end: input and both outputs, status, descriptors.
 */
#include <sys/resource.h>

#include <fcntl.h>
#include <unistd.h>

#include "../test.h"

#include "base/path.h"
#include "base/spawn.h"

static struct buf out, err;

static int
sh(const char *script, const void *input, size_t n)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	buf_free(&out);
	buf_free(&err);
	return spawn_run(argv, input, n, &out, &err);
}

int
main(void)
{
	static char big[300000];
	const char *nowhere[] = { "/no/such/program", NULL };
	char path[PATH_LEN];
	struct rlimit few, all;
	int fd, first_free;

	memset(big, 'x', sizeof(big));
	T_INT(sh("cat; echo done >&2; exit 3", big, sizeof(big)), 3);
	T(buf_len(&out) == sizeof(big) &&
	    memcmp(buf_data(&out), big, sizeof(big)) == 0);
	T_STR(buf_cstr(&err), "done\n");
	/* More at once than a pipe holds, on both outputs. */
	T_INT(sh("head -c 200000 /dev/zero; head -c 200000 /dev/zero >&2", NULL,
		  0),
	    0);
	T(buf_len(&out) == 200000 && buf_len(&err) == 200000);
	T_INT(sh("kill -9 $$", NULL, 0), 128 + 9);
	/* A reader that does not read is no harm. */
	T_INT(sh("exec <&-; exit 5", big, sizeof(big)), 5);
	T_INT(sh("cat", NULL, 0), 0);
	T_INT(buf_len(&out), 0);
	/* Nothing of ours is inherited. */
	fd = open("/dev/zero", O_RDONLY);
	T(fd >= 3 && dup2(fd, 9) == 9);
	T_INT(sh("[ ! -e /proc/self/fd/9 ]", NULL, 0), 0);
	close(9);
	close(fd);
	T_INT(spawn_run(nowhere, NULL, 0, &out, &err), 127);

	/* What was opened for it is closed when it cannot be. */
	first_free = dup(0);
	close(first_free);
	T_INT(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = (rlim_t)first_free + 4;
	T_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
	T_INT(sh("true", NULL, 0), 127);
	T_INT(setrlimit(RLIMIT_NOFILE, &all), 0);
	fd = dup(0);
	T_INT(fd, first_free);
	close(fd);

	T(spawn_find("sh", path) != NULL && path[0] == '/');
	T(spawn_find("no-such-program", path) == NULL);
	T(spawn_find_own("spawn", path) != NULL);
	T(spawn_find_own("no-such-program", path) == NULL);
	buf_free(&out);
	buf_free(&err);
	return t_done();
}
