/*
 * The command line: options and verbs from the program's table, and what
 * is said about them (help, usage, completion).
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"

#include "cli/complete.h"

#include "cli/args.h"

#define GIVEN_MAX 256
#define WORDS_MAX 64

struct given {
	const struct cli_opt *opt;
	const char *value; /* NULL for a flag */
};

struct cli {
	const struct cli_prog *prog;
	const struct cli_verb *verb; /* NULL: none was named */
	struct given given[GIVEN_MAX];
	size_t ngiven;
	char **words; /* verb, operands, NULL */
	int nwords;
	int command; /* index in words behind `--`, or -1 */
	char **operands;
	int noperands;
};

const char *cli_prog_name;

static const struct cli_opt common[] = {
	{ 'j', "json", NULL, "JSON Lines" },
	{ 'q', "quiet", NULL, "identifiers only, one per line" },
	{ 'u', "user", "WHO", "which of my sessions ($SEC_USER)" },
	{ 'T', "timeout", "SEC", "give up after SEC with exit status 9" },
	{ 'y', "yes", NULL, "answer yes to questions" },
	{ 'v', "verbose", NULL, "more on standard error" },
	{ 'h', "help", NULL, "this" },
	{ 'V', "version", NULL, "version" },
	{ 0, NULL, NULL, NULL },
};

static int
is_named(const struct cli_opt *o, const char *name)
{
	return (o->c != 0 && name[0] == o->c && name[1] == '\0') ||
	    (o->name != NULL && strcmp(o->name, name) == 0);
}

/* Does table hold an option with this letter? */
static const struct cli_opt *
by_letter(const struct cli_opt *table, char c)
{
	for (; table != NULL && (table->c != 0 || table->name != NULL); table++)
		if (table->c == c)
			return table;
	return NULL;
}

/*
 * A long name, all of it: what is short for one name today is short for two
 * when there are more, and --password is none of --password-file.
 */
static const struct cli_opt *
by_name(const struct cli_opt *table, const char *name, size_t n)
{
	for (; table != NULL && (table->c != 0 || table->name != NULL); table++)
		if (table->name != NULL && strlen(table->name) == n &&
		    strncmp(table->name, name, n) == 0)
			return table;
	return NULL;
}

static const struct cli_opt *
long_option(const struct cli_prog *p, const char *name, size_t n)
{
	const struct cli_opt *o = by_name(p->opts, name, n);

	return o != NULL ? o : by_name(common, name, n);
}

static const struct cli_opt *
short_option(const struct cli_prog *p, char c)
{
	const struct cli_opt *o = by_letter(p->opts, c);

	return o != NULL ? o : by_letter(common, c);
}

const struct cli_opt *
cli_find_option(const struct cli_prog *p, const char *word)
{
	if (word[0] == '-' && word[1] == '-')
		return long_option(p, word + 2, strlen(word + 2));
	return word[0] == '-' && word[1] != '\0' && word[2] == '\0' ?
	    short_option(p, word[1]) :
	    NULL;
}

/* Is the word of n bytes a long name of the program? */
static int
is_long(const struct cli_prog *p, const char *word, size_t n)
{
	return by_name(p->opts, word, n) != NULL;
}

/* Is o among the verb's options? c = '+' asks for that mark alone. */
static int
verb_takes(const struct cli_prog *p, const struct cli_verb *v, char c,
    const char *name)
{
	const char *s = v->opts;
	size_t n;

	while (s != NULL && *s != '\0') {
		n = strcspn(s, ", ");
		if (is_long(p, s, n)) {
			if (name != NULL && strlen(name) == n &&
			    strncmp(name, s, n) == 0)
				return 1;
		} else if (c != 0 && memchr(s, c, n) != NULL)
			return 1;
		s += n;
		s += *s != '\0';
	}
	return 0;
}

int
cli_verb_takes(const struct cli_prog *p, const struct cli_verb *v,
    const struct cli_opt *o)
{
	return verb_takes(p, v, o->c, o->name);
}

const struct cli_verb *
cli_find_verb(const struct cli_prog *p, const char *word)
{
	const struct cli_verb *v;

	for (v = p->verbs; v->verb != NULL; v++)
		if (strcmp(v->verb, word) == 0)
			return v;
	return NULL;
}

/* The common options, without those that the program has its own of. */
static int
is_hidden(const struct cli_prog *p, const struct cli_opt *o)
{
	return by_letter(p->opts, o->c) != NULL ||
	    is_long(p, o->name, strlen(o->name));
}

static void
put_option(struct buf *b, const struct cli_opt *o)
{
	size_t at = buf_len(b), n;

	buf_put_str(b, "  ");
	if (o->c != 0)
		buf_putf(b, "-%c ", o->c);
	if (o->name != NULL)
		buf_putf(b, "--%s ", o->name);
	if (o->arg != NULL)
		buf_putf(b, "%s ", o->arg);
	for (n = buf_len(b) - at; n < 24; n++)
		buf_put_u8(b, ' ');
	buf_putf(b, " %s\n", o->help != NULL ? o->help : "");
}

static void
put_options(struct buf *b, const struct cli_prog *p, const struct cli_verb *v)
{
	const struct cli_opt *o;

	buf_put_str(b, "\noptions:\n");
	for (o = p->opts; o != NULL && (o->c != 0 || o->name != NULL); o++)
		if (v == NULL || verb_takes(p, v, o->c, o->name))
			put_option(b, o);
	for (o = common; o->c != 0; o++)
		if (!is_hidden(p, o))
			put_option(b, o);
}

static void
put_synopsis(struct buf *b, const struct cli_prog *p, const struct cli_verb *v)
{
	buf_put_str(b, p->name);
	if (v->verb[0] != '\0')
		buf_putf(b, " %s", v->verb);
	if (v->args != NULL && v->args[0] != '\0')
		buf_putf(b, " %s", v->args);
}

/* The examples of a verb are those that name it. */
static int
is_example_of(const char *example, const struct cli_verb *v)
{
	size_t n = strlen(v->verb);
	const char *s;

	if (n == 0)
		return 1;
	for (s = strstr(example, v->verb); s != NULL;
	     s = strstr(s + 1, v->verb))
		if (s > example && s[-1] == ' ' &&
		    (s[n] == ' ' || s[n] == '\0'))
			return 1;
	return 0;
}

static int
put_examples(struct buf *b, const struct cli_prog *p, const struct cli_verb *v)
{
	const char *const *e;
	int n = 0;

	for (e = p->examples; e != NULL && *e != NULL; e++)
		if (v == NULL || is_example_of(*e, v)) {
			buf_putf(b, "  %s\n", *e);
			n++;
		}
	return n;
}

static void
put_help_verb(struct buf *b, const struct cli_prog *p, const struct cli_verb *v)
{
	buf_put_str(b, "  ");
	put_synopsis(b, p, v);
	buf_putf(b, "\n      %s\n", v->help);
}

static int
print_help(const struct cli *c)
{
	const struct cli_prog *p = c->prog;
	const struct cli_verb *v;
	struct buf b = BUF_INIT;

	if (put_examples(&b, p, c->verb) > 0)
		buf_put_u8(&b, '\n');
	if (c->verb != NULL && c->verb->verb[0] != '\0') {
		buf_put_str(&b, "usage: ");
		put_synopsis(&b, p, c->verb);
		buf_putf(&b, "\n  %s\n", c->verb->help);
		put_options(&b, p, c->verb);
	} else {
		buf_putf(&b, "%s: %s\n\nusage:\n", p->name, p->about);
		for (v = p->verbs; v->verb != NULL; v++)
			put_help_verb(&b, p, v);
		put_options(&b, p, NULL);
	}
	emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
	return 0;
}

static int
usage(const struct cli *c, const char *why)
{
	const struct cli_prog *p = c->prog;
	const struct cli_verb *v = c->verb;
	struct buf b = BUF_INIT;
	struct json j;
	int n = 0;

	if (cli_mode(c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "error", emit_word(SEC_ERR_USAGE));
		json_int(&j, "code", sec_err_exit(SEC_ERR_USAGE));
		json_str(&j, "message", why);
		json_end(&j, STDERR_FILENO);
		return sec_err_exit(SEC_ERR_USAGE);
	}
	buf_putf(&b, "%s: ", p->name);
	emit_put_visible(&b, why);
	buf_put_str(&b, "\nusage: ");
	if (v == NULL && p->verbs[0].verb != NULL && p->verbs[1].verb == NULL)
		v = p->verbs;
	if (v != NULL)
		put_synopsis(&b, p, v);
	else {
		buf_putf(&b, "%s ", p->name);
		for (v = p->verbs; v->verb != NULL; v++)
			if (v->verb[0] != '\0')
				buf_putf(&b, "%s%s", n++ > 0 ? "|" : "",
				    v->verb);
		buf_put_str(&b, " ...");
		v = NULL;
	}
	buf_putf(&b, "\n       %s%s%s -h for help\n", p->name,
	    v != NULL && v->verb[0] != '\0' ? " " : "",
	    v != NULL ? v->verb : "");
	emit_write(STDERR_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
	return sec_err_exit(SEC_ERR_USAGE);
}

int
cli_usage(const struct cli *c, const char *fmt, ...)
{
	struct buf why = BUF_INIT;
	va_list ap;
	int r;

	va_start(ap, fmt);
	buf_vputf(&why, fmt, ap);
	va_end(ap);
	r = usage(c, buf_cstr(&why));
	buf_free(&why);
	return r;
}

static int
add_given(struct cli *c, const struct cli_opt *o, const char *value)
{
	if (c->ngiven == GIVEN_MAX)
		return cli_usage(c, "too many options");
	c->given[c->ngiven].opt = o;
	c->given[c->ngiven++].value = value;
	return 0;
}

/* "did you mean --json?" for a long option that does not exist. */
static int
unknown_option(struct cli *c, const char *name, size_t n)
{
	const char *words[WORDS_MAX], *near;
	const struct cli_opt *o;
	char copy[64];
	size_t k = 0;

	snprintf(copy, sizeof(copy), "%.*s", (int)n, name);
	for (o = c->prog->opts;
	     o != NULL && (o->c != 0 || o->name != NULL) && k < WORDS_MAX; o++)
		if (o->name != NULL)
			words[k++] = o->name;
	for (o = common; o->c != 0 && k < WORDS_MAX; o++)
		words[k++] = o->name;
	if ((near = conf_suggest(copy, words, k)) != NULL)
		return cli_usage(c,
		    "there is no option --%s; did you mean "
		    "--%s?",
		    copy, near);
	return cli_usage(c, "there is no option --%s", copy);
}

/* One argument `--name`, `--name=value`; *i moves on if it took the next. */
static int
take_long(struct cli *c, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *value = NULL;
	const struct cli_opt *o;
	size_t n = strcspn(name, "=");

	if ((o = long_option(c->prog, name, n)) == NULL)
		return unknown_option(c, name, n);
	if (name[n] == '=')
		value = name + n + 1;
	if (o->arg == NULL && value != NULL)
		return cli_usage(c, "--%s takes no value", o->name);
	if (o->arg != NULL && value == NULL && (value = argv[++*i]) == NULL)
		return cli_usage(c, "--%s wants %s", o->name, o->arg);
	return add_given(c, o, value);
}

/* One argument `-xyz`, `-xVALUE`. */
static int
take_letters(struct cli *c, char **argv, int *i)
{
	const struct cli_opt *o;
	const char *s, *value;
	int r;

	for (s = argv[*i] + 1; *s != '\0'; s++) {
		if ((o = short_option(c->prog, *s)) == NULL)
			return cli_usage(c, "there is no option -%c", *s);
		value = NULL;
		if (o->arg != NULL) {
			value = s[1] != '\0' ? s + 1 : argv[++*i];
			if (value == NULL)
				return cli_usage(c, "-%c wants %s", *s, o->arg);
		}
		if ((r = add_given(c, o, value)) != 0)
			return r;
		if (value != NULL)
			break;
	}
	return 0;
}

/* Does another word end the options? */
static int
ends_options(const struct cli *c)
{
	const struct cli_verb *v, *named = NULL;
	int operands = c->nwords;

	if (c->nwords > 0 &&
	    (named = cli_find_verb(c->prog, c->words[0])) != NULL)
		operands--;
	if (operands == 0)
		return 0;
	if (c->prog->stop_at_operand)
		return 1;
	v = named != NULL ? named : cli_find_verb(c->prog, "");
	return v != NULL && verb_takes(c->prog, v, '+', NULL);
}

static int
split(struct cli *c, int argc, char **argv)
{
	int i, r, over = 0;

	c->command = -1;
	if ((c->words = calloc((size_t)argc + 1, sizeof(char *))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	for (i = 1; i < argc; i++) {
		r = 0;
		if (over || argv[i][0] != '-' || argv[i][1] == '\0') {
			c->words[c->nwords++] = argv[i];
			over = over || ends_options(c);
		} else if (strcmp(argv[i], "--") == 0) {
			over = 1;
			c->command = c->nwords;
		} else if (argv[i][1] == '-')
			r = take_long(c, argv, &i);
		else
			r = take_letters(c, argv, &i);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
unknown_verb(struct cli *c)
{
	const char *words[WORDS_MAX], *near;
	const struct cli_verb *v;
	size_t k = 0;

	for (v = c->prog->verbs; v->verb != NULL && k < WORDS_MAX; v++)
		if (v->verb[0] != '\0')
			words[k++] = v->verb;
	/* The usage shows those there are. */
	c->verb = NULL;
	if ((near = conf_suggest(c->words[0], words, k)) != NULL)
		return cli_usage(c, "there is no verb %s; did you mean %s?",
		    c->words[0], near);
	return cli_usage(c, "there is no verb %s", c->words[0]);
}

/* Which verb, and so which words are operands. */
static int
pick_verb(struct cli *c)
{
	int skip = 0;

	/* What stands behind `--` is never a verb. */
	if (c->nwords > 0 && c->command != 0 && c->words[0][0] != '\0')
		c->verb = cli_find_verb(c->prog, c->words[0]);
	if (c->verb != NULL)
		skip = 1;
	else if ((c->verb = cli_find_verb(c->prog, "")) == NULL &&
	    c->nwords > 0)
		return unknown_verb(c);
	c->operands = c->words + skip;
	c->noperands = c->nwords - skip;
	if (c->command >= 0)
		c->command -= skip;
	return 0;
}

static int
check(struct cli *c)
{
	const struct cli_verb *v = c->verb;
	const struct cli_opt *o;
	const char *t;
	size_t i;

	if (v == NULL)
		return cli_usage(c, "a verb is missing");
	for (i = 0; i < c->ngiven; i++) {
		o = c->given[i].opt;
		if ((o >= common &&
			o < common + sizeof(common) / sizeof(*common)) ||
		    verb_takes(c->prog, v, o->c, o->name))
			continue;
		if (o->name != NULL)
			return cli_usage(c, "no --%s here", o->name);
		return cli_usage(c, "no -%c here", o->c);
	}
	/* A program may mean something else by -T; the common one is a time. */
	if ((t = cli_value(c, "timeout")) != NULL && clock_parse_span(t) < 0)
		return cli_usage(c, "-T %s: not a number of seconds", t);
	if (c->noperands < v->min)
		return cli_usage(c,
		    v->min - c->noperands == 1 ? "an argument is missing" :
						 "arguments are missing");
	if (v->max >= 0 && c->noperands > v->max)
		return v->max == 0 && v->verb[0] == '\0' &&
			c->prog->verbs[1].verb != NULL ?
		    unknown_verb(c) :
		    cli_usage(c, "%s: one argument too many",
			c->operands[v->max]);
	return 0;
}

/* Programs that are started without 0, 1 or 2 must not get a socket there. */
static void
fill_low_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static int
run(struct cli *c, int argc, char **argv)
{
	int r;

	if (argc >= 3 && strcmp(argv[1], "complete") == 0 &&
	    strcmp(argv[2], "--") == 0)
		return complete_print(c->prog, common, argv + 3, argc - 3);
	if ((r = split(c, argc, argv)) != 0)
		return r;
	if (cli_flag(c, "verbose") > 1)
		log_open(c->prog->name, LOG_L_TRACE);
	if (cli_flag(c, "version") > 0) {
		emit_line("%s %s (protocol 1, schema 1)", c->prog->name,
		    SEC_VERSION);
		return 0;
	}
	r = pick_verb(c);
	if (cli_flag(c, "help") > 0 && r == 0)
		return print_help(c);
	if (r != 0 || (r = check(c)) != 0)
		return r;
	return c->verb->run(c);
}

int
cli_main(const struct cli_prog *p, int argc, char **argv)
{
	struct cli *c;
	int r;

	cli_prog_name = p->name;
	fill_low_fds();
	(void)setlocale(LC_CTYPE, "");
	if ((c = calloc(1, sizeof(*c))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	c->prog = p;
	r = run(c, argc, argv);
	free(c->words);
	free(c);
	return r;
}

const char *
cli_verb(const struct cli *c)
{
	return c->verb->verb;
}

int
cli_argc(const struct cli *c)
{
	return c->noperands;
}

char **
cli_argv(const struct cli *c)
{
	return c->operands;
}

int
cli_flag(const struct cli *c, const char *opt)
{
	size_t i;
	int n = 0;

	for (i = 0; i < c->ngiven; i++)
		n += is_named(c->given[i].opt, opt);
	return n;
}

const char *
cli_value(const struct cli *c, const char *opt)
{
	size_t i;

	for (i = c->ngiven; i > 0; i--)
		if (is_named(c->given[i - 1].opt, opt))
			return c->given[i - 1].value;
	return NULL;
}

size_t
cli_values(const struct cli *c, const char *opt, const char **out, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < c->ngiven && n < max; i++)
		if (is_named(c->given[i].opt, opt))
			out[n++] = c->given[i].value;
	return n;
}

enum emit_mode
cli_mode(const struct cli *c)
{
	if (cli_flag(c, "json") > 0)
		return EMIT_JSON;
	return cli_flag(c, "quiet") > 0 ? EMIT_QUIET : EMIT_TABLE;
}

int64_t
cli_timeout(const struct cli *c, int64_t def)
{
	const char *t = cli_value(c, "timeout");

	return t != NULL ? clock_parse_span(t) * 1000 : def;
}

int
cli_command(const struct cli *c)
{
	return c->command >= 0 && c->command < c->noperands ? c->command : -1;
}

int
cli_may_ask(const struct cli *c)
{
	return cli_flag(c, "yes") == 0 && isatty(STDIN_FILENO) &&
	    isatty(STDERR_FILENO);
}
