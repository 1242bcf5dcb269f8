/*
 * Voice devices: `attach` (attach.c) makes one an INVITE dialog of its own
 * (S045, S103-S108), gives it its keys, and keeps it told (voice_news.c,
 * voice_info.c) for as long as its connection is open; the end of that is its
 * BYE.
 */
#include <stdlib.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "voice_priv.h"
#include "wire/ids.h"

struct attachment *
voice_of_peer(struct agent *a, uint64_t peer)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->who.peer == peer)
			return v;
	return NULL;
}

struct buf *
voice_row(struct attachment *v, const char *what, struct ctl_req *r)
{
	struct buf *b;

	if (ctl_again(v->a->ctl, v->who, r) != 0)
		return NULL;
	b = ctl_row(r);
	line_put(b, "what", what);
	return b;
}

void
attachment_free(struct attachment *v)
{
	struct peer *p;
	size_t i = 0;

	timer_cancel(&v->deadline);
	if (v->txn != 0)
		sip_forget(flow_stack(v->a->session.confctl), v->txn);
	while ((p = map_next(v->peers, &i)) != NULL)
		free(p);
	map_free(v->peers);
	secret_free(v->hop);
	TAILQ_REMOVE(&v->a->voice.list, v, entry);
	free(v);
}

void
attachment_fail(struct attachment *v, int status, const char *reason)
{
	struct ctl_req r;

	log_info("voice.refused", "conf=%s code=%d", log_quote(v->conf),
	    status);
	if (ctl_again(v->a->ctl, v->who, &r) == 0)
		ctl_error(&r, status, reason);
	attachment_free(v);
}

void
attachment_over(struct attachment *v, const char *why)
{
	struct ctl_req r;
	struct buf *b;

	if (v->state == ATTACH_ASKING) {
		attachment_fail(v, 487, why);
		return;
	}
	talk_detached(v);
	if ((b = voice_row(v, "end", &r)) != NULL) {
		line_put(b, "reason", why);
		ctl_end(&r);
		ctl_ok(&r);
	}
	log_info("voice.end", "conf=%s q=%u.%u reason=%s", log_quote(v->conf),
	    (unsigned)q_server(v->q), (unsigned)(v->q & 0xffffff),
	    log_quote(why));
	attachment_free(v);
}

void
voice_peer_gone(struct agent *a, uint64_t peer)
{
	struct attachment *v;

	if ((v = voice_of_peer(a, peer)) == NULL)
		return;
	if (v->state == ATTACH_ON) {
		log_info("voice.off", "conf=%s q=%u.%u", log_quote(v->conf),
		    (unsigned)q_server(v->q), (unsigned)(v->q & 0xffffff));
		talk_detached(v);
		(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
	}
	attachment_free(v);
}

void
voice_conf_gone(struct conf_in *c, const char *why, int bye)
{
	struct attachment *v, *next;

	for (v = TAILQ_FIRST(&c->a->voice.list); v != NULL; v = next) {
		next = TAILQ_NEXT(v, entry);
		if (v->conf_number != c->number)
			continue;
		if (bye && v->state == ATTACH_ON)
			(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
		attachment_over(v, why);
	}
}

void
voice_init(struct agent *a)
{
	TAILQ_INIT(&a->voice.list);
	talk_init(a);
}

void
voice_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->voice.list))
		attachment_free(TAILQ_FIRST(&a->voice.list));
	talk_close(a);
}
