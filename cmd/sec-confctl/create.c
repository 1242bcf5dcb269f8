/*
 * create: INVITE to the factory (Fig. 6, steps 602-612; S097-S102).
 *
 *   state    on                         do                          next
 *   DEAL     enter                      row; `conference` to the
 *                                       media servers and sec-pal
 *            commit and all `ok`        302 with id and grant       done
 *            an error, 5 s              `end`, 503                  done
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/random.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "focus.h"

struct create {
	struct focus *f;
	uint64_t id;
	uint64_t conf;
	uint64_t txn;
	char user[URI_MAX];
	char instance[33];
	int64_t expires; /* of whom it asks, if it is spawned */
	int reborn; /* the name of one that has ended */
	int waiting; /* answers and the commit */
	int status; /* 0, or what went wrong */
};

/* Nobody was told of it: it leaves no tombstone, unless there was one. */
static void
create_unmake(struct conference *c, int reborn)
{
	struct db *db = c->focus->s->db;

	if (commit_begin(c->focus) == 0)
		(void)(reborn ? conf_delete : conf_forget)(db, c->row.id);
}

static void
create_finish(struct create *o)
{
	struct focus *f = o->f;
	struct conference *c = conf_find_id(f, o->conf);
	struct sip_txn *txn = sip_txn_find(f->s->sip, o->txn);
	struct session *se = session_find(f, o->user, o->instance);
	struct buf key = BUF_INIT, words = BUF_INIT;
	struct sip_msg a;

	map_del_u64(f->creates, o->id);
	if (c == NULL && o->status == 0)
		o->status = 503;
	/* What it was to be spawned from has ended meanwhile. */
	if (o->status == 0 && c->row.parent != 0 && c->parent == NULL)
		o->status = 404;
	if (o->status == 0 &&
	    epoch_wrap(c, se, c->creator_q, c->creator_hop, c->creator_hopid,
		&key) != 0)
		o->status = 503;
	if (o->status != 0 || txn == NULL) {
		if (txn != NULL)
			sip_answer_status(txn, o->status);
		if (c != NULL) {
			create_unmake(c, o->reborn);
			conf_end(c, "create");
		}
	} else {
		conf_words(c, &words);
		sip_msg_init(&a);
		a.status = 302;
		a.contact = c->uri;
		a.conference = buf_cstr(&words);
		a.conference_key = buf_cstr(&key);
		if (o->reborn)
			a.note = "the name of one that has ended: a new one, "
				 "nothing of it is here";
		sip_answer(txn, &a);
		timer_set(&c->first, FIRST_MS);
		log_info("conf.new", "conf=%s user=%s access=%s",
		    log_quote(c->row.name), log_quote(o->user), c->row.access);
		if (c->parent != NULL)
			spawn_ask(c, o->expires);
	}
	buf_free(&key);
	buf_free(&words);
	free(o);
}

static void
create_step(struct focus *f, uint64_t id, int status)
{
	struct create *o = map_get_u64(f->creates, id);

	if (o == NULL)
		return;
	if (status != 0 && o->status == 0)
		o->status = status;
	if (--o->waiting == 0)
		create_finish(o);
}

static void
create_dealt(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	if (reply != NULL && strcmp(reply->verb, "row") == 0)
		return;
	create_step(ctx, cookie,
	    reply != NULL && strcmp(reply->verb, "ok") == 0 ?
		0 :
		ctl_reply_status(reply, err));
}

static void
create_committed(struct focus *f, uint64_t id, int err)
{
	create_step(f, id, err != 0 ? sec_err_sip(err) : 0);
}

static int
create_tell(struct create *o, struct conference *c, int server)
{
	struct ctl_peer *p;
	struct buf *b;

	if ((b = deal_call(o->f, server, "conference", &p)) == NULL)
		return 503;
	deal_conference(c, server, b);
	if (ctl_call_end(p, LINK_DEADLINE, create_dealt, o->f, o->id) == 0)
		return 503;
	b = ctl_event(p, "dealt"); /* nobody is in it yet */
	line_put(b, "conf", c->uri);
	ctl_event_end(p);
	o->waiting++;
	return 0;
}

/* Media by name into c; 0 or a status. */
static int
create_media(struct focus *f, struct conference *c, const char *media)
{
	char list[64], *rest = list, *m;
	int server;

	if (media_parse(media, list, sizeof list) != 0)
		return 488;
	while ((m = strsep(&rest, ",")) != NULL) {
		if ((server = pick_server(f, m, 0)) == 0)
			return 503;
		text_copy(c->media[c->nmedia].medium, m,
		    sizeof c->media[0].medium);
		pick_set(f, &c->media[c->nmedia++], server);
	}
	return 0;
}

static int
wakes(struct focus *f, const char *media)
{
	char list[64], *rest = list, *m;

	text_copy(list, media, sizeof list);
	while ((m = strsep(&rest, ",")) != NULL)
		if (pick_wakes(f, m))
			return 1;
	return 0;
}

/* 503 is not for long: at once again (0) where a server that had left is
 * being dialled; with `draining` another server takes over. */
static void
create_refuse(struct focus *f, struct sip_txn *txn, int status,
    const char *media, const char *why)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	if (*why != '\0')
		a.note = why;
	if (status == 503) {
		a.retry_after = wakes(f, media) ? 0 : 1;
		if (f->s->draining || pick_drains(f, media))
			a.note = NOTE_DRAINING;
	}
	sip_answer(txn, &a);
}

/* Has he as many as one user may have? Persistent ones stay for ever. */
static int
is_enough(struct focus *f, const char *user)
{
	const struct person *p = person_find(f, user);

	return p != NULL && p->owns >= (unsigned)f->s->conf.user_conferences;
}

void
create_row_begin(struct focus *f, const char *user, struct conf_row *row)
{
	uint64_t random;

	memset(row, 0, sizeof *row);
	crypto_random(&random, sizeof random);
	row->id =
	    (uint64_t)f->s->self->number << 56 | (random & 0xffffffffffffffULL);
	text_copy(row->owner, user, sizeof row->owner);
	row->record = 1;
	text_copy(row->select, "loudest", sizeof row->select);
	text_copy(row->speak, "all", sizeof row->speak);
	text_copy(row->history_from, "join", sizeof row->history_from);
	row->streams = f->s->conf.streams;
	row->level = 1;
	row->epoch = 1;
	row->created = clock_real();
}

void
create_name(struct focus *f, struct conf_row *row)
{
	char uri[URI_MAX];
	int letters = 6;

	do {
		confid_name(row->id, letters++, row->name);
		uri_conf(uri, row->name, f->s->conf.domain);
	} while (conf_find(f, uri) != NULL && letters <= 11);
}

/* The name that he wants: 0 or a status. */
static int
create_named(struct focus *f, const char *name, const char *user,
    struct conf_row *row)
{
	char uri[URI_MAX], owner[CONF_USER];

	if (!text_is_name(name) || strcmp(name, "conference") == 0)
		return 400;
	uri_conf(uri, name, f->s->conf.domain);
	if (conf_find(f, uri) != NULL)
		return 409;
	if (conf_tombstone(f->s->db, name, owner, sizeof owner) == 0 &&
	    strcmp(owner, user) != 0)
		return 409;
	text_copy(row->name, name, sizeof row->name);
	return 0;
}

/* The row of a new conference from SEC-Conference; 0 or a status. */
static int
create_row(struct focus *f, const struct line *l, const char *user,
    struct conf_row *row)
{
	const char *name = line_get_or(l, "name", "");
	const char *access = line_get_or(l, "access", "invited");
	const char *codec = line_get_or(l, "codec", "opus");

	if (strcmp(access, "invited") != 0 && strcmp(access, "domain") != 0)
		return 400;
	if (strcmp(codec, "opus") != 0 && strcmp(codec, "pcmu") != 0)
		return 488;
	create_row_begin(f, user, row);
	text_copy(row->access, access, sizeof row->access);
	text_copy(row->codec, codec, sizeof row->codec);
	row->persistent = strcmp(line_get_or(l, "persistent", "0"), "1") == 0;
	if (setting_title(row, line_get_or(l, "title", "")) != 0)
		return 400;
	if (name[0] != '\0')
		return create_named(f, name, user, row);
	create_name(f, row);
	return 0;
}

/* The row, or that of what is spawned; 0, or a status and perhaps in why a
 * sentence. */
static int
create_wanted(struct focus *f, const struct line *l, const char *user,
    struct conf_row *row, char *why, size_t n)
{
	if (f->s->draining)
		return 503;
	if (is_enough(f, user)) {
		snprintf(why, n,
		    "you have %d conferences, and may not have more",
		    f->s->conf.user_conferences);
		return 403;
	}
	return line_get(l, "parent") != NULL ?
	    spawn_row(f, l, user, row, why, n) :
	    create_row(f, l, user, row);
}

/* Write the rows in this turn's commit; 0 or SEC_ERR_*. */
static int
create_store(struct focus *f, struct conference *c, const struct line *l,
    int *reborn)
{
	char owner[CONF_USER];
	int i, r;

	*reborn =
	    conf_tombstone(f->s->db, c->row.name, owner, sizeof owner) == 0;
	if ((r = commit_begin(f)) != 0 ||
	    (r = conf_insert(f->s->db, &c->row)) != 0)
		return r;
	for (i = 0; i < c->nmedia; i++)
		if ((r = medium_store(c, c->media[i].medium,
			 c->media[i].server)) != 0)
			return r;
	if (c->parent != NULL && (r = spawn_store(c, line_get(l, "who"))) != 0)
		return r;
	return conf_user_put(f->s->db, c->row.id, c->row.owner, "invited");
}

void
create_start(struct focus *f, struct sip_txn *txn, const struct sip_msg *req,
    const char *user)
{
	struct conf_row row;
	struct create *o = NULL;
	struct conference *c = NULL;
	struct line l;
	int i, status = 400, parsed, reborn = 0;
	const char *words = req->conference != NULL ? req->conference : "";
	char media[64] = "text", why[160] = "";

	parsed = line_parse_words(&l, words, strlen(words)) == 0;
	if (parsed) {
		text_copy(media, line_get_or(&l, "media", media), sizeof media);
		status = create_wanted(f, &l, user, &row, why, sizeof why);
	}
	if (status == 0 && (c = conf_new(f, &row)) == NULL)
		status = 503;
	if (status == 0) {
		spawn_link(c);
		status = create_media(f, c, media);
	}
	if (status == 0 &&
	    (create_store(f, c, &l, &reborn) != 0 ||
		conf_next_q(c, &c->creator_q) != 0 ||
		(o = calloc(1, sizeof *o)) == NULL))
		status = 503;
	if (parsed)
		line_free(&l);
	if (status != 0) {
		if (c != NULL) {
			create_unmake(c, reborn);
			conf_free(c);
		}
		create_refuse(f, txn, status, media, why);
		return;
	}
	/* Again with the 302; until then nobody's failed join ends it. */
	timer_set(&c->first, FIRST_MS);
	conf_list_set(c, user, LIST_INVITED);
	c->key = crypto_random_key(32, 0);
	c->creator_hopid = hop_new(f, &c->creator_hop);
	o->f = f;
	o->reborn = reborn;
	o->id = ++f->next_op;
	o->conf = c->row.id;
	o->txn = sip_txn_id(txn);
	o->expires = invite_expires(req);
	text_copy(o->user, user, sizeof o->user);
	text_copy(o->instance, sip_conn_peer(sip_txn_conn(txn))->instance,
	    sizeof o->instance);
	text_copy(c->creator, o->instance, sizeof c->creator);
	map_put_u64(f->creates, o->id, o);
	o->waiting = 1;
	commit_then(f, create_committed, o->id);
	for (i = 0; i < c->nmedia && o->status == 0; i++) {
		o->status = create_tell(o, c, c->media[i].server);
		pick_assigned(f, c->media[i].server);
	}
	if (o->status == 0)
		o->status = create_tell(o, c, f->pal);
}

void
creates_free(struct focus *f)
{
	struct create *o;
	size_t i;

	for (i = 0; (o = map_next(f->creates, &i)) != NULL;) {
		map_del_u64(f->creates, o->id);
		free(o);
	}
}
