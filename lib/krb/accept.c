/*
 * The PAL manager's side of Kerberos: a keytab copied into memory, the
 * library's replay cache in a file of our own, and a fresh subkey in every
 * answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>

#include "base/err.h"
#include "base/text.h"
#include "krb/accept.h"
#include "krb/prf.h"

struct acceptor {
	krb5_context k;
	krb5_principal server;
	krb5_keytab kt; /* MEMORY: */
	unsigned generation;
	int kvno;
	char name[300]; /* of the principal */
	char file[512]; /* keytab on disk */
};

struct accepted {
	krb5_context k;
	krb5_auth_context ac;
	char principal[256];
	int64_t until;
};

/* Copy our keys into a new MEMORY: keytab. */
static int
load_keys(struct acceptor *a, krb5_keytab *out, char *why, size_t whylen)
{
	krb5_keytab from = NULL, to = NULL;
	krb5_keytab_entry entry;
	krb5_kt_cursor cur;
	krb5_error_code e;
	const char *text;
	char name[64];
	int n = 0, kvno = 0;

	snprintf(name, sizeof(name), "MEMORY:sec-%p-%u", (void *)a,
	    ++a->generation);
	if ((e = krb5_kt_resolve(a->k, a->file, &from)) != 0 ||
	    (e = krb5_kt_resolve(a->k, name, &to)) != 0 ||
	    (e = krb5_kt_start_seq_get(a->k, from, &cur)) != 0)
		goto fail;
	while ((e = krb5_kt_next_entry(a->k, from, &entry, &cur)) == 0) {
		if (krb5_principal_compare(a->k, entry.principal, a->server) &&
		    krb5_kt_add_entry(a->k, to, &entry) == 0) {
			n++;
			if ((int)entry.vno > kvno)
				kvno = (int)entry.vno;
		}
		krb5_free_keytab_entry_contents(a->k, &entry);
	}
	krb5_kt_end_seq_get(a->k, from, &cur);
	if (e != KRB5_KT_END)
		goto fail;
	if (n == 0) {
		snprintf(why, whylen,
		    "no key for %s in %s; make one: kadmin "
		    "ktadd -k %s %s",
		    a->name, a->file, a->file, a->name);
		krb5_kt_close(a->k, from);
		krb5_kt_close(a->k, to);
		return SEC_ERR_NOTHING;
	}
	krb5_kt_close(a->k, from);
	a->kvno = kvno;
	*out = to;
	return 0;
fail:
	text = krb5_get_error_message(a->k, e);
	snprintf(why, whylen, "keytab %s: %s", a->file, text);
	krb5_free_error_message(a->k, text);
	if (from != NULL)
		krb5_kt_close(a->k, from);
	if (to != NULL)
		krb5_kt_close(a->k, to);
	return SEC_ERR_NOTHING;
}

int
acceptor_open(struct acceptor **out, const char *principal, const char *keytab,
    const char *rcache, char *why, size_t whylen)
{
	struct acceptor *a;
	krb5_error_code e;
	char name[600];
	char *s;
	int r;

	/*
	 * There is no call that names a replay cache. The default one lies in
	 * /var/tmp, which systemd's PrivateTmp empties at each restart.
	 */
	snprintf(name, sizeof(name), "file2:%s", rcache);
	if (setenv("KRB5RCACHENAME", name, 1) != 0 ||
	    (a = calloc(1, sizeof(*a))) == NULL) {
		snprintf(why, whylen, "out of memory");
		return SEC_ERR_SYS;
	}
	text_copy(a->file, keytab, sizeof(a->file));
	if ((e = krb5_init_context(&a->k)) != 0) {
		snprintf(why, whylen, "krb5.conf cannot be read (error %ld)",
		    (long)e);
		free(a);
		return SEC_ERR_SYS;
	}
	if (krb5_parse_name(a->k, principal, &a->server) != 0 ||
	    krb5_unparse_name(a->k, a->server, &s) != 0) {
		snprintf(why, whylen, "bad principal %s", principal);
		acceptor_close(a);
		return SEC_ERR_SYS;
	}
	text_copy(a->name, s, sizeof(a->name));
	krb5_free_unparsed_name(a->k, s);
	if ((r = load_keys(a, &a->kt, why, whylen)) != 0) {
		acceptor_close(a);
		return r;
	}
	*out = a;
	return 0;
}

int
acceptor_reload(struct acceptor *a, char *why, size_t whylen)
{
	krb5_keytab kt;
	int r;

	if ((r = load_keys(a, &kt, why, whylen)) != 0)
		return r;
	krb5_kt_close(a->k, a->kt);
	a->kt = kt;
	return 0;
}

int
acceptor_kvno(const struct acceptor *a)
{
	return a->kvno;
}

void
acceptor_close(struct acceptor *a)
{
	if (a == NULL)
		return;
	if (a->kt != NULL)
		krb5_kt_close(a->k, a->kt);
	krb5_free_principal(a->k, a->server);
	krb5_free_context(a->k);
	free(a);
}

static int
refused(krb5_error_code e)
{
	switch (e) {
	case KRB5KRB_AP_ERR_REPEAT: return SEC_ERR_REPLAY;
	case KRB5KRB_AP_ERR_SKEW: return SEC_ERR_CLOCK;
	case KRB5KRB_AP_ERR_TKT_EXPIRED:
	case KRB5KRB_AP_ERR_TKT_NYV: return SEC_ERR_TICKET;
	default:
		/* A replay cache that cannot be written refuses everybody. */
		return e > 0 && e < 256 ? SEC_ERR_DISK : SEC_ERR_AUTH;
	}
}

int
accept_apreq(struct acceptor *a, const void *apreq, size_t n,
    struct accepted **out, struct secret **prf_out)
{
	krb5_data in = { 0, (unsigned)n, NULL };
	krb5_keyblock *key = NULL;
	krb5_ticket *ticket = NULL;
	krb5_flags opts = 0;
	krb5_error_code e;
	struct accepted *c;
	char *name;
	int r = SEC_ERR_AUTH, cut;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return SEC_ERR_SYS;
	c->k = a->k;
	memcpy(&in.data, &apreq, sizeof(in.data));
	/*
	 * The flags stay as they come: without KRB5_AUTH_CONTEXT_DO_TIME,
	 * which is the default, the replay cache would not be asked.
	 */
	if (krb5_auth_con_init(c->k, &c->ac) != 0)
		goto out;
	e = krb5_rd_req(c->k, &c->ac, &in, a->server, a->kt, &opts, &ticket);
	if (e != 0) {
		r = refused(e);
		goto out;
	}
	if ((opts & AP_OPTS_MUTUAL_REQUIRED) == 0 ||
	    krb5_auth_con_getrecvsubkey(c->k, c->ac, &key) != 0 ||
	    key == NULL ||
	    krb5_unparse_name(c->k, ticket->enc_part2->client, &name) != 0)
		goto out;
	cut = text_copy(c->principal, name, sizeof(c->principal)) >=
	    sizeof(c->principal);
	krb5_free_unparsed_name(c->k, name);
	/* The beginning of a name is somebody else's. */
	if (cut)
		goto out;
	c->until = (int64_t)(uint32_t)ticket->enc_part2->times.endtime * 1000;
	r = prf_of(c->k, key, PRF_C2S, prf_out);
out:
	krb5_free_keyblock(a->k, key);
	krb5_free_ticket(a->k, ticket);
	if (r != 0)
		accepted_free(c);
	else
		*out = c;
	return r;
}

const char *
accepted_principal(const struct accepted *c)
{
	return c->principal;
}

int64_t
accepted_until(const struct accepted *c)
{
	return c->until;
}

int
accepted_reply(struct accepted *c, struct buf *aprep, struct secret **prf_out)
{
	krb5_data msg = { 0, 0, NULL };
	krb5_keyblock *key = NULL;
	krb5_int32 flags;
	int r = SEC_ERR_AUTH;

	/*
	 * Only with this flag, and only when set after krb5_rd_req(), is there
	 * a fresh subkey; else the initiator's is echoed and a replayed answer
	 * would bring its keys back (SECURITY.md 3.4).
	 */
	if (krb5_auth_con_getflags(c->k, c->ac, &flags) != 0 ||
	    krb5_auth_con_setflags(c->k, c->ac,
		flags | KRB5_AUTH_CONTEXT_USE_SUBKEY) != 0 ||
	    krb5_mk_rep(c->k, c->ac, &msg) != 0)
		return SEC_ERR_AUTH;
	if (krb5_auth_con_getsendsubkey(c->k, c->ac, &key) == 0 && key != NULL)
		r = prf_of(c->k, key, PRF_S2C, prf_out);
	if (r == 0) {
		buf_put(aprep, msg.data, msg.length);
		if ((r = buf_error(aprep)) != 0) {
			secret_free(*prf_out);
			*prf_out = NULL;
		}
	}
	krb5_free_keyblock(c->k, key);
	krb5_free_data_contents(c->k, &msg);
	return r;
}

void
accepted_free(struct accepted *c)
{
	if (c == NULL)
		return;
	if (c->ac != NULL)
		krb5_auth_con_free(c->k, c->ac);
	free(c);
}
