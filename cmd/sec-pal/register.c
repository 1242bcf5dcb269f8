/*
 * register: Fig. 5 (S084-S095; SECURITY.md 3.4). One request:
 *
 *   AP-REQ -> principal -> body under the initiator's subkey -> rows ->
 *   one transaction in pal.db -> fresh Kc -> event `registered` to the
 *   controller -> 200 sealed under DH and the acceptor's subkey
 *
 * Every refusal is the same 403 with Date: (nobody learns why).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/dh.h"
#include "crypto/random.h"
#include "crypto/regkey.h"
#include "sip/event.h"
#include "wire/base64.h"
#include "wire/line.h"
#include "wire/registration.h"

#include "ldap.h"
#include "list.h"
#include "roster.h"

#define EXPIRES_MIN 60
#define EXPIRES_MAX 86400

struct registration {
	struct pal *pal;
	const struct sip_msg *req;
	struct buf apreq;
	struct accepted *accepted; /* NULL in plain mode */
	struct buf rows;
	uint8_t ec[32];
	char principal[256];
	char name[PAL_NAME];
	struct pal_binding binding;
	int64_t expires; /* s; 0: log out */
	struct pal_reach reach[8];
	int nreach;
	struct pal_status given;
	int has_status;
};

static void
registration_free(struct registration *r)
{
	buf_free(&r->apreq);
	buf_free(&r->rows);
	accepted_free(r->accepted);
}

/* note: NULL, or NOTE_DRAINING. */
static void
refuse(struct sip_txn *txn, int status, const char *note)
{
	char date[64];
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	a.date = clock_sip_date(clock_real(), date);
	if (status == 503)
		a.retry_after = 1;
	a.note = note;
	sip_answer(txn, &a);
}

/* Ticket and body; 0 or SEC_ERR_*. */
static int
registration_open(struct registration *r)
{
	const struct sip_msg *q = r->req;
	struct secret *prf = NULL;
	int64_t time;
	int err;

	if (q->auth_token == NULL || q->auth_version == NULL ||
	    strcmp(q->auth_version, "sec1") != 0 || q->content_type == NULL ||
	    !text_equal_nocase(q->content_type, EVENT_REG_TYPE))
		return SEC_ERR_AUTH;
	if (base64_decode(&r->apreq, q->auth_token, strlen(q->auth_token)) != 0)
		return SEC_ERR_FORMAT;
	if (r->pal->acceptor == NULL)
		return SEC_ERR_AUTH;
	if ((err = accept_apreq(r->pal->acceptor, buf_data(&r->apreq),
		 buf_len(&r->apreq), &r->accepted, &prf)) != 0)
		return err;
	err = regkey_request_open(q->body, q->bodylen, prf, buf_data(&r->apreq),
	    buf_len(&r->apreq), &r->rows, r->ec, &time);
	secret_free(prf);
	if (err != 0)
		return err;
	if (time < clock_real() - CLOCK_SKEW ||
	    time > clock_real() + CLOCK_SKEW)
		return SEC_ERR_EXPIRED;
	text_copy(r->principal, accepted_principal(r->accepted),
	    sizeof r->principal);
	return 0;
}

/* Plain mode: no ticket; From is believed, the body's rows are clear, a
 * foreign UA without them has its Contact (S096 alternative). */
static int
registration_open_plain(struct registration *r)
{
	const struct sip_msg *q = r->req;
	struct uri u;
	uint8_t id[16];
	char hex[33];
	size_t i;

	if (uri_parse(&u, q->from, r->pal->s->conf.domain) != 0 ||
	    u.kind != URI_USER)
		return SEC_ERR_FORMAT;
	if (snprintf(r->principal, sizeof r->principal, "%s@%s", u.name,
		r->pal->s->conf.realm) >= (int)sizeof r->principal)
		return SEC_ERR_LIMIT;
	if (q->content_type != NULL &&
	    text_equal_nocase(q->content_type, EVENT_REG_TYPE)) {
		buf_put(&r->rows, q->body, q->bodylen);
		return buf_error(&r->rows);
	}
	crypto_random(id, sizeof id);
	for (i = 0; i < sizeof id; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	line_begin(&r->rows, "register");
	line_put(&r->rows, "instance", hex);
	line_put_u64(&r->rows, "expires",
	    q->expires < 0 ? 600 : (uint64_t)q->expires);
	line_put(&r->rows, "via", "voip");
	line_put(&r->rows, "contact", q->contact != NULL ? q->contact : "");
	line_end(&r->rows);
	return buf_error(&r->rows);
}

static int
is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static int
row_register(struct registration *r, const struct line *l)
{
	const char *instance = line_get_or(l, "instance", "");
	int64_t most = r->pal->s->conf.register_life;
	uint64_t expires;

	if (!is_hex(instance, 32) || line_get_u64(l, "expires", &expires) != 0)
		return SEC_ERR_FORMAT;
	text_copy(r->binding.instance, instance, sizeof r->binding.instance);
	text_copy(r->binding.via, line_get_or(l, "via", "voip"),
	    sizeof r->binding.via);
	text_copy(r->binding.contact, line_get_or(l, "contact", ""),
	    sizeof r->binding.contact);
	r->expires = expires == 0 ? 0 :
	    expires < EXPIRES_MIN ? EXPIRES_MIN :
	    expires > EXPIRES_MAX ? EXPIRES_MAX :
				    (int64_t)expires;
	if (r->expires > most)
		r->expires = most;
	return 0;
}

static int
row_reach(struct registration *r, const struct line *l)
{
	struct pal_reach *re;
	uint64_t order = 1;

	if (r->nreach == (int)(sizeof r->reach / sizeof r->reach[0]))
		return SEC_ERR_LIMIT;
	(void)line_get_u64(l, "order", &order);
	re = &r->reach[r->nreach++];
	text_copy(re->media, line_get_or(l, "media", ""), sizeof re->media);
	text_copy(re->by, line_get_or(l, "by", "voip"), sizeof re->by);
	text_copy(re->tel, line_get_or(l, "tel", ""), sizeof re->tel);
	re->order = order > 99 ? 99 : (int)order;
	return 0;
}

static int
row_status(struct registration *r, const struct line *l)
{
	int err = presence_status(l, &r->given);

	if (err == SEC_ERR_EXPIRED)
		return 0; /* it was over before it came here */
	if (err != 0)
		return err;
	r->has_status = 1;
	return 0;
}

static int
registration_rows(struct registration *r)
{
	const char *p, *nl, *end;
	struct line l;
	int err = 0, seen = 0;

	p = (const char *)buf_data(&r->rows);
	end = p + buf_len(&r->rows);
	text_copy(r->binding.media, "text,voice", sizeof r->binding.media);
	for (; p < end && err == 0; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return SEC_ERR_FORMAT;
		if ((err = line_parse(&l, p, (size_t)(nl - p))) != 0)
			return err;
		if (strcmp(l.verb, "register") == 0 && !seen++)
			err = row_register(r, &l);
		else if (strcmp(l.verb, "device") == 0)
			text_copy(r->binding.media,
			    line_get_or(&l, "media", "text,voice"),
			    sizeof r->binding.media);
		else if (strcmp(l.verb, "reach") == 0)
			err = row_reach(r, &l);
		else if (strcmp(l.verb, "status") == 0)
			err = row_status(r, &l);
		line_free(&l);
	}
	return err != 0 ? err : seen == 1 ? 0 : SEC_ERR_FORMAT;
}

/* Is it a URI of this user? */
static int
names(const char *uri, const char *name, const char *domain)
{
	struct uri u;

	return uri_parse(&u, uri, domain) == 0 && u.kind == URI_USER &&
	    strcmp(u.name, name) == 0;
}

/* A Contact has a host of its own; whoever it names must be him. */
static int
contact_names(const char *contact, const char *name)
{
	const char *at = strchr(contact, '@');
	size_t n = strlen(name);

	return at == NULL || strncasecmp(contact, "sip:", 4) != 0 ||
	    ((size_t)(at - contact) == 4 + n &&
		strncmp(contact + 4, name, n) == 0);
}

/* Is this principal a user of ours, and do From, To and Contact name him? */
static int
registration_admit(struct registration *r)
{
	struct service *s = r->pal->s;
	const char *at = strrchr(r->principal, '@');
	struct pal_user row;
	size_t n;

	if (at == NULL || strcmp(at + 1, s->conf.realm) != 0 ||
	    memchr(r->principal, '/', (size_t)(at - r->principal)) != NULL)
		return SEC_ERR_DENIED;
	n = (size_t)(at - r->principal);
	if (n == 0 || n >= sizeof r->name)
		return SEC_ERR_DENIED;
	memcpy(r->name, r->principal, n);
	r->name[n] = '\0';
	if (!names(r->req->from, r->name, s->conf.domain) ||
	    !names(r->req->to, r->name, s->conf.domain) ||
	    (r->req->contact != NULL &&
		!contact_names(r->req->contact, r->name)))
		return SEC_ERR_DENIED;
	if (pal_user_get(s->db, r->name, &row) == 0) {
		if (row.disabled || (s->conf.users_known && !row.known))
			return SEC_ERR_DENIED;
	} else if (s->conf.users_known)
		return SEC_ERR_DENIED;
	return 0;
}

static int
registration_store(struct registration *r)
{
	int64_t now = clock_real(), end;
	struct pal_registration row = {
		.user = r->name,
		.reach = r->reach,
		.nreach = r->nreach > 0 ? r->nreach : -1,
		.now = now,
		.status = r->has_status ? &r->given : NULL,
	};

	r->binding.since = now;
	r->binding.until = now + r->expires * 1000;
	if (r->accepted != NULL &&
	    (end = accepted_until(r->accepted)) < r->binding.until)
		r->binding.until = end;
	row.binding = r->binding;
	return pal_register(r->pal->s->db, &row);
}

/* Rows of the answer: session, conferences to rejoin, the PAL (S094). */
static void
answer_rows(struct registration *r, struct presentity *u, struct buf *out)
{
	struct service *s = r->pal->s;
	const struct server *cc = servers_by_number(&s->servers, 1);
	struct list *pal;

	line_begin(out, "session");
	line_put_u64(out, "pal", s->self->number);
	if (cc != NULL)
		line_putf(out, "controller", "%d@%s", cc->number, cc->addr);
	line_put_u64(out, "until", (uint64_t)r->binding.until);
	line_put_u64(out, "time", (uint64_t)clock_real());
	/* Kept from an earlier session, if this one gave none. */
	line_put(out, "status", u->status.value);
	line_put(out, "class", u->status.class_);
	line_put(out, "note", u->status.note);
	if (u->status.until != 0)
		line_put_u64(out, "status_until", (uint64_t)u->status.until);
	line_end(out);
	if (r->expires == 0)
		return;
	rosters_put_unreachable(r->pal, u->uri, out);
	if ((pal = list_open(u)) != NULL)
		(void)pal->doc.ops->part(&pal->doc,
		    subscription_of(u, r->binding.instance, &pal->doc),
		    NEXT_ALL, 1, out);
}

/* Seal the answer to the client; 0 or SEC_ERR_*. */
static int
answer_seal(struct registration *r, const struct reg_session *se,
    struct buf *body)
{
	struct buf pt = BUF_INIT, aprep = BUF_INIT;
	struct secret *ep_secret, *prf = NULL;
	struct regkey_th th;
	uint8_t ep[32];
	int err;

	reg_session_encode(&pt, se);
	if ((err = accepted_reply(r->accepted, &aprep, &prf)) == 0) {
		ep_secret = crypto_random_key(32, 0);
		dh_public(ep_secret, ep);
		th.apreq = buf_data(&r->apreq);
		th.apreqlen = buf_len(&r->apreq);
		th.aprep = buf_data(&aprep);
		th.apreplen = buf_len(&aprep);
		th.ec = r->ec;
		th.ep = ep;
		err = regkey_answer_seal(body, prf, &th, ep_secret,
		    buf_data(&pt), buf_len(&pt), clock_real());
		secret_free(ep_secret);
	}
	secret_free(prf);
	buf_free(&pt);
	buf_free(&aprep);
	return err;
}

static int
answer_send(struct registration *r, struct sip_txn *txn, struct presentity *u,
    struct binding *b)
{
	struct buf rows = BUF_INIT, body = BUF_INIT;
	struct secret *none = NULL;
	struct reg_session se;
	struct sip_msg a;
	int err = 0;

	answer_rows(r, u, &rows);
	memset(&se, 0, sizeof se);
	if (b == NULL)
		none = crypto_random_key(32, 0);
	se.kc = b != NULL ? b->held.key.secret : none;
	se.keyid = b != NULL ? b->held.key.id : 0;
	se.not_after = r->binding.until;
	se.time = clock_real();
	se.rows = buf_cstr(&rows);
	se.rowslen = buf_len(&rows);
	if (r->accepted != NULL)
		err = answer_seal(r, &se, &body);
	else { /* plain mode */
		buf_put(&body, buf_data(&rows), buf_len(&rows));
		err = buf_error(&body);
	}
	if (err == 0) {
		sip_msg_init(&a);
		a.status = 200;
		a.contact = r->req->contact;
		a.expires = r->expires;
		a.content_type = EVENT_REG_TYPE;
		a.body = buf_data(&body);
		a.bodylen = buf_len(&body);
		sip_answer(txn, &a);
	}
	secret_free(none);
	buf_free(&rows);
	buf_free(&body);
	return err;
}

/* A user has so many agents at most: the one registered longest ago goes. */
static void
make_room(struct presentity *u, const char *instance)
{
	struct binding *b, *oldest = NULL;
	int n = 0;

	TAILQ_FOREACH(b, &u->bindings, entry) {
		if (strcmp(b->row.instance, instance) == 0)
			return;
		if (oldest == NULL || b->row.since < oldest->row.since)
			oldest = b;
		n++;
	}
	if (n >= BINDINGS)
		binding_drop(oldest, "replaced");
}

/* The binding is stored: keys, controller, answer, watchers. */
static int
registration_apply(struct registration *r, struct sip_txn *txn)
{
	struct pal *p = r->pal;
	struct presentity *u = presentity_get(p, r->name);
	struct binding *b;
	int err;

	if (u == NULL)
		return SEC_ERR_LIMIT;
	if (r->has_status)
		presentity_set(u, &r->given);
	else if (strcmp(u->status.class_, "offline") == 0 ||
	    u->status.value[0] == '\0')
		presentity_greet(u);
	make_room(u, r->binding.instance);
	if (TAILQ_EMPTY(&u->bindings) && u->awaited == NULL)
		u->status.since = r->binding.since;
	if ((b = binding_put(p, u, r->principal, &r->binding,
		 buf_cstr(&r->rows))) == NULL)
		return SEC_ERR_LIMIT;
	presentity_came(u);
	presentity_reach(u);
	binding_tell(b);
	if ((err = answer_send(r, txn, u, b)) != 0)
		return err;
	presentity_changed(u);
	log_info("registered", "user=%s instance=%.8s expires=%lld",
	    log_quote(u->uri), b->row.instance, (long long)r->expires);
	return 0;
}

static int
registration_logout(struct registration *r, struct sip_txn *txn)
{
	struct presentity *u = presentity_get(r->pal, r->name);
	struct binding *b;

	if (u == NULL)
		return SEC_ERR_LIMIT;
	if ((b = binding_find(r->pal, u->uri, r->binding.instance)) != NULL)
		binding_drop(b, "logout");
	else
		binding_forget(u, r->binding.instance, 0, "logout");
	r->binding.until = clock_real();
	return answer_send(r, txn, u, NULL);
}

void
on_register(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct service *s = ctx;
	struct registration r;
	int err;

	service_touch(s);
	memset(&r, 0, sizeof r);
	r.pal = s->priv;
	r.req = req;
	if (s->conf.plain && req->auth_token == NULL)
		err = registration_open_plain(&r);
	else
		err = registration_open(&r);
	if (err != 0 || (err = registration_admit(&r)) != 0 ||
	    (err = registration_rows(&r)) != 0) {
		log_warn("register.refused", "why=%s user=%s",
		    log_quote(sec_strerror(err)),
		    log_quote(r.principal[0] != '\0' ? r.principal : "-"));
		refuse(txn, 403, NULL);
		registration_free(&r);
		return;
	}
	if (r.expires == 0)
		err = registration_logout(&r, txn);
	else if (s->draining)
		err = SEC_ERR_UNREACHABLE;
	else if ((err = registration_store(&r)) == 0 &&
	    (err = registration_apply(&r, txn)) == 0)
		ldap_registered(r.pal, r.name);
	if (err != 0) {
		log_error("register.failed", "user=%s why=%s",
		    log_quote(r.name), log_quote(sec_strerror(err)));
		refuse(txn, 503, s->draining ? NOTE_DRAINING : NULL);
	}
	registration_free(&r);
}
