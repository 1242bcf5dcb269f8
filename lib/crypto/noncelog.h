#ifndef CRYPTO_NONCELOG_H
#define CRYPTO_NONCELOG_H

#include <stddef.h>
#include <stdint.h>

/*
 * In builds with SEC_NONCE_LOG every seal appends one line, hex of
 * SHA-256(key)[0..8] || nonce || SHA-256(output)[0..8], to the file named
 * by the environment variable SEC_NONCE_LOG (O_APPEND, one write), so that
 * the suite can show that no (key, nonce) seals two messages (SECURITY.md
 * 4). Compiled to nothing otherwise.
 */
#ifdef SEC_NONCE_LOG
void	noncelog_add(const uint8_t keyhash[8], const uint8_t nonce[12],
	    const void *out, size_t n);
#else
#define noncelog_add(k, nonce, out, n) ((void)0)
#endif

#endif
