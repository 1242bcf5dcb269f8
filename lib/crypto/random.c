/*
 * Start of libgcrypt, and random bytes. Keys are drawn here and nowhere
 * else.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

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

/*
 * However few bytes one asks the library for, it stirs its pool of 600: so
 * a stock is drawn at once. It stands in a page of its own that a child of
 * ours does not get, and what was taken is gone from it.
 */
#define STOCK	   512
#define STOCK_DRAW 64 /* more than that at once is drawn for itself */

struct stock {
	size_t left;
	uint8_t b[STOCK];
};

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

/* NULL: the kernel cannot keep it from children. */
static struct stock *
stock_new(void)
{
	struct stock *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return NULL;
	(void)mlock(s, sizeof(*s));
	(void)madvise(s, sizeof(*s), MADV_DONTDUMP);
	if (madvise(s, sizeof(*s), MADV_WIPEONFORK) == 0)
		return s;
	(void)munmap(s, sizeof(*s));
	return NULL;
}

void
crypto_random(void *p, size_t n)
{
	static struct stock *s;
	static int tried;

	if (!tried) {
		tried = 1;
		s = stock_new();
	}
	if (s == NULL || n > STOCK_DRAW) {
		gcry_randomize(p, n, GCRY_STRONG_RANDOM);
		return;
	}
	if (s->left < n) {
		gcry_randomize(s->b, STOCK, GCRY_STRONG_RANDOM);
		s->left = STOCK;
	}
	s->left -= n;
	memcpy(p, s->b + s->left, n);
	explicit_bzero(s->b + s->left, n);
}

struct secret *
crypto_random_key(size_t n, int very)
{
	struct secret *s;

	s = secret_new(n);
	if (!very) {
		crypto_random(secret_fill(s), n);
		return s;
	}
	/* The library's first very strong number leaves 128 KiB behind. */
	__lsan_disable();
	gcry_randomize(secret_fill(s), n, GCRY_VERY_STRONG_RANDOM);
	__lsan_enable();
	return s;
}
