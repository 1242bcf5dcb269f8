#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/jsonline.h"
#include "base/log.h"

#include "call.h"

#define DAY 86400.0 /* s; nobody speaks for longer at a time */

static void *
grown(void *p, size_t n, size_t size)
{
	/* At powers of two. */
	if ((n & (n - 1)) != 0)
		return p;
	if ((p = reallocarray(p, n == 0 ? 1 : n * 2, size)) == NULL)
		die(10, "out of memory");
	return p;
}

static char *
copy(const char *s)
{
	char *d = strdup(s);

	if (d == NULL)
		die(10, "out of memory");
	return d;
}

static struct person *
person_of(struct call *c, const char *user, const char *conf)
{
	struct person *p;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->people[i].user, user) == 0 &&
		    strcmp(c->people[i].conf, conf) == 0)
			return &c->people[i];
	c->people = grown(c->people, c->n, sizeof(*c->people));
	p = &c->people[c->n++];
	memset(p, 0, sizeof(*p));
	p->user = copy(user);
	p->conf = copy(conf);
	return p;
}

static void
said(struct call *c, struct person *p, int64_t from, int64_t to, double lost,
    double jitter)
{
	p->said = grown(p->said, p->nsaid, sizeof(*p->said));
	p->said[p->nsaid++] = (struct utterance) { from, to, lost, jitter };
	p->spoken += to - from;
	c->spoken += to - from;
	if (c->from > from)
		c->from = from;
}

static void
passed(struct person *p, int64_t from, int64_t to)
{
	/* Two devices of one user join once for us. */
	if (to == -1 && p->nthere > 0 && p->there[p->nthere - 1].to == -1)
		return;
	p->there = grown(p->there, p->nthere, sizeof(*p->there));
	p->there[p->nthere++] = (struct passage) { from, to };
}

/* A number from 0 to most, else what *v was. */
static void
number(const struct jsonline *j, const char *name, double most, double *v)
{
	double n;

	if (jsonline_number(j, name, &n) && n >= 0 && n <= most)
		*v = n;
}

static void
take(struct call *c, const struct jsonline *j)
{
	const char *event = jsonline_str(j, "event");
	const char *user = jsonline_str(j, "user");
	const char *conf = jsonline_str(j, "conf");
	const char *time = jsonline_str(j, "time");
	double seconds = 0, lost = -1, jitter = -1;
	struct person *p;
	int64_t at;

	if (event == NULL || user == NULL || conf == NULL || time == NULL ||
	    (at = clock_parse_rfc3339(time)) < 0)
		return;
	if (strcmp(event, "conf.join") != 0 &&
	    strcmp(event, "conf.leave") != 0 &&
	    strcmp(event, "voice.start") != 0 &&
	    strcmp(event, "voice.stop") != 0)
		return;
	if (c->from == 0 || at < c->from)
		c->from = at;
	if (at > c->to)
		c->to = at;
	p = person_of(c, user, conf);
	if (strcmp(event, "conf.join") == 0) {
		passed(p, at, -1);
	} else if (strcmp(event, "conf.leave") == 0) {
		if (p->nthere > 0 && p->there[p->nthere - 1].to == -1)
			p->there[p->nthere - 1].to = at;
		else
			passed(p, -1, at);
	} else if (strcmp(event, "voice.start") == 0) {
		p->speaking = at;
	} else {
		number(j, "seconds", DAY, &seconds);
		number(j, "lost", 100, &lost);
		number(j, "jitter_ms", 1000 * DAY, &jitter);
		said(c, p,
		    p->speaking != 0 ? p->speaking :
				       at - (int64_t)(seconds * 1000),
		    at, lost, jitter);
		p->speaking = 0;
	}
}

/* sip:alice@example.org is alice unless another domain has one too. */
static char *
local_part(const char *uri)
{
	const char *s = strncmp(uri, "sip:", 4) == 0 ? uri + 4 : uri, *at;

	return (at = strchr(s, '@')) == NULL ? copy(s) :
					       strndup(s, (size_t)(at - s));
}

static void
name_people(struct call *c)
{
	size_t i, k, n;
	char *conf;

	if (c->n > 0)
		c->conf = local_part(c->people[0].conf);
	for (i = 0; i < c->n; i++)
		if ((c->people[i].name = local_part(c->people[i].user)) == NULL)
			die(10, "out of memory");
	for (i = 1; i < c->n; i++) {
		if (strcmp(c->people[i].conf, c->people[0].conf) == 0)
			continue;
		free(c->conf);
		c->conf = NULL;
		break;
	}
	for (i = 0; i < c->n; i++) {
		for (k = 0; k < c->n; k++) {
			if (strcmp(c->people[k].name, c->people[i].name) != 0 ||
			    strcmp(c->people[k].user, c->people[i].user) == 0)
				continue;
			free(c->people[i].name);
			c->people[i].name = copy(c->people[i].user);
			break;
		}
	}
	for (i = 0; c->conf == NULL && i < c->n; i++) {
		struct person *p = &c->people[i];

		conf = local_part(p->conf);
		n = strlen(conf) + strlen(p->name) + 4;
		if ((p->name = realloc(p->name, n)) == NULL)
			die(10, "out of memory");
		strcat(strcat(p->name, " @ "), conf);
		free(conf);
	}
}

int
call_read(struct call *c, FILE *fp, size_t *line)
{
	struct person *p;
	struct jsonline *j;
	char *text = NULL;
	size_t size = 0, i;
	ssize_t n;
	int r = 0;

	memset(c, 0, sizeof(*c));
	*line = 0;
	while (r == 0 && (n = getline(&text, &size, fp)) != -1) {
		++*line;
		while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
			n--;
		if (n == 0)
			continue;
		if ((j = jsonline_parse(text, (size_t)n)) == NULL)
			r = SEC_ERR_DATA;
		else
			take(c, j);
		jsonline_free(j);
	}
	if (r == 0 && ferror(fp))
		r = SEC_ERR_SYS;
	free(text);
	/* Who is speaking still. */
	for (i = 0; i < c->n; i++) {
		p = &c->people[i];
		if (p->speaking != 0)
			said(c, p, p->speaking, c->to, -1, -1);
	}
	name_people(c);
	return r;
}

void
call_free(struct call *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		free(c->people[i].user);
		free(c->people[i].conf);
		free(c->people[i].name);
		free(c->people[i].said);
		free(c->people[i].there);
	}
	free(c->people);
	free(c->conf);
}
