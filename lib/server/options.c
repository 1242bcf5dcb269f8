/*
 * Options of daemons: one table for the parser and for --help.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/db.h"
#include "server/options.h"
#include "server/service.h"

#define MAX_MOST 1000000

enum { O_NAME = 256, O_CONFIG, O_IDLE, O_CHECK, O_STOP, O_MAX };

static const struct option longs[] = {
	{ "name", required_argument, NULL, O_NAME },
	{ "config", required_argument, NULL, O_CONFIG },
	{ "idle", required_argument, NULL, O_IDLE },
	{ "check", no_argument, NULL, O_CHECK },
	{ "stop", no_argument, NULL, O_STOP },
	{ "max", required_argument, NULL, O_MAX },
	{ "listen", required_argument, NULL, 'l' },
	{ "inetd", no_argument, NULL, 'i' },
	{ "timeout", required_argument, NULL, 'T' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};
static const char shorts[] = "+:il:T:vhV";

static const char max_text[] =
    "  --max N          at most N devices at a time\n";

static const char *const verbs[] = { "serve", "status", "health", "drain" };

static const char help_text[] =
    "  %1$s serve                        run in the foreground\n"
    "  %1$s serve --check                is the configuration good?\n"
    "  %1$s serve -i --idle 300          from inetd: stream tcp wait\n"
    "  %1$s health                       one line, exit status 0, 1 or 10\n"
    "\n"
    "usage: %1$s serve [--name NAME] [-i] [-l ADDR:PORT]... [--config FILE]\n"
    "           [--idle SEC] [--check]%3$s [-v]\n"
    "       %1$s status|health%2$s [--name NAME] [-T SEC]\n"
    "       %1$s drain [--name NAME] [--stop] [-T SEC]\n"
    "\n"
    "  --name NAME      which line of the file servers this is\n"
    "  -i --inetd       the listening socket is descriptor 0\n"
    "  -l --listen A    listen there, not on the address in servers\n"
    "  --config FILE    read FILE, not the usual sec.conf\n"
    "%4$s"
    "  --idle SEC       leave when nothing was to be done for SEC\n"
    "  --check          read and check everything, then exit\n"
    "  --stop           undo drain\n"
    "  -T --timeout SEC give up after SEC (10)\n"
    "  -v --verbose     more on standard error\n"
    "  -h --help        this text\n"
    "  -V --version     version\n";

static int
is_verb(const struct service_def *def, const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i], s) == 0)
			return 1;
	for (i = 0; def != NULL && def->asks != NULL && def->asks[i] != NULL;
	     i++)
		if (strcmp(def->asks[i], s) == 0)
			return 1;
	return 0;
}

const char *
options_verb(int argc, char **argv)
{
	static const char *const with[] = { "--name", "--config", "--idle",
		"--listen", "--timeout", "--max", "-l", "-T" };
	size_t k;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return NULL;
		if (argv[i][0] != '-')
			return is_verb(NULL, argv[i]) ? argv[i] : NULL;
		for (k = 0; k < sizeof(with) / sizeof(with[0]); k++)
			if (strcmp(argv[i], with[k]) == 0)
				i++;
	}
	return NULL;
}

__attribute__((format(printf, 2, 3))) static int
usage(const struct service_def *def, const char *fmt, ...)
{
	va_list ap;
	size_t i;

	fprintf(stderr, "%s: ", def->prog);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: %s serve|status|health|drain", def->prog);
	for (i = 0; def->asks != NULL && def->asks[i] != NULL; i++)
		fprintf(stderr, "|%s", def->asks[i]);
	fprintf(stderr, " [options]\ntry: %s serve --help\n", def->prog);
	return 2;
}

/* "|conferences": the daemon's own verbs, as they stand beside health. */
static int
print_help(const struct service_def *def)
{
	struct buf own = BUF_INIT;
	size_t i;

	for (i = 0; def->asks != NULL && def->asks[i] != NULL; i++)
		buf_putf(&own, "|%s", def->asks[i]);
	printf(help_text, def->prog, buf_cstr(&own),
	    def->max > 0 ? " [--max N]" : "", def->max > 0 ? max_text : "");
	buf_free(&own);
	return fflush(stdout) == 0 ? 0 : 10;
}

static int
version(const struct service_def *def)
{
	printf("%s %s (protocol 1, schema %d)\n", def->prog, SEC_VERSION,
	    def->db != NULL ? db_schema(def->db) : 0);
	return 0;
}

/* One option; -1 go on, else an exit code. */
static int
take(struct service_options *o, const struct service_def *def, int c,
    const char *arg)
{
	unsigned long long n;

	switch (c) {
	case O_NAME:
		if (!text_is_name(optarg))
			return usage(def, "\"%s\" is no name", optarg);
		o->name = optarg;
		break;
	case O_CONFIG: o->config = optarg; break;
	case O_IDLE:
		if ((o->idle = clock_parse_span(optarg)) <= 0)
			return usage(def, "--idle: \"%s\" is no time", optarg);
		o->idle *= 1000;
		break;
	case O_CHECK: o->check = 1; break;
	case O_STOP: o->stop = 1; break;
	case O_MAX:
		if (def->max == 0)
			return usage(def, "unknown option --max");
		if (text_number(optarg, 1, MAX_MOST, &n) != 0)
			return usage(def, "--max: \"%s\" is no number from 1",
			    optarg);
		o->max = (unsigned)n;
		break;
	case 'i': o->inetd = 1; break;
	case 'l':
		if (o->nlisten == OPTIONS_LISTEN)
			return usage(def, "too many -l");
		o->listen[o->nlisten++] = optarg;
		break;
	case 'T':
		if ((o->timeout = clock_parse_span(optarg)) < 0)
			return usage(def, "-T: \"%s\" is no time", optarg);
		o->timeout *= 1000;
		break;
	case 'v': o->verbose++; break;
	case 'h': return print_help(def);
	case 'V': return version(def);
	case ':': return usage(def, "%s needs a value", arg);
	default: return usage(def, "unknown option %s", arg);
	}
	return -1;
}

static int
check_together(const struct service_options *o, const struct service_def *def)
{
	int serve = strcmp(o->verb, "serve") == 0;

	if (!serve &&
	    (o->inetd || o->nlisten > 0 || o->check || o->idle || o->max))
		return usage(def, "%s takes --name and -T only", o->verb);
	if (o->stop && strcmp(o->verb, "drain") != 0)
		return usage(def, "--stop belongs to drain");
	if (o->inetd && o->nlisten > 0)
		return usage(def, "-i and -l exclude each other");
	return -1;
}

int
options_parse(struct service_options *o, const struct service_def *def,
    int argc, char **argv)
{
	int c, r;

	memset(o, 0, sizeof(*o));
	o->timeout = 10000;
	opterr = 0;
	optind = 0; /* GNU: start afresh */
	for (;;) {
		c = getopt_long(argc, argv, shorts, longs, NULL);
		if (c != -1) {
			if ((r = take(o, def, c, argv[optind - 1])) != -1)
				return r;
			continue;
		}
		if (optind >= argc)
			break;
		/* "+" stops at each operand, so that ours are told apart. */
		if (o->verb != NULL || !is_verb(def, argv[optind]))
			return usage(def, "\"%s\" is not wanted here",
			    argv[optind]);
		o->verb = argv[optind++];
	}
	if (o->verb == NULL)
		return usage(def, "what shall I do?");
	return check_together(o, def);
}
