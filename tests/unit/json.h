#ifndef TESTS_UNIT_JSON_H
#define TESTS_UNIT_JSON_H

/*
 * Reader of the vector files: one flat JSON object per line, as
 * tests/vectors/README describes them. Anything else is a mistake in the
 * file and ends the test.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_FIELDS 40

struct json_bytes {
	uint8_t	*p;                    /* valid until the next row */
	size_t	 n;
};

struct json {
	char			*line;
	size_t			 cap;
	unsigned		 number;       /* of the line */
	int			 n;
	struct {
		const char		*key, *value;
		struct json_bytes	 bytes;
	}			 f[JSON_FIELDS];
};
#define JSON_INIT { .line = NULL }

__attribute__((noreturn, unused)) static void
json_bail(const struct json *j, const char *what, const char *key)
{
	printf("Bail out! vector line %u: %s %s\n", j->number, what, key);
	exit(1);
}

__attribute__((unused)) static void
json_clear(struct json *j)
{
	int i;

	for (i = 0; i < j->n; i++)
		free(j->f[i].bytes.p);
	j->n = 0;
}

__attribute__((unused)) static void
json_free(struct json *j)
{
	json_clear(j);
	free(j->line);
}

/* One string without its quotes; *p is left behind it. */
__attribute__((unused)) static const char *
json_string(struct json *j, char **p)
{
	char *s = *p + 1, *end;

	if (**p != '"' || (end = strchr(s, '"')) == NULL)
		json_bail(j, "a string was expected at", *p);
	*end = '\0';
	if (strchr(s, '\\') != NULL)
		json_bail(j, "escape in", s);
	*p = end + 1;
	return s;
}

/* The next row: 1, or 0 at the end of the file. */
__attribute__((unused)) static int
json_next(struct json *j, FILE *fp)
{
	char *p;

	json_clear(j);
	if (getline(&j->line, &j->cap, fp) == -1)
		return 0;
	j->number++;
	p = j->line;
	if (*p++ != '{')
		json_bail(j, "no object", "");
	while (*p != '}') {
		if (j->n == JSON_FIELDS)
			json_bail(j, "too many fields", "");
		j->f[j->n].bytes.p = NULL;
		j->f[j->n].key = json_string(j, &p);
		while (*p == ' ' || *p == ':')
			p++;
		if (*p == '"') {
			j->f[j->n].value = json_string(j, &p);
		} else {
			j->f[j->n].value = p;
			p += strspn(p, "0123456789");
		}
		j->n++;
		/* The separator is also where a number ends. */
		if (*p == '}') {
			*p = '\0';
			break;
		}
		if (*p != ',')
			json_bail(j, "no comma at", p);
		*p++ = '\0';
		p += strspn(p, " ");
	}
	return 1;
}

__attribute__((unused)) static int
json_find(const struct json *j, const char *key)
{
	int i;

	for (i = 0; i < j->n; i++)
		if (strcmp(j->f[i].key, key) == 0)
			return i;
	return -1;
}

__attribute__((unused)) static const char *
json_str(const struct json *j, const char *key)
{
	int i = json_find(j, key);

	if (i < 0)
		json_bail(j, "no field", key);
	return j->f[i].value;
}

__attribute__((unused)) static uint64_t
json_u64(const struct json *j, const char *key)
{
	return strtoull(json_str(j, key), NULL, 10);
}

__attribute__((unused)) static struct json_bytes
json_hex(struct json *j, const char *key)
{
	int i = json_find(j, key);
	struct json_bytes *b;
	const char *s;
	unsigned v;

	if (i < 0)
		json_bail(j, "no field", key);
	b = &j->f[i].bytes;
	if (b->p != NULL)
		return *b;
	s = j->f[i].value;
	/* Exactly as long as the bytes, so that ASan sees a read past them. */
	if ((b->p = malloc(strlen(s) / 2 + (*s == '\0'))) == NULL)
		json_bail(j, "no memory for", key);
	for (b->n = 0; s[0] != '\0'; s += 2) {
		if (s[1] == '\0' || sscanf(s, "%2x", &v) != 1)
			json_bail(j, "bad hex in", key);
		b->p[b->n++] = (uint8_t)v;
	}
	return *b;
}

#endif
