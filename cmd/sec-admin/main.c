/*
 * sec-admin: setting up, users, and how everything feels.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "crypto/random.h"
#include "wire/servers.h"

#include "admin.h"

#define CALL_MS 10000

static const struct cli_opt options[] = {
	{ 0, "name", "TITLE", "add: the full name" },
	{ 0, "org", "ORG", "user add: his organisation" },
	{ 0, "phone", "TEL", "user add: his telephone" },
	{ 0, "mail", "MAIL", "user add: his e-mail" },
	{ 0, "group", "GROUP",
	    "user add: a group that he is in "
	    "(repeatable)" },
	{ 0, "attr", "ATTR=VALUE", "user add: anything else (repeatable)" },
	{ 0, "parent", "ORG", "org add: the organisation above it" },
	{ 0, "dry-run", NULL, "user import: only say what would be done" },
	{ 0, "principals", NULL, "user import: make principals too" },
	{ 0, "no-principal", NULL, "user: leave Kerberos alone" },
	{ 'P', "password-file", "FILE", "password from FILE, - is stdin" },
	{ 0, "before", "NAME", "rule add: before this rule, not at the end" },
	{ 0, "owner", "OWNER", "object add: who may publish, USER or group:G" },
	{ 0, "title", "TITLE", "object add, group add: what it is" },
	{ 0, "config", "FILE", "this configuration" },
	{ 0, NULL, NULL, NULL },
};

static const struct cli_verb verbs[] = {
	{ "init", "DOMAIN",
	    "directories, databases and configuration of this host; safe to "
	    "run twice",
	    "config", 1, 1, verb_init },
	{ "user",
	    "add [--name TITLE] [--org ORG] [--phone TEL] [--mail MAIL] "
	    "[--group GROUP]... [--attr ATTR=VALUE]... [--no-principal] "
	    "[-P FILE] USER | import [--dry-run] [--principals] FILE | "
	    "rm [--no-principal] USER | list | passwd [-P FILE] USER",
	    "who there is",
	    "name,org,phone,mail,group,attr,dry-run,principals,no-principal,"
	    "password-file,config",
	    1, 2, verb_user },
	{ "org", "add [--name TITLE] [--parent ORG] ORG | rm ORG | list",
	    "the organisation chart", "name,parent,config", 1, 2, verb_org },
	{ "group",
	    "add [--title TITLE] GROUP [USER ...] | rm GROUP [USER ...] | "
	    "list [GROUP]",
	    "groups of people", "title,config", 1, -1, verb_group },
	{ "rule",
	    "add [--before NAME] NAME 'allow|deny ...' | rm NAME | list | "
	    "test WHO WHOM",
	    "who may watch whom", "before", 1, -1, verb_rule },
	{ "object",
	    "add --owner OWNER [--title TITLE] TYPE:NAME | rm TYPE:NAME | "
	    "list",
	    "things that are watched", "owner,title", 1, 2, verb_object },
	{ "check", "", "configuration, servers, keys, databases", "config", 0,
	    0, verb_check },
	{ "health", "", "every daemon, keys, Kerberos, databases", "config", 0,
	    0, verb_health },
	{ "backup", "FILE",
	    "the databases, rules, types and attached files, while the "
	    "daemons run",
	    "config", 1, 1, verb_backup },
	{ "restore", "FILE",
	    "what backup wrote, in the place of what is here; no daemon may "
	    "run",
	    "config", 1, 1, verb_restore },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const char *const examples[] = {
	"sec-admin init example.org",
	"sec-admin user add bob --name 'Bob Field' --org 1256",
	"sec-admin user add -P - carol <newpw",
	"sec-admin rule add same-org 'allow org=org'",
	"sec-admin rule test alice vpfinance",
	"sec-admin object add lamp:bedroom --owner porch-pi",
	"sec-admin user import staff.csv",
	"sec-admin org add 1256 --name Research --parent R",
	"sec-admin health",
	"sec-admin backup /var/backups/sec-$(date +%F).tar",
	NULL,
};

static const struct cli_prog prog = {
	.name = "sec-admin",
	.about = "Administer the servers of this host.",
	.examples = examples,
	.opts = options,
	.verbs = verbs,
};

int
admin_conf(struct cli *c, struct conf *out)
{
	char why[512];
	int r;

	r = conf_load(out, cli_value(c, "config"), why, sizeof(why));
	if (r != 0)
		return emit_error(cli_mode(c), r, "%s", why);
	if (out->domain[0] == '\0')
		return emit_error(cli_mode(c), SEC_ERR_CONFIG,
		    "no domain is set; sec-admin init DOMAIN");
	return 0;
}

char *
admin_server(char out[65], const char *role)
{
	static struct servers all;
	const struct server *s = NULL;
	char path[PATH_LEN], why[256];

	if (servers_read(&all, path_servers(path), why, sizeof(why)) == 0)
		s = servers_by_role(&all, role, 0);
	strncpy(out, s != NULL ? s->name : role, 64);
	out[64] = '\0';
	return out;
}

int
admin_call(const char *name, const char *verb, const char *const *fields,
    int64_t ms, void (*cb)(void *arg, const struct line *l), void *arg,
    char *why, size_t whylen)
{
	struct ctl_client *c;
	char file[80], path[PATH_LEN];
	struct buf *b;
	int r;

	snprintf(file, sizeof(file), "%s.sock", name);
	if ((r = ctl_client_open(&c, path_run(path, file))) != 0) {
		snprintf(why, whylen, "%s does not answer at %s", name, path);
		return r;
	}
	b = ctl_client_begin(c, verb);
	for (; fields != NULL && fields[0] != NULL; fields += 2)
		if (fields[1] != NULL)
			line_put(b, fields[0], fields[1]);
	if ((r = ctl_client_run(c, ms, cb, arg)) != 0)
		snprintf(why, whylen, "%s: %s", name, ctl_client_why(c));
	ctl_client_close(c);
	return r;
}

int
admin_pal(const char *verb, const char *const *fields,
    void (*cb)(void *arg, const struct line *l), void *arg, char *why,
    size_t whylen)
{
	char name[65];

	return admin_call(admin_server(name, "pal"), verb, fields, CALL_MS, cb,
	    arg, why, whylen);
}

int
admin_sub(struct cli *c, const struct admin_sub *subs, const char *usage)
{
	int n = cli_argc(c) - 1;

	for (; subs->what != NULL; subs++)
		if (strcmp(cli_argv(c)[0], subs->what) == 0 && n >= subs->min &&
		    (subs->max == -1 || n <= subs->max))
			return subs->run(c, cli_argv(c) + 1);
	return cli_usage(c, "%s", usage);
}

int
main(int argc, char **argv)
{
	crypto_init();
	return cli_main(&prog, argc, argv);
}
