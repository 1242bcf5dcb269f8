#ifndef UA_KEYRING_H
#define UA_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/confkey.h"

/*
 * The epoch keys of one conference at one member (SECURITY.md 3.5): which
 * grants are taken, the ratchet, old epochs for receiving only, and trial
 * copies for an epoch that was seen in a text before its INFO came.
 */
struct keyring;

#define KEYRING_OLD_MS 60000           /* text of an old epoch */
#define KEYRING_TRIALS 8

struct keyring *keyring_new(uint64_t conf);
void	keyring_free(struct keyring *k);       /* NULL allowed */

/*
 * A wrapped key came. 0; SEC_ERR_REPLAY: an epoch below the one held;
 * SEC_ERR_AUTH: the same epoch with another key.
 */
int	keyring_grant(struct keyring *k, uint32_t epoch,
	    const struct secret *ke, int64_t now);
/*
 * "Ratchet to this epoch." 0; SEC_ERR_REPLAY: below the one held;
 * SEC_ERR_NOTHING: steps are missing between, so that the key cannot be
 * known; ask for a wrap.
 */
int	keyring_ratchet(struct keyring *k, uint32_t epoch, int64_t now);

/* Wipe the keys of old epochs that are over; ms until the next is, -1: there
 * is none. */
void	keyring_expire(struct keyring *k, int64_t now);
int64_t	keyring_wait(const struct keyring *k, int64_t now);

uint32_t keyring_epoch(const struct keyring *k);       /* 0: none yet */
uint32_t keyring_first(const struct keyring *k);       /* first ever held */
/* Text key of the running epoch, borrowed; NULL: none. */
const struct secret *keyring_text(const struct keyring *k);
/* K_e of the running epoch, for the user's own devices; borrowed, NULL:
 * none. */
const struct secret *keyring_key(const struct keyring *k);
/* 1 while an epoch ahead is known by trial only. */
int	keyring_is_behind(const struct keyring *k);

/*
 * Open a text body. Appends the plaintext to out. 0; SEC_ERR_NOTHING: no
 * key for this epoch yet; SEC_ERR_EXPIRED: an old epoch whose key is gone,
 * or one before the first; SEC_ERR_AUTH; SEC_ERR_FORMAT.
 */
int	keyring_open(struct keyring *k, const uint8_t *body, size_t n,
	    int64_t now, struct buf *out);

#endif
