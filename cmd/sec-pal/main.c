/* sec-pal: presence and availability. `serve` is the PAL manager (116);
 * the other verbs are its client. */

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"

#include "chart.h"
#include "client.h"
#include "directory.h"
#include "ldap.h"
#include "object.h"
#include "pal.h"
#include "roster.h"
#include "rule.h"

static const struct sip_method methods[] = {
	{ "REGISTER", NEED_TICKET, on_register }, /* register.c */
	{ "SUBSCRIBE", NEED_SESSION, on_subscribe }, /* subscribe.c */
	{ "PUBLISH", NEED_SESSION, on_publish }, /* presence.c */
	{ "OPTIONS", NEED_SESSION, on_options },
	{ NULL, 0, NULL },
};

static int
acceptor_start(struct pal *p)
{
	char principal[600], keytab[PATH_LEN], keys[PATH_LEN];
	char rcache[PATH_LEN + 16], why[256];
	struct service *s = p->s;
	int r;

	snprintf(principal, sizeof principal, "sip/%s.%s@%s", s->self->name,
	    s->conf.domain, s->conf.realm);
	path_keytab(keytab, s->self->name);
	snprintf(rcache, sizeof rcache, "%s/rcache",
	    path_keys(keys, s->self->name));
	r = acceptor_open(&p->acceptor, principal, keytab, rcache, why,
	    sizeof why);
	if (r != 0)
		log_error("krb.open", "why=%s", log_quote(why));
	return r;
}

static int
pal_open(struct service *s)
{
	char why[PATH_LEN + 400];
	struct pal *p;
	int r;

	if ((p = calloc(1, sizeof *p)) == NULL)
		return SEC_ERR_SYS;
	p->s = s;
	s->priv = p;
	p->bindings = holders_new();
	p->subs = map_new();
	p->sub_ids = map_new();
	p->rosters = map_new();
	p->people = map_new();
	p->wants = map_new();
	ctl_add_verbs(s->ctl, user_verbs, s);
	ctl_add_verbs(s->ctl, find_verbs, s);
	ctl_add_verbs(s->ctl, chart_verbs, s);
	ctl_add_verbs(s->ctl, rule_verbs, s);
	ctl_add_verbs(s->ctl, object_verbs, s);
	if ((r = directory_open(p)) != 0 || (r = ldap_open(p)) != 0)
		return r;
	if ((r = objects_open(p, why, sizeof why)) != 0 ||
	    (r = rules_open(p, why, sizeof why)) != 0)
		die(sec_err_exit(r), "%s", why);
	if ((r = presentities_load(p)) != 0)
		return r;
	subscriptions_load(p);
	/* Plain mode works without Kerberos too. */
	if ((r = acceptor_start(p)) != 0 && !s->conf.plain)
		return r;
	return 0;
}

static void
pal_close(struct service *s)
{
	struct pal *p = s->priv;

	if (p == NULL)
		return;
	/* Who waits for it is answered. */
	ldap_close(p);
	subscriptions_free(p);
	rosters_free(p);
	bindings_free(p);
	presentities_free(p);
	rules_close(p);
	objects_close(p);
	acceptor_close(p->acceptor);
	directory_close(p);
	holders_free(p->bindings);
	map_free(p->subs);
	map_free(p->sub_ids);
	buf_free(&p->body);
	map_free(p->rosters);
	map_free(p->people);
	map_free(p->wants);
	free(p);
	s->priv = NULL;
}

/* The files `types` and `rules`, each as it was if it is bad. */
static void
files_reload(struct pal *p)
{
	static int (*const reload[])(struct pal * p, char *why, size_t n) = {
		objects_reload,
		rules_reload,
	};
	char why[PATH_LEN + 400];
	size_t i;

	p->bad_file[0] = '\0';
	for (i = 0; i < sizeof reload / sizeof reload[0]; i++) {
		if (reload[i](p, why, sizeof why) == 0)
			continue;
		log_error("reload", "name=%s reason=%s", p->s->self->name,
		    log_quote(why));
		text_copy(p->bad_file, why, sizeof p->bad_file);
	}
}

static void
pal_reload(struct service *s)
{
	struct pal *p = s->priv;
	char why[256];

	files_reload(p);
	if (p->acceptor != NULL &&
	    acceptor_reload(p->acceptor, why, sizeof why) != 0)
		log_error("krb.reload", "why=%s", log_quote(why));
	ldap_reload(p);
}

static int
pal_busy(struct service *s)
{
	struct pal *p = s->priv;

	return (int)(holders_count(p->bindings) + map_count(p->rosters));
}

static int
pal_health(struct service *s, struct buf *words)
{
	struct pal *p = s->priv;
	size_t n = holders_count(p->bindings);

	buf_putf(words, "%zu session%s, %zu subscription%s", n, text_plural(n),
	    map_count(p->subs), text_plural(map_count(p->subs)));
	if (p->bad_file[0] != '\0')
		buf_putf(words, "; as it was: %s", p->bad_file);
	return p->bad_file[0] != '\0';
}

static void
pal_link_up(struct service *s, int number, struct ctl_peer *peer)
{
	(void)peer;
	if (number == 1) {
		rosters_link_up(s->priv);
		bindings_tell_all(s->priv);
	}
}

static const struct service_def def = {
	.prog = "sec-pal",
	.role = "pal",
	.port = 7321,
	.db = "pal.db",
	.methods = methods,
	.verbs = roster_verbs, /* roster_link.c */
	.open = pal_open,
	.close = pal_close,
	.reload = pal_reload,
	.busy = pal_busy,
	.health = pal_health,
	.hello_key = binding_hello_key,
	.plain_peer = binding_plain_peer,
	.conn_up = binding_conn_up,
	.conn_down = binding_conn_down,
	.link_up = pal_link_up,
	.takes_register = 1,
};

int
main(int argc, char **argv)
{
	if (service_verb(argc, argv))
		return service_main(&def, argc, argv);
	return client_main(argc, argv);
}
