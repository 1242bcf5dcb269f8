#ifndef RTP_SOURCE_H
#define RTP_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "wire/hop.h"
#include "wire/rtp.h"

/*
 * The sending side of one device in one conference (SECURITY.md 3.6): seals
 * under (epoch, q) with pads made ahead (S139, S141), stamps, and tags for
 * the hop. Lives as long as its q: the counter never goes back, whatever
 * keys come.
 */
struct source;

#define SOURCE_PADS 500                /* 10 s of 20 ms */

struct source_id {
	uint64_t	conf;
	uint32_t	q;
	uint16_t	suite;         /* of crypto/suite or crypto/fig9 */
	size_t		size;          /* bytes of a payload, always */
	uint8_t		pt;
};

/* 0 or SEC_ERR_VERSION: no such suite. */
int	source_new(struct source **out, const struct source_id *id);
void	source_free(struct source *s);

/*
 * Send under this epoch from `at` on (0: at once, as after a ratchet; later:
 * a random epoch, which the others may still have to get). A newer one
 * replaces one that waits. 0, or SEC_ERR_LIMIT: this q cannot use Fig. 9.
 */
int	source_set_epoch(struct source *s, uint32_t epoch,
	    const struct secret *ke, int64_t at);
void	source_set_hop(struct source *s, const struct secret *h_q);
/* May it send: are there a key and a hop key? */
int	source_is_ready(const struct source *s);
uint32_t source_epoch(const struct source *s);
/* Time passes, said or not: an epoch that waited is taken when it is time,
 * and the key of the one before is wiped. now: mono ms. */
void	source_tick(struct source *s, int64_t now);
/* Make at most n pads ahead; how many were made (0: the ring is full). */
size_t	source_fill(struct source *s, size_t n);

struct source_frame {
	const uint8_t	*payload;      /* as many bytes as was said */
	uint32_t	 ts;
	int		 marker, voice;
	int		 level;        /* -dBov; 6 dB steps go out */
};
/*
 * One packet into out; returns its length, or 0 when it may not send (no
 * key, or no counter left). now: mono ms; real: ms since 1970 by the
 * server's clock.
 */
size_t	source_packet(struct source *s, const struct source_frame *f,
	    int64_t now, int64_t real, uint8_t out[RTP_MAX]);
/* A hop packet with these rows (n <= HOP_ROWS); 0 without a hop key. */
size_t	source_hop(struct source *s, const struct hop_row *rows, unsigned n,
	    uint8_t out[HOP_MAX]);

#endif
