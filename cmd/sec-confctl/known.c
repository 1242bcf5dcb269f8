/*
 * known: users whom a line of a PUBLISH puts on a list are asked for at
 * sec-pal first (`find who=`), since a name that was mistyped would stand
 * there without anybody noticing. When all are known the line is worked off,
 * as if it came now; one who is not refuses it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "focus.h"
#include "policy.h"

#define KNOWN_MS   3000 /* who asked gives up after 5 s */
#define KNOWN_BITS 8 /* of a cookie: which of them; lists take 100 each */

struct known {
	struct focus *f;
	uint64_t id;
	uint64_t txn;
	uint64_t conf;
	struct buf users; /* with commas */
	struct buf line; /* what is worked off then */
	unsigned open;
	int status; /* of the first who is refused */
	char why[URI_MAX + 64];
};

static void
known_free(struct known *k)
{
	map_del_u64(k->f->known, k->id);
	buf_free(&k->users);
	buf_free(&k->line);
	free(k);
}

static void
known_done(struct known *k)
{
	struct sip_txn *txn = sip_txn_find(k->f->s->sip, k->txn);

	if (txn != NULL && k->status != 0)
		policy_refuse(txn, k->status, k->why);
	else if (txn != NULL)
		policy_again(k->f, txn, k->conf, &k->line);
	known_free(k);
}

static void
known_answer(struct known *k, const char *user, int status)
{
	if (status != 200 && k->status == 0) {
		k->status = status == 404 ? 404 : 503;
		snprintf(k->why, sizeof k->why, "%s: %s", user,
		    status == 404 ? "no such user" :
				    "the PAL manager does not answer");
	}
	if (--k->open == 0)
		known_done(k);
}

/* The n-th of them. */
static const char *
known_user(struct known *k, unsigned n, struct uri *u)
{
	const char *rest = buf_cstr(&k->users);

	do
		rest = lists_next_user(k->f, rest, u);
	while (rest != NULL && n-- > 0);
	return u->full;
}

static void
on_known(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct focus *f = ctx;
	struct known *k = map_get_u64(f->known, cookie >> KNOWN_BITS);
	struct uri u;

	if (k == NULL || (reply != NULL && strcmp(reply->verb, "row") == 0))
		return;
	(void)known_user(k, cookie & ((1u << KNOWN_BITS) - 1), &u);
	known_answer(k, u.name,
	    reply != NULL && strcmp(reply->verb, "ok") == 0 ?
		200 :
		ctl_reply_status(reply, err));
}

static void
known_send(struct known *k, unsigned n, const struct uri *u)
{
	struct focus *f = k->f;
	struct ctl_peer *p;
	struct buf *b = deal_call(f, f->pal, "find", &p);

	k->open++;
	if (b != NULL) {
		line_put(b, "who", u->full);
		if (ctl_call_end(p, KNOWN_MS, on_known, f,
			k->id << KNOWN_BITS | n) != 0)
			return;
	}
	known_answer(k, u->name, 503);
}

void
known_ask(struct conference *c, struct asker *by, const char *users)
{
	struct focus *f = c->focus;
	struct known *k;
	struct uri u;
	unsigned n;

	if ((k = calloc(1, sizeof *k)) == NULL) {
		sip_answer_status(by->txn, 503);
		return;
	}
	k->f = f;
	k->id = ++f->next_op;
	k->txn = sip_txn_id(by->txn);
	k->conf = c->row.id;
	buf_put_str(&k->users, users);
	buf_put(&k->line, by->body, by->bodylen);
	map_put_u64(f->known, k->id, k);
	/* Any of them may be the last to answer, and at once. */
	k->open = 1;
	users = buf_cstr(&k->users);
	for (n = 0;
	     *users != '\0' && (users = lists_next_user(f, users, &u)) != NULL;
	     n++)
		known_send(k, n, &u);
	known_answer(k, "", 200);
}

void
known_free_all(struct focus *f)
{
	struct known *k;
	size_t i;

	for (i = 0; (k = map_next(f->known, &i)) != NULL;)
		known_free(k);
}
