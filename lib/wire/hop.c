/*
 * The hop packet (RFC 3550 6.7, APP):
 *  0 4  80 | cc | words that follow, be16
 *  4 4  q            12  8  conference id
 *  8 4  "SEC1"       20  8  counter
 * 28    rows: q(4) packets(4) misordered(2) jitter_ms(2)
 * ..  8 hop tag
 * A row of q 0 has a token in its last eight bytes.
 */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "wire/hop.h"

#define SEC1 0x53454331u

size_t
hop_encode(const struct hop_packet *h, uint8_t out[HOP_MAX])
{
	unsigned i, n = h->n < HOP_ROWS ? h->n : HOP_ROWS;
	size_t len = HOP_HEAD + n * HOP_ROW;
	uint8_t *p = out + HOP_HEAD;

	out[0] = 0x80;
	out[1] = 204;
	put_be16(out + 2, (uint16_t)((len + HOP_TAG) / 4 - 1));
	put_be32(out + 4, h->q);
	put_be32(out + 8, SEC1);
	put_be64(out + 12, h->conf);
	put_be64(out + 20, h->counter);
	for (i = 0; i < n; i++, p += HOP_ROW) {
		put_be32(p, h->row[i].q);
		put_be32(p + 4, h->row[i].packets);
		put_be16(p + 8, h->row[i].misordered);
		put_be16(p + 10, h->row[i].jitter_ms);
	}
	return len;
}

int
hop_decode(struct hop_packet *h, const uint8_t *p, size_t n)
{
	unsigned i;

	if (n < HOP_MIN || n > HOP_MAX || (n - HOP_MIN) % HOP_ROW != 0 ||
	    p[0] != 0x80 || p[1] != 204 || get_be16(p + 2) != n / 4 - 1 ||
	    get_be32(p + 8) != SEC1)
		return SEC_ERR_FORMAT;
	h->q = get_be32(p + 4);
	h->conf = get_be64(p + 12);
	h->counter = get_be64(p + 20);
	h->n = (unsigned)((n - HOP_MIN) / HOP_ROW);
	for (i = 0, p += HOP_HEAD; i < h->n; i++, p += HOP_ROW) {
		h->row[i].q = get_be32(p);
		h->row[i].packets = get_be32(p + 4);
		h->row[i].misordered = get_be16(p + 8);
		h->row[i].jitter_ms = get_be16(p + 10);
	}
	return 0;
}

void
hop_put_token(struct hop_row *row, uint64_t token)
{
	*row = (struct hop_row) { .q = 0,
		.packets = (uint32_t)(token >> 32),
		.misordered = (uint16_t)(token >> 16),
		.jitter_ms = (uint16_t)token };
}

int
hop_token(const struct hop_packet *h, uint64_t *token)
{
	const struct hop_row *r;
	unsigned i;

	for (i = 0; i < h->n; i++)
		if ((r = &h->row[i])->q == 0) {
			*token = (uint64_t)r->packets << 32 |
			    (uint64_t)r->misordered << 16 | r->jitter_ms;
			return 1;
		}
	return 0;
}
