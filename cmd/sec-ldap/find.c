/*
 * Searching, in two trips: who matches, as users and DNs and sorted, and
 * then the attributes of those who are wanted of them, with their groups.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fold.h"
#include "base/text.h"

#include "filter.h"
#include "find.h"
#include "names.h"

#define AT_ONCE 32 /* people; servers bear a hundred searches */

static int
no_memory(struct connection *c)
{
	text_copy(c->why, "no memory", sizeof(c->why));
	return SEC_ERR_SYS;
}

/* Each value that is text, until cb returns other than 0. */
static int
each_value(LDAP *ld, LDAPMessage *e, const char *attr,
    int (*cb)(void *arg, const char *value), void *arg)
{
	struct berval **v = ldap_get_values_len(ld, e, attr);
	int r = 0, i;

	/* libldap has put a NUL behind each. */
	for (i = 0; v != NULL && v[i] != NULL && r == 0; i++)
		if (strlen(v[i]->bv_val) == v[i]->bv_len)
			r = cb(arg, v[i]->bv_val);
	ldap_value_free_len(v);
	return r;
}

/* --- groups, as a part of what is searched for --- */

struct members {
	struct buf *out;
	const char *attr; /* that a member is found by */
	size_t n;
};

static int
put_member(void *arg, const char *value)
{
	struct members *m = arg;

	filter_equal(m->out, m->attr, value);
	return ++m->n > GROUP_MOST ? SEC_ERR_LIMIT : 0;
}

/* RFC 5020: an entry is found by its DN. */
static int
put_members(LDAP *ld, LDAPMessage *e, struct members *m)
{
	int r;

	m->attr = "entryDN";
	if ((r = each_value(ld, e, "member", put_member, m)) != 0 ||
	    (r = each_value(ld, e, "uniqueMember", put_member, m)) != 0)
		return r;
	m->attr = "uid";
	return each_value(ld, e, "memberUid", put_member, m);
}

/* The members of the groups that the term names; none: SEC_ERR_NOTHING. */
static int
groups_term(struct connection *c, const struct dir_term *t, struct buf *out)
{
	static const char *const attrs[] = { "member", "uniqueMember",
		"memberUid", NULL };
	struct members m = { out, NULL, 0 };
	struct buf f = BUF_INIT;
	struct query q = { c->set.groups, LDAP_SCOPE_SUBTREE, NULL, attrs,
		NULL };
	LDAPMessage *res, *e;
	int id, r;

	filter_groups(&f, t);
	q.filter = buf_cstr(&f);
	r = connection_search(c, &q, &id);
	buf_free(&f);
	if (r != 0 || (r = connection_wait(c, id, NULL, &res)) != 0)
		return r;
	buf_put_str(out, "(|");
	for (e = ldap_first_entry(c->ld, res); e != NULL && r == 0;
	     e = ldap_next_entry(c->ld, e))
		r = put_members(c->ld, e, &m);
	buf_put_str(out, ")");
	ldap_msgfree(res);
	if (r == SEC_ERR_LIMIT)
		snprintf(c->why, sizeof(c->why),
		    "%.64s has more than %d members: too many to search for",
		    t->value, GROUP_MOST);
	return r != 0 ? r : m.n > 0 ? 0 : SEC_ERR_NOTHING;
}

static int
build_filter(struct connection *c, const struct dir_search *q, struct buf *out)
{
	const struct dir_term *t;
	int r = 0;

	buf_put_str(out, "(&(objectClass=person)(uid=*)");
	for (t = q->term; t < q->term + q->n && r == 0; t++)
		if (strcmp(t->attr, "groups") == 0)
			r = groups_term(c, t, out);
		else if ((r = filter_term(out, t)) != 0)
			snprintf(c->why, sizeof(c->why),
			    "nobody is found by \"%.32s\"", t->attr);
	buf_put_str(out, ")");
	return r == 0 && buf_error(out) != 0 ? no_memory(c) : r;
}

/* --- who matches --- */

static int
copy_first(void *arg, const char *value)
{
	char **out = arg;

	*out = strdup(value);
	return 1;
}

static char *
first_value(LDAP *ld, LDAPMessage *e, const char *attr)
{
	char *s = NULL;

	(void)each_value(ld, e, attr, copy_first, &s);
	return s;
}

static char *
copy_folded(const char *s)
{
	struct buf b = BUF_INIT;
	char *copy = NULL;

	if (s != NULL && fold_put(&b, s, FOLD_WORDS) == 0)
		copy = strdup(buf_cstr(&b));
	buf_free(&b);
	return copy;
}

static void
found_free(struct found *f)
{
	free(f->sort);
	free(f->user);
	free(f->dn);
}

static int
answer_add(struct answer *a, const struct found *f)
{
	size_t cap = a->cap > 0 ? 2 * a->cap : 64;
	struct found *v;

	a->bytes += strlen(f->user) + strlen(f->dn) + 32;
	if (a->bytes > ANSWER_MOST)
		return SEC_ERR_LIMIT;
	if (a->n == a->cap) {
		if ((v = realloc(a->v, cap * sizeof(*v))) == NULL)
			return SEC_ERR_SYS;
		a->v = v;
		a->cap = cap;
	}
	a->v[a->n++] = *f;
	return 0;
}

/* One entry; who is no possible user of ours is passed over. */
static int
take_found(struct connection *c, LDAPMessage *e, struct answer *a)
{
	char *dn = ldap_get_dn(c->ld, e), *name;
	struct found f;
	int r;

	f.user = first_value(c->ld, e, "uid");
	name = first_value(c->ld, e, "cn");
	f.sort = copy_folded(name != NULL ? name : f.user);
	f.dn = dn != NULL ? strdup(dn) : NULL;
	free(name);
	ldap_memfree(dn);
	if (f.user == NULL || f.sort == NULL || f.dn == NULL ||
	    !dir_user_allowed(f.user)) {
		found_free(&f);
		return 0;
	}
	if ((r = answer_add(a, &f)) != 0)
		found_free(&f);
	if (r == SEC_ERR_LIMIT)
		text_copy(c->why, "too many people: ask for fewer",
		    sizeof(c->why));
	return r;
}

static int
take_page(struct connection *c, LDAPMessage *res, struct answer *a)
{
	LDAPMessage *e;
	int r = 0;

	for (e = ldap_first_entry(c->ld, res); e != NULL && r == 0;
	     e = ldap_next_entry(c->ld, e))
		r = take_found(c, e, a);
	return r;
}

static int
by_sort(const void *x, const void *y)
{
	const struct found *a = x, *b = y;
	int d = strcmp(a->sort, b->sort);

	return d != 0 ? d : strcmp(a->user, b->user);
}

static int
find_pages(struct connection *c, const char *filter, struct answer *out)
{
	static const char *const attrs[] = { "uid", "cn", NULL };
	struct berval cookie = { 0, NULL };
	const struct query q = { c->set.base, LDAP_SCOPE_SUBTREE, filter, attrs,
		&cookie };
	LDAPMessage *res;
	int id, r;

	do {
		if ((r = connection_search(c, &q, &id)) != 0 ||
		    (r = connection_wait(c, id, &cookie, &res)) != 0)
			break;
		r = take_page(c, res, out);
		ldap_msgfree(res);
	} while (r == 0 && cookie.bv_len > 0);
	ber_memfree(cookie.bv_val);
	return r;
}

int
find(struct connection *c, const struct dir_search *q, struct answer *out)
{
	struct buf filter = BUF_INIT;
	int r;

	memset(out, 0, sizeof(*out));
	r = build_filter(c, q, &filter);
	if (r == 0 && (r = find_pages(c, buf_cstr(&filter), out)) == 0 &&
	    out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), by_sort);
	else if (r == SEC_ERR_NOTHING)
		/* A group that is not there, or a base without entry. */
		r = 0;
	buf_free(&filter);
	return r;
}

void
answer_free(struct answer *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		found_free(&a->v[i]);
	free(a->v);
	memset(a, 0, sizeof(*a));
}

/* --- the people themselves --- */

struct taking {
	struct dir_person *person;
	const char *attr;
};

/* A value that our directory could not hold is left out. */
static int
add_value(void *arg, const char *value)
{
	struct taking *t = arg;

	(void)dir_person_add(t->person, t->attr, value);
	return 0;
}

static int
is_in(const struct dir_person *p, const char *group)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->attr[i].name, "groups") == 0 &&
		    strcmp(p->attr[i].value, group) == 0)
			return 1;
	return 0;
}

/* Names of groups have no capitals and no blanks with us. */
static int
add_group(void *arg, const char *value)
{
	struct dir_person *p = arg;
	char group[DIR_GROUP];
	char *s;

	if (text_copy(group, value, sizeof(group)) >= sizeof(group))
		return 1;
	for (s = group; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
		else if (*s == ' ')
			*s = '-';
	if (!is_in(p, group))
		(void)dir_person_add(p, "groups", group);
	/* Other values of cn are other names of the same group. */
	return 1;
}

/* In the order in which the server has them. */
static void
take_attrs(LDAP *ld, LDAPMessage *e, struct dir_person *p)
{
	struct taking t = { p, NULL };
	BerElement *state = NULL;
	char ours[DIR_ATTR], *attr;

	for (attr = ldap_first_attribute(ld, e, &state); attr != NULL;
	     attr = ldap_next_attribute(ld, e, state)) {
		if ((t.attr = name_ours(attr, ours)) != NULL)
			(void)each_value(ld, e, attr, add_value, &t);
		ldap_memfree(attr);
	}
	ber_free(state, 0);
	if (dir_person_attr(p, "name") == NULL)
		(void)dir_person_add(p, "name", p->user);
}

struct asked {
	int person, groups; /* ids of the two searches */
};

static int
ask(struct connection *c, const struct found *f, struct asked *a)
{
	static const char *const all[] = { "*", NULL };
	static const char *const cn[] = { "cn", NULL };
	struct buf filter = BUF_INIT;
	const struct query person = { f->dn, LDAP_SCOPE_BASE,
		"(objectClass=person)", all, NULL };
	struct query groups = { c->set.groups, LDAP_SCOPE_SUBTREE, NULL, cn,
		NULL };
	int r;

	filter_member(&filter, f->dn, f->user);
	groups.filter = buf_cstr(&filter);
	if ((r = connection_search(c, &person, &a->person)) == 0)
		r = connection_search(c, &groups, &a->groups);
	buf_free(&filter);
	return r;
}

static int
wait_person(struct connection *c, int id, struct dir_person *p)
{
	LDAPMessage *res, *e;
	int r;

	if ((r = connection_wait(c, id, NULL, &res)) != 0)
		return r;
	if ((e = ldap_first_entry(c->ld, res)) != NULL)
		take_attrs(c->ld, e, p);
	ldap_msgfree(res);
	return e != NULL ? 0 : SEC_ERR_NOTHING;
}

static int
by_value(const void *x, const void *y)
{
	const struct dir_attr *a = x, *b = y;

	return strcmp(a->value, b->value);
}

static int
wait_groups(struct connection *c, int id, struct dir_person *p)
{
	size_t first = p->n;
	LDAPMessage *res, *e;
	int r;

	if ((r = connection_wait(c, id, NULL, &res)) != 0)
		return r;
	for (e = ldap_first_entry(c->ld, res); e != NULL;
	     e = ldap_next_entry(c->ld, e))
		(void)each_value(c->ld, e, "cn", add_group, p);
	if (p->n > first)
		qsort(p->attr + first, p->n - first, sizeof(*p->attr),
		    by_value);
	ldap_msgfree(res);
	return 0;
}

/* Both answers are taken, whatever the first one is. */
static int
take_person(struct connection *c, const struct show *s, const struct found *f,
    const struct asked *a)
{
	struct dir_person p;
	int r, r2;

	memset(&p, 0, sizeof(p));
	text_copy(p.user, f->user, sizeof(p.user));
	r = wait_person(c, a->person, &p);
	if (r == 0 || r == SEC_ERR_NOTHING) {
		if ((r2 = wait_groups(c, a->groups, &p)) == SEC_ERR_NOTHING)
			r2 = 0;
		if (r == 0 && r2 == 0)
			s->cb(s->arg, &p);
		r = r2;
	}
	dir_person_free(&p);
	return r;
}

int
show(struct connection *c, const struct show *s)
{
	struct asked asked[AT_ONCE];
	size_t i, k, n;
	int r = 0;

	for (i = 0; i < s->n && r == 0; i += n) {
		n = s->n - i < AT_ONCE ? s->n - i : AT_ONCE;
		for (k = 0; k < n && r == 0; k++)
			r = ask(c, &s->who[i + k], &asked[k]);
		for (k = 0; k < n && r == 0; k++)
			r = take_person(c, s, &s->who[i + k], &asked[k]);
	}
	return r;
}
