#ifndef WIRE_GRANT_H
#define WIRE_GRANT_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

/*
 * Key-wrap plaintext, 108 bytes (SECURITY.md 3.5):
 *  0 4 "SCK1" | 4 8 conf id | 12 4 epoch | 16 4 q | 20 2 media suite |
 * 22 2 text suite | 24 8 not_before | 32 8 not_after | 40 32 K_e |
 * 72 32 hop key | 104 4 hop key id.  Hop key all zero: keep yours.
 */
#define GRANT_SIZE 108

struct grant {
	uint64_t	 conf;
	uint32_t	 epoch;
	uint32_t	 q;
	uint16_t	 media_suite;
	uint16_t	 text_suite;
	int64_t		 not_before, not_after;
	struct secret	*key;          /* K_e, 32 bytes, owned */
	struct secret	*hop;          /* H_q, 32 bytes, or NULL; owned */
	uint32_t	 hopid;
};

/* A secret of GRANT_SIZE bytes; never NULL. */
struct secret *grant_encode(const struct grant *g);
/* 0 or SEC_ERR_FORMAT; on success the caller calls grant_wipe(). */
int	grant_decode(struct grant *g, const struct secret *s);
void	grant_wipe(struct grant *g);

#endif
