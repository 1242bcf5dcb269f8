/* The sending side of one q. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/fig9.h"
#include "crypto/pads.h"
#include "crypto/random.h"
#include "rtp/hopkey.h"

#include "rtp/source.h"

#define LEVEL_STEP 6 /* dB: finer ones would tell more than selection needs */

/* What seals under one epoch. */
struct cover {
	uint32_t epoch;
	struct aead *aead;
	struct pads *pads;
	struct fig9 *fig9;
};

struct source {
	struct source_id id;
	const struct suite *suite; /* NULL: Fig. 9 */
	struct cover cover;
	/* The next epoch waits as its key: pads need to know the counter. */
	struct secret *later_ke; /* NULL: none waits */
	uint32_t later_epoch;
	int64_t later_at; /* mono ms */
	uint64_t counter; /* of the next packet */
	uint64_t hop_counter;
	uint16_t seq;
	struct secret *hop; /* NULL: none yet */
};

int
source_new(struct source **out, const struct source_id *id)
{
	struct source *s;
	const struct suite *suite = suite_by_id(id->suite);

	if (suite == NULL && fig9_suite_by_id(id->suite) == NULL)
		return SEC_ERR_VERSION;
	s = mem_new(sizeof(*s));
	s->id = *id;
	s->suite = suite;
	crypto_random(&s->seq, sizeof(s->seq));
	*out = s;
	return 0;
}

static void
uncover(struct cover *c)
{
	pads_free(c->pads);
	aead_free(c->aead);
	fig9_free(c->fig9);
	memset(c, 0, sizeof(*c));
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	uncover(&s->cover);
	secret_free(s->later_ke);
	secret_free(s->hop);
	free(s);
}

static int
is_covered(const struct source *s)
{
	return s->cover.aead != NULL || s->cover.fig9 != NULL;
}

static int
take_cover(struct source *s, uint32_t epoch, const struct secret *ke)
{
	struct cover c = { .epoch = epoch };
	uint8_t salt[SUITE_NONCE];
	struct secret *key;
	int r;

	if (s->suite == NULL) {
		r = fig9_new(&c.fig9, fig9_suite_by_id(s->id.suite), ke,
		    s->id.q);
		if (r != 0)
			return r;
	} else {
		sframe_derive(s->suite, (uint64_t)epoch << 32 | s->id.q, ke,
		    &key, salt);
		r = aead_new(&c.aead, s->id.suite, key);
		secret_free(key);
		if (r != 0)
			return r;
		c.pads =
		    pads_new(c.aead, salt, SOURCE_PADS, s->id.size, s->counter);
	}
	uncover(&s->cover);
	s->cover = c;
	return 0;
}

static void
forget_later(struct source *s)
{
	secret_free(s->later_ke);
	s->later_ke = NULL;
}

int
source_set_epoch(struct source *s, uint32_t epoch, const struct secret *ke,
    int64_t at)
{
	forget_later(s);
	if (is_covered(s) && epoch == s->cover.epoch)
		return 0;
	if (at == 0 || !is_covered(s))
		return take_cover(s, epoch, ke);
	s->later_epoch = epoch;
	s->later_ke = secret_dup(ke);
	s->later_at = at;
	return 0;
}

void
source_set_hop(struct source *s, const struct secret *h_q)
{
	secret_free(s->hop);
	s->hop = hopkey_derive(h_q);
}

int
source_is_ready(const struct source *s)
{
	return s->hop != NULL && is_covered(s);
}

uint32_t
source_epoch(const struct source *s)
{
	return s->cover.epoch;
}

void
source_tick(struct source *s, int64_t now)
{
	if (s->later_ke == NULL || now < s->later_at)
		return;
	(void)take_cover(s, s->later_epoch, s->later_ke);
	forget_later(s);
}

size_t
source_fill(struct source *s, size_t n)
{
	if (s->cover.pads != NULL)
		return pads_fill(s->cover.pads, n);
	return s->cover.fig9 != NULL ? fig9_fill(s->cover.fig9, n) : 0;
}

static size_t
seal(struct source *s, const uint8_t *payload, int64_t real, uint8_t *out)
{
	if (s->cover.fig9 != NULL)
		return fig9_seal(s->cover.fig9, payload, s->id.size, real,
			   out + RTP_HEAD) == 0 ?
		    s->id.size + fig9_overhead(s->cover.fig9) :
		    0;
	(void)pads_seal(s->cover.pads, out, RTP_HEAD, payload, s->id.size,
	    out + RTP_HEAD);
	return s->id.size + s->suite->nt;
}

static uint8_t
coarse(int level)
{
	return (uint8_t)(level < 0 ? 0 :
		level >= 127	   ? 127 :
				     level / LEVEL_STEP * LEVEL_STEP);
}

size_t
source_packet(struct source *s, const struct source_frame *f, int64_t now,
    int64_t real, uint8_t out[RTP_MAX])
{
	struct rtp h = {
		.marker = f->marker != 0,
		.pt = s->id.pt,
		.seq = s->seq,
		.ts = f->ts,
		.q = s->id.q,
		.conf = s->id.conf,
		.counter = s->counter,
		.ntp = rtp_ntp(real),
		.voice = f->voice != 0,
		.level = coarse(f->level),
	};
	size_t n;

	source_tick(s, now);
	if (!source_is_ready(s) || s->counter > RTP_COUNTER)
		return 0;
	h.epoch = (uint16_t)s->cover.epoch;
	rtp_encode(&h, out);
	if ((n = seal(s, f->payload, real, out)) == 0)
		return 0;
	s->seq++;
	s->counter++;
	n += RTP_HEAD + RTP_HOP_TAG;
	hopkey_seal_rtp(hopkey_up(s->hop), out, n);
	return n;
}

size_t
source_hop(struct source *s, const struct hop_row *rows, unsigned n,
    uint8_t out[HOP_MAX])
{
	struct hop_packet h;
	size_t len;

	if (s->hop == NULL)
		return 0;
	h.q = s->id.q;
	h.conf = s->id.conf;
	h.counter = ++s->hop_counter;
	h.n = n > HOP_ROWS ? HOP_ROWS : n;
	if (h.n > 0)
		memcpy(h.row, rows, h.n * sizeof(*rows));
	len = hop_encode(&h, out) + HOP_TAG;
	hopkey_seal_hop(hopkey_up(s->hop), out, len);
	return len;
}
