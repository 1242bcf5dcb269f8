/*
 * create, invite and spawn: names in, one answer per invitee out as it
 * comes, and one exit code of them all.
 */
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/agent.h"
#include "cli/typed.h"
#include "wire/uri.h"
#include "client_verbs.h"

#define RING_MS	  60000 /* -T when not given */
#define MARGIN_MS 15000 /* until the agent must have said so itself */
#define WHO_MAX	  1000

/* One who is invited, in the order given; then those whom the controller
 * found for an attribute. */
struct invitee {
	char name[AGENT_SHORT_MAX];
	int group; /* an attribute, org:1256 */
	size_t state; /* of states[] */
	int err;
	int answered;
};

struct inviting {
	struct cli *c;
	struct ctl_client *a;
	char **typed; /* as typed */
	struct invitee *who;
	size_t n, cap;
	size_t width;
	size_t given; /* the others are found */
	char stays[AGENT_SHORT_MAX + 64]; /* spawn: who has no device for it */
	int came;
};

static volatile sig_atomic_t stopped;
static int stop_fd = -1;

/*
 * The agent cancels what is outstanding when our connection ends; that
 * also wakes whoever waits for its answer, however the signal falls.
 */
static void
on_stop(int signo)
{
	stopped = signo;
	if (stop_fd >= 0)
		shutdown(stop_fd, SHUT_RDWR);
}

static void
catch_signals(int fd)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa, old;
	size_t i;

	stop_fd = fd;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_stop;
	/* The second one ends us at once. */
	sa.sa_flags = (int)SA_RESETHAND;
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
}

/* "name:Giovanni Di Crescenzo" as a URI has it: in out; or as it is. */
static const char *
as_written(const char *name, char out[URI_MAX])
{
	const char *colon = strchr(name, ':');
	size_t n = colon != NULL ? (size_t)(colon - name) + 1 : 0;
	struct uri u;

	if (n == 0 || n >= URI_MAX)
		return name;
	memcpy(out, name, n);
	return uri_escape(out + n, URI_MAX - n, name + n) == 0 &&
		uri_from_name(&u, out, "localhost", 0) == 0 &&
		u.kind == URI_OBJECT ?
	    out :
	    name;
}

/* The other way, for people. */
static const char *
as_read(const char *name, char out[URI_MAX])
{
	return strchr(name, ':') != NULL &&
		uri_unescape(out, URI_MAX, name) == 0 &&
		text_is_utf8(out, strlen(out)) ?
	    out :
	    name;
}

static void
add_who(void *arg, const char *name)
{
	char written[URI_MAX];
	struct inviting *v = arg;
	size_t i;

	name = as_written(name, written);
	for (i = 0; i < v->n; i++)
		if (strcmp(v->typed[i], name) == 0)
			return;
	if (v->n == v->cap) {
		v->cap = v->cap > 0 ? 2 * v->cap : 16;
		v->typed = reallocarray(v->typed, v->cap, sizeof(char *));
		v->who = reallocarray(v->who, v->cap, sizeof(*v->who));
	}
	if (v->typed == NULL || v->who == NULL ||
	    (v->typed[v->n] = strdup(name)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	memset(&v->who[v->n], 0, sizeof(*v->who));
	v->n++;
}

/* org:1256: whoever the directory says that has it. */
static int
is_group(const char *name)
{
	struct uri u;

	return uri_from_name(&u, name, "localhost", 0) == 0 &&
	    u.kind == URI_OBJECT;
}

/* 0 or an exit code. */
static int
collect(struct inviting *v, char **names)
{
	char read[URI_MAX];
	size_t i, w;
	int r;

	names_each(names, add_who, v);
	if (v->n > WHO_MAX)
		return cli_usage(v->c, "at most %d at once", WHO_MAX);
	for (i = 0; i < v->n; i++) {
		if (strpbrk(v->typed[i], ",\n") != NULL ||
		    v->typed[i][0] == '\0')
			return cli_usage(v->c, "%s: not a name", v->typed[i]);
		if ((r = typed_who(v->c, v->typed[i])) != 0)
			return r;
		/* How the agent will name him. */
		if (strncmp(v->typed[i], "sip:", 4) == 0)
			agent_short(v->a, v->who[i].name, v->typed[i], 0);
		else
			text_copy(v->who[i].name, v->typed[i], AGENT_SHORT_MAX);
		w = text_width(as_read(v->who[i].name, read));
		if (w > v->width)
			v->width = w;
		v->who[i].group = is_group(v->typed[i]);
	}
	v->given = v->n;
	return 0;
}

/* The states of a row and what people read. */
static const struct {
	const char *state, *text;
	int err;
} states[] = {
	{ "accepted", "accepted", 0 },
	{ "declined", "declined", SEC_ERR_DECLINED },
	{ "busy", "busy", SEC_ERR_BUSY },
	{ "offline", "offline", SEC_ERR_OFFLINE },
	{ "timeout", "no answer", SEC_ERR_TIMEOUT },
	{ "cancelled", "cancelled", SEC_ERR_TIMEOUT },
	{ "nothing", "no such user", SEC_ERR_NOTHING },
	{ "denied", "not allowed", SEC_ERR_DENIED },
	{ "failed", "failed", SEC_ERR_UNREACHABLE },
};

#define NSTATES (sizeof(states) / sizeof(*states))

static size_t
find_state(const char *state)
{
	size_t i;

	for (i = 0; i < NSTATES - 1; i++)
		if (strcmp(states[i].state, state) == 0)
			break;
	return i;
}

/* The invitee of a row: by short name, by what was typed, or a new one,
 * whom the agent made of a name that stands for several. */
static struct invitee *
invitee_of(struct inviting *v, const char *uri)
{
	char name[AGENT_SHORT_MAX], *at;
	size_t i;

	agent_short(v->a, name, uri, 0);
	for (i = 0; i < v->n; i++) {
		at = strchr(v->typed[i], '@');
		if (strcmp(v->who[i].name, name) == 0 ||
		    strcmp(v->typed[i], uri) == 0 ||
		    (at != NULL && strncmp(uri, "sip:", 4) == 0 &&
			text_equal_nocase(v->typed[i], uri + 4)))
			return &v->who[i];
	}
	add_who(v, name);
	text_copy(v->who[v->n - 1].name, name, AGENT_SHORT_MAX);
	return &v->who[v->n - 1];
}

static void
say_answer(const struct inviting *v, const char *name, const char *text,
    const char *note)
{
	struct buf b = BUF_INIT;
	char read[URI_MAX];
	size_t pad;

	name = as_read(name, read);
	pad = v->n > 1 ? v->width + 2 : text_width(name) + 1;
	buf_put_str(&b, name);
	do
		buf_put_u8(&b, ' ');
	while (text_width(buf_cstr(&b)) < pad);
	buf_put_str(&b, text);
	if (note != NULL && *note != '\0')
		buf_putf(&b, " (%s)", note);
	emit_note(cli_mode(v->c), "%s", buf_cstr(&b));
	buf_free(&b);
}

static void
json_answer(const struct line *row, int code)
{
	const char *note = line_get(row, "note");
	struct json j;

	json_begin(&j);
	json_str(&j, "conf", line_get(row, "conf"));
	json_str(&j, "user", line_get(row, "user"));
	json_str(&j, "result", line_get(row, "state"));
	if (code > 0)
		json_int(&j, "code", code);
	if (note != NULL && *note != '\0')
		json_str(&j, "note", note);
	json_end(&j, STDOUT_FILENO);
}

static void
on_created(struct inviting *v, const struct line *row)
{
	const char *uri = line_get_or(row, "conf", "");
	char name[AGENT_SHORT_MAX];
	struct json j;

	if (cli_mode(v->c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "conf", uri);
		json_end(&j, STDOUT_FILENO);
	} else
		emit_line("%s", agent_short(v->a, name, uri, 0));
	if (cli_flag(v->c, "p") > 0)
		emit_note(cli_mode(v->c),
		    "keeps no text unless you set history=N");
}

/* The controller has asked a member for us: as if he had been named. */
static void
on_asked(struct inviting *v, const struct invitee *w)
{
	size_t n = text_width(w->name);

	v->given = v->n;
	if (n > v->width)
		v->width = n;
}

static int
on_row(void *arg, const struct line *row)
{
	struct inviting *v = arg;
	const char *what = line_get_or(row, "what", "");
	const char *state = line_get_or(row, "state", "");
	const char *text, *note = line_get(row, "note");
	int code = (int)agent_int(row, "code");
	struct invitee *w;
	int is_found;
	size_t i;

	if (strcmp(what, "created") == 0) {
		on_created(v, row);
		if (note != NULL)
			emit_note(cli_mode(v->c), "%s", note);
	}
	if (strcmp(what, "invitee") != 0)
		return 0;
	w = invitee_of(v, line_get_or(row, "user", ""));
	is_found = w >= &v->who[v->given];
	if (strcmp(state, "asked") == 0) {
		on_asked(v, w);
		return 0;
	}
	if (strcmp(state, "ringing") == 0) {
		if (cli_flag(v->c, "v") > 0)
			say_answer(v, w->name, "ringing", NULL);
		return 0;
	}
	i = find_state(state);
	text = states[i].text;
	w->answered = 1;
	w->err = states[i].err;
	if (i == NSTATES - 1) {
		if (code >= 300)
			w->err = sec_err_from_sip("INVITE", code);
		if (code == 488) {
			w->err = SEC_ERR_OFFLINE; /* no device for it */
			text = v->stays[0] != '\0' ?
			    v->stays :
			    strncmp(w->name, "tel:", 4) == 0 ?
			    "no voice in this conference; not invited" :
			    "no device for this medium; not invited";
			note = NULL;
		}
	}
	if (w->group && code == 404)
		text = "nobody";
	v->came += w->err == 0;
	w->state = i;
	if (cli_mode(v->c) == EMIT_JSON)
		json_answer(row, code);
	else if (!is_found || cli_flag(v->c, "v") > 0)
		say_answer(v, w->name, text, note);
	return 0;
}

/* Of those who were found: "9 accepted, 2 declined, 14 offline". */
static void
say_found(const struct inviting *v)
{
	struct buf b = BUF_INIT;
	size_t i, k, n;

	for (k = 0; k < NSTATES; k++) {
		for (n = 0, i = v->given; i < v->n; i++)
			n += v->who[i].answered && v->who[i].state == k;
		if (n > 0)
			buf_putf(&b, "%s%zu %s", buf_len(&b) > 0 ? ", " : "", n,
			    states[k].text);
	}
	if (v->n > v->given)
		emit_note(cli_mode(v->c), "%s", buf_cstr(&b));
	buf_free(&b);
}

/* The exit code of all answers: 0 if anybody came (-w), or the first that
 * is not 0 in the order given (-W). */
static int
outcome(const struct inviting *v)
{
	int all = cli_flag(v->c, "W") > 0;
	size_t i;

	if (v->came > 0 && !all)
		return 0;
	for (i = 0; i < v->n; i++) {
		if (v->who[i].err != 0)
			return sec_err_exit(v->who[i].err);
		if (!v->who[i].answered && !v->who[i].group)
			return sec_err_exit(SEC_ERR_TIMEOUT);
	}
	return 0;
}

static void
put_who(const struct inviting *v, struct buf *b)
{
	struct buf who = BUF_INIT;
	size_t i;

	for (i = 0; i < v->n; i++)
		buf_putf(&who, "%s%s", i > 0 ? "," : "", v->typed[i]);
	if (v->n > 0)
		line_put(b, "who", buf_cstr(&who));
	buf_free(&who);
}

/* A signal has ended it, and with it what nobody has answered. */
static int
cancelled(const struct inviting *v)
{
	size_t i;

	say_found(v);
	for (i = 0; i < v->n; i++)
		if (!v->who[i].answered)
			say_answer(v, v->who[i].name,
			    v->stays[0] != '\0' ? "still asked" : "cancelled",
			    NULL);
	return 128 + stopped;
}

/* Send what was begun and stay until all have answered. */
static int
ring(struct inviting *v, struct buf *b)
{
	int64_t wait = cli_timeout(v->c, RING_MS);
	int r;

	put_who(v, b);
	if (wait == 0)
		line_put(b, "wait", "0");
	else if (v->n > 0 || v->stays[0] != '\0')
		line_put_u64(b, "timeout", (uint64_t)wait / 1000);
	if (cli_flag(v->c, "anyway") > 0)
		line_put(b, "anyway", "1");
	catch_signals(ctl_client_fd(v->a));
	r = agent_rows(v->a, (wait > 0 ? wait : CALL_MS) + MARGIN_MS, on_row, v,
	    NULL);
	if (stopped)
		return cancelled(v);
	if (r != 0)
		return agent_fail(v->c, v->a, r);
	say_found(v);
	return v->given == 0 || wait == 0 ? 0 : outcome(v);
}

static void
forget(struct inviting *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		free(v->typed[i]);
	free(v->typed);
	free(v->who);
	stop_fd = -1;
	ctl_client_close(v->a);
}

static int
check_codec(struct cli *c, const char *codec)
{
	if (codec == NULL || strcmp(codec, "opus") == 0 ||
	    strcmp(codec, "pcmu") == 0)
		return 0;
	return cli_usage(c, "--codec %s: not opus or pcmu", codec);
}

int
run_create(struct cli *c)
{
	struct inviting v = { .c = c };
	struct buf *b;
	int r;

	if ((r = typed_media(c, cli_value(c, "media"))) != 0 ||
	    (r = typed_conf_name(c, cli_value(c, "name"))) != 0 ||
	    (r = check_codec(c, cli_value(c, "codec"))) != 0 ||
	    (r = agent_open(c, &v.a)) != 0)
		return r;
	if ((r = collect(&v, cli_argv(c))) == 0) {
		b = ctl_client_begin(v.a, "create");
		line_put(b, "name", cli_value(c, "name"));
		line_put(b, "title", cli_value(c, "title"));
		line_put(b, "media", cli_value(c, "media"));
		line_put(b, "codec", cli_value(c, "codec"));
		if (cli_flag(c, "persistent") > 0)
			line_put(b, "persistent", "1");
		if (cli_flag(c, "open") > 0)
			line_put(b, "access", "domain");
		r = ring(&v, b);
	}
	forget(&v);
	return r;
}

int
run_invite(struct cli *c)
{
	struct inviting v = { .c = c };
	char conf[AGENT_CONF_MAX];
	struct buf *b;
	int r;

	if ((r = agent_open(c, &v.a)) != 0)
		return r;
	if ((r = collect(&v, cli_argv(c) + 1)) == 0 && v.n > 0 &&
	    (r = agent_conf(c, v.a, cli_argv(c)[0], conf)) == 0) {
		b = ctl_client_begin(v.a, "invite");
		line_put(b, "conf", conf);
		r = ring(&v, b);
	}
	forget(&v);
	return r;
}

/* What the answers to `spawn` say of who has no device for the medium. */
static void
set_stays(struct inviting *v, const char *conf, const char *medium)
{
	char name[AGENT_SHORT_MAX];

	snprintf(v->stays, sizeof(v->stays), "no %s device; stays in %s",
	    medium, agent_short(v->a, name, conf, 0));
}

int
run_spawn(struct cli *c)
{
	const char *medium = cli_argv(c)[1];
	struct inviting v = { .c = c };
	char conf[AGENT_CONF_MAX];
	struct buf *b;
	int r;

	if ((r = typed_media(c, medium)) != 0)
		return r;
	if (strchr(medium, ',') != NULL)
		return cli_usage(c, "%s: one medium", medium);
	if ((r = agent_open(c, &v.a)) != 0)
		return r;
	if ((r = collect(&v, cli_argv(c) + 2)) == 0 &&
	    (r = agent_conf(c, v.a, cli_argv(c)[0], conf)) == 0) {
		set_stays(&v, conf, medium);
		b = ctl_client_begin(v.a, "spawn");
		line_put(b, "conf", conf);
		line_put(b, "media", medium);
		r = ring(&v, b);
	}
	forget(&v);
	return r;
}
