#ifndef WIRE_HOP_H
#define WIRE_HOP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The hop packet (SECURITY.md 3.6; sec-protocol(7)): RTCP APP "SEC1" between
 * a device and its MCU, at attach and every 500 ms, answered in kind. It
 * opens the way (address, NAT), says that the other end lives, and reports
 * what came in. The hop tag covers all before it.
 */
#define HOP_HEAD 28
#define HOP_ROW  12
#define HOP_ROWS 64
#define HOP_TAG  8
#define HOP_MIN  (HOP_HEAD + HOP_TAG)
#define HOP_MAX  (HOP_HEAD + HOP_ROWS * HOP_ROW + HOP_TAG)

struct hop_row {                       /* what came in from q, in all */
	uint32_t	q;
	uint32_t	packets;
	uint16_t	misordered;
	uint16_t	jitter_ms;
};

struct hop_packet {
	uint32_t	q;             /* the device's, in both directions */
	uint64_t	conf;
	uint64_t	counter;       /* strictly rises in each direction */
	unsigned	n;
	struct hop_row	row[HOP_ROWS];
};

/*
 * A row of q 0 is no count but eight bytes: the MCU's to an address that it
 * has not sent media to, and which the device sends back from there.
 */
void	hop_put_token(struct hop_row *row, uint64_t token);
/* 1: there is one. */
int	hop_token(const struct hop_packet *h, uint64_t *token);

/* Is this datagram RTCP APP, not RTP? (RFC 5761 4) */
static inline int
hop_is(const uint8_t *p, size_t n)
{
	return n >= 2 && p[0] == 0x80 && p[1] == 204;
}

/* Write all but the tag; returns where the tag goes, HOP_TAG bytes. At most
 * HOP_ROWS rows. */
size_t	hop_encode(const struct hop_packet *h, uint8_t out[HOP_MAX]);
/* n with the tag, which is not looked at. 0 or SEC_ERR_FORMAT. */
int	hop_decode(struct hop_packet *h, const uint8_t *p, size_t n);
/* What of these n >= HOP_MIN bytes say, unchecked. */
static inline uint64_t
hop_hint_conf(const uint8_t *p)
{
	return get_be64(p + 12);
}

static inline uint32_t
hop_hint_q(const uint8_t *p)
{
	return get_be32(p + 4);
}

#endif
