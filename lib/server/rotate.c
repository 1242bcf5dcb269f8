/*
 * Keys of servers in a running daemon: the verbs `keys` (read them again)
 * and `rotate` (server 1: a new epoch for all), and the daily epoch.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/state.h"

#define PHASE_MS      5000
#define ROLL_EARLY_MS 120000 /* new epochs begin a minute after the deal */
#define ROLL_AGAIN_MS 600000 /* somebody was silent */

int
rotate_reload_keys(struct service *s, char *why, size_t whylen)
{
	if (s->epochs == NULL)
		return 0;
	return epochs_reload(s->epochs, why, whylen);
}

static void
on_keys(void *ctx, struct ctl_req *r)
{
	struct service *s = ctx;
	char why[400], id[16];
	struct buf *b;
	int e;

	if ((e = reload_servers(s, why, sizeof(why))) != 0 ||
	    (e = rotate_reload_keys(s, why, sizeof(why))) != 0) {
		ctl_error(r, sec_err_sip(e), why);
		return;
	}
	links_reload(s->links, &s->servers);
	service_want_links(s);
	b = ctl_ok_begin(r);
	if (s->epochs != NULL && epochs_last(s->epochs) > 0) {
		line_put_u64(b, "epoch", epochs_last(s->epochs));
		if (epochs_id(s->epochs, epochs_last(s->epochs), id) == 0)
			line_put(b, "key", id);
	}
	ctl_end(r);
}

/* --- rotate --- */

static void
on_one(void *ctx, int number, int err, const char *check, uint32_t epoch)
{
	struct service *s = ctx;
	const struct server *o = servers_by_number(&s->servers, number);
	struct ctl_req r;
	struct buf *b;

	log_info("keys.server", "server=%d result=%s", number,
	    log_quote(err == 0 ? "ok" : sec_strerror(err)));
	if (ctl_again(s->ctl, s->state->lead_for, &r) != 0)
		return;
	b = ctl_row(&r);
	line_put(b, "server", o != NULL ? o->name : "?");
	line_put_u64(b, "number", (uint64_t)number);
	line_put(b, "result", err != 0 ? "error" : epoch != 0 ? "ok" : "asked");
	if (err != 0)
		line_put(b, "reason", sec_strerror(err));
	if (err == 0 && check != NULL)
		line_put(b, "check", check);
	ctl_end(&r);
}

static void
answer(struct service *s, int err, uint32_t epoch)
{
	struct ctl_req r;
	struct buf *b;
	char id[16];

	if (ctl_again(s->ctl, s->state->lead_for, &r) != 0)
		return;
	if (err != 0) {
		ctl_error(&r, err == SEC_ERR_TIMEOUT ? 504 : sec_err_sip(err),
		    sec_strerror(err));
		return;
	}
	b = ctl_ok_begin(&r);
	line_put_u64(b, "epoch", epoch);
	if (epochs_id(s->epochs, epoch, id) == 0)
		line_put(b, "key", id);
	ctl_end(&r);
}

static void
on_all(void *ctx, int err, uint32_t epoch)
{
	struct service *s = ctx;
	char why[400];

	keygen_lead_free(s->state->lead);
	s->state->lead = NULL;
	if (err == 0)
		s->state->lead_again = 0;
	if (err == 0)
		log_info("keys.epoch", "epoch=%u", epoch);
	else
		log_warn("keys.epoch", "result=%s",
		    log_quote(sec_strerror(err)));
	if (rotate_reload_keys(s, why, sizeof(why)) != 0)
		log_error("keys.read", "reason=%s", log_quote(why));
	if (s->links != NULL)
		links_reload(s->links, &s->servers);
	answer(s, err, epoch);
}

/* delay: ms until the epoch is used, as in keygen_lead_def. */
static int
begin(struct service *s, int64_t delay)
{
	struct keygen_lead_def def;
	size_t i;

	memset(&def, 0, sizeof(def));
	def.servers = &s->servers;
	def.epochs = s->epochs;
	for (i = 0; i < s->servers.n; i++)
		if (s->servers.server[i].number != s->self->number)
			def.numbers[def.n++] = s->servers.server[i].number;
	def.fresh = 1;
	def.deadline = PHASE_MS;
	def.delay = delay;
	def.one = on_one;
	def.all = on_all;
	def.ctx = s;
	s->state->lead = keygen_lead_new(s->loop, &def);
	return s->state->lead != NULL ? 0 : SEC_ERR_SYS;
}

static void
on_rotate(void *ctx, struct ctl_req *r)
{
	struct service *s = ctx;
	uint64_t in = 0;
	int64_t delay = 0;

	if (line_get_u64(r->line, "in", &in) == 0)
		delay = in == 0 ? -1 :
		    in > 86400	? 86400000 :
				  (int64_t)in * 1000;
	if (s->self->number != 1)
		ctl_error(r, 403, "only server 1 deals keys");
	else if (s->epochs == NULL)
		ctl_error(r, 503, "this server has no identity");
	else if (s->state->lead != NULL)
		ctl_error(r, 486, "a key exchange is running");
	else {
		s->state->lead_for = ctl_keep(r);
		if (begin(s, delay) != 0)
			ctl_error(r, 503, "cannot begin");
	}
}

/* Server 1 deals a new epoch when the newest is a day old, or as old as
 * key-life says. */
void
rotate_tick(struct service *s)
{
	struct service_state *st = s->state;
	struct epochs_info info;
	int64_t now = clock_real(), life = (int64_t)s->conf.key_life * 1000;
	int64_t early = life > 10 * ROLL_EARLY_MS ? ROLL_EARLY_MS : life / 10;

	if (s->self->number != 1 || s->epochs == NULL || s->conf.plain ||
	    st->lead != NULL || s->draining || st->lead_again > now ||
	    epochs_info(s->epochs, epochs_last(s->epochs), &info) != 0 ||
	    now < info.not_before + life - early)
		return;
	st->lead_again = now + ROLL_AGAIN_MS;
	memset(&st->lead_for, 0, sizeof(st->lead_for));
	(void)begin(s, 0);
}

void
rotate_close(struct service *s)
{
	keygen_lead_free(s->state->lead);
	s->state->lead = NULL;
}

const struct ctl_verb rotate_verbs[] = {
	{ "keys", CTL_ADMIN, on_keys },
	{ "rotate", CTL_ADMIN, on_rotate },
	{ NULL, 0, NULL },
};
