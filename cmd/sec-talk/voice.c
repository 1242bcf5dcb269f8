/*
 * The voice device.
 *
 *	capture --20 ms--> the seat whose mic is on --> its MCU	(speak.c)
 *	MCUs --> socket --> seat by conference id --> its speakers
 *	all speakers of all seats --10 ms--> mix --> render
 *
 * One timer of 10 ms is the clock of all of it. A turn that comes late makes
 * up for what it missed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/mix.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include "voice_priv.h"

#define TICKS_MAX 100 /* made up for at once; more is another time */
#define DATAGRAMS 256 /* read in one turn */
#define LEVEL_MS  100
#define ORPHAN_MS 30000 /* media goes on without the agent */

void
voice_end(struct voice *v, int code)
{
	if (!v->over)
		v->code = code;
	v->over = 1;
}

void
voice_notice(void *arg, const char *line)
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

struct seat *
voice_seat(struct voice *v, uint64_t cid)
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
		if (sink_peek(p, n, &cid) == 0 &&
		    (s = voice_seat(v, cid)) != NULL)
			seat_datagram(s, p, n, came);
	}
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
		voice_notice(v, text);
		render_close(v->render);
		(void)render_open(&v->render, "null", WAV_RAW, AUDIO_RATE,
		    text);
		v->ops.renders = 0;
	} else if (r == SEC_ERR_CLOSED)
		voice_end(v, 128 + SIGPIPE);
	else
		voice_end(v,
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
		voice_notice(v,
		    "! the reader of the output is too slow; sound is "
		    "lost\n");
	}
}

/* --- the clock --- */

void
voice_drop_seat(struct voice *v, size_t i)
{
	seat_close(v->seat[i], v->ticks * (uint64_t)PIECE);
	memmove(v->seat + i, v->seat + i + 1, (--v->n - i) * sizeof(*v->seat));
	if (mic_drop(&v->mic, (int)i, (int)v->n)) {
		v->in_level = LEVEL_SILENCE;
		capture_rest(v->capture);
	}
	v->focus = -1;
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
			voice_drop_seat(v, i--);
		} else
			gone |= v->seat[i]->agent_gone;
	if (v->n == 0 || (first && has_more_to_say(v)))
		voice_end(v,
		    has_more_to_say(v) ?
			emit_error(cli_mode(v->c), SEC_ERR_NOTHING,
			    "%s: %s; not everything was said", name, why) :
			0);
	if (gone && v->orphan_at == 0) {
		v->orphan_at = now + ORPHAN_MS;
		/* Nobody is left who could close it. */
		if (voice_has_card(v) && v->mic.agents)
			voice_set_mic(v, -1, 0, 0, "agent");
	}
	if (v->orphan_at > 0 && now >= v->orphan_at)
		voice_end(v,
		    emit_error(cli_mode(v->c), SEC_ERR_UNREACHABLE,
			"session lost; come back with sec-login"));
}

/* -t has passed. What waited for listeners (-n) was not said then, and who
 * has it said must hear of that. */
static void
time_is_over(struct voice *v)
{
	if (!has_more_to_say(v) || v->captured || v->set.others == 0) {
		voice_end(v, 0);
		return;
	}
	voice_end(v,
	    emit_error(cli_mode(v->c), SEC_ERR_TIMEOUT,
		"nothing was said: of %u other devices %u were there",
		v->set.others, seat_others(v->seat[0])));
}

void
voice_draw(struct voice *v, int64_t now)
{
	struct meter_view view = { v->seat, v->n, v->mic.at, v->mic.latched,
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
		    (int)i == v->mic.at ? v->in_level : LEVEL_SILENCE,
		    v->out_level);
	voice_draw(v, now);
}

static void
tick(struct voice *v, int64_t at)
{
	int64_t now = at / 1000;
	uint8_t p[HOP_MAX];
	size_t i, n;

	if (v->ticks % 2 == 0)
		voice_silence(v);
	voice_capture(v, at);
	for (i = 0; i < v->n; i++) {
		if ((n = seat_hop(v->seat[i], now, p)) > 0)
			port_send(&v->port, &v->seat[i]->media, p, n);
		seat_tick(v->seat[i], now);
	}
	mix(v, at);
	v->ticks++;
	voice_check_mic(v, now);
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
	p[n++] = (struct pollfd) {
		voice_may_capture(v) ? capture_fd(v->capture) : -1, POLLIN, 0
	};
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
		voice_end(v, emit_error(cli_mode(v->c), r, "%s", why));
	if (p[2].revents != 0 && !v->over)
		voice_capture(v, clock_mono_us());
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
