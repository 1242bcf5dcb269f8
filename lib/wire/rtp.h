#ifndef WIRE_RTP_H
#define WIRE_RTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Header of a voice packet (SECURITY.md 3.6; sec-protocol(7)): RTP with the
 * four elements of ours, always 48 bytes, never encrypted. What follows:
 * ciphertext, end-to-end tag, hop tag.
 */
#define RTP_HEAD    48
#define RTP_TAG     10                 /* end to end, suite 0x0006 */
#define RTP_HOP_TAG 8
#define RTP_MIN     (RTP_HEAD + RTP_TAG + RTP_HOP_TAG)
#define RTP_MAX     1400               /* a whole packet */
#define RTP_COUNTER ((UINT64_C(1) << 48) - 1) /* the greatest */

struct rtp {
	uint8_t		marker;        /* 0, 1: first after silence */
	uint8_t		pt;            /* payload type, 0..127 */
	uint16_t	seq;
	uint32_t	ts;
	uint32_t	q;             /* SSRC */
	uint64_t	conf;
	uint16_t	epoch;         /* its low 16 bits */
	uint64_t	counter;       /* 48 bits, never twice for a q */
	uint64_t	ntp;           /* seconds since 1900 || fraction */
	uint8_t		voice;         /* 0, 1: speech (RFC 6464 V) */
	uint8_t		level;         /* -dBov: 0 loudest, 127 silence */
};

/* Bits that the fields do not have are cut off. */
void	rtp_encode(const struct rtp *r, uint8_t out[RTP_HEAD]);
/*
 * Decode the header of a packet of n bytes, tags included. 0 or
 * SEC_ERR_FORMAT: not RTP_MIN..RTP_MAX bytes, or any byte that is not as
 * rtp_encode() writes it.
 */
int	rtp_decode(struct rtp *r, const uint8_t *p, size_t n);

/* What of these a packet of RTP_MIN or more bytes says, unchecked. */
static inline uint64_t
rtp_hint_conf(const uint8_t *p)
{
	return get_be64(p + 17);
}

static inline uint32_t
rtp_hint_q(const uint8_t *p)
{
	return get_be32(p + 8);
}

/* The full epoch nearest to `near` whose low 16 bits are these. */
uint32_t rtp_epoch(uint16_t low, uint32_t near);

/* NTP time (RFC 5905) of ms since 1970, and back. */
uint64_t rtp_ntp(int64_t ms);
int64_t	rtp_ntp_ms(uint64_t ntp);

#endif
