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
 */
struct epochs;

/* why: one sentence. SEC_ERR_NOTHING: no identity. */
int	epochs_open(struct epochs **e, const char *name, char *why,
	    size_t whylen);
int	epochs_reload(struct epochs *e, char *why, size_t whylen);
void	epochs_close(struct epochs *e);
const struct secret *epochs_identity(const struct epochs *e);
/* psk for a server number, NULL = zeros. */
const struct secret *epochs_psk(const struct epochs *e, int number);
/* Highest epoch held (0: none) and the one in force at now. */
uint32_t epochs_last(const struct epochs *e);
uint32_t epochs_current(const struct epochs *e, int64_t now);
/* 1 if epoch may be used for a hello at now: {e, e-1} by the overlap. */
int	epochs_accepts(const struct epochs *e, uint32_t epoch, int64_t now);
/* Base key of a link (owned by the caller), NULL if not held. */
struct secret *epochs_link_base(const struct epochs *e, uint32_t epoch,
	    int own, int peer);
/* Store what was dealt: fsync before return. */
int	epochs_store(struct epochs *e, const struct hs_deal *d);
/* Next change to wait for, ms since 1970, 0 none. */
int64_t	epochs_next_change(const struct epochs *e, int64_t now);
/* "9f3a-77c1": identifier of an epoch's joint key, never key bytes. */
int	epochs_id(const struct epochs *e, uint32_t epoch, char out[10]);

/* Make an identity (once) and give its public key. */
int	epochs_init(const char *name, uint8_t pub[32], char *why,
	    size_t whylen);

/* --- server 1 --- */
/* Begin epoch last+1 (or the running one, fresh = 0): the deal for server
 * `number`; its dealer secret is stored first. */
int	epochs_deal(struct epochs *e, const struct servers *s, int number,
	    uint32_t epoch, int64_t now, struct hs_deal *out);
int	epochs_begin(struct epochs *e, const struct servers *s,
	    int64_t now, uint32_t *epoch);

#endif
