/*
 * sec-keygen: identities of servers, and the exchange of Fig. 4 that gives
 * them a joint key and one key for each pair.
 */
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
#include "cli/args.h"
#include "crypto/random.h"
#include "ctl/call.h"
#include "ctl/epochs.h"

#include "verbs.h"

static struct cli *cli;

static const char *const examples[] = {
	"sec-keygen init mcu1 mcu media1:7323 | ssh ctl sec-keygen add",
	"sec-keygen lead",
	"sec-keygen lead --via 'ssh media1 sec-keygen join mcu1 -' mcu1",
	"sec-keygen join mcu1",
	NULL,
};

static const struct cli_opt options[] = {
	{ 0, "via", "COMMAND", "talk to the server through this command" },
	{ 0, "in", "SEC", "use the new epoch in SEC, 60 if not given" },
	{ 'a', "all", NULL, "every epoch held, not only the newest" },
	{ 0, "dir", "DIR", "everything in DIR, as SEC_DIR does" },
	{ 0, NULL, NULL, NULL },
};

static int run(struct cli *c);

static const struct cli_verb verbs[] = {
	{ "init", "NAME ROLE ADDR [NUMBER]",
	    "make an identity, once, and print its public line", "dir", 3, 4,
	    run },
	{ "add", "<LINE",
	    "lines on stdin into the file servers, on server 1's host", "dir",
	    0, 0, run },
	{ "lead", "[NAME ...]",
	    "server 1: a new epoch to all, or the running one to NAME",
	    "via,in,dir", 0, -1, run },
	{ "join", "NAME [-]",
	    "answer server 1 on NAME's address, or on stdin and stdout", "dir",
	    1, 2, run },
	{ "rotate", "", "ask the running controller for a new epoch", "in,dir",
	    0, 0, run },
	{ "show", "[NAME ...]", "the joint key's identifier, never a key",
	    "a,dir", 0, -1, run },
	{ "check", "[NAME ...]", "identities, modes and the file servers",
	    "dir", 0, -1, run },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const struct {
	const char *verb;
	int (*run)(const struct options *o);
} table[] = {
	{ "init", verb_init },
	{ "add", verb_add },
	{ "lead", verb_lead },
	{ "join", verb_join },
	{ "rotate", verb_rotate },
	{ "show", verb_show },
	{ "check", verb_check },
};

static const struct cli_prog prog = {
	.name = "sec-keygen",
	.about = "keys of servers (Fig. 4)",
	.examples = examples,
	.opts = options,
	.verbs = verbs,
};

int
fail(int err, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	int r;

	va_start(ap, fmt);
	buf_vputf(&b, fmt, ap);
	va_end(ap);
	r = emit_error(cli_mode(cli), err, "%s", buf_cstr(&b));
	buf_free(&b);
	return r;
}

int
usage_error(const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	int r;

	va_start(ap, fmt);
	buf_vputf(&b, fmt, ap);
	va_end(ap);
	r = cli_usage(cli, "%s", buf_cstr(&b));
	buf_free(&b);
	return r;
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

	snprintf(sock, sizeof(sock), "%s.sock", name);
	if (ctl_client_open(&c, path_run(path, sock)) != 0)
		return;
	(void)ctl_client_begin(c, "keys");
	(void)ctl_client_run(c, 2000, NULL, NULL);
	ctl_client_close(c);
}

void
print_check(const struct options *o, int fd, const char *server,
    const char *check)
{
	struct buf b = BUF_INIT;
	struct json j;

	if (o->mode == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "server", server);
		json_str(&j, "check", check);
		json_end(&j, fd);
	} else if (o->mode == EMIT_TABLE) {
		buf_putf(&b, "check %s  ok\n", check);
		emit_write(fd, buf_data(&b), buf_len(&b));
		buf_free(&b);
	}
}

void
print_joint_key(const struct options *o, int fd, const char *id, uint32_t epoch,
    int servers, uint32_t before)
{
	struct buf b = BUF_INIT;
	struct json j;

	if (o->mode == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "key", id);
		json_int(&j, "epoch", epoch);
		if (servers > 0)
			json_int(&j, "servers", servers);
		json_end(&j, fd);
		return;
	}
	if (o->mode == EMIT_QUIET)
		buf_put_str(&b, id);
	else {
		buf_putf(&b, "joint key %s  epoch %u", id, epoch);
		if (servers > 0)
			buf_putf(&b, "  %d server%s", servers,
			    text_plural((size_t)servers));
		if (before > 0)
			buf_putf(&b, "  (epoch %u still accepted for %d s)",
			    before, EPOCHS_OVERLAP / 1000);
	}
	buf_put_u8(&b, '\n');
	emit_write(fd, buf_data(&b), buf_len(&b));
	buf_free(&b);
}

static int
run(struct cli *c)
{
	struct options o = { .timeout = cli_timeout(c, -1),
		.via = cli_value(c, "via"),
		.mode = cli_mode(c),
		.all = cli_flag(c, "all"),
		.argc = cli_argc(c),
		.argv = cli_argv(c) };
	const char *dir = cli_value(c, "dir"), *in = cli_value(c, "in");
	int64_t sec = -1;
	size_t i;

	cli = c;
	if (dir != NULL)
		setenv("SEC_DIR", dir, 1);
	if (in != NULL) {
		if ((sec = clock_parse_span(in)) < 0)
			return usage_error("--in %s: not a number of seconds",
			    in);
		o.delay = sec > 0 ? sec * 1000 : -1;
	}
	for (i = 0; strcmp(table[i].verb, cli_verb(c)) != 0; i++)
		;
	return table[i].run(&o);
}

int
main(int argc, char **argv)
{
	proc_harden();
	crypto_init();
	log_open("sec-keygen", LOG_L_ERROR);
	return cli_main(&prog, argc, argv);
}
