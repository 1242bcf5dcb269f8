/*
 * sec-mix: what I hear of each conference, and where my microphone goes.
 * The agent keeps it, and tells the devices and the controller.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/mix.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/agent.h"

#define CALL_MS 10000 /* -T when not given */
#define NOW_MS	3000 /* heard so lately is "now" */

/* --- one call, one answer --- */

struct ask {
	struct cli *c;
	struct ctl_client *a;
	struct buf *b; /* the line begun */
};

/* Begin a call about the conference that was typed, NULL: about all. */
static int
ask_begin(struct ask *k, struct cli *c, const char *verb, const char *conf)
{
	char full[AGENT_CONF_MAX];
	int r;

	k->c = c;
	if ((r = agent_open(c, &k->a)) != 0)
		return r;
	if (conf != NULL && (r = agent_conf(c, k->a, conf, full)) != 0) {
		ctl_client_close(k->a);
		return r;
	}
	k->b = ctl_client_begin(k->a, verb);
	if (conf != NULL)
		line_put(k->b, "conf", full);
	return 0;
}

static int
ask_end(struct ask *k)
{
	int r;

	r = agent_rows(k->a, cli_timeout(k->c, CALL_MS), NULL, NULL, NULL);
	if (r != 0)
		r = agent_fail(k->c, k->a, r);
	ctl_client_close(k->a);
	return r;
}

/* The n-th operand if it is one of words, else NULL. */
static const char *
word_of(struct cli *c, int n, const char *const *words)
{
	if (n >= cli_argc(c))
		return words[0];
	for (; *words != NULL; words++)
		if (strcmp(cli_argv(c)[n], *words) == 0)
			return *words;
	return NULL;
}

/* --- list --- */

struct list {
	struct cli *c;
	struct ctl_client *a;
	struct table *table;
	int64_t now;
};

/* I listen to another one. */
static int
is_held(const struct line *row)
{
	return strcmp(line_get_or(row, "focus", ""), "held") == 0;
}

static int
is_muted(const struct line *row)
{
	return strcmp(line_get_or(row, "mute", ""), "on") == 0;
}

static void
list_json(const struct line *row)
{
	struct json j;

	json_begin(&j);
	json_str(&j, "conf", line_get_or(row, "conf", ""));
	json_str(&j, "mode", line_get_or(row, "mode", "hear"));
	json_int(&j, "vol", agent_int(row, "vol"));
	json_str(&j, "mic", line_get_or(row, "mic", "off"));
	json_bool(&j, "held", is_held(row));
	json_bool(&j, "muted", is_muted(row));
	json_list(&j, "talking", line_get_or(row, "talking", ""));
	if (agent_int(row, "heard") > 0)
		json_time(&j, "heard", agent_int(row, "heard"));
	json_end(&j, STDOUT_FILENO);
}

static void
put_talking(struct list *l, struct buf *b, const char *users)
{
	char uri[AGENT_CONF_MAX], name[AGENT_SHORT_MAX];
	size_t n;

	for (; *users != '\0'; users += n + (users[n] == ',')) {
		n = strcspn(users, ",");
		if (n == 0 || n >= sizeof(uri))
			continue;
		memcpy(uri, users, n);
		uri[n] = '\0';
		buf_putf(b, "%s%s", buf_len(b) > 0 ? " " : "",
		    agent_short(l->a, name, uri, 0));
	}
	if (buf_len(b) == 0)
		buf_put_str(b, "-");
}

static int
on_list(void *arg, const struct line *row)
{
	struct list *l = arg;
	char name[AGENT_SHORT_MAX], text[40];
	int64_t heard = agent_int(row, "heard");
	struct buf who = BUF_INIT;

	agent_short(l->a, name, line_get(row, "conf"), 0);
	if (cli_mode(l->c) == EMIT_JSON) {
		list_json(row);
		return 0;
	}
	if (cli_mode(l->c) == EMIT_QUIET) {
		emit_line("%s", name);
		return 0;
	}
	table_cell(l->table, name);
	table_cell(l->table,
	    is_muted(row)    ? "muted" :
		is_held(row) ? "held" :
			       line_get_or(row, "mode", "hear"));
	snprintf(text, sizeof(text), "%lld dB",
	    (long long)agent_int(row, "vol"));
	table_cell(l->table, text);
	table_cell(l->table, line_get_or(row, "mic", "off"));
	put_talking(l, &who, line_get_or(row, "talking", ""));
	table_cell(l->table, buf_cstr(&who));
	buf_free(&who);
	if (heard == 0)
		table_cell(l->table, "-");
	else if (l->now - heard < NOW_MS)
		table_cell(l->table, "now");
	else
		table_cell(l->table, clock_hhmm(heard, text));
	return 0;
}

static int
run_list(struct cli *c)
{
	static const char *const columns[] = { "CONF", "MODE", "VOL", "MIC",
		"TALKING", "HEARD" };
	struct list l = { .c = c, .now = clock_real() };
	int r;

	if ((r = agent_open(c, &l.a)) != 0)
		return r;
	if (cli_mode(c) == EMIT_TABLE)
		l.table = table_new(columns, 6);
	ctl_client_begin(l.a, "mix");
	r = agent_rows(l.a, cli_timeout(c, CALL_MS), on_list, &l, NULL);
	if (l.table != NULL)
		table_print(l.table, STDOUT_FILENO);
	if (r != 0)
		r = agent_fail(c, l.a, r);
	ctl_client_close(l.a);
	return r;
}

/* --- what changes something --- */

static int
run_mic(struct cli *c)
{
	static const char *const words[] = { "toggle", "on", "off", NULL };
	const char *what = word_of(c, 1, words), *t = cli_value(c, "time");
	int64_t seconds = 0;
	struct ask k;
	int r;

	if (what == NULL)
		return cli_usage(c, "mic is on, off or toggle, not %s",
		    cli_argv(c)[1]);
	if (t != NULL && (seconds = clock_parse_span(t)) <= 0)
		return cli_usage(c, "-t wants a time, as 45m or 10, not %s", t);
	if ((r = ask_begin(&k, c, "mic", cli_argv(c)[0])) != 0)
		return r;
	line_put(k.b, "what", what);
	if (seconds > 0)
		line_put_u64(k.b, "t", (uint64_t)seconds);
	return ask_end(&k);
}

static int
run_focus(struct cli *c)
{
	struct ask k;
	int r;

	if ((r = ask_begin(&k, c, "focus", cli_argv(c)[0])) != 0)
		return r;
	if (cli_flag(c, "local"))
		line_put(k.b, "local", "1");
	return ask_end(&k);
}

static int
run_all(struct cli *c)
{
	struct ask k;
	int r;

	if ((r = ask_begin(&k, c, "all", NULL)) != 0)
		return r;
	return ask_end(&k);
}

static int
run_mode(struct cli *c)
{
	static const char *const words[] = { "hear", "earcon", "light", "alert",
		NULL };
	const char *what = word_of(c, 1, words);
	struct ask k;
	int r;

	if (what == NULL)
		return cli_usage(c,
		    "a mode is hear, earcon, light or alert, not %s",
		    cli_argv(c)[1]);
	if ((r = ask_begin(&k, c, "mode", cli_argv(c)[0])) != 0)
		return r;
	line_put(k.b, "what", what);
	return ask_end(&k);
}

static int
run_vol(struct cli *c)
{
	const char *s = cli_argv(c)[1];
	struct ask k;
	char *end;
	long db;
	int r;

	errno = 0;
	db = strtol(s, &end, 10);
	if (end == s || *end != '\0' || errno != 0 || db < MIX_VOL_MIN ||
	    db > MIX_VOL_MAX)
		return cli_usage(c, "a volume is %d to %d dB, not %s",
		    MIX_VOL_MIN, MIX_VOL_MAX, s);
	if ((r = ask_begin(&k, c, "vol", cli_argv(c)[0])) != 0)
		return r;
	line_putf(k.b, "db", "%ld", db);
	return ask_end(&k);
}

static int
run_mute(struct cli *c)
{
	static const char *const words[] = { "toggle", "on", "off", NULL };
	const char *what = word_of(c, 0, words);
	struct ask k;
	int r;

	if (what == NULL)
		return cli_usage(c, "mute is on, off or toggle, not %s",
		    cli_argv(c)[0]);
	if ((r = ask_begin(&k, c, "mute", NULL)) != 0)
		return r;
	line_put(k.b, "what", what);
	return ask_end(&k);
}

/* --- sounds --- */

struct names {
	struct ctl_client *a;
	const char *typed;
	int is_conf;
};

static int
on_name(void *arg, const struct line *row)
{
	struct names *n = arg;
	const char *conf = line_get_or(row, "conf", "");
	char name[AGENT_SHORT_MAX];

	n->is_conf |= strcmp(n->typed, conf) == 0 ||
	    strcmp(n->typed, agent_short(n->a, name, conf, 0)) == 0;
	return 0;
}

/* A file by its whole path, since the devices live elsewhere. 0 or an exit
 * code. */
static int
sound_path(struct cli *c, const char *file, char path[PATH_MAX])
{
	if (strcmp(file, "click") == 0 || strcmp(file, "none") == 0) {
		text_copy(path, file, PATH_MAX);
		return 0;
	}
	if (realpath(file, path) == NULL || access(path, R_OK) != 0)
		return emit_error(cli_mode(c),
		    errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_DENIED,
		    "%s: %s", file, strerror(errno));
	return 0;
}

static int
run_sound(struct cli *c)
{
	const char *typed = cli_argv(c)[0];
	char path[PATH_MAX], conf[AGENT_CONF_MAX];
	struct names n = { .typed = typed };
	int r;

	if ((r = sound_path(c, cli_argv(c)[1], path)) != 0 ||
	    (r = agent_open(c, &n.a)) != 0)
		return r;
	/* Where users and conferences may both stand (COMMANDS.md 1), one
	 * that I am in comes first. */
	n.is_conf = strcmp(typed, ".") == 0 || strncmp(typed, "conf:", 5) == 0;
	ctl_client_begin(n.a, "mix");
	r = agent_rows(n.a, cli_timeout(c, CALL_MS), on_name, &n, NULL);
	if (r == 0 && n.is_conf && (r = agent_conf(c, n.a, typed, conf)) != 0) {
		ctl_client_close(n.a);
		return r;
	}
	if (r == 0) {
		struct buf *b = ctl_client_begin(n.a, "sound");

		line_put(b, n.is_conf ? "conf" : "who",
		    n.is_conf ? conf : typed);
		line_put(b, "file", path);
		r = agent_rows(n.a, cli_timeout(c, CALL_MS), NULL, NULL, NULL);
	}
	if (r != 0)
		r = agent_fail(c, n.a, r);
	ctl_client_close(n.a);
	return r;
}

/* --- levels --- */

static int
on_level(void *arg, const struct line *row)
{
	struct list *l = arg;
	char conf[AGENT_SHORT_MAX], user[AGENT_SHORT_MAX];
	struct json j;

	if (cli_mode(l->c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "conf", line_get_or(row, "conf", ""));
		json_str(&j, "user", line_get_or(row, "user", ""));
		json_int(&j, "level_db", agent_int(row, "level_db"));
		json_str(&j, "mic", line_get_or(row, "mic", "off"));
		json_end(&j, STDOUT_FILENO);
		return 0;
	}
	/* Words, for screen readers and braille too. */
	emit_line("%s %s %lld dB",
	    agent_short(l->a, conf, line_get(row, "conf"), 0),
	    agent_short(l->a, user, line_get(row, "user"), 0),
	    (long long)agent_int(row, "level_db"));
	return 0;
}

static int
run_levels(struct cli *c)
{
	struct list l = { .c = c };
	int r;

	if ((r = agent_open(c, &l.a)) != 0)
		return r;
	ctl_client_begin(l.a, "levels");
	r = agent_rows(l.a, cli_timeout(c, -1), on_level, &l, NULL);
	/* Whoever gives -T wants them for so long. */
	if (r == SEC_ERR_TIMEOUT)
		r = sec_err_exit(r);
	else if (r != 0)
		r = agent_fail(c, l.a, r);
	ctl_client_close(l.a);
	return r;
}

#include "sec-mix.def"

int
main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
