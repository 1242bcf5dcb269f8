/* Options before and after the verb, help, usage, completion. */
#include "../test.h"
#include "base/buf.h"
#include "capture.h"
#include "cli/args.h"

static struct buf seen;

static int
show(struct cli *c)
{
	const char *who[4];
	size_t n = cli_values(c, "w", who, 4), i;
	int k;

	buf_putf(&seen, "[%s]", cli_verb(c));
	for (k = 0; k < cli_argc(c); k++)
		buf_putf(&seen, " %s", cli_argv(c)[k]);
	if (cli_argv(c)[cli_argc(c)] != NULL) /* not T(): we are captured */
		buf_put_str(&seen, " no NULL at the end");
	if (cli_value(c, "n") != NULL)
		buf_putf(&seen, " n=%s", cli_value(c, "name"));
	for (i = 0; i < n; i++)
		buf_putf(&seen, " w=%s", who[i]);
	if (cli_flag(c, "all") > 0)
		buf_putf(&seen, " a=%d", cli_flag(c, "a"));
	if (cli_value(c, "title") != NULL)
		buf_putf(&seen, " title=%s", cli_value(c, "title"));
	if (cli_command(c) >= 0)
		buf_putf(&seen, " command=%d", cli_command(c));
	if (cli_mode(c) == EMIT_JSON)
		buf_put_str(&seen, " json");
	if (cli_mode(c) == EMIT_QUIET)
		buf_put_str(&seen, " quiet");
	if (cli_timeout(c, -1) >= 0)
		buf_putf(&seen, " T=%d", (int)cli_timeout(c, -1));
	return 40;
}

static const struct cli_opt opts[] = {
	{ 'n', "name", "NAME", "its name" },
	{ 'w', "who", "WHO", "who" },
	{ 'a', "all", NULL, "all" },
	{ 0, "title", "T", "its title" },
	{ 0, "tight", NULL, "tight" },
	{ 0, NULL, NULL, NULL },
};

static const struct cli_verb verbs[] = {
	{ "create", "[-n NAME] WHO ...", "make one", "nwa,title,tight", 1, -1,
	    show },
	{ "list", "[-a]", "show all", "a", 0, 0, show },
	{ "run", "U COMMAND ...", "run it", "+n", 1, -1, show },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const char *const examples[] = { "sec-x create bob      # bob",
	"sec-x list", NULL };

static const struct cli_prog prog = { "sec-x", "things", examples, opts, verbs,
	0 };

static const struct cli_verb one[] = {
	{ "", "[-n NAME] CONF", "talk", "nw", 1, 2, show },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const struct cli_prog simple = { "sec-y", "talk", NULL, opts, one, 0 };

static const struct cli_verb bare[] = {
	{ "", "[ENTRY ...]", "list", "a", 0, -1, show },
	{ "set", "STATUS", "set", "n", 1, 1, show },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const struct cli_prog both = { "sec-z", "status", NULL, opts, bare, 0 };

/* Run the words of line ("_" stands for an empty one). */
static int
run(const struct cli_prog *p, const char *line)
{
	char copy[256], *argv[32], *s = copy, *w;
	int argc = 0, r;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((w = strsep(&s, " ")) != NULL)
		argv[argc++] = strcmp(w, "_") == 0 ? w + 1 : w;
	argv[argc] = NULL;
	buf_reset(&seen);
	capture_begin();
	r = cli_main(p, argc, argv);
	capture_end();
	return r;
}

static void
test_parse(void)
{
	static const struct {
		const struct cli_prog *p;
		const char *line, *want;
	} rows[] = {
		{ &prog, "p create bob", "[create] bob" },
		{ &prog, "p create bob carol -n x", "[create] bob carol n=x" },
		{ &prog, "p -n x create bob", "[create] bob n=x" },
		{ &prog, "p -nx create bob", "[create] bob n=x" },
		{ &prog, "p --name=x create bob", "[create] bob n=x" },
		{ &prog, "p create --name x bob", "[create] bob n=x" },
		{ &prog, "p create -n x -n y bob", "[create] bob n=y" },
		{ &prog, "p create -w x --who y bob", "[create] bob w=x w=y" },
		{ &prog, "p create -aaj bob", "[create] bob a=2 json" },
		{ &prog, "p create --title=x bob", "[create] bob title=x" },
		{ &prog, "p create --title x bob", "[create] bob title=x" },
		{ &prog, "p create --titl x bob", "" }, /* no half names */
		{ &prog, "p create -- -n x", "[create] -n x command=0" },
		{ &prog, "p create bob -- -x", "[create] bob -x command=1" },
		{ &prog, "p create - -q", "[create] - quiet" },
		{ &prog, "p create bob -T 10", "[create] bob T=10000" },
		{ &prog, "p create bob -T 45m", "[create] bob T=2700000" },
		{ &prog, "p list -u alice", "[list]" },
		{ &prog, "p run -n x u ls -n y", "[run] u ls -n y n=x" },
		{ &simple, "p create", "[] create" },
		{ &simple, "p a b -n x", "[] a b n=x" },
		{ &both, "p", "[]" },
		{ &both, "p -a", "[] a=1" },
		{ &both, "p bob", "[] bob" },
		{ &both, "p set x", "[set] x" },
		{ &both, "p -- set x", "[] set x command=0" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		run(rows[i].p, rows[i].line);
		T_STR(buf_cstr(&seen), rows[i].want);
	}
	T_INT(run(&prog, "p list"), 40);
}

/* Every one: exit 2, three lines on stderr, nothing on stdout or done. */
static void
test_usage(void)
{
	static const struct {
		const struct cli_prog *p;
		const char *line, *first;
	} rows[] = {
		{ &prog, "p", "sec-x: a verb is missing\n" },
		{ &prog, "p create", "sec-x: an argument is missing\n" },
		{ &prog, "p list x", "sec-x: x: one argument too many\n" },
		{ &prog, "p craete",
		    "sec-x: there is no verb craete; did you mean create?\n" },
		{ &prog, "p zzzzzz", "sec-x: there is no verb zzzzzz\n" },
		{ &prog, "p _", "sec-x: there is no verb " },
		{ &prog, "p list -n x", "sec-x: no --name here\n" },
		{ &prog, "p list -x", "sec-x: there is no option -x\n" },
		{ &prog, "p create b --nmae x",
		    "sec-x: there is no option --nmae; did you mean --name?\n" },
		{ &prog, "p create b --zzzzzzz",
		    "sec-x: there is no option --zzzzzzz\n" },
		{ &prog, "p create b -n", "sec-x: -n wants NAME\n" },
		{ &prog, "p create b --name", "sec-x: --name wants NAME\n" },
		{ &prog, "p create b --all=1",
		    "sec-x: --all takes no value\n" },
		{ &prog, "p list -T x",
		    "sec-x: -T x: not a number of "
		    "seconds\n" },
		{ &simple, "p", "sec-y: an argument is missing\n" },
		{ &simple, "p a b c", "sec-y: c: one argument too many\n" },
	};
	const char *s;
	size_t i;
	int lines, r;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		r = run(rows[i].p, rows[i].line);
		T_OK(r == 2, "`%s` is %d", rows[i].line, r);
		T_STR(capture_out, "");
		T_STR(buf_cstr(&seen), "");
		for (lines = 0, s = capture_err; *s != '\0'; s++)
			lines += *s == '\n';
		T_INT(lines, 3);
		T_OK(strncmp(capture_err, rows[i].first,
			 strlen(rows[i].first)) == 0,
		    "%s", capture_err);
	}
	run(&prog, "p create");
	T_STR(capture_err,
	    "sec-x: an argument is missing\n"
	    "usage: sec-x create [-n NAME] WHO ...\n"
	    "       sec-x create -h for help\n");
	run(&prog, "p");
	T_STR(capture_err,
	    "sec-x: a verb is missing\n"
	    "usage: sec-x create|list|run ...\n"
	    "       sec-x -h for help\n");
	T_INT(run(&prog, "p list x -j"), 2);
	T_STR(capture_err,
	    "{\"v\":1,\"error\":\"usage\",\"code\":2,"
	    "\"message\":\"x: one argument too many\"}\n");
}

static void
test_help(void)
{
	T_INT(run(&prog, "p -h"), 0);
	T_STR(capture_err, "");
	T(strncmp(capture_out, "  sec-x create bob ", 19) == 0);
	T(strstr(capture_out, "\n  sec-x list\n") != NULL);
	T(strstr(capture_out, "sec-x: things\n") != NULL);
	T(strstr(capture_out, "-n --name NAME") != NULL);
	T(strstr(capture_out, "-j --json") != NULL);
	T_INT(run(&prog, "p list --help"), 0);
	T(strncmp(capture_out, "  sec-x list\n\nusage: sec-x list [-a]\n",
	      37) == 0);
	T(strstr(capture_out, "--name") == NULL);
	T(strstr(capture_out, "-a --all") != NULL);
	/* Asked for with something wrong beside it, help is still help. */
	T_INT(run(&prog, "p create -h"), 0);
	T_INT(run(&prog, "p -V"), 0);
	T_STR(capture_out, "sec-x " SEC_VERSION " (protocol 1, schema 1)\n");
	T_INT(run(&prog, "p complete --"), 0);
	T_STR(capture_out, "create\nlist\nrun\n");
	T_INT(run(&prog, "p complete -- c"), 0);
	T_STR(capture_out, "create\n");
	T_INT(run(&prog, "p complete -- --t"), 0);
	T_STR(capture_out, "--title\n--tight\n--timeout\n");
	T_INT(run(&prog, "p complete -- list --"), 0);
	T_STR(capture_out,
	    "--all\n--json\n--quiet\n--user\n--timeout\n--yes\n--verbose\n"
	    "--help\n--version\n");
	T_INT(run(&prog, "p complete -- create -n x -j c"), 0);
	T_STR(capture_out, "");
}

int
main(void)
{
	test_parse();
	test_usage();
	test_help();
	buf_free(&seen);
	return t_done();
}
