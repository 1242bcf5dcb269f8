#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/agent.h"
#include "wire/uri.h"

#include "cli/complete.h"

#define AGENT_MS   50
#define TOKENS_MAX 16

/* Which rows of an agent's verb: entries of a PAL are of several types. */
enum rows { ROWS_ALL, ROWS_PEOPLE, ROWS_THINGS };

struct completion {
	const struct cli_prog *prog;
	const struct cli_opt *common;
	const struct cli_verb *verb;
	const char *first; /* operand of the verb that stands there */
	const char *typed; /* the word so far */
	struct buf out;
};

static void
candidate(struct completion *k, const char *s, size_t n)
{
	size_t typed = strlen(k->typed);

	if (n >= typed && strncmp(s, k->typed, typed) == 0)
		buf_putf(&k->out, "%.*s\n", (int)n, s);
}

/* --- names that the agent knows --- */

/* The session that a tool would take, if there is no question which. */
static struct ctl_client *
agent(char *domain, size_t size)
{
	struct agent_session s[AGENT_SESSIONS];
	struct ctl_client *a;

	if (agent_meant(NULL, s) != 1 || ctl_client_open(&a, s[0].path) != 0)
		return NULL;
	text_copy(domain, s[0].domain, size);
	return a;
}

/* Is the row's type of an entry among those asked for? */
static int
is_kind(const struct line *row, enum rows which)
{
	const char *type = line_get_or(row, "type", "");
	int thing = strcmp(type, "user") != 0 && strcmp(type, "phone") != 0 &&
	    strcmp(type, "conference") != 0;

	return which == ROWS_ALL ||
	    (which == ROWS_THINGS ? thing :
				    !thing && strcmp(type, "conference") != 0);
}

/* Values of one field of the rows that a verb gives, out of the agent's copy:
 * nobody else is asked. */
static void
from_agent(struct completion *k, const char *verb, const char *field,
    enum rows which)
{
	char domain[256], name[AGENT_SHORT_MAX];
	const char *value;
	struct ctl_client *a;
	struct line l;

	if ((a = agent(domain, sizeof(domain))) == NULL)
		return;
	line_put(ctl_client_begin(a, verb), "copy", "1");
	if (ctl_client_send(a, -1) == 0)
		while (ctl_client_next(a, &l, AGENT_MS) == 1)
			if ((value = line_get(&l, field)) != NULL &&
			    is_kind(&l, which)) {
				uri_short(name, value, domain,
				    strcmp(verb, "pal") == 0);
				candidate(k, name, strlen(name));
			}
	ctl_client_close(a);
}

/* --- what a word of the synopsis stands for --- */

static const struct {
	const char *kind;
	const char *words; /* with spaces, or */
	const char *verb, *field; /* of the agent */
	enum rows which;
} kinds[] = {
	{ "CONF", NULL, "list", "conf", ROWS_ALL },
	{ "WHO", NULL, "pal", "uri", ROWS_PEOPLE },
	{ "USER", NULL, "pal", "uri", ROWS_PEOPLE },
	{ "ENTRY", NULL, "pal", "uri", ROWS_ALL },
	{ "TYPE", NULL, "pal", "uri", ROWS_THINGS }, /* TYPE:NAME */
	{ "INVITE", NULL, "invites", "invite", ROWS_ALL },
	/* Of sec-dir: what a word may be of. */
	{ "WORD",
	    "name= first= last= user= org= phone= mail= location= title= "
	    "groups=",
	    NULL, NULL, ROWS_ALL },
	{ "STATUS", "available busy away offline", NULL, NULL, ROWS_ALL },
	{ "CLASS", "available busy away offline", NULL, NULL, ROWS_ALL },
	{ "MEDIA", "text voice text,voice", NULL, NULL, ROWS_ALL },
	{ "POLICY", "ask accept decline busy", NULL, NULL, ROWS_ALL },
	{ "SERVICE", "kdc confctl pal mtcu1 mtcu2 mcu1 mcu2", NULL, NULL,
	    ROWS_ALL },
};

static void
words_of(struct completion *k, const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n + (s[n] == ' ')) {
		n = strcspn(s, " ");
		candidate(k, s, n);
	}
}

/* `CONF`, `on|off|toggle`, `WHO|CONF`: n bytes. */
static void
token(struct completion *k, const char *s, size_t n)
{
	const char *end = s + n;
	size_t len, i, j;

	for (; s < end; s += len + 1) {
		len = strcspn(s, "|");
		if (len > (size_t)(end - s))
			len = (size_t)(end - s);
		if (s[0] >= 'a' && s[0] <= 'z') {
			candidate(k, s, len);
			continue;
		}
		for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			/* WHO,... and USER[@DOMAIN] are WHO and USER. */
			for (j = 0; j < len && s[j] >= 'A' && s[j] <= 'Z'; j++)
				;
			if (strlen(kinds[i].kind) != j ||
			    strncmp(kinds[i].kind, s, j) != 0)
				continue;
			if (kinds[i].words != NULL)
				words_of(k, kinds[i].words);
			else
				from_agent(k, kinds[i].verb, kinds[i].field,
				    kinds[i].which);
		}
	}
}

/* --- the synopsis --- */

/* The operands of a synopsis up to `end`, without options and brackets: their
 * number. */
static size_t
operands(const char *args, const char *end, const char *at[TOKENS_MAX],
    size_t len[TOKENS_MAX])
{
	int option = 0, flag;
	size_t n = 0, m;
	const char *s;

	for (s = args; s < end && n < TOKENS_MAX; s += m) {
		s += strspn(s, " []");
		m = s < end ? strcspn(s, " ]") : 0;
		/* USER[@DOMAIN] goes on. */
		if (m == 0 || strncmp(s, "...", 3) == 0 || *s == '|')
			continue;
		flag = *s == '-';
		if (flag && s[m] == ' ') {
			/* `-n NAME]` has a value, `-w|-W]` has none. */
			option = 1;
			continue;
		}
		if (!flag && !option) {
			at[n] = s;
			len[n++] = m;
		}
		option = 0;
	}
	return n;
}

static void
options(struct completion *k)
{
	const struct cli_opt *tables[2] = { k->prog->opts, k->common }, *o;
	char name[64];
	int i;

	for (i = 0; i < 2; i++)
		for (o = tables[i]; o != NULL && (o->c != 0 || o->name != NULL);
		     o++) {
			if (i == 0 && k->verb != NULL &&
			    !cli_verb_takes(k->prog, k->verb, o))
				continue;
			if (o->name != NULL)
				snprintf(name, sizeof(name), "--%s", o->name);
			else
				snprintf(name, sizeof(name), "-%c", o->c);
			candidate(k, name, strlen(name));
		}
}

/* Verb and place among its operands of what is typed; the option whose value
 * it is, NULL: none. */
static const struct cli_opt *
place(struct completion *k, char **words, int n, int *operand)
{
	const struct cli_opt *o = NULL;
	int i, named = 0;

	*operand = 0;
	for (i = 0; i < n; i++) {
		if (o != NULL && o->arg != NULL) {
			o = NULL; /* this word was its value */
			continue;
		}
		o = NULL;
		if (words[i][0] == '-' && words[i][1] != '\0')
			o = cli_find_option(k->prog, words[i]);
		else if (!named && *operand == 0 &&
		    (k->verb = cli_find_verb(k->prog, words[i])) != NULL)
			named = 1;
		else if (++*operand == 1)
			k->first = words[i];
	}
	if (k->verb == NULL)
		k->verb = cli_find_verb(k->prog, "");
	if (!named && *operand == 0)
		*operand = -1; /* a verb may still come */
	return o != NULL && o->arg != NULL ? o : NULL;
}

/* The i-th operand of the verb. Of `add NAME | rm NAME | list` it is that of
 * the form whose word stands there, and the first word of each. */
static void
operand(struct completion *k, int i)
{
	const char *s = k->verb != NULL ? k->verb->args : NULL, *end, *next;
	const char *at[TOKENS_MAX];
	size_t len[TOKENS_MAX], count, place;
	int forms = s != NULL && strstr(s, " | ") != NULL;

	for (; s != NULL; s = next) {
		end = (next = strstr(s, " | ")) != NULL ? next : s + strlen(s);
		next = next != NULL ? next + 3 : NULL;
		count = operands(s, end, at, len);
		place = (size_t)i;
		/* The last one may stand there again and again. */
		if (count > 0 && place >= count && k->verb->max == -1)
			place = count - 1;
		if (place < count &&
		    (!forms || i == 0 || k->first == NULL ||
			(strlen(k->first) == len[0] &&
			    strncmp(k->first, at[0], len[0]) == 0)))
			token(k, at[place], len[place]);
	}
}

int
complete_print(const struct cli_prog *p, const struct cli_opt *common,
    char **words, int n)
{
	struct completion k = { .prog = p, .common = common, .out = BUF_INIT };
	const struct cli_verb *v;
	const struct cli_opt *o;
	int i;

	k.typed = n > 0 ? words[n - 1] : "";
	o = place(&k, words, n > 0 ? n - 1 : 0, &i);
	if (o != NULL) {
		token(&k, o->arg, strlen(o->arg));
	} else if (k.typed[0] == '-') {
		if (i == -1)
			k.verb = NULL; /* of any verb */
		options(&k);
	} else {
		if (i == -1) {
			for (v = p->verbs; v->verb != NULL; v++)
				if (v->verb[0] != '\0')
					candidate(&k, v->verb, strlen(v->verb));
			i = 0;
		}
		operand(&k, i);
	}
	emit_write(STDOUT_FILENO, buf_data(&k.out), buf_len(&k.out));
	buf_free(&k.out);
	return 0;
}
