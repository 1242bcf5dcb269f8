/*
 * X25519 (RFC 7748). libgcrypt returns success and zeros for a point of low
 * order, so the result is looked at here (RFC 7748 6.1).
 */
#include <string.h>

#include "base/err.h"
#include "crypto/gcry.h"

#include "crypto/dh.h"

void
dh_public(const struct secret *k, uint8_t out[32])
{
	gcry_must(gcry_ecc_mul_point(GCRY_ECC_CURVE25519, out, secret_data(k),
		      NULL),
	    "X25519");
}

int
dh_shared(const struct secret *k, const uint8_t u[32], struct secret **z)
{
	static const uint8_t zero[32];
	struct secret *s;

	s = secret_new(32);
	if (gcry_ecc_mul_point(GCRY_ECC_CURVE25519, secret_fill(s),
		secret_data(k), u) != 0 ||
	    secret_memequal(secret_data(s), zero, sizeof zero)) {
		secret_free(s);
		return SEC_ERR_AUTH;
	}
	*z = s;
	return 0;
}
