/*
 * roster_link: rosters as the controller deals them, its verbs (S100, S107).
 */

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "roster_priv.h"
#include "recheck.h"

static void
take(char **to, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);
	char *copy;

	if (v == NULL && *to != NULL)
		return;
	if ((copy = strdup(v != NULL ? v : "")) == NULL)
		return;
	free(*to);
	*to = copy;
}

static void
roster_fields(struct roster *r, const struct line *l)
{
	take(&r->cid, l, "cid");
	take(&r->name, l, "name");
	take(&r->title, l, "title");
	take(&r->access, l, "access");
	take(&r->creator, l, "creator");
	take(&r->media, l, "media");
	take(&r->persistent, l, "persistent");
	take(&r->created, l, "created");
	take(&r->codec, l, "codec");
	take(&r->streams, l, "streams");
	take(&r->select, l, "select");
	take(&r->level, l, "level");
	take(&r->record, l, "record");
	take(&r->speak, l, "speak");
	take(&r->lobby, l, "lobby");
	take(&r->locked, l, "locked");
	take(&r->invite, l, "invite");
	take(&r->history, l, "history");
	take(&r->history_from, l, "history_from");
	take(&r->directory, l, "directory");
	take(&r->watch, l, "watch");
	take(&r->parent, l, "parent");
}

static struct pal *
pal_of(void *ctx)
{
	return ((struct service *)ctx)->priv;
}

/* The conference that the line is about, or NULL. */
static struct roster *
line_roster(void *ctx, const struct ctl_req *req)
{
	return roster_find(pal_of(ctx), line_get_or(req->line, "conf", ""));
}

/* The same; without one req is answered. */
static struct roster *
req_roster(void *ctx, struct ctl_req *req)
{
	struct roster *r = line_roster(ctx, req);

	if (r == NULL)
		ctl_error(req, 404, "no such conference here");
	return r;
}

static void
on_conference(void *ctx, struct ctl_req *req)
{
	const char *uri = line_get(req->line, "conf");
	struct roster *r = line_roster(ctx, req);
	struct participant *pa;
	struct device *d;
	size_t i;

	if (uri == NULL || line_get(req->line, "cid") == NULL) {
		ctl_error(req, 400, "conf= or cid= is missing");
		return;
	}
	if (r != NULL && r->cid != NULL &&
	    strcmp(r->cid, line_get(req->line, "cid")) != 0) {
		roster_free(r); /* the name was used again */
		r = NULL;
	}
	if (r == NULL && (r = roster_new(pal_of(ctx), uri)) == NULL) {
		ctl_error(req, 503, "out of memory");
		return;
	}
	roster_fields(r, req->line);
	r->seen = 1;
	map_free(r->allowed);
	r->allowed = map_new();
	for (i = 0; (pa = map_next(r->people, &i)) != NULL;) {
		pa->seen = 0;
		TAILQ_FOREACH(d, &pa->devices, entry)
			d->seen = 0;
	}
	ctl_ok(req);
}

/* He was invited: he may come, whatever becomes of it. */
static void
roster_may(struct roster *r, const char *user)
{
	map_put_str(r->may, user, r);
}

static int
is_set(const struct line *l, const char *key, int before)
{
	const char *v = line_get(l, key);

	return v == NULL ? before : strcmp(v, "1") == 0;
}

/* What he may do, and whether he is heard. */
static void
take_marks(struct participant *pa, const struct line *l)
{
	int muted = pa->muted, floor = pa->floor;
	char role[sizeof pa->role];

	text_copy(role, pa->role, sizeof role);
	text_copy(pa->role, line_get_or(l, "role", pa->role), sizeof pa->role);
	pa->hand = is_set(l, "hand", pa->hand);
	pa->muted = is_set(l, "muted", pa->muted);
	pa->floor = is_set(l, "floor", pa->floor);
	if (line_get(l, "read") != NULL &&
	    line_get_u64(l, "read", &pa->read) != 0)
		pa->read = 0;
	/* A hand is his own. */
	if (strcmp(pa->role, role) != 0 || pa->muted != muted ||
	    pa->floor != floor)
		text_copy(pa->by, line_get_or(l, "by", ""), sizeof pa->by);
}

static void
on_join(void *ctx, struct ctl_req *req)
{
	const char *user = line_get(req->line, "user");
	struct roster *r = req_roster(ctx, req);
	struct participant *pa;
	struct device *d;
	uint64_t since;
	uint32_t q;

	if (r == NULL)
		return;
	if (user == NULL || q_parse(&q, line_get_or(req->line, "q", "")) != 0) {
		ctl_error(req, 400, "user= or q= is missing");
		return;
	}
	if ((pa = participant_get(r, user)) == NULL ||
	    (d = device_enter(pa, q)) == NULL) {
		ctl_error(req, 503, "out of memory");
		return;
	}
	d->seen = 1;
	text_copy(d->medium, line_get_or(req->line, "medium", ""),
	    sizeof d->medium);
	text_copy(d->via, line_get_or(req->line, "via", "voip"), sizeof d->via);
	if (line_get_u64(req->line, "since", &since) == 0)
		pa->since = (int64_t)since;
	text_copy(pa->state, "active", sizeof pa->state);
	if (pa->in == 1)
		pa->by[0] = '\0';
	take_marks(pa, req->line);
	roster_may(r, user);
	participant_changed(pa);
	ctl_ok(req);
}

/* With his last device he is out, and it is told who removed him. */
static void
leave_by(struct participant *pa, struct device *d, const char *by)
{
	if (pa->in == 1 && d->left == 0)
		text_copy(pa->by, by, sizeof pa->by);
	device_left(pa, d);
}

static void
on_leave(void *ctx, struct ctl_req *req)
{
	struct roster *r = req_roster(ctx, req);
	struct participant *pa;
	struct device *d;
	uint32_t q;

	if (r == NULL)
		return;
	if (q_parse(&q, line_get_or(req->line, "q", "")) == 0 &&
	    (pa = map_get_u64(r->by_q, q)) != NULL &&
	    (d = device_find(pa, q)) != NULL)
		leave_by(pa, d, line_get_or(req->line, "by", ""));
	ctl_ok(req);
}

static void
invitation_over(struct participant *pa)
{
	text_copy(pa->state, "left", sizeof pa->state);
	pa->gone = TAILQ_EMPTY(&pa->devices);
	participant_changed(pa);
}

/* `left`: he is not asked any more; with a reason it is shown. */
static void
member_left(struct roster *r, const char *user, const char *reason)
{
	struct participant *pa = map_get_str(r->people, user);

	roster_may(r, user);
	if (reason != NULL)
		pa = participant_get(r, user);
	if (pa == NULL || pa->in > 0)
		return;
	if (reason != NULL)
		participant_refused(pa, reason);
	else
		invitation_over(pa);
}

static void
member_invited(struct roster *r, const char *user)
{
	struct participant *pa = participant_get(r, user);

	roster_may(r, user);
	if (pa == NULL || pa->in > 0)
		return;
	text_copy(pa->state, "invited", sizeof pa->state);
	pa->reason[0] = '\0';
	pa->seen = 1;
	participant_changed(pa);
}

/* Blocked, so that it is not there for him, or no longer. */
static void
roster_bar(struct roster *r, const char *user, int on)
{
	if (on)
		map_put_str(r->barred, user, r);
	else
		map_del_str(r->barred, user);
	roster_recheck(r);
}

/* What becomes of a user who need not be in it, nor be asked in. */
static int
member_listed(struct roster *r, const char *user, const char *status)
{
	if (strcmp(status, "barred") == 0)
		roster_bar(r, user, 1);
	else if (strcmp(status, "unbarred") == 0)
		roster_bar(r, user, 0);
	else if (strcmp(status, "allowed") == 0)
		map_put_str(r->allowed, user, r);
	else if (strcmp(status, "unallowed") == 0)
		map_del_str(r->allowed, user);
	else
		return 0;
	return 1;
}

static int
is_state(const char *status)
{
	return text_list_has("invited,active,busy,left,unreachable,barred,"
			     "unbarred,allowed,unallowed",
	    status, strlen(status));
}

/* A state that no device expresses: invited, unreachable, busy, active,
 * left; or a list that he is on now, or not any more. */
static void
on_member(void *ctx, struct ctl_req *req)
{
	const char *user = line_get(req->line, "user");
	const char *status = line_get_or(req->line, "status", "");
	struct roster *r = req_roster(ctx, req);
	struct participant *pa;

	if (r == NULL)
		return;
	if (user == NULL || !is_state(status)) {
		ctl_error(req, 400, "user= or status= is wrong");
		return;
	}
	if (strcmp(status, "invited") == 0)
		member_invited(r, user);
	else if (strcmp(status, "left") == 0)
		member_left(r, user, line_get(req->line, "reason"));
	else if (!member_listed(r, user, status) &&
	    (pa = map_get_str(r->people, user)) != NULL && pa->in > 0) {
		text_copy(pa->state, status, sizeof pa->state);
		take_marks(pa, req->line);
		participant_changed(pa);
	}
	ctl_ok(req);
}

/* Users with commas into a list of it. */
static void
list_users(struct roster *r, struct map *to, const char *users)
{
	char user[URI_MAX];
	const char *s;
	size_t n;

	for (s = users; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (n >= sizeof user)
			continue;
		memcpy(user, s, n);
		user[n] = '\0';
		map_put_str(to, user, r);
	}
}

/* may conf= [users=] [allowed=] [barred=]: who may join by name, who may
 * where it is listed, who is blocked. */
static void
on_may(void *ctx, struct ctl_req *req)
{
	struct roster *r = line_roster(ctx, req);

	if (r == NULL)
		return;
	list_users(r, r->may, line_get_or(req->line, "users", ""));
	list_users(r, r->allowed, line_get_or(req->line, "allowed", ""));
	list_users(r, r->barred, line_get_or(req->line, "barred", ""));
}

static void
on_end(void *ctx, struct ctl_req *req)
{
	struct roster *r = line_roster(ctx, req);

	if (r != NULL)
		roster_free(r);
	ctl_ok(req);
}

static void
on_policy(void *ctx, struct ctl_req *req)
{
	struct roster *r = req_roster(ctx, req);

	if (r == NULL)
		return;
	roster_fields(r, req->line);
	if (line_get(req->line, "by") == NULL && r->by != NULL)
		r->by[0] = '\0';
	take(&r->by, req->line, "by");
	document_changed(&r->doc);
	roster_recheck(r);
	roster_changed(r);
	ctl_ok(req);
}

/* Dealt: who subscribed before our restart hears of it, or of his end. */
static void
roster_dealt(struct roster *r)
{
	struct subscription *s, *next;

	if (!r->doc.waits)
		return;
	r->doc.waits = 0;
	for (s = TAILQ_FIRST(&r->doc.subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (!roster_participant(r->pal, r->doc.uri, s->watcher->uri))
			subscription_end(s, "noresource");
	}
	document_changed(&r->doc);
}

static void
all_dealt(struct pal *p)
{
	struct roster *r;
	size_t i;

	for (i = 0; (r = map_next(p->rosters, &i)) != NULL;)
		if (!r->seen)
			roster_free(r);
	if (!p->dealt) {
		p->dealt = 1;
		pals_recheck(p); /* what there is not is known now */
	}
}

static void
on_dealt(void *ctx, struct ctl_req *req)
{
	struct roster *r = line_roster(ctx, req);
	struct participant *pa;
	struct device *d;
	size_t i;

	if (line_get(req->line, "conf") == NULL) {
		all_dealt(pal_of(ctx));
		return;
	}
	if (r == NULL)
		return;
	for (i = 0; (pa = map_next(r->people, &i)) != NULL;) {
		TAILQ_FOREACH(d, &pa->devices, entry)
			if (!d->seen)
				device_left(pa, d);
		if (pa->in == 0 && strcmp(pa->state, "invited") == 0 &&
		    !pa->seen)
			invitation_over(pa);
	}
	roster_dealt(r);
	roster_watch_dealt(r);
}

void
rosters_link_up(struct pal *p)
{
	struct roster *r;
	size_t i;

	for (i = 0; (r = map_next(p->rosters, &i)) != NULL;)
		r->seen = 0;
}

const struct ctl_verb roster_verbs[] = {
	{ "conference", CTL_CONFCTL, on_conference },
	{ "join", CTL_CONFCTL, on_join },
	{ "leave", CTL_CONFCTL, on_leave },
	{ "member", CTL_CONFCTL, on_member },
	{ "may", CTL_CONFCTL, on_may },
	{ "end", CTL_CONFCTL, on_end },
	{ "policy", CTL_CONFCTL, on_policy },
	{ "dealt", CTL_CONFCTL, on_dealt },
	{ "talk", CTL_CONFCTL, on_talk },
	{ NULL, 0, NULL },
};
