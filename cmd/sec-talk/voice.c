/*
 * The voice device.
 *
 *	capture --20 ms--> the seat whose mic is on --> its MCU
 *	MCUs --> socket --> seat by conference id --> its speakers
 *	all speakers of all seats --10 ms--> mix --> render
 *
 * One timer of 10 ms is the clock of all of it. A turn that comes late makes
 * up for what it missed.
 */
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/mix.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/random.h"

#include "capture.h"
#include "meter.h"
#include "port.h"
#include "render.h"
#include "seat.h"
#include "signals.h"
#include "voice.h"

#define PIECE	     (AUDIO_FRAME / 2)
#define PIECE_US     10000
#define TICKS_MAX    100 /* made up for at once; more is another time */
#define DATAGRAMS    256 /* read in one turn */
#define LEVEL_MS     100
#define MIC_LIMIT_MS 120000 /* a mic that nobody speaks into */
#define ORPHAN_MS    30000 /* media goes on without the agent */
#define SEATS_MAX    (VOICE_POLLS - POLLS_OWN)
#define POLLS_OWN    4 /* clock, port, input, output; then the seats */
#define STARVED_US   200000 /* that a pipe may be late, as one speech */
#define FRAME_US     20000
#define EARLY_US     10000 /* a live source may be ahead of our clock */
#define FOCUS_MS     2000
#define HOLD_MS	     400

struct voice {
	struct cli *c;
	struct voice_set set;
	struct seat_ops ops;
	struct port port;
	int timer;
	struct seat *seat[SEATS_MAX];
	size_t n;
	struct capture *capture;
	struct render *render;
	struct meter *meter;
	int mic; /* seat that hears us, -1 */
	int last_mic; /* where it was last */
	int focus; /* seat chosen by key, -1 */
	int64_t pressed; /* mono ms: the space bar */
	int latched;
	int64_t mic_until; /* mono ms: it is closed then, 0: not by time */
	int mic_is_agents; /* sec-mix has opened it */
	int64_t spoke; /* mono ms: when anything was said into it */
	int captured; /* reading has begun */
	int64_t due; /* mono us: when the next frame may be said */
	int input_over;
	int in_level, out_level;
	int64_t level_at;
	int64_t stop_at; /* mono ms, -1 */
	int64_t orphan_at; /* mono ms, 0: the agent is there */
	uint64_t ticks; /* since the beginning */
	float gain; /* the limiter's */
	int16_t heard[AUDIO_FRAME]; /* of the last 20 ms */
	int slow; /* told that the reader is */
	int over, code;
};

static void
end(struct voice *v, int code)
{
	if (!v->over)
		v->code = code;
	v->over = 1;
}

static void
notice(void *arg, const char *line)
{
	struct voice *v = arg;

	if (v->set.notice != NULL)
		v->set.notice(v->set.arg, line);
	else if (v->meter != NULL)
		meter_print(v->meter, line);
	else if (cli_mode(v->c) == EMIT_TABLE)
		emit_write(STDERR_FILENO, line, strlen(line));
}

/* --- packets --- */

static struct seat *
seat_of(struct voice *v, uint64_t cid)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (v->seat[i]->cid == cid)
			return v->seat[i];
	return NULL;
}

static void
receive(struct voice *v)
{
	uint8_t p[RTP_MAX + 1];
	struct seat *s;
	uint64_t cid;
	int64_t came;
	size_t n;
	int i;

	for (i = 0; i < DATAGRAMS; i++) {
		if ((n = port_receive(&v->port, p, sizeof(p), &came)) == 0)
			return;
		if (sink_peek(p, n, &cid) == 0 && (s = seat_of(v, cid)) != NULL)
			seat_datagram(s, p, n, came);
	}
}

/* --- the mic --- */

static int
is_card(const struct voice *v)
{
	return capture_kind(v->capture) == CAPTURE_CARD;
}

/* At most one seat hears us; -1: none. latched: it stays on, whether anybody
 * speaks or not; else for ms at most, 0: no bound. */
static void
set_mic(struct voice *v, int at, int latched, int64_t ms, const char *by)
{
	size_t i;

	if (capture_kind(v->capture) == CAPTURE_NONE)
		return;
	v->latched = latched;
	v->spoke = clock_mono();
	v->mic_until = ms > 0 ? v->spoke + ms : 0;
	v->mic_is_agents = strcmp(by, "agent") == 0;
	if (at == v->mic)
		return;
	/* Off before on, so that no two are ever open. */
	for (i = 0; i < v->n; i++)
		if ((int)i != at)
			seat_set_mic(v->seat[i], 0, by);
	v->mic = at;
	v->in_level = LEVEL_SILENCE;
	if (at < 0) {
		capture_rest(v->capture);
		return;
	}
	v->last_mic = at;
	capture_flush(v->capture);
	seat_set_mic(v->seat[at], 1, by);
}

static void
on_mic(void *arg, struct seat *s, int on, int64_t ms)
{
	struct voice *v = arg;
	size_t i;

	for (i = 0; i < v->n && v->seat[i] != s; i++)
		;
	if (i == v->n)
		return;
	/* A file or pipe speaks into the first conference only. */
	if (on && (is_card(v) || i == 0))
		set_mic(v, (int)i, 0, ms, "agent");
	else if (!on && v->mic == (int)i)
		set_mic(v, -1, 0, 0, "agent");
}

void
voice_toggle_mic(struct voice *v)
{
	set_mic(v, v->mic >= 0 ? -1 : v->last_mic, 0, 0, "key");
}

/* A card's mic that was opened and forgotten closes by itself. */
static void
check_mic(struct voice *v, int64_t now)
{
	if (v->mic < 0)
		return;
	if (v->seat[v->mic]->self.talking)
		v->spoke = now;
	if ((v->mic_until > 0 && now >= v->mic_until) ||
	    (is_card(v) && !v->latched && now - v->spoke > MIC_LIMIT_MS))
		set_mic(v, -1, 0, 0, "limit");
}

/* --- 20 ms of speech --- */

static void
silence(struct voice *v)
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

	if (v->mic < 0)
		return;
	v->in_level = level_of(s, AUDIO_FRAME);
	n = seat_say(v->seat[v->mic], s, now, p);
	if (n > 0)
		port_send(&v->port, &v->seat[v->mic]->media, p, n);
}

static int
may_capture(struct voice *v)
{
	if (v->input_over || v->n == 0)
		return 0;
	if (is_card(v))
		return v->mic >= 0;
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

	if (v->due != 0 && late > STARVED_US && v->mic >= 0) {
		s = v->seat[v->mic];
		s->ts += codec_ticks(s->codec,
		    (size_t)(late / FRAME_US) * AUDIO_FRAME);
		s->marker = 1;
	}
	v->due = (late > 0 ? at : v->due) + FRAME_US;
}

/*
 * One frame, if there is one and it is time for it. A live source gives them
 * by its own clock, and each is sent at once; a file would give all now.
 */
static void
capture_some(struct voice *v, int64_t at)
{
	int16_t s[AUDIO_FRAME];
	char why[256];
	int r;

	if (!may_capture(v) || at < v->due - EARLY_US)
		return;
	r = capture_frame(v->capture, s,
	    render_kind(v->render) == RENDER_CARD ? v->heard : NULL);
	if (r == 0)
		return;
	if (r == 1) {
		keep_pace(v, at);
		say(v, s, at / 1000);
	} else if (is_card(v)) {
		snprintf(why, sizeof(why), "! the microphone has gone (%s)\n",
		    capture_name(v->capture));
		notice(v, why);
		set_mic(v, -1, 0, 0, "agent");
		v->input_over = 1;
	} else if (r == SEC_ERR_CLOSED) {
		v->input_over = 1;
		/* With -t it stays to hear the answer. */
		if (v->stop_at < 0)
			end(v, 0);
	} else
		end(v, emit_error(cli_mode(v->c), r, "cannot read the input"));
	explicit_bzero(s, sizeof(s));
}

/* --- 10 ms of hearing --- */

static void
render_failed(struct voice *v, int r)
{
	char text[128];

	if (render_kind(v->render) == RENDER_CARD) {
		snprintf(text, sizeof(text),
		    "! the loudspeaker has gone (%s)\n",
		    render_name(v->render));
		notice(v, text);
		render_close(v->render);
		(void)render_open(&v->render, "null", WAV_RAW, AUDIO_RATE,
		    text);
		v->ops.renders = 0;
	} else if (r == SEC_ERR_CLOSED)
		end(v, 128 + SIGPIPE);
	else
		end(v,
		    emit_error(cli_mode(v->c), r, "cannot write: %s",
			strerror(errno)));
}

static void
mix(struct voice *v, int64_t at)
{
	float sum[PIECE];
	int16_t out[PIECE];
	size_t i;
	int r;

	mix_clear(sum, PIECE);
	for (i = 0; i < v->n; i++)
		(void)seat_mix(v->seat[i], sum, PIECE, at,
		    v->ticks * (uint64_t)PIECE);
	if (v->ops.renders)
		mix_get(sum, out, PIECE, &v->gain);
	explicit_bzero(sum, sizeof(sum));
	if (!v->ops.renders)
		return;
	v->out_level = level_of(out, PIECE);
	memmove(v->heard, v->heard + PIECE, PIECE * sizeof(*out));
	memcpy(v->heard + PIECE, out, PIECE * sizeof(*out));
	r = render_put(v->render, out, PIECE);
	explicit_bzero(out, sizeof(out));
	if (r != 0)
		render_failed(v, r);
	else if (render_lost(v->render) > 0 && !v->slow) {
		v->slow = 1;
		notice(v,
		    "! the reader of the output is too slow; sound is "
		    "lost\n");
	}
}

/* --- the clock --- */

static void
drop_seat(struct voice *v, size_t i)
{
	seat_close(v->seat[i], v->ticks * (uint64_t)PIECE);
	memmove(v->seat + i, v->seat + i + 1, (--v->n - i) * sizeof(*v->seat));
	if (v->mic == (int)i) {
		v->mic = -1;
		v->in_level = LEVEL_SILENCE;
		capture_rest(v->capture);
	} else if (v->mic > (int)i)
		v->mic--;
	v->focus = -1;
	if (v->last_mic > (int)i)
		v->last_mic--;
	if (v->last_mic >= (int)v->n)
		v->last_mic = 0;
}

static int
has_more_to_say(const struct voice *v)
{
	return capture_kind(v->capture) == CAPTURE_FILE && !v->input_over;
}

static void
check_seats(struct voice *v, int64_t now)
{
	char name[AGENT_SHORT_MAX] = "", why[96] = "";
	int gone = 0, first = 0;
	size_t i;

	for (i = 0; i < v->n; i++)
		if (v->seat[i]->over) {
			if (i == 0 && !first) {
				first = 1;
				text_copy(name, v->seat[0]->name, sizeof(name));
				text_copy(why, v->seat[0]->why, sizeof(why));
			}
			drop_seat(v, i--);
		} else
			gone |= v->seat[i]->agent_gone;
	if (v->n == 0 || (first && has_more_to_say(v)))
		end(v,
		    has_more_to_say(v) ?
			emit_error(cli_mode(v->c), SEC_ERR_NOTHING,
			    "%s: %s; not everything was said", name, why) :
			0);
	if (gone && v->orphan_at == 0) {
		v->orphan_at = now + ORPHAN_MS;
		/* Nobody is left who could close it. */
		if (is_card(v) && v->mic_is_agents)
			set_mic(v, -1, 0, 0, "agent");
	}
	if (v->orphan_at > 0 && now >= v->orphan_at)
		end(v,
		    emit_error(cli_mode(v->c), SEC_ERR_UNREACHABLE,
			"session lost; come back with sec-login"));
}

/* -t has passed. What waited for listeners (-n) was not said then, and who
 * has it said must hear of that. */
static void
time_is_over(struct voice *v)
{
	if (!has_more_to_say(v) || v->captured || v->set.others == 0) {
		end(v, 0);
		return;
	}
	end(v,
	    emit_error(cli_mode(v->c), SEC_ERR_TIMEOUT,
		"nothing was said: of %u other devices %u were there",
		v->set.others, seat_others(v->seat[0])));
}

static void
draw(struct voice *v, int64_t now)
{
	struct meter_view view = { v->seat, v->n, v->mic, v->latched,
		v->in_level, now };

	if (v->meter != NULL)
		meter_draw(v->meter, &view);
}

static void
tell_levels(struct voice *v, int64_t now)
{
	size_t i;

	if (now < v->level_at)
		return;
	v->level_at = now + LEVEL_MS;
	for (i = 0; i < v->n; i++)
		seat_tell_level(v->seat[i],
		    (int)i == v->mic ? v->in_level : LEVEL_SILENCE,
		    v->out_level);
	draw(v, now);
}

static void
tick(struct voice *v, int64_t at)
{
	int64_t now = at / 1000;
	uint8_t p[HOP_MAX];
	size_t i, n;

	if (v->ticks % 2 == 0)
		silence(v);
	capture_some(v, at);
	for (i = 0; i < v->n; i++) {
		if ((n = seat_hop(v->seat[i], now, p)) > 0)
			port_send(&v->port, &v->seat[i]->media, p, n);
		seat_tick(v->seat[i], now);
	}
	mix(v, at);
	v->ticks++;
	check_mic(v, now);
	tell_levels(v, now);
	if (v->stop_at > 0 && now >= v->stop_at)
		time_is_over(v);
}

static void
on_timer(struct voice *v)
{
	int64_t now = clock_mono_us(), at;
	uint64_t n;

	if (read(v->timer, &n, sizeof(n)) != sizeof(n))
		return;
	if (n > TICKS_MAX)
		n = TICKS_MAX;
	/* Each at its own time, the last one now. */
	for (at = now - (int64_t)(n - 1) * PIECE_US; n > 0 && !v->over;
	     n--, at += PIECE_US)
		tick(v, at);
	check_seats(v, now / 1000);
}

/* --- waiting --- */

size_t
voice_polls(struct voice *v, struct pollfd p[VOICE_POLLS])
{
	size_t i, n = 0;

	p[n++] = (struct pollfd) { v->timer, POLLIN, 0 };
	p[n++] = (struct pollfd) { v->port.fd, POLLIN, 0 };
	p[n++] = (struct pollfd) { may_capture(v) ? capture_fd(v->capture) : -1,
		POLLIN, 0 };
	p[n++] = (struct pollfd) { render_fd(v->render), POLLOUT, 0 };
	for (i = 0; i < v->n; i++)
		p[n++] = (struct pollfd) { seat_fd(v->seat[i]),
			seat_events(v->seat[i]), 0 };
	return n;
}

void
voice_turn(struct voice *v, const struct pollfd *p, size_t n)
{
	char why[256];
	size_t i;
	int r;

	/* News first: a key may be among it that packets need. What came with
	 * the answer to `attach` is there without being announced. */
	for (i = POLLS_OWN; i < n && !v->over; i++)
		seat_turn(v->seat[i - POLLS_OWN], p[i].revents);
	if (p[1].revents != 0)
		receive(v);
	if (p[2].revents != 0 && !v->over &&
	    (r = capture_input(v->capture, why)) != 0)
		end(v, emit_error(cli_mode(v->c), r, "%s", why));
	if (p[2].revents != 0 && !v->over)
		capture_some(v, clock_mono_us());
	if (p[3].revents != 0 && !v->over && (r = render_flush(v->render)) != 0)
		render_failed(v, r);
	if (p[0].revents != 0 && !v->over)
		on_timer(v);
}

int
voice_is_over(const struct voice *v, int *code)
{
	*code = v->code;
	return v->over;
}

/* --- keys --- */

/* As sec-mix does it; the same key again: all of them. */
static void
focus(struct voice *v, int i)
{
	struct ctl_client *a;

	if (i >= (int)v->n || agent_open(v->c, &a) != 0)
		return;
	if (v->focus == i) {
		(void)ctl_client_begin(a, "all");
		v->focus = -1;
	} else {
		line_put(ctl_client_begin(a, "focus"), "conf",
		    v->seat[i]->conf);
		v->focus = v->last_mic = i;
	}
	(void)agent_rows(a, FOCUS_MS, NULL, NULL, NULL);
	ctl_client_close(a);
}

static void
on_key(struct voice *v, char key)
{
	if (key == ' ') {
		voice_toggle_mic(v);
		v->pressed = clock_mono();
	} else if (key == METER_UP) {
		/* Held, it was for talking; a short one has switched it. */
		if (v->mic >= 0 && !v->latched &&
		    clock_mono() - v->pressed > HOLD_MS)
			set_mic(v, -1, 0, 0, "key");
	} else if (key == 'm' && v->mic >= 0 && v->latched)
		set_mic(v, -1, 0, 0, "key");
	else if (key == 'm')
		set_mic(v, v->mic >= 0 ? v->mic : v->last_mic, 1, 0, "key");
	else if (key == 'q')
		end(v, 0);
	else if (key >= '1' && key <= '9')
		focus(v, key - '1');
	draw(v, clock_mono());
}

static void
on_keys(struct voice *v)
{
	char keys[32];
	int i, n = meter_keys(v->meter, keys, (int)sizeof(keys));

	if (n < 0)
		end(v, 0);
	for (i = 0; i < n && !v->over; i++)
		on_key(v, keys[i]);
}

/* "! ALSA default, 48 kHz.  mic OFF.   space: mic on/off ..." */
static void
open_meter(struct voice *v)
{
	struct buf b = BUF_INIT;

	/* The notices of others' terminals are not ours. */
	if (v->set.notice != NULL || cli_mode(v->c) != EMIT_TABLE)
		return;
	buf_put_str(&b, "! ");
	if (is_card(v))
		buf_putf(&b, "ALSA %s, 48 kHz.  ", capture_name(v->capture));
	if (capture_kind(v->capture) != CAPTURE_NONE)
		buf_putf(&b, "mic %s.   space: mic on/off   m: leave mic on   ",
		    v->mic >= 0 ? "ON" : "OFF");
	buf_putf(&b, "%sq: quit\n", v->n > 1 ? "1-9: focus   " : "");
	v->meter = meter_open(buf_cstr(&b));
	buf_free(&b);
}

/* What signals have said of the terminal. */
static void
look_after(struct voice *v)
{
	if (v->meter != NULL && signal_stopping) {
		meter_suspend(v->meter);
		signals_stop();
		meter_resume(v->meter);
	} else if (v->meter != NULL && signal_going_on)
		meter_resume(v->meter);
	else if (v->meter != NULL && signal_resized)
		meter_resize(v->meter);
	signal_stopping = signal_going_on = signal_resized = 0;
}

/* The end of the sound may still be on its way to a disk or a pipe. */
static void
finish(struct voice *v)
{
	int r = render_finish(v->render);

	if (r == SEC_ERR_DISK && v->code == 0)
		v->code = emit_error(cli_mode(v->c), r, "cannot write: %s",
		    strerror(errno));
}

int
voice_run(struct voice *v)
{
	struct pollfd p[VOICE_POLLS + 1];
	size_t n;

	if (v->set.in == NULL || strcmp(v->set.in, "-") != 0)
		open_meter(v);
	signals_catch(v->meter != NULL);
	while (!v->over) {
		n = voice_polls(v, p);
		p[n] = (struct pollfd) { v->meter != NULL ? STDIN_FILENO : -1,
			POLLIN, 0 };
		(void)signals_poll(p, n + 1, NULL);
		if (signal_end)
			end(v, 128 + signal_end);
		if (signal_mic) {
			signal_mic = 0;
			voice_toggle_mic(v);
		}
		look_after(v);
		if (!v->over && p[n].revents != 0)
			on_keys(v);
		if (!v->over)
			voice_turn(v, p, n);
	}
	meter_close(v->meter);
	v->meter = NULL;
	finish(v);
	return v->code;
}

/* --- beginning and end --- */

static int
open_sound(struct voice *v)
{
	char in[256], out[256];
	int r;

	r = capture_open(&v->capture, v->set.listen ? "null" : v->set.in,
	    v->set.raw, v->set.rate, in);
	if (r != 0)
		return emit_error(cli_mode(v->c), r, "%s", in);
	r = render_open(&v->render, v->set.send ? "null" : v->set.out,
	    v->set.kind, v->set.rate, out);
	if (r != 0)
		return emit_error(cli_mode(v->c), r, "%s", out);
	/* A missing card is a notice (librespot crashed instead). */
	if (out[0] != '\0')
		notice(v, "no sound device; hearing nothing (use -o)\n");
	if (in[0] != '\0')
		notice(v, "no microphone; saying nothing (use -i)\n");
	if (v->set.stems != NULL && mkdir(v->set.stems, 0777) != 0 &&
	    errno != EEXIST)
		return emit_error(cli_mode(v->c),
		    errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_SYS,
		    "cannot make %s: %s", v->set.stems, strerror(errno));
	return 0;
}

static int
open_seats(struct voice *v, char **confs, int n, const char *at)
{
	enum capture_kind kind = capture_kind(v->capture);
	struct seat_ask ask = { .at = at };
	int i, r;

	ask.via =
	    v->set.stems != NULL || render_kind(v->render) == RENDER_FILE ?
	    "recorder" :
	    "voip";
	for (i = 0; i < n; i++) {
		int on = i == 0 &&
		    (kind == CAPTURE_FILE ||
			(kind == CAPTURE_CARD && v->set.mic));

		ask.conf = confs[i];
		ask.capture = kind == CAPTURE_CARD ? "card" :
		    kind == CAPTURE_FILE && i == 0 ? "file" :
						     "none";
		ask.mic = on ? "on" : "off";
		if ((r = seat_open(&v->seat[v->n], v->c, &v->ops, &ask)) != 0)
			return r;
		if (seat_of(v, v->seat[v->n]->cid) != NULL) {
			seat_close(v->seat[v->n], 0);
			continue;
		}
		if (on)
			v->mic = (int)v->n;
		v->n++;
	}
	return 0;
}

static int
open_timer(struct voice *v)
{
	struct itimerspec t = { { 0, PIECE_US * 1000 },
		{ 0, PIECE_US * 1000 } };

	v->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return v->timer == -1 || timerfd_settime(v->timer, 0, &t, NULL) != 0 ?
	    SEC_ERR_SYS :
	    0;
}

int
voice_open(struct voice **out, struct cli *c, const struct voice_set *set,
    char **confs, int n)
{
	struct voice *v = mem_new(sizeof(*v));
	char at[ADDR_STRLEN];
	int r;

	v->c = c;
	v->set = *set;
	v->mic = v->focus = -1;
	v->gain = 1;
	v->in_level = v->out_level = LEVEL_SILENCE;
	v->port.fd = v->timer = -1;
	v->stop_at = -1;
	crypto_init();
	if (n > SEATS_MAX) {
		free(v);
		return cli_usage(c, "at most %d conferences", SEATS_MAX);
	}
	r = open_sound(v);
	if (r == 0 && (port_open(&v->port, at) != 0 || open_timer(v) != 0))
		r = emit_error(cli_mode(c), SEC_ERR_SYS,
		    "no socket for voice: %s", strerror(errno));
	if (r == 0) {
		v->ops.notice = notice;
		v->ops.mic = on_mic;
		v->ops.arg = v;
		v->ops.renders = render_kind(v->render) != RENDER_NONE;
		v->ops.stems = set->stems;
		v->ops.rate = set->rate;
		v->ops.verbose = cli_flag(c, "v") > 0;
		r = open_seats(v, confs, n, at);
	}
	if (r != 0) {
		voice_close(v);
		return r;
	}
	if (v->mic < 0)
		capture_rest(v->capture);
	v->spoke = clock_mono();
	if (set->seconds >= 0)
		v->stop_at = clock_mono() + set->seconds * 1000;
	if (is_card(v) && v->mic >= 0)
		v->latched = 1;
	*out = v;
	return 0;
}

void
voice_close(struct voice *v)
{
	if (v == NULL)
		return;
	while (v->n > 0)
		drop_seat(v, v->n - 1);
	capture_close(v->capture);
	render_close(v->render);
	if (v->timer >= 0)
		close(v->timer);
	port_close(&v->port);
	explicit_bzero(v, sizeof(*v));
	free(v);
}
