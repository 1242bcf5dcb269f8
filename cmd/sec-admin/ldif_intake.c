/*
 * People, organisations and groups of an LDIF file. Twice through it: first
 * what every DN is called here, then the rows.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fold.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "wire/ldif.h"

#include "import.h"

#define RDNS 32

enum kind { KIND_NONE, KIND_PERSON, KIND_ORG, KIND_GROUP };

/* What an entry is called here. */
struct named {
	enum kind kind;
	char name[DIR_ORG];
};

struct tree {
	struct intake *in;
	struct ldif l;
	struct map *names; /* struct named by folded DN */
};

static enum kind
kind_of(const struct ldif *l)
{
	static const struct {
		const char *class_;
		enum kind kind;
	} classes[] = {
		{ "inetOrgPerson", KIND_PERSON },
		{ "organizationalPerson", KIND_PERSON },
		{ "person", KIND_PERSON },
		{ "posixAccount", KIND_PERSON },
		{ "organizationalUnit", KIND_ORG },
		{ "groupOfNames", KIND_GROUP },
		{ "groupOfUniqueNames", KIND_GROUP },
		{ "posixGroup", KIND_GROUP },
	};
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (ldif_has(l, "objectclass", classes[i].class_))
			return classes[i].kind;
	return KIND_NONE;
}

/* --- DNs --- */

/* From the n-th RDN on, as one text for each way of writing it: 0 or
 * SEC_ERR_FORMAT. */
static int
dn_key(const char *dn, size_t n, struct buf *out)
{
	char name[64], value[512];
	int r;

	buf_reset(out);
	for (; n < RDNS; n++) {
		r = ldif_rdn(dn, n, name, sizeof(name), value, sizeof(value));
		if (r == SEC_ERR_NOTHING)
			break;
		if (r != 0)
			return r;
		buf_putf(out, "%s=", name);
		if ((r = fold_put(out, value, FOLD_WORDS)) != 0)
			return r;
		buf_put_u8(out, '\n');
	}
	return buf_error(out);
}

static const struct named *
dn_named(struct tree *t, const char *dn, size_t n)
{
	const struct named *hit = NULL;
	struct buf key = BUF_INIT;

	if (dn_key(dn, n, &key) == 0)
		hit = map_get(t->names, buf_data(&key), buf_len(&key));
	buf_free(&key);
	return hit;
}

/* The organisation above: the nearest one among those that hold the
 * entry. */
static const char *
dn_parent(struct tree *t, const char *dn)
{
	const struct named *hit;
	size_t n;

	for (n = 1; n < RDNS; n++)
		if ((hit = dn_named(t, dn, n)) != NULL && hit->kind == KIND_ORG)
			return hit->name;
	return "";
}

/* Help Desk -> help-desk */
static void
group_name(char *out, const char *cn, size_t size)
{
	size_t i;

	text_copy(out, cn, size);
	for (i = 0; out[i] != '\0'; i++)
		if (out[i] == ' ')
			out[i] = '-';
		else if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] | 0x20);
}

/* --- the first time --- */

static void
entry_name(struct tree *t)
{
	static const char *const called[] = {
		[KIND_PERSON] = "uid",
		[KIND_ORG] = "ou",
		[KIND_GROUP] = "cn",
	};
	struct buf key = BUF_INIT;
	struct named *e, *old;
	enum kind kind = kind_of(&t->l);
	const char *name;

	if (kind == KIND_NONE)
		return;
	if ((name = ldif_get(&t->l, called[kind])) == NULL ||
	    strlen(name) >= sizeof(e->name)) {
		intake_error(t->in, t->l.line, "no %s", called[kind]);
		return;
	}
	if (dn_key(t->l.dn, 0, &key) != 0)
		intake_error(t->in, t->l.line, "not a DN: %.80s", t->l.dn);
	else if ((e = calloc(1, sizeof(*e))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	else {
		e->kind = kind;
		if (kind == KIND_GROUP)
			group_name(e->name, name, sizeof(e->name));
		else
			text_copy(e->name, name, sizeof(e->name));
		old = map_put(t->names, buf_data(&key), buf_len(&key), e);
		if (old != NULL)
			intake_error(t->in, t->l.line, "twice: %.80s", t->l.dn);
		free(old);
	}
	buf_free(&key);
}

/* --- the second time --- */

/* What a server keeps for itself, and what is nobody's business. */
static int
is_passed_over(const char *name)
{
	static const char *const names[] = { "objectclass", "uid", "userid",
		"userpassword", "sambantpassword", "krbprincipalkey",
		"memberof", "entryuuid", "entrycsn", "entrydn",
		"createtimestamp", "modifytimestamp", "creatorsname",
		"modifiersname", "structuralobjectclass", "hassubordinates",
		"subschemasubentry", "changetype" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return 1;
	return 0;
}

static int
take_person(struct tree *t, const struct named *self)
{
	struct dir_person p = { .n = 0 };
	unsigned before = t->in->errors;
	const struct ldif_attr *a;
	const char *name;
	size_t i;
	int r;

	text_copy(p.user, self->name, sizeof(p.user));
	if (!dir_user_allowed(p.user))
		intake_error(t->in, t->l.line, "uid: not allowed: %.60s",
		    p.user);
	for (i = 0; i < t->l.n && t->in->errors == before; i++) {
		a = &t->l.attr[i];
		name = load_attr(a->name);
		if (is_passed_over(a->name) || !dir_attr_allowed(name))
			continue;
		/* Strange values of strange attributes do no harm; ours are
		 * to be right. */
		if (name == a->name && strcmp(name, "mail") != 0 &&
		    strcmp(name, "title") != 0 &&
		    (!a->is_text || !dir_value_allowed(a->value)))
			continue;
		r = a->is_text ? dir_person_add(&p, name, a->value) :
				 SEC_ERR_FORMAT;
		if (r != 0)
			intake_error(t->in, a->line, "%s: %s", a->name,
			    r == SEC_ERR_LIMIT ? "too much" : "not allowed");
	}
	r = t->in->errors == before ? intake_person(t->in, t->l.line, &p) : 0;
	dir_person_free(&p);
	return r;
}

static int
take_org(struct tree *t, const struct named *self)
{
	const char *name = ldif_get(&t->l, "description");
	struct dir_org o;
	char at[320];

	memset(&o, 0, sizeof(o));
	text_copy(o.org, self->name, sizeof(o.org));
	text_copy(o.parent, dn_parent(t, t->l.dn), sizeof(o.parent));
	if (name != NULL && strlen(name) < sizeof(o.name) &&
	    dir_value_allowed(name))
		text_copy(o.name, name, sizeof(o.name));
	if (!dir_value_allowed(o.org))
		intake_error(t->in, t->l.line, "ou: not allowed");
	return t->in->errors > 0 ?
	    0 :
	    load_org(t->in->load, &o, intake_at(t->in, t->l.line, at));
}

/* The user whom a value of a group names, or NULL. */
static const char *
member_user(struct tree *t, const struct ldif_attr *a)
{
	const struct named *who;

	if (strcmp(a->name, "memberuid") == 0)
		return a->value;
	if (strcmp(a->name, "member") != 0 &&
	    strcmp(a->name, "uniquemember") != 0)
		return NULL;
	who = dn_named(t, a->value, 0);
	return who != NULL && who->kind == KIND_PERSON ? who->name : NULL;
}

static int
take_group(struct tree *t, const struct named *self)
{
	const char *title = ldif_get(&t->l, "description");
	char **members, at[320], *user;
	size_t i, n = 0;
	int r = 0;

	if (!text_is_name(self->name))
		intake_error(t->in, t->l.line,
		    "cn: not the name of a group: %.60s", self->name);
	if ((members = calloc(t->l.n + 1, sizeof(*members))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	for (i = 0; i < t->l.n; i++)
		/* Members that are not in the file are nobody here. */
		if ((user = (char *)(uintptr_t)member_user(t, &t->l.attr[i])) !=
		    NULL)
			members[n++] = user;
	if (t->in->errors == 0)
		r = load_group(t->in->load, self->name,
		    title != NULL && strlen(title) < 256 &&
			    dir_value_allowed(title) ?
			title :
			"",
		    members, intake_at(t->in, t->l.line, at));
	free(members);
	return r;
}

static int
entry_take(struct tree *t)
{
	const struct named *self = dn_named(t, t->l.dn, 0);

	if (self == NULL) {
		t->in->skipped++;
		return 0;
	}
	switch (self->kind) {
	case KIND_PERSON: return take_person(t, self);
	case KIND_ORG: return take_org(t, self);
	case KIND_GROUP: return take_group(t, self);
	case KIND_NONE: break;
	}
	return 0;
}

int
intake_ldif(struct intake *in)
{
	struct tree t = { .in = in, .names = map_new() };
	struct named *e;
	size_t i;
	int r = 0, more;

	ldif_init(&t.l, in->text, in->n);
	while ((more = ldif_next(&t.l)) == 1)
		entry_name(&t);
	if (more < 0)
		intake_error(in, t.l.line, "%s", t.l.why);
	ldif_free(&t.l);
	ldif_init(&t.l, in->text, in->n);
	while (r == 0 && more == 0 && ldif_next(&t.l) == 1)
		r = entry_take(&t);
	ldif_free(&t.l);
	for (i = 0; (e = map_next(t.names, &i)) != NULL;)
		free(e);
	map_free(t.names);
	return r;
}
