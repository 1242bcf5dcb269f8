#ifndef CLI_EMIT_H
#define CLI_EMIT_H

#include <stdint.h>

#include "base/buf.h"

/*
 * The three outputs (COMMANDS.md 2.2): table for people, -q identifiers, -j
 * JSON Lines. The one JSON writer of the project.
 */
enum emit_mode { EMIT_TABLE, EMIT_QUIET, EMIT_JSON };

/* JSON object under construction; emit_json_end() writes one line with one
 * write(2). Numbers never depend on the locale. */
struct json {
	struct buf	b;
	int		first;         /* of its object or array */
};
void	json_begin(struct json *j);            /* {"v":1 */
void	json_str(struct json *j, const char *name, const char *value);
void	json_strn(struct json *j, const char *name, const void *p, size_t n);
void	json_int(struct json *j, const char *name, int64_t v);
/* A decimal number that is JSON as it is. */
void	json_number(struct json *j, const char *name, const char *value);
void	json_bool(struct json *j, const char *name, int v);
void	json_time(struct json *j, const char *name, int64_t ms);
/* a,b,c -> ["a","b","c"] */
void	json_list(struct json *j, const char *name, const char *commas);
/* "name":[ , then objects in it ({), each closed by its bracket. */
void	json_array(struct json *j, const char *name);
void	json_object(struct json *j);
void	json_close(struct json *j, char bracket);
void	json_end(struct json *j, int fd);      /* line, write, free */
/* The line into out instead. */
void	json_line(struct json *j, struct buf *out);

/* A table: rows are collected, columns aligned by display width; the header
 * is printed only on a terminal. Cells are made visible (base/text). */
struct table;
struct table *table_new(const char *const *columns, int n);
void	table_cell(struct table *t, const char *s);    /* row by row */
/* At most `columns` wide; "..." at its end says that there is more. */
void	table_cell_short(struct table *t, const char *s, size_t columns);
void	table_print(struct table *t, int fd);          /* and frees */

/* One line on stdout by one write(2): printf-like, SIGPIPE silent. */
void	emit_line(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));
/* `PROG: message` on stderr; with JSON mode an object with code. Returns
 * the exit code for err. */
int	emit_error(enum emit_mode mode, int err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* Plain words for people on stderr (progress), nothing with -q or -j. */
void	emit_note(enum emit_mode mode, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* What they are made of: all n bytes, at once where the kernel lets us; a
 * closed pipe ends the program as SIGPIPE does. */
void	emit_write(int fd, const void *p, size_t n);
/* Strangers' text for people; \u{...} where the locale is not UTF-8. */
void	emit_put_visible(struct buf *b, const char *s);
int	emit_is_ascii(void);
/* The word of the exit table for err: "busy". */
const char *emit_word(int err);

#endif
