/*
 * list, show, invites: rows of the agent as table, identifiers or JSON.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/agent.h"
#include "client_verbs.h"

#define MEDIA_MAX 64

struct listing {
	struct cli *c;
	struct ctl_client *a;
	struct table *table;
	struct json j;
	int head; /* the line about the conference was seen */
	int is_mine; /* I am its owner */
};

/* "text,voice" as people read it. */
static const char *
words_of(char *out, const char *commas)
{
	char *s;

	text_copy(out, commas != NULL && *commas != '\0' ? commas : "-",
	    MEDIA_MAX);
	for (s = out; *s != '\0'; s++)
		if (*s == ',')
			*s = ' ';
	return out;
}

static void
put_name(struct listing *l, const char *uri)
{
	char name[AGENT_SHORT_MAX];
	struct buf b = BUF_INIT;

	emit_put_visible(&b, agent_short(l->a, name, uri, 0));
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}

static void
json_some(struct json *j, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		json_str(j, name, value);
}

static void
json_when(struct json *j, const char *name, const struct line *row,
    const char *key)
{
	if (agent_int(row, key) > 0)
		json_time(j, name, agent_int(row, key));
}

static int
on_list(void *arg, const struct line *row)
{
	const char *uri = line_get_or(row, "conf", "");
	char name[AGENT_SHORT_MAX], media[MEDIA_MAX], at[16] = "-";
	struct listing *l = arg;
	struct json j;

	if (cli_flag(l->c, "persistent") > 0 &&
	    agent_int(row, "persistent") != 1)
		return 0;
	switch (cli_mode(l->c)) {
	case EMIT_QUIET: put_name(l, uri); return 0;
	case EMIT_JSON:
		json_begin(&j);
		json_str(&j, "conf", uri);
		json_some(&j, "title", line_get(row, "title"));
		json_list(&j, "media", line_get(row, "media"));
		json_int(&j, "in", agent_int(row, "in"));
		json_some(&j, "creator", line_get(row, "creator"));
		json_when(&j, "since", row, "since");
		json_some(&j, "access", line_get(row, "access"));
		json_bool(&j, "member", agent_int(row, "member") == 1);
		json_bool(&j, "persistent", agent_int(row, "persistent") == 1);
		json_end(&j, STDOUT_FILENO);
		return 0;
	case EMIT_TABLE: break;
	}
	if (agent_int(row, "since") > 0)
		clock_hhmm(agent_int(row, "since"), at);
	table_cell(l->table, agent_short(l->a, name, uri, 0));
	table_cell(l->table, words_of(media, line_get(row, "media")));
	table_cell(l->table, line_get_or(row, "in", "-"));
	table_cell(l->table,
	    agent_short(l->a, name, line_get(row, "creator"), 0));
	table_cell(l->table, at);
	table_cell(l->table, line_get_or(row, "title", ""));
	return 0;
}

/* The call that was begun; the rows of a table are printed at its end. */
static int
finish(struct listing *l, int (*cb)(void *arg, const struct line *row))
{
	int r;

	r = agent_rows(l->a, cli_timeout(l->c, CALL_MS), cb, l, NULL);
	if (l->table != NULL)
		table_print(l->table, STDOUT_FILENO);
	if (r != 0)
		r = agent_fail(l->c, l->a, r);
	return r;
}

int
run_list(struct cli *c)
{
	static const char *const columns[] = { "CONF", "MEDIA", "IN", "CREATOR",
		"SINCE", "TITLE" };
	static const char *const persistent[] = { "CONF", "MEDIA", "IN",
		"OWNER", "CREATED", "TITLE" };
	int stay = cli_flag(c, "persistent") > 0;
	struct listing l = { .c = c };
	struct buf *b;
	int r;

	if ((r = agent_open(c, &l.a)) != 0)
		return r;
	l.table = table_new(stay ? persistent : columns, 6);
	b = ctl_client_begin(l.a, "list");
	if (stay || cli_flag(c, "a") > 0)
		line_put(b, "all", "1");
	r = finish(&l, on_list);
	ctl_client_close(l.a);
	return r;
}

void
say_history(struct cli *c, const struct line *row)
{
	if (strcmp(line_get_or(row, "history", "off"), "off") == 0)
		return;
	emit_note(cli_mode(c), "keeps its last %s lines of text%s",
	    line_get(row, "history"),
	    strcmp(line_get_or(row, "history_from", ""), "begin") == 0 ?
		"" :
		", for each from his joining on");
}

/* standup  text  open 14:10  key generation 2  creator alice */
static void
print_head(struct listing *l, const struct line *row)
{
	char name[AGENT_SHORT_MAX], media[MEDIA_MAX], at[16] = "-";
	const char *title = line_get_or(row, "title", "");
	struct buf b = BUF_INIT, line = BUF_INIT;
	int64_t epoch = agent_int(row, "epoch");

	buf_putf(&b, "%s  ", agent_short(l->a, name, line_get(row, "conf"), 0));
	if (line_get(row, "media") != NULL)
		buf_putf(&b, "%s  ", words_of(media, line_get(row, "media")));
	buf_put_str(&b, line_get_or(row, "state", "open"));
	if (agent_int(row, "created") > 0)
		buf_putf(&b, " %s", clock_hhmm(agent_int(row, "created"), at));
	if (epoch > 0)
		buf_putf(&b, "  key generation %lld", (long long)epoch);
	if (line_get(row, "creator") != NULL)
		buf_putf(&b, "  %s %s",
		    agent_int(row, "persistent") == 1 ? "persistent, owner" :
							"creator",
		    agent_short(l->a, name, line_get(row, "creator"), 0));
	if (*line_get_or(row, "parent", "") != '\0')
		buf_putf(&b, "  from %s",
		    agent_short(l->a, name, line_get(row, "parent"), 0));
	if (strcmp(line_get_or(row, "speak", "all"), "all") != 0)
		buf_putf(&b, "  speak=%s", line_get(row, "speak"));
	if (strcmp(line_get_or(row, "lobby", "off"), "on") == 0)
		buf_put_str(&b, "  lobby=on");
	if (strcmp(line_get_or(row, "locked", "no"), "yes") == 0)
		buf_put_str(&b, "  locked");
	if (strcmp(line_get_or(row, "invite", "all"), "all") != 0)
		buf_putf(&b, "  invite=%s", line_get(row, "invite"));
	if (*title != '\0')
		buf_putf(&b, "  \"%s\"", title);
	emit_put_visible(&line, buf_cstr(&b));
	emit_line("%s", buf_cstr(&line));
	buf_free(&b);
	buf_free(&line);
	if (cli_flag(l->c, "v") > 0 && line_get(row, "suite") != NULL)
		emit_note(EMIT_TABLE, "cipher %s%s%s", line_get(row, "suite"),
		    line_get(row, "voice_suite") != NULL ? ", of voice " : "",
		    line_get_or(row, "voice_suite", ""));
	if (cli_flag(l->c, "v") > 0 && line_get(row, "streams") != NULL)
		emit_note(EMIT_TABLE,
		    "access=%s streams=%s select=%s level=%s codec=%s "
		    "record=%s directory=%s",
		    line_get_or(row, "access", ""),
		    line_get_or(row, "streams", ""),
		    line_get_or(row, "select", ""),
		    line_get_or(row, "level", ""),
		    line_get_or(row, "codec", ""),
		    line_get_or(row, "record", ""),
		    line_get_or(row, "directory", ""));
	say_history(l->c, row);
}

/* Everything but its members, whose array stays open. */
static void
json_head(struct listing *l, const struct line *row)
{
	struct json *j = &l->j;

	json_str(j, "conf", line_get(row, "conf"));
	json_some(j, "title", line_get(row, "title"));
	json_list(j, "media", line_get(row, "media"));
	json_some(j, "state", line_get(row, "state"));
	json_some(j, "access", line_get(row, "access"));
	json_when(j, "created", row, "created");
	json_some(j, "creator", line_get(row, "creator"));
	json_some(j, "parent", line_get(row, "parent"));
	if (agent_int(row, "persistent") == 1) {
		json_bool(j, "persistent", 1);
		json_some(j, "owner", line_get(row, "creator"));
	}
	if (agent_int(row, "epoch") > 0)
		json_int(j, "key_gen", agent_int(row, "epoch"));
	json_some(j, "suite", line_get(row, "suite"));
	json_some(j, "voice_suite", line_get(row, "voice_suite"));
	json_some(j, "id", line_get(row, "cid"));
	json_some(j, "codec", line_get(row, "codec"));
	if (agent_int(row, "streams") > 0)
		json_int(j, "streams", agent_int(row, "streams"));
	json_some(j, "select", line_get(row, "select"));
	json_some(j, "level", line_get(row, "level"));
	json_some(j, "record", line_get(row, "record"));
	json_some(j, "speak", line_get(row, "speak"));
	json_some(j, "lobby", line_get(row, "lobby"));
	json_some(j, "locked", line_get(row, "locked"));
	json_some(j, "invite", line_get(row, "invite"));
	json_some(j, "directory", line_get(row, "directory"));
	json_some(j, "history", line_get(row, "history"));
	json_some(j, "history_from", line_get(row, "history_from"));
	json_array(j, "members");
}

/* What a member is besides his status. */
static const char *const marks[] = { "hand", "muted", "floor" };
#define NMARKS (sizeof(marks) / sizeof(*marks))

/* "moderator hand recorder read=1764000000000" */
static const char *
marks_of(const struct line *row, struct buf *out)
{
	size_t i;

	buf_put_str(out, line_get_or(row, "role", ""));
	for (i = 0; i < NMARKS; i++)
		if (agent_int(row, marks[i]) == 1)
			buf_putf(out, " %s", marks[i]);
	if (strstr(line_get_or(row, "via", ""), "recorder") != NULL)
		buf_put_str(out, " recorder");
	if (agent_int(row, "read") > 0)
		buf_putf(out, " read=%lld", (long long)agent_int(row, "read"));
	return buf_cstr(out) + (*buf_cstr(out) == ' ');
}

static void
json_member(struct listing *l, const struct line *row)
{
	size_t i;

	json_object(&l->j);
	json_str(&l->j, "user", line_get(row, "user"));
	json_str(&l->j, "status", line_get(row, "status"));
	if (agent_int(row, "reason") > 0)
		json_int(&l->j, "reason", agent_int(row, "reason"));
	json_list(&l->j, "media", line_get(row, "media"));
	json_some(&l->j, "via", line_get(row, "via"));
	json_list(&l->j, "q", line_get(row, "q"));
	json_when(&l->j, "since", row, "since");
	json_some(&l->j, "role", line_get(row, "role"));
	for (i = 0; i < NMARKS; i++)
		if (agent_int(row, marks[i]) == 1)
			json_bool(&l->j, marks[i], 1);
	if (agent_int(row, "read") > 0)
		json_int(&l->j, "read", agent_int(row, "read"));
	json_close(&l->j, '}');
}

static int
on_show(void *arg, const struct line *row)
{
	const char *what = line_get_or(row, "what", "");
	const char *user = line_get_or(row, "user", "");
	char name[AGENT_SHORT_MAX], media[MEDIA_MAX];
	struct buf words = BUF_INIT;
	enum emit_mode mode;
	struct listing *l = arg;

	mode = cli_mode(l->c);
	if (strcmp(what, "conf") == 0 && !l->head) {
		l->head = 1;
		l->is_mine = strcmp(line_get_or(row, "creator", ""),
				 agent_user(l->a)) == 0;
		if (mode == EMIT_JSON)
			json_head(l, row);
		else if (mode == EMIT_TABLE)
			print_head(l, row);
	}
	if (strcmp(what, "member") != 0 || !l->head)
		return 0;
	if (mode == EMIT_JSON) {
		json_member(l, row);
		return 0;
	}
	if (strcmp(line_get_or(row, "status", ""), "left") == 0)
		return 0;
	if (mode == EMIT_QUIET) {
		put_name(l, user);
		return 0;
	}
	table_cell(l->table, agent_short(l->a, name, user, 0));
	table_cell(l->table, line_get_or(row, "status", "-"));
	table_cell(l->table, words_of(media, line_get(row, "media")));
	table_cell(l->table, marks_of(row, &words));
	buf_free(&words);
	return 0;
}

#define LISTS_MS 2000

static void
show_list(struct listing *l, const char *name, const char *users)
{
	struct buf b = BUF_INIT;

	if (*users == '\0')
		return;
	names_put(l->a, users, &b);
	if (cli_mode(l->c) == EMIT_JSON)
		json_list(&l->j, name, users);
	else
		emit_line("%s: %s", name, buf_cstr(&b));
	buf_free(&b);
}

/* What the owner alone is told. The rest the agent knows by itself: it is
 * shown even when the controller is away. */
static void
show_lists(struct listing *l, const char *conf)
{
	struct line ok;

	line_put(ctl_client_begin(l->a, "lists"), "conf", conf);
	if (agent_rows(l->a, LISTS_MS, NULL, NULL, &ok) != 0)
		return;
	show_list(l, "watch", line_get_or(&ok, "watch", ""));
	show_list(l, "moderator", line_get_or(&ok, "moderator", ""));
}

int
run_show(struct cli *c)
{
	/* No header: the first line is about the conference. */
	static const char *const columns[] = { "", "", "", "" };
	struct listing l = { .c = c };
	char conf[AGENT_CONF_MAX];
	int r;

	if ((r = agent_open(c, &l.a)) != 0)
		return r;
	if ((r = agent_conf(c, l.a, cli_argv(c)[0], conf)) == 0) {
		json_begin(&l.j);
		l.table = table_new(columns, 4);
		line_put(ctl_client_begin(l.a, "show"), "conf", conf);
		r = finish(&l, on_show);
		if (cli_mode(c) == EMIT_JSON && l.head && r == 0)
			json_close(&l.j, ']');
		if (l.is_mine && r == 0 && cli_mode(c) != EMIT_QUIET)
			show_lists(&l, conf);
		if (cli_mode(c) == EMIT_JSON && l.head && r == 0) {
			json_end(&l.j, STDOUT_FILENO);
		} else
			buf_free(&l.j.b);
	}
	ctl_client_close(l.a);
	return r;
}

/* "4s", "12m", "3h" */
static const char *
age(char *out, size_t size, int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;

	if (s < 60)
		snprintf(out, size, "%ds", (int)s);
	else if (s < 3600)
		snprintf(out, size, "%dm", (int)(s / 60));
	else
		snprintf(out, size, "%dh", (int)(s / 3600 % 10000));
	return out;
}

static int
on_invite(void *arg, const struct line *row)
{
	char name[AGENT_SHORT_MAX], media[MEDIA_MAX], old[16];
	const char *id = line_get_or(row, "invite", "");
	int64_t at = agent_int(row, "at");
	struct listing *l = arg;
	struct json j;

	switch (cli_mode(l->c)) {
	case EMIT_QUIET: emit_line("%s", id); return 0;
	case EMIT_JSON:
		json_begin(&j);
		if (at > 0)
			json_time(&j, "time", at);
		json_str(&j, "conf", line_get(row, "conf"));
		json_str(&j, "user", line_get(row, "user"));
		json_list(&j, "media", line_get(row, "media"));
		json_str(&j, "invite", id);
		json_end(&j, STDOUT_FILENO);
		return 0;
	case EMIT_TABLE: break;
	}
	table_cell(l->table, id);
	table_cell(l->table, agent_short(l->a, name, line_get(row, "user"), 0));
	table_cell(l->table, agent_short(l->a, name, line_get(row, "conf"), 0));
	table_cell(l->table, words_of(media, line_get(row, "media")));
	table_cell(l->table, age(old, sizeof(old), clock_real() - at));
	return 0;
}

int
run_invites(struct cli *c)
{
	static const char *const columns[] = { "ID", "FROM", "CONF", "MEDIA",
		"AGE" };
	struct listing l = { .c = c };
	int r;

	if ((r = agent_open(c, &l.a)) != 0)
		return r;
	l.table = table_new(columns, 5);
	(void)ctl_client_begin(l.a, "invites");
	r = finish(&l, on_invite);
	ctl_client_close(l.a);
	return r;
}
