/*
 * dir.db: people and what is known of them, organisations, groups.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fold.h"
#include "base/text.h"
#include "db/dir_store.h"
#include "db/stmt.h"

#define ORG_DEPTH 64 /* of the chart; more is a ring */

/* --- names and values --- */

int
dir_attr_allowed(const char *name)
{
	/* Fields of an answer's rows (sec-protocol(7)). */
	static const char *const taken[] = { "user", "uri", "type", "status",
		"class", "since", "id", "v", "event", "seq", "time" };
	size_t i, n = strlen(name);

	if (n == 0 || n >= DIR_ATTR || name[0] < 'a' || name[0] > 'z' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n)
		return 0;
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return 0;
	return 1;
}

int
dir_value_allowed(const char *value)
{
	size_t n = strlen(value), i;

	for (i = 0; i < n; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return 0;
	return n < DIR_VALUE && strspn(value, " ") < n &&
	    text_is_utf8(value, n);
}

int
dir_user_allowed(const char *user)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
	size_t n = strlen(user);

	return n > 0 && n < 64 && strchr("._-", user[0]) == NULL &&
	    strspn(user, first) == n;
}

static enum fold_kind
kind_of(const char *attr)
{
	return strcmp(attr, "phone") == 0 ? FOLD_PHONE : FOLD_WORDS;
}

/* --- a person in memory --- */

static size_t
person_bytes(const struct dir_person *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->n; i++)
		n += strlen(p->attr[i].value);
	return n;
}

static int
person_append(struct dir_person *p, const char *name, const char *value)
{
	struct dir_attr *a;

	if ((p->n & (p->n - 1)) == 0) {
		a = reallocarray(p->attr, p->n > 0 ? 2 * p->n : 8, sizeof(*a));
		if (a == NULL)
			return SEC_ERR_SYS;
		p->attr = a;
	}
	a = &p->attr[p->n];
	a->name = strdup(name);
	a->value = strdup(value);
	if (a->name == NULL || a->value == NULL) {
		free(a->name);
		free(a->value);
		return SEC_ERR_SYS;
	}
	p->n++;
	return 0;
}

int
dir_person_add(struct dir_person *p, const char *name, const char *value)
{
	if (!dir_attr_allowed(name) || !dir_value_allowed(value) ||
	    (strcmp(name, "groups") == 0 && !text_is_name(value)) ||
	    (strcmp(name, "org") == 0 && strlen(value) >= DIR_ORG))
		return SEC_ERR_FORMAT;
	if (p->n >= DIR_ATTRS - 1 ||
	    person_bytes(p) + strlen(value) > DIR_BYTES)
		return SEC_ERR_LIMIT;
	return person_append(p, name, value);
}

const char *
dir_person_attr(const struct dir_person *p, const char *name)
{
	size_t i;

	if (strcmp(name, "user") == 0)
		return p->user;
	for (i = 0; i < p->n; i++)
		if (strcmp(p->attr[i].name, name) == 0)
			return p->attr[i].value;
	return NULL;
}

void
dir_person_free(struct dir_person *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		free(p->attr[i].name);
		free(p->attr[i].value);
	}
	free(p->attr);
	memset(p, 0, sizeof(*p));
}

/* --- a person in the file --- */

static const char sql_person_put[] =
    "INSERT INTO person (user, sort, changed) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (user) DO UPDATE SET sort = ?2, changed = ?3";
static const char sql_person_rm[] = "DELETE FROM person WHERE user = ?1";
static const char sql_person_is[] = "SELECT 1 FROM person WHERE user = ?1";
static const char sql_attrs_get[] =
    "SELECT attr, value FROM attribute WHERE user = ?1 AND ord > 0"
    " ORDER BY ord";
static const char sql_attrs_rm[] = "DELETE FROM attribute WHERE user = ?1";
static const char sql_attr_put[] =
    "INSERT INTO attribute (user, ord, attr, value, key, sort)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char sql_org_need[] =
    "INSERT INTO organisation (key, org) VALUES (?1, ?2)"
    " ON CONFLICT DO NOTHING";
static const char sql_group_need[] =
    "INSERT INTO grouping (name) VALUES (?1) ON CONFLICT DO NOTHING";

/* 1 if the statement has a row. */
static int
exists(struct db *d, const char *sql, const char *key)
{
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql, "t", key)) != 0)
		return r;
	r = stmt_next(d, s);
	stmt_close(s);
	return r;
}

int
dir_person_get(struct db *d, const char *user, struct dir_person *out)
{
	struct dir_person p;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_attrs_get, "t", user)) != 0)
		return r;
	memset(&p, 0, sizeof(p));
	text_copy(p.user, user, sizeof(p.user));
	while ((r = stmt_next(d, s)) == 1)
		if ((r = person_append(&p,
			 (const char *)sqlite3_column_text(s, 0),
			 (const char *)sqlite3_column_text(s, 1))) != 0)
			break;
	stmt_close(s);
	/* Everybody has a name. */
	if (r == 0 && p.n == 0)
		r = SEC_ERR_NOTHING;
	if (r != 0)
		dir_person_free(&p);
	else
		*out = p;
	return r;
}

/* What is to be: the attributes of p, behind them what else there was. */
static int
person_merge(struct db *d, const struct dir_person *p, struct dir_person *all,
    int *made)
{
	struct dir_person old = { .n = 0 };
	size_t i;
	int r;

	r = dir_person_get(d, p->user, &old);
	*made = r == SEC_ERR_NOTHING;
	if (r != 0 && r != SEC_ERR_NOTHING)
		return r;
	r = 0;
	if (dir_person_attr(p, "name") == NULL &&
	    dir_person_attr(&old, "name") == NULL)
		r = dir_person_add(all, "name", p->user);
	for (i = 0; i < p->n && r == 0; i++)
		r = dir_person_add(all, p->attr[i].name, p->attr[i].value);
	for (i = 0; i < old.n && r == 0; i++)
		if (dir_person_attr(p, old.attr[i].name) == NULL)
			r = dir_person_add(all, old.attr[i].name,
			    old.attr[i].value);
	dir_person_free(&old);
	return r;
}

static int
attr_put(struct db *d, const char *user, int ord, const struct dir_attr *a,
    const char *sort)
{
	struct buf key = BUF_INIT;
	int r;

	r = fold_put(&key, a->value, kind_of(a->name));
	if (r == 0)
		r = stmt_run(d, sql_attr_put, "titttt", user, ord, a->name,
		    a->value, buf_cstr(&key), sort);
	if (r == 0 && strcmp(a->name, "org") == 0)
		r = stmt_run(d, sql_org_need, "tt", buf_cstr(&key), a->value);
	if (r == 0 && strcmp(a->name, "groups") == 0)
		r = stmt_run(d, sql_group_need, "t", a->value);
	buf_free(&key);
	return r;
}

static int
person_write(struct db *d, const struct dir_person *p, int64_t now, int is_new)
{
	char user[] = "user", name[DIR_USER];
	struct dir_attr self = { user, name };
	struct buf sort = BUF_INIT;
	size_t i;
	int r;

	text_copy(name, p->user, sizeof(name));
	if ((r = fold_put(&sort, dir_person_attr(p, "name"), FOLD_WORDS)) !=
		0 ||
	    (r = stmt_run(d, sql_person_put, "ttl", p->user, buf_cstr(&sort),
		 now)) != 0 ||
	    (!is_new && (r = stmt_run(d, sql_attrs_rm, "t", p->user)) != 0))
		goto out;
	r = attr_put(d, p->user, 0, &self, buf_cstr(&sort));
	for (i = 0; i < p->n && r == 0; i++)
		r = attr_put(d, p->user, (int)i + 1, &p->attr[i],
		    buf_cstr(&sort));
out:
	buf_free(&sort);
	return r;
}

int
dir_person_put(struct db *d, const struct dir_person *p, int64_t now, int *made)
{
	struct dir_person all;
	int r, was_made = 0;

	if (!dir_user_allowed(p->user))
		return SEC_ERR_FORMAT;
	memset(&all, 0, sizeof(all));
	text_copy(all.user, p->user, sizeof(all.user));
	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = person_merge(d, p, &all, &was_made)) == 0)
		r = person_write(d, &all, now, was_made);
	dir_person_free(&all);
	if ((r = db_finish(d, r)) == 0 && made != NULL)
		*made = was_made;
	return r;
}

int
dir_person_rm(struct db *d, const char *user)
{
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = stmt_run(d, sql_person_rm, "t", user)) == 0 &&
	    stmt_changes(d) == 0)
		r = SEC_ERR_NOTHING;
	if (r == 0)
		r = stmt_run(d, sql_attrs_rm, "t", user);
	return db_finish(d, r);
}

/* --- for rules --- */

static const char sql_org_of[] =
    "SELECT value FROM attribute WHERE user = ?1 AND attr = 'org'"
    " ORDER BY ord LIMIT 1";
static const char sql_member_is[] =
    "SELECT 1 FROM attribute WHERE user = ?1 AND attr = 'groups'"
    " AND value = ?2";
static const char sql_org_parent[] =
    "SELECT parent FROM organisation WHERE key = ?1";

int
dir_org_get(struct db *d, const char *user, char *out, size_t size)
{
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_org_of, "t", user)) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		stmt_text(s, 0, out, size);
	stmt_close(s);
	if (r != 0)
		return r == 1 ? 0 : r;
	if ((r = exists(d, sql_person_is, user)) == 1)
		out[0] = '\0';
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}

int
dir_is_member(struct db *d, const char *user, const char *group)
{
	sqlite3_stmt *s;
	int r;

	if (stmt_open(d, &s, sql_member_is, "tt", user, group) != 0)
		return 0;
	r = stmt_next(d, s);
	stmt_close(s);
	return r == 1;
}

/* The key above, "" if none. */
static int
org_parent(struct db *d, const char *key, struct buf *out)
{
	sqlite3_stmt *s;
	int r;

	buf_reset(out);
	if ((r = stmt_open(d, &s, sql_org_parent, "t", key)) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		buf_put_str(out, (const char *)sqlite3_column_text(s, 0));
	stmt_close(s);
	return r < 0 ? r : buf_error(out);
}

/* The same for keys. */
static int
key_is_under(struct db *d, const char *key, const char *above)
{
	struct buf at = BUF_INIT, next = BUF_INIT, swap;
	int i, hit = 0;

	buf_put_str(&at, key);
	for (i = 0; i < ORG_DEPTH && buf_len(&at) > 0; i++) {
		if ((hit = strcmp(buf_cstr(&at), above) == 0) ||
		    org_parent(d, buf_cstr(&at), &next) != 0)
			break;
		swap = at;
		at = next;
		next = swap;
	}
	buf_free(&at);
	buf_free(&next);
	return hit;
}

int
dir_org_is_under(struct db *d, const char *org, const char *above)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	int hit;

	hit = fold_put(&a, org, FOLD_WORDS) == 0 &&
	    fold_put(&b, above, FOLD_WORDS) == 0 && buf_len(&b) > 0 &&
	    key_is_under(d, buf_cstr(&a), buf_cstr(&b));
	buf_free(&a);
	buf_free(&b);
	return hit;
}

/* --- search --- */

/*
 * Every term is a range of keys [low, high). The narrowest gives the
 * people, in order; the others are asked about each of them.
 */
#define WORDS	 "('name','first','last','user','org','mail','location','title')"
#define LAST	 "\xf4\x8f\xbf\xbf" /* U+10FFFF: behind every letter */
#define COUNT_TO "4096"

static const char sql_everybody[] =
    "SELECT user FROM person ORDER BY sort, user";
static const char sql_attr_scan[] =
    "SELECT user FROM attribute INDEXED BY attribute_key"
    " WHERE attr = ?1 AND key >= ?2 AND key < ?3 ORDER BY sort, user";
static const char sql_attr_count[] =
    "SELECT count(*) FROM (SELECT 1 FROM attribute INDEXED BY attribute_key"
    " WHERE attr = ?1 AND key >= ?2 AND key < ?3 LIMIT " COUNT_TO ")";
static const char sql_attr_is[] =
    "SELECT 1 FROM attribute WHERE +attr = ?1 AND +key >= ?2 AND +key < ?3"
    " AND user = ?4 LIMIT 1";
/* ?1 ?2 words, ?3 ?4 telephones. */
static const char sql_word_scan[] =
    "SELECT user, sort FROM attribute INDEXED BY attribute_key"
    " WHERE attr IN " WORDS " AND key >= ?1 AND key < ?2 UNION ALL"
    " SELECT user, sort FROM attribute INDEXED BY attribute_key"
    " WHERE attr = 'phone' AND key >= ?3 AND key < ?4 ORDER BY sort, user";
static const char sql_word_count[] =
    "SELECT count(*) FROM (SELECT 1 FROM attribute INDEXED BY attribute_key"
    " WHERE attr IN " WORDS " AND key >= ?1 AND key < ?2 UNION ALL"
    " SELECT 1 FROM attribute INDEXED BY attribute_key"
    " WHERE attr = 'phone' AND key >= ?3 AND key < ?4 LIMIT " COUNT_TO ")";
static const char sql_word_is[] =
    "SELECT 1 FROM attribute WHERE ((+attr IN " WORDS
    " AND +key >= ?1 AND +key < ?2) OR"
    " (+attr = 'phone' AND +key >= ?3 AND +key < ?4)) AND user = ?5 LIMIT 1";

struct range {
	struct buf low, high;
};

struct condition {
	const char *attr; /* "": words */
	struct range words, phone; /* the one, or both for "" */
};

static int
range_set(struct range *g, const char *value, enum fold_kind kind, int prefix)
{
	int r;

	if ((r = fold_put(&g->low, value, kind)) != 0)
		return r;
	buf_put_str(&g->high, buf_cstr(&g->low));
	/* Values have no control characters. */
	buf_put_str(&g->high, prefix ? LAST : "\x01");
	return buf_error(&g->high);
}

static int
condition_set(struct condition *c, const struct dir_term *t)
{
	int word = t->attr[0] == '\0', r;

	c->attr = t->attr;
	r = range_set(&c->words, t->value, word ? FOLD_WORDS : kind_of(t->attr),
	    word || t->prefix);
	if (r == 0 && word)
		r = range_set(&c->phone, t->value, FOLD_PHONE, 1);
	/* Of "-" nothing is left: that is no telephone. */
	if (word && buf_len(&c->phone.low) == 0)
		buf_reset(&c->phone.high);
	return r;
}

static void
condition_free(struct condition *c)
{
	buf_free(&c->words.low);
	buf_free(&c->words.high);
	buf_free(&c->phone.low);
	buf_free(&c->phone.high);
}

/* A statement for the condition, and one about a user if there is one. */
static int
condition_open(struct db *d, sqlite3_stmt **s, const struct condition *c,
    const char *attr_sql, const char *word_sql, const char *user)
{
	struct condition k = *c; /* buf_cstr() does not change the text */

	if (c->attr[0] != '\0')
		return stmt_open(d, s, attr_sql, user != NULL ? "tttt" : "ttt",
		    c->attr, buf_cstr(&k.words.low), buf_cstr(&k.words.high),
		    user);
	return stmt_open(d, s, word_sql, user != NULL ? "ttttt" : "tttt",
	    buf_cstr(&k.words.low), buf_cstr(&k.words.high),
	    buf_cstr(&k.phone.low), buf_cstr(&k.phone.high), user);
}

static int
condition_count(struct db *d, const struct condition *c, int64_t *n)
{
	sqlite3_stmt *s;
	int r;

	r = condition_open(d, &s, c, sql_attr_count, sql_word_count, NULL);
	if (r != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		*n = sqlite3_column_int64(s, 0);
	stmt_close(s);
	return r == 1 ? 0 : r;
}

/* 1 or 0, or an error: is it true of the user? */
static int
condition_is(struct db *d, const struct condition *c, const char *user)
{
	sqlite3_stmt *s;
	int r;

	r = condition_open(d, &s, c, sql_attr_is, sql_word_is, user);
	if (r != 0)
		return r;
	r = stmt_next(d, s);
	stmt_close(s);
	return r;
}

/* The narrowest condition to the front. */
static int
conditions_order(struct db *d, struct condition *c, size_t n)
{
	struct condition first;
	int64_t k = 0, least = INT64_MAX;
	size_t i, at = 0;
	int r;

	for (i = 0; n > 1 && i < n; i++) {
		if ((r = condition_count(d, &c[i], &k)) != 0)
			return r;
		if (k < least) {
			least = k;
			at = i;
		}
	}
	first = c[at];
	c[at] = c[0];
	c[0] = first;
	return 0;
}

static int
scan(struct db *d, sqlite3_stmt *s, const struct condition *c, size_t n,
    int (*cb)(void *arg, const char *user), void *arg)
{
	char user[DIR_USER], last[DIR_USER] = "";
	size_t i;
	int r;

	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, user, sizeof(user));
		/* In order, so that twice the same is next to itself. */
		if (strcmp(user, last) == 0)
			continue;
		text_copy(last, user, sizeof(last));
		for (i = 1, r = 1; i < n && r == 1; i++)
			r = condition_is(d, &c[i], user);
		if (r < 0 || (r == 1 && (r = cb(arg, user)) != 0))
			return r;
	}
	return r;
}

int
dir_search(struct db *d, const struct dir_search *q,
    int (*cb)(void *arg, const char *user), void *arg)
{
	struct condition c[DIR_TERMS];
	sqlite3_stmt *s;
	size_t i;
	int r = 0;

	memset(c, 0, sizeof(c));
	for (i = 0; i < q->n && r == 0; i++)
		r = condition_set(&c[i], &q->term[i]);
	if (r == 0 && q->n > 0)
		r = conditions_order(d, c, q->n);
	if (r == 0)
		r = q->n == 0 ? stmt_open(d, &s, sql_everybody, "") :
				condition_open(d, &s, &c[0], sql_attr_scan,
				    sql_word_scan, NULL);
	if (r == 0) {
		r = scan(d, s, c, q->n, cb, arg);
		stmt_close(s);
	}
	for (i = 0; i < q->n; i++)
		condition_free(&c[i]);
	return r;
}

/* --- organisations --- */

static const char sql_org_put[] =
    "INSERT INTO organisation (key, org, name, parent)"
    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET"
    " org = ?2, name = ifnull(nullif(?3, ''), name),"
    " parent = ifnull(nullif(?4, ''), parent)";
static const char sql_org_rm[] = "DELETE FROM organisation WHERE key = ?1";
static const char sql_org_used[] =
    "SELECT 1 FROM organisation WHERE parent = ?1 UNION ALL"
    " SELECT 1 FROM attribute WHERE attr = 'org' AND key = ?1 LIMIT 1";
static const char sql_org_each[] =
    "SELECT o.org, o.name, ifnull(p.org, ''), (SELECT count(*) FROM"
    " attribute a WHERE a.attr = 'org' AND a.key = o.key)"
    " FROM organisation o LEFT JOIN organisation p ON p.key = o.parent"
    " ORDER BY o.key";

static int
org_write(struct db *d, const struct dir_org *o, const char *key,
    const char *parent)
{
	int r;

	if (*parent != '\0' && key_is_under(d, parent, key))
		return SEC_ERR_NO;
	if (*parent != '\0' &&
	    (r = stmt_run(d, sql_org_need, "tt", parent, o->parent)) != 0)
		return r;
	return stmt_run(d, sql_org_put, "tttt", key, o->org, o->name, parent);
}

int
dir_org_put(struct db *d, const struct dir_org *o)
{
	struct buf key = BUF_INIT, parent = BUF_INIT;
	int r;

	if (!dir_value_allowed(o->org) ||
	    (o->name[0] != '\0' && !dir_value_allowed(o->name)) ||
	    (o->parent[0] != '\0' && !dir_value_allowed(o->parent)))
		return SEC_ERR_FORMAT;
	if ((r = fold_put(&key, o->org, FOLD_WORDS)) == 0 &&
	    (r = fold_put(&parent, o->parent, FOLD_WORDS)) == 0 &&
	    (r = db_begin(d)) == 0)
		r = db_finish(d,
		    org_write(d, o, buf_cstr(&key), buf_cstr(&parent)));
	buf_free(&key);
	buf_free(&parent);
	return r;
}

int
dir_org_rm(struct db *d, const char *org)
{
	struct buf key = BUF_INIT;
	int r;

	if ((r = fold_put(&key, org, FOLD_WORDS)) == 0 &&
	    (r = exists(d, sql_org_used, buf_cstr(&key))) == 1)
		r = SEC_ERR_NO;
	if (r == 0 && (r = stmt_run(d, sql_org_rm, "t", buf_cstr(&key))) == 0 &&
	    stmt_changes(d) == 0)
		r = SEC_ERR_NOTHING;
	buf_free(&key);
	return r;
}

int
dir_org_each(struct db *d, int (*cb)(void *arg, const struct dir_org *o),
    void *arg)
{
	struct dir_org o;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_org_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, o.org, sizeof(o.org));
		stmt_text(s, 1, o.name, sizeof(o.name));
		stmt_text(s, 2, o.parent, sizeof(o.parent));
		o.people = sqlite3_column_int64(s, 3);
		if ((r = cb(arg, &o)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

/* --- groups --- */

static const char sql_group_put[] =
    "INSERT INTO grouping (name, title) VALUES (?1, ?2)"
    " ON CONFLICT (name) DO UPDATE SET title = ?2 WHERE ?2 <> ''";
static const char sql_group_rm[] = "DELETE FROM grouping WHERE name = ?1";
static const char sql_members_rm[] =
    "DELETE FROM attribute WHERE attr = 'groups' AND value = ?1";
static const char sql_group_each[] =
    "SELECT name, title, (SELECT count(*) FROM attribute"
    " WHERE attr = 'groups' AND key = name) FROM grouping ORDER BY name";
static const char sql_member_rm[] =
    "DELETE FROM attribute WHERE user = ?1 AND attr = 'groups'"
    " AND value = ?2";

int
dir_group_put(struct db *d, const struct dir_group *g)
{
	if (!text_is_name(g->name) ||
	    (g->title[0] != '\0' && !dir_value_allowed(g->title)))
		return SEC_ERR_FORMAT;
	return stmt_run(d, sql_group_put, "tt", g->name, g->title);
}

int
dir_group_rm(struct db *d, const char *group)
{
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = stmt_run(d, sql_group_rm, "t", group)) == 0 &&
	    stmt_changes(d) == 0)
		r = SEC_ERR_NOTHING;
	if (r == 0)
		r = stmt_run(d, sql_members_rm, "t", group);
	return db_finish(d, r);
}

int
dir_group_each(struct db *d, int (*cb)(void *arg, const struct dir_group *g),
    void *arg)
{
	struct dir_group g;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_group_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, g.name, sizeof(g.name));
		stmt_text(s, 1, g.title, sizeof(g.title));
		g.members = sqlite3_column_int64(s, 2);
		if ((r = cb(arg, &g)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
dir_member_put(struct db *d, const char *group, const char *user, int64_t now)
{
	struct dir_person p;
	size_t i;
	int r;

	if (!text_is_name(group) || !dir_user_allowed(user))
		return SEC_ERR_FORMAT;
	if (dir_is_member(d, user, group))
		return 0;
	memset(&p, 0, sizeof(p));
	r = dir_person_get(d, user, &p);
	if (r != 0 && r != SEC_ERR_NOTHING)
		return r;
	/* Only his groups change: the rest stays as it is. */
	for (i = 0; i < p.n;)
		if (strcmp(p.attr[i].name, "groups") == 0) {
			i++;
		} else {
			free(p.attr[i].name);
			free(p.attr[i].value);
			p.attr[i] = p.attr[--p.n];
		}
	text_copy(p.user, user, sizeof(p.user));
	if ((r = dir_person_add(&p, "groups", group)) == 0)
		r = dir_person_put(d, &p, now, NULL);
	dir_person_free(&p);
	return r;
}

int
dir_member_rm(struct db *d, const char *group, const char *user)
{
	int r = stmt_run(d, sql_member_rm, "tt", user, group);

	return r != 0 ? r : stmt_changes(d) == 0 ? SEC_ERR_NOTHING : 0;
}
