/*
 * One connection to one LDAP server: TCP or a local socket, TLS, bind
 * (S073). libldap waits inside these calls; each is given what is left of
 * the request's time.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sasl/sasl.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"

#include "connection.h"

#define PAGE	     500 /* entries asked for at once */
#define PASSWORD_MAX 1024
#define DEAD_MS	     1000
#define SYSTEM_CA    "/etc/ssl/certs/ca-certificates.crt"

__attribute__((format(printf, 3, 4))) static int
fail(struct connection *c, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return err;
}

static int
has_tls(const struct settings *set)
{
	return set->starttls || strncmp(set->url, "ldaps:", 6) == 0;
}

/* A server that takes all of the time there is takes that of all requests
 * which wait behind this one. */
static void
mark_dead(struct connection *c)
{
	if (clock_mono() < c->deadline - DEAD_MS)
		return;
	c->dead = clock_mono();
	text_copy(c->dead_why, c->why, sizeof(c->dead_why));
}

/* In LDAP's words, with what the TLS or SASL library adds to them: GnuTLS
 * knows none for a certificate that libldap itself has refused. */
static int
fail_ldap(struct connection *c, const char *what, int rc)
{
	char *more = NULL;
	const char *s;

	(void)ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	s = more != NULL ? more : "";
	if (has_tls(&c->set) && strstr(s, "unknown error code") != NULL)
		s = "its certificate is not of our CA, or not for its name";
	(void)fail(c, 0, "the LDAP server %s: %s: %s%s%s%s", c->set.url, what,
	    ldap_err2string(rc), *s != '\0' ? " (" : "", s,
	    *s != '\0' ? ")" : "");
	ldap_memfree(more);
	connection_close(c);
	mark_dead(c);
	return SEC_ERR_UNREACHABLE;
}

void
connection_begin(struct connection *c)
{
	c->deadline = clock_mono() + CONNECTION_MS;
	c->why[0] = '\0';
	c->kept = c->ld != NULL;
}

int
connection_was_stale(struct connection *c)
{
	int stale = c->kept && c->ld == NULL && clock_mono() < c->deadline;

	c->kept = 0;
	return stale;
}

static struct timeval
left(const struct connection *c)
{
	int64_t ms = c->deadline - clock_mono();

	/* Nothing at all would mean for ever. */
	if (ms < 1)
		ms = 1;
	return (struct timeval) { ms / 1000, ms % 1000 * 1000 };
}

static void
limit_time(struct connection *c)
{
	struct timeval tv = left(c);

	(void)ldap_set_option(c->ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
	(void)ldap_set_option(c->ld, LDAP_OPT_TIMEOUT, &tv);
}

static int
set_tls(LDAP *ld, const struct settings *set)
{
	const char *ca = set->ca[0] != '\0' ? set->ca : SYSTEM_CA;
	int demand = LDAP_OPT_X_TLS_DEMAND, client = 0, rc;
	int tls12 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;

	rc = ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca);
	if (rc == 0)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
	if (rc == 0)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls12);
	if (rc == 0)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
	return rc;
}

static int
set_options(LDAP *ld, const struct settings *set)
{
	/* Kerberos signs and seals what TLS does not. */
	const char *props = has_tls(set) ? "maxssf=0" : "minssf=56";
	int version = LDAP_VERSION3, rc;

	(void)ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	(void)ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	/* The server's name is the one in sec.conf, not DNS's. */
	(void)ldap_set_option(ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON);
	rc = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (rc == 0)
		rc = ldap_set_option(ld, LDAP_OPT_X_SASL_SECPROPS, props);
	if (rc == 0 && has_tls(set))
		rc = set_tls(ld, set);
	return rc;
}

/* GSSAPI asks whom to act for: nobody else. */
static int
on_interact(LDAP *ld, unsigned flags, void *defaults, void *in)
{
	sasl_interact_t *q = in;

	(void)ld;
	(void)flags;
	(void)defaults;
	for (; q->id != SASL_CB_LIST_END; q++) {
		q->result = "";
		q->len = 0;
	}
	return LDAP_SUCCESS;
}

static int
bind_simple(struct connection *c)
{
	const char *path = c->set.password;
	struct berval cred;
	char *text;
	size_t n;
	int r;

	if ((r = proc_is_private(path, c->why, sizeof(c->why))) != 0)
		return r;
	if ((r = proc_read_file(path, PASSWORD_MAX, &text, &n)) != 0)
		return fail(c, r, "%s: %s", path, sec_strerror(r));
	cred.bv_val = text;
	cred.bv_len = strcspn(text, "\r\n");
	/* Without a password it would be an anonymous bind that succeeds. */
	if (cred.bv_len == 0)
		r = fail(c, SEC_ERR_CONFIG, "%s: no password in it", path);
	else if ((r = ldap_sasl_bind_s(c->ld, c->set.dn, LDAP_SASL_SIMPLE,
		      &cred, NULL, NULL, NULL)) != 0)
		r = fail_ldap(c, "bind", r);
	explicit_bzero(text, n);
	free(text);
	return r;
}

static int
bind_to(struct connection *c)
{
	struct berval none = { 0, NULL };
	int rc;

	limit_time(c);
	if (c->set.bind == CONF_SIMPLE)
		return bind_simple(c);
	if (c->set.bind == CONF_GSSAPI)
		rc = ldap_sasl_interactive_bind_s(c->ld, NULL, "GSSAPI", NULL,
		    NULL, LDAP_SASL_QUIET, on_interact, NULL);
	else
		rc = ldap_sasl_bind_s(c->ld, NULL, LDAP_SASL_SIMPLE, &none,
		    NULL, NULL, NULL);
	return rc != 0 ? fail_ldap(c, "bind", rc) : 0;
}

static int
connection_open(struct connection *c)
{
	int rc;

	if (c->ld != NULL)
		return 0;
	if (c->dead != 0 && clock_mono() - c->dead < DEAD_MS)
		return fail(c, SEC_ERR_UNREACHABLE, "%s", c->dead_why);
	if ((rc = ldap_initialize(&c->ld, c->set.url)) != 0) {
		c->ld = NULL;
		return fail(c, SEC_ERR_CONFIG, "%s: %s", c->set.url,
		    ldap_err2string(rc));
	}
	if ((rc = set_options(c->ld, &c->set)) != 0)
		return fail_ldap(c, "options", rc);
	limit_time(c);
	if (c->set.starttls && (rc = ldap_start_tls_s(c->ld, NULL, NULL)) != 0)
		return fail_ldap(c, "StartTLS", rc);
	if ((rc = bind_to(c)) != 0)
		connection_close(c);
	return rc;
}

int
connection_search(struct connection *c, const struct query *q, int *id)
{
	LDAPControl *page = NULL, *controls[2] = { NULL, NULL };
	char **attrs;
	int rc;

	if ((rc = connection_open(c)) != 0)
		return rc;
	if (q->cookie != NULL) {
		if ((rc = ldap_create_page_control(c->ld, PAGE, q->cookie, 0,
			 &page)) != 0)
			return fail_ldap(c, "search", rc);
		controls[0] = page;
	}
	/* libldap's type lacks the const of what it does not change. */
	memcpy(&attrs, &q->attrs, sizeof(attrs));
	rc = ldap_search_ext(c->ld, q->base, q->scope, q->filter, attrs, 0,
	    controls, NULL, NULL, LDAP_NO_LIMIT, id);
	ldap_control_free(page);
	return rc != 0 ? fail_ldap(c, "search", rc) : 0;
}

/* What the server says at the end of a search. */
static int
take_result(struct connection *c, LDAPMessage *m, struct berval *cookie)
{
	LDAPControl **controls = NULL, *page;
	char *more = NULL;
	int rc, code, total;

	rc =
	    ldap_parse_result(c->ld, m, &code, NULL, &more, NULL, &controls, 0);
	if (rc != 0)
		return fail_ldap(c, "search", rc);
	if (cookie != NULL) {
		ber_memfree(cookie->bv_val);
		*cookie = (struct berval) { 0, NULL };
		page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls,
		    NULL);
		if (page != NULL)
			(void)ldap_parse_pageresponse_control(c->ld, page,
			    &total, cookie);
	}
	ldap_controls_free(controls);
	if (code == LDAP_NO_SUCH_OBJECT)
		rc = fail(c, SEC_ERR_NOTHING, "no entry %s", c->set.base);
	else if (code == LDAP_SIZELIMIT_EXCEEDED ||
	    code == LDAP_ADMINLIMIT_EXCEEDED || code == LDAP_TIMELIMIT_EXCEEDED)
		rc = fail(c, SEC_ERR_LIMIT,
		    "the LDAP server %s does not tell that many at once: ask "
		    "for fewer",
		    c->set.url);
	else if (code != LDAP_SUCCESS)
		rc = fail(c, SEC_ERR_UNREACHABLE,
		    "the LDAP server %s: search: %s%s%s", c->set.url,
		    ldap_err2string(code),
		    more != NULL && *more != '\0' ? ": " : "",
		    more != NULL ? more : "");
	ldap_memfree(more);
	return rc;
}

int
connection_wait(struct connection *c, int id, struct berval *cookie,
    LDAPMessage **out)
{
	struct timeval tv = left(c);
	LDAPMessage *m = NULL, *last, *each;
	int type, rc;

	type = ldap_result(c->ld, id, LDAP_MSG_ALL, &tv, &m);
	if (type <= 0) {
		ldap_msgfree(m);
		if (type == 0)
			return fail_ldap(c, "search", LDAP_TIMEOUT);
		(void)ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &rc);
		return fail_ldap(c, "search", rc);
	}
	last = m;
	for (each = ldap_first_message(c->ld, m); each != NULL;
	     each = ldap_next_message(c->ld, each))
		last = each;
	if ((rc = take_result(c, last, cookie)) != 0) {
		ldap_msgfree(m);
		return rc;
	}
	*out = m;
	return 0;
}

void
connection_close(struct connection *c)
{
	if (c->ld != NULL)
		(void)ldap_unbind_ext(c->ld, NULL, NULL);
	c->ld = NULL;
}
