/*
 * What the agent and the device tell each other about a seat: rows come in,
 * events go out, on one connection (sec-control(7)).
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "wire/ids.h"

#include "seat_priv.h"

#define KEY_BYTES 32
#define OUT_MAX	  65536 /* events that a stuck agent has not read */

void
seat_note(const struct seat *s, const char *text, const char *rest)
{
	struct buf b = BUF_INIT;
	char hhmm[16];

	buf_putf(&b, "%s * %s: %s%s\n", clock_hhmm(clock_real(), hhmm), s->name,
	    text, rest);
	s->ops->notice(s->ops->arg, buf_cstr(&b));
	buf_free(&b);
}

struct buf *
seat_event(struct seat *s, const char *verb)
{
	line_begin(&s->out, verb);
	return &s->out;
}

static void
seat_flush(struct seat *s)
{
	ssize_t n;

	while (!s->agent_gone && buf_len(&s->out) > 0) {
		n = send(ctl_client_fd(s->a), buf_data(&s->out),
		    buf_len(&s->out), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return;
		buf_consume(&s->out, (size_t)n);
	}
}

/* One that does not read loses events, not the voice. */
void
seat_event_end(struct seat *s, size_t before)
{
	line_end(&s->out);
	if (s->agent_gone || buf_len(&s->out) > OUT_MAX)
		buf_truncate(&s->out, before);
	seat_flush(s);
}

/* talk q= on=on|off level= lost= jitter= seconds= */
void
seat_tell_talk(struct seat *s, struct speaker *k, int on)
{
	const struct sink_stats *t = sink_stats(s->sink, k->q);
	uint64_t lost, packets = t != NULL ? t->packets : 0;
	size_t before = buf_len(&s->out);
	char q[Q_STRLEN];
	struct buf *b;

	b = seat_event(s, "talk");
	line_put(b, "q", q_format(k->q, q));
	line_put(b, "on", on ? "on" : "off");
	line_putf(b, "level", "%d", speaker_db(k));
	if (on) {
		k->packets = packets;
	} else {
		lost = t != NULL && t->lost > k->lost ? t->lost - k->lost : 0;
		packets -= k->packets;
		/* Per cent of those that were sent meanwhile. */
		line_putf(b, "lost", "%.1f",
		    lost == 0 ?
			0 :
			100.0 * (double)lost / (double)(lost + packets));
		line_putf(b, "jitter", "%.1f", t != NULL ? t->jitter_ms : 0);
		/* Without the pause that showed its end. */
		line_putf(b, "seconds", "%.1f",
		    (double)(k->speech.heard - k->since) / 1000);
	}
	seat_event_end(s, before);
}

/* What the agent does not know yet: it could not say who talks before the
 * roster does, which may be slower than his first packets. */
void
seat_tell_news(struct seat *s, struct speaker *k)
{
	if (k->talking == k->told || (k->talking && k->user[0] == '\0'))
		return;
	k->told = k->talking;
	seat_tell_talk(s, k, k->told);
}

/* How his voice fared, for -v. */
void
seat_tell_figures(struct seat *s, const struct speaker *k)
{
	const struct sink_stats *t = sink_stats(s->sink, k->q);
	const struct playout_stats *p;
	char name[AGENT_SHORT_MAX];
	struct buf b = BUF_INIT;

	if (!s->ops->verbose || t == NULL)
		return;
	buf_putf(&b,
	    "%s: %llu packets, %llu lost, %llu out of order, jitter %.1f ms",
	    agent_short(s->a, name, k->user, 0), (unsigned long long)t->packets,
	    (unsigned long long)t->lost, (unsigned long long)t->misordered,
	    t->jitter_ms);
	if (k->playout != NULL) {
		p = playout_stats(k->playout);
		buf_putf(&b,
		    "; played %llu, restored %llu, concealed %llu, late %llu, "
		    "dropped %llu; ms made up %llu, cut %llu, added %llu",
		    (unsigned long long)p->packets,
		    (unsigned long long)p->restored,
		    (unsigned long long)p->concealed,
		    (unsigned long long)p->late, (unsigned long long)p->dropped,
		    (unsigned long long)p->starved / (AUDIO_RATE / 1000),
		    (unsigned long long)p->shrunk / (AUDIO_RATE / 1000),
		    (unsigned long long)p->grown / (AUDIO_RATE / 1000));
	}
	seat_note(s, buf_cstr(&b), "");
	buf_free(&b);
}

void
seat_set_mic(struct seat *s, int on, const char *by)
{
	size_t before = buf_len(&s->out);
	struct buf *b;

	if (s->mic == on)
		return;
	s->mic = on;
	s->marker = on;
	/* What the encoder still holds of the last time is not said now. */
	encoder_free(s->encoder);
	s->encoder = encoder_new(s->codec);
	b = seat_event(s, "mic");
	line_put(b, "on", on ? "on" : "off");
	line_put(b, "by", by);
	seat_event_end(s, before);
	seat_note(s, on ? "mic on" : "mic off",
	    strcmp(by, "limit") == 0 ? " (its time is over)" : "");
}

void
seat_tell_level(struct seat *s, int in, int out)
{
	size_t before = buf_len(&s->out);
	struct buf *b;

	if (!s->levels)
		return;
	b = seat_event(s, "level");
	line_putf(b, "in", "%d", -in);
	line_putf(b, "out", "%d", -out);
	seat_event_end(s, before);
}

static int
is_on(const struct line *l, const char *key)
{
	return strcmp(line_get_or(l, key, ""), "on") == 0;
}

static struct secret *
key_of(const struct line *l, const char *field)
{
	struct secret *k = secret_new(KEY_BYTES);

	if (line_get_exact(l, field, secret_fill(k), KEY_BYTES) == 0)
		return k;
	secret_free(k);
	return NULL;
}

static void
take_hop(struct seat *s, const struct line *l)
{
	struct secret *k = key_of(l, "hop");

	if (k == NULL)
		return;
	source_set_hop(s->source, k);
	sink_set_hop(s->sink, k);
	secret_free(k);
}

/* Packets that waited for the key. */
static void
hear_waiting(struct seat *s)
{
	struct rtp_frame f;
	int64_t came;

	while (sink_next(s->sink, clock_mono(), seat_server_time(s), &f,
		   &came) == 0)
		seat_hear(s, &f, came * 1000);
}

static int
take_epoch(struct seat *s, const struct line *l)
{
	int64_t now = clock_mono(), wait = agent_int(l, "wait");
	struct secret *k = key_of(l, "key");
	uint64_t epoch;
	int r = SEC_ERR_FORMAT;

	if (k != NULL && line_get_u64(l, "epoch", &epoch) == 0 &&
	    epoch <= UINT32_MAX &&
	    (r = sink_set_epoch(s->sink, (uint32_t)epoch, k, now)) == 0)
		r = source_set_epoch(s->source, (uint32_t)epoch, k,
		    wait > 0 ? now + wait : 0);
	secret_free(k);
	if (r == 0)
		hear_waiting(s);
	return r;
}

static enum seat_mode
mode_of(const char *word)
{
	return strcmp(word, "earcon") == 0 ? SEAT_EARCON :
	    strcmp(word, "light") == 0	   ? SEAT_LIGHT :
	    strcmp(word, "alert") == 0	   ? SEAT_ALERT :
					     SEAT_HEAR;
}

static float
gain_of(const struct line *l)
{
	int64_t db = agent_int(l, "vol");

	return level_gain(db < -200 || db > 200 ? 0 : (int)db);
}

/* row what=attached: everything that a device needs. 0 or SEC_ERR_*. */
int
seat_take_attached(struct seat *s, const struct line *l)
{
	struct source_id id = { 0 };
	const char *suite = line_get_or(l, "suite", "");
	uint64_t ptime = 20;
	int r;

	s->suite = (uint16_t)strtoul(suite, NULL, 16);
	(void)line_get_u64(l, "ptime", &ptime);
	if (confid_parse(&s->cid, line_get_or(l, "cid", "")) != 0 ||
	    q_parse(&s->q, line_get_or(l, "q", "")) != 0 ||
	    addr_parse(&s->media, line_get_or(l, "media", "")) != 0 ||
	    codec_parse(&s->codec, line_get_or(l, "codec", "opus")) != 0 ||
	    ptime != 20)
		return SEC_ERR_FORMAT;
	text_copy(s->conf, line_get_or(l, "conf", s->conf), sizeof(s->conf));
	text_copy(s->me, line_get_or(l, "me", ""), sizeof(s->me));
	agent_short(s->a, s->name, s->conf, 0);
	s->offset = agent_int(l, "offset");
	s->mode = mode_of(line_get_or(l, "mode", "hear"));
	s->gain = gain_of(l);
	s->no_level = strcmp(line_get_or(l, "level", "on"), "off") == 0;
	s->self.q = s->q;
	text_copy(s->self.user, s->me, sizeof(s->self.user));
	id.conf = s->cid;
	id.q = s->q;
	id.suite = s->suite;
	id.size = codec_size(s->codec, AUDIO_FRAME);
	id.pt = (uint8_t)codec_pt(s->codec);
	if ((r = source_new(&s->source, &id)) != 0 ||
	    (r = sink_new(&s->sink, s->cid, s->q, s->suite,
		 codec_ticks(s->codec, AUDIO_RATE))) != 0)
		return r;
	s->encoder = encoder_new(s->codec);
	take_hop(s, l);
	if ((r = take_epoch(s, l)) != 0)
		return r;
	(void)source_fill(s->source, 50);
	return source_is_ready(s->source) ? 0 : SEC_ERR_FORMAT;
}

static void
on_media(struct seat *s, const struct line *l)
{
	struct addr a;

	if (addr_parse(&a, line_get_or(l, "media", "")) == 0)
		s->media = a;
	take_hop(s, l);
	s->hop_at = 0;
}

static void
on_peer(struct seat *s, const struct line *l)
{
	struct speaker *k;
	uint32_t q;

	if (q_parse(&q, line_get_or(l, "q", "")) != 0 || q == s->q)
		return;
	k = seat_speaker(s, q);
	k->in = strcmp(line_get_or(l, "state", "in"), "in") == 0;
	if (k->in)
		sink_expect(s->sink, q, codec_size(s->codec, AUDIO_FRAME),
		    clock_mono());
	/* Who has left may come without his name; it stays what it was. */
	if (line_get(l, "user") != NULL)
		text_copy(k->user, line_get(l, "user"), sizeof(k->user));
	if (k->user[0] == '\0')
		text_copy(k->user, "?", sizeof(k->user));
	seat_tell_news(s, k);
}

static void
on_policy(struct seat *s, const struct line *l)
{
	s->no_level = strcmp(line_get_or(l, "level", "on"), "off") == 0;
}

static void
on_hear(struct seat *s, const struct line *l)
{
	s->mode = mode_of(line_get_or(l, "mode", "hear"));
	s->gain = gain_of(l);
	s->unfocused = strcmp(line_get_or(l, "focus", "on"), "off") == 0;
	s->held = strcmp(line_get_or(l, "focus", "on"), "held") == 0;
	s->mute = is_on(l, "mute");
}

static void
set_sound(struct seat *s, struct earcon **sound, const char *file)
{
	struct earcon *e = NULL;
	int r;

	if (strcmp(file, "click") == 0)
		e = earcon_click();
	else if (strcmp(file, "none") != 0 &&
	    (r = earcon_load(&e, file)) != 0) {
		seat_note(s, file,
		    r == SEC_ERR_SYS ? ": cannot be read" : ": no sound");
		e = earcon_click();
	}
	earcon_free(*sound);
	*sound = e;
}

static void
on_sound(struct seat *s, const struct line *l)
{
	const char *user = line_get_or(l, "user", "conf");
	const char *file = line_get_or(l, "file", "click");
	struct seat_sound *x;

	if (strcmp(user, "conf") == 0) {
		set_sound(s, &s->sound, file);
		s->silent = strcmp(file, "none") == 0;
		return;
	}
	TAILQ_FOREACH(x, &s->sounds, entry)
		if (strcmp(x->user, user) == 0)
			break;
	if (x == NULL) {
		x = mem_new(sizeof(*x));
		text_copy(x->user, user, sizeof(x->user));
		TAILQ_INSERT_TAIL(&s->sounds, x, entry);
	}
	set_sound(s, &x->earcon, file);
}

static void
on_addressed(struct seat *s, const struct line *l)
{
	char name[AGENT_SHORT_MAX];

	if (s->mode != SEAT_ALERT)
		return;
	s->alert_until = clock_mono() + SEAT_ALERT_MS;
	s->alert.talking = 0;
	(void)earcon_speak(&s->alert, s->silent ? NULL : s->sound, 1);
	seat_note(s, "you were named by ",
	    agent_short(s->a, name, line_get(l, "user"), 0));
}

static void
on_back(struct seat *s, const struct line *l)
{
	struct buf b = BUF_INIT;

	buf_putf(&b, "%s s", line_get_or(l, "seconds", "some"));
	seat_note(s, "voice is back after ", buf_cstr(&b));
	buf_free(&b);
}

static void
on_end(struct seat *s, const char *why)
{
	/* The conference may go on: with other media, or without me. */
	s->over = 1;
	text_copy(s->why,
	    *why == '\0'		 ? "ended" :
		strcmp(why, "left") == 0 ? "you have left" :
					   why,
	    sizeof(s->why));
	seat_note(s, s->why, "");
}

static void
on_row(struct seat *s, const struct line *l)
{
	const char *what = line_get_or(l, "what", "");

	if (strcmp(what, "epoch") == 0)
		(void)take_epoch(s, l);
	else if (strcmp(what, "media") == 0)
		on_media(s, l);
	else if (strcmp(what, "peer") == 0)
		on_peer(s, l);
	else if (strcmp(what, "mic") == 0)
		s->ops->mic(s->ops->arg, s, is_on(l, "on"),
		    agent_int(l, "t") * 1000);
	else if (strcmp(what, "hear") == 0)
		on_hear(s, l);
	else if (strcmp(what, "policy") == 0)
		on_policy(s, l);
	else if (strcmp(what, "sound") == 0)
		on_sound(s, l);
	else if (strcmp(what, "levels") == 0)
		s->levels = is_on(l, "on");
	else if (strcmp(what, "addressed") == 0)
		on_addressed(s, l);
	else if (strcmp(what, "interrupted") == 0)
		seat_note(s, "voice interrupted", "");
	else if (strcmp(what, "back") == 0)
		on_back(s, l);
	else if (strcmp(what, "end") == 0)
		on_end(s, line_get_or(l, "reason", ""));
}

int
seat_fd(const struct seat *s)
{
	return s->agent_gone || s->over ? -1 : ctl_client_fd(s->a);
}

short
seat_events(const struct seat *s)
{
	return (short)(POLLIN | (buf_len(&s->out) > 0 ? POLLOUT : 0));
}

void
seat_turn(struct seat *s, short revents)
{
	struct line l;
	int r;

	if (s->agent_gone || s->over)
		return;
	if (revents & POLLOUT)
		seat_flush(s);
	if ((revents & ~POLLOUT) == 0 && !ctl_client_pending(s->a))
		return;
	do {
		r = ctl_client_next(s->a, &l, 0);
		if (r == 1)
			on_row(s, &l);
		else if (r == 0)
			on_end(s, "");
		else if (r != SEC_ERR_TIMEOUT &&
		    !(r == SEC_ERR_SYS && errno == EINTR))
			s->agent_gone = 1;
	} while (!s->over && !s->agent_gone && ctl_client_pending(s->a));
}
