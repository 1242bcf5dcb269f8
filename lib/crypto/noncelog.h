#ifndef CRYPTO_NONCELOG_H
#define CRYPTO_NONCELOG_H

#include <stddef.h>
#include <stdint.h>

/*
 * In builds with SEC_NONCE_LOG every seal appends one line, in hex
 *   SHA-256(key)[0..8] SPACE nonce SPACE SHA-256(output)[0..8] LF
 * to the file named by the environment variable SEC_NONCE_LOG (O_APPEND,
 * one write), so that scripts/check-nonces can show that no (key, nonce)
 * seals two messages (SECURITY.md 4); the same output again is one seal.
 * Compiled to nothing otherwise.
 */
#ifdef SEC_NONCE_LOG
void	noncelog_add(const uint8_t keyhash[8], const uint8_t nonce[12],
	    const void *out, size_t n);
#else
#define noncelog_add(k, nonce, out, n) ((void)0)
#endif

#endif
