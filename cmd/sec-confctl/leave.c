/*
 * leave: devices and members go (S011, S110). The media server drops the q
 * first; when a user's last device is gone a random epoch follows.
 */

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "wire/ids.h"

#include "focus.h"

void
device_leave(struct device *d, const char *why)
{
	struct conference *c = d->conf;
	struct focus *f = c->focus;
	struct member *m = d->member;
	int last = m->devices == 1;

	if (last) {
		speak_left(c, m->user);
		receipt_left(m);
	}
	deal_leave(c, d->q, d->server);
	if (commit_begin(f) == 0)
		conf_device_rm(f->s->db, c->row.id, d->q);
	log_info("conf.leave", "conf=%s user=%s q=%u.%u why=%s by=%s",
	    log_quote(c->row.name), log_quote(d->member->user), q_server(d->q),
	    d->q & 0xffffff, why,
	    f->by != NULL ? log_quote(f->by) : log_quote(d->member->user));
	device_free(d);
	if (!last)
		member_tell(m);
	else if (!TAILQ_EMPTY(&c->member_list))
		epoch_rekey_soon(c);
}

void
member_leave(struct member *m, const char *why)
{
	struct device *d, *next;

	/* m is freed with its last device. */
	for (d = TAILQ_FIRST(&m->own); d != NULL; d = next) {
		next = TAILQ_NEXT(d, own);
		device_leave(d, why);
	}
}

void
member_expel(struct member *m, const char *why)
{
	struct device *d;

	TAILQ_FOREACH(d, &m->own, own)
		device_bye_why(d, why);
	member_leave(m, "removed");
}

void
member_unreachable(struct member *m)
{
	if (m->state == MEMBER_UNREACHABLE)
		return;
	timer_set(&m->grace,
	    m->state == MEMBER_AWAITED ? GRACE_MS - AWAIT_MS : GRACE_MS);
	m->state = MEMBER_UNREACHABLE;
	member_tell(m);
	log_info("conf.status", "conf=%s user=%s status=unreachable",
	    log_quote(m->conf->row.name), log_quote(m->user));
}

void
member_back(struct member *m)
{
	struct device *d;

	if (m->state == MEMBER_ACTIVE)
		return;
	m->state = MEMBER_ACTIVE;
	timer_cancel(&m->grace);
	TAILQ_FOREACH(d, &m->own, own)
		d->lost = 0;
	member_tell(m);
	log_info("conf.status", "conf=%s user=%s status=active",
	    log_quote(m->conf->row.name), log_quote(m->user));
}

int
member_is_lost(const struct member *m)
{
	const struct device *d;
	int n = 0;

	TAILQ_FOREACH(d, &m->own, own)
		if (d->server != 0) {
			if (!d->lost)
				return 0;
			n++;
		}
	return n > 0;
}

void
device_lost(struct device *d, int lost)
{
	d->lost = lost;
	member_tell(d->member);
}

/* Has he voice devices here, and listens to none of them? (S179) */
static int
member_is_elsewhere(const struct member *m)
{
	const struct device *d;
	int n = 0;

	TAILQ_FOREACH(d, &m->own, own)
		if (device_is_voice(d)) {
			if (!d->hold)
				return 0;
			n++;
		}
	return n > 0;
}

void
member_tell(struct member *m)
{
	const char *status = "active";

	if (m->state == MEMBER_UNREACHABLE || member_is_lost(m))
		status = "unreachable";
	else if (member_is_elsewhere(m))
		status = "busy";
	if (strcmp(m->told, status) == 0)
		return;
	m->told = status;
	deal_member(m->conf, m->user, status);
}

void
on_bye(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct focus *f = ((struct service *)ctx)->priv;
	struct device *d = device_by_dialog(f, req->call_id, req->to_tag);
	char user[URI_MAX];
	struct conference *c;

	service_touch(f->s);
	uri_user(user, sip_conn_peer(sip_txn_conn(txn))->user,
	    f->s->conf.domain);
	if (d == NULL || strcmp(d->member->user, user) != 0) {
		sip_answer_status(txn, 481);
		return;
	}
	c = d->conf;
	device_leave(d, "bye");
	commit_then(f, commit_answer, sip_txn_id(txn));
	conf_check_empty(c);
}
