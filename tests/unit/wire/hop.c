#include "base/err.h"
#include "wire/hop.h"
#include "../test.h"
#include "exact.h"

#define HEAD "80 cc 000e 01000007 53454331 0111223344556677 0000000000000009"
#define ROWS "01000008 00000102 0003 0011 01000009 00000001 0000 ffff"
#define TAG  "0000000000000000"

static int
decode(const uint8_t *p, size_t n)
{
	struct hop_packet h;

	return hop_decode(&h, p, n);
}

static int
same(const struct hop_packet *a, const struct hop_packet *b)
{
	unsigned i;

	if (a->q != b->q || a->conf != b->conf || a->counter != b->counter ||
	    a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (memcmp(&a->row[i], &b->row[i], sizeof a->row[i]) != 0)
			return 0;
	return 1;
}

int
main(void)
{
	uint8_t b[HOP_MAX], out[HOP_MAX];
	struct hop_packet h, again;
	uint64_t token;
	size_t n;
	int bit, refused = 0, ok = 1;

	n = t_hex(HEAD ROWS TAG, b, sizeof b);
	T_INT(n, HOP_MIN + 2 * HOP_ROW);
	T(hop_is(b, n) && !hop_is(b, 1));
	T_INT(hop_decode(&h, b, n), 0);
	T(h.q == 0x01000007 && h.conf == 0x0111223344556677 && h.counter == 9 &&
	    h.n == 2);
	T(h.row[0].q == 0x01000008 && h.row[0].packets == 258 &&
	    h.row[0].misordered == 3 && h.row[0].jitter_ms == 17);
	T(h.row[1].q == 0x01000009 && h.row[1].packets == 1 &&
	    h.row[1].misordered == 0 && h.row[1].jitter_ms == 65535);
	T_INT(hop_encode(&h, out), n - HOP_TAG);
	T_MEM(out, n - HOP_TAG, HEAD ROWS);
	T(is_exact(b, n, decode));

	for (bit = 0; bit < (int)(n - HOP_TAG) * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		if (hop_decode(&again, b, n) != 0)
			refused++;
		else {
			T_INT(hop_encode(&again, out), n - HOP_TAG);
			ok = ok && memcmp(out, b, n - HOP_TAG) == 0;
		}
		b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
	T(ok);
	T_INT(refused, 8 * 8); /* first word, "SEC1" */

	/* A token among the rows, which are none of q 0. */
	T_INT(hop_token(&h, &token), 0);
	hop_put_token(&h.row[1], UINT64_C(0x0123456789abcdef));
	T_INT(hop_encode(&h, out), n - HOP_TAG);
	T_MEM(out + HOP_HEAD + HOP_ROW, HOP_ROW, "000000000123456789abcdef");
	T(hop_decode(&again, out, n) == 0 && hop_token(&again, &token) == 1);
	T(token == UINT64_C(0x0123456789abcdef));

	/* None, and as many as there may be. */
	h.n = 0;
	T_INT(hop_encode(&h, out), HOP_HEAD);
	T(hop_decode(&again, out, HOP_MIN) == 0 && same(&h, &again));
	for (h.n = 0; h.n < HOP_ROWS; h.n++)
		h.row[h.n] = (struct hop_row) { h.n, ~h.n, 1, 2 };
	T_INT(hop_encode(&h, out), HOP_MAX - HOP_TAG);
	T(hop_decode(&again, out, HOP_MAX) == 0 && same(&h, &again));
	return t_done();
}
