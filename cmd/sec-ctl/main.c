/*
 * sec-ctl: one control line to a daemon or agent, its rows on stdout.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "cli/args.h"
#include "cli/emit.h"
#include "ctl/call.h"

/* A path, or the name of a daemon whose socket is at its usual place. */
static const char *
socket_path(const char *s, char *out)
{
	char file[256];

	if (strchr(s, '/') != NULL)
		return s;
	snprintf(file, sizeof(file), "%s.sock", s);
	return path_run(out, file);
}

static int
is_key(const char *s, size_t n)
{
	size_t i;

	if (n == 0 || s[0] < 'a' || s[0] > 'z')
		return 0;
	for (i = 1; i < n; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    strchr("_.+-", s[i]) == NULL)
			return 0;
	return 1;
}

/* KEY=VALUE, or a value without a key. 0 or SEC_ERR_USAGE. */
static int
put_operand(struct buf *b, const char *s)
{
	const char *eq = strchr(s, '=');
	char key[64];
	size_t n;

	if (eq == NULL) {
		line_put_arg(b, s);
		return 0;
	}
	n = (size_t)(eq - s);
	if (!is_key(s, n) || n >= sizeof(key) || strncmp(s, "id=", 3) == 0)
		return SEC_ERR_USAGE;
	memcpy(key, s, n);
	key[n] = '\0';
	line_put(b, key, eq + 1);
	return 0;
}

static int
is_shown(const struct line_field *f)
{
	return strcmp(f->key, "id") != 0;
}

static void
print_json(const struct line *l)
{
	struct json j;
	char key[16];
	size_t i, args = 0;

	json_begin(&j);
	for (i = 0; i < l->n; i++) {
		if (!is_shown(&l->field[i]))
			continue;
		snprintf(key, sizeof(key), "arg%zu", ++args);
		json_str(&j, l->field[i].key[0] != '\0' ? l->field[i].key : key,
		    l->field[i].value);
	}
	json_end(&j, 1);
}

/* The fields as they came, TAB between them; -q: the first value only. */
static void
print_fields(const struct line *l, enum emit_mode mode)
{
	struct buf b = BUF_INIT;
	size_t i, shown = 0;

	if (mode == EMIT_JSON) {
		print_json(l);
		return;
	}
	for (i = 0; i < l->n; i++) {
		if (!is_shown(&l->field[i]))
			continue;
		shown++;
		if (mode == EMIT_QUIET) {
			emit_line("%s", l->field[i].value);
			break;
		}
		line_put_field(&b, &l->field[i]);
	}
	/* line_put_field() begins each with the TAB that parts them. */
	if (mode == EMIT_TABLE && shown > 0)
		emit_line("%s", buf_cstr(&b) + 1);
	buf_free(&b);
}

static int
has_fields(const struct line *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (is_shown(&l->field[i]))
			return 1;
	return 0;
}

/* Rows until ok, whose own fields are a row too. 0 or SEC_ERR_*. */
static int
take_rows(struct cli *c, struct ctl_client *t)
{
	struct line l;
	int r;

	while ((r = ctl_client_next(t, &l, cli_timeout(c, -1))) >= 0) {
		if (r == 1 || has_fields(&l))
			print_fields(&l, cli_mode(c));
		if (r == 0)
			break;
	}
	return r;
}

static int
run(struct cli *c)
{
	char **av = cli_argv(c), path[PATH_LEN];
	const char *where = socket_path(av[0], path);
	struct ctl_client *t;
	struct buf *b;
	int i, r;

	if (!is_key(av[1], strlen(av[1])))
		return cli_usage(c, "\"%s\" is no verb", av[1]);
	if ((r = ctl_client_open(&t, where)) != 0)
		return emit_error(cli_mode(c), r, "nobody answers on %s",
		    where);
	b = ctl_client_begin(t, av[1]);
	for (i = 2; av[i] != NULL; i++)
		if (put_operand(b, av[i]) != 0) {
			ctl_client_close(t);
			return cli_usage(c, "\"%s\" is not KEY=VALUE", av[i]);
		}
	if ((r = ctl_client_send(t, -1)) == 0)
		r = take_rows(c, t);
	if (r != 0)
		r = emit_error(cli_mode(c), r, "%s",
		    *ctl_client_why(t) != '\0' ? ctl_client_why(t) :
						 sec_strerror(r));
	ctl_client_close(t);
	return r;
}

static const char *const examples[] = {
	"sec-ctl pal health",
	"sec-ctl /run/sec/confctl.sock status",
	"sec-ctl alice@example.org list all=1",
	NULL,
};

static const struct cli_verb verbs[] = {
	{ "", "SOCKET VERB [KEY=VALUE ...]", "send one control line", "", 2, -1,
	    run },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const struct cli_prog prog = {
	.name = "sec-ctl",
	.about = "one control line to a daemon or an agent",
	.examples = examples,
	.verbs = verbs,
};

int
main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
