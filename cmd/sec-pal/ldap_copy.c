/*
 * ldap_copy: what rules need to know of a user, out of the LDAP directory
 * into dir.db, when he registers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include "directory.h"
#include "ldap_copy.h"
#include "pal.h"
#include "rule.h"

#define COPY_MS 3600000

struct copied {
	int64_t at; /* mono ms */
};

struct copying {
	struct pal *p;
	struct dir_person who; /* nobody yet: user is "" */
	char user[DIR_USER];
};

static int
copy_user(void *arg, const char *user)
{
	const struct copying *c = arg;

	/* Letters of both sizes are the same to LDAP, not to Kerberos. */
	return strcmp(user, c->user) == 0;
}

static void
copy_person(void *arg, const struct dir_person *p)
{
	static const char *const kept[] = { "name", "org", "groups" };
	struct copying *c = arg;
	size_t i, k;

	dir_person_free(&c->who);
	text_copy(c->who.user, p->user, sizeof(c->who.user));
	for (i = 0; i < p->n; i++)
		for (k = 0; k < sizeof(kept) / sizeof(kept[0]); k++)
			if (strcmp(p->attr[i].name, kept[k]) == 0)
				(void)dir_person_add(&c->who, kept[k],
				    p->attr[i].value);
}

static int
is_same(const struct dir_person *a, const struct dir_person *b)
{
	size_t i;

	if (a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->attr[i].name, b->attr[i].name) != 0 ||
		    strcmp(a->attr[i].value, b->attr[i].value) != 0)
			return 0;
	return 1;
}

/* Instead of what was there: who has left a group is not in it any more.
 * *changed is set if that makes a difference. 0 or SEC_ERR_*. */
static int
copy_store(struct copying *c, struct db *d, int *changed)
{
	struct dir_person old;
	int r, is_here = c->who.user[0] != '\0';

	if ((r = dir_person_get(d, c->user, &old)) == 0) {
		*changed = !is_here || !is_same(&old, &c->who);
		dir_person_free(&old);
	} else if (r == SEC_ERR_NOTHING)
		*changed = is_here;
	else
		return r;
	if (!*changed || (r = db_begin(d)) != 0)
		return *changed ? r : 0;
	r = dir_person_rm(d, c->user);
	if ((r == 0 || r == SEC_ERR_NOTHING) && is_here)
		r = dir_person_put(d, &c->who, clock_real(), NULL);
	if (r != 0 && r != SEC_ERR_NOTHING) {
		db_rollback(d);
		return r;
	}
	return db_commit(d);
}

/* He is due again: he will register before long. */
static void
copy_failed(struct pal *p, const char *user)
{
	if (p->ldap_copies != NULL)
		free(map_del_str(p->ldap_copies, user));
}

static void
copy_done(void *arg, int err, const char *why)
{
	struct copying *c = arg;
	struct pal *p = c->p;
	struct db *d = directory_writer(p);
	int changed = 0;

	(void)why;
	if (err == 0 && (d == NULL || (err = copy_store(c, d, &changed)) != 0))
		log_warn("ldap.copy", "user=%s why=%s", log_quote(c->user),
		    d == NULL ? "import" : log_quote(sec_strerror(err)));
	/* What was known stays. */
	if (err != 0 || d == NULL)
		copy_failed(p, c->user);
	else if (changed)
		rules_chart_changed(p);
	dir_person_free(&c->who);
	free(c);
}

/* Was that long ago, or never? Then it is now. */
static int
copy_is_due(struct pal *p, const char *user)
{
	struct copied *was;

	if (p->ldap_copies == NULL)
		p->ldap_copies = map_new();
	was = map_get_str(p->ldap_copies, user);
	if (was != NULL && clock_mono() - was->at < COPY_MS)
		return 0;
	if (was == NULL) {
		if ((was = calloc(1, sizeof(*was))) == NULL)
			return 0;
		(void)map_put_str(p->ldap_copies, user, was);
	}
	was->at = clock_mono();
	return 1;
}

void
ldap_copy(struct pal *p, const char *user)
{
	static const struct directory_reader reader = { copy_user, copy_person,
		copy_done };
	struct dir_search q = { .n = 1 };
	struct copying *c;

	if (!dir_user_allowed(user) || !copy_is_due(p, user))
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	c->p = p;
	text_copy(c->user, user, sizeof(c->user));
	text_copy(q.term[0].attr, "user", sizeof(q.term[0].attr));
	text_copy(q.term[0].value, user, sizeof(q.term[0].value));
	directory_search(p, &q, &reader, c);
}

void
ldap_copies_forget(struct pal *p)
{
	struct copied *was;
	size_t i = 0;

	if (p->ldap_copies == NULL)
		return;
	while ((was = map_next(p->ldap_copies, &i)) != NULL)
		free(was);
	map_free(p->ldap_copies);
	p->ldap_copies = NULL;
}
