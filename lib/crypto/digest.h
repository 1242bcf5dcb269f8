#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define SHA512_SIZE 64
#define SHA256_SIZE 32

struct digest_part {
	const void	*p;
	size_t		 n;
};

void	sha512(const void *p, size_t n, uint8_t out[SHA512_SIZE]);
void	sha512_parts(const struct digest_part *part, size_t n,
	    uint8_t out[SHA512_SIZE]);
void	sha256(const void *p, size_t n, uint8_t out[SHA256_SIZE]);

/* SHA-256 of what comes in pieces. */
struct sha256_run;
struct sha256_run *sha256_begin(void);         /* never NULL: dies */
void	sha256_put(struct sha256_run *h, const void *p, size_t n);
void	sha256_end(struct sha256_run *h, uint8_t out[SHA256_SIZE]);
void	sha256_free(struct sha256_run *h);     /* NULL allowed */
/* In 64 lower-case hex digits, as sha256sum(1) writes it. */
#define SHA256_TEXT 65
void	sha256_text(char out[SHA256_TEXT], const uint8_t h[SHA256_SIZE]);
int	sha256_is(const char *s);

enum digest_hash { DIGEST_SHA256, DIGEST_SHA512 };
/* HMAC (RFC 2104) over the parts; out: 32 or 64 bytes. */
void	hmac(enum digest_hash h, const void *key, size_t keylen,
	    const struct digest_part *part, size_t n, uint8_t *out);

#endif
