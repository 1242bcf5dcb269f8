/*
 * check: what serve --check would say, of everything on this host at once,
 * without starting anything.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "base/text.h"
#include "ctl/epochs.h"
#include "wire/rule.h"
#include "wire/servers.h"
#include "wire/types.h"

#include "admin.h"
#include "parts.h"

static struct servers servers;

static void
check_keys(struct report *r, const struct server *s)
{
	struct epochs *e = NULL;
	char path[PATH_LEN], id[10], name[80], why[512];
	uint32_t n;

	if (access(path_keys(path, s->name), F_OK) != 0 && errno == ENOENT)
		return; /* of another host */
	snprintf(name, sizeof(name), "keys/%s", s->name);
	if (epochs_open(&e, s->name, why, sizeof(why)) != 0) {
		report_line(r, name, 1, "%s", why);
		return;
	}
	n = epochs_current(e, clock_real());
	if (epochs_check_line(e, s, why, sizeof(why)) != 0)
		report_line(r, name, 1, "%s", why);
	else if (n == 0 || epochs_id(e, n, id) != 0)
		report_line(r, name, 1, "no epoch yet; sec-keygen lead");
	else
		report_line(r, name, 0, "epoch %u  %s", n, id);
	epochs_close(e);
}

/* The PAL manager's files, which need not be there. */
static void
check_types(struct report *r)
{
	static struct types types;
	char path[PATH_LEN], why[512];
	int e = types_read(&types, path_types(path), why, sizeof(why));

	if (e == 0)
		report_line(r, "types", 0, "%zu type%s of things", types.n,
		    text_plural(types.n));
	else if (e != SEC_ERR_NOTHING)
		report_line(r, "types", 1, "%s", why);
}

static void
check_rules(struct report *r)
{
	struct rules rules = { 0 };
	char path[PATH_LEN], why[512];
	int e = rules_read(&rules, path_rules(path), why, sizeof(why));

	if (e == 0)
		report_line(r, "rules", 0, "%zu rule%s", rules.n,
		    text_plural(rules.n));
	else if (e != SEC_ERR_NOTHING)
		report_line(r, "rules", 1, "%s", why);
	rules_free(&rules);
}

/* Of another host, if it names a file that is not there. */
static void
check_directory(struct report *r, const struct conf *conf)
{
	char why[PATH_LEN + 128], path[PATH_LEN];
	int e = 0;

	if (conf->directory[0] == '\0')
		return;
	if (conf->directory_bind == CONF_SIMPLE)
		e = proc_is_private(conf->directory_password, why, sizeof(why));
	if (e != 0 && e != SEC_ERR_NOTHING)
		report_line(r, "directory", 1, "%s", why);
	else if (spawn_find_own("sec-ldap", path) == NULL)
		report_line(r, "directory", 1, "there is no sec-ldap");
	else
		report_line(r, "directory", 0, "%s", conf->directory);
}

int
verb_check(struct cli *c)
{
	char path[PATH_LEN], why[512];
	struct report *r;
	struct conf conf;
	size_t i;
	int e;

	if ((e = admin_conf(c, &conf)) != 0)
		return e;
	e = servers_read(&servers, path_servers(path), why, sizeof(why));
	if (e != 0 && e != SEC_ERR_NOTHING)
		return emit_error(cli_mode(c), SEC_ERR_CONFIG, "%s", why);
	r = report_new(c);
	report_line(r, "config", 0, "domain %s  realm %s", conf.domain,
	    conf.realm);
	if (e != 0)
		report_line(r, "servers", 1,
		    "there is no %s; sec-keygen init "
		    "... | sec-keygen add",
		    path);
	else
		report_line(r, "servers", 0, "%zu server%s", servers.n,
		    text_plural(servers.n));
	for (i = 0; e == 0 && i < servers.n; i++)
		check_keys(r, &servers.server[i]);
	check_types(r);
	check_rules(r);
	check_directory(r, &conf);
	part_keytab(r, &conf);
	part_databases(r, 0);
	return report_end(r);
}
