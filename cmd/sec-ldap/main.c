/*
 * sec-ldap: the one door to libldap (S073). sec-pal starts it with a socket
 * as standard input, and asks in control lines, sec-ldap(8); whatever waits
 * for a directory server, a KDC or the DNS waits in here.
 */
#include <sys/prctl.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/text.h"
#include "cli/args.h"
#include "ctl/serve.h"
#include "server/person.h"

#include "find.h"
#include "names.h"

struct door {
	struct loop *loop;
	struct connection c;
};

/* --- open --- */

/* The URL without the base, for libldap, which knows no BASEDN there. */
static int
take_url(struct settings *s, const char *url)
{
	LDAPURLDesc *d;
	char *server;

	if (ldap_url_parse(url, &d) != 0)
		return SEC_ERR_CONFIG;
	text_copy(s->base, d->lud_dn != NULL ? d->lud_dn : "", sizeof(s->base));
	free(d->lud_dn);
	d->lud_dn = NULL;
	server = ldap_url_desc2str(d);
	ldap_free_urldesc(d);
	if (server == NULL)
		return SEC_ERR_CONFIG;
	text_copy(s->url, server, sizeof(s->url));
	/* "ldap://host:port/??base?..." */
	s->url[strcspn(s->url, "?")] = '\0';
	if (s->url[0] != '\0' && s->url[strlen(s->url) - 1] == '/')
		s->url[strlen(s->url) - 1] = '\0';
	ldap_memfree(server);
	return 0;
}

static void
on_open(void *ctx, struct ctl_req *r)
{
	struct door *d = ctx;
	struct settings *s = &d->c.set;
	const struct line *l = r->line;
	uint64_t bind = 0;
	const char *keytab;
	int err;

	connection_close(&d->c);
	memset(s, 0, sizeof(*s));
	(void)line_get_u64(l, "bind", &bind);
	s->bind = (enum conf_bind)bind;
	s->starttls = strcmp(line_get_or(l, "starttls", ""), "1") == 0;
	text_copy(s->ca, line_get_or(l, "ca", ""), sizeof(s->ca));
	names_show(line_get_or(l, "attributes", ""));
	text_copy(s->dn, line_get_or(l, "dn", ""), sizeof(s->dn));
	text_copy(s->password, line_get_or(l, "password", ""),
	    sizeof(s->password));
	/* Kerberos fetches a ticket with the first key of it. */
	if ((keytab = line_get(l, "keytab")) != NULL &&
	    (setenv("KRB5_CLIENT_KTNAME", keytab, 1) != 0 ||
		setenv("KRB5CCNAME", "MEMORY:sec-ldap", 1) != 0)) {
		ctl_error(r, 503, "no memory");
		return;
	}
	err = take_url(s, line_get_or(l, "url", ""));
	text_copy(s->groups, line_get_or(l, "groups", s->base),
	    sizeof(s->groups));
	if (err != 0)
		ctl_error(r, 400, "no LDAP URL");
	else
		ctl_ok(r);
}

/* --- find --- */

/* m1=ATTR:VALUE is the whole value, p1= its beginning, w1=VALUE a word. */
static int
take_term(struct dir_search *q, const struct line_field *f)
{
	struct dir_term *t = &q->term[q->n];
	const char *value = f->value, *colon;

	if (strchr("mpw", f->key[0]) == NULL || f->key[0] == '\0' ||
	    strspn(f->key + 1, "0123456789") != strlen(f->key + 1) ||
	    f->key[1] == '\0')
		return 0;
	if (q->n == DIR_TERMS)
		return SEC_ERR_LIMIT;
	memset(t, 0, sizeof(*t));
	t->prefix = f->key[0] != 'm';
	if (f->key[0] != 'w') {
		if ((colon = strchr(value, ':')) == NULL || colon == value ||
		    colon - value >= (ptrdiff_t)sizeof(t->attr))
			return SEC_ERR_FORMAT;
		memcpy(t->attr, value, (size_t)(colon - value));
		value = colon + 1;
	}
	if (text_copy(t->value, value, sizeof(t->value)) >= sizeof(t->value))
		return SEC_ERR_LIMIT;
	q->n++;
	return 0;
}

static int
take_search(struct dir_search *q, const struct line *l)
{
	size_t i;
	int r = 0;

	q->n = 0;
	for (i = 0; i < l->n && r == 0; i++)
		r = take_term(q, &l->field[i]);
	return r;
}

static void
refuse(struct door *d, struct ctl_req *r, int err)
{
	ctl_error(r, err == SEC_ERR_FORMAT ? 400 : 503,
	    d->c.why[0] != '\0' ? d->c.why : sec_strerror(err));
}

static void
on_find(void *ctx, struct ctl_req *r)
{
	static struct dir_search q;
	struct door *d = ctx;
	struct answer a;
	struct buf *b;
	size_t i;
	int err;

	if ((err = take_search(&q, r->line)) != 0) {
		ctl_error(r, 400, sec_strerror(err));
		return;
	}
	connection_begin(&d->c);
	err = find(&d->c, &q, &a);
	if (err == SEC_ERR_UNREACHABLE && connection_was_stale(&d->c)) {
		answer_free(&a);
		err = find(&d->c, &q, &a);
	}
	for (i = 0; i < a.n && err == 0; i++) {
		b = ctl_row(r);
		line_put(b, "user", a.v[i].user);
		line_put(b, "dn", a.v[i].dn);
		ctl_end(r);
	}
	answer_free(&a);
	if (err != 0)
		refuse(d, r, err);
	else
		ctl_ok(r);
}

/* --- show --- */

#define SHOWN LINE_FIELDS

struct wanted {
	struct found who[SHOWN];
	size_t n;
};

/* u1=USER d1=DN u2=...; they point into the line. */
static void
take_wanted(struct wanted *w, const struct line *l)
{
	const char *user = NULL;
	size_t i;

	memset(w, 0, sizeof(*w));
	for (i = 0; i < l->n; i++) {
		const struct line_field *f = &l->field[i];

		if (f->key[0] == 'u')
			user = f->value;
		else if (f->key[0] == 'd' && user != NULL) {
			memcpy(&w->who[w->n].user, &user, sizeof(user));
			memcpy(&w->who[w->n++].dn, &f->value, sizeof(f->value));
			user = NULL;
		}
	}
}

static void
on_person(void *arg, const struct dir_person *p)
{
	struct ctl_req *r = arg;

	person_put(ctl_row(r), p);
	ctl_end(r);
}

/* sec-pal asks for them right after it found them: the connection is new. */
static void
on_show(void *ctx, struct ctl_req *r)
{
	static struct wanted w;
	struct door *d = ctx;
	struct show s = { w.who, 0, on_person, r };
	int err;

	take_wanted(&w, r->line);
	s.n = w.n;
	connection_begin(&d->c);
	if ((err = show(&d->c, &s)) != 0)
		refuse(d, r, err);
	else
		ctl_ok(r);
}

static void
on_ping(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	ctl_ok(r);
}

static const struct ctl_verb verbs[] = {
	{ "open", CTL_SAME, on_open },
	{ "find", CTL_SAME, on_find },
	{ "show", CTL_SAME, on_show },
	{ "ping", CTL_SAME, on_ping },
	{ NULL, 0, NULL },
};

static void
on_gone(void *ctx, uint64_t peer)
{
	struct door *d = ctx;

	(void)peer;
	loop_stop(d->loop, 0);
}

static int
run(struct cli *c)
{
	struct door d;
	struct ctl *ctl;
	int code;

	if (sock_kind(STDIN_FILENO) != SOCK_KIND_CONNECTED)
		return cli_usage(c, "it is sec-pal serve that starts this");
	proc_harden();
	/* Also while it waits for a server, and does not see the end. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What sec.conf says, and no ldap.conf or ~/.ldaprc. */
	(void)setenv("LDAPNOINIT", "1", 1);
	memset(&d, 0, sizeof(d));
	d.loop = loop_new();
	ctl = ctl_new(d.loop);
	ctl_add_verbs(ctl, verbs, &d);
	ctl_on_gone(ctl, on_gone, &d);
	(void)sock_set_nonblock(STDIN_FILENO, 1);
	(void)ctl_peer_unix(ctl, STDIN_FILENO);
	code = loop_run(d.loop);
	connection_close(&d.c);
	ctl_free(ctl);
	loop_free(d.loop);
	return code;
}

static const struct cli_verb cli_verbs[] = {
	{ "", "", "answer control lines on standard input, a socket", "", 0, 0,
	    run },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const char *const examples[] = { NULL };

static const struct cli_prog prog = {
	.name = "sec-ldap",
	.about = "sec-pal's door to an LDAP directory",
	.examples = examples,
	.verbs = cli_verbs,
};

int
main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
