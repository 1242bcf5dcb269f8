/* SipHash-2-4: "SipHash: a fast short-input PRF", Aumasson and Bernstein,
 * 2012; the names v0..v3, m and b are the paper's. */

#include "base/siphash.h"

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline void
rounds(struct state *s, int n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = ROTL(s->v1, 13) ^ s->v0;
		s->v3 = ROTL(s->v3, 16) ^ s->v2;
		s->v0 = ROTL(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = ROTL(s->v1, 17) ^ s->v2;
		s->v3 = ROTL(s->v3, 21) ^ s->v0;
		s->v2 = ROTL(s->v2, 32);
	}
}

static inline void
compress(struct state *s, uint64_t m)
{
	s->v3 ^= m;
	rounds(s, 2);
	s->v0 ^= m;
}

/* The compiler makes one load of it. */
static inline uint64_t
get_le64(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
	    (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline struct state
start(const uint8_t key[16])
{
	uint64_t k0 = get_le64(key), k1 = get_le64(key + 8);

	/* "somepseudorandomlygeneratedbytes" */
	return (struct state) { k0 ^ 0x736f6d6570736575u,
		k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
		k1 ^ 0x7465646279746573u };
}

static inline uint64_t
finish(struct state *s, uint64_t last)
{
	compress(s, last);
	s->v2 ^= 0xff;
	rounds(s, 4);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t
siphash24(const uint8_t key[16], const void *p, size_t n)
{
	struct state s = start(key);
	uint64_t b = (uint64_t)n << 56;
	const uint8_t *m = p;
	size_t i, left = n;

	for (; left >= 8; m += 8, left -= 8)
		compress(&s, get_le64(m));
	for (i = 0; i < left; i++)
		b |= (uint64_t)m[i] << (8 * i);
	return finish(&s, b);
}

uint64_t
siphash24_words(const uint8_t key[16], const uint64_t *w, size_t n)
{
	struct state s = start(key);

	for (; n > 1; n--)
		compress(&s, *w++);
	return finish(&s, *w);
}
