/*
 * binding: user <-> contact (RFC 3261 10), one per running agent, with the
 * client session key that goes with it (S086, S087). Keys live in memory
 * only; the controller is told them over the link (step 70).
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "pal.h"
#include "watcher.h"

struct binding *
binding_find(struct pal *p, const char *user, const char *instance)
{
	return holders_find(p->bindings, user, instance);
}

struct binding *
binding_of_conn(struct pal *p, struct sip_conn *c)
{
	return holders_of_conn(p->bindings, p->s, c);
}

static void
binding_free(struct binding *b)
{
	watcher_down(b);
	subscriptions_leave(b);
	timer_cancel(&b->timer);
	timer_cancel(&b->losing);
	holder_leave(&b->held);
	TAILQ_REMOVE(&b->user->bindings, b, entry);
	presentity_idle(b->user);
	free(b->rows);
	free(b);
}

void
binding_forget(struct presentity *u, const char *instance, uint32_t keyid,
    const char *why)
{
	struct service *s = u->pal->s;
	struct ctl_peer *peer = links_peer(s->links, 1);
	const struct binding *b = binding_find(u->pal, u->uri, instance);
	struct buf *l;
	int r;

	u->seen = b != NULL && b->lost != 0 ? b->lost : clock_real();
	presentity_came(u);
	log_info("gone", "user=%s instance=%.8s why=%s", log_quote(u->uri),
	    instance, why);
	if ((r = pal_unregister(s->db, u->name, instance, u->seen)) != 0 &&
	    r != SEC_ERR_NOTHING)
		log_error("db.write", "file=pal.db why=%s",
		    log_quote(db_why(s->db)));
	/* One that has only expired may come back to its dialogs. */
	if (strcmp(why, "expired") != 0)
		subscriptions_forget(u, instance);
	if (peer == NULL)
		return; /* its time ends there as well */
	l = ctl_event(peer, "gone");
	line_put(l, "user", u->uri);
	line_put(l, "instance", instance);
	line_put_u64(l, "keyid", keyid);
	line_put(l, "why", why);
	ctl_event_end(peer);
}

void
binding_drop(struct binding *b, const char *why)
{
	struct presentity *u = b->user;

	binding_forget(u, b->row.instance, b->held.key.id, why);
	holder_hang_up(&b->held, u->pal->s);
	binding_free(b);
	presentity_changed(u);
}

static void
binding_expired(void *arg)
{
	binding_drop(arg, "expired");
}

/* Agents keep a connection: whose is gone was killed, or cut off. */
static void
binding_lost(void *arg)
{
	struct binding *b = arg;

	log_info("lost", "user=%s instance=%.8s", log_quote(b->user->uri),
	    b->row.instance);
	b->lost = clock_real();
	presentity_changed(b->user);
}

/* A foreign user agent of plain mode has none but while it asks. */
static void
binding_lose(struct binding *b)
{
	if (!b->user->pal->s->conf.plain)
		timer_set(&b->losing, LOST_MS);
}

struct binding *
binding_put(struct pal *p, struct presentity *u, const char *principal,
    const struct pal_binding *row, const char *rows)
{
	struct binding *b = binding_find(p, u->uri, row->instance);
	char *copy;

	if ((copy = strdup(rows)) == NULL)
		return NULL;
	if (b == NULL) {
		if ((b = calloc(1, sizeof *b)) == NULL) {
			free(copy);
			return NULL;
		}
		b->user = u;
		text_copy(b->row.instance, row->instance,
		    sizeof b->row.instance);
		timer_init(&b->timer, p->s->loop, binding_expired, b);
		timer_init(&b->losing, p->s->loop, binding_lost, b);
		binding_lose(b);
		TAILQ_INSERT_TAIL(&u->bindings, b, entry);
		holder_init(&b->held, p->bindings, p->s->self->number, b);
		holder_name(&b->held, u->uri, b->row.instance, b->principal);
	}
	b->row = *row;
	text_copy(b->principal, principal, sizeof b->principal);
	free(b->rows);
	b->rows = copy;
	holder_fresh(&b->held, row->until);
	timer_set(&b->timer, row->until - clock_real());
	return b;
}

void
binding_tell(struct binding *b)
{
	struct ctl_peer *peer = links_wake(b->user->pal->s->links, 1);
	const struct holder_key *k = &b->held.key;
	struct buf *l;

	if (peer == NULL)
		return; /* all of them when the link is up */
	l = ctl_event(peer, "registered");
	line_put(l, "user", b->user->uri);
	line_put(l, "principal", b->principal);
	line_put(l, "instance", b->row.instance);
	line_put_u64(l, "keyid", k->id);
	line_put_bytes(l, "key", secret_data(k->secret),
	    secret_size(k->secret));
	line_put_u64(l, "until", (uint64_t)b->row.until);
	line_put(l, "rows", b->rows);
	ctl_event_end(peer);
}

void
bindings_tell_all(struct pal *p)
{
	struct binding *b;
	size_t i;

	for (i = 0; (b = holders_next(p->bindings, &i)) != NULL;)
		binding_tell(b);
}

void
bindings_free(struct pal *p)
{
	struct binding *b;
	size_t i;

	for (i = 0; (b = holders_next(p->bindings, &i)) != NULL;)
		binding_free(b);
}

/* --- connections --- */

int
binding_hello_key(struct service *s, const struct hello_c1 *c1,
    struct hello_key *out)
{
	struct pal *p = s->priv;
	int r = holders_hello(p->bindings, s, c1, out);

	/* No key is on its way to us: we make them. */
	return r == SEC_ERR_NOTHING ? SEC_ERR_SUBKEY : r;
}

int
binding_plain_peer(struct service *s, const struct sip_msg *req,
    struct sip_peer *peer)
{
	struct pal *p = s->priv;
	struct presentity *pr;
	struct binding *b;
	struct uri u;

	if (uri_parse(&u, req->from, s->conf.domain) != 0 || u.kind != URI_USER)
		return SEC_ERR_DATA;
	if (strcmp(req->method, "REGISTER") == 0) {
		peer->proof = NEED_TICKET;
		text_copy(peer->user, u.name, sizeof peer->user);
		return 0;
	}
	if ((pr = presentity_find(p, u.name)) == NULL ||
	    (b = TAILQ_FIRST(&pr->bindings)) == NULL)
		return SEC_ERR_DENIED;
	TAILQ_FOREACH(b, &pr->bindings, entry)
		if (b->held.conn == 0)
			break;
	if (b == NULL)
		b = TAILQ_FIRST(&pr->bindings);
	return holder_peer(&b->held, s, peer);
}

void
binding_conn_up(struct service *s, struct sip_conn *c)
{
	struct pal *p = s->priv;
	struct binding *b;

	if ((sip_conn_peer(c)->proof & NEED_SESSION) == 0)
		return; /* a REGISTER */
	if ((b = binding_of_conn(p, c)) == NULL) {
		sip_conn_finish(c);
		return;
	}
	holder_connected(&b->held, s, c);
	b->conn = c;
	timer_cancel(&b->losing);
	if (b->lost != 0) {
		b->lost = 0;
		presentity_changed(b->user);
	}
	subscriptions_catch_up(b);
	watcher_up(b);
	service_touch(s);
}

void
binding_conn_down(struct service *s, struct sip_conn *c, int err)
{
	struct binding *b = binding_of_conn(s->priv, c);

	(void)err;
	if (b == NULL || !holder_disconnected(&b->held, c))
		return;
	b->conn = NULL;
	watcher_down(b);
	binding_lose(b);
}
