/*
 * The client half of sec-confctl: each verb is a call or two to the user's
 * agent. Here: joining, leaving, answering.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/agent.h"
#include "cli/typed.h"
#include "wire/uri.h"
#include "client_verbs.h"

#include "client.h"

#include "sec-confctl.def"

/* What was spawned from the conference that is joined: it was, or was not. */
static void
say_child(struct cli *c, const struct line *row)
{
	const char *uri = line_get_or(row, "conf", "");
	struct uri u;

	if (strcmp(line_get_or(row, "state", ""), "joined") != 0)
		emit_note(cli_mode(c), "%s", line_get_or(row, "reason", uri));
	else if (uri_parse(&u, uri, "localhost") == 0)
		emit_note(cli_mode(c), "%s joined too", u.name);
}

/* One conference of an answer, for -j. */
static int
on_conf(void *arg, const struct line *row)
{
	const char *uri = line_get_or(row, "conf", "");
	struct cli *c = arg;
	struct json j;

	if (strcmp(line_get_or(row, "what", ""), "child") == 0)
		say_child(c, row);
	say_history(c, row); /* of what one is in now */
	if (cli_mode(c) != EMIT_JSON || *uri == '\0')
		return 0;
	json_begin(&j);
	json_str(&j, "conf", uri);
	json_str(&j, "invite", line_get(row, "invite"));
	json_str(&j, "state", line_get(row, "state"));
	json_end(&j, STDOUT_FILENO);
	return 0;
}

/* The call has ended with r: print what -j wants of its ok line, or why it has
 * failed. */
static int
conclude(struct cli *c, struct ctl_client *a, int r, const struct line *ok)
{
	/* What the controller does not take was typed here. */
	if (r != 0)
		r = agent_fail(c, a,
		    ctl_client_code(a) == 400 ? SEC_ERR_USAGE : r);
	else
		(void)on_conf(c, ok);
	ctl_client_close(a);
	return r;
}

/* Call begun, wait, print. */
static int
finish(struct cli *c, struct ctl_client *a)
{
	struct line ok;
	int r = agent_rows(a, cli_timeout(c, CALL_MS), on_conf, c, &ok);

	return conclude(c, a, r, &ok);
}

/* A call whose only field is a conference; NULL: `.`. 0 or an exit code. */
static int
begin(struct cli *c, const char *verb, const char *name, struct ctl_client **a)
{
	char conf[AGENT_CONF_MAX];
	struct buf *b;
	int r;

	if ((r = agent_open(c, a)) != 0)
		return r;
	if ((r = agent_conf(c, *a, name != NULL ? name : ".", conf)) != 0) {
		ctl_client_close(*a);
		return r;
	}
	b = ctl_client_begin(*a, verb);
	line_put(b, "conf", conf);
	if (cli_flag(c, "1") > 0)
		line_put(b, "alone", "1");
	return 0;
}

int
run_join(struct cli *c)
{
	struct ctl_client *a;
	struct line ok;
	int r;

	if ((r = begin(c, "join", cli_argv(c)[0], &a)) != 0)
		return r;
	r = agent_join(c, a, on_conf, c, &ok);
	return conclude(c, a, r, &ok);
}

/* set CONF NAME=VALUE ...: the controller knows the names. */
int
run_set(struct cli *c)
{
	char conf[AGENT_CONF_MAX], key[32];
	struct ctl_client *a;
	const char *eq;
	struct buf *b;
	int i, k, r;

	for (i = 1; i < cli_argc(c); i++) {
		eq = strchr(cli_argv(c)[i], '=');
		for (k = 1; k < i; k++)
			if (eq != NULL &&
			    strncmp(cli_argv(c)[k], cli_argv(c)[i],
				(size_t)(eq - cli_argv(c)[i]) + 1) == 0)
				return cli_usage(c, "%s: given twice",
				    cli_argv(c)[i]);
		if (eq == NULL || eq == cli_argv(c)[i] ||
		    (size_t)(eq - cli_argv(c)[i]) >= sizeof(key) ||
		    strspn(cli_argv(c)[i], "abcdefghijklmnopqrstuvwxyz-+") !=
			(size_t)(eq - cli_argv(c)[i]) ||
		    strncmp(cli_argv(c)[i], "conf=", 5) == 0)
			return cli_usage(c, "%s: not NAME=VALUE",
			    cli_argv(c)[i]);
	}
	if ((r = agent_open(c, &a)) != 0)
		return r;
	if ((r = agent_conf(c, a, cli_argv(c)[0], conf)) != 0) {
		ctl_client_close(a);
		return r;
	}
	b = ctl_client_begin(a, "set");
	line_put(b, "conf", conf);
	for (i = 1; i < cli_argc(c); i++) {
		eq = strchr(cli_argv(c)[i], '=');
		snprintf(key, sizeof(key), "%.*s", (int)(eq - cli_argv(c)[i]),
		    cli_argv(c)[i]);
		line_put(b, key, eq + 1);
	}
	return finish(c, a);
}

int
run_leave(struct cli *c)
{
	struct ctl_client *a;
	int r;

	if (cli_flag(c, "a") == 0)
		return (r = begin(c, "leave", cli_argv(c)[0], &a)) != 0 ?
		    r :
		    finish(c, a);
	if (cli_argc(c) > 0)
		return cli_usage(c, "one conference or -a, not both");
	if ((r = agent_open(c, &a)) != 0)
		return r;
	line_put(ctl_client_begin(a, "leave"), "all", "1");
	return finish(c, a);
}

/* Which one is meant if none is named. */
struct ringing {
	struct buf names;
	char only[64];
	int n;
};

static int
on_ringing(void *arg, const struct line *row)
{
	struct ringing *g = arg;
	const char *id = line_get_or(row, "invite", "");

	if (g->n++ == 0)
		snprintf(g->only, sizeof(g->only), "%s", id);
	buf_putf(&g->names, " %s", id);
	return 0;
}

static int
find_invite(struct cli *c, struct ctl_client *a, char *id, size_t size)
{
	struct ringing g = { BUF_INIT, "", 0 };
	int r;

	(void)ctl_client_begin(a, "invites");
	if ((r = agent_rows(a, CALL_MS, on_ringing, &g, NULL)) != 0)
		r = agent_fail(c, a, r);
	else if (g.n == 0)
		r = emit_error(cli_mode(c), SEC_ERR_NOTHING,
		    "nobody invites you");
	else if (g.n > 1)
		r = cli_usage(c, "several invitations, name one:%s",
		    buf_cstr(&g.names));
	else
		snprintf(id, size, "%s", g.only);
	buf_free(&g.names);
	return r;
}

/* accept, decline, busy */
int
run_reply(struct cli *c)
{
	struct ctl_client *a;
	char id[64];
	struct buf *b;
	int r;

	if ((r = agent_open(c, &a)) != 0)
		return r;
	if (cli_argc(c) > 0)
		snprintf(id, sizeof(id), "%s", cli_argv(c)[0]);
	else if ((r = find_invite(c, a, id, sizeof(id))) != 0) {
		ctl_client_close(a);
		return r;
	}
	b = ctl_client_begin(a, "reply");
	line_put(b, "what", cli_verb(c));
	line_put(b, "invite", id);
	line_put(b, "note", cli_value(c, "note"));
	return finish(c, a);
}

/* --- answer --- */

struct rules {
	struct cli *c;
	struct ctl_client *a;
	int asked; /* for them */
	struct table *table;
};

static int
on_rule(void *arg, const struct line *row)
{
	const char *user = line_get(row, "user");
	const char *policy = line_get_or(row, "policy", "");
	char name[AGENT_SHORT_MAX] = "everybody";
	struct rules *v = arg;
	struct json j;

	if (user != NULL)
		agent_short(v->a, name, user, 0);
	if (cli_mode(v->c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "user", user);
		json_str(&j, "policy", policy);
		json_end(&j, STDOUT_FILENO);
	} else if (v->table != NULL) {
		table_cell(v->table, name);
		table_cell(v->table, policy);
	} else if (v->asked && user != NULL)
		emit_line("%s", name);
	return 0;
}

/* The call that was begun; its rows are the rules as they stand now. */
static int
show_rules(struct rules *v)
{
	static const char *const columns[] = { "WHO", "ANSWER" };
	int r;

	if (v->asked && cli_mode(v->c) == EMIT_TABLE)
		v->table = table_new(columns, 2);
	r = agent_rows(v->a, cli_timeout(v->c, CALL_MS), on_rule, v, NULL);
	if (v->table != NULL)
		table_print(v->table, STDOUT_FILENO);
	return r != 0 ? agent_fail(v->c, v->a, r) : 0;
}

int
run_answer(struct cli *c)
{
	static const char *const policies[] = { "ask", "accept", "decline",
		"busy" };
	const char *what = cli_argc(c) > 0 ? cli_argv(c)[0] : NULL;
	struct buf who = BUF_INIT, *b;
	struct rules v = { .c = c };
	size_t i;
	int k, r;

	for (i = 0; what != NULL && i < 4 && strcmp(what, policies[i]) != 0;
	     i++)
		;
	if (what != NULL && i == 4)
		return cli_usage(c, "%s: not ask, accept, decline or busy",
		    what);
	for (k = 1; k < cli_argc(c); k++)
		if ((r = typed_who_list(c, cli_argv(c)[k])) != 0)
			return r;
	for (k = 1; k < cli_argc(c); k++)
		buf_putf(&who, "%s%s", k > 1 ? "," : "", cli_argv(c)[k]);
	if (cli_argc(c) > 1 && buf_len(&who) == 0)
		r = cli_usage(c, "an empty name is no user");
	else if ((r = agent_open(c, &v.a)) == 0) {
		b = ctl_client_begin(v.a, "policy");
		line_put(b, "what", what);
		if (buf_len(&who) > 0)
			line_put(b, "who", buf_cstr(&who));
		v.asked = what == NULL;
		r = show_rules(&v);
		ctl_client_close(v.a);
	}
	buf_free(&who);
	return r;
}

/* main() has taken it unless options stand before it. */
int
run_serve(struct cli *c)
{
	return cli_usage(c, "serve comes first: sec-confctl serve ...");
}

int
client_main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
