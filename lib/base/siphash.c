/* SipHash-2-4: "SipHash: a fast short-input PRF", Aumasson and Bernstein,
 * 2012; the names v0..v3, m and b are the paper's. */

#include "base/buf.h"
#include "base/siphash.h"

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

struct state {
	uint64_t v0, v1, v2, v3;
};

/* By value: the compiler keeps all of it in registers. */
static inline __attribute__((always_inline)) struct state
round1(struct state s)
{
	s.v0 += s.v1;
	s.v2 += s.v3;
	s.v1 = ROTL(s.v1, 13) ^ s.v0;
	s.v3 = ROTL(s.v3, 16) ^ s.v2;
	s.v0 = ROTL(s.v0, 32);
	s.v2 += s.v1;
	s.v0 += s.v3;
	s.v1 = ROTL(s.v1, 17) ^ s.v2;
	s.v3 = ROTL(s.v3, 21) ^ s.v0;
	s.v2 = ROTL(s.v2, 32);
	return s;
}

static inline __attribute__((always_inline)) struct state
compress(struct state s, uint64_t m)
{
	s.v3 ^= m;
	s = round1(round1(s));
	s.v0 ^= m;
	return s;
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
finish(struct state s, uint64_t last)
{
	s = compress(s, last);
	s.v2 ^= 0xff;
	s = round1(round1(round1(round1(s))));
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
siphash24(const uint8_t key[16], const void *p, size_t n)
{
	struct state s = start(key);
	uint64_t b = (uint64_t)n << 56;
	const uint8_t *m = p;
	size_t i, left = n;

	for (; left >= 8; m += 8, left -= 8)
		s = compress(s, get_le64(m));
	for (i = 0; i < left; i++)
		b |= (uint64_t)m[i] << (8 * i);
	return finish(s, b);
}

uint64_t
siphash24_words(const uint8_t key[16], const uint64_t *w, size_t n)
{
	struct state s = start(key);

	for (; n > 1; n--)
		s = compress(s, *w++);
	return finish(s, *w);
}

/* One waits for itself; two, step by step, fill the processor. */
void
siphash24_words2(const uint8_t key[16], const uint64_t *a, const uint64_t *b,
    size_t n, uint64_t out[2])
{
	struct state s = start(key), t = s;
	size_t i;

	for (i = 0; i < n; i++) {
		s.v3 ^= a[i];
		t.v3 ^= b[i];
		s = round1(s);
		t = round1(t);
		s = round1(s);
		t = round1(t);
		s.v0 ^= a[i];
		t.v0 ^= b[i];
	}
	s.v2 ^= 0xff;
	t.v2 ^= 0xff;
	for (i = 0; i < 4; i++) {
		s = round1(s);
		t = round1(t);
	}
	out[0] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	out[1] = t.v0 ^ t.v1 ^ t.v2 ^ t.v3;
}
