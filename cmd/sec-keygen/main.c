/*
 * sec-keygen: identities of servers, and the exchange of Fig. 4 that gives
 * them a joint key and one key for each pair.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "crypto/random.h"
#include "ctl/call.h"

#include "verbs.h"

enum { OPT_DIR = 1, OPT_VIA, OPT_IN };

static const struct option options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "via", required_argument, NULL, OPT_VIA },
	{ "in", required_argument, NULL, OPT_IN },
	{ "all", no_argument, NULL, 'a' },
	{ "timeout", required_argument, NULL, 'T' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
    "usage: sec-keygen init NAME ROLE ADDR [NUMBER] | add | show | check\n"
    "       sec-keygen lead [--via COMMAND] [NAME ...] | join NAME [-] | "
    "rotate\n";

static const char help[] =
    "  sec-keygen init mcu1 mcu media1:7323 | ssh ctl sec-keygen add\n"
    "  sec-keygen lead                             # on server 1\n"
    "  sec-keygen join mcu1                        # elsewhere\n"
    "  sec-keygen lead --via 'ssh media1 sec-keygen join mcu1 -' mcu1\n"
    "\n"
    "  init NAME ROLE ADDR [NUMBER]  make an identity, print its line\n"
    "  add                           lines on stdin into the file servers\n"
    "  lead [NAME ...]               server 1: a new epoch with all others,\n"
    "                                or the running one to NAME only\n"
    "  join NAME [-]                 answer for NAME on its address, or on\n"
    "                                stdin and stdout\n"
    "  rotate                        ask the running controller for an epoch\n"
    "  show [NAME ...]               the joint key's identifier, never a key\n"
    "  check [NAME ...]              identities, modes, the file servers\n"
    "\n"
    "  --via COMMAND     lead: talk to the server through this command\n"
    "  --in SEC          lead, rotate: use the new epoch in SEC (60)\n"
    "  -T --timeout SEC  lead, rotate: wait so long for each answer (10);\n"
    "                    join: give up after SEC\n"
    "  -a --all          show: every epoch held, not only the newest\n"
    "  --dir DIR         everything in DIR instead of the system's places\n"
    "  -q --quiet        only identifiers\n"
    "  -h --help -V --version\n";

static const struct verb {
	const char *name;
	int (*run)(const struct options *o);
	int min, max; /* operands, -1: any number */
} verbs[] = {
	{ "init", verb_init, 3, 4 },
	{ "add", verb_add, 0, 0 },
	{ "lead", verb_lead, 0, -1 },
	{ "join", verb_join, 1, 2 },
	{ "rotate", verb_rotate, 0, 0 },
	{ "show", verb_show, 0, -1 },
	{ "check", verb_check, 0, -1 },
};

int
fail(int err, const char *fmt, ...)
{
	va_list ap;

	fputs("sec-keygen: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return sec_err_exit(err);
}

int
usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("sec-keygen: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n%s", usage);
	return 2;
}

int
read_servers(struct servers *s)
{
	char why[320], path[PATH_LEN];
	int r;

	memset(s, 0, sizeof(*s));
	r = servers_read(s, NULL, why, sizeof(why));
	if (r == SEC_ERR_NOTHING)
		return fail(SEC_ERR_NOTHING,
		    "no file %s; sec-keygen init and add make it",
		    path_servers(path));
	if (r != 0)
		return fail(r == SEC_ERR_FORMAT ? SEC_ERR_CONFIG : r, "%s",
		    why);
	if (s->n == 0)
		return fail(SEC_ERR_CONFIG, "%s names no server",
		    path_servers(path));
	return 0;
}

const char *
host_of(const struct server *s)
{
	static char host[sizeof(s->addr)];
	char *colon;

	text_copy(host, s->addr, sizeof(host));
	if ((colon = strrchr(host, ':')) != NULL)
		*colon = '\0';
	return host;
}

int
explain(int err, const struct server *who)
{
	switch (err) {
	case 0: return 0;
	case SEC_ERR_DATA:
		return fail(err, "servers file differs from %s's",
		    host_of(who));
	case SEC_ERR_AUTH:
		return fail(err,
		    "somebody is between us and %s (%s): the identity is not "
		    "the one in servers",
		    who->name, who->addr);
	case SEC_ERR_TIMEOUT:
		return fail(err, "%s (%s) was silent", who->name, who->addr);
	case SEC_ERR_EXPIRED:
		return fail(err,
		    "the clock of %s (%s) is more than 2 minutes off ours",
		    who->name, who->addr);
	case SEC_ERR_REPLAY:
		return fail(err,
		    "%s (%s) holds a later epoch; sec-keygen lead makes a "
		    "new one",
		    who->name, who->addr);
	default:
		return fail(err, "%s (%s): %s", who->name, who->addr,
		    sec_strerror(err));
	}
}

void
tell_daemon(const char *name)
{
	char path[PATH_LEN], sock[80];
	struct ctl_client *c;
	struct line l;
	int r;

	snprintf(sock, sizeof(sock), "%s.sock", name);
	if (ctl_client_open(&c, path_run(path, sock)) != 0)
		return;
	(void)ctl_client_begin(c, "keys");
	r = ctl_client_send(c, -1);
	while (r == 0 && ctl_client_next(c, &l, 2000) == 1)
		;
	ctl_client_close(c);
}

static int
parse_span(const char *s, int64_t *ms)
{
	int64_t sec = clock_parse_span(s);

	if (sec < 0)
		return -1;
	*ms = sec * 1000;
	return 0;
}

static const struct verb *
find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* 0, or 1 + the exit code that main() ends with. */
static int
parse_option(int ch, struct options *o)
{
	int64_t ms;

	switch (ch) {
	case OPT_DIR: setenv("SEC_DIR", optarg, 1); return 0;
	case OPT_VIA: o->via = optarg; return 0;
	case OPT_IN:
		if (parse_span(optarg, &ms) != 0)
			return 1 + usage_error("no time: %s", optarg);
		o->delay = ms > 0 ? ms : -1;
		return 0;
	case 'T':
		if (parse_span(optarg, &ms) != 0)
			return 1 + usage_error("no time: %s", optarg);
		o->timeout = ms;
		return 0;
	case 'a': o->all = 1; return 0;
	case 'q': o->quiet = 1; return 0;
	case 'h': fputs(help, stdout); return 1;
	case 'V': printf("sec-keygen %s (protocol 1)\n", SEC_VERSION); return 1;
	default: fputs(usage, stderr); return 1 + 2;
	}
}

int
main(int argc, char **argv)
{
	struct options o = { .timeout = -1 };
	const struct verb *v;
	int ch, r;

	proc_harden();
	crypto_init();
	log_open("sec-keygen", LOG_L_ERROR);
	while ((ch = getopt_long(argc, argv, "aT:qhV", options, NULL)) != -1)
		if ((r = parse_option(ch, &o)) != 0)
			return r - 1;
	if (optind == argc)
		return usage_error("init, add, lead, join, rotate, show or "
				   "check?");
	if ((v = find_verb(argv[optind])) == NULL)
		return usage_error("no such verb: %s", argv[optind]);
	o.argc = argc - optind - 1;
	o.argv = argv + optind + 1;
	if (o.argc < v->min || (v->max >= 0 && o.argc > v->max))
		return usage_error("%s operands for %s",
		    o.argc < v->min ? "too few" : "too many", v->name);
	if (o.via != NULL && v->run != verb_lead)
		return usage_error("--via is for lead");
	r = v->run(&o);
	if (fflush(stdout) != 0 && r == 0)
		return fail(SEC_ERR_SYS, "cannot write the answer");
	return r;
}
