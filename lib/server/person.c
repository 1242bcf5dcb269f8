/*
 * person: one of the directory, as fields of a control line.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#include "server/person.h"

void
person_put(struct buf *b, const struct dir_person *p)
{
	unsigned nth;
	size_t i, k;

	line_put(b, "user", p->user);
	for (i = 0; i < p->n; i++) {
		for (k = 0, nth = 1; k < i; k++)
			nth += strcmp(p->attr[k].name, p->attr[i].name) == 0;
		line_put_nth(b, p->attr[i].name, nth, p->attr[i].value);
	}
}

int
person_take(struct dir_person *out, const struct line *l)
{
	const struct line_field *f;
	char name[DIR_ATTR];
	struct dir_person p;
	size_t i, n;
	int r = 0;

	memset(&p, 0, sizeof p);
	if (text_copy(p.user, line_get_or(l, "user", ""), sizeof p.user) >=
	    sizeof p.user)
		return SEC_ERR_FORMAT;
	for (i = 0; i < l->n && r == 0; i++) {
		f = &l->field[i];
		if (strcmp(f->key, "user") == 0 || strcmp(f->key, "at") == 0 ||
		    strcmp(f->key, "id") == 0)
			continue;
		if ((n = strcspn(f->key, ".")) >= sizeof name) {
			r = SEC_ERR_FORMAT;
			break;
		}
		memcpy(name, f->key, n);
		name[n] = '\0';
		r = dir_person_add(&p, name, f->value);
	}
	if (r != 0)
		dir_person_free(&p);
	else
		*out = p;
	return r;
}
