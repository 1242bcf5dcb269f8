/*
 * history: the text that a persistent conference keeps (SECURITY.md 3.5).
 * Lines stay as their authors sealed them; the text keys T_e of their epochs
 * lie beside them, sealed under the storage key. Who asks gets both, the
 * keys wrapped for his session, of just the lines that he may read.
 *
 *	sec-mtcu -- kept line= body= --> commit --> stored line= --> sec-mtcu
 *	agent -- PUBLISH history before= n= --> 200: rows `line`, one `keys`
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/confkey.h"
#include "crypto/blob.h"
#include "crypto/wrap.h"
#include "db/history_store.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "focus.h"
#include "policy.h"

#define HISTORY_MAX 100000 /* lines of a conference */
#define PAGE_BYTES  98304 /* of rows in one answer */
#define PAGE_LINES  1000
#define PAGE_EPOCHS 28 /* keys in one wrap */
#define TRIM_PART   16 /* of the lines that are kept, beyond them */
#define MAGIC	    "SCH1"

/* --- settings, for setting.c --- */

int
history_lines(struct conf_row *row, const char *v)
{
	unsigned long long n = 0;

	if (strcmp(v, "off") != 0 && text_number(v, 1, HISTORY_MAX, &n) != 0)
		return SEC_ERR_FORMAT;
	if (n > 0 && !row->persistent)
		return SEC_ERR_FORMAT;
	row->history = (int)n;
	return 0;
}

int
history_whence(struct conf_row *row, const char *v)
{
	if (strcmp(v, "join") != 0 && strcmp(v, "begin") != 0)
		return SEC_ERR_FORMAT;
	text_copy(row->history_from, v, sizeof row->history_from);
	return 0;
}

const char *
history_words(const struct conference *c, char out[HISTORY_WORDS])
{
	if (c->row.history == 0)
		return "off";
	snprintf(out, HISTORY_WORDS, "%d", c->row.history);
	return out;
}

/* --- keys --- */

/* What a sealed key belongs to: table, column, row. */
static void
put_place(struct buf *b, uint64_t conf, uint32_t epoch)
{
	buf_put_str(b, "history_key t_e ");
	buf_put_be64(b, conf);
	buf_put_be32(b, epoch);
}

int
history_epoch(struct conference *c)
{
	struct buf place = BUF_INIT, sealed = BUF_INIT;
	struct focus *f = c->focus;
	struct secret *t;
	int r;

	if (c->row.history == 0 || c->key == NULL)
		return 0;
	if ((r = commit_begin(f)) != 0 || (r = dbk_need(f)) != 0)
		return r;
	t = confkey_text(c->key, c->row.id, c->row.epoch);
	put_place(&place, c->row.id, c->row.epoch);
	blob_seal(&sealed, f->dbk, buf_data(&place), buf_len(&place), t,
	    clock_real());
	r = history_key_put(f->s->db, c->row.id, c->row.epoch,
	    buf_data(&sealed), buf_len(&sealed));
	secret_free(t);
	buf_free(&place);
	buf_free(&sealed);
	return r;
}

int
history_set(struct conference *c, int before)
{
	struct focus *f = c->focus;

	c->untrimmed = 0;
	if (c->row.history == before)
		return 0;
	if (c->row.history == 0) {
		receipts_drop(c);
		return history_drop(f->s->db, c->row.id);
	}
	if (before > c->row.history)
		return history_trim(f->s->db, c->row.id, c->row.history,
		    c->row.epoch);
	return history_epoch(c);
}

void
history_forgets(struct conference *c, const char *user)
{
	int r;

	if ((r = commit_begin(c->focus)) != 0 ||
	    (r = history_from_clear(c->focus->s->db, c->row.id, user)) != 0)
		log_error("history.forget", "conf=%s user=%s why=%s",
		    log_quote(c->row.name), log_quote(user),
		    log_quote(sec_strerror(r)));
}

/* --- lines come in --- */

struct stored {
	int server;
	uint64_t line;
	char conf[URI_MAX];
	TAILQ_ENTRY(stored) entry;
};

/* The text router may forget what this turn's commit has stored; what it
 * has not, is told again. */
static void
stored_committed(struct focus *f, uint64_t id, int err)
{
	struct ctl_peer *p;
	struct stored *s;
	struct buf *b;

	(void)id;
	while ((s = TAILQ_FIRST(&f->stored)) != NULL) {
		TAILQ_REMOVE(&f->stored, s, entry);
		if (err == 0 &&
		    (p = links_peer(f->s->links, s->server)) != NULL) {
			b = ctl_event(p, "stored");
			line_put(b, "conf", s->conf);
			line_put_u64(b, "line", s->line);
			ctl_event_end(p);
		}
		free(s);
	}
}

static void
stored_tell(struct focus *f, const struct ctl_req *r, uint64_t line)
{
	struct stored *s = mem_new(sizeof *s);

	s->server = ctl_peer_number(r->peer);
	s->line = line;
	text_copy(s->conf, line_get_or(r->line, "conf", ""), sizeof s->conf);
	if (TAILQ_EMPTY(&f->stored))
		commit_then(f, stored_committed, 0);
	TAILQ_INSERT_TAIL(&f->stored, s, entry);
}

/* One row, and now and then those that are too many go. */
static int
line_store(struct conference *c, const struct history_line *l)
{
	struct focus *f = c->focus;
	int r;

	if ((r = commit_begin(f)) != 0)
		return r;
	if ((r = history_put(f->s->db, l)) == SEC_ERR_NO)
		log_warn("history.again", "conf=%s user=%s line=%llu",
		    log_quote(c->row.name), log_quote(l->user),
		    (unsigned long long)l->line);
	if (r != 0)
		return r;
	if (l->line > c->newest)
		c->newest = l->line;
	if (++c->untrimmed <= c->row.history / TRIM_PART)
		return 0;
	c->untrimmed = 0;
	return history_trim(f->s->db, c->row.id, c->row.history, c->row.epoch);
}

static int
line_take(struct history_line *h, const struct line *l, struct buf *body)
{
	struct text_head head;
	uint64_t at;

	if (line_get_u64(l, "line", &h->line) != 0 || h->line > INT64_MAX ||
	    line_get_u64(l, "at", &at) != 0 || at > INT64_MAX ||
	    line_get(l, "user") == NULL ||
	    line_get_bytes(l, "body", body) != 0 ||
	    text_peek(&head, buf_data(body), buf_len(body)) != 0)
		return SEC_ERR_FORMAT;
	h->at = (int64_t)at;
	h->q = head.q;
	h->epoch = head.epoch;
	h->body = buf_data(body);
	h->n = buf_len(body);
	return text_copy(h->user, line_get(l, "user"), sizeof h->user) <
		sizeof h->user ?
	    0 :
	    SEC_ERR_FORMAT;
}

/* Does that server route its text, or did it until a moment ago? */
static int
is_router(const struct conference *c, int server)
{
	const struct conf_medium *m;

	for (m = c->media; m < c->media + c->nmedia; m++)
		if (strcmp(m->medium, "text") == 0)
			return m->server == server || m->next == server ||
			    (m->from == server &&
				clock_mono() - m->moved < LINK_DEADLINE);
	return 0;
}

/* Of a device that is still there we know whose it is. */
static int
author_is(struct conference *c, uint32_t q, const char *user)
{
	const struct device *d = conf_device(c, q);

	if (d == NULL || strcmp(d->member->user, user) == 0)
		return 1;
	log_warn("history.false", "conf=%s user=%s", log_quote(c->row.name),
	    log_quote(user));
	return 0;
}

/* 0 too if nobody wants it: it has ended or keeps nothing any more, the
 * router lies, or what its author sent is no text. */
static int
line_keep(struct conference *c, const struct line *l, int server)
{
	struct buf body = BUF_INIT;
	struct history_line h;
	int r = 0;

	memset(&h, 0, sizeof h);
	if (c != NULL && !is_router(c, server))
		log_warn("history.false", "conf=%s server=%d",
		    log_quote(c->row.name), server);
	else if (c != NULL && c->row.history > 0 &&
	    line_take(&h, l, &body) == 0 && h.epoch <= c->row.epoch &&
	    author_is(c, h.q, h.user)) {
		h.conf = c->row.id;
		r = line_store(c, &h);
	}
	buf_free(&body);
	return r;
}

static void
on_kept(void *ctx, struct ctl_req *r)
{
	struct focus *f = ((struct service *)ctx)->priv;
	const char *conf = line_get_or(r->line, "conf", "");
	uint64_t line;
	int err;

	if (line_get_u64(r->line, "line", &line) != 0)
		return;
	err = line_keep(conf_find(f, conf), r->line, ctl_peer_number(r->peer));
	/* Another one has its number: it is not what is stored. */
	if (err == SEC_ERR_NO)
		return;
	if (err != 0)
		log_error("history.store", "conf=%s why=%s", log_quote(conf),
		    log_quote(db_why(f->s->db)));
	else
		stored_tell(f, r, line);
}

const struct ctl_verb history_verbs[] = {
	{ "kept", CTL_MTCU, on_kept },
	{ NULL, 0, NULL },
};

void
history_close(struct focus *f)
{
	stored_committed(f, 0, SEC_ERR_CLOSED);
}

/* --- and go out --- */

struct page {
	struct buf *out;
	uint32_t epoch[PAGE_EPOCHS];
	int nepochs;
};

/* 1: its key is in the page. */
static int
page_has_epoch(struct page *p, uint32_t epoch)
{
	int i;

	for (i = 0; i < p->nepochs; i++)
		if (p->epoch[i] == epoch)
			return 1;
	if (p->nepochs == PAGE_EPOCHS)
		return 0;
	p->epoch[p->nepochs++] = epoch;
	return 1;
}

static int
page_line(void *arg, const struct history_line *l)
{
	struct page *p = arg;
	char q[Q_STRLEN];

	/* Four thirds, by base64, and the other fields. */
	if (buf_len(p->out) + l->n / 3 * 4 + 512 > PAGE_BYTES ||
	    !page_has_epoch(p, l->epoch))
		return 1;
	line_begin(p->out, "line");
	line_put_u64(p->out, "line", l->line);
	line_put_u64(p->out, "at", (uint64_t)l->at);
	line_put(p->out, "q", q_format(l->q, q));
	line_put(p->out, "user", l->user);
	line_put_bytes(p->out, "body", l->body, l->n);
	line_end(p->out);
	return 0;
}

/* epoch || T_e; without one that our storage key opens, its lines stay
 * closed. */
static void
keys_add(struct conference *c, uint32_t epoch, struct buf *plain)
{
	struct buf place = BUF_INIT, sealed = BUF_INIT;
	struct focus *f = c->focus;
	struct secret *t = NULL;
	int r;

	put_place(&place, c->row.id, epoch);
	r = history_key_get(f->s->db, c->row.id, epoch, &sealed);
	if (r == 0)
		r = blob_open(buf_data(&sealed), buf_len(&sealed), f->dbk,
		    buf_data(&place), buf_len(&place), &t);
	if (r == 0) {
		buf_put_be32(plain, epoch);
		buf_put(plain, secret_data(t), secret_size(t));
	}
	secret_free(t);
	buf_free(&place);
	buf_free(&sealed);
	/* Of before it kept text, or whatever its author made up, is none. */
	if (r != 0 && r != SEC_ERR_NOTHING)
		log_error("history.key", "conf=%s key_gen=%u why=%s",
		    log_quote(c->row.name), epoch, log_quote(sec_strerror(r)));
}

/* The row `keys` of a page, for this session. */
static int
page_keys(struct conference *c, const struct session *s, const struct page *p)
{
	const struct holder_key *k = holder_settled(&s->held);
	struct buf plain = BUF_INIT, wrap = BUF_INIT;
	struct secret *keys;
	int i;

	if (k->secret == NULL)
		return SEC_ERR_SUBKEY;
	buf_put_str(&plain, MAGIC);
	buf_put_be64(&plain, c->row.id);
	for (i = 0; i < p->nepochs; i++)
		keys_add(c, p->epoch[i], &plain);
	keys = secret_copy(buf_data(&plain), buf_len(&plain));
	wrap_put(&wrap,
	    &(struct wrap) { .label = KDF_HISTORY_WRAP,
		.dir = 1,
		.kc = k->secret,
		.whose = s->user,
		.conf = c->uri },
	    k->id, keys, clock_real());
	secret_free(keys);
	line_begin(p->out, "keys");
	line_put_bytes(p->out, "key", buf_data(&wrap), buf_len(&wrap));
	line_end(p->out);
	buf_free(&plain);
	buf_free(&wrap);
	return 0;
}

/* The first epoch that this user may read. */
static int
first_epoch(const struct conference *c, const char *user, uint32_t *from)
{
	int r;

	*from = 0;
	if (strcmp(c->row.history_from, "begin") == 0)
		return 0;
	r = history_from_get(c->focus->s->db, c->row.id, user, from);
	if (*from == 0)
		*from = UINT32_MAX;
	return r;
}

int
policy_history(struct conference *c, struct asker *by, const struct line *l)
{
	struct session *s = session_find(c->focus, by->user, by->instance);
	struct page p = { .out = &by->answer };
	uint64_t before = 0, n = PAGE_LINES;
	uint32_t from = 0;
	int r = 0;

	if (s == NULL)
		return 403;
	if (c->row.history == 0) {
		by->why = "it keeps no text";
		return 404;
	}
	if (line_get_u64(l, "before", &before) == SEC_ERR_FORMAT ||
	    before > INT64_MAX || line_get_u64(l, "n", &n) == SEC_ERR_FORMAT)
		return 400;
	if ((r = first_epoch(c, by->user, &from)) != 0 ||
	    (r = dbk_need(c->focus)) != 0 ||
	    (r = history_page(c->focus->s->db, c->row.id, before, from,
		 (int)(n < PAGE_LINES ? n : PAGE_LINES), page_line, &p)) < 0 ||
	    (r = page_keys(c, s, &p)) != 0) {
		log_error("history.read", "conf=%s why=%s",
		    log_quote(c->row.name), log_quote(sec_strerror(r)));
		return 503;
	}
	return 200;
}
