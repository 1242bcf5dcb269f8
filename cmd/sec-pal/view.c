/*
 * view: the lines of a presentity, each shared by all who may see and have
 * selected the same of it. A change is rendered once per view, and a view
 * whose line did not change costs its watchers nothing (S052).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "list.h"
#include "roster.h"

#define KEY_MAX (3 * PAL_LABEL + 8) /* escaped; >= PAL_ENTRY_ATTRS */

/* --- which one --- */

/* Those of a that are in b as well. */
static void
names_both(const char *a, const char *b, char out[KEY_MAX])
{
	size_t n, at = 0;

	for (; *a != '\0'; a += n + (a[n] == ',')) {
		n = strcspn(a, ",");
		if (!text_list_has(b, a, n) || at + n + 2 > KEY_MAX)
			continue;
		if (at > 0)
			out[at++] = ',';
		memcpy(out + at, a, n);
		at += n;
	}
	out[at] = '\0';
	if (at == 0)
		text_copy(out, "-", KEY_MAX);
}

static int
is_ended(const struct buddy *b, const struct presentity *u)
{
	const char *id;

	if (u->kind != URI_CONF || b->id == NULL || !u->pal->dealt)
		return 0;
	id = roster_id(u->pal, u->uri);
	return id == NULL || strcmp(id, b->id) != 0;
}

static void
buddy_key(const struct buddy *b, const struct presentity *u, char out[KEY_MAX])
{
	struct pal *p = u->pal;
	struct verdict v;
	struct uri uri;

	if (uri_parse(&uri, u->uri, p->s->conf.domain) != 0 ||
	    !watch_check(p, b->list->owner->name, &uri, &v))
		snprintf(out, KEY_MAX, "!%s", v.rule);
	else if (is_ended(b, u))
		text_copy(out, ".", KEY_MAX);
	else if (u->kind == URI_PHONE && b->label != NULL)
		snprintf(out, KEY_MAX, "+%s",
		    b->label + sizeof("\tlabel=") - 1);
	else if (b->attrs == NULL)
		text_copy(out, v.attrs[0] != '\0' ? v.attrs : "*", KEY_MAX);
	else if (v.attrs[0] == '\0')
		text_copy(out, b->attrs, KEY_MAX);
	else
		names_both(b->attrs, v.attrs, out);
}

/* --- its line --- */

static void
put_type(struct buf *b, const struct presentity *u)
{
	struct uri uri;

	if (u->kind == URI_OBJECT &&
	    uri_parse(&uri, u->uri, u->pal->s->conf.domain) == 0)
		line_put(b, "type", uri.type);
	else
		line_put(b, "type",
		    u->kind == URI_CONF	     ? "conference" :
			u->kind == URI_PHONE ? "phone" :
					       "user");
}

/* Of the fields of a line, each TAB key=value, those that are named; what it
 * is, and that it is stale, always. */
static void
put_named(struct buf *out, const char *names, const char *p, size_t n)
{
	const char *end = p + n, *next, *eq;

	for (; p < end; p = next) {
		if ((next = memchr(p + 1, '\t', (size_t)(end - p - 1))) == NULL)
			next = end;
		if ((eq = memchr(p, '=', (size_t)(next - p))) == NULL)
			continue;
		if (text_list_has("type,stale", p + 1, (size_t)(eq - p - 1)) ||
		    text_list_has(names, p + 1, (size_t)(eq - p - 1)))
			buf_put(out, p, (size_t)(next - p));
	}
}

/* full: what presentity_line() says. */
static void
view_line(const struct view *v, const struct buf *full, struct buf *out)
{
	const struct presentity *u = v->of;

	line_begin(out, "entry");
	line_put_arg(out, u->uri);
	switch (v->key[0]) {
	case '*': buf_put(out, buf_data(full), buf_len(full)); return;
	case '!':
		put_type(out, u);
		line_put(out, "status", "denied");
		if (v->key[1] != '\0')
			line_put(out, "rule", v->key + 1);
		return;
	case '.':
		put_type(out, u);
		line_put(out, "status", "ended");
		return;
	case '+':
		put_type(out, u);
		buf_putf(out, "\tnote=%s", v->key + 1);
		return;
	default:
		put_named(out, v->key, (const char *)buf_data(full),
		    buf_len(full));
	}
}

static int
shows_talk(const struct view *v)
{
	return v->of->kind == URI_CONF &&
	    (v->key[0] == '*' || text_list_has(v->key, "talking", 7));
}

static struct view *
view_new(struct presentity *u, const char *key)
{
	struct buf full = BUF_INIT;
	struct view *v;

	if ((v = calloc(1, sizeof *v)) == NULL ||
	    (v->key = strdup(key)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a PAL");
	v->of = u;
	TAILQ_INIT(&v->buddies);
	TAILQ_INSERT_TAIL(&u->views, v, entry);
	if (shows_talk(v))
		roster_talk_wanted(u->pal, u->uri, 1);
	presentity_line(u, &full);
	view_line(v, &full, &v->line);
	buf_free(&full);
	return v;
}

static void
view_free(struct view *v)
{
	if (shows_talk(v))
		roster_talk_wanted(v->of->pal, v->of->uri, -1);
	TAILQ_REMOVE(&v->of->views, v, entry);
	buf_free(&v->line);
	free(v->key);
	free(v);
}

static struct view *
view_find(struct presentity *u, const char *key)
{
	struct view *v;

	TAILQ_FOREACH(v, &u->views, entry)
		if (strcmp(v->key, key) == 0)
			break;
	return v;
}

static void
view_take(struct buddy *b, struct presentity *u, const char *key)
{
	struct view *v = view_find(u, key);

	if (v == NULL)
		v = view_new(u, key);
	b->view = v;
	TAILQ_INSERT_TAIL(&v->buddies, b, same);
	u->nbuddies++;
}

void
view_enter(struct buddy *b, struct presentity *u)
{
	char key[KEY_MAX];

	buddy_key(b, u, key);
	view_take(b, u, key);
}

void
view_leave(struct buddy *b)
{
	struct view *v = b->view;
	struct presentity *u;

	if (v == NULL)
		return;
	u = v->of;
	b->view = NULL;
	TAILQ_REMOVE(&v->buddies, b, same);
	if (TAILQ_EMPTY(&v->buddies))
		view_free(v);
	if (--u->nbuddies == 0)
		presentity_idle(u);
}

int
view_again(struct buddy *b)
{
	struct presentity *u = b->view->of;
	char key[KEY_MAX];

	buddy_key(b, u, key);
	if (strcmp(key, b->view->key) == 0)
		return 0;
	view_leave(b);
	view_take(b, u, key);
	return 1;
}

void
views_update(struct presentity *u)
{
	struct buf full = BUF_INIT, line = BUF_INIT;
	struct view *v;
	struct buddy *b;

	presentity_line(u, &full);
	TAILQ_FOREACH(v, &u->views, entry) {
		buf_reset(&line);
		view_line(v, &full, &line);
		if (buf_error(&line) != 0 ||
		    (buf_len(&line) == buf_len(&v->line) &&
			memcmp(buf_data(&line), buf_data(&v->line),
			    buf_len(&line)) == 0))
			continue;
		buf_reset(&v->line);
		buf_put(&v->line, buf_data(&line), buf_len(&line));
		TAILQ_FOREACH(b, &v->buddies, same)
			buddy_news(b);
	}
	buf_free(&full);
	buf_free(&line);
}
