/*
 * What a user asks of a conference by one line: VERB CONF [WHO ...]. The
 * agent passes it on, the controller decides; here the outcome is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/agent.h"
#include "cli/typed.h"
#include "client_verbs.h"

#define STATUS_UNSURE 412 /* the controller wants to be asked twice */

struct order {
	struct cli *c;
	struct ctl_client *a;
	char conf[AGENT_CONF_MAX];
	struct buf who; /* with commas */
	int r; /* a name that is none */
};

static void
add_name(void *arg, const char *name)
{
	struct order *o = arg;

	if (o->r == 0 && *name == '\0')
		o->r = cli_usage(o->c, "an empty name is no user");
	if (o->r == 0 && (o->r = typed_who_list(o->c, name)) == 0)
		buf_putf(&o->who, "%s%s", buf_len(&o->who) > 0 ? "," : "",
		    name);
}

static void
say(const struct order *o, const struct line *ok)
{
	const char *removed = line_get_or(ok, "removed", "");
	long long epoch = agent_int(ok, "epoch");
	long long members = agent_int(ok, "members");
	struct buf b = BUF_INIT;

	names_put(o->a, removed, &b);
	if (*removed != '\0' && epoch > 0)
		emit_note(cli_mode(o->c), "%s removed; key generation %lld",
		    buf_cstr(&b), epoch);
	else if (*removed != '\0')
		emit_note(cli_mode(o->c), "%s removed", buf_cstr(&b));
	else if (epoch > 0 && cli_mode(o->c) == EMIT_TABLE)
		emit_line("key generation %lld, %lld member%s", epoch, members,
		    text_plural((size_t)members));
	buf_free(&b);
}

static void
say_json(const struct line *ok)
{
	struct json j;

	json_begin(&j);
	json_str(&j, "conf", line_get_or(ok, "conf", ""));
	if (line_get(ok, "removed") != NULL)
		json_list(&j, "removed", line_get(ok, "removed"));
	if (agent_int(ok, "epoch") > 0) {
		json_int(&j, "key_gen", agent_int(ok, "epoch"));
		json_int(&j, "members", agent_int(ok, "members"));
	}
	json_end(&j, STDOUT_FILENO);
}

/* 0 or SEC_ERR_*. */
static int
send_order(struct order *o, const char *sure)
{
	struct buf *b = ctl_client_begin(o->a, cli_verb(o->c));
	struct line ok;
	int r;

	line_put(b, "conf", o->conf);
	if (buf_len(&o->who) > 0)
		line_put(b, "who", buf_cstr(&o->who));
	line_put(b, "sure", sure);
	r = agent_rows(o->a, cli_timeout(o->c, CALL_MS), NULL, NULL, &ok);
	if (r == 0 && cli_mode(o->c) == EMIT_JSON)
		say_json(&ok);
	else if (r == 0)
		say(o, &ok);
	return r;
}

/* Exit code of one that failed. */
static int
refused(struct order *o, int r)
{
	/* What the controller does not take was typed here. */
	return agent_fail(o->c, o->a,
	    ctl_client_code(o->a) == 400 ? SEC_ERR_USAGE : r);
}

/* An exit code. */
static int
order(struct order *o, int (*carry_out)(struct order *o))
{
	char **names = cli_argv(o->c);
	int r;

	names_each(names + 1, add_name, o);
	if ((r = o->r) == 0 && (r = agent_open(o->c, &o->a)) == 0) {
		if ((r = agent_conf(o->c, o->a, names[0], o->conf)) == 0)
			r = carry_out(o);
		ctl_client_close(o->a);
	}
	buf_free(&o->who);
	return r;
}

static int
do_order(struct order *o)
{
	int r = send_order(o, NULL);

	return r != 0 ? refused(o, r) : 0;
}

int
run_order(struct cli *c)
{
	struct order o = { .c = c };

	return order(&o, do_order);
}

/* --- end --- */

/* What would be lost is in the reason; only its name, typed, deletes it. */
static int
is_typed(struct order *o)
{
	char *typed = NULL, name[AGENT_SHORT_MAX];
	size_t cap = 0;
	ssize_t n;
	int same;

	fprintf(stderr, "%s: %s; type the name to delete it: ", cli_prog_name,
	    ctl_client_why(o->a));
	n = getline(&typed, &cap, stdin);
	if (n > 0 && typed[n - 1] == '\n')
		typed[n - 1] = '\0';
	agent_short(o->a, name, o->conf, 0);
	same = n > 0 && strcmp(typed, name) == 0;
	free(typed);
	return same;
}

static int
do_end(struct order *o)
{
	int r = send_order(o, cli_flag(o->c, "yes") > 0 ? "yes" : NULL);

	if (r != 0 && ctl_client_code(o->a) == STATUS_UNSURE) {
		if (!cli_may_ask(o->c))
			return cli_usage(o->c, "%s: -y ends it",
			    ctl_client_why(o->a));
		if (!is_typed(o))
			return emit_error(cli_mode(o->c), SEC_ERR_NO,
			    "not ended");
		r = send_order(o, "yes");
	}
	return r != 0 ? refused(o, r) : 0;
}

int
run_end(struct cli *c)
{
	struct order o = { .c = c };

	return order(&o, do_end);
}
