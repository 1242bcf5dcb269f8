#ifndef CTL_KEYGEN_PRIV_H
#define CTL_KEYGEN_PRIV_H

#include "crypto/digest.h"
#include "crypto/noise.h"
#include "ctl/keygen.h"
#include "wire/handshake.h"

/* What the files of the key generation have in common. */
#define KEYGEN_HASH_SHOWN 8            /* bytes of the hash in m1 */
#define KEYGEN_M1_PAYLOAD 8            /* bytes of each message's own */
#define KEYGEN_M2_PAYLOAD 12
#define KEYGEN_TAG	  16
#define KEYGEN_CHECK_LEN  15

/* Of the servers file; returns out. */
const uint8_t *keygen_hash(const struct servers *s,
	    uint8_t out[SHA512_SIZE]);
/* Number of server 1, 0: there is none. */
int	keygen_leader(const struct servers *s);
/* Between server 1 and server i; NULL: the file does not name it. */
struct noise *keygen_noise(int initiator, const struct servers *s,
	    const struct epochs *e, int i, const uint8_t hash[SHA512_SIZE]);
/* Is the other's clock near enough? */
int	keygen_time_allows(uint64_t t, int64_t now);
/* First half of the SHA-512 of a whole m3. */
void	keygen_m3_hash(const uint8_t *p, size_t n, uint8_t out[HS_ACK_HASH]);

#endif
