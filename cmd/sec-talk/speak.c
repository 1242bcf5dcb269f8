/* What is said: 20 ms at a time, into the conference whose mic is on. */
#include <stdio.h>
#include <string.h>

#include "audio/level.h"
#include "base/clock.h"
#include "base/err.h"

#include "voice_priv.h"

#define STARVED_US 200000 /* that a pipe may be late, as one speech */
#define FRAME_US   20000
#define EARLY_US   10000 /* a live source may be ahead of our clock */

/* --- the mic --- */

int
voice_has_card(const struct voice *v)
{
	return capture_kind(v->capture) == CAPTURE_CARD;
}

void
voice_set_mic(struct voice *v, int at, int latched, int64_t ms, const char *by)
{
	int other;
	size_t i;

	if (capture_kind(v->capture) == CAPTURE_NONE)
		return;
	other = mic_set(&v->mic, at, ms, clock_mono());
	v->mic.latched = latched;
	v->mic.agents = strcmp(by, "agent") == 0;
	if (!other)
		return;
	/* Off before on, so that no two are ever open. */
	for (i = 0; i < v->n; i++)
		if ((int)i != at)
			seat_set_mic(v->seat[i], 0, by);
	v->in_level = LEVEL_SILENCE;
	if (at < 0) {
		capture_rest(v->capture);
		return;
	}
	capture_flush(v->capture);
	seat_set_mic(v->seat[at], 1, by);
}

void
voice_on_mic(void *arg, struct seat *s, int on, int64_t ms)
{
	struct voice *v = arg;
	size_t i;

	for (i = 0; i < v->n && v->seat[i] != s; i++)
		;
	if (i == v->n)
		return;
	/* A file or pipe speaks into the first conference only. */
	if (on && (voice_has_card(v) || i == 0))
		voice_set_mic(v, (int)i, 0, ms, "agent");
	else if (!on && v->mic.at == (int)i)
		voice_set_mic(v, -1, 0, 0, "agent");
}

void
voice_toggle_mic(struct voice *v)
{
	voice_set_mic(v, v->mic.at >= 0 ? -1 : v->mic.last, 0, 0, "key");
}

void
voice_check_mic(struct voice *v, int64_t now)
{
	int talking = v->mic.at >= 0 && v->seat[v->mic.at]->self.talking;

	if (mic_is_over(&v->mic, talking, voice_has_card(v), now))
		voice_set_mic(v, -1, 0, 0, "limit");
}

/* --- 20 ms of speech --- */

void
voice_silence(struct voice *v)
{
	static const int16_t none[AUDIO_FRAME];
	uint8_t p[RTP_MAX];
	size_t i;

	/* Only the clocks of their streams. */
	for (i = 0; i < v->n; i++)
		if (!v->seat[i]->mic)
			(void)seat_say(v->seat[i], none, 0, p);
}

static void
say(struct voice *v, const int16_t *s, int64_t now)
{
	uint8_t p[RTP_MAX];
	size_t n;

	if (v->mic.at < 0)
		return;
	v->in_level = level_of(s, AUDIO_FRAME);
	n = seat_say(v->seat[v->mic.at], s, now, p);
	if (n > 0)
		port_send(&v->port, &v->seat[v->mic.at]->media, p, n);
}

int
voice_may_capture(struct voice *v)
{
	if (v->input_over || v->n == 0)
		return 0;
	if (voice_has_card(v))
		return v->mic.at >= 0;
	if (!v->captured && seat_others(v->seat[0]) < v->set.others)
		return 0;
	v->captured = 1;
	return 1;
}

/* A source that is late is no jitter for the others if it was a pause: then
 * the clock of its stream has gone on, too. */
static void
keep_pace(struct voice *v, int64_t at)
{
	int64_t late = at - v->due;
	struct seat *s;

	if (v->due != 0 && late > STARVED_US && v->mic.at >= 0) {
		s = v->seat[v->mic.at];
		s->ts += codec_ticks(s->codec,
		    (size_t)(late / FRAME_US) * AUDIO_FRAME);
		s->marker = 1;
	}
	v->due = (late > 0 ? at : v->due) + FRAME_US;
}

void
voice_capture(struct voice *v, int64_t at)
{
	int16_t s[AUDIO_FRAME];
	char why[256];
	int r;

	if (!voice_may_capture(v) || at < v->due - EARLY_US)
		return;
	r = capture_frame(v->capture, s,
	    render_kind(v->render) == RENDER_CARD ? v->heard : NULL);
	if (r == 0)
		return;
	if (r == 1) {
		keep_pace(v, at);
		say(v, s, at / 1000);
	} else if (voice_has_card(v)) {
		snprintf(why, sizeof(why), "! the microphone has gone (%s)\n",
		    capture_name(v->capture));
		voice_notice(v, why);
		voice_set_mic(v, -1, 0, 0, "agent");
		v->input_over = 1;
	} else if (r == SEC_ERR_CLOSED) {
		v->input_over = 1;
		/* With -t it stays to hear the answer. */
		if (v->stop_at < 0)
			voice_end(v, 0);
	} else
		voice_end(v,
		    emit_error(cli_mode(v->c), r, "cannot read the input"));
	explicit_bzero(s, sizeof(s));
}
