/* Who or what a rule, a type or an object names. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/subject.h"

/* Groups and organisations are called as people like, in one word. */
static int
take_chart(struct subject *s, enum subject_kind kind, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 64 || !text_is_utf8(name, n) ||
	    strpbrk(name, "* \t\r\n") != NULL)
		return SEC_ERR_FORMAT;
	s->kind = kind;
	text_copy(s->name, name, sizeof(s->name));
	return 0;
}

static int
take_thing(struct subject *s, const char *text)
{
	struct uri u;

	if (strncmp(text, "sip:", 4) == 0 || strchr(text, '@') != NULL ||
	    uri_from_name(&u, text, "", 0) != 0 || uri_type(&u) == NULL)
		return SEC_ERR_FORMAT;
	s->kind = u.kind == URI_USER ? SUBJECT_USER : SUBJECT_THING;
	text_copy(s->type, uri_type(&u), sizeof(s->type));
	text_copy(s->name, u.name, sizeof(s->name));
	return 0;
}

/* TYPE:* is a type if TYPE:x is one of its things. */
static int
take_type(struct subject *s, const char *type)
{
	char thing[64];

	if (strlen(type) > 32)
		return SEC_ERR_FORMAT;
	snprintf(thing, sizeof(thing), "%.33s:%s", type,
	    strcmp(type, "tel") == 0 ? "0" : "x");
	if (take_thing(s, thing) != 0)
		return SEC_ERR_FORMAT;
	s->kind = SUBJECT_TYPE;
	s->name[0] = '\0';
	return 0;
}

int
subject_parse(struct subject *s, const char *text)
{
	static const struct {
		const char *word, *known;
	} same[] = { { "conference:", "conf:" }, { "phone:", "tel:" } };
	char buf[200];
	struct subject out;
	size_t i, n;
	int r;

	memset(&out, 0, sizeof(out));
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		n = strlen(same[i].word);
		if (strncmp(text, same[i].word, n) == 0 &&
		    snprintf(buf, sizeof(buf), "%s%s", same[i].known,
			text + n) < (int)sizeof(buf))
			text = buf;
	}
	n = strlen(text);
	if (strcmp(text, "*") == 0)
		r = 0;
	else if (strncmp(text, "group:", 6) == 0)
		r = take_chart(&out, SUBJECT_GROUP, text + 6);
	else if (strncmp(text, "org:", 4) == 0)
		r = take_chart(&out, SUBJECT_ORG, text + 4);
	else if (n > 2 && n < sizeof(buf) && strcmp(text + n - 2, ":*") == 0) {
		memmove(buf, text, n);
		buf[n - 2] = '\0';
		r = take_type(&out, buf);
	} else
		r = take_thing(&out, text);
	if (r == 0)
		*s = out;
	return r;
}

/* The word before the colon. */
static const char *
typed(const char *type)
{
	if (strcmp(type, "conference") == 0)
		return "conf";
	return strcmp(type, "phone") == 0 ? "tel" : type;
}

void
subject_put(struct buf *b, const struct subject *s)
{
	switch (s->kind) {
	case SUBJECT_ANY: buf_put_str(b, "*"); break;
	case SUBJECT_USER: buf_put_str(b, s->name); break;
	case SUBJECT_GROUP: buf_putf(b, "group:%s", s->name); break;
	case SUBJECT_ORG: buf_putf(b, "org:%s", s->name); break;
	case SUBJECT_TYPE: buf_putf(b, "%s:*", typed(s->type)); break;
	case SUBJECT_THING:
		buf_putf(b, "%s:%s", typed(s->type), s->name);
		break;
	}
}

int
subject_is_publisher(const struct subject *s)
{
	return s->kind == SUBJECT_USER || s->kind == SUBJECT_GROUP;
}

int
subject_names(const struct subject *s, const struct uri *u)
{
	const char *type = uri_type(u);

	switch (s->kind) {
	case SUBJECT_ANY: return 1;
	case SUBJECT_TYPE: return type != NULL && strcmp(s->type, type) == 0;
	case SUBJECT_USER:
	case SUBJECT_THING:
		return type != NULL && strcmp(s->type, type) == 0 &&
		    strcmp(s->name, u->name) == 0;
	case SUBJECT_GROUP:
	case SUBJECT_ORG: break;
	}
	return 0;
}
