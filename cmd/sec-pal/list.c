/*
 * list: PALs (S050, S060, S061; ARCHITECTURE.md 2). A list counts rounds of
 * news; an entry knows the round in which it last changed, and a subscription
 * the last that it was told, so that a NOTIFY, at most one in 100 ms, has all
 * that is new to it, however much it missed, and nothing is kept for those
 * who are behind.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"
#include "wire/line.h"

#include "list.h"
#include "roster.h"
#include "watcher.h"

#define TOLD_AT_ONCE 32 /* lists, between two rounds of sending */

int
watch_check(struct pal *p, const char *watcher, const struct uri *whom,
    struct verdict *v)
{
	char user[URI_MAX];
	const char *why;

	rule_check(p, watcher, whom, v);
	/* Of one that is not there nothing is seen. */
	if (whom->kind != URI_CONF || roster_id(p, whom->full) == NULL)
		return whom->kind == URI_CONF ? (v->allow = 1) : v->allow;
	uri_user(user, watcher, p->s->conf.domain);
	why = roster_why(p, whom->full, user);
	v->allow = why != NULL;
	if (why != NULL && strcmp(why, "rule") != 0)
		v->attrs[0] = '\0';
	return v->allow;
}

/* --- telling --- */

/* Versions of PALs are one row of numbers, never behind the clock. */
static uint64_t
version_next(struct pal *p)
{
	uint64_t now = (uint64_t)clock_real();

	p->version = now > p->version ? now : p->version + 1;
	return p->version;
}

static void
list_due(struct list *l)
{
	struct pal *p = l->doc.pal;
	int64_t wait = l->flushed + NOTIFY_MS - loop_now(p->s->loop);

	if (l->is_due || l->doc.nsubs == 0 || timer_is_set(&l->timer))
		return;
	if (wait > 0) {
		timer_set(&l->timer, wait);
		return;
	}
	l->is_due = 1;
	TAILQ_INSERT_TAIL(&p->due, l, due);
	hook_arm(&p->teller);
}

static void
buddy_free(struct buddy *b)
{
	struct list *l = b->list;

	TAILQ_REMOVE(&l->buddies, b, entry);
	TAILQ_REMOVE(&l->recent, b, recent);
	if (b->gone != NULL)
		l->ngone--;
	else
		l->n--;
	view_leave(b);
	free(b->attrs);
	free(b->label);
	free(b->id);
	free(b->gone);
	free(b);
}

/* Does somebody have to hear yet that it has gone? */
static int
is_news(const struct buddy *b)
{
	const struct subscription *s;

	TAILQ_FOREACH(s, &b->list->doc.subs, entry)
		if (s->sent != 0 && s->seen < b->round)
			return 1;
	return 0;
}

static void
list_sweep(struct list *l)
{
	struct buddy *b, *next;

	if (l->ngone == 0)
		return;
	for (b = TAILQ_FIRST(&l->buddies); b != NULL; b = next) {
		next = TAILQ_NEXT(b, entry);
		if (b->gone != NULL && !is_news(b))
			buddy_free(b);
	}
}

static void
list_tell(struct list *l)
{
	struct subscription *s, *next;

	l->flushed = loop_now(l->doc.pal->s->loop);
	for (s = TAILQ_FIRST(&l->doc.subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		subscription_notify(s);
	}
	list_sweep(l);
}

/* With a thousand lists nothing of the next one is in the cache: it is
 * fetched while this one's NOTIFY is sealed. */
static void
fetch_ahead(const struct list *l)
{
	const struct subscription *s;

	if (l == NULL || (s = TAILQ_FIRST(&l->doc.subs)) == NULL)
		return;
	__builtin_prefetch(s);
	__builtin_prefetch(&s->id);
	__builtin_prefetch(&s->dialog.local_cseq);
}

/*
 * A few at a time: armed again, the hook comes after those of the connections
 * just written to, so that these are sent while they are in the cache, and
 * the first watchers have it long before the last. Each list is rendered when
 * its turn comes and numbers its own versions, so none can be told something
 * older than what it was told before.
 */
void
lists_tell(void *arg)
{
	struct pal *p = arg;
	struct list *l;
	int n;

	for (n = 0; n < TOLD_AT_ONCE && (l = TAILQ_FIRST(&p->due)) != NULL;
	     n++) {
		TAILQ_REMOVE(&p->due, l, due);
		l->is_due = 0;
		fetch_ahead(TAILQ_FIRST(&p->due));
		list_tell(l);
	}
	if (!TAILQ_EMPTY(&p->due))
		hook_arm(&p->teller);
}

static void
on_due(void *arg)
{
	list_tell(arg);
}

void
buddy_news(struct buddy *b)
{
	struct list *l = b->list;

	b->round = l->round + 1;
	if (b != TAILQ_FIRST(&l->recent)) {
		TAILQ_REMOVE(&l->recent, b, recent);
		TAILQ_INSERT_HEAD(&l->recent, b, recent);
	}
	list_due(l);
}

/* --- as a document --- */

static uint64_t
list_next(struct document *d, struct subscription *s)
{
	struct list *l = d->owner;
	const struct buddy *b;
	uint64_t newest;

	list_current(l);
	b = TAILQ_FIRST(&l->recent);
	newest = b != NULL ? b->round : 0;
	if (s->sent != 0 && s->seen >= newest)
		return NEXT_NOTHING;
	s->had = s->seen;
	s->seen = newest;
	/* What comes now is of the next one. */
	if (l->round < newest)
		l->round = newest;
	if (s->sent != 0)
		return s->sent++;
	s->sent = version_next(d->pal);
	return NEXT_ALL;
}

void
buddy_put(const struct buddy *b, struct buf *out)
{
	if (b->gone != NULL) {
		line_begin(out, "entry");
		line_put_arg(out, b->gone);
		line_put_arg(out, "-");
	} else {
		buf_put(out, buf_data(&b->view->line), buf_len(&b->view->line));
		if (b->label != NULL)
			buf_put_str(out, b->label);
	}
	line_end(out);
}

static size_t
buddy_size(const struct buddy *b)
{
	if (b->gone != NULL)
		return strlen(b->gone) + sizeof "entry\t\t-";
	return buf_len(&b->view->line) + 1 +
	    (b->label != NULL ? strlen(b->label) : 0);
}

/* The lines of one part, or of none (0), of what came after a round, or of
 * all; the number of parts. Lines are never cut. */
static unsigned
list_lines(const struct list *l, int all, uint64_t had, unsigned part,
    struct buf *out)
{
	const struct buddy *b = TAILQ_FIRST(all ? &l->buddies : &l->recent);
	unsigned parts = 1;
	size_t used = 0, n;

	for (; b != NULL;
	     b = all ? TAILQ_NEXT(b, entry) : TAILQ_NEXT(b, recent)) {
		if (!all && b->round <= had)
			break;
		if (all && b->gone != NULL)
			continue;
		n = buddy_size(b);
		if (used > 0 && used + n > PART_MAX) {
			parts++;
			used = 0;
		}
		used += n;
		if (parts == part)
			buddy_put(b, out);
	}
	return parts;
}

static unsigned
list_part(struct document *d, struct subscription *s, uint64_t since,
    unsigned part, struct buf *out)
{
	struct list *l = d->owner;
	int all = since == NEXT_ALL;
	uint64_t had = s != NULL ? s->had : 0, version;
	unsigned parts;

	list_current(l);
	parts = list_lines(l, all, had, 0, NULL);
	version = !all		      ? since + 1 :
	    s != NULL && s->sent != 0 ? s->sent :
					version_next(d->pal);
	document_begin(out, d->uri, version, all, part, parts);
	line_end(out);
	(void)list_lines(l, all, had, part, out);
	return parts;
}

static void
list_again(struct document *d, struct subscription *s)
{
	(void)s;
	list_due(d->owner);
}

static void
list_left(struct document *d)
{
	struct list *l = d->owner;

	if (l->whom != NULL) {
		watcher_dialog(l->whom, l->owner, -1);
		list_free(l);
	} else
		presentity_idle(l->owner);
}

static const struct document_ops list_ops = {
	.next = list_next,
	.part = list_part,
	.again = list_again,
	.left = list_left,
};

/* --- entries --- */

static char *
copy_of(const char *s)
{
	char *c = strdup(s);

	if (c == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a PAL");
	return c;
}

static void
buddy_choose(struct buddy *b, const struct pal_entry_row *row)
{
	struct buf label = BUF_INIT;

	free(b->attrs);
	free(b->label);
	free(b->id);
	b->attrs = strcmp(row->attrs, "*") == 0 ? NULL : copy_of(row->attrs);
	b->id = row->id[0] == '\0' ? NULL : copy_of(row->id);
	b->label = NULL;
	if (row->label[0] != '\0') {
		line_put(&label, "label", row->label);
		b->label = copy_of(buf_cstr(&label));
		buf_free(&label);
	}
}

static struct buddy *
buddy_new(struct list *l, struct presentity *u, const struct pal_entry_row *row)
{
	struct buddy *b;

	if ((b = calloc(1, sizeof *b)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a PAL");
	b->list = l;
	if (row != NULL)
		buddy_choose(b, row);
	TAILQ_INSERT_TAIL(&l->buddies, b, entry);
	TAILQ_INSERT_TAIL(&l->recent, b, recent);
	l->n++;
	view_enter(b, u);
	return b;
}

struct buddy *
list_find(const struct list *l, const struct presentity *u)
{
	struct buddy *b;

	TAILQ_FOREACH(b, &l->buddies, entry)
		if (b->view != NULL && b->view->of == u)
			break;
	return b;
}

/* Added again before everybody has heard that it had gone: the new line says
 * it all, and the news of the old entry would come behind it. */
static void
drop_gone(struct list *l, const char *uri)
{
	struct buddy *b, *next;

	for (b = TAILQ_FIRST(&l->buddies); l->ngone > 0 && b != NULL;
	     b = next) {
		next = TAILQ_NEXT(b, entry);
		if (b->gone != NULL && strcmp(b->gone, uri) == 0)
			buddy_free(b);
	}
}

int
list_add(struct list *l, const struct pal_entry_row *row)
{
	struct pal *p = l->doc.pal;
	struct presentity *u;
	struct buddy *b;
	struct uri uri;
	int r;

	if (uri_parse(&uri, row->uri, p->s->conf.domain) != 0)
		return SEC_ERR_FORMAT;
	if ((u = presentity_get_uri(p, &uri)) == NULL)
		return SEC_ERR_SYS;
	b = list_find(l, u);
	if (b == NULL &&
	    (l->n >= LIST_MAX ||
		l->n >= (unsigned)p->s->conf.user_subscriptions)) {
		presentity_idle(u);
		return SEC_ERR_LIMIT;
	}
	if ((r = pal_entry_put(p->s->db, row)) != 0) {
		presentity_idle(u);
		return r;
	}
	if (b == NULL) {
		drop_gone(l, u->uri);
		b = buddy_new(l, u, row);
		watcher_entry(u, l->owner, 1);
	} else {
		buddy_choose(b, row);
		(void)view_again(b);
	}
	buddy_news(b);
	return 0;
}

int
list_rm(struct list *l, const char *uri)
{
	struct pal *p = l->doc.pal;
	struct presentity *u = presentity_by_uri(p, uri);
	struct buddy *b = u != NULL ? list_find(l, u) : NULL;
	int r;

	if (b == NULL)
		return SEC_ERR_NOTHING;
	if ((r = pal_entry_rm(p->s->db, l->owner->name, u->uri)) != 0)
		return r;
	watcher_entry(u, l->owner, 0);
	b->gone = copy_of(u->uri);
	l->n--;
	l->ngone++;
	view_leave(b);
	buddy_news(b);
	if (l->doc.nsubs == 0)
		list_sweep(l);
	return 0;
}

/* --- lists --- */

static struct list *
list_new(struct presentity *owner, struct presentity *whom)
{
	struct pal *p = owner->pal;
	struct list *l;

	if ((l = calloc(1, sizeof *l)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a PAL");
	document_init_ops(&l->doc, p, whom != NULL ? whom->uri : owner->uri,
	    EVENT_PRESENCE, &list_ops);
	l->doc.owner = l;
	l->decided = p->decided;
	l->owner = owner;
	l->whom = whom;
	TAILQ_INIT(&l->buddies);
	TAILQ_INIT(&l->recent);
	l->flushed = loop_now(p->s->loop) - NOTIFY_MS;
	timer_init(&l->timer, p->s->loop, on_due, l);
	return l;
}

struct list *
list_unread(struct presentity *owner)
{
	if (owner->list == NULL)
		owner->list = list_new(owner, NULL);
	return owner->list;
}

static int
load_entry(void *arg, const struct pal_entry_row *row)
{
	struct list *l = arg;
	struct pal *p = l->doc.pal;
	struct presentity *u;
	struct uri uri;

	/* The domain may have been another one. */
	if (uri_parse(&uri, row->uri, p->s->conf.domain) != 0)
		return 0;
	if ((u = presentity_get_uri(p, &uri)) == NULL)
		return SEC_ERR_SYS;
	buddy_new(l, u, row);
	return 0;
}

struct list *
list_open(struct presentity *owner)
{
	struct list *l = list_unread(owner);
	struct pal *p = owner->pal;

	if (l->loaded)
		return l;
	if (pal_entry_each(p->s->db, owner->name, load_entry, l) != 0) {
		log_error("db.read", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
		list_free(l);
		return NULL;
	}
	l->loaded = 1;
	return l;
}

struct list *
list_of(const struct document *d)
{
	return d->ops == &list_ops ? d->owner : NULL;
}

struct list *
list_watch(struct presentity *owner, struct presentity *whom)
{
	struct subscription *s;
	struct list *l;

	TAILQ_FOREACH(s, &owner->subs, own)
		if ((l = list_of(s->doc)) != NULL && l->whom == whom)
			return l;
	l = list_new(owner, whom);
	l->loaded = 1;
	buddy_new(l, whom, NULL);
	watcher_dialog(whom, owner, 1);
	return l;
}

void
list_current(struct list *l)
{
	struct buddy *b;

	if (l->decided == l->doc.pal->decided)
		return;
	l->decided = l->doc.pal->decided;
	TAILQ_FOREACH(b, &l->buddies, entry)
		if (b->gone == NULL && view_again(b))
			buddy_news(b);
}

void
list_free(struct list *l)
{
	struct buddy *b;

	if (l == NULL)
		return;
	if (l->owner->list == l)
		l->owner->list = NULL;
	document_free(&l->doc, "deactivated");
	while ((b = TAILQ_FIRST(&l->buddies)) != NULL)
		buddy_free(b);
	timer_cancel(&l->timer);
	if (l->is_due)
		TAILQ_REMOVE(&l->doc.pal->due, l, due);
	presentity_idle(l->owner);
	free(l);
}
