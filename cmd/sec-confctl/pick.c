/*
 * pick: the media server for a medium, by spare capacity (S099). Servers
 * say `load`; between two of those the controller counts what it assigned.
 */

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "focus.h"

static const char *
medium_role(const char *medium)
{
	if (strcmp(medium, "text") == 0)
		return "mtcu";
	if (strcmp(medium, "voice") == 0)
		return "mcu";
	return "share";
}

void
pick_set(struct focus *f, struct conf_medium *m, int server)
{
	f->uses[m->server & 255]--;
	f->uses[server & 255]++;
	m->server = server;
	pick_next(f, m, 0);
}

void
pick_next(struct focus *f, struct conf_medium *m, int server)
{
	f->uses[m->next & 255]--;
	f->uses[server & 255]++;
	m->next = server;
}

/* Has a more room than b? What they report lags behind what was assigned, so
 * within a hundredth the one with fewer conferences has. */
static int
has_more_room(struct focus *f, int a, int b)
{
	int64_t d = f->capacity[a] - f->capacity[b];

	if (d > f->capacity[b] / 100 || -d > f->capacity[a] / 100)
		return d > 0;
	return f->uses[a] < f->uses[b];
}

int
pick_server(struct focus *f, const char *medium, int not_this)
{
	const char *role = medium_role(medium);
	const struct server *sv;
	size_t i;
	int best = 0;

	for (i = 0; (sv = servers_by_role(&f->s->servers, role, i)) != NULL;
	     i++) {
		if (sv->number == not_this)
			continue;
		if (links_wake(f->s->links, sv->number) == NULL)
			continue;
		if (f->capacity[sv->number] == 0)
			continue; /* it drains */
		if (best == 0 || has_more_room(f, sv->number, best))
			best = sv->number;
	}
	return best;
}

int
pick_wakes(struct focus *f, const char *medium)
{
	const struct server *sv;
	size_t i;

	for (i = 0; (sv = servers_by_role(&f->s->servers, medium_role(medium),
			 i)) != NULL;
	     i++)
		if (links_is_waking(f->s->links, sv->number))
			return 1;
	return 0;
}

int
pick_drains(struct focus *f, const char *media)
{
	const struct server *sv;
	char list[64], *rest = list, *m;
	size_t i;
	int there, free_;

	text_copy(list, media, sizeof list);
	while ((m = strsep(&rest, ",")) != NULL) {
		there = free_ = 0;
		for (i = 0; (sv = servers_by_role(&f->s->servers,
				 medium_role(m), i)) != NULL;
		     i++)
			if (links_is_up(f->s->links, sv->number)) {
				there = 1;
				free_ |= f->capacity[sv->number] != 0;
			}
		if (there && !free_)
			return 1;
	}
	return 0;
}

void
pick_assigned(struct focus *f, int server)
{
	if (server > 0 && server < 256 && f->capacity[server] > 1)
		f->capacity[server]--;
}

static void
on_load(void *ctx, struct ctl_req *r)
{
	struct focus *f = ((struct service *)ctx)->priv;
	int number = ctl_peer_number(r->peer);
	uint64_t capacity;

	if (number <= 0 || number > 255 ||
	    line_get_u64(r->line, "capacity", &capacity) != 0)
		return;
	if (f->capacity[number] != 0 && capacity == 0) {
		log_info("svc.drain", "server=%d", number);
		move_link_down(f, number); /* its conferences move now */
	}
	f->capacity[number] = (int64_t)(capacity & INT64_MAX);
}

/* lost, found: the media server misses a device. */
static void
on_lost(void *ctx, struct ctl_req *r)
{
	struct focus *f = ((struct service *)ctx)->priv;
	struct conference *c;
	struct device *d;
	uint32_t q;

	if ((c = conf_find(f, line_get_or(r->line, "conf", ""))) != NULL &&
	    q_parse(&q, line_get_or(r->line, "q", "")) == 0 &&
	    (d = conf_device(c, q)) != NULL &&
	    d->server == ctl_peer_number(r->peer))
		device_lost(d, strcmp(r->line->verb, "lost") == 0);
	log_info(r->line->verb, "conf=%s q=%s server=%d",
	    log_quote(line_get_or(r->line, "conf", "-")),
	    log_quote(line_get_or(r->line, "q", "-")),
	    ctl_peer_number(r->peer));
}

const struct ctl_verb pick_verbs[] = {
	{ "load", CTL_MTCU | CTL_MCU | CTL_SHARE | CTL_GW, on_load },
	{ "lost", CTL_MTCU | CTL_MCU, on_lost },
	{ "found", CTL_MTCU | CTL_MCU, on_lost },
	{ NULL, 0, NULL },
};
