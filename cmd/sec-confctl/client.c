/*
 * The client half of sec-confctl: each verb is a call or two to the user's
 * agent. Here: joining, leaving, answering.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/agent.h"
#include "cli/typed.h"
#include "client_verbs.h"

#include "client.h"

#include "sec-confctl.def"

/* Call begun, wait, print what -j wants of its ok line. */
static int
finish(struct cli *c, struct ctl_client *a)
{
	const char *uri;
	struct line ok;
	struct json j;
	int r;

	r = agent_rows(a, cli_timeout(c, CALL_MS), NULL, NULL, &ok);
	if (r != 0)
		r = agent_fail(c, a, r);
	else if (cli_mode(c) == EMIT_JSON) {
		json_begin(&j);
		if ((uri = line_get(&ok, "conf")) != NULL && *uri != '\0')
			json_str(&j, "conf", uri);
		json_str(&j, "invite", line_get(&ok, "invite"));
		json_end(&j, 1);
	}
	ctl_client_close(a);
	return r;
}

/* A call whose only field is a conference; NULL: `.`. */
static int
call_conf(struct cli *c, const char *verb, const char *name)
{
	char conf[AGENT_CONF_MAX];
	struct ctl_client *a;
	int r;

	if ((r = agent_open(c, &a)) != 0)
		return r;
	if ((r = agent_conf(c, a, name != NULL ? name : ".", conf)) != 0) {
		ctl_client_close(a);
		return r;
	}
	line_put(ctl_client_begin(a, verb), "conf", conf);
	return finish(c, a);
}

int
run_join(struct cli *c)
{
	return call_conf(c, "join", cli_argv(c)[0]);
}

int
run_end(struct cli *c)
{
	return call_conf(c, "end", cli_argv(c)[0]);
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
		    strspn(cli_argv(c)[i], "abcdefghijklmnopqrstuvwxyz-") !=
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
		return call_conf(c, "leave", cli_argv(c)[0]);
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

int
run_answer(struct cli *c)
{
	static const char *const policies[] = { "ask", "accept", "decline",
		"busy" };
	const char *what = cli_argv(c)[0];
	struct buf who = BUF_INIT, *b;
	struct ctl_client *a;
	size_t i;
	int k, r;

	for (i = 0; i < 4 && strcmp(what, policies[i]) != 0; i++)
		;
	if (i == 4)
		return cli_usage(c, "%s: not ask, accept, decline or busy",
		    what);
	for (k = 1; k < cli_argc(c); k++)
		if ((r = typed_who_list(c, cli_argv(c)[k])) != 0)
			return r;
	for (k = 1; k < cli_argc(c); k++)
		buf_putf(&who, "%s%s", k > 1 ? "," : "", cli_argv(c)[k]);
	if ((r = agent_open(c, &a)) == 0) {
		b = ctl_client_begin(a, "policy");
		line_put(b, "what", what);
		if (buf_len(&who) > 0)
			line_put(b, "who", buf_cstr(&who));
		r = finish(c, a);
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
