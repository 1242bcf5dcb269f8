#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

#include "base/secret.h"

/* Initialise libgcrypt; call once before anything else here. Dies when the
 * library is too old. */
void	crypto_init(void);

/* n bytes for nonces, salts, key ids (STRONG). */
void	crypto_random(void *p, size_t n);
/* A fresh key of n bytes (STRONG); very: VERY_STRONG, for identities. */
struct secret *crypto_random_key(size_t n, int very);

#endif
