/*
 * keep: text of conferences that keep theirs (SECURITY.md 3.5): it gets a
 * number here, and goes to the controller until that has stored it.
 *
 *	device -- MESSAGE --> room -- kept line= body= --> controller
 *	                           <-- stored line= ------
 *
 * What waits is bounded: a room whose controller cannot store takes no text.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "mtcu.h"

#define KEPT_MAX   1048576 /* bytes of a room that wait */
#define KEPT_AGAIN 5000 /* ms until they are told once more */

struct kept {
	int64_t line, at;
	uint32_t q;
	char *user;
	size_t n;
	TAILQ_ENTRY(kept) entry;
	uint8_t body[];
};

static struct mtcu *
room_mtcu(const struct room *r)
{
	return dealt_service(r->dealt.dealt)->priv;
}

/* Unless the controller is away: then it is told when it is back. */
static void
kept_tell(const struct room *r, const struct kept *k)
{
	struct ctl_peer *p = links_peer(room_mtcu(r)->s->links, 1);
	char q[Q_STRLEN];
	struct buf *b;

	if (p == NULL)
		return;
	b = ctl_event(p, "kept");
	line_put(b, "conf", r->dealt.uri);
	line_put_u64(b, "line", (uint64_t)k->line);
	line_put_u64(b, "at", (uint64_t)k->at);
	line_put(b, "q", q_format(k->q, q));
	line_put(b, "user", k->user);
	line_put_bytes(b, "body", k->body, k->n);
	ctl_event_end(p);
}

static void
kept_again(void *arg)
{
	struct room *r = arg;
	struct kept *k;

	TAILQ_FOREACH(k, &r->kept, entry)
		kept_tell(r, k);
	if (!TAILQ_EMPTY(&r->kept))
		timer_set(&r->again, KEPT_AGAIN);
}

static void
kept_free(struct room *r, struct kept *k)
{
	TAILQ_REMOVE(&r->kept, k, entry);
	r->waiting -= k->n;
	free(k->user);
	free(k);
}

int
keep_is_full(const struct room *r)
{
	return r->dealt.keep && r->waiting >= KEPT_MAX;
}

int64_t
keep_text(struct member *author, const struct sip_msg *req)
{
	struct room *r = member_room(author);
	struct kept *k;

	if (!r->dealt.keep)
		return -1;
	k = mem_new(sizeof *k + req->bodylen);
	k->user = mem_need(strdup(author->dealt.person->uri));
	k->at = clock_real();
	/* It goes up, after a restart of ours too. */
	k->line = r->line < k->at ? k->at : r->line + 1;
	k->q = author->dealt.q;
	k->n = req->bodylen;
	memcpy(k->body, req->body, req->bodylen);
	r->line = k->line;
	TAILQ_INSERT_TAIL(&r->kept, k, entry);
	r->waiting += k->n;
	kept_tell(r, k);
	if (!timer_is_set(&r->again))
		timer_set(&r->again, KEPT_AGAIN);
	return k->line;
}

static void
on_stored(void *ctx, struct ctl_req *req)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	struct room *r = room_find(m, line_get_or(req->line, "conf", ""));
	struct kept *k, *next;
	uint64_t line;

	if (r == NULL || line_get_u64(req->line, "line", &line) != 0)
		return;
	for (k = TAILQ_FIRST(&r->kept); k != NULL; k = next) {
		next = TAILQ_NEXT(k, entry);
		if (k->line == (int64_t)line) {
			kept_free(r, k);
			break;
		}
	}
	if (TAILQ_EMPTY(&r->kept))
		timer_cancel(&r->again);
}

void
keep_dealt(struct room *r)
{
	kept_again(r);
}

int
keep_open(struct room *r)
{
	TAILQ_INIT(&r->kept);
	timer_init(&r->again, room_mtcu(r)->s->loop, kept_again, r);
	return 0;
}

void
keep_close(struct room *r)
{
	struct kept *k;

	timer_cancel(&r->again);
	while ((k = TAILQ_FIRST(&r->kept)) != NULL)
		kept_free(r, k);
}

const struct ctl_verb keep_verbs[] = {
	{ "stored", CTL_CONFCTL, on_stored },
	{ NULL, 0, NULL },
};
