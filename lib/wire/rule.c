/*
 * Rules of who may watch whom, as text:
 *   allow|deny [who=WHO] [whom=WHOM] [org=org] [attrs=A,B]
 * `org=org` is: both are of one organisation, and so about users; a deny
 * takes everything, and has no attrs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/rule.h"
#include "wire/wordfile.h"

static const char *const keys[] = { "who", "whom", "org", "attrs" };
enum { WHO, WHOM, ORG, ATTRS, KEYS };

static int
take_value(struct rule *r, int key, const char *v, char *why, size_t whylen)
{
	switch (key) {
	case WHO:
		if (subject_parse(&r->who, v) != 0 ||
		    r->who.kind == SUBJECT_TYPE || r->who.kind == SUBJECT_THING)
			return sec_refuse(SEC_ERR_FORMAT, why, whylen,
			    "who=%.64s is not USER, group:G or org:O", v);
		break;
	case WHOM:
		if (subject_parse(&r->whom, v) != 0)
			return sec_refuse(SEC_ERR_FORMAT, why, whylen,
			    "whom=%.64s is not USER, group:G, org:O, TYPE:* "
			    "or TYPE:NAME",
			    v);
		break;
	case ORG:
		if (strcmp(v, "org") != 0)
			return sec_refuse(SEC_ERR_FORMAT, why, whylen,
			    "org=%.64s: only org=org, or who=org:%.64s", v, v);
		r->same_org = 1;
		break;
	case ATTRS:
		if (!pal_attrs_is_list(v))
			return sec_refuse(SEC_ERR_FORMAT, why, whylen,
			    "attrs=%.64s is not a list A,B of attributes", v);
		text_copy(r->attrs, v, sizeof(r->attrs));
		break;
	}
	return 0;
}

static int
take_word(struct rule *r, char *word, unsigned *seen, char *why, size_t whylen)
{
	char *eq = strchr(word, '=');
	const char *near;
	int k;

	if (eq != NULL)
		*eq = '\0';
	for (k = 0; k < KEYS && strcmp(word, keys[k]) != 0;)
		k++;
	if (k == KEYS && (near = conf_suggest(word, keys, KEYS)) != NULL)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "unknown word \"%.64s\" (did you mean \"%s\"?)", word,
		    near);
	if (k == KEYS || eq == NULL)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "\"%.64s\": wanted who=, whom=, org=org or attrs=", word);
	if ((*seen & 1u << k) != 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "%s= stands twice", word);
	*seen |= 1u << k;
	return take_value(r, k, eq + 1, why, whylen);
}

/* What cannot be meant. */
static int
check(const struct rule *r, char *why, size_t whylen)
{
	if (!r->allow && strcmp(r->attrs, "*") != 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "attrs= goes with allow: deny takes everything");
	if (r->same_org && *rule_type(r) != '\0' &&
	    strcmp(rule_type(r), "user") != 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "org=org is about users: a %s has no organisation",
		    rule_type(r));
	return 0;
}

/* word[0]: allow or deny. */
static int
take_words(struct rule *r, char *const *word, int n, char *why, size_t whylen)
{
	static const char *const kinds[] = { "allow", "deny" };
	const char *near;
	unsigned seen = 0;
	int i, e;

	if (n == 0 ||
	    (strcmp(word[0], "allow") != 0 && strcmp(word[0], "deny") != 0)) {
		near = n > 0 ? conf_suggest(word[0], kinds, 2) : NULL;
		return near != NULL ?
		    sec_refuse(SEC_ERR_FORMAT, why, whylen,
			"\"%.64s\" (did you mean \"%s\"?)", word[0], near) :
		    sec_refuse(SEC_ERR_FORMAT, why, whylen,
			"a rule begins with allow or deny");
	}
	r->allow = strcmp(word[0], "allow") == 0;
	text_copy(r->attrs, "*", sizeof(r->attrs));
	for (i = 1; i < n; i++)
		if ((e = take_word(r, word[i], &seen, why, whylen)) != 0)
			return e;
	return check(r, why, whylen);
}

int
rule_parse(struct rule *r, const char *text, char *why, size_t whylen)
{
	struct wordfile_line l = { 0 };
	char buf[WORDFILE_LINE];
	struct rule out;
	int e;

	memset(&out, 0, sizeof(out));
	if (wordfile_split(&l, buf, text, strlen(text)) != 0 ||
	    l.n > WORDFILE_WORDS)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "not one line of text");
	if ((e = take_words(&out, l.word, l.n, why, whylen)) != 0)
		return e;
	memcpy(out.name, r->name, sizeof(out.name));
	*r = out;
	return 0;
}

void
rule_put(struct buf *b, const struct rule *r)
{
	buf_put_str(b, r->allow ? "allow" : "deny");
	if (r->who.kind != SUBJECT_ANY) {
		buf_put_str(b, " who=");
		subject_put(b, &r->who);
	}
	if (r->whom.kind != SUBJECT_ANY) {
		buf_put_str(b, " whom=");
		subject_put(b, &r->whom);
	}
	if (r->same_org)
		buf_put_str(b, " org=org");
	if (strcmp(r->attrs, "*") != 0)
		buf_putf(b, " attrs=%s", r->attrs);
}

const char *
rule_type(const struct rule *r)
{
	switch (r->whom.kind) {
	case SUBJECT_USER:
	case SUBJECT_GROUP:
	case SUBJECT_ORG: return "user";
	case SUBJECT_TYPE:
	case SUBJECT_THING: return r->whom.type;
	case SUBJECT_ANY: break;
	}
	return r->same_org ? "user" : "";
}

/* --- sets --- */

int
rules_insert(struct rules *s, size_t at, const struct rule *r)
{
	struct rule *grown;

	if (s->n == RULES_MAX)
		return SEC_ERR_LIMIT;
	grown = reallocarray(s->rule, s->n + 1, sizeof(*grown));
	if (grown == NULL)
		return SEC_ERR_SYS;
	s->rule = grown;
	memmove(&grown[at + 1], &grown[at], (s->n - at) * sizeof(*grown));
	grown[at] = *r;
	s->n++;
	return 0;
}

void
rules_remove(struct rules *s, size_t at)
{
	s->n--;
	memmove(&s->rule[at], &s->rule[at + 1], (s->n - at) * sizeof(*s->rule));
}

int
rules_find(const struct rules *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->rule[i].name, name) == 0)
			return (int)i;
	return -1;
}

void
rules_free(struct rules *s)
{
	free(s->rule);
	memset(s, 0, sizeof(*s));
}

static int
take_line(void *arg, const struct wordfile_line *l, char *why, size_t whylen)
{
	struct rules *s = arg;
	struct rule r;
	int e;

	memset(&r, 0, sizeof(r));
	if (!text_is_name(l->word[0]))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "\"%.64s\" is not a rule's name", l->word[0]);
	if (rules_find(s, l->word[0]) >= 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "name %s is there twice", l->word[0]);
	text_copy(r.name, l->word[0], sizeof(r.name));
	if ((e = take_words(&r, l->word + 1, l->n - 1, why, whylen)) != 0)
		return e;
	if ((e = rules_insert(s, s->n, &r)) != 0)
		(void)sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "more than %d rules", RULES_MAX);
	return e;
}

int
rules_parse(struct rules *s, const char *text, size_t n, char *why,
    size_t whylen)
{
	int r;

	if ((r = wordfile_parse(text, n, take_line, s, why, whylen)) != 0)
		rules_free(s);
	return r;
}

int
rules_read(struct rules *s, const char *path, char *why, size_t whylen)
{
	int r;

	if ((r = wordfile_read(path, take_line, s, why, whylen)) != 0)
		rules_free(s);
	return r;
}
