/* vector: the steps of Fig. 9 (S139-S156), with inputs that all can check. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/fig9.h"

#include "vector.h"

#define COUNTERS 3 /* t */
#define CLIENT	 5 /* q = binary 101 */

static const char text[] = "Fig. 9 of the seed: M = M_1 .. M_c";
#define LEN (sizeof text - 1)
static const uint8_t stamp[FIG9_STAMP] = { 0, 0, 0, 0xea, 0x3a, 0x45, 0xcc, 0 };

static void
hex(const char *name, const void *p, size_t n)
{
	const uint8_t *b = p;

	printf("%-14s ", name);
	while (n-- > 0)
		printf("%02x", *b++);
	putchar('\n');
}

static void
hex_at(const char *name, unsigned i, unsigned j, const void *p, size_t n)
{
	char s[40];

	if (j == 0)
		snprintf(s, sizeof s, "%s_%u", name, i);
	else
		snprintf(s, sizeof s, "%s_%u,%u", name, i, j);
	hex(s, p, n);
}

/* Steps 910 to 930: offline. */
static void
fig9_offline(struct fig9_keys *k, const struct fig9_suite *s,
    const uint8_t *ctr, size_t blocks)
{
	uint8_t key[FIG9_BLOCK];
	unsigned i, j;

	printf("\n910  key_i,index = E_K(ctr_i + index)\n");
	for (i = 1; i <= COUNTERS; i++)
		hex_at("ctr", i, 0, ctr + (i - 1) * s->block, s->block);
	for (i = 1; i <= COUNTERS; i++) {
		if (s->alt && i != CLIENT % COUNTERS + 1)
			continue;
		for (j = 1; j <= blocks; j++) {
			fig9_key(k, i - 1, j, key);
			hex_at("key", i, j, key, s->block);
		}
	}
	if (s->alt)
		printf("\n920  q = %d: its sequence is number %d here\n"
		       "\n930  ind_q = 1\n",
		    CLIENT, CLIENT % COUNTERS + 1);
	else
		printf("\n920  q = %d = binary q_3 q_2 q_1 = 101\n"
		       "\n930  ind_1 = 1, ind_3 = 1\n",
		    CLIENT);
}

static void
fig9_steps(const struct fig9_suite *s)
{
	static const uint8_t des_key[8] = { 0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc,
		0xdf, 0xf1 };
	uint8_t key[16], ctr[COUNTERS * FIG9_BLOCK], out[LEN],
	    zero[LEN] = { 0 }, pad[LEN], tag[FIG9_TAG];
	size_t blocks = (LEN + s->block - 1) / s->block, at, n;
	uint32_t ind[COUNTERS] = { 1, 1, 1 }, again[COUNTERS] = { 1, 1, 1 };
	/* The alternative has one counter per client: bit set of one. */
	uint32_t q = s->alt ? 1u << CLIENT % COUNTERS : CLIENT;
	struct fig9_keys *k;
	unsigned c;
	size_t i;

	for (i = 0; i < sizeof key; i++)
		key[i] = s->key == 8 ? des_key[i % 8] : (uint8_t)i;
	for (i = 0; i < COUNTERS * s->block; i++)
		ctr[i] = (uint8_t)(0x10 * (i / s->block + 1) + i % s->block);
	if (fig9_keys_new(&k, s, key, ctr, COUNTERS) != 0)
		return;
	hex("K", key, s->key);
	printf("M              \"%s\"\n", text);
	fig9_offline(k, s, ctr, blocks);
	fig9_xor(k, q, again, zero, LEN, pad);
	fig9_xor(k, q, ind, (const uint8_t *)text, LEN, out);
	printf("\n960  M in blocks of %zu bytes; start_ind = 1\n", s->block);
	for (c = 1, at = 0; at < LEN; at += s->block, c++) {
		n = LEN - at < s->block ? LEN - at : s->block;
		hex_at("M", c, 0, text + at, n);
	}
	printf("\n970  P_c = XOR of key_i,ind_i over the set bits of q\n"
	       "974  C_c = M_c XOR P_c\n978  those ind_i go on by one\n");
	for (c = 1, at = 0; at < LEN; at += s->block, c++) {
		n = LEN - at < s->block ? LEN - at : s->block;
		hex_at("P", c, 0, pad + at, n);
		hex_at("C", c, 0, out + at, n);
	}
	putchar('\n');
	hex("C", out, LEN);
	printf("\ntag  H(M || T || H(M || T || K)), H = %s, 16 bytes\n",
	    s->sha256 ? "SHA-256" : "MD5");
	hex("T", stamp, sizeof stamp);
	fig9_mac(s, key, text, LEN, stamp, sizeof stamp, tag);
	hex("tag", tag, sizeof tag);
	fig9_mac(s, key, "Fig. 9", 6, stamp, sizeof stamp, tag);
	hex("tag \"Fig. 9\"", tag, sizeof tag);
	fig9_keys_free(k);
}

/* The same steps as RFC 9605 and the offline pads do them. */
static void
sframe_steps(const struct suite *s)
{
	static const uint8_t aad[] = "header";
	uint8_t base[32], salt[SUITE_NONCE], nonce[SUITE_NONCE], pad[64 + LEN],
	    out[LEN + 16];
	struct secret *ke, *key;
	struct aead *a;
	uint64_t kid = (uint64_t)1 << 32 | CLIENT;
	size_t i;

	for (i = 0; i < sizeof base; i++)
		base[i] = (uint8_t)i;
	ke = secret_copy(base, sizeof base);
	sframe_derive(s, kid, ke, &key, salt);
	hex("K_e", base, sizeof base);
	printf("KID            epoch 1 || q %d = 0x%016llx\n", CLIENT,
	    (unsigned long long)kid);
	printf("M              \"%s\"\n", text);
	printf("\n910  key and salt of (K_e, KID), RFC 9605 4.4.2: one sequence"
	       "\n     for each epoch and client\n");
	hex("key", secret_data(key), secret_size(key));
	hex("salt", salt, sizeof salt);
	printf("\n920  q is in KID\n\n930  counter = 0, for the life of q\n");
	(void)aead_new(&a, s->id, key);
	aead_nonce(nonce, salt, 0);
	hex("nonce", nonce, sizeof nonce);
	if (s->offline) {
		aead_pad(a, nonce, pad, LEN);
		printf("\n970  pad of counter 0, made offline\n");
		if (s->lead > 0)
			hex("one-time key", pad, 32);
		hex("P", pad + s->lead, LEN);
		aead_seal_pad(a, nonce, aad, sizeof aad - 1, text, LEN, pad,
		    out);
	} else {
		printf("\n970  this suite has no pads of before\n");
		aead_seal(a, nonce, aad, sizeof aad - 1, text, LEN, out);
	}
	printf("\n974  C = M XOR P\n");
	hex("C", out, LEN);
	printf("\n978  counter = 1\n\ntag  over header \"%s\", lengths, nonce, "
	       "C; %zu bytes\n",
	    (const char *)aad, s->nt);
	hex("tag", out + LEN, s->nt);
	aead_free(a);
	secret_free(key);
	secret_free(ke);
}

int
vector_print(const char *suite)
{
	const struct fig9_suite *f;
	const struct suite *s;

	if (suite == NULL)
		suite = "0x0006";
	if ((f = fig9_suite_by_name(suite)) != NULL) {
		printf("%s (0x%04x): INSECURE, for conformance only\n\n",
		    f->name, f->id);
		fig9_steps(f);
		return 0;
	}
	if ((s = suite_by_name(suite)) == NULL)
		return SEC_ERR_NOTHING;
	printf("%s (0x%04x)\n\n", s->name, s->id);
	sframe_steps(s);
	return 0;
}
