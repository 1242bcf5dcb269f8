/*
 * init: makes what is missing on this host, looks at what is there, says
 * what remains to be done. Nothing that exists is changed.
 */
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "db/db.h"

#include "admin.h"
#include "parts.h"

/* --- the parts --- */

static int
init_config(struct cli *c, struct report *r, const char *domain,
    struct conf *conf)
{
	char path[PATH_LEN], dir[PATH_LEN], why[512];
	const char *file = cli_value(c, "config");
	struct buf b = BUF_INIT;
	int e, made = 0;

	text_copy(path, file != NULL ? file : path_config(dir), sizeof(path));
	if (access(path, F_OK) != 0) {
		text_copy(dir, path, sizeof(dir));
		if (strrchr(dir, '/') != NULL)
			*strrchr(dir, '/') = '\0';
		buf_putf(&b,
		    "# Made by sec-admin init; see sec.conf(5).\n"
		    "domain = %s\n",
		    domain);
		if ((strrchr(path, '/') != NULL &&
			proc_mkdirs(dir, 0755) != 0) ||
		    proc_write_file(path, buf_data(&b), buf_len(&b), 0644) !=
			0) {
			buf_free(&b);
			return emit_error(cli_mode(c), SEC_ERR_DISK, "%s: %s",
			    path, strerror(errno));
		}
		(void)chmod(path, 0644);
		buf_free(&b);
		made = 1;
	}
	if ((e = conf_load(conf, file, why, sizeof(why))) != 0)
		return emit_error(cli_mode(c), e, "%s", why);
	if (strcmp(conf->domain, domain) != 0)
		return emit_error(cli_mode(c), SEC_ERR_CONFIG,
		    "%s says domain = %s; it is not rewritten", path,
		    conf->domain);
	report_line(r, "config", 0, "%s%s", path, made ? "  made" : "");
	return 0;
}

static void
init_users(struct report *r)
{
	static const char *const users[] = { "sec-confctl", "sec-pal",
		"sec-mtcu" };
	static const char *const groups[] = { "sec", "sec-run" };
	char missing[512] = "";
	size_t i, n = 0;

	if (!place_is_system())
		return;
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (getgrnam(groups[i]) == NULL)
			n += (size_t)snprintf(missing + n, sizeof(missing) - n,
			    "; addgroup --system %s", groups[i]);
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (getpwnam(users[i]) == NULL)
			n += (size_t)snprintf(missing + n, sizeof(missing) - n,
			    "; adduser --system --no-create-home %s", users[i]);
	if (n > 0)
		report_line(r, "users", 1, "missing: %s", missing + 2);
	else
		report_line(r, "users", 0, "users and groups are there");
}

/* The directory that holds path. */
static const char *
parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash != NULL && slash != path)
		*slash = '\0';
	return path;
}

static int
init_directories(struct cli *c, struct report *r)
{
	char state[PATH_LEN], keys[PATH_LEN], run[PATH_LEN];

	(void)parent(path_db(state, "x"));
	(void)parent(path_keys(keys, "x"));
	(void)parent(path_run(run, "x"));
	if (proc_mkdirs(state, 02771) != 0 || proc_mkdirs(keys, 0711) != 0)
		return emit_error(cli_mode(c), SEC_ERR_DISK, "%s: %s", state,
		    strerror(errno));
	if (place_is_system()) {
		place_give(state, "root", "sec", 02771);
		place_give(keys, "root", "sec", 0711);
		place_give(run, "root", "sec-run", 01775);
	}
	report_line(r, "state", 0, "%s", state);
	return 0;
}

static int
init_databases(struct cli *c)
{
	char path[PATH_LEN], why[PATH_LEN + 256];
	struct db *d;
	size_t i;
	int e;

	for (i = 0; i < PLACE_DBS; i++) {
		/* Its daemon may have it open: only look, then. */
		e = db_open(&d, place_dbs[i].name, DB_READER, why, sizeof(why));
		if (e == SEC_ERR_NOTHING) {
			e = db_open(&d, place_dbs[i].name, DB_WRITER, why,
			    sizeof(why));
			if (e == 0)
				place_give(path_db(path, place_dbs[i].name),
				    place_dbs[i].user, "sec", 0660);
		}
		if (e != 0)
			return emit_error(cli_mode(c), e, "%s", why);
		db_close(d);
	}
	return 0;
}

static int
is_domain(const char *s)
{
	size_t i, n = strlen(s);

	for (i = 0; i < n; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    (strchr(".-", s[i]) == NULL || i == 0 || i == n - 1))
			return 0;
	return n > 0 && n < 200;
}

int
verb_init(struct cli *c)
{
	const char *domain = cli_argv(c)[0];
	char path[PATH_LEN];
	struct report *r;
	struct conf conf;
	int e;

	if (!is_domain(domain))
		return cli_usage(c, "%s: not a domain in lower case", domain);
	r = report_new(c);
	if ((e = init_config(c, r, domain, &conf)) != 0 ||
	    (e = init_directories(c, r)) != 0 || (e = init_databases(c)) != 0) {
		(void)report_end(r);
		return e;
	}
	part_databases(r, 0);
	init_users(r);
	if (access(path_servers(path), F_OK) != 0)
		report_line(r, "servers", 1,
		    "there is no %s; sec-keygen init "
		    "NAME ROLE ADDR | sec-keygen add",
		    path);
	else
		report_line(r, "servers", 0, "%s", path);
	part_keytab(r, &conf);
	/* A WARN says what is left for people to do: that is no failure. */
	(void)report_end(r);
	return 0;
}
