/*
 * conf: conferences (S057), in memory and as rows of conf.db. Keys are in
 * memory only.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/fig9.h"
#include "crypto/suite.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "focus.h"

#define Q_BLOCK 64 /* client numbers per reservation */

struct conference *
conf_find(struct focus *f, const char *uri)
{
	return map_get_str(f->confs, uri);
}

struct conference *
conf_find_id(struct focus *f, uint64_t id)
{
	return map_get_u64(f->ids, id);
}

struct member *
conf_member(const struct conference *c, const char *user)
{
	return map_get_str(c->members, user);
}

struct device *
conf_device(struct conference *c, uint32_t q)
{
	return map_get_u64(c->devices, q);
}

int
conf_server(const struct conference *c, const char *medium)
{
	int i;

	for (i = 0; i < c->nmedia; i++)
		if (strcmp(c->media[i].medium, medium) == 0)
			return c->media[i].server;
	return 0;
}

void
conf_media(const struct conference *c, char *out, size_t n)
{
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < c->nmedia; i++)
		buf_putf(&b, "%s%s", i > 0 ? "," : "", c->media[i].medium);
	text_copy(out, buf_cstr(&b), n);
	buf_free(&b);
}

int
medium_store(struct conference *c, const char *medium, int server)
{
	struct focus *f = c->focus;
	struct conf_medium_row row = { .conf = c->row.id, .server = server };
	int r;

	if ((r = commit_begin(f)) != 0)
		return r;
	if (server == 0)
		return conf_medium_rm(f->s->db, c->row.id, medium);
	text_copy(row.medium, medium, sizeof row.medium);
	return conf_medium_put(f->s->db, &row);
}

uint16_t
conf_suite(const struct conference *c)
{
	const char *name = c->focus->s->conf.suite;
	const struct fig9_suite *f = fig9_suite_by_name(name);
	const struct suite *s = suite_by_name(name);

	/* base/conf lets a name of Fig. 9 pass only where it is allowed. */
	return f != NULL ? f->id :
	    s != NULL	 ? s->id :
			   SUITE_AES256_CTR_HMAC_SHA512_80;
}

void
conf_words(const struct conference *c, struct buf *b)
{
	char media[64], ms[24], suite[8], streams[8], lines[HISTORY_WORDS];

	conf_media(c, media, sizeof media);
	snprintf(suite, sizeof suite, "0x%04x", conf_suite(c));
	snprintf(streams, sizeof streams, "%d", c->row.streams);
	snprintf(ms, sizeof ms, "%lld", (long long)c->row.created);
	line_put_word(b, "id", c->cid);
	line_put_word(b, "name", c->row.name);
	if (c->row.title[0] != '\0')
		line_put_word(b, "title", c->row.title);
	line_put_word(b, "media", media);
	line_put_word(b, "access", c->row.access);
	line_put_word(b, "creator", c->row.owner);
	if (c->parent != NULL)
		line_put_word(b, "parent", c->parent->uri);
	line_put_word(b, "created", ms);
	line_put_word(b, "persistent", c->row.persistent ? "1" : "0");
	line_put_word(b, "codec", c->row.codec);
	line_put_word(b, "suite", suite);
	line_put_word(b, "streams", streams);
	line_put_word(b, "select", c->row.select);
	line_put_word(b, "level", c->row.level ? "on" : "off");
	line_put_word(b, "history", history_words(c, lines));
	line_put_word(b, "history_from", c->row.history_from);
}

void
conf_changed(struct conference *c, const struct conf_row *before)
{
	if (c->changed != c->focus->commits)
		c->before = *before;
	c->changed = c->focus->commits;
}

/* --- q --- */

int
conf_next_q(struct conference *c, uint32_t *q)
{
	int r;

	if (c->next_client >= 0xffffff)
		return SEC_ERR_LIMIT;
	if (c->next_client > c->row.q_reserved) {
		if ((r = commit_begin(c->focus)) != 0 ||
		    (r = conf_set_q(c->focus->s->db, c->row.id,
			 c->row.q_reserved + Q_BLOCK)) != 0)
			return r;
		c->row.q_reserved += Q_BLOCK;
	}
	*q = q_make(c->focus->s->self->number, c->next_client++);
	return 0;
}

void
confs_rolled_back(struct focus *f)
{
	struct conference *c;
	size_t i;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;) {
		if (c->row.q_reserved >= c->next_client)
			c->row.q_reserved = c->next_client - 1;
		if (c->advanced == f->commits)
			epoch_lost(c);
		if (c->changed == f->commits)
			setting_undo(c);
	}
}

/* --- conferences --- */

static void
conf_rekey_due(void *arg)
{
	struct conference *c = arg;

	/* Who has nobody in it has no key. */
	if (!c->ending && !TAILQ_EMPTY(&c->member_list) && epoch_rekey(c) < 0)
		epoch_lost(c);
}

/* A day is as long as a key is used (SECURITY.md 3.5). */
static void
conf_key_old(void *arg)
{
	struct conference *c = arg;

	timer_set(&c->age, epoch_life(c->focus));
	if (!TAILQ_EMPTY(&c->member_list))
		epoch_rekey_soon(c);
}

static void
conf_nobody_came(void *arg)
{
	conf_check_empty(arg);
}

struct conference *
conf_new(struct focus *f, const struct conf_row *row)
{
	struct conference *c;

	if ((c = calloc(1, sizeof *c)) == NULL)
		return NULL;
	if ((c->owner = person_take(f, row->owner)) == NULL) {
		free(c);
		return NULL;
	}
	c->owner->owns++;
	c->focus = f;
	c->row = *row;
	uri_conf(c->uri, row->name, f->s->conf.domain);
	confid_format(row->id, c->cid);
	c->next_client = row->q_reserved + 1;
	c->lists = map_new();
	c->members = map_new();
	c->devices = map_new();
	TAILQ_INIT(&c->member_list);
	TAILQ_INIT(&c->device_list);
	TAILQ_INIT(&c->children);
	timer_init(&c->rekey, f->s->loop, conf_rekey_due, c);
	timer_init(&c->first, f->s->loop, conf_nobody_came, c);
	timer_init(&c->again, f->s->loop, move_again, c);
	timer_init(&c->age, f->s->loop, conf_key_old, c);
	timer_set(&c->age, epoch_life(f));
	map_put_str(f->confs, c->uri, c);
	map_put_u64(f->ids, row->id, c);
	return c;
}

void
conf_free(struct conference *c)
{
	struct device *d;
	int k;

	while ((d = TAILQ_FIRST(&c->device_list)) != NULL)
		device_free(d);
	for (k = 0; k < c->nmedia; k++)
		pick_set(c->focus, &c->media[k], 0);
	spawn_unlink(c);
	c->owner->owns--;
	person_done(c->owner);
	timer_cancel(&c->rekey);
	timer_cancel(&c->first);
	timer_cancel(&c->again);
	timer_cancel(&c->age);
	lists_free(c);
	map_free(c->members);
	map_free(c->devices);
	secret_free(c->key);
	secret_free(c->creator_hop);
	free(c->change);
	map_del_str(c->focus->confs, c->uri);
	map_del_u64(c->focus->ids, c->row.id);
	free(c);
}

void
confs_free(struct focus *f)
{
	struct conference *c;
	size_t i;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;)
		conf_free(c);
}

int
conf_is_deleted(const struct conference *c)
{
	return c->deleted == c->focus->commits;
}

void
conf_end(struct conference *c, const char *why)
{
	struct focus *f = c->focus;
	struct device *d;

	if (c->ending)
		return;
	c->ending = 1;
	log_info("conf.end", "conf=%s why=%s", log_quote(c->row.name), why);
	invites_end(c);
	(void)spawn_bequeath(c); /* fails only with this turn's commit */
	spawn_orphan(c);
	lobby_drop(c, NULL, 404);
	TAILQ_FOREACH(d, &c->device_list, entry)
		device_bye(d);
	deal_end(c);
	attachments_end(c);
	if (commit_begin(f) == 0)
		conf_delete(f->s->db, c->row.id);
	conf_free(c);
}

void
conf_check_empty(struct conference *c)
{
	if (c->ending || !TAILQ_EMPTY(&c->member_list) ||
	    timer_is_set(&c->first))
		return;
	if (!c->row.persistent) {
		conf_end(c, "empty");
		return;
	}
	/* Everybody gone: the key with them, and what the 302 gave; the next
	 * join has a fresh one. */
	timer_cancel(&c->rekey);
	secret_free(c->key);
	c->key = NULL;
	secret_free(c->creator_hop);
	c->creator_hop = NULL;
	c->creator_q = 0;
}

void
conf_check_soon(struct conference *c)
{
	if (TAILQ_EMPTY(&c->member_list))
		timer_set(&c->first, 0);
}

/* --- loading after a restart --- */

static int
load_conf(void *arg, const struct conf_row *row)
{
	struct conference *c = conf_new(arg, row);

	return c == NULL ? SEC_ERR_SYS : 0;
}

static int
load_medium(void *arg, const struct conf_medium_row *row)
{
	struct conference *c = conf_find_id(arg, row->conf);

	if (c != NULL && c->nmedia < MEDIA_MAX) {
		text_copy(c->media[c->nmedia].medium, row->medium,
		    sizeof c->media[0].medium);
		pick_set(arg, &c->media[c->nmedia++], row->server);
	}
	return 0;
}

/* CSeq of our requests after a restart: tenths of a second since 2026, so
 * that it is above whatever was used before. */
static uint32_t
cseq_by_clock(void)
{
	return (uint32_t)((clock_real() - 1767225600000LL) / 100);
}

static int
load_device(void *arg, const struct conf_device_row *row)
{
	struct focus *f = arg;
	struct conference *c = conf_find_id(f, row->conf);
	struct device *d;

	if (c == NULL)
		return 0;
	/* A commit that failed may have lost what was reserved. */
	if ((row->q & 0xffffff) >= c->next_client)
		c->next_client = (row->q & 0xffffff) + 1;
	d = device_new(c, row->q, row->user, row->instance, row->medium);
	if (d == NULL)
		return SEC_ERR_SYS;
	/* Its own row may be of before the medium moved. */
	d->server = conf_server(c, row->medium);
	text_copy(d->dialog.call_id, row->call_id, sizeof d->dialog.call_id);
	text_copy(d->dialog.local_tag, row->local_tag,
	    sizeof d->dialog.local_tag);
	text_copy(d->dialog.remote_tag, row->remote_tag,
	    sizeof d->dialog.remote_tag);
	text_copy(d->dialog.local_uri, c->uri, sizeof d->dialog.local_uri);
	text_copy(d->dialog.remote_uri, row->user, sizeof d->dialog.remote_uri);
	text_copy(d->dialog.target, row->remote_uri, sizeof d->dialog.target);
	text_copy(d->address, row->address, sizeof d->address);
	text_copy(d->via, row->via, sizeof d->via);
	d->takes_text = !device_is_voice(d);
	d->dialog.local_cseq = cseq_by_clock();
	d->dialog.remote_cseq = row->remote_cseq;
	d->joined = d->stale = 1;
	device_index(d);
	return 0;
}

int
confs_load(struct focus *f)
{
	struct member *m;
	struct conference *c;
	size_t i;
	int r;

	if ((r = conf_each(f->s->db, load_conf, f)) != 0 ||
	    (r = conf_medium_each(f->s->db, load_medium, f)) != 0 ||
	    (r = conf_device_each(f->s->db, load_device, f)) != 0 ||
	    (r = receipts_load(f)) != 0 || (r = lists_load(f)) != 0) {
		log_error("db.load", "file=conf.db why=%s",
		    log_quote(db_why(f->s->db)));
		return r;
	}
	spawns_load(f);
	/* Keys are not in the database: members have their grace to come
	 * back, and get a fresh epoch then (SECURITY.md 3.5). */
	for (i = 0; (c = map_next(f->confs, &i)) != NULL;) {
		speak_deal(c);
		TAILQ_FOREACH(m, &c->member_list, entry) {
			m->state = MEMBER_AWAITED;
			timer_set(&m->grace, AWAIT_MS);
		}
		if (!TAILQ_EMPTY(&c->member_list)) {
			if ((r = epoch_rekey(c)) < 0)
				return r;
		} else if (!c->row.persistent)
			timer_set(&c->first, FIRST_MS);
	}
	return 0;
}
