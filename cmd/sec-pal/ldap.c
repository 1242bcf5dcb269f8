/*
 * ldap: the directory of an LDAP server, asked by sec-ldap(8).
 *
 *	search    find m1=... -->
 *	          <-- rows user= dn=, all of them, in order
 *	          his reader is shown the users one by one;
 *	          the first one who is wanted and not known yet:
 *	          show u1= d1= ... --> him and WINDOW - 1 more
 *	          <-- rows, people with their attributes
 *
 * All of it has LDAP_ANSWER_MS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "server/person.h"

#include "directory.h"
#include "ldap.h"
#include "ldap_child.h"
#include "ldap_copy.h"
#include "ldap_hits.h"
#include "pal.h"

#define WINDOW 32 /* people whose attributes are fetched at once */

struct lookup {
	struct ldap *ldap;
	uint64_t id;
	const struct directory_reader *r;
	void *arg;
	int64_t deadline; /* mono ms */
	int err; /* of what came: no memory, no sense */
	struct hits hits;
	size_t at; /* the one to be told next */
	int is_wanted; /* he is, and was told */
	size_t from, until; /* whom the window is of */
	struct dir_person window[WINDOW]; /* those who came */
	size_t nwindow;
};

struct ldap {
	struct ldap_child child;
	struct kept_hits kept;
	struct map *lookups; /* by id */
	uint64_t last;
};

/* --- a search --- */

static void
window_clear(struct lookup *k)
{
	while (k->nwindow > 0)
		dir_person_free(&k->window[--k->nwindow]);
}

static void
lookup_end(struct lookup *k, int err, const char *why)
{
	(void)map_del_u64(k->ldap->lookups, k->id);
	if (err != 0)
		log_warn("ldap.failed", "why=%s", log_quote(why));
	k->r->done(k->arg, err, why);
	window_clear(k);
	if (err == 0)
		hits_keep(&k->ldap->kept, &k->hits);
	else
		hits_free(&k->hits);
	free(k);
}

/* The call came to nothing. */
static void
lookup_fail(struct lookup *k, int err, const struct line *reply)
{
	static const struct {
		int err;
		const char *why;
	} whys[] = {
		{ SEC_ERR_TIMEOUT, "the LDAP server does not answer" },
		{ SEC_ERR_CLOSED, "the search in the LDAP directory has died" },
		{ SEC_ERR_LIMIT, "too many people: ask for fewer" },
	};
	const char *why = "no answer from the LDAP directory";
	size_t i;

	for (i = 0; i < sizeof(whys) / sizeof(whys[0]); i++)
		if (whys[i].err == err)
			why = whys[i].why;
	if (err == SEC_ERR_TIMEOUT)
		ldap_child_suspect(&k->ldap->child);
	if (reply != NULL)
		why = line_get_or(reply, "reason", why);
	/* The watcher's request was in time; the directory was not. */
	if (err != SEC_ERR_DATA)
		err = SEC_ERR_UNREACHABLE;
	lookup_end(k, err, why);
}

static int64_t
time_left(const struct lookup *k)
{
	int64_t left = k->deadline - clock_mono();

	return left > 0 ? left : 0;
}

static void lookup_walk(struct lookup *k);

static void
on_shown(void *ctx, uint64_t cookie, int err, const struct line *l)
{
	struct ldap *ldap = ctx;
	struct lookup *k = map_get_u64(ldap->lookups, cookie);

	if (k == NULL)
		return;
	if (err != 0)
		lookup_fail(k, err, l);
	else if (strcmp(l->verb, "row") != 0)
		lookup_walk(k);
	else if (k->nwindow < WINDOW &&
	    person_take(&k->window[k->nwindow], l) == 0)
		k->nwindow++;
}

/* The one who is wanted, and some who may be. */
static void
ask_show(struct lookup *k)
{
	struct ctl_peer *peer = ldap_child_peer(&k->ldap->child);
	char key[24];
	struct buf *b;
	size_t i;

	if (peer == NULL) {
		lookup_fail(k, SEC_ERR_CLOSED, NULL);
		return;
	}
	window_clear(k);
	k->from = k->at;
	k->until = k->hits.n - k->at < WINDOW ? k->hits.n : k->at + WINDOW;
	b = ctl_call(peer, "show");
	for (i = k->from; i < k->until; i++) {
		snprintf(key, sizeof(key), "u%zu", i - k->from + 1);
		line_put(b, key, k->hits.v[i].user);
		snprintf(key, sizeof(key), "d%zu", i - k->from + 1);
		line_put(b, key, k->hits.v[i].dn);
	}
	(void)ctl_call_end(peer, time_left(k), on_shown, k->ldap, k->id);
}

/* Attributes of the one who is wanted; who has left the directory since
 * then has none. */
static void
tell_person(struct lookup *k)
{
	struct dir_person nobody;
	size_t i;

	for (i = 0; i < k->nwindow; i++)
		if (strcmp(k->window[i].user, k->hits.v[k->at].user) == 0) {
			k->r->person(k->arg, &k->window[i]);
			return;
		}
	memset(&nobody, 0, sizeof(nobody));
	text_copy(nobody.user, k->hits.v[k->at].user, sizeof(nobody.user));
	k->r->person(k->arg, &nobody);
}

static void
lookup_walk(struct lookup *k)
{
	int r;

	for (; k->at < k->hits.n; k->at++) {
		if (!k->is_wanted &&
		    (r = k->r->user(k->arg, k->hits.v[k->at].user)) <= 0) {
			if (r < 0)
				break;
			continue;
		}
		k->is_wanted = 1;
		if (k->at >= k->until) {
			ask_show(k);
			return;
		}
		tell_person(k);
		k->is_wanted = 0;
	}
	lookup_end(k, 0, "");
}

static void
on_found(void *ctx, uint64_t cookie, int err, const struct line *l)
{
	struct ldap *ldap = ctx;
	struct lookup *k = map_get_u64(ldap->lookups, cookie);

	if (k == NULL)
		return;
	if (err != 0)
		lookup_fail(k, err, l);
	else if (strcmp(l->verb, "row") == 0)
		k->err = k->err != 0 ?
		    k->err :
		    hits_add(&k->hits, line_get(l, "user"), line_get(l, "dn"));
	else if (k->err != 0)
		lookup_end(k, k->err, sec_strerror(k->err));
	else
		lookup_walk(k);
}

/* m1=ATTR:VALUE is the whole value, p1= its beginning, w1=VALUE a word. */
static void
put_terms(struct buf *b, const struct dir_search *q)
{
	const struct dir_term *t;
	char key[24];
	size_t i;

	for (i = 0; i < q->n; i++) {
		t = &q->term[i];
		snprintf(key, sizeof(key), "%c%zu",
		    t->attr[0] == '\0' ? 'w' :
			t->prefix      ? 'p' :
					 'm',
		    i + 1);
		if (t->attr[0] == '\0')
			line_put(b, key, t->value);
		else
			line_putf(b, key, "%s:%s", t->attr, t->value);
	}
}

static void
ldap_search(struct pal *p, const struct dir_search *q,
    const struct directory_reader *r, void *arg)
{
	struct ldap *l = p->ldap;
	struct ctl_peer *peer = ldap_child_peer(&l->child);
	struct lookup *k;

	if (peer == NULL) {
		r->done(arg, SEC_ERR_UNREACHABLE, "cannot start sec-ldap");
		return;
	}
	if ((k = calloc(1, sizeof(*k))) == NULL) {
		r->done(arg, SEC_ERR_SYS, "no memory");
		return;
	}
	k->ldap = l;
	k->id = ++l->last;
	k->r = r;
	k->arg = arg;
	k->deadline = clock_mono() + LDAP_ANSWER_MS;
	(void)map_put_u64(l->lookups, k->id, k);
	if (hits_take(&l->kept, q, &k->hits)) {
		lookup_walk(k);
		return;
	}
	k->hits.q = *q;
	k->hits.since = clock_mono();
	put_terms(ctl_call(peer, "find"), q);
	(void)ctl_call_end(peer, LDAP_ANSWER_MS, on_found, l, k->id);
}

static const struct directory_backend backend = { ldap_search };

void
ldap_registered(struct pal *p, const char *user)
{
	if (p->backend == &backend)
		ldap_copy(p, user);
}

int
ldap_needed(struct pal *p, const char *user)
{
	return p->backend == &backend && ldap_copy_needed(p, user);
}

int
ldap_told(struct pal *p, const struct dir_person *who)
{
	return p->backend == &backend && ldap_copy_take(p, who);
}

/* --- opening --- */

static int
check_password(const struct conf *c)
{
	char why[PATH_LEN + 128];
	int r;

	if (c->directory[0] == '\0' || c->directory_bind != CONF_SIMPLE)
		return 0;
	r = proc_is_private(c->directory_password, why, sizeof(why));
	if (r != 0)
		log_error("ldap.password", "why=%s", log_quote(why));
	return r != 0 ? SEC_ERR_CONFIG : 0;
}

static void
choose(struct pal *p)
{
	p->backend = p->s->conf.directory[0] != '\0' ? &backend : NULL;
}

int
ldap_open(struct pal *p)
{
	struct ldap *l;

	if (check_password(&p->s->conf) != 0)
		return SEC_ERR_CONFIG;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return SEC_ERR_SYS;
	l->child.s = p->s;
	l->lookups = map_new();
	hits_keep_open(&l->kept, p->s->loop);
	ldap_copies_open(p);
	p->ldap = l;
	choose(p);
	return 0;
}

void
ldap_reload(struct pal *p)
{
	/* A bad file is told by each search, too: the rest of us goes on. */
	(void)check_password(&p->s->conf);
	ldap_child_kill(&p->ldap->child);
	hits_keep_close(&p->ldap->kept);
	ldap_copies_forget(p);
	choose(p);
}

void
ldap_close(struct pal *p)
{
	struct ldap *l = p->ldap;
	struct lookup *k;
	size_t i = 0;

	if (l == NULL)
		return;
	p->backend = NULL;
	ldap_child_kill(&l->child);
	while ((k = map_next(l->lookups, &i)) != NULL)
		lookup_end(k, SEC_ERR_CLOSED, "sec-pal ends");
	hits_keep_close(&l->kept);
	ldap_copies_close(p);
	map_free(l->lookups);
	free(l);
	p->ldap = NULL;
}
