/* sec-login(1): begin, show, renew and end my session. */
#include <sys/stat.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/agent.h"
#include "cli/typed.h"
#include "krb/ticket.h"
#include "login.h"
#include "wire/line.h"

#define LOGIN_MS     60000
#define CALL_MS	     10000
#define RENEW_MS     30000
#define SESSIONS_MAX 64

/* Who logs in, and how. */
struct login {
	struct cli *c;
	struct conf conf;
	char user[128]; /* "" until known */
	char principal[256];
	const char *source;
	struct secret *password;
};

/* "22:51", with the date when it is not today's. */
static char *
until_text(char *out, size_t n, int64_t ms)
{
	int64_t left = ms - clock_real();
	char hhmm[32], date[40];

	clock_hhmm(ms, hhmm);
	if (left < 24 * 3600 * 1000) {
		snprintf(out, n, "%s", hhmm);
	} else {
		clock_rfc3339(ms, date);
		snprintf(out, n, "%.10s %s", date, hhmm);
	}
	return out;
}

static void
print_session(struct cli *c, const struct line *l)
{
	const char *who = line_get_or(l, "principal", "");
	const char *status = line_get_or(l, "status", "available");
	int64_t until = agent_int(l, "until");
	char when[64];
	struct json j;

	switch (cli_mode(c)) {
	case EMIT_QUIET: return;
	case EMIT_JSON:
		json_begin(&j);
		json_str(&j, "user", line_get(l, "user"));
		json_str(&j, "principal", who);
		json_str(&j, "status", status);
		json_time(&j, "until", until);
		json_int(&j, "pid", agent_int(l, "pid"));
		json_end(&j, STDOUT_FILENO);
		return;
	case EMIT_TABLE:
		emit_line("%s  %s  until %s", who, status,
		    until_text(when, sizeof(when), until));
	}
}

/* --- who --- */

/* alice, alice@lab.test, alice@LAB.TEST, sip:alice@lab.test */
static int
take_user(struct login *g, const char *s)
{
	const char *at;
	size_t n;

	if (strncmp(s, "sip:", 4) == 0)
		s += 4;
	at = strrchr(s, '@');
	n = at != NULL ? (size_t)(at - s) : strlen(s);
	if (n == 0 || n >= sizeof(g->user))
		return cli_usage(g->c, "%s is no user", s);
	if (at != NULL && !text_equal_nocase(at + 1, g->conf.domain) &&
	    strcmp(at + 1, g->conf.realm) != 0)
		return emit_error(cli_mode(g->c), SEC_ERR_NOTHING,
		    "%s: this machine knows the domain %s (see sec.conf)", s,
		    g->conf.domain[0] != '\0' ? g->conf.domain : "localhost");
	memcpy(g->user, s, n);
	g->user[n] = '\0';
	snprintf(g->principal, sizeof(g->principal), "%s%s%.120s", g->user,
	    g->conf.realm[0] != '\0' ? "@" : "", g->conf.realm);
	return 0;
}

/* As kinit does: the login's name. */
static int
take_login_name(struct login *g)
{
	const struct passwd *p = getpwuid(getuid());

	if (p == NULL)
		return cli_usage(g->c, "who? name a user");
	return take_user(g, p->pw_name);
}

static int
no_way_in(struct login *g, int cached)
{
	return emit_error(cli_mode(g->c), SEC_ERR_LOGIN,
	    "%s %s; run kinit, "
	    "or give the password with -P or a keytab with -K",
	    cached == SEC_ERR_TICKET ? "the ticket has expired of" :
				       "no ticket for",
	    g->principal);
}

/* The ticket in the cache, else the password from the terminal. */
static int
find_ticket(struct login *g)
{
	char found[256];
	int cached, r;

	cached =
	    ticket_cached(g->principal[0] != '\0' ? g->principal : NULL, found);
	if (g->user[0] == '\0') {
		r = found[0] != '\0' &&
			(cached == 0 || cached == SEC_ERR_TICKET) ?
		    take_user(g, found) :
		    take_login_name(g);
		if (r != 0)
			return r;
	}
	g->source = "ccache";
	if (cached == 0)
		return 0;
	g->source = "password";
	r = password_ask(g->principal, &g->password);
	if (r == SEC_ERR_NOTHING)
		return no_way_in(g, cached);
	return r == 0 ?
	    0 :
	    emit_error(cli_mode(g->c), SEC_ERR_LOGIN, "no password given");
}

static int
find_secret(struct login *g)
{
	const char *file = cli_value(g->c, "P");
	const char *keytab = cli_value(g->c, "K");
	char why[300];
	int r;

	if (keytab != NULL) {
		g->source = "keytab";
		if (g->user[0] == '\0')
			return cli_usage(g->c,
			    "whose key? name the user of the keytab");
		if (strncmp(keytab, "FILE:", 5) == 0)
			keytab += 5;
		/* Of other types Kerberos knows what is wrong with them. */
		if (strchr(keytab, ':') == NULL && access(keytab, R_OK) != 0)
			return emit_error(cli_mode(g->c), SEC_ERR_NOTHING,
			    "%s: %s", keytab, strerror(errno));
		return 0;
	}
	if (file == NULL)
		return find_ticket(g);
	g->source = "password";
	if (g->user[0] == '\0' && (r = take_login_name(g)) != 0)
		return r;
	if ((r = password_read(file, &g->password, why, sizeof(why))) != 0)
		return emit_error(cli_mode(g->c), r, "%s", why);
	return 0;
}

/* --- the session that is there already --- */

static int
apply_status(struct cli *c, struct ctl_client *a)
{
	struct buf *b;
	int r;

	if (cli_value(c, "s") == NULL)
		return 0;
	b = ctl_client_begin(a, "set");
	line_put(b, "value", cli_value(c, "s"));
	line_put(b, "note", cli_value(c, "N"));
	if ((r = agent_rows(a, CALL_MS, NULL, NULL, NULL)) != 0)
		return agent_fail(c, a, r);
	return 0;
}

static int
apply_policy(struct cli *c, struct ctl_client *a)
{
	int r;

	if (cli_value(c, "A") == NULL)
		return 0;
	line_put(ctl_client_begin(a, "policy"), "what", cli_value(c, "A"));
	if ((r = agent_rows(a, CALL_MS, NULL, NULL, NULL)) != 0)
		return agent_fail(c, a, r);
	return 0;
}

/* What belongs to a login and came too late for this session. */
static void
tell_unused(struct cli *c)
{
	int m = cli_flag(c, "m") > 0, phone = cli_flag(c, "phone") > 0;

	if (m || phone)
		emit_note(cli_mode(c),
		    "logged in already: %s%s%s only at a new login (after "
		    "sec-login -k)",
		    m ? "-m" : "", m && phone ? " and " : "",
		    phone ? "--phone" : "");
}

/* Already logged in: show it. 1: there is a session; *code is the result. */
static int
show_session(struct login *g, int quiet, int *code)
{
	struct ctl_client *a;
	char path[PATH_LEN];
	struct line l;
	int r;

	if (g->user[0] == '\0' ||
	    ctl_client_open(&a, path_agent(path, g->user, g->conf.domain)) != 0)
		return 0;
	tell_unused(g->c);
	if ((*code = apply_status(g->c, a)) == 0)
		*code = apply_policy(g->c, a);
	(void)ctl_client_begin(a, "status");
	if (*code == 0 && (r = agent_rows(a, CALL_MS, NULL, NULL, &l)) != 0)
		*code = agent_fail(g->c, a, r);
	else if (*code == 0 && !quiet)
		print_session(g->c, &l);
	ctl_client_close(a);
	return 1;
}

/* --- logging in --- */

static void
put_login(struct login *g, struct buf *b)
{
	struct cli *c = g->c;
	const char *keytab = cli_value(c, "K");
	char *full = keytab != NULL ? realpath(keytab, NULL) : NULL;

	line_begin(b, "login");
	line_put(b, "principal", g->principal);
	line_put(b, "realm", g->conf.realm);
	line_put(b, "source", g->source);
	if (g->password != NULL)
		line_put_bytes(b, "password", secret_data(g->password),
		    secret_size(g->password) - 1);
	line_put(b, "keytab", full != NULL ? full : keytab);
	line_put(b, "status", cli_value(c, "s"));
	line_put(b, "note", cli_value(c, "N"));
	line_put(b, "policy", cli_value(c, "A"));
	line_put(b, "media", cli_value(c, "m"));
	line_put(b, "phone", cli_value(c, "phone"));
	line_end(b);
	free(full);
}

static int
failed(struct cli *c, const struct line *l)
{
	uint64_t code = 0, status = 0;
	int e = SEC_ERR_UNREACHABLE, k;

	(void)line_get_u64(l, "exit", &code);
	(void)line_get_u64(l, "code", &status);
	/* The error whose exit code the agent named. */
	for (k = SEC_ERR_NO; k >= SEC_ERR_VERSION; k--)
		if (sec_err_exit(k) == (int)code)
			e = k;
	return emit_error(cli_mode(c), e, "%s",
	    line_get_or(l, "reason", sec_sip_reason((int)status)));
}

/* Start the agent and hear what became of the login: 0 or an exit code. */
static int
log_in(struct login *g, int show)
{
	struct buf line = BUF_INIT;
	char answer[4096];
	struct line l;
	int fd, r;

	fd = agent_start(cli_flag(g->c, "F"), cli_flag(g->c, "v"));
	if (fd < 0)
		return emit_error(cli_mode(g->c), fd,
		    "cannot start "
		    "sec-agent: %s",
		    strerror(errno));
	put_login(g, &line);
	r = agent_login(fd, &line, cli_timeout(g->c, LOGIN_MS), answer,
	    sizeof(answer));
	buf_free(&line);
	close(fd);
	if (r != 0)
		return emit_error(cli_mode(g->c),
		    r == SEC_ERR_TIMEOUT ? r : SEC_ERR_UNREACHABLE,
		    r == SEC_ERR_TIMEOUT ? "no registration in time" :
					   "sec-agent ended without an "
					   "answer");
	if ((r = line_parse(&l, answer, strlen(answer))) != 0)
		return emit_error(cli_mode(g->c), r,
		    "sec-agent's answer is "
		    "malformed");
	if (strcmp(l.verb, "ok") != 0)
		r = failed(g->c, &l);
	else if (show)
		print_session(g->c, &l);
	line_free(&l);
	return r;
}

static int
log_out(struct login *g)
{
	struct ctl_client *a;
	char path[PATH_LEN];
	struct line l;

	if (ctl_client_open(&a, path_agent(path, g->user, g->conf.domain)) != 0)
		return 0;
	(void)ctl_client_begin(a, "bye");
	(void)agent_rows(a, CALL_MS, NULL, NULL, NULL);
	/* It is over when the agent lets go of the socket. */
	memset(&l, 0, sizeof(l));
	(void)ctl_client_next(a, &l, CALL_MS);
	ctl_client_close(a);
	return 0;
}

static int
load(struct login *g)
{
	char why[512];
	int r;

	if ((r = conf_load(&g->conf, NULL, why, sizeof(why))) != 0)
		return emit_error(cli_mode(g->c), r, "%s", why);
	if (g->conf.domain[0] == '\0')
		text_copy(g->conf.domain, "localhost", sizeof(g->conf.domain));
	return 0;
}

/* ask, accept, decline or busy, perhaps with `:USER,...`; 0 or exit code. */
static int
check_policy(struct cli *c, const char *s)
{
	static const char *const words[] = { "ask", "accept", "decline",
		"busy" };
	size_t i, n;

	if (s == NULL)
		return 0;
	n = strcspn(s, ":");
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && strncmp(words[i], s, n) == 0)
			break;
	if (i == sizeof(words) / sizeof(words[0]))
		return cli_usage(c, "-A %s: not ask, accept, decline or busy",
		    s);
	return s[n] == ':' ? typed_who_list(c, s + n + 1) : 0;
}

/* The options of a login; 0 or an exit code. */
static int
check_words(struct cli *c)
{
	int r;

	if (cli_flag(c, "N") > 0 && cli_flag(c, "s") == 0)
		return cli_usage(c, "-N is the note to a status: give -s too");
	if (cli_flag(c, "P") > 0 && cli_flag(c, "K") > 0)
		return cli_usage(c, "-P or -K, not both");
	(void)((r = typed_status(c, cli_value(c, "s"))) != 0 ||
	    (r = typed_note(c, cli_value(c, "N"))) != 0 ||
	    (r = typed_media(c, cli_value(c, "m"))) != 0 ||
	    (r = typed_tel(c, cli_value(c, "phone"))) != 0 ||
	    (r = check_policy(c, cli_value(c, "A"))) != 0);
	return r;
}

static int
begin_session(struct cli *c)
{
	struct login g = { .c = c };
	int cmd = cli_command(c), n = cmd >= 0 ? cmd : cli_argc(c), code, r;
	const char *who = n > 0 ? cli_argv(c)[0] : cli_value(c, "user");
	char user[400];

	if (n > 1)
		return cli_usage(c, "one user at a time");
	if (cmd >= 0 && cmd == cli_argc(c))
		return cli_usage(c, "no command after --");
	if (cmd >= 0 && cli_flag(c, "F"))
		return cli_usage(c, "-F and a command do not go together");
	if ((r = check_words(c)) != 0 || (r = load(&g)) != 0)
		return r;
	if (who == NULL && (who = getenv("SEC_USER")) != NULL && *who == '\0')
		who = NULL;
	if (who != NULL && (r = take_user(&g, who)) != 0)
		return r;
	if (!show_session(&g, cmd >= 0, &code)) {
		code = find_secret(&g);
		if (code == 0 && who == NULL &&
		    show_session(&g, cmd >= 0, &code))
			r = 1;
		else if (code == 0)
			code = log_in(&g, cmd < 0);
	} else
		r = 1;
	secret_free(g.password);
	if (code != 0 || cmd < 0)
		return code;
	snprintf(user, sizeof(user), "%s@%s", g.user, g.conf.domain);
	code = command_run(cli_argv(c) + cmd, user);
	if (r != 1)
		(void)log_out(&g);
	return code;
}

/* --- -l -r -k --- */

/* The name alone is enough for -u, unless it stands for two. */
static void
print_name(const struct agent_session *all, size_t n, size_t k)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (i != k && strcmp(all[i].user, all[k].user) == 0)
			break;
	emit_line("%s%s%s", all[k].user, i < n ? "@" : "",
	    i < n ? all[k].domain : "");
}

static void
list_row(struct cli *c, struct table *t, const struct agent_session *s,
    const struct line *l)
{
	int64_t until = agent_int(l, "until");
	char when[64];
	struct json j;

	switch (cli_mode(c)) {
	case EMIT_QUIET: return; /* print_name() */
	case EMIT_JSON:
		json_begin(&j);
		json_str(&j, "user", line_get(l, "user"));
		json_str(&j, "principal", line_get(l, "principal"));
		json_str(&j, "domain", s->domain);
		json_str(&j, "status", line_get(l, "status"));
		json_time(&j, "until", until);
		json_int(&j, "confs", agent_int(l, "confs"));
		json_int(&j, "pid", agent_int(l, "pid"));
		json_end(&j, STDOUT_FILENO);
		return;
	case EMIT_TABLE:
		table_cell(t, s->user);
		table_cell(t, s->domain);
		table_cell(t, line_get_or(l, "status", "-"));
		table_cell(t, until_text(when, sizeof(when), until));
		table_cell(t, line_get_or(l, "confs", "0"));
		table_cell(t, line_get_or(l, "pid", "-"));
	}
}

static int
list_sessions(struct cli *c)
{
	static const char *const columns[] = { "USER", "DOMAIN", "STATUS",
		"UNTIL", "CONFS", "AGENT" };
	struct agent_session *s;
	struct ctl_client *a;
	struct table *t;
	struct line l;
	size_t i, n;

	if ((s = calloc(SESSIONS_MAX, sizeof(*s))) == NULL)
		return emit_error(cli_mode(c), SEC_ERR_SYS, "no memory");
	t = table_new(columns, 6);
	n = agent_sessions(s, SESSIONS_MAX);
	for (i = 0; i < n; i++) {
		if (ctl_client_open(&a, s[i].path) != 0)
			continue;
		(void)ctl_client_begin(a, "status");
		if (agent_rows(a, CALL_MS, NULL, NULL, &l) == 0) {
			if (cli_mode(c) == EMIT_QUIET)
				print_name(s, n, i);
			else
				list_row(c, t, &s[i], &l);
		}
		ctl_client_close(a);
	}
	table_print(t, STDOUT_FILENO);
	free(s);
	return 0;
}

static int
end_session(struct cli *c)
{
	struct ctl_client *a;
	struct line l;
	int r;

	if ((r = agent_open(c, &a)) != 0)
		return r;
	(void)ctl_client_begin(a, "bye");
	if ((r = agent_rows(a, CALL_MS, NULL, NULL, NULL)) != 0)
		r = agent_fail(c, a, r);
	else {
		/* The registration is gone when the agent is. */
		memset(&l, 0, sizeof(l));
		(void)ctl_client_next(a, &l, CALL_MS);
	}
	ctl_client_close(a);
	return r;
}

static int
renew_session(struct cli *c)
{
	struct ctl_client *a;
	struct line l;
	int r;

	if ((r = agent_open(c, &a)) != 0)
		return r;
	(void)ctl_client_begin(a, "renew");
	if ((r = agent_rows(a, cli_timeout(c, RENEW_MS), NULL, NULL, NULL)) ==
	    0) {
		(void)ctl_client_begin(a, "status");
		r = agent_rows(a, CALL_MS, NULL, NULL, &l);
	}
	if (r != 0)
		r = agent_fail(c, a, r);
	else
		print_session(c, &l);
	ctl_client_close(a);
	return r;
}

static int
run(struct cli *c)
{
	static const char *const others[] = { "F", "s", "N", "A", "m", "P", "K",
		"phone" };
	int n = cli_flag(c, "l") + cli_flag(c, "r") + cli_flag(c, "k");
	size_t i;

	if (n > 1)
		return cli_usage(c, "one of -l, -r, -k");
	if (n == 1 && cli_argc(c) > 0)
		return cli_usage(c,
		    "%s: -l, -r and -k take no operand; which session says -u",
		    cli_argv(c)[0]);
	for (i = 0; n == 1 && i < sizeof(others) / sizeof(others[0]); i++)
		if (cli_flag(c, others[i]) > 0)
			return cli_usage(c,
			    "-l, -r and -k go with no option of a login");
	if (cli_flag(c, "l"))
		return list_sessions(c);
	if (cli_flag(c, "r"))
		return renew_session(c);
	if (cli_flag(c, "k"))
		return end_session(c);
	return begin_session(c);
}

static const struct cli_opt opts[] = {
	{ 'F', "foreground", NULL, "the agent stays in this process" },
	{ 's', "status", "STATUS", "log in with this status" },
	{ 'N', "note", "NOTE", "a note to the status" },
	{ 'A', "answer", "POLICY",
	    "invitations: ask, accept[:USER,...], decline, busy" },
	{ 'm', "media", "MEDIA", "what my devices take: text,voice" },
	{ 'P', "password-file", "FILE",
	    "password: first line of FILE, - is stdin" },
	{ 'K', "keytab", "FILE", "key from this keytab" },
	{ 0, "phone", "TEL", "voice reaches me on this telephone" },
	{ 'l', "list", NULL, "list my sessions" },
	{ 'r', "renew", NULL, "renew the ticket now" },
	{ 'k', "logout", NULL, "log out" },
	{ 0, NULL, NULL, NULL },
};

static const struct cli_verb verbs[] = {
	{ "", "[USER[@DOMAIN]] [-- COMMAND ...]",
	    "begin, show, renew or end my session", "FsNAmPKlrk,phone", 0, -1,
	    run },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const char *const examples[] = {
	"kinit alice && sec-login",
	"sec-login alice",
	"sec-login -P - alice <~/.secret",
	"sec-login -K /etc/bot.keytab deploybot -- ./deploy",
	"sec-login -l",
	"sec-login -k",
	NULL,
};

static const struct cli_prog prog = { "sec-login",
	"begin, show and end a session", examples, opts, verbs, 0 };

int
main(int argc, char **argv)
{
	proc_harden();
	umask(022);
	return cli_main(&prog, argc, argv);
}
