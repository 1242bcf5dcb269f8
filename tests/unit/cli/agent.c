/* Which session, `.`, and calls to the agent. */
#include <fcntl.h>

#include "base/err.h"
#include "capture.h"
#include "cli/agent.h"
#include "fakeagent.h"

#define MEMBER(name) "row conf=sip:" name "@conf.lab.test member=1\n"

static const struct fake alice[] = {
	FAKE_STATUS,
	{ "list", MEMBER("standup") "ok" },
	{ "show conf=a", "row what=conf n=1\nrow what=member n=2\nok n=3" },
	{ "show conf=b", "error code=404 reason=b:%20no%20such%20conference" },
	{ "show conf=c", "!close" },
	{ "show conf=d", "row what=conf" },
	{ NULL, NULL },
};

static const struct fake bob[] = {
	{ "status", "ok user=sip:bob@lab.test domain=lab.test" },
	{ "list",
	    MEMBER("x") MEMBER("y") "row conf=sip:z@conf.lab.test member=0\n"
				    "ok" },
	{ NULL, NULL },
};

static const struct fake carol[] = {
	{ "status", "ok user=sip:carol@lab.test domain=lab.test" },
	{ "list", "ok" },
	{ NULL, NULL },
};

static char conf[AGENT_CONF_MAX], user[128];
static int rows;

static int
on_row(void *arg, const struct line *row)
{
	(void)row;
	rows++;
	return *(int *)arg == rows ? 77 : 0;
}

/* `show X`, as a tool would. */
static int
show(struct cli *c)
{
	struct ctl_client *a;
	struct line ok;
	int r, stop = 0;

	rows = 0;
	if ((r = agent_open(c, &a)) != 0)
		return r;
	snprintf(user, sizeof(user), "%s", agent_user(a));
	if ((r = agent_conf(c, a, cli_argv(c)[0], conf)) == 0 &&
	    strlen(conf) == 1) {
		stop = strcmp(conf, "a") == 0 && cli_flag(c, "j") ? 2 : 0;
		line_put(ctl_client_begin(a, "show"), "conf", conf);
		r = agent_rows(a, 200, on_row, &stop, &ok);
		if (r == 0)
			r = (int)agent_int(&ok, "n");
		else if (r < 0)
			r = agent_fail(c, a, r);
	}
	ctl_client_close(a);
	return r;
}

static const struct cli_verb verbs[] = {
	{ "", "CONF", "show", NULL, 1, 1, show },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};
static const struct cli_prog prog = { "sec-x", "test", NULL, NULL, verbs, 0 };

static int
run(const char *arg, const char *opt, const char *value)
{
	char a[64], b[64], o[64], name[] = "sec-x";
	char *argv[] = { name, a, o, b, NULL };
	int r;

	snprintf(a, sizeof(a), "%s", arg);
	snprintf(o, sizeof(o), "%s", opt != NULL ? opt : "-y");
	snprintf(b, sizeof(b), "%s", value != NULL ? value : "-y");
	conf[0] = user[0] = '\0';
	capture_begin();
	r = cli_main(&prog, 4, argv);
	capture_end();
	T_STR(capture_out, "");
	return r;
}

static void
test_sessions(void)
{
	struct agent_session s[8];

	T_INT(agent_sessions(s, 8), 0);
	T_INT(run("a", NULL, NULL), 3);
	T_STR(capture_err, "sec-x: not logged in; log in first: sec-login\n");
	setenv("SEC_USER", "bob", 1);
	T_INT(run("a", NULL, NULL), 3);
	T_STR(capture_err,
	    "sec-x: bob is not logged in; log in first: sec-login bob\n");
	unsetenv("SEC_USER");

	fake_start("alice", alice);
	T_INT(run("a", NULL, NULL), 3);
	T_INT(rows, 2);
	T_STR(user, "sip:alice@lab.test");
	fake_start("bob", bob);
	fake_start("carol", carol);
	T_INT(agent_sessions(s, 8), 3);
	T_STR(s[1].user, "bob");
	T_STR(s[1].domain, "lab.test");
	T_INT(agent_sessions(s, 2), 2);
	T_INT(run("a", NULL, NULL), 2);
	T_STR(capture_err,
	    "sec-x: several sessions, say which with -u: alice@lab.test "
	    "bob@lab.test carol@lab.test\n"
	    "usage: sec-x CONF\n       sec-x -h for help\n");
	T_INT(run("q", "-u", "bob"), 10);
	T_STR(user, "sip:bob@lab.test");
	T_INT(run("qq", "-u", "sip:bob@LAB.test"), 0);
	T_INT(run("qq", "-u", "bob@other.test"), 3);
	setenv("SEC_USER", "carol@lab.test", 1);
	T_INT(run("qq", NULL, NULL), 0);
	T_STR(user, "sip:carol@lab.test");
	T_INT(run("qq", "--user", "alice"), 0);
	T_STR(user, "sip:alice@lab.test");
}

static void
test_dot(void)
{
	T_INT(run(".", "-u", "alice"), 0);
	T_STR(conf, "sip:standup@conf.lab.test");
	T_INT(run(".", "-u", "bob"), 2);
	T(strncmp(capture_err,
	      "sec-x: you are in several conferences, name one: x y\n",
	      53) == 0);
	T_INT(run(".", "-u", "carol"), 2);
	T(strncmp(capture_err, "sec-x: you are in no conference; name one\n",
	      42) == 0);
	setenv("SEC_CONF", "ops", 1);
	T_INT(run(".", "-u", "bob"), 0);
	T_STR(conf, "ops");
	T_INT(run("other", "-u", "bob"), 0);
	T_STR(conf, "other");
	unsetenv("SEC_CONF");
}

static void
test_calls(void)
{
	char name[AGENT_SHORT_MAX];

	setenv("SEC_USER", "alice", 1);
	T_INT(run("a", NULL, NULL), 3);
	T_INT(run("a", "-j", NULL), 77);
	T_INT(rows, 2);
	T_INT(run("b", NULL, NULL), 5);
	T_STR(capture_err, "sec-x: b: no such conference\n");
	T_INT(run("b", "-j", NULL), 5);
	T_STR(capture_err,
	    "{\"v\":1,\"error\":\"nothing\",\"code\":5,"
	    "\"message\":\"b: no such conference\"}\n");
	T_INT(run("c", NULL, NULL), 10);
	T_STR(capture_err, "sec-x: session lost; come back with sec-login\n");
	T_INT(run("d", NULL, NULL), 9);
	T_STR(capture_err, "sec-x: no answer in time\n");
	T_STR(agent_short(NULL, name, "sip:bob@lab.test", 1), "bob");
	T_STR(agent_short(NULL, name, "sip:x@conf.lab.test", 0), "x");
	T_STR(agent_short(NULL, name, "sip:x@conf.lab.test", 1), "conf:x");
	T_STR(agent_short(NULL, name, NULL, 0), "-");
	/* Who died leaves a socket behind. */
	fake_stop();
	T_INT(run("a", NULL, NULL), 3);
	T_STR(capture_err,
	    "sec-x: alice is not logged in; log in first: sec-login alice\n");
}

int
main(void)
{
	fake_begin();
	test_sessions();
	test_dot();
	test_calls();
	fake_end();
	return t_done();
}
