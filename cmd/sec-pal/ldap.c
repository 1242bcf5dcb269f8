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
 * All of it has ANSWER_MS. When that is over and sec-ldap has no word to a
 * ping either, it is killed; the next search starts another.
 */
#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "base/text.h"
#include "server/person.h"

#include "directory.h"
#include "ldap.h"
#include "pal.h"
#include "rule.h"

#define ANSWER_MS 5000
#define COPY_MS	  3600000
#define WINDOW	  32 /* people whose attributes are fetched at once */

struct hit {
	char *user, *dn;
};

struct lookup {
	struct ldap *ldap;
	uint64_t id;
	const struct directory_reader *r;
	void *arg;
	int64_t deadline; /* mono ms */
	int err; /* of what came: no memory, no sense */
	struct hit *hit;
	size_t n, cap;
	size_t at; /* the one to be told next */
	int is_wanted; /* he is, and was told */
	size_t from, until; /* whom the window is of */
	struct dir_person window[WINDOW]; /* those who came */
	size_t nwindow;
};

struct ldap {
	struct pal *p;
	int pid; /* 0: none */
	uint64_t peer; /* 0: none */
	int is_pinged;
	struct map *lookups; /* by id */
	uint64_t last;
	struct map *copied; /* by user: struct copied */
};

/* --- the process --- */

static void
on_ended(void *arg, int pid, int status)
{
	struct ldap *l = arg;

	if (l->pid != pid)
		return;
	log_info("ldap.ended", "pid=%d status=%d", pid, status);
	l->pid = 0;
}

static void
child_kill(struct ldap *l)
{
	struct ctl_peer *peer = ctl_peer_find(l->p->s->ctl, l->peer);

	if (l->pid != 0) {
		loop_child_cancel(l->p->s->loop, l->pid);
		kill(l->pid, SIGKILL);
	}
	l->pid = 0;
	l->peer = 0;
	l->is_pinged = 0;
	/* What was asked is answered by that: SEC_ERR_CLOSED. */
	if (peer != NULL)
		ctl_peer_close(peer);
}

static void
on_opened(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	(void)ctx;
	(void)cookie;
	if (err != 0 && reply != NULL)
		log_error("ldap.open", "why=%s",
		    log_quote(line_get_or(reply, "reason", "")));
}

/* What it needs to know; it reads no configuration. */
static void
child_configure(struct ldap *l, struct ctl_peer *peer)
{
	const struct conf *c = &l->p->s->conf;
	char keytab[PATH_LEN];
	struct buf *b = ctl_call(peer, "open");

	line_put(b, "url", c->directory);
	line_put_u64(b, "starttls",
	    c->directory_starttls && strncmp(c->directory, "ldap://", 7) == 0);
	if (c->directory_groups[0] != '\0')
		line_put(b, "groups", c->directory_groups);
	line_put(b, "ca", c->directory_ca);
	line_put_u64(b, "bind", c->directory_bind);
	if (c->directory_bind == CONF_SIMPLE) {
		line_put(b, "dn", c->directory_dn);
		line_put(b, "password", c->directory_password);
	} else if (c->directory_bind == CONF_GSSAPI)
		line_putf(b, "keytab", "FILE:%s",
		    path_keytab(keytab, l->p->s->self->name));
	(void)ctl_call_end(peer, ANSWER_MS, on_opened, l, 0);
}

static struct ctl_peer *
child_start(struct ldap *l)
{
	struct service *s = l->p->s;
	const char *argv[] = { NULL, NULL };
	char path[PATH_LEN];
	struct ctl_peer *peer;
	int fd[2];

	if ((argv[0] = spawn_find_own("sec-ldap", path)) == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return NULL;
	l->pid = spawn_start(argv, fd[1], -1, STDERR_FILENO);
	close(fd[1]);
	if (l->pid < 0 || sock_set_nonblock(fd[0], 1) != 0) {
		close(fd[0]);
		l->pid = l->pid < 0 ? 0 : l->pid;
		child_kill(l);
		return NULL;
	}
	(void)loop_child(s->loop, l->pid, on_ended, l);
	peer = ctl_peer_unix(s->ctl, fd[0]);
	l->peer = ctl_peer_id(peer);
	log_info("ldap.started", "pid=%d", l->pid);
	child_configure(l, peer);
	return peer;
}

static struct ctl_peer *
child_peer(struct ldap *l)
{
	struct ctl_peer *peer = ctl_peer_find(l->p->s->ctl, l->peer);

	if (peer != NULL)
		return peer;
	child_kill(l);
	return child_start(l);
}

static void
on_pinged(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct ldap *l = ctx;

	(void)reply;
	l->is_pinged = 0;
	if (err != SEC_ERR_TIMEOUT || l->pid != (int)cookie)
		return;
	log_warn("ldap.stuck", "pid=%d", l->pid);
	child_kill(l);
}

/* It has been silent for ANSWER_MS; it may be so once more. */
static void
child_suspect(struct ldap *l)
{
	struct ctl_peer *peer = ctl_peer_find(l->p->s->ctl, l->peer);

	if (peer == NULL || l->is_pinged)
		return;
	l->is_pinged = 1;
	(void)ctl_call(peer, "ping");
	(void)ctl_call_end(peer, ANSWER_MS, on_pinged, l, (uint64_t)l->pid);
}

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
	size_t i;

	(void)map_del_u64(k->ldap->lookups, k->id);
	if (err != 0)
		log_warn("ldap.failed", "why=%s", log_quote(why));
	k->r->done(k->arg, err, why);
	window_clear(k);
	for (i = 0; i < k->n; i++) {
		free(k->hit[i].user);
		free(k->hit[i].dn);
	}
	free(k->hit);
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
		child_suspect(k->ldap);
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
	struct ctl_peer *peer = child_peer(k->ldap);
	char key[24];
	struct buf *b;
	size_t i;

	if (peer == NULL) {
		lookup_fail(k, SEC_ERR_CLOSED, NULL);
		return;
	}
	window_clear(k);
	k->from = k->at;
	k->until = k->n - k->at < WINDOW ? k->n : k->at + WINDOW;
	b = ctl_call(peer, "show");
	for (i = k->from; i < k->until; i++) {
		snprintf(key, sizeof(key), "u%zu", i - k->from + 1);
		line_put(b, key, k->hit[i].user);
		snprintf(key, sizeof(key), "d%zu", i - k->from + 1);
		line_put(b, key, k->hit[i].dn);
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
		if (strcmp(k->window[i].user, k->hit[k->at].user) == 0) {
			k->r->person(k->arg, &k->window[i]);
			return;
		}
	memset(&nobody, 0, sizeof(nobody));
	text_copy(nobody.user, k->hit[k->at].user, sizeof(nobody.user));
	k->r->person(k->arg, &nobody);
}

static void
lookup_walk(struct lookup *k)
{
	int r;

	for (; k->at < k->n; k->at++) {
		if (!k->is_wanted &&
		    (r = k->r->user(k->arg, k->hit[k->at].user)) <= 0) {
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

static int
take_hit(struct lookup *k, const struct line *l)
{
	const char *user = line_get(l, "user"), *dn = line_get(l, "dn");
	size_t cap = k->cap > 0 ? 2 * k->cap : 64;
	struct hit *hit;

	if (user == NULL || dn == NULL || !dir_user_allowed(user))
		return SEC_ERR_FORMAT;
	if (k->n == k->cap) {
		if ((hit = realloc(k->hit, cap * sizeof(*hit))) == NULL)
			return SEC_ERR_SYS;
		k->hit = hit;
		k->cap = cap;
	}
	k->hit[k->n].user = strdup(user);
	k->hit[k->n].dn = strdup(dn);
	if (k->hit[k->n].user == NULL || k->hit[k->n].dn == NULL) {
		free(k->hit[k->n].user);
		free(k->hit[k->n].dn);
		return SEC_ERR_SYS;
	}
	k->n++;
	return 0;
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
		k->err = k->err != 0 ? k->err : take_hit(k, l);
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
	struct ctl_peer *peer = child_peer(l);
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
	k->deadline = clock_mono() + ANSWER_MS;
	(void)map_put_u64(l->lookups, k->id, k);
	put_terms(ctl_call(peer, "find"), q);
	(void)ctl_call_end(peer, ANSWER_MS, on_found, l, k->id);
}

static const struct directory_backend backend = { ldap_search };

/* --- what rules need to know of a user --- */

struct copied {
	int64_t at; /* mono ms */
};

struct copying {
	struct ldap *ldap;
	struct dir_person who; /* nobody yet: user is "" */
	char user[DIR_USER];
};

static int
copy_user(void *arg, const char *user)
{
	const struct copying *c = arg;

	/* Letters of both sizes are the same to LDAP, not to Kerberos. */
	return strcmp(user, c->user) == 0;
}

static void
copy_person(void *arg, const struct dir_person *p)
{
	static const char *const kept[] = { "name", "org", "groups" };
	struct copying *c = arg;
	size_t i, k;

	dir_person_free(&c->who);
	text_copy(c->who.user, p->user, sizeof(c->who.user));
	for (i = 0; i < p->n; i++)
		for (k = 0; k < sizeof(kept) / sizeof(kept[0]); k++)
			if (strcmp(p->attr[i].name, kept[k]) == 0)
				(void)dir_person_add(&c->who, kept[k],
				    p->attr[i].value);
}

static int
is_same(const struct dir_person *a, const struct dir_person *b)
{
	size_t i;

	if (a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->attr[i].name, b->attr[i].name) != 0 ||
		    strcmp(a->attr[i].value, b->attr[i].value) != 0)
			return 0;
	return 1;
}

/* Instead of what was there: who has left a group is not in it any more.
 * *changed is set if that makes a difference. 0 or SEC_ERR_*. */
static int
copy_store(struct copying *c, struct db *d, int *changed)
{
	struct dir_person old;
	int r, is_here = c->who.user[0] != '\0';

	if ((r = dir_person_get(d, c->user, &old)) == 0) {
		*changed = !is_here || !is_same(&old, &c->who);
		dir_person_free(&old);
	} else if (r == SEC_ERR_NOTHING)
		*changed = is_here;
	else
		return r;
	if (!*changed || (r = db_begin(d)) != 0)
		return *changed ? r : 0;
	r = dir_person_rm(d, c->user);
	if ((r == 0 || r == SEC_ERR_NOTHING) && is_here)
		r = dir_person_put(d, &c->who, clock_real(), NULL);
	if (r != 0 && r != SEC_ERR_NOTHING) {
		db_rollback(d);
		return r;
	}
	return db_commit(d);
}

static void
copy_done(void *arg, int err, const char *why)
{
	struct copying *c = arg;
	struct pal *p = c->ldap->p;
	struct db *d = directory_writer(p);
	int changed = 0;

	(void)why;
	if (err == 0 && (d == NULL || (err = copy_store(c, d, &changed)) != 0))
		log_warn("ldap.copy", "user=%s why=%s", log_quote(c->user),
		    d == NULL ? "import" : log_quote(sec_strerror(err)));
	/* What was known stays; he will register again before long. */
	if (err != 0 || d == NULL)
		free(map_del_str(c->ldap->copied, c->user));
	else if (changed)
		rules_chart_changed(p);
	dir_person_free(&c->who);
	free(c);
}

/* Was that long ago, or never? Then it is now. */
static int
copy_is_due(struct ldap *l, const char *user)
{
	struct copied *was = map_get_str(l->copied, user);

	if (was != NULL && clock_mono() - was->at < COPY_MS)
		return 0;
	if (was == NULL) {
		if ((was = calloc(1, sizeof(*was))) == NULL)
			return 0;
		(void)map_put_str(l->copied, user, was);
	}
	was->at = clock_mono();
	return 1;
}

void
ldap_registered(struct pal *p, const char *user)
{
	static const struct directory_reader reader = { copy_user, copy_person,
		copy_done };
	struct dir_search q = { .n = 1 };
	struct copying *c;

	if (p->backend != &backend || !dir_user_allowed(user) ||
	    !copy_is_due(p->ldap, user))
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	c->ldap = p->ldap;
	text_copy(c->user, user, sizeof(c->user));
	text_copy(q.term[0].attr, "user", sizeof(q.term[0].attr));
	text_copy(q.term[0].value, user, sizeof(q.term[0].value));
	ldap_search(p, &q, &reader, c);
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

/* Everybody's copy is due again. */
static void
forget_copies(struct ldap *l)
{
	struct copied *was;
	size_t i = 0;

	while ((was = map_next(l->copied, &i)) != NULL)
		free(was);
	map_free(l->copied);
	l->copied = map_new();
}

int
ldap_open(struct pal *p)
{
	struct ldap *l;

	if (check_password(&p->s->conf) != 0)
		return SEC_ERR_CONFIG;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return SEC_ERR_SYS;
	l->p = p;
	l->lookups = map_new();
	l->copied = map_new();
	p->ldap = l;
	choose(p);
	return 0;
}

void
ldap_reload(struct pal *p)
{
	/* A bad file is told by each search, too: the rest of us goes on. */
	(void)check_password(&p->s->conf);
	child_kill(p->ldap);
	forget_copies(p->ldap);
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
	child_kill(l);
	while ((k = map_next(l->lookups, &i)) != NULL)
		lookup_end(k, SEC_ERR_CLOSED, "sec-pal ends");
	forget_copies(l);
	map_free(l->lookups);
	map_free(l->copied);
	free(l);
	p->ldap = NULL;
	p->backend = NULL;
}
