/* The storage key: made once, found again, given by systemd. */
#include <sys/stat.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "crypto/random.h"
#include "ctl/dbk.h"

#include "../test.h"

static char top[] = "/tmp/sec-dbk.XXXXXX";

static struct secret *
get(int want)
{
	struct secret *k = NULL;
	char why[256] = "";

	T_INT(dbk_open(&k, "confctl", why, sizeof why), want);
	T((want == 0) == (k != NULL));
	T((want == 0) == (why[0] == '\0') || want == 0);
	return k;
}

int
main(void)
{
	char dir[PATH_LEN], path[PATH_LEN + 8], cmd[64];
	struct secret *a, *b, *given;
	struct stat st;

	crypto_init();
	T(mkdtemp(top) != NULL);
	setenv("SEC_DIR", top, 1);
	unsetenv("CREDENTIALS_DIRECTORY");
	/* No directory of keys: nothing to write to. */
	(void)get(SEC_ERR_SYS);
	T_INT(proc_mkdirs(path_keys(dir, "confctl"), 0700), 0);
	a = get(0);
	T_INT(secret_size(a), 32);
	snprintf(path, sizeof path, "%s/dbk", dir);
	T(stat(path, &st) == 0 && (st.st_mode & 07777) == 0400);
	b = get(0);
	T(secret_equal(a, b));
	/* Others' eyes on it, and rubbish, are refused; it stays. */
	chmod(path, 0440);
	(void)get(SEC_ERR_CONFIG);
	chmod(path, 0600);
	T_INT(truncate(path, 20), 0);
	(void)get(SEC_ERR_CONFIG);
	T(stat(path, &st) == 0 && st.st_size == 20);
	/* systemd's goes before; without one in there, ours. */
	setenv("CREDENTIALS_DIRECTORY", top, 1);
	(void)get(SEC_ERR_CONFIG);
	snprintf(path, sizeof path, "%s/dbk", top);
	T_INT(proc_write_file(path,
		  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 45, 0400),
	    0);
	given = get(0);
	T(!secret_equal(a, given));
	secret_free(a);
	secret_free(b);
	secret_free(given);
	T_INT(secret_count(), 0);
	snprintf(cmd, sizeof cmd, "rm -rf %s", top);
	T_INT(system(cmd), 0);
	return t_done();
}
