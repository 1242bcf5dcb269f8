/*
 * Start of libgcrypt, and random bytes. Keys are drawn here and nowhere
 * else.
 */
#include <gcrypt.h>

#include "base/log.h"

#include "crypto/random.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable() ((void)0)
#define __lsan_enable()	 ((void)0)
#endif

/* Oldest library with gcry_ecc_mul_point() as measured (SECURITY.md 3.0). */
#define GCRYPT_NEEDED "1.10.0"

/* For libgcrypt's own numbers; keys live in base/secret. */
#define SECMEM_BYTES 32768

void
crypto_init(void)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return;
	if (gcry_check_version(GCRYPT_NEEDED) == NULL)
		die(12, "libgcrypt %s or later is needed, this is %s",
		    GCRYPT_NEEDED, gcry_check_version(NULL));
	gcry_control(GCRYCTL_DISABLE_SECMEM_WARN);
	gcry_control(GCRYCTL_INIT_SECMEM, SECMEM_BYTES, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

void
crypto_random(void *p, size_t n)
{
	gcry_randomize(p, n, GCRY_STRONG_RANDOM);
}

struct secret *
crypto_random_key(size_t n, int very)
{
	struct secret *s;

	s = secret_new(n);
	/* The library's first very strong number leaves 128 KiB behind. */
	__lsan_disable();
	gcry_randomize(secret_fill(s), n,
	    very ? GCRY_VERY_STRONG_RANDOM : GCRY_STRONG_RANDOM);
	__lsan_enable();
	return s;
}
