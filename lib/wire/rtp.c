/*
 * Header of a voice packet (RFC 3550, RFC 8285 one-byte elements):
 *  0 12  V=2 P=0 X=1 CC=0 | M PT | seq(2) | timestamp(4) | SSRC(4) = q
 * 12  4  be de | 00 08                  profile, words that follow
 * 16  9  17 | conference id(8)          id 1
 * 25  9  27 | epoch(2) | counter(6)     id 2
 * 34  9  37 | NTP time(8)               id 3  RFC 6051
 * 43  2  40 | V, level(7)               id 4  RFC 6464
 * 45  3  00 00 00
 */
#include "base/buf.h"
#include "base/err.h"
#include "wire/rtp.h"

#define FIRST	  0x90 /* V=2, X=1 */
#define PROFILE	  0xbede0008u
#define NTP_EPOCH 2208988800 /* 1900 to 1970 in seconds */

void
rtp_encode(const struct rtp *r, uint8_t out[RTP_HEAD])
{
	out[0] = FIRST;
	out[1] = (uint8_t)((r->marker != 0) << 7 | (r->pt & 0x7f));
	put_be16(out + 2, r->seq);
	put_be32(out + 4, r->ts);
	put_be32(out + 8, r->q);
	put_be32(out + 12, PROFILE);
	out[16] = 0x17;
	put_be64(out + 17, r->conf);
	out[25] = 0x27;
	put_be64(out + 26,
	    (uint64_t)r->epoch << 48 | (r->counter & RTP_COUNTER));
	out[34] = 0x37;
	put_be64(out + 35, r->ntp);
	out[43] = 0x40;
	out[44] = (uint8_t)((r->voice != 0) << 7 | (r->level & 0x7f));
	out[45] = out[46] = out[47] = 0;
}

int
rtp_decode(struct rtp *r, const uint8_t *p, size_t n)
{
	uint64_t index;

	if (n < RTP_MIN || n > RTP_MAX || p[0] != FIRST ||
	    get_be32(p + 12) != PROFILE || p[16] != 0x17 || p[25] != 0x27 ||
	    p[34] != 0x37 || p[43] != 0x40 || (p[45] | p[46] | p[47]) != 0)
		return SEC_ERR_FORMAT;
	r->marker = p[1] >> 7;
	r->pt = p[1] & 0x7f;
	r->seq = get_be16(p + 2);
	r->ts = get_be32(p + 4);
	r->q = get_be32(p + 8);
	r->conf = get_be64(p + 17);
	index = get_be64(p + 26);
	r->epoch = (uint16_t)(index >> 48);
	r->counter = index & RTP_COUNTER;
	r->ntp = get_be64(p + 35);
	r->voice = p[44] >> 7;
	r->level = p[44] & 0x7f;
	return 0;
}

uint32_t
rtp_epoch(uint16_t low, uint32_t near)
{
	int16_t d = (int16_t)(uint16_t)(low - (uint16_t)near);

	/* Not below 0, not above the greatest. */
	if ((d < 0 && near < (uint32_t)-d) ||
	    (d > 0 && near > UINT32_MAX - (uint32_t)d))
		return (near & 0xffff0000u) | low;
	return near + (uint32_t)(int32_t)d;
}

uint64_t
rtp_ntp(int64_t ms)
{
	uint64_t s = (uint64_t)(ms / 1000 + NTP_EPOCH);

	/* Rounded up, so that the way back gives the same ms. */
	return s << 32 | (((uint64_t)(ms % 1000) << 32) + 999) / 1000;
}

int64_t
rtp_ntp_ms(uint64_t ntp)
{
	int64_t s = (int64_t)(ntp >> 32);

	/* RFC 4330 3: without the high bit it is after 2036. */
	if (s < INT64_C(0x80000000))
		s += INT64_C(0x100000000);
	return (s - NTP_EPOCH) * 1000 +
	    (int64_t)((ntp & 0xffffffff) * 1000 >> 32);
}
