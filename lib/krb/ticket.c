/*
 * Tickets for the client: from a cache, a password, a keytab or a kept TGT;
 * and one AP exchange with them. ticket_get() alone talks to a KDC.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>
#include <profile.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "krb/prf.h"
#include "krb/ticket.h"

#define SKEW_LIMIT 300

/* What one call of ticket_get() has in hand. */
struct getting {
	const struct ticket_request *r;
	krb5_context k;
	krb5_principal client;
	krb5_ccache cc;
	int cc_ours; /* in memory */
	char name[256]; /* alice@REALM */
	char realm[256];
	char kdcs[256];
	char kdc[128]; /* the first, no port */
	int skew_limit; /* s */
	int64_t ahead; /* ms */
	char *why;
	size_t whylen;
};

/* Kerberos time is 32 bits without a sign, whatever its C type says. */
static int64_t
time_ms(krb5_timestamp t)
{
	return (int64_t)(uint32_t)t * 1000;
}

/* "7 min 12 s", "2 h 3 min", "9 s". */
static void
put_span(char *out, size_t n, int64_t s)
{
	if (s < 60)
		snprintf(out, n, "%d s", (int)s);
	else if (s < 3600 && s % 60 == 0)
		snprintf(out, n, "%d min", (int)(s / 60));
	else if (s < 3600)
		snprintf(out, n, "%d min %d s", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		snprintf(out, n, "%d h %d min", (int)(s / 3600),
		    (int)(s / 60 % 60));
	else
		snprintf(out, n, "%lld day%s", (long long)(s / 86400),
		    text_plural((size_t)(s / 86400)));
}

/* The KDCs that krb5.conf names for the realm, and the limit of skew. */
static void
look_up_kdcs(struct getting *g)
{
	const char *path[4] = { "realms", g->realm, "kdc", NULL };
	const char *host, *port;
	char **list, one[128];
	size_t i, len = 0;
	profile_t p;
	int limit;

	g->skew_limit = SKEW_LIMIT;
	text_copy(g->kdc, "the KDC", sizeof(g->kdc));
	if (krb5_get_profile(g->k, &p) != 0)
		return;
	if (profile_get_integer(p, "libdefaults", "clockskew", NULL, SKEW_LIMIT,
		&limit) == 0 &&
	    limit > 0)
		g->skew_limit = limit;
	if (profile_get_values(p, path, &list) == 0) {
		for (i = 0; list[i] != NULL && len < sizeof(g->kdcs); i++) {
			host = list[i];
			if (strncmp(host, "tcp/", 4) == 0 ||
			    strncmp(host, "udp/", 4) == 0)
				host += 4;
			port = strrchr(host, ':');
			if (port != NULL && strchr(port, ']') != NULL)
				port = NULL;
			snprintf(one, sizeof(one), "%s%s", host,
			    port == NULL ? ":88" : "");
			len += (size_t)snprintf(g->kdcs + len,
			    sizeof(g->kdcs) - len, "%s%s", i ? ", " : "", one);
			if (i == 0) {
				port = strrchr(one, ':');
				snprintf(g->kdc, sizeof(g->kdc), "%.*s",
				    port != NULL ? (int)(port - one) :
						   (int)strlen(one),
				    one);
			}
		}
		profile_free_list(list);
	}
	profile_release(p);
}

static int
clock_is_off(struct getting *g, int64_t behind_s)
{
	char span[32], limit[32];

	put_span(span, sizeof(span), behind_s < 0 ? -behind_s : behind_s);
	put_span(limit, sizeof(limit), g->skew_limit);
	snprintf(g->why, g->whylen,
	    "this machine's clock is %s %s %s (limit "
	    "%s); fix: timedatectl set-ntp true",
	    span, behind_s < 0 ? "ahead of" : "behind", g->kdc, limit);
	return SEC_ERR_CLOCK;
}

static int
unreachable(struct getting *g)
{
	if (g->kdcs[0] == '\0')
		snprintf(g->why, g->whylen,
		    "cannot reach any KDC for %s (none "
		    "named in krb5.conf or DNS); see krb5.conf or "
		    "KRB5_TRACE=/dev/stderr",
		    g->realm);
	else
		snprintf(g->why, g->whylen,
		    "cannot reach any KDC for %s (tried "
		    "%s udp, tcp); see krb5.conf or KRB5_TRACE=/dev/stderr",
		    g->realm, g->kdcs);
	return SEC_ERR_UNREACHABLE;
}

static int
expired(struct getting *g, krb5_timestamp end)
{
	char hhmm[16];

	if (end == 0)
		snprintf(g->why, g->whylen, "the ticket of %s has expired",
		    g->name);
	else
		snprintf(g->why, g->whylen, "the ticket of %s expired at %s",
		    g->name, clock_hhmm(time_ms(end), hhmm));
	return SEC_ERR_TICKET;
}

/* One sentence for what MIT krb5 said. */
static int
explain(struct getting *g, krb5_error_code e)
{
	const char *text;
	char limit[32];

	switch (e) {
	case KRB5KRB_AP_ERR_BAD_INTEGRITY:
	case KRB5KDC_ERR_PREAUTH_FAILED:
		if (g->r->source == TICKET_KEYTAB) {
			snprintf(g->why, g->whylen,
			    "the key of %s in %s is not "
			    "the KDC's; write that keytab again",
			    g->name, g->r->keytab);
			return SEC_ERR_PASSWORD;
		}
		snprintf(g->why, g->whylen, "wrong password for %s", g->name);
		return SEC_ERR_PASSWORD;
	case KRB5KDC_ERR_KEY_EXP:
		snprintf(g->why, g->whylen,
		    "the password of %s has expired; "
		    "change it: kpasswd %s",
		    g->name, g->name);
		return SEC_ERR_PASSWORD;
	case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
		snprintf(g->why, g->whylen, "no such user %s", g->name);
		return SEC_ERR_NOUSER;
	case KRB5KDC_ERR_CLIENT_REVOKED:
	case KRB5KDC_ERR_NAME_EXP:
		snprintf(g->why, g->whylen, "the KDC has locked %s", g->name);
		return SEC_ERR_LOGIN;
	case KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN:
		snprintf(g->why, g->whylen,
		    "the KDC of %s does not know the "
		    "service %s",
		    g->realm, g->r->service);
		return SEC_ERR_LOGIN;
	case KRB5_KDC_UNREACH:
	case KRB5_REALM_UNKNOWN:
	case KRB5_REALM_CANT_RESOLVE: return unreachable(g);
	case KRB5KRB_AP_ERR_SKEW:
	case KRB5_KDCREP_SKEW:
		put_span(limit, sizeof(limit), g->skew_limit);
		snprintf(g->why, g->whylen,
		    "this machine's clock is more than "
		    "%s from %s's; fix: timedatectl set-ntp true",
		    limit, g->kdc);
		return SEC_ERR_CLOCK;
	case KRB5KRB_AP_ERR_TKT_EXPIRED: return expired(g, 0);
	case KRB5_FCC_NOFILE:
	case KRB5_CC_NOTFOUND:
	case KRB5_CC_END:
		snprintf(g->why, g->whylen,
		    "no ticket%s%s; run kinit, or give "
		    "the password",
		    g->name[0] ? " for " : "", g->name);
		return SEC_ERR_TICKET;
	case KRB5_KT_NOTFOUND:
		snprintf(g->why, g->whylen, "no key for %s in %s", g->name,
		    g->r->keytab);
		return SEC_ERR_LOGIN;
	default:
		text = krb5_get_error_message(g->k, e);
		snprintf(g->why, g->whylen, "Kerberos: %s", text);
		krb5_free_error_message(g->k, text);
		return SEC_ERR_LOGIN;
	}
}

/* Put name and realm of the client at hand for sentences. */
static int
know_client(struct getting *g)
{
	krb5_error_code e;
	char *s;

	if ((e = krb5_unparse_name(g->k, g->client, &s)) != 0)
		return explain(g, e);
	text_copy(g->name, s, sizeof(g->name));
	krb5_free_unparsed_name(g->k, s);
	snprintf(g->realm, sizeof(g->realm), "%.*s",
	    (int)g->client->realm.length, g->client->realm.data);
	look_up_kdcs(g);
	return 0;
}

static int
parse_client(struct getting *g)
{
	krb5_error_code e;
	char full[512];

	if (g->r->principal == NULL)
		return 0;
	snprintf(full, sizeof(full), "%s%s%s", g->r->principal,
	    strchr(g->r->principal, '@') == NULL && g->r->realm != NULL ? "@" :
									  "",
	    strchr(g->r->principal, '@') == NULL && g->r->realm != NULL ?
		g->r->realm :
		"");
	text_copy(g->name, full, sizeof(g->name));
	if ((e = krb5_parse_name(g->k, full, &g->client)) != 0)
		return explain(g, e);
	return know_client(g);
}

static krb5_error_code
memory_cache(struct getting *g, krb5_creds *tgt)
{
	krb5_error_code e;

	if (g->cc == NULL) {
		e = krb5_cc_new_unique(g->k, "MEMORY", NULL, &g->cc);
		if (e != 0)
			return e;
		g->cc_ours = 1;
	}
	if ((e = krb5_cc_initialize(g->k, g->cc, g->client)) != 0)
		return e;
	return krb5_cc_store_cred(g->k, g->cc, tgt);
}

/* The AS exchange, with the KDC's time taken from its answer or error. */
static int
get_tgt(struct getting *g, krb5_creds *tgt)
{
	krb5_get_init_creds_opt *opt = NULL;
	krb5_init_creds_context icc = NULL;
	krb5_error *err = NULL;
	krb5_keytab kt = NULL;
	krb5_error_code e;
	int64_t behind;
	int r;

	if ((e = krb5_get_init_creds_opt_alloc(g->k, &opt)) != 0 ||
	    (e = krb5_init_creds_init(g->k, g->client, NULL, NULL, 0, opt,
		 &icc)) != 0)
		goto fail;
	if (g->r->source == TICKET_KEYTAB) {
		if ((e = krb5_kt_resolve(g->k, g->r->keytab, &kt)) != 0 ||
		    (e = krb5_init_creds_set_keytab(g->k, icc, kt)) != 0)
			goto fail;
	} else {
		e = krb5_init_creds_set_password(g->k, icc,
		    secret_data(g->r->password));
		if (e != 0)
			goto fail;
	}
	if ((e = krb5_init_creds_get(g->k, icc)) != 0) {
		if ((e == KRB5KRB_AP_ERR_SKEW || e == KRB5_KDCREP_SKEW) &&
		    krb5_init_creds_get_error(g->k, icc, &err) == 0 &&
		    err != NULL) {
			behind = (time_ms(err->stime) - clock_real()) / 1000;
			krb5_free_error(g->k, err);
			r = clock_is_off(g, behind);
			goto out;
		}
		goto fail;
	}
	if ((e = krb5_init_creds_get_creds(g->k, icc, tgt)) != 0)
		goto fail;
	/*
	 * MIT's client adjusts itself to the KDC, but sec-pal checks our
	 * clock as well, and so do the records: better say so now.
	 */
	g->ahead = time_ms(tgt->times.authtime) - clock_real();
	behind = g->ahead / 1000;
	if (behind > g->skew_limit || behind < -g->skew_limit)
		r = clock_is_off(g, behind);
	else
		r = (e = memory_cache(g, tgt)) == 0 ? 0 : explain(g, e);
	if (r != 0) {
		krb5_free_cred_contents(g->k, tgt);
		memset(tgt, 0, sizeof(*tgt));
	}
	goto out;
fail:
	r = explain(g, e);
out:
	if (icc != NULL)
		krb5_init_creds_free(g->k, icc);
	if (kt != NULL)
		krb5_kt_close(g->k, kt);
	if (opt != NULL)
		krb5_get_init_creds_opt_free(g->k, opt);
	return r;
}

/* A kept TGT, renewed when half of its life is over. */
static int
use_tgt(struct getting *g, krb5_creds *tgt)
{
	krb5_data in = { 0, (unsigned)g->r->tgtlen, NULL };
	krb5_creds *kept = NULL, renewed;
	krb5_error_code e;
	int64_t now = clock_real(), start, end;
	int r = 0;

	memcpy(&in.data, &g->r->tgt, sizeof(in.data));
	if ((e = krb5_unmarshal_credentials(g->k, &in, &kept)) != 0)
		return explain(g, e);
	if (g->client == NULL) {
		e = krb5_copy_principal(g->k, kept->client, &g->client);
		r = e != 0 ? explain(g, e) : know_client(g);
	}
	end = time_ms(kept->times.endtime);
	start = time_ms(kept->times.starttime != 0 ? kept->times.starttime :
						     kept->times.authtime);
	if (r == 0 && end <= now)
		r = expired(g, kept->times.endtime);
	if (r == 0 && (e = memory_cache(g, kept)) != 0)
		r = explain(g, e);
	if (r != 0) {
		krb5_free_creds(g->k, kept);
		return r;
	}
	memset(&renewed, 0, sizeof(renewed));
	if ((kept->ticket_flags & TKT_FLG_RENEWABLE) &&
	    now > start + (end - start) / 2 &&
	    krb5_get_renewed_creds(g->k, &renewed, g->client, g->cc, NULL) ==
		0) {
		*tgt = renewed;
		if ((e = memory_cache(g, tgt)) != 0)
			r = explain(g, e);
	} else {
		/* Not worth failing: the old one still works. */
		*tgt = *kept;
		memset(kept, 0, sizeof(*kept));
	}
	krb5_free_creds(g->k, kept);
	return r;
}

/* The end of the TGT of g->client in g->cc, 0 if it has none. */
static krb5_timestamp
tgt_end(krb5_context k, krb5_ccache cc)
{
	krb5_timestamp end = 0;
	krb5_cc_cursor cur;
	krb5_creds c;

	if (krb5_cc_start_seq_get(k, cc, &cur) != 0)
		return 0;
	while (krb5_cc_next_cred(k, cc, &cur, &c) == 0) {
		if (!krb5_is_config_principal(k, c.server) &&
		    c.server->length == 2 &&
		    c.server->data[0].length == strlen(KRB5_TGS_NAME) &&
		    memcmp(c.server->data[0].data, KRB5_TGS_NAME,
			strlen(KRB5_TGS_NAME)) == 0 &&
		    (uint32_t)c.times.endtime > (uint32_t)end)
			end = c.times.endtime;
		krb5_free_cred_contents(k, &c);
	}
	krb5_cc_end_seq_get(k, cc, &cur);
	return end;
}

/* Open the cache that holds tickets of `client` (NULL: the default one). */
static krb5_error_code
open_cache(krb5_context k, krb5_principal client, krb5_ccache *cc)
{
	if (client != NULL)
		return krb5_cc_cache_match(k, client, cc);
	return krb5_cc_default(k, cc);
}

static int
use_cache(struct getting *g)
{
	krb5_timestamp end;
	krb5_error_code e;
	int r;

	if ((e = open_cache(g->k, g->client, &g->cc)) != 0)
		return explain(g, e);
	if (g->client == NULL) {
		if ((e = krb5_cc_get_principal(g->k, g->cc, &g->client)) != 0)
			return explain(g, e);
		if ((r = know_client(g)) != 0)
			return r;
	}
	if ((end = tgt_end(g->k, g->cc)) != 0 && time_ms(end) <= clock_real())
		return expired(g, end);
	return 0;
}

static krb5_error_code
marshal(krb5_context k, krb5_creds *c, struct buf *out)
{
	krb5_error_code e;
	krb5_data *d;

	if ((e = krb5_marshal_credentials(k, c, &d)) != 0)
		return e;
	buf_put(out, d->data, d->length);
	explicit_bzero(d->data, d->length);
	krb5_free_data(k, d);
	return buf_error(out) != 0 ? ENOMEM : 0;
}

static int
get_service(struct getting *g, struct ticket *t)
{
	krb5_creds want, *got = NULL;
	krb5_error_code e;
	char name[512];
	int r = 0;

	memset(&want, 0, sizeof(want));
	want.client = g->client;
	snprintf(name, sizeof(name), "%s%s%s", g->r->service,
	    strchr(g->r->service, '@') == NULL ? "@" : "",
	    strchr(g->r->service, '@') == NULL ? g->realm : "");
	if ((e = krb5_parse_name(g->k, name, &want.server)) == 0)
		e = krb5_get_credentials(g->k, 0, g->cc, &want, &got);
	krb5_free_principal(g->k, want.server);
	if (e != 0)
		return explain(g, e);
	t->until = time_ms(got->times.endtime);
	if (t->until <= clock_real())
		r = expired(g, got->times.endtime);
	else if ((e = marshal(g->k, got, &t->service)) != 0)
		r = explain(g, e);
	krb5_free_creds(g->k, got);
	return r;
}

int
ticket_get(const struct ticket_request *req, struct ticket *t, char *why,
    size_t whylen)
{
	struct getting g = { .r = req, .why = why, .whylen = whylen };
	struct ticket out = { .tgt = BUF_INIT, .service = BUF_INIT };
	krb5_error_code e;
	krb5_creds tgt;
	int r;

	memset(&tgt, 0, sizeof(tgt));
	if (whylen > 0)
		why[0] = '\0';
	if (req->realm != NULL)
		text_copy(g.realm, req->realm, sizeof(g.realm));
	if ((e = krb5_init_context(&g.k)) != 0) {
		snprintf(why, whylen, "krb5.conf cannot be read (error %ld)",
		    (long)e);
		return SEC_ERR_CONFIG;
	}
	r = parse_client(&g);
	if (r == 0 && g.client == NULL &&
	    (req->source == TICKET_PASSWORD || req->source == TICKET_KEYTAB)) {
		snprintf(why, whylen, "no user named");
		r = SEC_ERR_USAGE;
	}
	if (r == 0)
		switch (req->source) {
		case TICKET_CCACHE: r = use_cache(&g); break;
		case TICKET_PASSWORD:
		case TICKET_KEYTAB: r = get_tgt(&g, &tgt); break;
		case TICKET_TGT: r = use_tgt(&g, &tgt); break;
		}
	if (r == 0)
		r = get_service(&g, &out);
	if (r == 0 && (tgt.ticket_flags & TKT_FLG_RENEWABLE)) {
		out.renew_till = time_ms(tgt.times.renew_till);
		if ((e = marshal(g.k, &tgt, &out.tgt)) != 0)
			r = explain(&g, e);
	}
	if (r == 0) {
		text_copy(out.principal, g.name, sizeof(out.principal));
		text_copy(out.kdcs, g.kdcs, sizeof(out.kdcs));
		out.ahead = g.ahead;
		*t = out;
	} else
		ticket_free(&out);
	krb5_free_cred_contents(g.k, &tgt);
	krb5_free_principal(g.k, g.client);
	if (g.cc != NULL && g.cc_ours)
		krb5_cc_destroy(g.k, g.cc);
	else if (g.cc != NULL)
		krb5_cc_close(g.k, g.cc);
	krb5_free_context(g.k);
	return r;
}

void
ticket_free(struct ticket *t)
{
	if (t == NULL)
		return;
	buf_free(&t->tgt);
	buf_free(&t->service);
}

int
ticket_cached(const char *principal, char *found)
{
	krb5_principal client = NULL, owner = NULL;
	krb5_ccache cc = NULL;
	krb5_timestamp end;
	krb5_context k;
	char *name;
	int r = SEC_ERR_NOTHING;

	found[0] = '\0';
	if (krb5_init_context(&k) != 0)
		return SEC_ERR_NOTHING;
	if ((principal != NULL &&
		krb5_parse_name(k, principal, &client) != 0) ||
	    open_cache(k, client, &cc) != 0 ||
	    krb5_cc_get_principal(k, cc, &owner) != 0 ||
	    krb5_unparse_name(k, owner, &name) != 0)
		goto out;
	text_copy(found, name, 256);
	krb5_free_unparsed_name(k, name);
	if ((end = tgt_end(k, cc)) != 0)
		r = time_ms(end) > clock_real() ? 0 : SEC_ERR_TICKET;
out:
	krb5_free_principal(k, client);
	krb5_free_principal(k, owner);
	if (cc != NULL)
		krb5_cc_close(k, cc);
	krb5_free_context(k);
	return r;
}

/* --- the AP exchange --- */

struct apreq {
	krb5_context k;
	krb5_auth_context ac;
};

int
apreq_new(struct apreq **out, const void *service, size_t n, struct buf *to,
    struct secret **prf_out)
{
	krb5_data in = { 0, (unsigned)n, NULL }, none = { 0, 0, NULL };
	krb5_data msg = { 0, 0, NULL };
	krb5_creds *creds = NULL;
	krb5_keyblock *key = NULL;
	struct apreq *a;
	int r = SEC_ERR_TICKET;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return SEC_ERR_SYS;
	memcpy(&in.data, &service, sizeof(in.data));
	if (krb5_init_context(&a->k) != 0 ||
	    krb5_unmarshal_credentials(a->k, &in, &creds) != 0 ||
	    time_ms(creds->times.endtime) <= clock_real() ||
	    krb5_auth_con_init(a->k, &a->ac) != 0 ||
	    krb5_mk_req_extended(a->k, &a->ac,
		AP_OPTS_MUTUAL_REQUIRED | AP_OPTS_USE_SUBKEY, &none, creds,
		&msg) != 0)
		goto out;
	/*
	 * The initiator's subkey must be taken before krb5_rd_rep(): after
	 * it both getters give the acceptor's (SECURITY.md 3.4).
	 */
	if (krb5_auth_con_getsendsubkey(a->k, a->ac, &key) != 0 || key == NULL)
		goto out;
	if ((r = prf_of(a->k, key, PRF_C2S, prf_out)) != 0)
		goto out;
	buf_put(to, msg.data, msg.length);
	if ((r = buf_error(to)) != 0) {
		secret_free(*prf_out);
		*prf_out = NULL;
	}
out:
	krb5_free_keyblock(a->k, key);
	krb5_free_data_contents(a->k, &msg);
	krb5_free_creds(a->k, creds);
	if (r != 0)
		apreq_free(a);
	else
		*out = a;
	return r;
}

int
apreq_finish(struct apreq *a, const void *aprep, size_t n,
    struct secret **prf_out)
{
	krb5_data in = { 0, (unsigned)n, NULL };
	krb5_ap_rep_enc_part *part = NULL;
	krb5_keyblock *key = NULL;
	int r = SEC_ERR_AUTH;

	memcpy(&in.data, &aprep, sizeof(in.data));
	if (krb5_rd_rep(a->k, a->ac, &in, &part) != 0)
		return SEC_ERR_AUTH;
	/* Without a subkey of its own the answer would be the echo of ours. */
	if (part->subkey != NULL &&
	    krb5_auth_con_getrecvsubkey(a->k, a->ac, &key) == 0 && key != NULL)
		r = prf_of(a->k, key, PRF_S2C, prf_out);
	krb5_free_keyblock(a->k, key);
	krb5_free_ap_rep_enc_part(a->k, part);
	return r;
}

void
apreq_free(struct apreq *a)
{
	if (a == NULL)
		return;
	if (a->ac != NULL)
		krb5_auth_con_free(a->k, a->ac);
	if (a->k != NULL)
		krb5_free_context(a->k);
	free(a);
}
