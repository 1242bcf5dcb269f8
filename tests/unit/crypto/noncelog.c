/* The nonce log and the script that reads it, in builds that have one. */
#include <unistd.h>

#include "../test.h"
#include "crypto/aead.h"
#include "crypto/noncelog.h"
#include "crypto/random.h"

int
main(void)
{
#ifdef SEC_NONCE_LOG
	char path[] = "/tmp/noncelog.XXXXXX", command[80];
	uint8_t out[21], nonce[12] = { 0 };
	struct secret *k;
	struct aead *a;
	int fd;

	crypto_init();
	if ((fd = mkstemp(path)) == -1)
		return 1;
	close(fd);
	setenv("SEC_NONCE_LOG", path, 1);
	snprintf(command, sizeof command, "scripts/check-nonces %s", path);
	k = crypto_random_key(32, 0);
	T_INT(aead_new(&a, SUITE_AES256_GCM, k), 0);
	T_INT(system(command), 0);
	aead_seal(a, nonce, NULL, 0, "hello", 5, out);
	aead_seal(a, nonce, NULL, 0, "hello", 5, out);
	nonce[11] = 1;
	aead_seal(a, nonce, NULL, 0, "hello", 5, out);
	T_INT(system(command), 0);
	aead_seal(a, nonce, NULL, 0, "again", 5, out);
	T_OK(system(command) != 0, "a nonce used twice is found");
	aead_free(a);
	secret_free(k);
	unlink(path);
#else
	T_OK(1, "# SKIP no nonce log in this build");
#endif
	return t_done();
}
