/*
 * standing: who belongs to what. One map of questions and answers; a key is
 *	o USER			his organisation
 *	g USER LF GROUP		"1": he is a member, "": he is not
 *	u USER LF ORG		"1": he is in it or below, "": he is not
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "db/dir_store.h"

#include "standing.h"

#define ANSWERS_MAX 200000 /* then they are asked for anew */
#define KEY_SIZE    (DIR_USER + DIR_ORG + 8)

struct standing {
	struct db *dir;
	struct map *answers; /* malloced strings */
	char last[DIR_ORG]; /* what could not be kept */
};

struct standing *
standing_new(struct db *dir)
{
	struct standing *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->dir = dir;
	s->answers = map_new();
	return s;
}

static void
answers_free(struct map *answers)
{
	char *a;
	size_t i;

	for (i = 0; (a = map_next(answers, &i)) != NULL;)
		free(a);
	map_free(answers);
}

void
standing_free(struct standing *s)
{
	if (s == NULL)
		return;
	answers_free(s->answers);
	free(s);
}

void
standing_forget(struct standing *s)
{
	answers_free(s->answers);
	s->answers = map_new();
}

/* The question itself. */
static void
look_up(struct standing *s, char kind, const char *user, const char *what,
    char out[DIR_ORG])
{
	int yes = 0;

	out[0] = '\0';
	if (s->dir == NULL)
		return;
	switch (kind) {
	case 'o':
		if (dir_org_get(s->dir, user, out, DIR_ORG) != 0)
			out[0] = '\0';
		return;
	case 'g': yes = dir_is_member(s->dir, user, what); break;
	case 'u':
		yes = *standing_org(s, user) != '\0' &&
		    dir_org_is_under(s->dir, standing_org(s, user), what);
		break;
	}
	snprintf(out, DIR_ORG, "%s", yes ? "1" : "");
}

static const char *
ask(struct standing *s, char kind, const char *user, const char *what)
{
	char key[KEY_SIZE], *answer;

	if ((size_t)snprintf(key, sizeof key, "%c%s\n%s", kind, user, what) >=
	    sizeof key)
		return "";
	if ((answer = map_get_str(s->answers, key)) != NULL)
		return answer;
	if (map_count(s->answers) >= ANSWERS_MAX)
		standing_forget(s);
	look_up(s, kind, user, what, s->last);
	if ((answer = strdup(s->last)) == NULL)
		return s->last;
	map_put_str(s->answers, key, answer);
	return answer;
}

const char *
standing_org(struct standing *s, const char *user)
{
	return ask(s, 'o', user, "");
}

int
standing_is(struct standing *s, const struct subject *what, const char *user)
{
	switch (what->kind) {
	case SUBJECT_USER: return strcmp(what->name, user) == 0;
	case SUBJECT_GROUP: return *ask(s, 'g', user, what->name) != '\0';
	case SUBJECT_ORG: return *ask(s, 'u', user, what->name) != '\0';
	case SUBJECT_ANY:
	case SUBJECT_TYPE:
	case SUBJECT_THING: break;
	}
	return 0;
}
