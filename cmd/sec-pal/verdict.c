/*
 * verdict: may he watch it? Rules in their order, the organisation chart
 * from the directory, which knows people whether or not they are logged in
 * (S160).
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "db/dir_store.h"

#include "verdict.h"

/* A rule that is tried on a pair. */
struct trial {
	struct standing *standing;
	const char *watcher;
	const struct uri *whom;
	char *why;
	size_t whylen;
};

__attribute__((format(printf, 2, 3))) static int
no(const struct trial *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->why, t->whylen, fmt, ap);
	va_end(ap);
	return 0;
}

static int
is_user_as(const struct trial *t, const struct subject *s, const char *user)
{
	if (s->kind == SUBJECT_ANY || standing_is(t->standing, s, user))
		return 1;
	if (s->kind == SUBJECT_USER)
		return no(t, "%.64s is not %.64s", user, s->name);
	return no(t, "%.64s is not in %s %.64s", user,
	    s->kind == SUBJECT_GROUP ? "group" : "organisation", s->name);
}

static int
is_whom(const struct trial *t, const struct subject *s)
{
	struct subject it = { .kind = SUBJECT_THING };
	struct buf is = BUF_INIT, b = BUF_INIT;

	if (t->whom->kind == URI_USER && s->kind != SUBJECT_TYPE)
		return is_user_as(t, s, t->whom->name);
	if (subject_names(s, t->whom))
		return 1;
	text_copy(it.type, uri_type(t->whom), sizeof it.type);
	text_copy(it.name, t->whom->name, sizeof it.name);
	subject_put(&is, &it);
	subject_put(&b, s);
	(void)no(t, "%.90s is not %.90s", buf_cstr(&is), buf_cstr(&b));
	buf_free(&is);
	buf_free(&b);
	return 0;
}

static int
is_same_org(const struct trial *t)
{
	char his[DIR_ORG];
	const char *other;

	text_copy(his, standing_org(t->standing, t->watcher), sizeof his);
	if (*his == '\0')
		return no(t, "%.64s has no organisation", t->watcher);
	other = standing_org(t->standing, t->whom->name);
	if (*other == '\0')
		return no(t, "%.64s has no organisation", t->whom->name);
	return strcmp(his, other) == 0 ||
	    no(t, "%.80s is not %.80s", his, other);
}

static int
matches(const struct rule *r, const struct trial *t)
{
	return is_user_as(t, &r->who, t->watcher) && is_whom(t, &r->whom) &&
	    (!r->same_org || is_same_org(t));
}

static int
is_about(const struct rule *r, const struct uri *whom)
{
	const char *type = rule_type(r);

	if (*type != '\0')
		return strcmp(type, uri_type(whom)) == 0;
	return !r->allow || whom->kind != URI_CONF;
}

static void
decide(struct verdict *v, const struct rule *r)
{
	v->allow = r->allow;
	v->why[0] = '\0';
	text_copy(v->rule, r->name, sizeof v->rule);
	if (strcmp(r->attrs, "*") != 0)
		text_copy(v->attrs, r->attrs, sizeof v->attrs);
}

/* 1 if a rule of the set has decided. */
static int
try_set(struct verdict *v, const struct rules *s, const struct trial *t)
{
	const struct rule *r;
	char why[sizeof v->why];
	struct trial one = *t;

	one.why = why;
	one.whylen = sizeof why;
	for (r = s->rule; r < s->rule + s->n; r++) {
		if (!is_about(r, t->whom))
			continue;
		why[0] = '\0';
		if (matches(r, &one)) {
			decide(v, r);
			return 1;
		}
		if (r->allow) {
			v->allow = 0;
			text_copy(v->rule, r->name, sizeof v->rule);
			text_copy(v->why, why, sizeof v->why);
		}
	}
	return 0;
}

void
verdict_find(struct verdict *v, const struct rules *const *set, size_t nsets,
    struct standing *standing, const char *watcher, const struct uri *whom)
{
	struct trial t = { .standing = standing,
		.watcher = watcher,
		.whom = whom };
	size_t i;

	memset(v, 0, sizeof *v);
	standing_awaited(standing, v->awaits);
	v->awaits[0] = '\0';
	if (uri_type(whom) == NULL) {
		text_copy(v->why, "nothing that can be watched", sizeof v->why);
		return;
	}
	v->allow = whom->kind != URI_CONF;
	if (!v->allow)
		text_copy(v->why,
		    "a conference is watched by those who take part in it, "
		    "and by whom its owner lets",
		    sizeof v->why);
	if (whom->kind == URI_USER && strcmp(whom->name, watcher) == 0)
		return;
	for (i = 0; i < nsets && !try_set(v, set[i], &t); i++)
		continue;
	standing_awaited(standing, v->awaits);
}
