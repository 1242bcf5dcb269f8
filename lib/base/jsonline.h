#ifndef BASE_JSONLINE_H
#define BASE_JSONLINE_H

#include <stddef.h>

/*
 * The door to json-c: one line of JSON Lines (RFC 8259) for reading. The one
 * writer is cli/emit.
 */
struct jsonline;

/* An object of at most 1 MiB, nested at most 8 deep; NULL if the n bytes at
 * p are anything else. */
struct jsonline *jsonline_parse(const char *p, size_t n);
void	jsonline_free(struct jsonline *j);     /* NULL allowed */
/* Value of a field that is a string; NULL: none, or one with a NUL in it.
 * Borrowed. */
const char *jsonline_str(const struct jsonline *j, const char *name);
/* 1 and *v if the field is a number. */
int	jsonline_number(const struct jsonline *j, const char *name, double *v);
/* A field that is an object, parsed as above; NULL: none. Its name by
 * number: NULL when there is no n-th field. All borrowed. */
const struct jsonline *jsonline_object(const struct jsonline *j,
	    const char *name);
const char *jsonline_name(const struct jsonline *j, size_t n);

#endif
