/*
 * The user's agent, as the tools see it: which one, and calls to it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/typed.h"
#include "wire/uri.h"

#include "cli/agent.h"

#define STATUS_MS 10000
#define JOIN_MS	  10000 /* -T when not given, but for the lobby: */
#define LOBBY_MS  610000

/* Of the session that agent_open() chose: a tool serves one. */
static struct {
	char user[URI_MAX];
	char domain[256];
} self;

/* NAME@DOMAIN.sock, apart from the sockets of daemons. */
static int
split_name(struct agent_session *s, const char *file)
{
	const char *at = strrchr(file, '@');
	size_t n = strlen(file), user, domain;

	if (at == NULL || n < 6 || strcmp(file + n - 5, ".sock") != 0)
		return 0;
	user = (size_t)(at - file);
	domain = n - 5 - user - 1;
	if (user == 0 || user >= sizeof(s->user) || domain == 0 ||
	    domain >= sizeof(s->domain))
		return 0;
	memcpy(s->user, file, user);
	s->user[user] = '\0';
	memcpy(s->domain, at + 1, domain);
	s->domain[domain] = '\0';
	return 1;
}

static int
compare_sessions(const void *a, const void *b)
{
	const struct agent_session *x = a, *y = b;
	int r = strcmp(x->user, y->user);

	return r != 0 ? r : strcmp(x->domain, y->domain);
}

/* Those of one directory. A socket that nobody answers on is left over. */
static size_t
look_in(const char *dir, struct agent_session *out, size_t max)
{
	struct ctl_client *a;
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	if (*dir == '\0' || max == 0 || (d = opendir(dir)) == NULL)
		return 0;
	while (n < max && (e = readdir(d)) != NULL) {
		if (!split_name(&out[n], e->d_name) ||
		    snprintf(out[n].path, PATH_LEN, "%s/%s", dir, e->d_name) >=
			PATH_LEN ||
		    ctl_client_open(&a, out[n].path) != 0)
			continue;
		ctl_client_close(a);
		n++;
	}
	closedir(d);
	return n;
}

size_t
agent_sessions(struct agent_session *out, size_t max)
{
	char dir[PATH_LEN], other[PATH_LEN];
	size_t n;

	n = look_in(path_agent_dir(dir), out, max);
	path_agent_dir_long(other);
	if (strcmp(dir, other) != 0)
		n += look_in(other, out + n, max - n);
	qsort(out, n, sizeof(*out), compare_sessions);
	return n;
}

/* Is the session the one meant by alice, alice@domain, sip:alice@domain? */
static int
is_meant(const struct agent_session *s, const char *who)
{
	const char *at;
	size_t n;

	if (strncmp(who, "sip:", 4) == 0)
		who += 4;
	at = strrchr(who, '@');
	n = at != NULL ? (size_t)(at - who) : strlen(who);
	return strlen(s->user) == n && strncmp(s->user, who, n) == 0 &&
	    (at == NULL || text_equal_nocase(s->domain, at + 1));
}

/* The one asked for, or SEC_USER; NULL: whichever. */
static const char *
wanted(const char *who)
{
	if (who == NULL && (who = getenv("SEC_USER")) != NULL && *who == '\0')
		who = NULL;
	return who;
}

size_t
agent_meant(const char *who, struct agent_session out[AGENT_SESSIONS])
{
	size_t n = agent_sessions(out, AGENT_SESSIONS), i, k = 0;

	who = wanted(who);
	for (i = 0; i < n; i++)
		if (who == NULL || is_meant(&out[i], who))
			out[k++] = out[i];
	return k;
}

static int
ask_which(struct cli *c, const struct agent_session *s, size_t n)
{
	struct buf names = BUF_INIT;
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		buf_putf(&names, " %s@%s", s[i].user, s[i].domain);
	r = cli_usage(c, "several sessions, say which with -u:%s",
	    buf_cstr(&names));
	buf_free(&names);
	return r;
}

static int
no_agent(struct cli *c, const char *who)
{
	if (who != NULL)
		return emit_error(cli_mode(c), SEC_ERR_LOGIN,
		    "%s is not logged in; log in first: sec-login %s", who,
		    strncmp(who, "sip:", 4) == 0 ? who + 4 : who);
	return emit_error(cli_mode(c), SEC_ERR_LOGIN,
	    "not logged in; log in first: sec-login");
}

static int
choose(struct cli *c, char *path)
{
	struct agent_session s[AGENT_SESSIONS];
	const char *who = wanted(cli_value(c, "user"));
	size_t n = agent_meant(who, s);
	int r = 0;

	if (n == 0)
		r = no_agent(c, who);
	else if (n > 1)
		r = ask_which(c, s, n);
	else
		text_copy(path, s[0].path, PATH_LEN);
	return r;
}

int
agent_open(struct cli *c, struct ctl_client **out)
{
	char path[PATH_LEN];
	struct ctl_client *a;
	struct line ok;
	int r;

	if ((r = choose(c, path)) != 0)
		return r;
	/* It went between two looks. */
	if (ctl_client_open(&a, path) != 0)
		return no_agent(c, NULL);
	(void)ctl_client_begin(a, "status");
	if ((r = agent_rows(a, STATUS_MS, NULL, NULL, &ok)) != 0) {
		r = agent_fail(c, a, r);
		ctl_client_close(a);
		return r;
	}
	text_copy(self.user, line_get_or(&ok, "user", ""), sizeof(self.user));
	text_copy(self.domain, line_get_or(&ok, "domain", ""),
	    sizeof(self.domain));
	*out = a;
	return 0;
}

/* *until may be moved by cb. */
static int
rows_until(struct ctl_client *a, const int64_t *until,
    int (*cb)(void *arg, const struct line *row), void *arg, struct line *last)
{
	int64_t left;
	struct line l;
	int r;

	if ((r = ctl_client_send(a, -1)) != 0)
		return r;
	for (;;) {
		left = *until < 0 ? -1 : *until - clock_mono();
		if (*until >= 0 && left < 0)
			left = 0;
		if ((r = ctl_client_next(a, &l, left)) < 0)
			return r;
		if (r == 0)
			break;
		if (cb != NULL && (r = cb(arg, &l)) != 0)
			return r;
	}
	if (last != NULL)
		*last = l;
	return 0;
}

int
agent_rows(struct ctl_client *a, int64_t deadline_ms,
    int (*cb)(void *arg, const struct line *row), void *arg, struct line *last)
{
	int64_t until = deadline_ms < 0 ? -1 : clock_mono() + deadline_ms;

	return rows_until(a, &until, cb, arg, last);
}

struct joining {
	struct cli *c;
	struct ctl_client *a;
	int64_t until;
	int (*cb)(void *arg, const struct line *row);
	void *arg;
};

static int
on_joining(void *arg, const struct line *row)
{
	const char *conf = line_get(row, "waiting");
	char name[AGENT_SHORT_MAX];
	struct joining *j = arg;

	if (conf != NULL) {
		emit_note(cli_mode(j->c), "waiting to be let into %s",
		    agent_short(j->a, name, conf, 0));
		if (cli_timeout(j->c, -1) < 0)
			j->until = clock_mono() + LOBBY_MS;
	}
	return j->cb != NULL ? j->cb(j->arg, row) : 0;
}

int
agent_join(struct cli *c, struct ctl_client *a,
    int (*cb)(void *arg, const struct line *row), void *arg, struct line *ok)
{
	struct joining j = { c, a, clock_mono() + cli_timeout(c, JOIN_MS), cb,
		arg };

	return rows_until(a, &j.until, on_joining, &j, ok);
}

int
agent_fail(struct cli *c, struct ctl_client *a, int err)
{
	const char *why = ctl_client_why(a);

	if (*why == '\0')
		switch (err) {
		case SEC_ERR_CLOSED:
			why = "session lost; come back with sec-login";
			break;
		case SEC_ERR_TIMEOUT: why = "no answer in time"; break;
		case SEC_ERR_LIMIT:
			why = "that is more than one call can hold";
			break;
		case SEC_ERR_SYS: why = strerror(errno); break;
		default: why = sec_strerror(err); break;
		}
	return emit_error(cli_mode(c), err, "%s", why);
}

const char *
agent_domain(const struct ctl_client *a)
{
	(void)a;
	return self.domain;
}

const char *
agent_user(const struct ctl_client *a)
{
	(void)a;
	return self.user;
}

char *
agent_short(const struct ctl_client *a, char *out, const char *uri, int mixed)
{
	if (uri == NULL || *uri == '\0') {
		text_copy(out, "-", AGENT_SHORT_MAX);
		return out;
	}
	return uri_short(out, uri, agent_domain(a), mixed);
}

int64_t
agent_int(const struct line *row, const char *key)
{
	const char *s = line_get_or(row, key, "");
	char *end;
	int64_t v;

	errno = 0;
	v = strtoll(s, &end, 10);
	return end == s || *end != '\0' || errno != 0 ? 0 : v;
}

/* The conferences that I am in. */
struct mine {
	const struct ctl_client *a;
	struct buf names;
	char *only;
	int n, focused;
};

static int
on_mine(void *arg, const struct line *row)
{
	struct mine *m = arg;
	const char *uri = line_get(row, "conf");
	char name[AGENT_SHORT_MAX];

	if (uri == NULL || strcmp(line_get_or(row, "member", "1"), "1") != 0)
		return 0;
	if (strcmp(line_get_or(row, "focus", "0"), "1") == 0)
		m->focused = 1;
	if (m->n++ == 0 || strcmp(line_get_or(row, "focus", "0"), "1") == 0)
		text_copy(m->only, uri, AGENT_CONF_MAX);
	buf_putf(&m->names, " %s", agent_short(m->a, name, uri, 0));
	return 0;
}

int
agent_conf(struct cli *c, struct ctl_client *a, const char *name, char *out)
{
	struct mine m = { a, BUF_INIT, out, 0, 0 };
	const char *env = getenv("SEC_CONF");
	int r;

	/* Not "this one": `leave "$unset"` must not leave it. */
	if (*name == '\0')
		return cli_usage(c, "an empty name is no conference");
	if (strcmp(name, ".") == 0 && env != NULL && *env != '\0')
		name = env;
	if (strcmp(name, ".") != 0) {
		if ((r = typed_conf(c, name)) != 0)
			return r;
		if (text_copy(out, name, AGENT_CONF_MAX) >= AGENT_CONF_MAX)
			return emit_error(cli_mode(c), SEC_ERR_NOTHING,
			    "%.40s...: no such conference", name);
		return 0;
	}
	(void)ctl_client_begin(a, "list");
	if ((r = agent_rows(a, STATUS_MS, on_mine, &m, NULL)) != 0)
		r = agent_fail(c, a, r);
	else if (m.n == 0)
		r = cli_usage(c, "you are in no conference; name one");
	else if (m.n > 1 && !m.focused)
		r = cli_usage(c, "you are in several conferences, name one:%s",
		    buf_cstr(&m.names));
	buf_free(&m.names);
	return r;
}
