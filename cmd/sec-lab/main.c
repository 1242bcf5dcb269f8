/*
 * sec-lab: a private network on one machine, in one command.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/proc.h"

#include "lab.h"

enum { OPT_WIRE = 256, OPT_PLAIN, OPT_KEEP, OPT_PURGE };

static const struct verb {
	const char	*name, *args, *help;
	int		 min, max;     /* operands; -1: any number */
	int		 command;      /* the rest is not ours */
	int		(*run)(struct lab *l, const struct lab_options *o,
			    char **argv, int n);
} verbs[] = {
	{ "up", "[--wire FILE] [--plain] [--keep] [-q] [USER ...]",
	    "start everything, log the users in", 0, -1, 0, verb_up },
	{ "down", "[--purge] [-q]", "stop everything", 0, 0, 0, verb_down },
	{ "status", "[-q]", "what runs", 0, 0, 0, verb_status },
	{ "shell", "USER", "a shell as that user", 1, 1, 1, verb_shell },
	{ "run", "USER COMMAND ...", "one command as that user", 2, -1, 1,
	    verb_run },
	{ "user", "USER ...", "make users and log them in", 1, -1, 0,
	    verb_user },
	{ "kill", "SERVICE", "kill -9; it is started again", 1, 1, 0,
	    verb_kill },
	{ "stop", "SERVICE", "stop it; it stays down", 1, 1, 0, verb_stop },
	{ "start", "SERVICE", "start it again", 1, 1, 0, verb_start },
	{ "log", "[SERVICE]", "what it logged", 0, 1, 0, verb_log },
	{ "env", "USER", "that user's variables, for eval", 1, 1, 0,
	    verb_env },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};

static const struct option options[] = {
	{ "wire", required_argument, NULL, OPT_WIRE },
	{ "plain", no_argument, NULL, OPT_PLAIN },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "purge", no_argument, NULL, OPT_PURGE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
help(void)
{
	const struct verb *v;

	printf("  sec-lab up alice bob\n"
	    "  sec-lab shell alice                  # in another terminal: "
	    "bob\n"
	    "  sec-lab run alice sec-confctl create -n hello bob\n"
	    "  sec-lab down --purge\n\n"
	    "A private SEC network: a Kerberos realm, all daemons, users. "
	    "State in\n$SEC_DIR, else ~/.local/state/sec-lab.\n\n");
	for (v = verbs; v->name != NULL; v++)
		printf("  %-7s %-48s %s\n", v->name, v->args, v->help);
	printf("\n  --wire FILE  record all traffic as FILE (pcap)\n"
	    "  --plain      security = plain: nothing is sealed\n"
	    "  --keep       when up fails, leave running what runs\n"
	    "  --purge      remove the lab's files as well\n"
	    "  -q --quiet   say nothing but errors\n"
	    "  -h --help    this\n"
	    "  -V --version version\n"
	    "\nServices: kdc confctl pal mtcu1 mtcu2\n");
}

static int
usage(const struct verb *v)
{
	if (v != NULL)
		fprintf(stderr, "usage: sec-lab %s %s\n"
		    "       %s\n       sec-lab -h for help\n", v->name,
		    v->args, v->help);
	else
		fprintf(stderr, "usage: sec-lab up|down|status|shell|run|user|"
		    "kill|stop|start|log|env ...\n"
		    "       sec-lab up alice bob   starts a network of two "
		    "users\n       sec-lab -h for help\n");
	return 2;
}

static const struct verb *
find(const char *name)
{
	const struct verb *v;

	for (v = verbs; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

int
main(int argc, char **argv)
{
	struct lab_options o = { NULL, 0, 0, 0, 0 };
	const struct verb *v = NULL;
	struct lab lab;
	int ch, i;

	memset(&lab, 0, sizeof(lab));
	for (i = 1; i < argc && v == NULL; i++)
		if (argv[i][0] != '-')
			v = find(argv[i]);
	/* What belongs to COMMAND is not looked at. */
	while ((ch = getopt_long(argc, argv, v != NULL && v->command ?
	    "+qhV" : "qhV", options, NULL)) != -1)
		switch (ch) {
		case OPT_WIRE: o.wire = optarg; break;
		case OPT_PLAIN: o.plain = 1; break;
		case OPT_KEEP: o.keep = 1; break;
		case OPT_PURGE: o.purge = 1; break;
		case 'q': o.quiet = 1; break;
		case 'h': help(); return 0;
		case 'V':
			printf("sec-lab " SEC_VERSION " (protocol 1)\n");
			return 0;
		default: return usage(v);
		}
	argc -= optind;
	argv += optind;
	if (argc < 1 || (v = find(argv[0])) == NULL) {
		if (argc > 0)
			complain(0, "%s: no such verb", argv[0]);
		return usage(NULL);
	}
	argc--;
	argv++;
	if (argc > 0 && strcmp(argv[0], "--") == 0) {
		argc--;
		argv++;
	}
	if (argc < v->min || (v->max >= 0 && argc > v->max))
		return usage(v);
	lab_find(&lab);
	/* bats and others leave descriptors open; our children must not keep
	 * them, and the supervisor lives long. COMMAND may want them. */
	if (!v->command) {
		(void)signal(SIGPIPE, SIG_IGN);
		proc_close_from(3, -1);
	}
	return v->run(&lab, &o, argv, argc);
}
