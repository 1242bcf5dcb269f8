/* What is heard at a seat: its speakers, mixed, in files, or as sounds. */
#include <errno.h>
#include <string.h>

#include "audio/mix.h"
#include "base/mem.h"
#include "base/text.h"

#include "seat_priv.h"

#define NAMELESS_MS 500 /* that a roster may be behind */
#define FORGET_MS   30000 /* one whom the roster never named, or not again */

struct speaker *
seat_speaker(struct seat *s, uint32_t q)
{
	struct speaker *k;

	TAILQ_FOREACH(k, &s->speakers, entry)
		if (k->q == q)
			return k;
	k = speaker_new(q);
	TAILQ_INSERT_TAIL(&s->speakers, k, entry);
	return k;
}

static uint64_t
lost_of(const struct seat *s, uint32_t q)
{
	const struct sink_stats *t = sink_stats(s->sink, q);

	return t != NULL ? t->lost : 0;
}

void
seat_level(struct seat *s, struct speaker *k, int level, int64_t now)
{
	if (speaker_level(k, level, now, lost_of(s, k->q)) != 0)
		seat_tell_news(s, k);
}

static const struct earcon *
sound_of(const struct seat *s, const struct speaker *k)
{
	const struct seat_sound *x;

	TAILQ_FOREACH(x, &s->sounds, entry)
		if (strcmp(x->user, k->user) == 0)
			return x->earcon;
	return s->silent ? NULL : s->sound;
}

int
seat_is_heard(const struct seat *s, int64_t now)
{
	if (s->unfocused || s->mute)
		return 0;
	return s->mode == SEAT_HEAR ||
	    (s->mode == SEAT_ALERT && now < s->alert_until);
}

/* Is his voice wanted at all, by ear or in a file? */
static int
is_played(const struct seat *s, int64_t now)
{
	return s->ops->stems != NULL ||
	    (s->ops->renders && seat_is_heard(s, now));
}

unsigned
seat_others(const struct seat *s)
{
	const struct speaker *k;
	unsigned n = 0;

	TAILQ_FOREACH(k, &s->speakers, entry)
		n += k->in != 0;
	return n;
}

int
seat_is_talking(const struct seat *s)
{
	const struct speaker *k;

	TAILQ_FOREACH(k, &s->speakers, entry)
		if (k->talking)
			return 1;
	return 0;
}

void
seat_hear(struct seat *s, const struct rtp_frame *f, int64_t came)
{
	struct speaker *k = seat_speaker(s, f->q);
	int64_t now = came / 1000;

	seat_level(s, k, f->level, now);
	if (!is_played(s, now))
		return;
	if (k->playout == NULL)
		k->playout = playout_new(s->codec, PLAYOUT_FLOOR_US);
	if (f->pt == codec_pt(s->codec))
		(void)playout_put(k->playout, f->ts, f->marker, f->payload,
		    f->n, came);
}

static struct seat_stem *
stem_of(struct seat *s, const struct speaker *k)
{
	char name[AGENT_SHORT_MAX];
	struct seat_stem *x;

	TAILQ_FOREACH(x, &s->stems, entry)
		if (!x->taken && strcmp(x->user, k->user) == 0)
			break;
	if (x == NULL) {
		x = mem_new(sizeof(*x));
		text_copy(x->user, k->user, sizeof(x->user));
		x->stem = stem_open(s->ops->stems, s->name,
		    agent_short(s->a, name, k->user, 0), s->ops->rate);
		if (x->stem == NULL)
			seat_note(s, "cannot make a stem: ", strerror(errno));
		TAILQ_INSERT_TAIL(&s->stems, x, entry);
	}
	x->taken = 1;
	return x;
}

static void
write_stem(struct seat *s, struct speaker *k, const int16_t *p, size_t n,
    uint64_t place)
{
	/* Whose voice it is comes with the roster. */
	if (k->user[0] == '\0')
		return;
	if (k->stem == NULL)
		k->stem = stem_of(s, k);
	if (k->stem->stem != NULL &&
	    stem_put(k->stem->stem, place, p, n) != 0) {
		seat_note(s, "cannot write a stem: ", strerror(errno));
		stem_close(k->stem->stem, 0);
		k->stem->stem = NULL;
	}
}

/* Whoever comes and goes all day leaves no descriptors behind. */
static void
leave_stem(const struct speaker *k, uint64_t place)
{
	if (k->stem == NULL)
		return;
	k->stem->taken = 0;
	if (k->stem->stem != NULL)
		stem_rest(k->stem->stem, place);
}

/* His voice, decoded once for ear and file. */
static int
mix_voice(struct seat *s, struct speaker *k, float *sum, size_t n, int64_t at,
    uint64_t place)
{
	int16_t out[AUDIO_FRAME];
	int heard;

	if (k->playout == NULL || !playout_get(k->playout, out, n, at))
		return 0;
	if (s->ops->stems != NULL)
		write_stem(s, k, out, n, place);
	heard = seat_is_heard(s, at / 1000);
	if (heard)
		mix_add(sum, out, n, s->gain);
	explicit_bzero(out, sizeof(out));
	return heard;
}

static int
mix_sounds(struct seat *s, struct speaker *k, float *sum, size_t n, int64_t now)
{
	const struct earcon *e = sound_of(s, k);

	/* Which sound is his is known when the roster has said who he is. */
	(void)earcon_speak(&k->player, e,
	    k->talking && (k->user[0] != '\0' || now - k->since > NAMELESS_MS));
	if (s->mode != SEAT_EARCON || s->unfocused || s->mute ||
	    k->player.left == 0) {
		k->player.left = 0;
		return 0;
	}
	earcon_mix(&k->player, e, sum, n, s->gain);
	return 1;
}

/* He has left, and all that he said was heard. Whose packets came and who is
 * in no roster (one came late, behind his leaving) does not stay either. */
static int
is_gone(const struct speaker *k, int64_t now)
{
	return !k->in && !k->talking &&
	    (k->user[0] != '\0' || now - k->came > FORGET_MS) &&
	    (k->playout == NULL || playout_is_idle(k->playout));
}

int
seat_mix(struct seat *s, float *sum, size_t n, int64_t at, uint64_t place)
{
	struct speaker *k, *next;
	int sound = 0;

	for (k = TAILQ_FIRST(&s->speakers); k != NULL; k = next) {
		next = TAILQ_NEXT(k, entry);
		if (!is_played(s, at / 1000)) {
			playout_free(k->playout);
			k->playout = NULL;
		}
		sound |= mix_voice(s, k, sum, n, at, place);
		sound |= mix_sounds(s, k, sum, n, at / 1000);
		if (is_gone(k, at / 1000)) {
			TAILQ_REMOVE(&s->speakers, k, entry);
			seat_tell_figures(s, k);
			sink_forget(s->sink, k->q, at / 1000);
			leave_stem(k, place + n);
			speaker_free(k);
		}
	}
	if (s->alert.left > 0 && !s->mute) {
		earcon_mix(&s->alert, s->silent ? NULL : s->sound, sum, n,
		    s->gain);
		sound = 1;
	}
	return sound;
}
