/*
 * One device in one conference: packets, its beginning and its end.
 *
 *	agent --rows--> seat --events--> agent
 *	samples --> encoder --> source --> MCU --> sink --> speaker --> mix
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/fig9.h"

#include "seat_priv.h"

#define JOIN_MS	  10000 /* -T when not given */
#define HOP_MS	  500
#define WARN_MS	  60000
#define PADS_TURN 4 /* made in one turn */
#define NO_LEVEL  30 /* -dBov: as loud as speech, always */
#define TALK_GAP  400 /* ms without packets: he has ended */

/* --- packets in --- */

int64_t
seat_server_time(const struct seat *s)
{
	return clock_real() + s->offset;
}

void
seat_datagram(struct seat *s, const uint8_t *p, size_t n, int64_t came)
{
	struct hop_packet h;
	struct rtp_frame f;

	if (hop_is(p, n)) {
		/* The MCU wants to know that we are here: at once. */
		if (sink_hop(s->sink, p, n, &h) == 0 &&
		    hop_token(&h, &s->token)) {
			s->asked = 1;
			s->hop_at = 0;
		}
	} else if (sink_packet(s->sink, p, n, came / 1000, seat_server_time(s),
		       &f) == 0)
		seat_hear(s, &f, came);
}

void
seat_tick(struct seat *s, int64_t now)
{
	struct speaker *k;

	TAILQ_FOREACH(k, &s->speakers, entry)
		if (k->talking && now - k->came > TALK_GAP)
			seat_level(s, k, -1, now);
	if (s->self.talking && (!s->mic || now - s->self.came > TALK_GAP))
		seat_level(s, &s->self, -1, now);
	(void)sink_tick(s->sink, now);
	source_tick(s->source, now);
	(void)source_fill(s->source, PADS_TURN);
	(void)sink_fill(s->sink, PADS_TURN, now);
	if (fig9_suite_by_id(s->suite) != NULL && now >= s->warned) {
		seat_note(s,
		    "INSECURE: Fig. 9 pads leak speech (sec-protocol(7))", "");
		s->warned = now + WARN_MS;
	}
}

/* --- packets out --- */

size_t
seat_say(struct seat *s, const int16_t *p, int64_t now, uint8_t out[RTP_MAX])
{
	uint8_t payload[CODEC_MAX];
	struct source_frame f = { .payload = payload };
	size_t n;

	/* Its clock goes on while it is silent (RFC 3550 5.1). */
	f.ts = s->ts;
	s->ts += codec_ticks(s->codec, AUDIO_FRAME);
	if (!s->mic || !source_is_ready(s->source))
		return 0;
	if (encoder_run(s->encoder, p, AUDIO_FRAME, payload) != 0)
		return 0;
	f.level = level_of(p, AUDIO_FRAME);
	f.marker = s->marker;
	f.voice = speech_is_loud(&s->self.speech, f.level);
	seat_level(s, &s->self, f.level, now);
	/* Who watches the wire learns that the mic is open, no more. */
	if (s->no_level) {
		f.level = NO_LEVEL;
		f.voice = 1;
	}
	n = source_packet(s->source, &f, now, seat_server_time(s), out);
	if (n > 0)
		s->marker = 0;
	explicit_bzero(payload, sizeof(payload));
	return n;
}

size_t
seat_hop(struct seat *s, int64_t now, uint8_t out[HOP_MAX])
{
	struct hop_row rows[HOP_ROWS];
	unsigned n;

	if (now < s->hop_at)
		return 0;
	s->hop_at = now + HOP_MS;
	n = sink_rows(s->sink, rows);
	if (s->asked) {
		/* A row that it displaces comes again. */
		n = n < HOP_ROWS ? n : HOP_ROWS - 1;
		hop_put_token(&rows[n++], s->token);
		s->asked = 0;
	}
	return source_hop(s->source, rows, n, out);
}

/* --- beginning and end --- */

static int
join(struct seat *s, struct cli *c, const char *conf)
{
	struct line ok;
	struct buf *b;
	int r;

	if ((r = agent_conf(c, s->a, conf, s->conf)) != 0)
		return r;
	b = ctl_client_begin(s->a, "join");
	line_put(b, "conf", s->conf);
	line_put(b, "hold", "1");
	if ((r = agent_join(c, s->a, NULL, NULL, &ok)) != 0)
		return agent_fail(c, s->a, r);
	text_copy(s->conf, line_get_or(&ok, "conf", s->conf), sizeof(s->conf));
	if (strstr(line_get_or(&ok, "media", "text"), "voice") == NULL)
		return emit_error(cli_mode(c), SEC_ERR_OFFLINE,
		    "no voice in this conference");
	return 0;
}

/* Rows until `attached`; those behind it come in seat_turn(). */
static int
attach(struct seat *s, struct cli *c, const struct seat_ask *ask)
{
	struct buf *b = ctl_client_begin(s->a, "attach");
	struct line l;
	int r;

	line_put(b, "conf", s->conf);
	line_put(b, "media", "voice");
	line_put(b, "at", ask->at);
	line_put(b, "via", ask->via);
	line_put(b, "capture", ask->capture);
	line_put(b, "mic", ask->mic);
	if ((r = ctl_client_send(s->a, -1)) == 0)
		r = ctl_client_next(s->a, &l, cli_timeout(c, JOIN_MS));
	if (r == 0)
		r = SEC_ERR_CLOSED;
	if (r < 0)
		return agent_fail(c, s->a, r);
	if (strcmp(line_get_or(&l, "what", ""), "attached") == 0)
		r = seat_take_attached(s, &l);
	else
		r = SEC_ERR_FORMAT;
	if (r == 0 && fig9_suite_by_id(s->suite) != NULL &&
	    !cli_flag(c, "insecure-fig9"))
		return emit_error(cli_mode(c), SEC_ERR_DENIED,
		    "%s: its cipher is that of Fig. 9, which leaks speech; "
		    "--insecure-fig9 speaks there all the same",
		    s->name);
	return r == 0 ?
	    0 :
	    emit_error(cli_mode(c), r, "the agent's answer cannot be used: %s",
		sec_strerror(r));
}

int
seat_open(struct seat **out, struct cli *c, const struct seat_ops *ops,
    const struct seat_ask *ask)
{
	struct seat *s = mem_new(sizeof(*s));
	int r;

	s->ops = ops;
	s->gain = 1;
	s->marker = 1;
	s->sound = earcon_click();
	TAILQ_INIT(&s->sounds);
	TAILQ_INIT(&s->stems);
	TAILQ_INIT(&s->speakers);
	if ((r = agent_open(c, &s->a)) != 0 ||
	    (r = join(s, c, ask->conf)) != 0 || (r = attach(s, c, ask)) != 0) {
		seat_close(s, 0);
		return r;
	}
	s->mic = strcmp(ask->mic, "on") == 0;
	*out = s;
	return 0;
}

void
seat_close(struct seat *s, uint64_t end)
{
	struct seat_sound *x;
	struct seat_stem *m;
	struct speaker *k;

	if (s == NULL)
		return;
	if (s->a != NULL && s->sink != NULL)
		TAILQ_FOREACH(k, &s->speakers, entry)
			if (k->told)
				seat_tell_talk(s, k, 0);
	if (s->a != NULL && s->sink != NULL && s->self.told)
		seat_tell_talk(s, &s->self, 0);
	while ((k = TAILQ_FIRST(&s->speakers)) != NULL) {
		TAILQ_REMOVE(&s->speakers, k, entry);
		if (s->sink != NULL)
			seat_tell_figures(s, k);
		speaker_free(k);
	}
	while ((x = TAILQ_FIRST(&s->sounds)) != NULL) {
		TAILQ_REMOVE(&s->sounds, x, entry);
		earcon_free(x->earcon);
		free(x);
	}
	while ((m = TAILQ_FIRST(&s->stems)) != NULL) {
		TAILQ_REMOVE(&s->stems, m, entry);
		stem_close(m->stem, end);
		free(m);
	}
	earcon_free(s->sound);
	encoder_free(s->encoder);
	source_free(s->source);
	sink_free(s->sink);
	ctl_client_close(s->a);
	buf_free(&s->out);
	free(s);
}
