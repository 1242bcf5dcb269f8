/*
 * directory: people and conferences that somebody looks for (S073, S074,
 * S169).
 *
 *	agent    SUBSCRIBE directory, Expires 0 --> asking
 *	asking   terms   --> back end: users in order
 *	         a user  --> is his status asked for, is he of this page?
 *	         a row   <-- his attributes, and what the PAL would show
 *	agent    200 <------ found, rows
 *
 * A page ends after `limit` people or at PAGE bytes; its `more` is the
 * `after` of the next one, and says how many the back end has told before,
 * of whatever status: nobody is looked at twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fold.h"
#include "base/log.h"
#include "base/text.h"
#include "server/person.h"
#include "sip/event.h"
#include "wire/line.h"

#include "directory.h"
#include "import.h"
#include "ldap.h"
#include "pal.h"
#include "roster.h"
#include "turn.h"

#define PAGE	  49152 /* one more row, and it is at most 96 KiB */
#define LIMIT_MAX 1000

static const char question[] = "a question is WORD or ATTR=VALUE, at most 16";

struct asking {
	struct pal *p;
	uint64_t txn;
	char watcher[PAL_NAME];
	char status[32]; /* word or class; "": any */
	size_t limit, after;
	size_t told; /* by the back end, so far */
	size_t given, more; /* people; where the next page begins, or 0 */
	int is_full;
	struct pal_status shown; /* of the one whose row comes next */
	int is_shown;
	struct buf rows;
};

/* --- the back end of the house --- */

struct lookup {
	struct pal *p;
	const struct directory_reader *r;
	void *arg;
};

static int
found_user(void *arg, const char *user)
{
	const struct lookup *k = arg;
	struct dir_person who;
	int r;

	if ((r = k->r->user(k->arg, user)) <= 0)
		return r < 0 ? 1 : 0;
	if ((r = dir_person_get(k->p->dir, user, &who)) != 0)
		return r;
	k->r->person(k->arg, &who);
	dir_person_free(&who);
	return 0;
}

static void
own_search(struct pal *p, const struct dir_search *q,
    const struct directory_reader *reader, void *arg)
{
	struct lookup k = { p, reader, arg };
	int r;

	r = dir_search(p->dir, q, found_user, &k);
	if (r < 0)
		log_error("db.read", "file=dir.db why=%s",
		    log_quote(db_why(p->dir)));
	reader->done(arg, r < 0 ? r : 0,
	    r < 0 ? "the directory cannot be read" : "");
}

static const struct directory_backend own = { own_search };

void
directory_search(struct pal *p, const struct dir_search *q,
    const struct directory_reader *r, void *arg)
{
	(p->backend != NULL ? p->backend : &own)->search(p, q, r, arg);
}

int
directory_term(struct dir_search *q, const char *term)
{
	struct dir_term *t = &q->term[q->n];
	size_t n = strcspn(term, ":"), len;

	if (q->n == DIR_TERMS)
		return SEC_ERR_LIMIT;
	memset(t, 0, sizeof *t);
	if (term[n] != ':' || n >= sizeof t->attr)
		return SEC_ERR_FORMAT;
	memcpy(t->attr, term, n);
	len = text_copy(t->value, term + n + 1, sizeof t->value);
	if (len == 0 || len >= sizeof t->value ||
	    (n > 0 && strcmp(t->attr, "user") != 0 &&
		!dir_attr_allowed(t->attr)))
		return SEC_ERR_FORMAT;
	if (n > 0 && t->value[len - 1] == '*') {
		t->prefix = 1;
		t->value[--len] = '\0';
	}
	if (len > 0 && !dir_value_allowed(t->value))
		return SEC_ERR_FORMAT;
	q->n++;
	return 0;
}

/* --- what the watcher is shown of the people found --- */

static int
is_status(const struct asking *a, const struct pal_status *st)
{
	return strcmp(a->status, st->value) == 0 ||
	    strcmp(a->status, st->class_) == 0;
}

/* Fills a->shown; 0 if he has not the status that is asked for. */
static int
look_at(struct asking *a, const char *user)
{
	char uri[URI_MAX];
	struct uri u;

	/* Most people are nowhere: that is seen without asking the rules. */
	if (a->status[0] != '\0' && strcmp(a->status, "offline") != 0 &&
	    presentity_find(a->p, user) == NULL)
		return 0;
	uri_user(uri, user, a->p->s->conf.domain);
	a->is_shown = uri_parse(&u, uri, a->p->s->conf.domain) == 0 &&
	    presence_shown(a->p, a->watcher, &u, &a->shown) == 0;
	return a->status[0] == '\0' || (a->is_shown && is_status(a, &a->shown));
}

static int
on_user(void *arg, const char *user)
{
	struct asking *a = arg;

	if (a->told++ < a->after)
		return 0;
	if (a->status[0] != '\0' && a->more == 0 && !look_at(a, user))
		return 0;
	if (!a->is_full)
		return 1;
	if (a->more == 0)
		a->more = a->told - 1;
	/* The others are counted, once, if that takes no more than this. */
	return a->after == 0 && a->status[0] == '\0' ? 0 : -1;
}

static void
on_person(void *arg, const struct dir_person *who)
{
	struct asking *a = arg;
	char uri[URI_MAX];

	/* Where he stands may have come with him. */
	(void)look_at(a, who->user);
	if (ldap_told(a->p, who))
		(void)look_at(a, who->user);
	line_begin(&a->rows, "person");
	line_put(&a->rows, "uri",
	    uri_user(uri, who->user, a->p->s->conf.domain));
	person_put(&a->rows, who);
	line_put(&a->rows, "status", a->is_shown ? a->shown.value : "-");
	if (a->is_shown) {
		if (a->shown.class_[0] != '\0')
			line_put(&a->rows, "class", a->shown.class_);
		if (a->shown.since > 0)
			line_put_u64(&a->rows, "since",
			    (uint64_t)a->shown.since);
	}
	line_end(&a->rows);
	a->given++;
	a->is_full = a->given == a->limit || buf_len(&a->rows) > PAGE;
}

/* --- the answer --- */

static void
answer(struct sip_txn *txn, int status, const char *note,
    const struct buf *body)
{
	struct sip_msg m;

	sip_msg_init(&m);
	m.status = status;
	m.note = note;
	if (body != NULL) {
		m.expires = 0;
		m.event = EVENT_DIRECTORY;
		m.content_type = EVENT_LINE_TYPE;
		m.body = buf_data(body);
		m.bodylen = buf_len(body);
	}
	sip_answer(txn, &m);
}

/* Only the first page tells how many there are, if all were counted. */
static void
put_found(struct buf *b, const size_t *total, size_t more)
{
	line_begin(b, "found");
	if (total != NULL)
		line_put_u64(b, "total", *total);
	if (more > 0)
		line_put_u64(b, "more", more);
	line_end(b);
}

static void
put_people(struct buf *b, const struct asking *a)
{
	const size_t *total = NULL;

	if (a->after == 0 && a->status[0] == '\0')
		total = &a->told;
	else if (a->after == 0 && a->more == 0)
		total = &a->given;
	put_found(b, total, a->more);
	buf_put(b, buf_data(&a->rows), buf_len(&a->rows));
}

static void
on_done(void *arg, int err, const char *why)
{
	struct asking *a = arg;
	struct sip_txn *txn = sip_txn_find(a->p->s->sip, a->txn);
	struct buf body = BUF_INIT;

	turn_give(a->p->turns, a->watcher);
	if (txn == NULL)
		goto out;
	if (err != 0) {
		answer(txn, sec_err_sip(err), why, NULL);
		goto out;
	}
	put_people(&body, a);
	answer(txn, 200, NULL, &body);
	buf_free(&body);
out:
	buf_free(&a->rows);
	free(a);
}

static const struct directory_reader reader = { on_user, on_person, on_done };

/* --- the question --- */

static size_t
size_of(const struct line *l, const char *key, size_t def)
{
	uint64_t v;

	return line_get_u64(l, key, &v) == 0 && v < SIZE_MAX ? (size_t)v : def;
}

static size_t
limit_of(const struct line *l)
{
	size_t n = size_of(l, "limit", LIMIT_MAX);

	return n == 0 || n > LIMIT_MAX ? LIMIT_MAX : n;
}

/* m1= m2= ...; 0, SEC_ERR_FORMAT or _LIMIT. */
static int
terms_of(struct dir_search *q, const struct line *l)
{
	size_t i;
	int r = 0;

	q->n = 0;
	for (i = 0; i < l->n && r == 0; i++)
		if (l->field[i].key[0] == 'm' && l->field[i].key[1] > '0' &&
		    l->field[i].key[1] <= '9')
			r = directory_term(q, l->field[i].value);
	return r;
}

static void
people(struct pal *p, struct sip_txn *txn, const struct line *l,
    const char *user)
{
	struct dir_search q;
	struct asking *a;
	char why[100];

	if (terms_of(&q, l) != 0) {
		answer(txn, 400, question, NULL);
		return;
	}
	if ((a = calloc(1, sizeof *a)) == NULL) {
		sip_answer_status(txn, 503);
		return;
	}
	a->p = p;
	a->txn = sip_txn_id(txn);
	text_copy(a->watcher, user, sizeof a->watcher);
	text_copy(a->status, line_get_or(l, "status", ""), sizeof a->status);
	a->after = size_of(l, "after", 0);
	a->limit = limit_of(l);
	if (turn_take(p->turns, a->watcher, why, sizeof why) != 0) {
		answer(txn, 503, why, NULL);
		free(a);
	} else
		directory_search(p, &q, &reader, a);
}

/* --- conferences --- */

struct conf_page {
	const struct dir_search *q;
	size_t limit, after, found, given;
	struct buf rows;
};

static int
conf_is(const struct roster_listed *l, const struct dir_term *t)
{
	const char *v;

	if (t->attr[0] == '\0')
		return fold_begins(l->name, t->value) ||
		    fold_begins(l->title, t->value);
	v = strcmp(t->attr, "name") == 0  ? l->name :
	    strcmp(t->attr, "title") == 0 ? l->title :
					    NULL;
	return v != NULL &&
	    (t->prefix ? fold_begins(v, t->value) : fold_equal(v, t->value));
}

static int
on_conf(void *arg, const struct roster_listed *l)
{
	struct conf_page *c = arg;
	size_t i;

	for (i = 0; i < c->q->n; i++)
		if (!conf_is(l, &c->q->term[i]))
			return 0;
	if (c->found++ < c->after || c->given == c->limit ||
	    buf_len(&c->rows) > PAGE)
		return 0;
	c->given++;
	line_begin(&c->rows, "conf");
	line_put(&c->rows, "uri", l->uri);
	line_put(&c->rows, "name", l->name);
	line_put(&c->rows, "title", l->title);
	line_put(&c->rows, "owner", l->owner);
	line_put_u64(&c->rows, "count", l->count);
	line_end(&c->rows);
	return 0;
}

static void
conferences(struct pal *p, struct sip_txn *txn, const struct line *l)
{
	struct dir_search q;
	struct conf_page c = { .q = &q,
		.limit = limit_of(l),
		.after = size_of(l, "after", 0) };
	struct buf body = BUF_INIT;

	if (terms_of(&q, l) != 0) {
		answer(txn, 400, question, NULL);
		return;
	}
	(void)rosters_listed(p, on_conf, &c);
	put_found(&body, c.after == 0 ? &c.found : NULL,
	    c.found > c.after + c.given ? c.after + c.given : 0);
	buf_put(&body, buf_data(&c.rows), buf_len(&c.rows));
	answer(txn, 200, NULL, &body);
	buf_free(&c.rows);
	buf_free(&body);
}

void
directory_subscribe(struct pal *p, struct sip_txn *txn,
    const struct sip_msg *req, const char *user)
{
	const char *what;
	struct line l;

	if (req->expires != 0) {
		answer(txn, 403, "the directory can be asked, not watched",
		    NULL);
		return;
	}
	if (req->bodylen == 0 || line_parse(&l, req->body, req->bodylen) != 0) {
		sip_answer_status(txn, 400);
		return;
	}
	what = line_get_or(&l, "what", "people");
	if (strcmp(l.verb, "find") == 0 && strcmp(what, "people") == 0)
		people(p, txn, &l, user);
	else if (strcmp(l.verb, "find") == 0 &&
	    strcmp(what, "conferences") == 0)
		conferences(p, txn, &l);
	else
		sip_answer_status(txn, 400);
	line_free(&l);
}

/* --- what others ask --- */

int
directory_person(struct pal *p, const char *user, struct dir_person *out)
{
	return dir_person_get(p->dir, user, out);
}

struct phone {
	struct pal *p;
	char *out;
	size_t n;
};

static int
phone_user(void *arg, const char *user)
{
	struct phone *f = arg;
	struct dir_person who;

	if (dir_person_get(f->p->dir, user, &who) == 0) {
		text_copy(f->out, dir_person_attr(&who, "name"), f->n);
		dir_person_free(&who);
	}
	return 1;
}

void
directory_phone_name(struct pal *p, const char *number, char *out, size_t n)
{
	struct phone f = { p, out, n };
	struct dir_search q = { .n = 1 };

	if (n > 0)
		out[0] = '\0';
	text_copy(q.term[0].attr, "phone", sizeof q.term[0].attr);
	text_copy(q.term[0].value, number, sizeof q.term[0].value);
	(void)dir_search(p->dir, &q, phone_user, &f);
}

/* --- opening --- */

int
directory_open(struct pal *p)
{
	char why[512];
	int r;

	p->turns = turns_new();
	r = db_open(&p->dir, "dir.db", DB_WRITER, why, sizeof why);
	if (r != 0)
		log_error("db.open", "file=dir.db why=%s", log_quote(why));
	else
		import_open(p);
	return r;
}

void
directory_close(struct pal *p)
{
	import_close(p);
	turns_free(p->turns);
	db_close(p->dir);
	p->dir = NULL;
}

struct db *
directory_writer(struct pal *p)
{
	return p->import == NULL ? p->dir : NULL;
}
