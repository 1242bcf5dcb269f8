/*
 * health: every daemon that `servers` names, the joint key, Kerberos, the
 * databases.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/servers.h"

#include "admin.h"
#include "parts.h"

#define CALL_MS 2000

struct daemon {
	int answers, elsewhere;
	char state[16];
	char words[512];
	char why[256];
	char key[16]; /* identifier of its joint key */
	char prog[32];
};

static struct servers servers;
static struct daemon daemons[SERVERS_MAX];

static void
take_health(void *arg, const struct line *l)
{
	struct daemon *d = arg;

	text_copy(d->state, line_get_or(l, "state", ""), sizeof(d->state));
	text_copy(d->words, line_get_or(l, "words", ""), sizeof(d->words));
}

static void
take_status(void *arg, const struct line *l)
{
	struct daemon *d = arg;

	text_copy(d->key, line_get_or(l, "key", ""), sizeof(d->key));
}

static void
ask(const struct server *s, struct daemon *d)
{
	char path[PATH_LEN], file[PATH_LEN + 16];

	if (admin_call(s->name, "health", NULL, CALL_MS, take_health, d, d->why,
		sizeof(d->why)) == 0 &&
	    admin_call(s->name, "status", NULL, CALL_MS, take_status, d, d->why,
		sizeof(d->why)) == 0) {
		d->answers = 1;
		return;
	}
	/* Whose identity is not here runs on another host. */
	snprintf(file, sizeof(file), "%s/identity", path_keys(path, s->name));
	d->elsewhere = access(file, F_OK) != 0;
}

/* What server 1 says of one on another host: that it has no link to it. */
static int
is_missed(const char *name)
{
	char text[96];
	const char *p;

	snprintf(text, sizeof(text), "no link to %s", name);
	p = strstr(daemons[0].words, text);
	return p != NULL && strchr(", ", p[strlen(text)]) != NULL;
}

static void
report_daemon(struct report *r, const struct server *s, const struct daemon *d)
{
	if (d->answers)
		report_line(r, s->name, strcmp(d->state, "ok") != 0, "%s",
		    d->words);
	else if (!d->elsewhere)
		report_line(r, s->name, 1, "%s", d->why);
	else if (!daemons[0].answers)
		report_line(r, s->name, 1, "at %s: not to be seen from here",
		    s->addr);
	else if (is_missed(s->name))
		report_line(r, s->name, 1, "at %s: no link to it", s->addr);
	else
		report_line(r, s->name, 0, "at %s: linked", s->addr);
}

static void
report_keys(struct report *r, int plain)
{
	const char *key = NULL;
	size_t i, same = 0, asked = 0;

	for (i = 0; i < servers.n; i++) {
		if (!daemons[i].answers)
			continue;
		asked++;
		if (daemons[i].key[0] == '\0')
			continue;
		if (key == NULL)
			key = daemons[i].key;
		same += strcmp(key, daemons[i].key) == 0;
	}
	if (plain)
		report_line(r, "keys", 1, "security = plain: none is used");
	else if (key == NULL)
		report_line(r, "keys", 1, "no epoch yet; sec-keygen lead");
	else
		report_line(r, "keys", same != asked,
		    "%s on %zu of %zu "
		    "servers here",
		    key, same, asked);
}

int
verb_health(struct cli *c)
{
	char path[PATH_LEN], why[512];
	struct report *r;
	struct conf conf;
	size_t i;
	int e;

	if ((e = admin_conf(c, &conf)) != 0)
		return e;
	if ((e = servers_read(&servers, path_servers(path), why,
		 sizeof(why))) != 0)
		return emit_error(cli_mode(c),
		    e == SEC_ERR_NOTHING ? e : SEC_ERR_CONFIG, "%s", why);
	for (i = 0; i < servers.n; i++)
		ask(&servers.server[i], &daemons[i]);
	r = report_new(c);
	for (i = 0; i < servers.n; i++)
		report_daemon(r, &servers.server[i], &daemons[i]);
	report_keys(r, conf.plain);
	part_kerberos(r, &conf);
	part_databases(r, 1);
	return report_end(r);
}
