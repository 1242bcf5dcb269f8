/*
 * standing: who belongs to what. A map of people, each with a map of
 * questions and answers; a key is
 *	g GROUP			"1": he is a member, "": he is not
 *	u ORG			"1": he is in it or below, "": he is not
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "db/dir_store.h"

#include "standing.h"

#define ANSWERS_MAX 200000 /* then they are asked for anew */
#define KEY_SIZE    (DIR_ORG + 8)

struct person {
	int is_known; /* dir.db has him */
	char *org;
	struct map *is; /* in what; NULL: not asked yet */
};

struct standing {
	struct db *dir;
	struct map *people;
	size_t answers;
	int (*need)(void *arg, const char *user);
	void *arg;
	char awaited[DIR_USER];
};

struct standing *
standing_new(struct db *dir)
{
	struct standing *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->dir = dir;
	s->people = map_new();
	return s;
}

void
standing_on_need(struct standing *s, int (*need)(void *arg, const char *user),
    void *arg)
{
	s->need = need;
	s->arg = arg;
}

static void
person_free(struct standing *s, struct person *p)
{
	if (p == NULL)
		return;
	s->answers -= 1 + (p->is != NULL ? map_count(p->is) : 0);
	map_free(p->is);
	free(p->org);
	free(p);
}

void
standing_forget(struct standing *s)
{
	struct person *p;
	size_t i;

	for (i = 0; (p = map_next(s->people, &i)) != NULL;)
		person_free(s, p);
	map_free(s->people);
	s->people = map_new();
}

void
standing_forget_user(struct standing *s, const char *user)
{
	person_free(s, map_del_str(s->people, user));
}

void
standing_free(struct standing *s)
{
	if (s == NULL)
		return;
	standing_forget(s);
	map_free(s->people);
	free(s);
}

static struct person *
person_read(struct standing *s, const char *user)
{
	char org[DIR_ORG] = "";
	struct person *p;

	if (s->answers >= ANSWERS_MAX)
		standing_forget(s);
	if ((p = calloc(1, sizeof *p)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for the chart");
	p->is_known =
	    s->dir != NULL && dir_org_get(s->dir, user, org, sizeof org) == 0;
	if ((p->org = strdup(p->is_known ? org : "")) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for the chart");
	map_put_str(s->people, user, p);
	s->answers++;
	return p;
}

static struct person *
person_of(struct standing *s, const char *user)
{
	int is_asked = s->need != NULL && s->need(s->arg, user);
	struct person *p = map_get_str(s->people, user);

	if (p == NULL)
		p = person_read(s, user);
	if (is_asked && !p->is_known)
		text_copy(s->awaited, user, sizeof s->awaited);
	return p;
}

void
standing_awaited(struct standing *s, char out[DIR_USER])
{
	text_copy(out, s->awaited, DIR_USER);
	s->awaited[0] = '\0';
}

/* The question itself. */
static int
look_up(struct standing *s, const struct person *p, char kind, const char *user,
    const char *what)
{
	if (s->dir == NULL || !p->is_known)
		return 0;
	if (kind == 'g')
		return dir_is_member(s->dir, user, what);
	return *p->org != '\0' && dir_org_is_under(s->dir, p->org, what);
}

static int
ask(struct standing *s, char kind, const char *user, const char *what)
{
	static char yes[] = "1", no[] = "";
	struct person *p = person_of(s, user);
	char key[KEY_SIZE], *answer;

	if ((size_t)snprintf(key, sizeof key, "%c%s", kind, what) >= sizeof key)
		return 0;
	if (p->is == NULL)
		p->is = map_new();
	if ((answer = map_get_str(p->is, key)) == NULL) {
		answer = look_up(s, p, kind, user, what) ? yes : no;
		map_put_str(p->is, key, answer);
		s->answers++;
	}
	return *answer != '\0';
}

const char *
standing_org(struct standing *s, const char *user)
{
	return person_of(s, user)->org;
}

int
standing_is(struct standing *s, const struct subject *what, const char *user)
{
	switch (what->kind) {
	case SUBJECT_USER: return strcmp(what->name, user) == 0;
	case SUBJECT_GROUP: return ask(s, 'g', user, what->name);
	case SUBJECT_ORG: return ask(s, 'u', user, what->name);
	case SUBJECT_ANY:
	case SUBJECT_TYPE:
	case SUBJECT_THING: break;
	}
	return 0;
}
