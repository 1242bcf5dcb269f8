/*
 * setting: what owner and moderators may change while it runs, by the line
 * `set` (S008, S131, S132).
 */

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"
#include "policy.h"

#define STREAMS_MAX 16

int
setting_title(struct conf_row *row, const char *v)
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
	    strcmp(v, "listed") != 0 &&
	    (strcmp(v, "parent") != 0 || row->parent == 0))
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
set_speak(struct conf_row *row, const char *v)
{
	if (strcmp(v, "all") != 0 && strcmp(v, "moderators") != 0 &&
	    strcmp(v, "asked") != 0)
		return SEC_ERR_FORMAT;
	text_copy(row->speak, v, sizeof row->speak);
	return 0;
}

static int
set_lobby(struct conf_row *row, const char *v)
{
	if (strcmp(v, "on") != 0 && strcmp(v, "off") != 0)
		return SEC_ERR_FORMAT;
	row->lobby = strcmp(v, "on") == 0;
	return 0;
}

static int
set_invite(struct conf_row *row, const char *v)
{
	if (strcmp(v, "all") != 0 && strcmp(v, "moderators") != 0)
		return SEC_ERR_FORMAT;
	row->invite_few = strcmp(v, "moderators") == 0;
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
	enum rank wants;
	int (*set)(struct conf_row *row, const char *value);
	const char *wanted;
} settings[] = {
	{ "title", RANK_MODERATOR, setting_title,
	    "title is a line of text, 255 bytes at most" },
	{ "streams", RANK_MODERATOR, set_streams,
	    "streams is a number, 1 to 16" },
	{ "select", RANK_MODERATOR, set_select, "select is loudest or first" },
	{ "access", RANK_OWNER, set_access,
	    "access is invited, domain or listed, or parent where it was "
	    "spawned" },
	{ "record", RANK_OWNER, set_record, "record is yes or no" },
	{ "level", RANK_OWNER, set_level, "level is on or off" },
	{ "speak", RANK_MODERATOR, set_speak,
	    "speak is all, moderators or asked" },
	{ "lobby", RANK_MODERATOR, set_lobby, "lobby is on or off" },
	{ "invite", RANK_MODERATOR, set_invite, "invite is all or moderators" },
	{ "directory", RANK_OWNER, set_directory, "directory is yes or no" },
	{ "history", RANK_OWNER, history_lines,
	    "history is off or, of a persistent conference, a number of lines, "
	    "100000 at most" },
	{ "history-from", RANK_OWNER, history_whence,
	    "history-from is join or begin" },
};
#define NSETTINGS (sizeof settings / sizeof settings[0])

/* Lists that take or lose users, with commas; the owner's. */
static const struct listing {
	const char *name;
	enum list_bit bit;
	int on;
} listings[] = {
	{ "watch+", LIST_WATCH, 1 },
	{ "watch-", LIST_WATCH, 0 },
	{ "moderator+", LIST_MODERATOR, 1 },
	{ "moderator-", LIST_MODERATOR, 0 },
};
#define NLISTINGS (sizeof listings / sizeof listings[0])

/* What a line `set` asks for. */
struct wish {
	struct conf_row row;
	char media[64]; /* "": as they are */
	const char *users[NLISTINGS]; /* NULL: none */
};

static const struct setting *
setting_of(const char *name)
{
	size_t i;

	for (i = 0; i < NSETTINGS; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

static const struct listing *
listing_of(const char *name)
{
	size_t i;

	for (i = 0; i < NLISTINGS; i++)
		if (strcmp(listings[i].name, name) == 0)
			return &listings[i];
	return NULL;
}

static int
set_users(const struct conference *c, const struct listing *g,
    const char *users, struct wish *w, struct asker *by)
{
	w->users[g - listings] = users;
	return lists_check(c, users, g->bit, g->on, &by->why) != 0 ? 400 : 0;
}

/* What keeping text needs: 0, or a status and why. */
static int
history_lacks(const struct conference *c, const struct wish *w,
    struct asker *by)
{
	if (c->focus->s->conf.plain) {
		by->why = "text that is not sealed is not kept";
		return 400;
	}
	if (w->row.history > 0 && dbk_need(c->focus) != 0) {
		by->why = "the controller has no storage key";
		return 503;
	}
	return 0;
}

/* One field of `set` into the wish. */
static int
set_field(struct conference *c, const struct line_field *v, struct wish *w,
    struct asker *by)
{
	const struct setting *s = setting_of(v->key);
	const struct listing *g = listing_of(v->key);
	enum rank wants = s != NULL ? s->wants : RANK_OWNER;

	if (strcmp(v->key, "conf") == 0)
		return 0;
	if (rank_of(c, by->user) < wants)
		return policy_forbids(c, by, wants);
	if (g != NULL)
		return set_users(c, g, v->value, w, by);
	if (s != NULL) {
		by->why = s->wanted;
		return s->set(&w->row, v->value) != 0 ? 400 :
		    s->set == history_lines ? history_lacks(c, w, by) :
					      0;
	}
	if (strcmp(v->key, "media") == 0) {
		by->why = "media is text, voice, or both with a comma";
		return media_parse(v->value, w->media, sizeof w->media) != 0 ?
		    400 :
		    0;
	}
	by->why =
	    "that cannot be set, but these can: title, media, streams, "
	    "select, access, record, level, directory, speak, lobby, invite, "
	    "history, history-from, watch+, watch-, moderator+, moderator-";
	return 400;
}

void
setting_undo(struct conference *c)
{
	struct conf_row now = c->row;

	c->row = c->before;
	c->row.epoch = now.epoch;
	c->row.q_reserved = now.q_reserved;
	owner_follow(c);
	lists_reload(c);
	deal_policy(c);
	speak_deal(c);
}

/* Whoever records leaves. */
static void
recorders_leave(struct conference *c)
{
	struct device *d, *next;

	for (d = TAILQ_FIRST(&c->device_list); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (strcmp(d->via, "recorder") != 0)
			continue;
		device_bye(d);
		device_leave(d, "record");
	}
	conf_check_soon(c); /* some did nothing else */
}

static int
wish_store(struct conference *c, const struct wish *w)
{
	struct focus *f = c->focus;
	struct conf_row before = c->row;
	size_t i;
	int r;

	c->row = w->row;
	/* The epoch may have moved with the media. */
	c->row.epoch = before.epoch;
	c->row.q_reserved = before.q_reserved;
	if ((r = commit_begin(f)) != 0 ||
	    (r = conf_update(f->s->db, &c->row)) != 0) {
		c->row = before;
		return commit_fail(f, r); /* its media too */
	}
	conf_changed(c, &before);
	if ((r = history_set(c, before.history)) != 0)
		return commit_fail(f, r);
	if (strcmp(before.speak, c->row.speak) != 0 && (r = speak_over(c)) != 0)
		return r;
	for (i = 0; i < NLISTINGS; i++)
		if ((r = lists_change(c, w->users[i], listings[i].bit,
			 listings[i].on)) != 0)
			return r;
	return 0;
}

/* The users who would come on a list, to be asked for: 1 if there are any. */
static int
wish_asks(struct conference *c, const struct wish *w, struct asker *by)
{
	struct buf ask = BUF_INIT;
	const char *users;
	struct uri u;
	size_t i, n;

	for (i = 0; i < NLISTINGS; i++)
		for (users = listings[i].on ? w->users[i] : NULL;
		     users != NULL && *users != '\0';) {
			users = lists_next_user(c->focus, users, &u);
			if (!(conf_list_bits(c, u.full) & listings[i].bit))
				buf_putf(&ask, "%s%s",
				    buf_len(&ask) > 0 ? "," : "", u.full);
		}
	if ((n = buf_len(&ask)) > 0)
		known_ask(c, by, buf_cstr(&ask));
	buf_free(&ask);
	return n > 0;
}

int
policy_set(struct conference *c, struct asker *by, const struct line *l)
{
	struct wish w = { .row = c->row };
	size_t i;
	int status;

	if (l->n == 0) {
		by->why = "set what?";
		return 400;
	}
	for (i = 0; i < l->n; i++)
		if ((status = set_field(c, &l->field[i], &w, by)) != 0)
			return status;
	by->why = NULL;
	if (!by->known && wish_asks(c, &w, by))
		return 0;
	if (w.media[0] != '\0' && (status = media_set(c, w.media)) != 0) {
		by->why = "no server is there for this medium";
		return status;
	}
	if (wish_store(c, &w) != 0)
		return 503;
	deal_policy(c);
	speak_deal(c);
	lobby_open(c);
	if (!c->row.record)
		recorders_leave(c);
	log_info("conf.policy", "conf=%s user=%s", log_quote(c->row.name),
	    log_quote(by->user));
	return 200;
}

/* Whom the lists have that are set by name+ and name-. */
int
policy_lists(struct conference *c, struct asker *by, const struct line *l)
{
	(void)l;
	line_begin(&by->answer, "ok");
	lists_tell(c, LIST_WATCH, "watch", &by->answer);
	lists_tell(c, LIST_MODERATOR, "moderator", &by->answer);
	line_end(&by->answer);
	return 200;
}
