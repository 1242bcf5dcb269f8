#ifndef CRYPTO_DH_H
#define CRYPTO_DH_H

#include <stdint.h>

#include "base/secret.h"

/* X25519 (RFC 7748). */
void	dh_public(const struct secret *k, uint8_t out[32]);
/* Z = k * u; SEC_ERR_AUTH when the result is all zero (low order). */
int	dh_shared(const struct secret *k, const uint8_t u[32],
	    struct secret **z);

#endif
