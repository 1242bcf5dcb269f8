/*
 * Header of a sealed record (SECURITY.md 3.3):
 *  0 1  0xC5            4 4  key id
 *  1 1  0x01 version    8 8  sequence
 *  2 1  type           16 8  T, ms since 1970
 *  3 1  dir            24 4  n, bytes of ciphertext; 16 of tag follow them
 */
#include "base/buf.h"
#include "base/err.h"
#include "wire/record.h"

void
record_encode(const struct record *r, uint8_t out[RECORD_HEAD])
{
	out[0] = RECORD_MAGIC;
	out[1] = 1;
	out[2] = r->type;
	out[3] = r->dir;
	put_be32(out + 4, r->keyid);
	put_be64(out + 8, r->seq);
	put_be64(out + 16, (uint64_t)r->time);
	put_be32(out + 24, r->n);
}

int
record_decode(struct record *r, const uint8_t in[RECORD_HEAD])
{
	uint64_t time = get_be64(in + 16);
	uint32_t n = get_be32(in + 24);

	if (in[0] != RECORD_MAGIC || in[1] != 1 || in[2] < RECORD_CLIENT ||
	    in[2] > RECORD_REGISTER || in[3] > 1 || n > RECORD_MAX ||
	    time > INT64_MAX)
		return SEC_ERR_FORMAT;
	r->type = in[2];
	r->dir = in[3];
	r->keyid = get_be32(in + 4);
	r->seq = get_be64(in + 8);
	r->time = (int64_t)time;
	r->n = n;
	return 0;
}
