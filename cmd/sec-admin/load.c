/*
 * load: rows for the directory over sec-pal's control socket, in lines of
 * at most 64 KiB (sec-control(7), import).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "server/person.h"

#include "admin.h"
#include "load.h"

#define CALL_MS 30000
#define PIECE	16384 /* escaped at most three times as much */
#define MEMBERS 100 /* of a group in one row */

struct load {
	struct ctl_client *c;
	struct buf rows;
	char why[512];
};

int
load_open(struct load **out, int dry, char *why, size_t whylen)
{
	char name[65], file[80], path[PATH_LEN];
	struct load *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		snprintf(why, whylen, "no memory");
		return SEC_ERR_SYS;
	}
	snprintf(file, sizeof(file), "%s.sock", admin_server(name, "pal"));
	if ((r = ctl_client_open(&l->c, path_run(path, file))) != 0) {
		snprintf(why, whylen, "%s does not answer at %s", name, path);
		free(l);
		return r;
	}
	line_put(ctl_client_begin(l->c, "import-begin"), "dry",
	    dry ? "1" : NULL);
	if ((r = ctl_client_run(l->c, CALL_MS, NULL, NULL)) != 0) {
		snprintf(why, whylen, "%s: %s", name, ctl_client_why(l->c));
		load_close(l);
		return r;
	}
	*out = l;
	return 0;
}

void
load_close(struct load *l)
{
	if (l == NULL)
		return;
	ctl_client_close(l->c);
	buf_free(&l->rows);
	free(l);
}

const char *
load_why(const struct load *l)
{
	return l->why;
}

static int
call(struct load *l, void (*cb)(void *arg, const struct line *row), void *arg)
{
	int r = ctl_client_run(l->c, CALL_MS, cb, arg);

	if (r != 0)
		text_copy(l->why, ctl_client_why(l->c), sizeof(l->why));
	return r;
}

static int
flush(struct load *l)
{
	if (buf_len(&l->rows) == 0)
		return 0;
	line_put(ctl_client_begin(l->c, "import"), "rows", buf_cstr(&l->rows));
	buf_reset(&l->rows);
	return call(l, NULL, NULL);
}

/* The row that begins at `start` is whole. */
static int
row_end(struct load *l, const char *at)
{
	line_put(&l->rows, "at", at);
	line_end(&l->rows);
	return buf_len(&l->rows) > PIECE ? flush(l) : 0;
}

int
load_person(struct load *l, const struct dir_person *p, const char *at)
{
	line_begin(&l->rows, "person");
	person_put(&l->rows, p);
	return row_end(l, at);
}

int
load_org(struct load *l, const struct dir_org *o, const char *at)
{
	line_begin(&l->rows, "org");
	line_put(&l->rows, "org", o->org);
	line_put(&l->rows, "name", o->name);
	line_put(&l->rows, "parent", o->parent);
	return row_end(l, at);
}

int
load_group(struct load *l, const char *name, const char *title,
    char *const *members, const char *at)
{
	unsigned n;
	int r;

	/* A line has so many fields, a group any number of members. */
	do {
		line_begin(&l->rows, "group");
		line_put(&l->rows, "name", name);
		line_put(&l->rows, "title", title);
		for (n = 0; members != NULL && *members != NULL && n < MEMBERS;
		     n++)
			line_put_nth(&l->rows, "m", n + 1, *members++);
		if ((r = row_end(l, at)) != 0)
			return r;
	} while (members != NULL && *members != NULL);
	return 0;
}

static void
on_end(void *arg, const struct line *ok)
{
	struct loaded *n = arg;

	(void)line_get_u64(ok, "added", &n->added);
	(void)line_get_u64(ok, "changed", &n->changed);
	(void)line_get_u64(ok, "orgs", &n->orgs);
	(void)line_get_u64(ok, "groups", &n->groups);
}

int
load_end(struct load *l, struct loaded *out)
{
	int r;

	memset(out, 0, sizeof(*out));
	if ((r = flush(l)) != 0)
		return r;
	ctl_client_begin(l->c, "import-end");
	return call(l, on_end, out);
}

/* --- names --- */

const char *
load_attr(const char *name)
{
	static const struct {
		const char *ldap, *ours;
	} names[] = {
		{ "cn", "name" },
		{ "commonname", "name" },
		{ "givenname", "first" },
		{ "gn", "first" },
		{ "sn", "last" },
		{ "surname", "last" },
		{ "uid", "user" },
		{ "userid", "user" },
		{ "departmentnumber", "org" },
		{ "telephonenumber", "phone" },
		{ "rfc822mailbox", "mail" },
		{ "l", "location" },
		{ "localityname", "location" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].ldap, name) == 0)
			return names[i].ours;
	return name;
}

/* The first n bytes of a name, without blanks around them. */
static void
add_part(struct dir_person *p, const char *attr, const char *s, size_t n)
{
	char word[DIR_VALUE];

	for (; n > 0 && *s == ' '; s++)
		n--;
	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n == 0 || n >= sizeof(word))
		return;
	memcpy(word, s, n);
	word[n] = '\0';
	(void)dir_person_add(p, attr, word);
}

/* "Bob Field" or "Field, Bob" */
static void
add_parts(struct dir_person *p, const char *name)
{
	const char *comma = strchr(name, ','), *space = strchr(name, ' ');

	if (comma != NULL) {
		add_part(p, "first", comma + 1, strlen(comma + 1));
		add_part(p, "last", name, (size_t)(comma - name));
	} else if (space != NULL) {
		add_part(p, "first", name, (size_t)(space - name));
		add_part(p, "last", space, strlen(space));
	}
}

void
load_names(struct dir_person *p)
{
	char name[DIR_VALUE], copy[DIR_VALUE];
	const char *whole = dir_person_attr(p, "name");
	const char *first = dir_person_attr(p, "first");
	const char *last = dir_person_attr(p, "last");

	if (whole == NULL && (first != NULL || last != NULL)) {
		snprintf(name, sizeof(name), "%s%s%s",
		    first != NULL ? first : "",
		    first != NULL && last != NULL ? " " : "",
		    last != NULL ? last : "");
		(void)dir_person_add(p, "name", name);
	} else if (whole != NULL && first == NULL && last == NULL) {
		text_copy(copy, whole, sizeof(copy));
		add_parts(p, copy);
	}
}
