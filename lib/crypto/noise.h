#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

/* Noise_KKpsk2_25519_ChaChaPoly_SHA512, one handshake. */
struct noise;

#define NOISE_OVERHEAD 48              /* e and tag, in m1 and m2 */

/* psk: 32 bytes, NULL = zeros. e: ephemeral secret for vectors, NULL =
 * random. All borrowed. */
struct noise *noise_new(int initiator, const struct secret *s,
	    const uint8_t rs[32], const struct secret *psk,
	    const void *prologue, size_t prologuelen, const struct secret *e);
void	noise_free(struct noise *n);

/* Handshake messages in turn; out: n + NOISE_OVERHEAD bytes. 0 or
 * SEC_ERR_AUTH (zero DH). */
int	noise_write(struct noise *n, const void *payload, size_t len,
	    uint8_t *out);
/* out: len - NOISE_OVERHEAD bytes. 0, SEC_ERR_FORMAT, SEC_ERR_AUTH. */
int	noise_read(struct noise *n, const uint8_t *in, size_t len,
	    uint8_t *out);
/* Handshake hash, after both messages. */
const uint8_t *noise_hash(const struct noise *n);     /* 64 bytes */
/* Transport messages after the handshake, counters from 0; len + 16. */
void	noise_send(struct noise *n, const void *pt, size_t len,
	    uint8_t *out);
int	noise_recv(struct noise *n, const uint8_t *in, size_t len,
	    uint8_t *out);
/* "4821 9035 7714" of the first 40 bits of the hash, mod 10^12. */
void	noise_check(const struct noise *n, char out[15]);

#endif
