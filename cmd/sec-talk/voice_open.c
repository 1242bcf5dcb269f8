/* The device's beginning and end. */
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/random.h"

#include "voice_priv.h"

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
		voice_notice(v, "no sound device; hearing nothing (use -o)\n");
	if (in[0] != '\0')
		voice_notice(v, "no microphone; saying nothing (use -i)\n");
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
		if (voice_seat(v, v->seat[v->n]->cid) != NULL) {
			seat_close(v->seat[v->n], 0);
			continue;
		}
		if (on)
			(void)mic_set(&v->mic, (int)v->n, 0, clock_mono());
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
	mic_init(&v->mic, clock_mono());
	v->focus = -1;
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
		v->ops.notice = voice_notice;
		v->ops.mic = voice_on_mic;
		v->ops.arg = v;
		v->ops.renders = render_kind(v->render) != RENDER_NONE;
		v->ops.stems = set->stems;
		v->ops.rate = set->rate;
		v->ops.verbose = cli_flag(c, "v") > 0;
		r = open_seats(v, confs, n, at);
	}
	if (r == 0 && (r = render_begin(v->render)) != 0)
		r = emit_error(cli_mode(c), r, "cannot write %s: %s",
		    v->set.out, strerror(errno));
	if (r != 0) {
		voice_close(v);
		return r;
	}
	if (v->mic.at < 0)
		capture_rest(v->capture);
	if (set->seconds >= 0)
		v->stop_at = clock_mono() + set->seconds * 1000;
	if (voice_has_card(v) && v->mic.at >= 0)
		v->mic.latched = 1;
	*out = v;
	return 0;
}

void
voice_close(struct voice *v)
{
	if (v == NULL)
		return;
	while (v->n > 0)
		voice_drop_seat(v, v->n - 1);
	capture_close(v->capture);
	render_close(v->render);
	if (v->timer >= 0)
		close(v->timer);
	port_close(&v->port);
	explicit_bzero(v, sizeof(*v));
	free(v);
}
