/*
 * Users: a principal of the realm, and a row that sec-pal keeps.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include "admin.h"
#include "load.h"

#define PASSWORD_MAX 1000

static struct conf conf;

/* A user is what may stand before the @ of a principal and of a URI. */
static int
is_user(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    (i == 0 || strchr("._-", s[i]) == NULL))
			return 0;
	return i > 0 && i < 64;
}

/* First line of a file or stdin; NULL after saying why. */
static struct secret *
read_password(struct cli *c, const char *file)
{
	char line[PASSWORD_MAX + 2];
	struct secret *s = NULL;
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
	size_t n;

	if (f == NULL) {
		emit_error(cli_mode(c), SEC_ERR_NOTHING, "%s: %s", file,
		    strerror(errno));
		return NULL;
	}
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	n = strcspn(line, "\r\n");
	if (n == 0 || n > PASSWORD_MAX)
		emit_error(cli_mode(c), SEC_ERR_DATA, "%s: no password there",
		    file);
	else {
		line[n] = '\0';
		s = secret_copy(line, n + 1);
	}
	explicit_bzero(line, sizeof(line));
	if (f != stdin)
		fclose(f);
	return s;
}

static struct secret *
new_password(struct cli *c, int *show)
{
	const char *file = cli_value(c, "P");

	*show = file == NULL;
	return file != NULL ? read_password(c, file) : words_password();
}

static void
show_password(struct cli *c, const char *user, const struct secret *s)
{
	char full[400];
	struct json j;

	snprintf(full, sizeof(full), "%s@%s", user, conf.realm);
	if (cli_mode(c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "user", full);
		if (s != NULL)
			json_str(&j, "password", secret_data(s));
		json_end(&j, STDOUT_FILENO);
	} else if (cli_mode(c) == EMIT_QUIET)
		emit_line("%s", user);
	else if (s != NULL)
		emit_line("%s  password: %s  (shown once; the user changes it "
			  "with kpasswd)",
		    full, (const char *)secret_data(s));
	else
		emit_line("%s", full);
}

struct found {
	const char *user;
	int known;
};

static void
look_for(void *arg, const struct line *l)
{
	struct found *f = arg;

	if (strcmp(line_get_or(l, "user", ""), f->user) == 0)
		f->known = strcmp(line_get_or(l, "known", "0"), "1") == 0;
}

/* --- what the directory knows of him --- */

/* 0, or a usage error after saying which word it is. */
static int
add_value(struct cli *c, struct dir_person *p, const char *attr,
    const char *value)
{
	int r = value != NULL ? dir_person_add(p, attr, value) : 0;

	if (r == 0)
		return 0;
	return cli_usage(c, "%.40s=%.80s: %s", attr, value,
	    r == SEC_ERR_LIMIT ? "too much" : "not allowed");
}

/* ATTR=VALUE */
static int
add_word(struct cli *c, struct dir_person *p, const char *word)
{
	char attr[DIR_ATTR];
	size_t n = strcspn(word, "=");

	if (word[n] == '\0' || n >= sizeof(attr))
		return cli_usage(c, "%.80s is not ATTR=VALUE", word);
	memcpy(attr, word, n);
	attr[n] = '\0';
	return add_value(c, p, attr, word + n + 1);
}

static int
person_of(struct cli *c, const char *user, struct dir_person *p)
{
	static const char *const attrs[] = { "name", "org", "phone", "mail" };
	const char *values[DIR_ATTRS];
	size_t i, n;
	int r = 0;

	text_copy(p->user, user, sizeof(p->user));
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]) && r == 0; i++)
		r = add_value(c, p, attrs[i], cli_value(c, attrs[i]));
	n = cli_values(c, "group", values, DIR_ATTRS);
	for (i = 0; i < n && r == 0; i++)
		r = add_value(c, p, "groups", values[i]);
	n = cli_values(c, "attr", values, DIR_ATTRS);
	for (i = 0; i < n && r == 0; i++)
		r = add_word(c, p, values[i]);
	load_names(p);
	return r;
}

/* --- a new user --- */

struct adding {
	struct cli *c;
	const char *user;
	struct secret *password;
	int known; /* to sec-pal, before */
	int show, had; /* the password is ours; there was a principal */
	struct load *load;
	char why[640];
};

/* See first that all of it can be done. */
static int
look_first(struct adding *a)
{
	struct found f = { a->user, 0 };
	int r = 0;

	if (!cli_flag(a->c, "no-principal"))
		r = realm_here(&conf, a->why, sizeof(a->why));
	if (r == 0)
		r = admin_pal("user-list", NULL, look_for, &f, a->why,
		    sizeof(a->why));
	if (r == 0)
		r = load_open(&a->load, 0, a->why, sizeof(a->why));
	a->known = f.known;
	return r;
}

/* SEC_ERR_NO: there is such a user. */
static int
make_principal(struct adding *a)
{
	int r = a->known ? SEC_ERR_NO : 0;

	if (!cli_flag(a->c, "no-principal")) {
		r = realm_add(&conf, a->user, a->password, a->why,
		    sizeof(a->why));
		a->had = r == SEC_ERR_NO && !a->known;
	}
	if (a->had)
		r = 0;
	if (r == SEC_ERR_NO)
		snprintf(a->why, sizeof(a->why), "%s@%s exists already",
		    a->user, conf.realm);
	return r;
}

static int
enter(struct adding *a, const struct dir_person *p)
{
	const char *fields[] = { "user", a->user, "title",
		cli_value(a->c, "name"), NULL };
	struct loaded n;
	int r;

	r = admin_pal("user-add", fields, NULL, NULL, a->why, sizeof(a->why));
	if (r == 0 &&
	    ((r = load_person(a->load, p, NULL)) != 0 ||
		(r = load_end(a->load, &n)) != 0))
		text_copy(a->why, load_why(a->load), sizeof(a->why));
	return r;
}

static int
add_person(struct cli *c, const char *user, const struct dir_person *p)
{
	struct adding a = { .c = c, .user = user };
	int r;

	if ((r = look_first(&a)) == 0 && !cli_flag(c, "no-principal") &&
	    (a.password = new_password(c, &a.show)) == NULL) {
		load_close(a.load);
		return sec_err_exit(SEC_ERR_DATA);
	}
	if (r != 0 || (r = make_principal(&a)) != 0 || (r = enter(&a, p)) != 0)
		emit_error(cli_mode(c), r, "%s", a.why);
	else if (a.had)
		emit_note(cli_mode(c),
		    "%s@%s was there; its password is as it was", user,
		    conf.realm);
	if (r == 0)
		show_password(c, user, a.show && !a.had ? a.password : NULL);
	load_close(a.load);
	secret_free(a.password);
	return sec_err_exit(r);
}

static int
add(struct cli *c, const char *user)
{
	struct dir_person p = { .n = 0 };
	int r;

	if ((r = person_of(c, user, &p)) == 0)
		r = add_person(c, user, &p);
	dir_person_free(&p);
	return r;
}

/* Of who is in the directory by now: a principal, if there is none. */
static int
add_principal(struct cli *c, const char *user)
{
	const char *fields[] = { "user", user, NULL };
	struct secret *password = words_password();
	char why[640];
	int r;

	r = realm_add(&conf, user, password, why, sizeof(why));
	if (r == 0)
		show_password(c, user, password);
	secret_free(password);
	if (r == SEC_ERR_NO)
		r = 0;
	if (r == 0)
		r = admin_pal("user-add", fields, NULL, NULL, why, sizeof(why));
	return r == 0 ? 0 : emit_error(cli_mode(c), r, "%s", why);
}

static int
import(struct cli *c, const char *file)
{
	int principals = cli_flag(c, "principals"), r;
	char why[640];

	if (principals && (r = realm_here(&conf, why, sizeof(why))) != 0)
		return emit_error(cli_mode(c), r, "%s", why);
	return import_file(c, file, principals ? add_principal : NULL);
}

static int
rm(struct cli *c, const char *user)
{
	const char *fields[] = { "user", user, NULL };
	int r, k = SEC_ERR_NOTHING;
	char why[640], whyk[640] = "";

	/* First the principal, so that he cannot come back in between. */
	if (!cli_flag(c, "no-principal")) {
		if ((r = realm_here(&conf, why, sizeof(why))) != 0 ||
		    ((k = realm_rm(&conf, user, whyk, sizeof(whyk))) != 0 &&
			k != SEC_ERR_NOTHING))
			return emit_error(cli_mode(c), r != 0 ? r : k, "%s",
			    r != 0 ? why : whyk);
	}
	r = admin_pal("user-rm", fields, NULL, NULL, why, sizeof(why));
	if (r == SEC_ERR_NOTHING && k == 0)
		r = 0; /* never logged in */
	if (r == SEC_ERR_NOTHING)
		snprintf(why, sizeof(why), "no such user %s", user);
	return r == 0 ? 0 : emit_error(cli_mode(c), r, "%s", why);
}

static int
passwd(struct cli *c, const char *user)
{
	struct secret *password;
	char why[640];
	int r, show;

	if ((r = realm_here(&conf, why, sizeof(why))) != 0)
		return emit_error(cli_mode(c), r, "%s", why);
	if ((password = new_password(c, &show)) == NULL)
		return sec_err_exit(SEC_ERR_DATA);
	r = realm_passwd(&conf, user, password, why, sizeof(why));
	if (r == 0)
		show_password(c, user, show ? password : NULL);
	else
		emit_error(cli_mode(c), r,
		    r == SEC_ERR_NOTHING ? "no such user %s" : "%s",
		    r == SEC_ERR_NOTHING ? user : why);
	secret_free(password);
	return sec_err_exit(r);
}

struct listing {
	enum emit_mode mode;
	struct table *table;
};

static void
list_row(void *arg, const struct line *l)
{
	struct listing *t = arg;
	const char *user = line_get(l, "user");
	int known = strcmp(line_get_or(l, "known", "0"), "1") == 0;
	uint64_t seen = 0;
	char when[32] = "never";
	struct json j;

	if (user == NULL)
		return;
	(void)line_get_u64(l, "seen", &seen);
	if (seen != 0)
		clock_rfc3339((int64_t)seen, when);
	switch (t->mode) {
	case EMIT_QUIET: emit_line("%s", user); break;
	case EMIT_JSON:
		json_begin(&j);
		json_str(&j, "user", user);
		json_str(&j, "title", line_get_or(l, "title", ""));
		json_bool(&j, "known", known);
		if (seen != 0)
			json_time(&j, "seen", (int64_t)seen);
		json_end(&j, STDOUT_FILENO);
		break;
	case EMIT_TABLE:
		table_cell(t->table, user);
		table_cell(t->table, line_get_or(l, "title", ""));
		table_cell(t->table, known ? "added" : "came");
		table_cell(t->table, when);
		break;
	}
}

static int
list(struct cli *c)
{
	static const char *const columns[] = { "USER", "NAME", "HOW",
		"LAST LOGIN" };
	struct listing t = { cli_mode(c), NULL };
	char why[640];
	int r;

	if (t.mode == EMIT_TABLE)
		t.table = table_new(columns, 4);
	r = admin_pal("user-list", NULL, list_row, &t, why, sizeof(why));
	if (t.table != NULL)
		table_print(t.table, STDOUT_FILENO);
	return r == 0 ? 0 : emit_error(t.mode, r, "%s", why);
}

int
verb_user(struct cli *c)
{
	static const struct {
		const char *what;
		int (*run)(struct cli *c, const char *user);
	} verbs[] = { { "add", add }, { "rm", rm }, { "passwd", passwd },
		{ "import", import } };
	char **argv = cli_argv(c);
	size_t i;
	int r;

	if (strcmp(argv[0], "list") == 0 && cli_argc(c) == 1)
		return (r = admin_conf(c, &conf)) != 0 ? r : list(c);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[0], verbs[i].what) == 0)
			break;
	if (i == sizeof(verbs) / sizeof(verbs[0]) || cli_argc(c) != 2)
		return cli_usage(c, "user: add, import, rm, list or passwd");
	if (verbs[i].run != import && !is_user(argv[1]))
		return cli_usage(c,
		    "%.40s: not a user's name (a letter or digit first, then "
		    "also . _ -, at most 63)",
		    argv[1]);
	if ((r = admin_conf(c, &conf)) != 0)
		return r;
	return verbs[i].run(c, argv[1]);
}
