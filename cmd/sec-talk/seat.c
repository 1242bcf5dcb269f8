/*
 * One device in one conference.
 *
 *	agent --rows--> seat --events--> agent
 *	samples --> encoder --> source --> MCU --> sink --> speaker --> mix
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mix.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/fig9.h"
#include "wire/ids.h"

#include "seat.h"

#define JOIN_MS	  10000 /* -T when not given */
#define HOP_MS	  500
#define WARN_MS	  60000
#define PADS_TURN 4 /* made in one turn */
#define TALK_GAP  400 /* ms without packets: he has ended */
#define FORGET_MS 30000 /* one whom the roster never named, or not again */
#define KEY_BYTES 32
#define OUT_MAX	  65536 /* events that a stuck agent has not read */

/* --- words --- */

static void
note(const struct seat *s, const char *text, const char *rest)
{
	struct buf b = BUF_INIT;
	char hhmm[16];

	buf_putf(&b, "%s * %s: %s%s\n", clock_hhmm(clock_real(), hhmm), s->name,
	    text, rest);
	s->ops->notice(s->ops->arg, buf_cstr(&b));
	buf_free(&b);
}

static struct buf *
event_begin(struct seat *s, const char *verb)
{
	line_begin(&s->out, verb);
	return &s->out;
}

static void
flush(struct seat *s)
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
static void
event_end(struct seat *s, size_t before)
{
	line_end(&s->out);
	if (s->agent_gone || buf_len(&s->out) > OUT_MAX)
		buf_truncate(&s->out, before);
	flush(s);
}

/* --- speakers --- */

static struct speaker *
speaker_of(struct seat *s, uint32_t q)
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

/* talk q= on=on|off level= lost= jitter= seconds= */
static void
tell_talk(struct seat *s, struct speaker *k, int on)
{
	const struct sink_stats *t = sink_stats(s->sink, k->q);
	uint64_t lost, packets = t != NULL ? t->packets : 0;
	size_t before = buf_len(&s->out);
	char q[Q_STRLEN];
	struct buf *b;

	b = event_begin(s, "talk");
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
	event_end(s, before);
}

/* What the agent does not know yet: it could not say who talks before the
 * roster does, which may be slower than his first packets. */
static void
tell_news(struct seat *s, struct speaker *k)
{
	if (k->talking == k->told || (k->talking && k->user[0] == '\0'))
		return;
	k->told = k->talking;
	tell_talk(s, k, k->told);
}

static void
tell_level(struct seat *s, struct speaker *k, int level, int64_t now)
{
	if (speaker_level(k, level, now, lost_of(s, k->q)) != 0)
		tell_news(s, k);
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

/* --- packets in --- */

static void
hear(struct seat *s, const struct rtp_frame *f, int64_t came)
{
	struct speaker *k = speaker_of(s, f->q);
	int64_t now = came / 1000;

	tell_level(s, k, f->level, now);
	if (!is_played(s, now))
		return;
	if (k->playout == NULL)
		k->playout = playout_new(s->codec, PLAYOUT_FLOOR_US);
	if (f->pt == codec_pt(s->codec))
		(void)playout_put(k->playout, f->ts, f->marker, f->payload,
		    f->n, came);
}

static int64_t
server_time(const struct seat *s)
{
	return clock_real() + s->offset;
}

void
seat_datagram(struct seat *s, const uint8_t *p, size_t n, int64_t came)
{
	struct hop_packet h;
	struct rtp_frame f;

	if (hop_is(p, n))
		(void)sink_hop(s->sink, p, n, &h);
	else if (sink_packet(s->sink, p, n, came / 1000, server_time(s), &f) ==
	    0)
		hear(s, &f, came);
}

void
seat_tick(struct seat *s, int64_t now)
{
	struct speaker *k;

	TAILQ_FOREACH(k, &s->speakers, entry)
		if (k->talking && now - k->came > TALK_GAP)
			tell_level(s, k, -1, now);
	if (s->self.talking && (!s->mic || now - s->self.came > TALK_GAP))
		tell_level(s, &s->self, -1, now);
	(void)sink_tick(s->sink, now);
	source_tick(s->source, now);
	(void)source_fill(s->source, PADS_TURN);
	if (fig9_suite_by_id(s->suite) != NULL && now >= s->warned) {
		note(s, "INSECURE: Fig. 9 pads leak speech (sec-protocol(7))",
		    "");
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
	tell_level(s, &s->self, f.level, now);
	n = source_packet(s->source, &f, now, server_time(s), out);
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
	return source_hop(s->source, rows, n, out);
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
	b = event_begin(s, "mic");
	line_put(b, "on", on ? "on" : "off");
	line_put(b, "by", by);
	event_end(s, before);
	note(s, on ? "mic on" : "mic off",
	    strcmp(by, "limit") == 0 ? " (its time is over)" : "");
}

void
seat_tell_level(struct seat *s, int in, int out)
{
	size_t before = buf_len(&s->out);
	struct buf *b;

	if (!s->levels)
		return;
	b = event_begin(s, "level");
	line_putf(b, "in", "%d", -in);
	line_putf(b, "out", "%d", -out);
	event_end(s, before);
}

/* --- mixing --- */

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
			note(s, "cannot make a stem: ", strerror(errno));
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
		note(s, "cannot write a stem: ", strerror(errno));
		stem_close(k->stem->stem, 0);
		k->stem->stem = NULL;
	}
}

/* How his voice fared, for -v. */
static void
tell_figures(struct seat *s, const struct speaker *k)
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
	note(s, buf_cstr(&b), "");
	buf_free(&b);
}

/* His voice, decoded once for ear and file. */
static int
mix_voice(struct seat *s, struct speaker *k, float *sum, size_t n, int64_t at,
    uint64_t place)
{
	int16_t out[AUDIO_FRAME];

	if (k->playout == NULL || !playout_get(k->playout, out, n, at))
		return 0;
	if (s->ops->stems != NULL)
		write_stem(s, k, out, n, place);
	if (!seat_is_heard(s, at / 1000))
		return 0;
	mix_add(sum, out, n, s->gain);
	return 1;
}

static int
mix_sounds(struct seat *s, struct speaker *k, float *sum, size_t n)
{
	const struct earcon *e = sound_of(s, k);

	(void)earcon_speak(&k->player, e, k->talking);
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
		sound |= mix_sounds(s, k, sum, n);
		if (is_gone(k, at / 1000)) {
			TAILQ_REMOVE(&s->speakers, k, entry);
			tell_figures(s, k);
			sink_forget(s->sink, k->q);
			if (k->stem != NULL)
				k->stem->taken = 0;
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

/* --- rows --- */

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

	while (sink_next(s->sink, clock_mono(), server_time(s), &f, &came) == 0)
		hear(s, &f, came * 1000);
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

static int
number(const char *s, int def)
{
	char *end;
	long n;

	if (s == NULL || *s == '\0')
		return def;
	n = strtol(s, &end, 10);
	return *end != '\0' || n < -200 || n > 200 ? def : (int)n;
}

/* row what=attached: everything that a device needs. 0 or SEC_ERR_*. */
static int
on_attached(struct seat *s, const struct line *l)
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
	s->offset = strtoll(line_get_or(l, "offset", "0"), NULL, 10);
	s->mode = mode_of(line_get_or(l, "mode", "hear"));
	s->gain = level_gain(number(line_get(l, "vol"), 0));
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
	k = speaker_of(s, q);
	k->in = strcmp(line_get_or(l, "state", "in"), "in") == 0;
	/* Who has left may come without his name; it stays what it was. */
	if (line_get(l, "user") != NULL)
		text_copy(k->user, line_get(l, "user"), sizeof(k->user));
	if (k->user[0] == '\0')
		text_copy(k->user, "?", sizeof(k->user));
	tell_news(s, k);
}

static void
on_hear(struct seat *s, const struct line *l)
{
	s->mode = mode_of(line_get_or(l, "mode", "hear"));
	s->gain = level_gain(number(line_get(l, "vol"), 0));
	s->unfocused = strcmp(line_get_or(l, "focus", "on"), "off") == 0;
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
		note(s, file,
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
	note(s, "you were named by ",
	    agent_short(s->a, name, line_get(l, "user"), 0));
}

static void
on_back(struct seat *s, const struct line *l)
{
	struct buf b = BUF_INIT;

	buf_putf(&b, "%s s", line_get_or(l, "seconds", "some"));
	note(s, "voice is back after ", buf_cstr(&b));
	buf_free(&b);
}

static void
on_end(struct seat *s, const char *why)
{
	s->over = 1;
	note(s, "ended", "");
	if (*why != '\0')
		note(s, why, "");
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
	else if (strcmp(what, "sound") == 0)
		on_sound(s, l);
	else if (strcmp(what, "levels") == 0)
		s->levels = is_on(l, "on");
	else if (strcmp(what, "addressed") == 0)
		on_addressed(s, l);
	else if (strcmp(what, "interrupted") == 0)
		note(s, "voice interrupted", "");
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
		flush(s);
	if ((revents & ~POLLOUT) == 0 && !ctl_client_pending(s->a))
		return;
	do {
		r = ctl_client_next(s->a, &l, 0);
		if (r == 1)
			on_row(s, &l);
		else if (r == 0)
			s->over = 1;
		else if (r != SEC_ERR_TIMEOUT &&
		    !(r == SEC_ERR_SYS && errno == EINTR))
			s->agent_gone = 1;
	} while (!s->over && !s->agent_gone && ctl_client_pending(s->a));
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
	r = agent_rows(s->a, cli_timeout(c, JOIN_MS), NULL, NULL, &ok);
	if (r != 0)
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
		r = on_attached(s, &l);
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
				tell_talk(s, k, 0);
	if (s->a != NULL && s->sink != NULL && s->self.told)
		tell_talk(s, &s->self, 0);
	while ((k = TAILQ_FIRST(&s->speakers)) != NULL) {
		TAILQ_REMOVE(&s->speakers, k, entry);
		if (s->sink != NULL)
			tell_figures(s, k);
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
