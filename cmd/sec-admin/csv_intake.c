/*
 * People of a CSV file: the first line names the columns.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/csv.h"

#include "import.h"

struct columns {
	char name[CSV_FIELDS][DIR_ATTR];
	size_t n;
};

/* "Phone" -> phone, "givenName" -> first. 0 or -1 after saying why. */
static int
header(struct intake *in, const struct csv *csv, struct columns *k)
{
	char name[DIR_ATTR];
	size_t i, j, users = 0;

	for (i = 0; i < csv->n; i++) {
		const char *s = csv->field[i] + strspn(csv->field[i], " ");

		for (j = 0; s[j] != '\0' && s[j] != ' ' && j < DIR_ATTR - 1;
		     j++)
			name[j] =
			    (char)(s[j] >= 'A' && s[j] <= 'Z' ? s[j] | 0x20 :
								s[j]);
		name[j] = '\0';
		text_copy(k->name[i], load_attr(name), DIR_ATTR);
		users += strcmp(k->name[i], "user") == 0;
		if (s[j + strspn(s + j, " ")] != '\0' ||
		    (strcmp(k->name[i], "user") != 0 &&
			!dir_attr_allowed(k->name[i]))) {
			intake_error(in, csv->line,
			    "\"%.40s\" cannot be the name of a column",
			    csv->field[i]);
			return -1;
		}
	}
	k->n = csv->n;
	if (users != 1)
		intake_error(in, csv->line,
		    "the first line names the columns; one of them is user");
	return users == 1 ? 0 : -1;
}

/* `groups` has several names in one field. */
static int
add_groups(struct dir_person *p, const char *words)
{
	char one[DIR_GROUP];
	size_t n;
	int r = 0;

	for (words += strspn(words, " "); *words != '\0' && r == 0;
	     words += n, words += strspn(words, " ")) {
		if ((n = strcspn(words, " ")) >= sizeof(one))
			return SEC_ERR_FORMAT;
		memcpy(one, words, n);
		one[n] = '\0';
		r = dir_person_add(p, "groups", one);
	}
	return r;
}

static int
add_field(struct dir_person *p, const char *name, const char *value)
{
	if (value[strspn(value, " ")] == '\0')
		return 0;
	if (strcmp(name, "groups") == 0)
		return add_groups(p, value);
	if (strcmp(name, "user") != 0)
		return dir_person_add(p, name, value);
	return text_copy(p->user, value, sizeof(p->user)) < sizeof(p->user) &&
		dir_user_allowed(value) ?
	    0 :
	    SEC_ERR_FORMAT;
}

static int
record(struct intake *in, const struct csv *csv, const struct columns *k)
{
	struct dir_person p = { .n = 0 };
	unsigned before = in->errors;
	size_t i;
	int r = 0;

	if (csv->n != k->n)
		intake_error(in, csv->line,
		    "%zu fields, the first line has %zu", csv->n, k->n);
	for (i = 0; i < csv->n && in->errors == before; i++)
		if ((r = add_field(&p, k->name[i], csv->field[i])) != 0)
			intake_error(in, csv->line, "%s: %s: %.60s", k->name[i],
			    r == SEC_ERR_LIMIT ? "too much" : "not allowed",
			    csv->field[i]);
	if (in->errors == before && p.user[0] == '\0')
		intake_error(in, csv->line, "no user");
	if (in->errors == before)
		r = intake_person(in, csv->line, &p);
	else
		r = 0;
	dir_person_free(&p);
	return r;
}

int
intake_csv(struct intake *in)
{
	struct columns *k;
	struct csv csv;
	int r, more;

	csv_init(&csv, in->text, in->n);
	k = &(struct columns) { .n = 0 };
	r = 0;
	if ((more = csv_next(&csv)) == 0)
		intake_error(in, 1, "nothing is in it");
	if (more == 1 && header(in, &csv, k) == 0)
		while (r == 0 && (more = csv_next(&csv)) == 1)
			r = record(in, &csv, k);
	if (more < 0)
		intake_error(in, csv.line, "%s", csv.why);
	csv_free(&csv);
	return r;
}
