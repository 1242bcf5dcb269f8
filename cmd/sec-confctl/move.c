/*
 * move: a media server is lost or drains, or has no room for a device: its
 * conferences move to another (S099, S100). One that cannot move, or whose
 * move cannot be stored, stays where it was and is tried again.
 */

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "focus.h"

/* Where it moves is on the disk. */
static void
medium_move(struct conference *c, struct conf_medium *m)
{
	struct focus *f = c->focus;
	struct device *d;
	int from = m->server, to = m->next;

	pick_set(f, m, to);
	m->from = from;
	m->moved = clock_mono();
	TAILQ_FOREACH(d, &c->device_list, entry)
		if (d->server == from) {
			d->server = to;
			d->undealt = 0;
			device_lost(d, 0); /* nobody missed it there */
			(void)device_store(d);
			/* Controller restarted since: nobody at the new
			 * server knows the hop key, so make one. An MCU
			 * begins with no replay window: a new one anyhow. */
			if (d->hop == NULL || device_is_voice(d))
				device_new_hop(d);
		}
	deal_all(c, to, 1);
	if (strcmp(m->medium, "voice") == 0 && epoch_rekey(c) < 0)
		epoch_lost(c);
	/* One that drains still serves: its devices would speak past those
	 * who have moved. */
	if (!conf_is_at(c, from))
		deal_end_at(c, from);
	TAILQ_FOREACH(d, &c->device_list, entry)
		if (d->server == to)
			epoch_tell_wrap(d);
	log_info("conf.move", "conf=%s medium=%s from=%d to=%d",
	    log_quote(c->row.name), m->medium, from, to);
}

static void server_lost(void *move);

static struct server_move *
move_of(struct focus *f, int number)
{
	struct server_move *mv = &f->moves[number & 255];

	if (mv->focus == NULL) {
		mv->focus = f;
		mv->number = number;
		timer_init(&mv->timer, f->s->loop, server_lost, mv);
	}
	return mv;
}

/* It stays where it was, and is tried again. */
static void
conf_stays(struct conference *c, struct conf_medium *m)
{
	struct focus *f = c->focus;

	pick_next(f, m, 0);
	timer_set(&move_of(f, m->server)->timer, AGAIN_MS);
	timer_set(&c->again, AGAIN_MS);
}

static void
moves_committed(struct focus *f, uint64_t conf, int err)
{
	struct conference *c = conf_find_id(f, conf);
	struct conf_medium *m;

	if (c == NULL)
		return;
	for (m = c->media; m < c->media + c->nmedia; m++)
		if (m->next != 0 && err == 0)
			medium_move(c, m);
		else if (m->next != 0)
			conf_stays(c, m);
}

static void
conf_move(struct conference *c, struct conf_medium *m, int to)
{
	struct focus *f = c->focus;

	if (m->next != 0)
		return;
	pick_next(f, m, to);
	if (medium_store(c, m->medium, to) != 0) {
		conf_stays(c, m);
		return;
	}
	pick_assigned(f, to);
	commit_then(f, moves_committed, c->row.id);
}

/* How many has this server of it, and how many of them did it refuse? */
static unsigned
devices_at(const struct conference *c, int server, unsigned *undealt)
{
	const struct device *d;
	unsigned n = 0;

	*undealt = 0;
	TAILQ_FOREACH(d, &c->device_list, entry)
		if (d->server == server) {
			n++;
			*undealt += d->undealt != 0;
		}
	return n;
}

void
move_again(void *conference)
{
	struct conference *c = conference;
	struct focus *f = c->focus;
	unsigned n, undealt;
	int i, to;

	for (i = 0; i < c->nmedia; i++) {
		n = devices_at(c, c->media[i].server, &undealt);
		if (undealt == 0)
			continue;
		/* All of them together, where there is room for all. */
		to = pick_server(f, c->media[i].medium, c->media[i].server);
		if (to != 0 && f->capacity[to & 255] >= (int64_t)n)
			conf_move(c, &c->media[i], to);
		else if (links_is_up(f->s->links, c->media[i].server))
			deal_all(c, c->media[i].server, 0);
	}
}

/* No MCU is there: its devices need not wonder. */
static void
conf_cut(struct conference *c, int server)
{
	struct device *d;

	TAILQ_FOREACH(d, &c->device_list, entry)
		if (d->server == server && device_is_voice(d) && !d->cut)
			epoch_tell_cut(d);
}

static int64_t
move_ms(struct focus *f, int number)
{
	const struct server *sv = servers_by_number(&f->s->servers, number);

	return sv != NULL && strcmp(sv->role, "mcu") == 0 ? MOVE_VOICE_MS :
							    MOVE_MS;
}

static void
server_lost(void *arg)
{
	struct server_move *mv = arg;
	struct focus *f = mv->focus;
	struct conference *c;
	size_t i;
	int j, to, left = 0;

	if (links_is_up(f->s->links, mv->number) &&
	    f->capacity[mv->number & 255] != 0)
		return;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;)
		for (j = 0; j < c->nmedia; j++) {
			if (c->media[j].server != mv->number)
				continue;
			to = pick_server(f, c->media[j].medium, mv->number);
			if (to != 0)
				conf_move(c, &c->media[j], to);
			else {
				conf_cut(c, mv->number);
				left = 1;
			}
		}
	/* No other one is there now; whichever comes first takes them. */
	if (left)
		timer_set(&mv->timer, move_ms(f, mv->number));
}

/* Whom it misses is not known without its link; it says so again when the
 * link is up. */
static void
misses_nobody(struct focus *f, int number)
{
	struct conference *c;
	struct device *d;
	size_t i;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;) {
		if (!conf_is_at(c, number))
			continue;
		TAILQ_FOREACH(d, &c->device_list, entry)
			if (d->server == number && d->lost)
				device_lost(d, 0);
		if (number == conf_server(c, "voice"))
			talk_tell(c, NULL, "off");
	}
}

void
move_off(struct focus *f, int number)
{
	if (f->moves[number & 255].focus != NULL)
		timer_cancel(&f->moves[number & 255].timer);
}

void
move_link_down(struct focus *f, int number)
{
	if (number == f->pal || f->s->draining)
		return;
	if (!links_is_up(f->s->links, number))
		misses_nobody(f, number);
	/* A draining server says so while its link is up: move at once. */
	timer_set(&move_of(f, number)->timer,
	    links_is_up(f->s->links, number) ? 0 : move_ms(f, number));
}

void
moves_load(struct focus *f)
{
	struct conference *c;
	size_t i;
	int j;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;)
		for (j = 0; j < c->nmedia; j++)
			timer_set(&move_of(f, c->media[j].server)->timer,
			    MOVE_MS); /* links take a moment */
}

void
moves_free(struct focus *f)
{
	int i;

	for (i = 0; i < 256; i++)
		if (f->moves[i].focus != NULL)
			timer_cancel(&f->moves[i].timer);
}
