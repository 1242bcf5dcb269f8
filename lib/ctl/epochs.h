#ifndef CTL_EPOCHS_H
#define CTL_EPOCHS_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "wire/handshake.h"
#include "wire/servers.h"

/*
 * keys/NAME/ of one server (SECURITY.md 3.2): identity, epoch.N, dealer.N,
 * psk.N; files 0400 in a 0700 directory, refused when group or others have
 * bits. K and the pair keys never leave this struct but as a link's base.
 * `now` is in ms since 1970 everywhere.
 *
 * An epoch is used from its not_before on and accepted as soon as it is
 * held, until 120 s after the next one's not_before; then its file goes.
 */
struct epochs;

#define EPOCHS_OVERLAP 120000          /* ms */
#define EPOCHS_LIFE    86400000        /* ms from not_before to not_after */

/* why: one sentence. SEC_ERR_NOTHING: no identity. */
int	epochs_open(struct epochs **e, const char *name, char *why,
	    size_t whylen);
int	epochs_reload(struct epochs *e, char *why, size_t whylen);
void	epochs_close(struct epochs *e);
const struct secret *epochs_identity(const struct epochs *e);
/* Does the line of `servers` have the public key of our identity? 0, or
 * SEC_ERR_AUTH and a sentence with file and line. */
int	epochs_check_line(const struct epochs *e, const struct server *s,
	    char *why, size_t whylen);
/* psk for a server number, NULL = zeros. */
const struct secret *epochs_psk(const struct epochs *e, int number);
/* Highest epoch held (0: none) and the one in force at now. */
uint32_t epochs_last(const struct epochs *e);
uint32_t epochs_current(const struct epochs *e, int64_t now);
/* 1 if a peer's hello under epoch is good at now. */
int	epochs_accepts(const struct epochs *e, uint32_t epoch, int64_t now);
/* Base key of a link (owned by the caller), NULL if not held. */
struct secret *epochs_link_base(const struct epochs *e, uint32_t epoch,
	    int own, int peer);
/*
 * Store what was dealt: fsync before return. SEC_ERR_REPLAY if it is older
 * than what is held, or another key under the same number; SEC_ERR_DISK,
 * SEC_ERR_SYS. On an error nothing has changed.
 */
int	epochs_store(struct epochs *e, const struct hs_deal *d);
/* Next change to wait for (an epoch begins or ends), ms since 1970, 0 none.
 * Then call epochs_prune(). */
int64_t	epochs_next_change(const struct epochs *e, int64_t now);
/* Destroy what is over at now, file and key. */
void	epochs_prune(struct epochs *e, int64_t now);
/* "9f3a-77c1": identifier of an epoch's joint key, never key bytes. */
int	epochs_id(const struct epochs *e, uint32_t epoch, char out[10]);

/* What is public of an epoch held; SEC_ERR_NOTHING. */
struct epochs_info {
	int64_t		not_before, not_after;
	int64_t		time;          /* when it was dealt to us */
	size_t		npairs;
	uint16_t	number[HS_PAIRS];      /* the peers of our row */
};
int	epochs_info(const struct epochs *e, uint32_t epoch,
	    struct epochs_info *out);

/* Make an identity (once) and give its public key. */
int	epochs_init(const char *name, uint8_t pub[32], char *why,
	    size_t whylen);

/* --- server 1 --- */
/*
 * The deal of epoch (which is held with its dealer secret, else
 * SEC_ERR_NOTHING) for server `number`; the caller wipes out.
 */
int	epochs_deal(struct epochs *e, const struct servers *s, int number,
	    uint32_t epoch, int64_t now, struct hs_deal *out);
/*
 * Make the next epoch, above floor and all that was ever made here: its
 * dealer secret and own row are stored (fsync) before return. It begins at
 * now if it is our first, else delay ms later.
 */
int	epochs_begin(struct epochs *e, const struct servers *s, int64_t now,
	    int64_t delay, uint32_t floor, uint32_t *epoch);

/* --- the files' contents, without a file: for tests --- */
/* epoch.N: base64 of the deal, one line. The caller wipes d. */
int	epochs_parse_deal(struct hs_deal *d, const char *text, size_t n);
/* identity, dealer.N, psk.N: base64 of 32 bytes, one line. */
int	epochs_parse_key(struct secret **key, const char *text, size_t n);

#endif
