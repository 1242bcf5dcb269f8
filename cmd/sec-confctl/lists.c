/*
 * lists: the people of a conference by name: invited, allowed, blocked,
 * moderators, watching, muted, asking to speak; in memory, and as rows
 * conference_user of conf.db.
 */

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"

#define LIST_MAX 10000 /* users on one list */

/* There may be half a million of them. */
struct list_entry {
	unsigned bits;
	char user[];
};

static const struct {
	enum list_bit bit;
	const char *name; /* of the column `list` */
	size_t most;
	const char *too_many;
} lists[] = {
	{ LIST_INVITED, "invited", LIST_MAX,
	    "at most 10000 users are invited" },
	{ LIST_ALLOW, "allow", LIST_MAX,
	    "an allow list has at most 10000 users" },
	{ LIST_BLOCK, "block", LIST_MAX,
	    "a block list has at most 10000 users" },
	{ LIST_WATCH, "watch", WATCH_MAX,
	    "a watch list has at most 100 users" },
	{ LIST_MODERATOR, "moderator", MODERATORS_MAX,
	    "a conference has at most 100 moderators" },
	{ LIST_MUTE, "mute", LIST_MAX, "at most 10000 users are muted" },
	{ LIST_HAND, "hand", LIST_MAX, NULL },
	{ LIST_FLOOR, "floor", LIST_MAX, NULL },
};
#define NLISTS (sizeof lists / sizeof lists[0])

unsigned
conf_list_bits(const struct conference *c, const char *user)
{
	const struct list_entry *e = map_get_str(c->lists, user);

	return e != NULL ? e->bits : 0;
}

const char *
conf_list_next(const struct conference *c, size_t *i, unsigned *bits)
{
	const struct list_entry *e = map_next(c->lists, i);

	if (e == NULL)
		return NULL;
	*bits = e->bits;
	return e->user;
}

void
conf_list_set(struct conference *c, const char *user, unsigned bit)
{
	struct list_entry *e = map_get_str(c->lists, user);

	if (e == NULL) {
		if ((e = calloc(1, sizeof *e + strlen(user) + 1)) == NULL)
			return;
		strcpy(e->user, user);
		map_put_str(c->lists, e->user, e);
	}
	e->bits |= bit;
}

void
conf_list_clear(struct conference *c, const char *user, unsigned bit)
{
	struct list_entry *e = map_get_str(c->lists, user);

	if (e != NULL && (e->bits &= ~bit) == 0)
		free(map_del_str(c->lists, user));
}

size_t
conf_list_count(const struct conference *c, unsigned bit)
{
	const struct list_entry *e;
	size_t i = 0, n = 0;

	while ((e = map_next(c->lists, &i)) != NULL)
		n += (e->bits & bit) != 0;
	return n;
}

static void
load_row(struct conference *c, const char *user, const char *name)
{
	size_t i;

	for (i = 0; i < NLISTS; i++)
		if (strcmp(lists[i].name, name) == 0)
			conf_list_set(c, user, lists[i].bit);
}

static int
load_any(void *arg, uint64_t id, const char *user, const char *name)
{
	struct conference *c = conf_find_id(arg, id);

	if (c != NULL)
		load_row(c, user, name);
	return 0;
}

int
lists_load(struct focus *f)
{
	return conf_user_each(f->s->db, load_any, f);
}

static int
load_own(void *arg, uint64_t id, const char *user, const char *name)
{
	struct conference *c = arg;

	if (id == c->row.id)
		load_row(c, user, name);
	return 0;
}

void
lists_reload(struct conference *c)
{
	struct list_entry *e;
	size_t i;

	for (i = 0; (e = map_next(c->lists, &i)) != NULL;)
		e->bits = 0;
	(void)conf_user_each(c->focus->s->db, load_own, c);
	for (i = 0; (e = map_next(c->lists, &i)) != NULL;)
		if (e->bits == 0)
			free(map_del_str(c->lists, e->user));
}

void
lists_free(struct conference *c)
{
	struct list_entry *e;
	size_t i;

	for (i = 0; (e = map_next(c->lists, &i)) != NULL;)
		free(e);
	map_free(c->lists);
}

/* --- users with commas, as owners write them --- */

void
lists_tell(const struct conference *c, enum list_bit bit, const char *key,
    struct buf *b)
{
	struct buf list = BUF_INIT;
	const char *user;
	unsigned bits;
	size_t i = 0;

	while ((user = conf_list_next(c, &i, &bits)) != NULL)
		if (bits & bit)
			buf_putf(&list, "%s%s", buf_len(&list) > 0 ? "," : "",
			    user);
	line_put(b, key, buf_cstr(&list));
	buf_free(&list);
}

const char *
lists_next_user(const struct focus *f, const char *users, struct uri *u)
{
	char name[URI_MAX];
	size_t n = strcspn(users, ",");

	if (n == 0 || n >= sizeof name)
		return NULL;
	memcpy(name, users, n);
	name[n] = '\0';
	if (uri_from_name(u, name, f->s->conf.domain, 0) != 0 ||
	    u->kind != URI_USER)
		return NULL;
	return users + n + (users[n] == ',');
}

int
lists_check(const struct conference *c, const char *users, enum list_bit bit,
    int on, const char **why)
{
	size_t n = conf_list_count(c, bit), i;
	struct uri u;

	do {
		users = lists_next_user(c->focus, users, &u);
		if (users == NULL) {
			*why = "who? a user, or several with commas";
			return SEC_ERR_FORMAT;
		}
		n += on && !(conf_list_bits(c, u.full) & bit);
	} while (*users != '\0');
	for (i = 0; i < NLISTS; i++)
		if (on && lists[i].bit == bit && n > lists[i].most) {
			*why = lists[i].too_many;
			return SEC_ERR_FORMAT;
		}
	return 0;
}

int
lists_put(struct conference *c, const char *user, enum list_bit bit, int on)
{
	struct db *db = c->focus->s->db;
	const char *name;
	size_t i = 0;
	int r;

	while (lists[i].bit != bit)
		i++;
	name = lists[i].name;
	if ((r = commit_begin(c->focus)) != 0)
		return r;
	r = on ? conf_user_put(db, c->row.id, user, name) :
		 conf_user_rm(db, c->row.id, user, name);
	if (r != 0 && r != SEC_ERR_NOTHING)
		return commit_fail(c->focus, r);
	if (on)
		conf_list_set(c, user, bit);
	else
		conf_list_clear(c, user, bit);
	return 0;
}

int
lists_change(struct conference *c, const char *users, enum list_bit bit, int on)
{
	struct uri u;
	int r;

	while (users != NULL && *users != '\0') {
		users = lists_next_user(c->focus, users, &u);
		if (users == NULL)
			return SEC_ERR_FORMAT;
		if ((r = lists_put(c, u.full, bit, on)) != 0)
			return r;
	}
	return 0;
}
