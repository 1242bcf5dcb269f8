/*
 * sec-lab: a private network on one machine, in one command.
 */
#include <signal.h>
#include <string.h>

#include "base/proc.h"
#include "cli/args.h"
#include "crypto/random.h"

#include "lab.h"

#define READY_MS 20000 /* -T when not given */

static int run(struct cli *c);

static const struct cli_opt options[] = {
	{ 0, "wire", "FILE", "record all traffic as FILE (pcap)" },
	{ 0, "plain", NULL, "security = plain: connections are not sealed" },
	{ 0, "keep", NULL, "when up fails, leave running what runs" },
	{ 0, "purge", NULL, "remove the lab's files as well" },
	{ 0, NULL, NULL, NULL },
};

static const struct cli_verb verbs[] = {
	{ "up", "[-T SEC] [--wire FILE] [--plain] [--keep] [USER ...]",
	    "start everything, log the users in", "wire,plain,keep", 0, -1,
	    run },
	{ "down", "[--purge]", "stop everything", "purge", 0, 0, run },
	{ "status", "", "what runs, and how it feels", "", 0, 0, run },
	{ "shell", "USER", "a shell as that user", "+", 1, 1, run },
	{ "run", "USER COMMAND ...", "one command as that user", "+", 2, -1,
	    run },
	{ "user", "USER ...", "make users and log them in", "", 1, -1, run },
	{ "kill", "SERVICE", "kill -9; it is started again", "", 1, 1, run },
	{ "stop", "SERVICE", "stop it; it stays down", "", 1, 1, run },
	{ "start", "SERVICE", "start it again", "", 1, 1, run },
	{ "log", "[SERVICE]", "what it logged", "", 0, 1, run },
	{ "env", "USER", "that user's variables, for eval", "", 1, 1, run },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

/* In the same order. */
static int (*const runs[])(struct lab *l, const struct lab_options *o,
    char **argv, int n) = {
	verb_up,
	verb_down,
	verb_status,
	verb_shell,
	verb_run,
	verb_user,
	verb_kill,
	verb_stop,
	verb_start,
	verb_log,
	verb_env,
};

static const char *const examples[] = {
	"sec-lab up alice bob",
	"sec-lab shell alice",
	"sec-lab run alice sec-confctl create -n hello bob",
	"sec-lab down --purge",
	NULL,
};

static const struct cli_prog prog = {
	.name = "sec-lab",
	.about =
	    "A private SEC network: a Kerberos realm, all daemons, users. "
	    "State in $SEC_DIR, else ~/.local/state/sec-lab. Services: " LAB_SERVICES
	    ".",
	.examples = examples,
	.opts = options,
	.verbs = verbs,
};

static int
run(struct cli *c)
{
	struct lab_options o = {
		.wire = cli_value(c, "wire"),
		.plain = cli_flag(c, "plain"),
		.keep = cli_flag(c, "keep"),
		.purge = cli_flag(c, "purge"),
		.timeout = cli_timeout(c, READY_MS),
		.quiet = cli_mode(c) == EMIT_QUIET,
		.mode = cli_mode(c),
	};
	struct lab lab;
	int i;

	for (i = 0; strcmp(verbs[i].verb, cli_verb(c)) != 0; i++)
		;
	memset(&lab, 0, sizeof(lab));
	lab_find(&lab);
	/*
	 * bats and others leave descriptors open: the supervisor, which lives
	 * long, must not keep them. COMMAND may want them, and signals as
	 * they are.
	 */
	if (runs[i] != verb_run && runs[i] != verb_shell) {
		(void)signal(SIGPIPE, SIG_IGN);
		proc_close_from(3, -1);
	}
	return runs[i](&lab, &o, cli_argv(c), cli_argc(c));
}

int
main(int argc, char **argv)
{
	crypto_init();
	return cli_main(&prog, argc, argv);
}
