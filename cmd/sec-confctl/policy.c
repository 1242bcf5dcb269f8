/*
 * policy: PUBLISH to a conference, one control line in the body: what its
 * members and owner ask of it.
 */

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"
#include "wire/line.h"

#include "focus.h"

#define STREAMS_MAX 16

/* Who asks; why: a sentence for a refusal. */
struct asker {
	const char *user, *instance;
	const char *why;
};

/* A member's agent missed key news: the INFO again (SECURITY.md 3.5). */
static int
policy_grant(struct conference *c, struct asker *by, const struct line *l)
{
	struct member *m = conf_member(c, by->user);
	struct device *d;
	int n = 0;

	(void)l;
	if (m == NULL)
		return 403;
	TAILQ_FOREACH(d, &m->own, own) {
		if (strcmp(d->instance, by->instance) != 0 || !d->joined)
			continue;
		d->wants_hop |= device_is_voice(d) && d->hop != NULL;
		epoch_tell_wrap(d);
		n++;
	}
	return n > 0 ? 200 : 403;
}

static void
end_committed(struct focus *f, uint64_t conf, int err)
{
	struct conference *c = conf_find_id(f, conf);

	if (c != NULL && err == 0)
		conf_end(c, "owner");
}

static int
policy_end(struct conference *c, struct asker *by, const struct line *l)
{
	struct focus *f = c->focus;

	(void)l;
	if (strcmp(c->row.owner, by->user) != 0)
		return 403;
	/* What is not gone from the disk would be back after a restart. */
	if (commit_begin(f) != 0 || conf_delete(f->s->db, c->row.id) != 0)
		return 503;
	commit_then(f, end_committed, c->row.id);
	return 200;
}

/* The user of this agent listens elsewhere, or here again (S177, S180). */
static int
policy_hold(struct conference *c, struct asker *by, const struct line *l)
{
	const char *on = line_get_or(l, "on", "");
	struct member *m = conf_member(c, by->user);
	struct device *d;
	int n = 0;

	if (strcmp(on, "on") != 0 && strcmp(on, "off") != 0) {
		by->why = "hold is on or off";
		return 400;
	}
	if (m == NULL)
		return 403;
	TAILQ_FOREACH(d, &m->own, own) {
		if (strcmp(d->instance, by->instance) != 0)
			continue;
		n++;
		if (d->hold == (strcmp(on, "on") == 0))
			continue;
		d->hold = !d->hold;
		if (device_is_voice(d))
			deal_hold(d);
	}
	member_tell(m);
	return n > 0 ? 200 : 403;
}

/* --- set: what its creator may change while it runs (S131, S132) --- */

int
policy_title(struct conf_row *row, const char *v)
{
	if (!text_is_utf8(v, strlen(v)))
		return SEC_ERR_FORMAT;
	return text_copy(row->title, v, sizeof row->title) < sizeof row->title ?
	    0 :
	    SEC_ERR_FORMAT;
}

static int
set_streams(struct conf_row *row, const char *v)
{
	unsigned long long n;

	if (text_number(v, 1, STREAMS_MAX, &n) != 0)
		return SEC_ERR_FORMAT;
	row->streams = (int)n;
	return 0;
}

static int
set_select(struct conf_row *row, const char *v)
{
	if (strcmp(v, "loudest") != 0 && strcmp(v, "first") != 0)
		return SEC_ERR_FORMAT;
	text_copy(row->select, v, sizeof row->select);
	return 0;
}

static int
set_access(struct conf_row *row, const char *v)
{
	if (strcmp(v, "invited") != 0 && strcmp(v, "domain") != 0 &&
	    strcmp(v, "listed") != 0)
		return SEC_ERR_FORMAT;
	text_copy(row->access, v, sizeof row->access);
	return 0;
}

static int
set_record(struct conf_row *row, const char *v)
{
	if (strcmp(v, "yes") != 0 && strcmp(v, "no") != 0)
		return SEC_ERR_FORMAT;
	row->record = strcmp(v, "yes") == 0;
	return 0;
}

static int
set_level(struct conf_row *row, const char *v)
{
	if (strcmp(v, "on") != 0 && strcmp(v, "off") != 0)
		return SEC_ERR_FORMAT;
	row->level = strcmp(v, "on") == 0;
	return 0;
}

static int
set_directory(struct conf_row *row, const char *v)
{
	if (strcmp(v, "yes") != 0 && strcmp(v, "no") != 0)
		return SEC_ERR_FORMAT;
	row->directory = strcmp(v, "yes") == 0;
	return 0;
}

static const struct setting {
	const char *name;
	int (*set)(struct conf_row *row, const char *value);
	const char *wanted;
} settings[] = {
	{ "title", policy_title, "title is a line of text, 255 bytes at most" },
	{ "streams", set_streams, "streams is a number, 1 to 16" },
	{ "select", set_select, "select is loudest or first" },
	{ "access", set_access, "access is invited, domain or listed" },
	{ "record", set_record, "record is yes or no" },
	{ "level", set_level, "level is on or off" },
	{ "directory", set_directory, "directory is yes or no" },
};
#define NSETTINGS (sizeof settings / sizeof settings[0])

/* What a line `set` asks for. */
struct wish {
	struct conf_row row;
	char media[64]; /* "": as they are */
	const char *watch, *unwatch; /* users with commas, NULL: none */
};

/* The next of users with commas; NULL: it is none. */
static const char *
next_user(const struct focus *f, const char *list, struct uri *u)
{
	char name[URI_MAX];
	size_t n = strcspn(list, ",");

	if (n == 0 || n >= sizeof name)
		return NULL;
	memcpy(name, list, n);
	name[n] = '\0';
	if (uri_from_name(u, name, f->s->conf.domain, 0) != 0 ||
	    u->kind != URI_USER)
		return NULL;
	return list + n + (list[n] == ',');
}

/* Users with commas who are to be on the watch list, or not. */
static int
check_watch(struct conference *c, const char *list, struct asker *by)
{
	size_t n = conf_list_count(c, LIST_WATCH);
	struct uri u;

	do {
		if ((list = next_user(c->focus, list, &u)) == NULL) {
			by->why = "watch is a user, or several with commas";
			return 400;
		}
		n += !(conf_list_bits(c, u.full) & LIST_WATCH);
	} while (*list != '\0');
	if (n > WATCH_MAX) {
		by->why = "a watch list has at most 100 users";
		return 400;
	}
	return 0;
}

static int
set_watch(struct conference *c, const char *list, int on)
{
	struct focus *f = c->focus;
	struct uri u;
	int r;

	while (list != NULL && *list != '\0') {
		list = next_user(f, list, &u);
		r = on ? conf_user_put(f->s->db, c->row.id, u.full, "watch") :
			 conf_user_rm(f->s->db, c->row.id, u.full, "watch");
		if (r != 0 && r != SEC_ERR_NOTHING)
			return r;
		if (on)
			conf_list_set(c, u.full, LIST_WATCH);
		else
			conf_list_clear(c, u.full, LIST_WATCH);
	}
	return 0;
}

/* One field of `set` into the wish. */
static int
set_field(struct conference *c, const struct line_field *v, struct wish *w,
    struct asker *by)
{
	size_t i;

	if (strcmp(v->key, "conf") == 0)
		return 0;
	if (strcmp(v->key, "media") == 0) {
		by->why = "media is text, voice, or both with a comma";
		return media_parse(v->value, w->media, sizeof w->media) != 0 ?
		    400 :
		    0;
	}
	if (strcmp(v->key, "watch+") == 0)
		return check_watch(c, w->watch = v->value, by);
	if (strcmp(v->key, "watch-") == 0)
		return check_watch(c, w->unwatch = v->value, by);
	for (i = 0; i < NSETTINGS; i++)
		if (strcmp(settings[i].name, v->key) == 0) {
			by->why = settings[i].wanted;
			return settings[i].set(&w->row, v->value) != 0 ? 400 :
									 0;
		}
	by->why = "that cannot be set: title, media, streams, select, access, "
		  "record, level, directory, watch+, watch-";
	return 400;
}

void
policy_undo(struct conference *c)
{
	struct conf_row now = c->row;

	c->row = c->before;
	c->row.epoch = now.epoch;
	c->row.q_reserved = now.q_reserved;
	conf_watch_reload(c);
	deal_policy(c);
}

static int
wish_store(struct conference *c, const struct wish *w)
{
	struct focus *f = c->focus;
	struct conf_row before = c->row;
	int r;

	c->row = w->row;
	/* The epoch may have moved with the media. */
	c->row.epoch = before.epoch;
	c->row.q_reserved = before.q_reserved;
	if ((r = commit_begin(f)) != 0 ||
	    (r = conf_update(f->s->db, &c->row)) != 0) {
		c->row = before;
		return r;
	}
	if (c->changed != f->commits)
		c->before = before;
	c->changed = f->commits;
	if ((r = set_watch(c, w->watch, 1)) != 0)
		return r;
	return set_watch(c, w->unwatch, 0);
}

static int
policy_set(struct conference *c, struct asker *by, const struct line *l)
{
	struct wish w = { .row = c->row };
	size_t i;
	int status;

	if (strcmp(c->row.owner, by->user) != 0) {
		by->why = "only its creator may change it";
		return 403;
	}
	if (l->n == 0) {
		by->why = "set what?";
		return 400;
	}
	for (i = 0; i < l->n; i++)
		if ((status = set_field(c, &l->field[i], &w, by)) != 0)
			return status;
	by->why = NULL;
	if (w.media[0] != '\0' && (status = media_set(c, w.media)) != 0) {
		by->why = "no server is there for this medium";
		return status;
	}
	if (wish_store(c, &w) != 0)
		return 503;
	deal_policy(c);
	log_info("conf.policy", "conf=%s user=%s", log_quote(c->row.name),
	    log_quote(by->user));
	return 200;
}

static const struct {
	const char *verb;
	int (*on)(struct conference *c, struct asker *by, const struct line *l);
} policies[] = {
	{ "grant", policy_grant },
	{ "hold", policy_hold },
	{ "set", policy_set },
	{ "end", policy_end },
};

/* Refused, with the reason in SEC-Note. */
static void
policy_refuse(struct sip_txn *txn, int status, const char *why)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	a.note = why;
	sip_answer(txn, &a);
}

void
on_publish(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct focus *f = ((struct service *)ctx)->priv;
	const struct sip_peer *peer = sip_conn_peer(sip_txn_conn(txn));
	struct asker by = { NULL, peer->instance, NULL };
	char user[URI_MAX];
	struct conference *c;
	struct line l;
	struct uri u;
	size_t i;
	int status = 400;

	service_touch(f->s);
	by.user = uri_user(user, peer->user, f->s->conf.domain);
	if (req->event == NULL ||
	    !text_equal_nocase(req->event, EVENT_CONFERENCE)) {
		sip_answer_status(txn, 489);
		return;
	}
	if (uri_parse(&u, req->uri, f->s->conf.domain) != 0 ||
	    u.kind != URI_CONF || (c = conf_find(f, u.full)) == NULL) {
		sip_answer_status(txn, 404);
		return;
	}
	if (req->bodylen > 0 && line_parse(&l, req->body, req->bodylen) == 0) {
		for (i = 0; i < sizeof policies / sizeof policies[0]; i++)
			if (strcmp(policies[i].verb, l.verb) == 0)
				status = policies[i].on(c, &by, &l);
		line_free(&l);
	}
	if (status == 200)
		commit_then(f, commit_answer, sip_txn_id(txn));
	else
		policy_refuse(txn, status, by.why);
}
