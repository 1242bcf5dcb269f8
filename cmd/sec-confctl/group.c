/*
 * group: INVITE with `Proposed:` the URI of an object asks in everybody whom
 * the directory finds by that attribute, sip:1256@org.DOMAIN being org:1256
 * (S123, S167, S168).
 *
 *   state    on                     do                            next
 *   FIND     enter                  `find query=` at sec-pal for
 *                                   each of them
 *            all have answered      who is available is invited,
 *                                   the rest told                 RING
 *            too many               403                           done
 *   RING     one rings, answers     183 that names him
 *            the last one answers   200, or the gravest status    done
 *   any      CANCEL                 CANCEL to who still rings;
 *                                   487                           done
 *
 * Lines in the body say more: `also who=URI` is another attribute, `but
 * who=URI` a user who is not asked here since he is asked by name.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"

#define GROUP_QUERIES 16
#define GROUP_MAX     1000 /* people */
#define FIND_MS	      15000 /* the directory has a shorter one of its own */

enum group_state { GROUP_FIND, GROUP_RING };

struct query {
	char uri[URI_MAX];
	unsigned found;
};

/* One of them, each once. */
struct found {
	char user[URI_MAX];
	int status; /* told at once, 0: he is to be rung */
	char note[256];
};

struct group {
	struct focus *f;
	uint64_t id;
	enum group_state state;
	uint64_t conf;
	uint64_t txn; /* the inviter's */
	char by[URI_MAX];
	int64_t expires;
	int anyway;
	struct query query[GROUP_QUERIES];
	unsigned nqueries;
	unsigned open; /* queries, then people, without an answer */
	struct map *seen; /* whom it is about, or who is left out */
	struct found **found;
	size_t nfound;
	unsigned came;
	int status; /* gravest so far */
};

static void
group_free(struct group *g)
{
	size_t i;

	map_del_u64(g->f->groups, g->id);
	map_free(g->seen);
	for (i = 0; i < g->nfound; i++)
		free(g->found[i]);
	free(g->found);
	free(g);
}

static void
group_finish(struct group *g, int status, const char *note)
{
	struct sip_txn *txn = sip_txn_find(g->f->s->sip, g->txn);
	struct sip_msg a;

	log_info("group.done", "by=%s query=%s people=%zu came=%u status=%d",
	    log_quote(g->by), log_quote(g->query[0].uri), g->nfound, g->came,
	    status);
	if (txn != NULL) {
		sip_msg_init(&a);
		a.status = status;
		a.proposed = g->query[0].uri;
		a.note = note;
		sip_answer(txn, &a);
	}
	group_free(g);
}

/* 183 that names one of them: what has become of him. */
static void
tell_inviter(struct group *g, const char *uri, int status, const char *note)
{
	struct sip_txn *txn = sip_txn_find(g->f->s->sip, g->txn);
	char words[16];
	struct sip_msg a;

	if (txn == NULL)
		return;
	snprintf(words, sizeof words, "code=%d", status);
	sip_msg_init(&a);
	a.status = 183;
	a.proposed = uri;
	a.conference = words;
	a.note = note;
	sip_answer(txn, &a);
}

void
group_told(struct focus *f, uint64_t id, const char *user, int status,
    const char *note)
{
	struct group *g = map_get_u64(f->groups, id);

	if (g == NULL)
		return;
	tell_inviter(g, user, status, note);
	if (status < 200)
		return;
	if (status / 100 == 2)
		g->came++;
	else if (g->status == 0 || g->status == 480)
		g->status = status;
	if (--g->open == 0)
		group_finish(g, g->came > 0 ? 200 : g->status, NULL);
}

/* --- whom the directory finds --- */

/* Once, and neither the inviter nor who is asked by name. */
static struct found *
found_add(struct group *g, const char *user)
{
	struct found *fo, **more;

	if (map_get_str(g->seen, user) != NULL)
		return NULL;
	more = reallocarray(g->found, g->nfound + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	g->found = more;
	if ((fo = calloc(1, sizeof *fo)) == NULL)
		return NULL;
	text_copy(fo->user, user, sizeof fo->user);
	map_put_str(g->seen, fo->user, fo);
	g->found[g->nfound++] = fo;
	return fo;
}

/* What his presence says, so that he need not be asked (S113): a status, or
 * 0. Whether he is there we know ourselves. */
static int
known_answer(struct group *g, const char *user, const struct line *row)
{
	const char *class_ = line_get_or(row, "class", "available");

	if (session_of_user(g->f, user) == NULL)
		return 480;
	return strcmp(class_, "busy") == 0 ? 486 :
	    strcmp(class_, "offline") == 0 ? 480 :
					     0;
}

static void
found_row(struct group *g, struct query *q, const struct line *row)
{
	const char *user = line_get(row, "user");
	struct conference *c = conf_find_id(g->f, g->conf);
	struct found *fo;

	if (user == NULL)
		return;
	q->found++;
	if (c == NULL || (fo = found_add(g, user)) == NULL)
		return;
	if (conf_blocks(c, user)) {
		fo->status = 403;
		return;
	}
	if (g->anyway || conf_member(c, user) != NULL)
		return;
	if ((fo->status = known_answer(g, user, row)) == 486)
		text_copy(fo->note, line_get_or(row, "note", ""),
		    sizeof fo->note);
}

/* All queries have been answered: everybody is told of or rung. */
static void
group_ring(struct group *g)
{
	struct focus *f = g->f;
	struct conference *c = conf_find_id(f, g->conf);
	struct invite_def def = { .conf = c,
		.by = g->by,
		.expires = g->expires,
		.anyway = g->anyway,
		.group = g->id };
	struct found *fo;
	const char *why;
	char note[80];
	size_t i;

	if (g->nfound > GROUP_MAX) {
		snprintf(note, sizeof note,
		    "that is more than %d people; not invited", GROUP_MAX);
		group_finish(g, 403, note);
		return;
	}
	if (c != NULL && (why = lobby_no_invite(c, g->by)) != NULL) {
		group_finish(g, 403, why);
		return;
	}
	g->state = GROUP_RING;
	g->open = (unsigned)g->nfound + 1; /* it lives until the end of this */
	for (i = 0; i < g->nfound; i++) {
		fo = g->found[i];
		def.who = fo->user;
		if (c == NULL || fo->status != 0)
			group_told(f, g->id, fo->user,
			    c == NULL ? 404 : fo->status,
			    fo->note[0] != '\0' ? fo->note : NULL);
		else
			invite_begin(f, &def);
	}
	if (--g->open == 0)
		group_finish(g,
		    g->came > 0	       ? 200 :
			g->status != 0 ? g->status :
			g->nfound == 0 ? 200 :
					 480,
		    NULL);
}

static void
query_done(struct group *g, struct query *q, int status, const char *why)
{
	if (status == 200 && q->found == 0)
		status = 404;
	if (status != 200) {
		g->status = status;
		tell_inviter(g, q->uri, status, why);
	}
	if (--g->open == 0)
		group_ring(g);
}

/* cookie: the group << 4 | its query. */
static void
on_found(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct focus *f = ctx;
	struct group *g = map_get_u64(f->groups, cookie >> 4);
	struct query *q;

	if (g == NULL || g->state != GROUP_FIND)
		return;
	q = &g->query[cookie & 15];
	if (reply != NULL && strcmp(reply->verb, "row") == 0) {
		found_row(g, q, reply);
		return;
	}
	if (reply != NULL && strcmp(reply->verb, "ok") == 0)
		query_done(g, q, 200, NULL);
	else
		query_done(g, q, ctl_reply_status(reply, err),
		    reply != NULL ? line_get(reply, "reason") :
				    "the directory does not answer");
}

static void
query_send(struct group *g, unsigned k)
{
	struct focus *f = g->f;
	struct ctl_peer *p;
	char value[sizeof(((struct uri *)NULL)->name)];
	struct buf *b;
	struct uri u;

	if (uri_parse(&u, g->query[k].uri, f->s->conf.domain) != 0 ||
	    uri_unescape(value, sizeof value, u.name) != 0 ||
	    (b = deal_call(f, f->pal, "find", &p)) == NULL) {
		query_done(g, &g->query[k], 503,
		    "the PAL manager does not answer");
		return;
	}
	line_putf(b, "query", "%s:%s", u.type, value);
	line_put(b, "by", g->by);
	line_put_u64(b, "limit", GROUP_MAX + 1);
	if (ctl_call_end(p, FIND_MS, on_found, f, g->id << 4 | k) == 0)
		query_done(g, &g->query[k], 503,
		    "the PAL manager does not answer");
}

/* --- the request --- */

/* A line of the body; 0 or a status. */
static int
group_line(struct group *g, const struct line *l)
{
	struct uri u;

	if (uri_parse(&u, line_get_or(l, "who", ""), g->f->s->conf.domain) != 0)
		return 400;
	if (strcmp(l->verb, "but") == 0 && u.kind == URI_USER) {
		map_put_str(g->seen, u.full, g);
		return 0;
	}
	if (strcmp(l->verb, "also") != 0 || u.kind != URI_OBJECT ||
	    g->nqueries == GROUP_QUERIES)
		return 400;
	text_copy(g->query[g->nqueries++].uri, u.full, URI_MAX);
	return 0;
}

static int
group_body(struct group *g, const struct sip_msg *req)
{
	const char *p = req->body, *end = p + req->bodylen;
	struct line l;
	int status = 0;

	while (status == 0 && req->bodylen > 0 && line_next(&l, &p, end)) {
		status = group_line(g, &l);
		line_free(&l);
	}
	return status;
}

void
group_start(struct focus *f, struct sip_txn *txn, const struct sip_msg *req,
    const struct invite_def *def)
{
	struct group *g;
	unsigned k, n;
	int status;

	if ((g = calloc(1, sizeof *g)) == NULL) {
		sip_answer_status(txn, 503);
		return;
	}
	g->f = f;
	g->id = ++f->next_op;
	g->conf = def->conf->row.id;
	g->txn = def->txn;
	g->expires = def->expires;
	g->anyway = def->anyway;
	g->seen = map_new();
	text_copy(g->by, def->by, sizeof g->by);
	map_put_str(g->seen, g->by, g);
	text_copy(g->query[g->nqueries++].uri, def->who, URI_MAX);
	map_put_u64(f->groups, g->id, g);
	if ((status = group_body(g, req)) != 0) {
		group_finish(g, status, NULL);
		return;
	}
	sip_txn_set_cookie(txn, g->id);
	/* Any of them may be the last to answer, and at once. */
	g->open = n = g->nqueries;
	for (k = 0; k < n; k++)
		query_send(g, k);
}

void
group_cancelled(struct focus *f, struct sip_txn *txn)
{
	struct group *g = map_get_u64(f->groups, sip_txn_cookie(txn));

	if (g == NULL || g->txn != sip_txn_id(txn))
		return;
	if (g->state == GROUP_FIND) {
		group_finish(g, 487, NULL);
		return;
	}
	invites_cancel(f, g->id);
}

void
groups_free(struct focus *f)
{
	struct group *g;
	size_t i;

	for (i = 0; (g = map_next(f->groups, &i)) != NULL;)
		group_free(g);
}
