/*
 * How a daemon leaves: drain, SIGTERM with a deadline, --idle.
 */
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/state.h"

#define TERM_MS	     10000
#define LOOK_MS	     50
#define TICK_MS	     1000
#define JUMP_MS	     5000
#define STATUS_TICKS 5

int
leave_is_busy(struct service *s)
{
	return s->def->busy != NULL ? s->def->busy(s) : 0;
}

static void
leave_now(struct service *s)
{
	timer_cancel(&s->state->drain);
	loop_stop(s->loop, 0);
}

/* Only the controller can move what we have, and only if we can drain. */
static int
can_hand_over(const struct service *s)
{
	return s->def->drain != NULL && s->self->number != 1 &&
	    links_is_up(s->links, 1);
}

/* After SIGTERM: is there anything left that can still be handed over? */
static void
on_drain_look(void *arg)
{
	struct service *s = arg;

	if (leave_is_busy(s) == 0 || !can_hand_over(s) ||
	    loop_now(s->loop) >= s->state->drain_until)
		leave_now(s);
	else
		timer_set(&s->state->drain, LOOK_MS);
}

void
leave_drain(struct service *s, int on)
{
	on = on != 0;
	if (s->draining == on)
		return;
	s->draining = on;
	log_info("drain", "name=%s on=%d", s->self->name, on);
	if (s->def->drain != NULL)
		s->def->drain(s, on);
	health_notify(s, "");
}

static void
on_term(void *arg, int signo)
{
	struct service *s = arg;
	size_t i;

	log_info("stop", "name=%s signal=%d", s->self->name, signo);
	/* A second signal does not wait. */
	if (s->state->drain_until != 0) {
		leave_now(s);
		return;
	}
	health_notify(s, "STOPPING=1");
	for (i = 0; i < s->state->ndoor; i++)
		door_close(s->state->door[i]);
	s->state->drain_until = loop_now(s->loop) + TERM_MS;
	leave_drain(s, 1);
	/* What the drain has said goes out at the end of this turn. */
	timer_set(&s->state->drain, 0);
}

static void
on_hup(void *arg, int signo)
{
	(void)signo;
	reload_all(arg);
}

static int
has_guests(const struct service *s)
{
	size_t i;

	for (i = 0; i < s->state->ndoor; i++)
		if (door_guests(s->state->door[i]) > 0)
			return 1;
	return sip_conn_count(s->sip) > 0;
}

/* --idle: nobody here, nothing to do, and that for long enough. */
static void
on_idle(void *arg)
{
	struct service *s = arg;
	struct service_state *st = s->state;
	int64_t left;

	if (leave_is_busy(s) || has_guests(s) || st->lead != NULL ||
	    (s->links != NULL && links_busy(s->links)))
		st->touched = loop_now(s->loop);
	left = st->touched + st->opt.idle - loop_now(s->loop);
	if (left > 0) {
		timer_set(&st->idle, left < TICK_MS ? left : TICK_MS);
		return;
	}
	log_info("idle", "name=%s", s->self->name);
	if (s->links != NULL)
		links_say_idle(s->links);
	leave_now(s);
}

/* Time stamps are part of what is authenticated: say when they jump. */
static void
watch_clock(struct service *s)
{
	int64_t offset = clock_real() - clock_mono();
	int64_t jump = offset - s->state->clock_offset;

	if (s->state->clock_offset != 0 && (jump > JUMP_MS || jump < -JUMP_MS))
		log_warn("clock.jump", "ms=%lld", (long long)jump);
	s->state->clock_offset = offset;
}

/* Once a second: addresses to forget, systemd's STATUS, the daily epoch. */
static void
on_tick(void *arg)
{
	struct service *s = arg;

	watch_clock(s);
	if (++s->state->ticks % STATUS_TICKS == 0)
		health_notify(s, "");

	limits_sweep(s->state->limits, loop_now(s->loop));
	rotate_tick(s);
	timer_set(&s->state->tick, TICK_MS);
}

void
leave_init(struct service *s)
{
	struct service_state *st = s->state;

	timer_init(&st->drain, s->loop, on_drain_look, s);
	timer_init(&st->idle, s->loop, on_idle, s);
	timer_init(&st->tick, s->loop, on_tick, s);
	timer_set(&st->tick, TICK_MS);
	st->touched = loop_now(s->loop);
	if (st->opt.idle > 0)
		timer_set(&st->idle, TICK_MS);
	(void)loop_signal(s->loop, SIGTERM, on_term, s);
	(void)loop_signal(s->loop, SIGINT, on_term, s);
	(void)loop_signal(s->loop, SIGHUP, on_hup, s);
}

void
service_touch(struct service *s)
{
	s->state->touched = loop_now(s->loop);
}
