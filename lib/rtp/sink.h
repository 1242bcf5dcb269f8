#ifndef RTP_SINK_H
#define RTP_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "wire/hop.h"
#include "wire/rtp.h"

/*
 * The receiving side of one device in one conference (SECURITY.md 3.6):
 * datagrams as they came, in the order
 *	form, hop tag, replay window, end-to-end tag, time, mark, deliver.
 * Whatever fails is counted by its reason and changes nothing else.
 */
struct sink;

#define SINK_OLD_MS	5000           /* an epoch is good after the next */
#define SINK_WAIT_MS	500            /* for a key that is on its way */
#define SINK_WAITING	64             /* packets that do */
#define SINK_SKEW_MS	10000
#define SINK_SPEAKERS	4096
#define SINK_PADS	25             /* of each who speaks */
#define SINK_EXPECTED	64             /* known: more are not made ready for */
#define SINK_ACTIVE_MS	1000           /* since his last packet */

/* An opened packet; payload is good until the next call. */
struct rtp_frame {
	uint32_t	 q;
	uint16_t	 seq;
	uint32_t	 ts;
	int		 marker, voice, level, pt;
	uint32_t	 epoch;
	int64_t		 sent;         /* its time, ms since 1970 */
	const uint8_t	*payload;
	size_t		 n;
};

/* What was dropped, by reason. */
struct sink_drops {
	uint64_t	format, hop, replay, tag, time, epoch;
	uint64_t	own, limit;
};

/* What came from one q (RFC 3550 6.4, A.8). */
struct sink_stats {
	uint32_t	q;
	uint64_t	packets;
	uint64_t	lost;          /* by counters, and not come since */
	uint64_t	misordered;
	double		jitter_ms;
	int64_t		skew_ms;       /* of clocks, and the way */
};

/* Which conference a datagram says to be of: 0 or SEC_ERR_FORMAT. */
int	sink_peek(const uint8_t *p, size_t n, uint64_t *conf);

/* 0 or SEC_ERR_VERSION. clock: RTP ticks in a second. */
int	sink_new(struct sink **out, uint64_t conf, uint32_t own_q,
	    uint16_t suite, unsigned clock);
void	sink_free(struct sink *s);
void	sink_set_hop(struct sink *s, const struct secret *h_q);
/* One more epoch to open with, at once; the one before goes on for
 * SINK_OLD_MS. now: mono ms. */
int	sink_set_epoch(struct sink *s, uint32_t epoch,
	    const struct secret *ke, int64_t now);

/* Time passes, whatever comes: epochs that are over are wiped. Returns how
 * many it can open. now: mono ms. */
unsigned sink_tick(struct sink *s, int64_t now);

/*
 * A voice packet. now: mono ms; real: ms since 1970 by the server's clock.
 * 0: *f is filled. SEC_ERR_SUBKEY: it waits for its epoch's key.
 * SEC_ERR_FORMAT, _AUTH, _REPLAY, _EXPIRED, _LIMIT, _DENIED: dropped.
 */
int	sink_packet(struct sink *s, const uint8_t *p, size_t n, int64_t now,
	    int64_t real, struct rtp_frame *f);
/* After sink_set_epoch(): the next packet that had waited for it; 0, or
 * SEC_ERR_NOTHING. Drops those that waited too long. *came: its now. */
int	sink_next(struct sink *s, int64_t now, int64_t real,
	    struct rtp_frame *f, int64_t *came);
/*
 * The offline half (S139, S141, S146). Somebody has joined, whose packets will
 * hold size bytes: his key is made, and pads from his first packet on. now:
 * mono ms.
 */
void	sink_expect(struct sink *s, uint32_t q, size_t size, int64_t now);
/* While there is time: at most n pads more for those who speak; how many were
 * made. */
size_t	sink_fill(struct sink *s, size_t n, int64_t now);
/* A hop packet: 0, SEC_ERR_FORMAT, _AUTH, _REPLAY. */
int	sink_hop(struct sink *s, const uint8_t *p, size_t n,
	    struct hop_packet *h);

const struct sink_drops *sink_drops(const struct sink *s);
/* NULL: nothing came from it. */
const struct sink_stats *sink_stats(const struct sink *s, uint32_t q);
/* Rows for a hop packet, the next HOP_ROWS of them in turn; their number. */
unsigned sink_rows(struct sink *s, struct hop_row rows[HOP_ROWS]);
/* Nobody has this q any more: its keys go at once, and its replay window when
 * all that it said is too old to be taken. now: mono ms, not 0. */
void	sink_forget(struct sink *s, uint32_t q, int64_t now);

#endif
