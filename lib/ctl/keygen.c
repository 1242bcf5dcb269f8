/*
 * Fig. 4 of the seed on streams: server 1 (keygen_lead.c) with every other
 * server (keygen_answer.c). The ladder stands in the header. Here is what
 * both must see alike.
 */
#include <string.h>

#include "base/buf.h"
#include "crypto/digest.h"

#include "ctl/keygen_priv.h"

#define PROLOGUE (11 + 2 + 2 + SHA512_SIZE)

const uint8_t *
keygen_hash(const struct servers *s, uint8_t out[SHA512_SIZE])
{
	struct buf b = BUF_INIT;

	servers_canonical(s, &b);
	sha512(buf_data(&b), buf_len(&b), out);
	buf_free(&b);
	return out;
}

int
keygen_leader(const struct servers *s)
{
	return s->n > 0 ? s->server[0].number : 0;
}

struct noise *
keygen_noise(int initiator, const struct servers *s, const struct epochs *e,
    int i, const uint8_t hash[SHA512_SIZE])
{
	const struct server *peer;
	uint8_t prologue[PROLOGUE];
	int one = keygen_leader(s);

	peer = servers_by_number(s, initiator ? i : one);
	if (peer == NULL)
		return NULL;
	memcpy(prologue, "SEC1 keygen", 11);
	put_be16(prologue + 11, (uint16_t)one);
	put_be16(prologue + 13, (uint16_t)i);
	memcpy(prologue + 15, hash, SHA512_SIZE);
	return noise_new(initiator, epochs_identity(e), peer->pub,
	    epochs_psk(e, peer->number), prologue, sizeof(prologue), NULL);
}

int
keygen_time_allows(uint64_t t, int64_t now)
{
	uint64_t n = (uint64_t)now;

	return (t > n ? t - n : n - t) <= KEYGEN_SKEW;
}

void
keygen_m3_hash(const uint8_t *p, size_t n, uint8_t out[HS_ACK_HASH])
{
	uint8_t full[SHA512_SIZE];

	sha512(p, n, full);
	memcpy(out, full, HS_ACK_HASH);
}
