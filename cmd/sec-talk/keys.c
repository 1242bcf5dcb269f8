/* The device's terminal: keys, the meter, signals; and its loop. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include "signals.h"
#include "voice_priv.h"

#define FOCUS_MS 2000
#define HOLD_MS	 400

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
		v->focus = v->mic.last = i;
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
		if (v->mic.at >= 0 && !v->mic.latched &&
		    clock_mono() - v->pressed > HOLD_MS)
			voice_set_mic(v, -1, 0, 0, "key");
	} else if (key == 'm' && v->mic.at >= 0 && v->mic.latched)
		voice_set_mic(v, -1, 0, 0, "key");
	else if (key == 'm')
		voice_set_mic(v, v->mic.at >= 0 ? v->mic.at : v->mic.last, 1, 0,
		    "key");
	else if (key == 'q')
		voice_end(v, 0);
	else if (key >= '1' && key <= '9')
		focus(v, key - '1');
	voice_draw(v, clock_mono());
}

static void
on_keys(struct voice *v)
{
	char keys[32];
	int i, n = meter_keys(v->meter, keys, (int)sizeof(keys));

	if (n < 0)
		voice_end(v, 0);
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
	if (voice_has_card(v))
		buf_putf(&b, "ALSA %s, 48 kHz.  ", capture_name(v->capture));
	if (capture_kind(v->capture) != CAPTURE_NONE)
		buf_putf(&b, "mic %s.   space: mic on/off   m: leave mic on   ",
		    v->mic.at >= 0 ? "ON" : "OFF");
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
			voice_end(v, 128 + signal_end);
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
