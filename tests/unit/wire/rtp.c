#include "base/err.h"
#include "wire/rtp.h"
#include "../test.h"

#define HEAD                                                                   \
	"90 e0 1234 01020304 01000007 bede0008 17 0111223344556677"            \
	"27 8003 0000000000ff 37 ed12345680000000 40 8c 000000"

/* rtp_decode() of n bytes in a block of its own, for the sanitizer. */
static int
decode(struct rtp *r, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	int err;

	memset(copy, 0, n);
	memcpy(copy, p, n < RTP_MIN ? n : RTP_MIN);
	err = rtp_decode(r, copy, n);
	free(copy);
	return err;
}

/* A flipped bit is refused, or it is in a field: then the header is written
 * in the same way again. */
static void
flips(const uint8_t *p)
{
	uint8_t b[RTP_MIN], again[RTP_HEAD];
	struct rtp r;
	int bit, refused = 0, ok = 1;

	for (bit = 0; bit < RTP_HEAD * 8; bit++) {
		memcpy(b, p, sizeof b);
		b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		if (rtp_decode(&r, b, sizeof b) != 0) {
			refused++;
			continue;
		}
		rtp_encode(&r, again);
		ok = ok && memcmp(again, b, RTP_HEAD) == 0;
	}
	T(ok);
	/* First byte, profile, four element heads, padding. */
	T_INT(refused, (1 + 4 + 4 + 3) * 8);
}

static void
epochs(void)
{
	T_INT(rtp_epoch(5, 5), 5);
	T_INT(rtp_epoch(4, 5), 4);
	T_INT(rtp_epoch(0xffff, 5), 0xffff); /* none below 0 */
	T_INT(rtp_epoch(0xffff, 0x10001), 0xffff);
	T_INT(rtp_epoch(1, 0xffff), 0x10001);
	T_INT(rtp_epoch(0x8003, 0x8003), 0x8003);
	T_INT(rtp_epoch(0x7fff, 0x18000), 0x17fff);
	T_INT(rtp_epoch(2, 0xffffffff), 0xffff0002u);
}

static void
times(void)
{
	int64_t ms, base = 1767225600000; /* 2026 */
	int ok = 1;

	for (ms = base; ms < base + 2000; ms++)
		ok = ok && rtp_ntp_ms(rtp_ntp(ms)) == ms;
	T(ok);
	T(rtp_ntp(0) == UINT64_C(2208988800) << 32);
	T(rtp_ntp(500) == (UINT64_C(2208988800) << 32 | 0x80000000u));
	/* After the second of February 2036 the seconds begin anew. */
	ms = 2085978496000;
	T_INT(rtp_ntp(ms) >> 32, 0);
	T(rtp_ntp_ms(rtp_ntp(ms)) == ms);
}

int
main(void)
{
	uint8_t b[RTP_MIN] = { 0 }, out[RTP_HEAD];
	struct rtp r, cut;
	size_t n;
	int ok = 1;

	T_INT(t_hex(HEAD, b, sizeof b), RTP_HEAD);
	T_INT(decode(&r, b, RTP_MIN), 0);
	T(r.marker == 1 && r.pt == 96 && r.seq == 0x1234 &&
	    r.ts == 0x01020304 && r.q == 0x01000007);
	T(r.conf == 0x0111223344556677 && r.epoch == 0x8003 &&
	    r.counter == 255 && r.ntp == 0xed12345680000000);
	T(r.voice == 1 && r.level == 12);
	rtp_encode(&r, out);
	T_MEM(out, sizeof out, HEAD);

	for (n = 0; n < RTP_MIN; n++)
		ok = ok && decode(&cut, b, n) == SEC_ERR_FORMAT;
	T(ok);
	T_INT(decode(&cut, b, RTP_MAX), 0);
	T_INT(decode(&cut, b, RTP_MAX + 1), SEC_ERR_FORMAT);
	flips(b);

	/* What does not fit is cut off. */
	r.counter = UINT64_MAX;
	r.level = 0xff;
	r.voice = 0;
	r.pt = 0xe0;
	r.marker = 0;
	rtp_encode(&r, b);
	T_INT(decode(&cut, b, RTP_MIN), 0);
	T(cut.counter == RTP_COUNTER && cut.epoch == 0x8003);
	T(cut.level == 127 && cut.voice == 0 && cut.pt == 96 &&
	    cut.marker == 0);
	epochs();
	times();
	return t_done();
}
