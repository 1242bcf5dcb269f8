/*
 * The three outputs: JSON Lines, tables, and plain lines. Whatever is
 * written here is written at once: nothing is held back in pipes.
 */
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/args.h"

#include "cli/emit.h"

#define COLUMNS 12
#define GAP	2

struct table {
	const char *head[COLUMNS];
	int n;
	char **cells;
	size_t ncells, cap;
};

static const char *
prog(void)
{
	return cli_prog_name != NULL ? cli_prog_name :
				       program_invocation_short_name;
}

/* The last reader of a pipe went: end as SIGPIPE would, without a word. */
static void
end_by_pipe(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
	_exit(128 + SIGPIPE);
}

void
emit_write(int fd, const void *p, size_t n)
{
	const char *s = p;
	ssize_t w;

	while (n > 0) {
		if ((w = write(fd, s, n)) >= 0) {
			s += w;
			n -= (size_t)w;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE)
			end_by_pipe();
		/* Nobody can be told that stderr is broken. */
		if (fd == STDERR_FILENO)
			return;
		die(sec_err_exit(SEC_ERR_DISK), "cannot write: %s",
		    strerror(errno));
	}
}

/* The line in b, with its LF, in one write. */
static void
write_line(int fd, struct buf *b)
{
	buf_put_u8(b, '\n');
	if (buf_error(b) != 0)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	emit_write(fd, buf_data(b), buf_len(b));
	buf_free(b);
}

int
emit_is_ascii(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

void
emit_put_visible(struct buf *b, const char *s)
{
	text_put_visible(b, s, strlen(s), 0, emit_is_ascii());
}

/* RFC 8259 7; besides what it asks for, everything that could drive a
 * terminal is escaped too. */
static void
put_json_string(struct buf *b, const void *p, size_t n)
{
	static const char two[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const uint8_t *s = p;
	const char *at;
	uint32_t c;
	int k;

	buf_put_u8(b, '"');
	for (; n > 0; s += k, n -= (size_t)k) {
		k = text_decode(s, n, &c);
		if (k < 0) {
			buf_put(b, "\xef\xbf\xbd", 3);
			k = -k;
		} else if (c != 0 && c < 0x80 &&
		    (at = strchr(two, (int)c)) != NULL) {
			buf_put_u8(b, '\\');
			buf_put_u8(b, (uint8_t)letter[at - two]);
		} else if (text_is_unsafe(c))
			buf_putf(b, "\\u%04x", (unsigned int)c);
		else
			buf_put(b, s, (size_t)k);
	}
	buf_put_u8(b, '"');
}

static void
put_name(struct json *j, const char *name)
{
	if (!j->first)
		buf_put_u8(&j->b, ',');
	j->first = 0;
	put_json_string(&j->b, name, strlen(name));
	buf_put_u8(&j->b, ':');
}

void
json_begin(struct json *j)
{
	memset(j, 0, sizeof(*j));
	buf_init(&j->b);
	buf_put_u8(&j->b, '{');
	j->first = 1;
	json_int(j, "v", 1);
}

void
json_strn(struct json *j, const char *name, const void *p, size_t n)
{
	put_name(j, name);
	put_json_string(&j->b, p, n);
}

void
json_str(struct json *j, const char *name, const char *value)
{
	if (value != NULL)
		json_strn(j, name, value, strlen(value));
}

void
json_number(struct json *j, const char *name, const char *value)
{
	put_name(j, name);
	buf_put_str(&j->b, value);
}

/* Digits by hand: a locale may group those of printf(3). */
void
json_int(struct json *j, const char *name, int64_t v)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (v < 0)
		*--p = '-';
	put_name(j, name);
	buf_put(&j->b, p, (size_t)(digits + sizeof(digits) - p));
}

void
json_bool(struct json *j, const char *name, int v)
{
	put_name(j, name);
	buf_put_str(&j->b, v ? "true" : "false");
}

void
json_time(struct json *j, const char *name, int64_t ms)
{
	char out[32];

	json_str(j, name, clock_rfc3339(ms, out));
}

void
json_list(struct json *j, const char *name, const char *commas)
{
	const char *p = commas != NULL ? commas : "";
	size_t n;
	int first = 1;

	put_name(j, name);
	buf_put_u8(&j->b, '[');
	while (*p != '\0') {
		if ((n = strcspn(p, ",")) > 0) {
			if (!first)
				buf_put_u8(&j->b, ',');
			first = 0;
			put_json_string(&j->b, p, n);
		}
		p += n;
		p += *p == ',';
	}
	buf_put_u8(&j->b, ']');
}

void
json_array(struct json *j, const char *name)
{
	put_name(j, name);
	buf_put_u8(&j->b, '[');
	j->first = 1;
}

void
json_object(struct json *j)
{
	if (!j->first)
		buf_put_u8(&j->b, ',');
	buf_put_u8(&j->b, '{');
	j->first = 1;
}

void
json_close(struct json *j, char bracket)
{
	buf_put_u8(&j->b, (uint8_t)bracket);
	j->first = 0;
}

void
json_end(struct json *j, int fd)
{
	buf_put_u8(&j->b, '}');
	write_line(fd, &j->b);
}

void
json_line(struct json *j, struct buf *out)
{
	buf_put_str(&j->b, "}\n");
	if (buf_error(&j->b) != 0)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	buf_free(out);
	*out = j->b;
}

struct table *
table_new(const char *const *columns, int n)
{
	struct table *t;
	int i;

	if (n > COLUMNS || (t = calloc(1, sizeof(*t))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	for (i = 0; i < n; i++)
		t->head[i] = columns[i];
	t->n = n;
	return t;
}

void
table_cell(struct table *t, const char *s)
{
	struct buf b = BUF_INIT;

	if (t->ncells == t->cap) {
		t->cap = t->cap > 0 ? 2 * t->cap : 64;
		t->cells = reallocarray(t->cells, t->cap, sizeof(char *));
		if (t->cells == NULL)
			die(sec_err_exit(SEC_ERR_SYS), "no memory");
	}
	emit_put_visible(&b, s != NULL ? s : "");
	if ((t->cells[t->ncells++] = strdup(buf_cstr(&b))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	buf_free(&b);
}

void
table_cell_short(struct table *t, const char *s, size_t columns)
{
	char *cell, *end;

	table_cell(t, s);
	cell = t->cells[t->ncells - 1];
	if (text_width(cell) <= columns)
		return;
	end = cell + strlen(cell);
	/* Character by character, what is visible is well-formed. */
	while (end > cell && text_width(cell) + 3 > columns) {
		do
			end--;
		while (end > cell && ((unsigned char)*end & 0xc0) == 0x80);
		*end = '\0';
	}
	/* What was cut off was wider than the three dots are long. */
	memcpy(end, "...", 4);
}

/* One row; blanks at its end are left out. */
static void
put_row(struct buf *b, char *const *cell, const size_t *width, int n)
{
	size_t pad;
	int i;

	while (n > 0 && cell[n - 1][0] == '\0')
		n--;
	for (i = 0; i < n; i++) {
		buf_put_str(b, cell[i]);
		if (i == n - 1)
			break;
		for (pad = width[i] + GAP - text_width(cell[i]); pad > 0; pad--)
			buf_put_u8(b, ' ');
	}
	buf_put_u8(b, '\n');
}

void
table_print(struct table *t, int fd)
{
	size_t width[COLUMNS] = { 0 }, i, w;
	struct buf b = BUF_INIT;
	char *head[COLUMNS];
	int header = isatty(fd) && t->ncells > 0, k;

	/* Without names there is nothing to head. */
	header = header && t->n > 0 && t->head[0][0] != '\0';
	for (k = 0; k < t->n; k++) {
		if ((head[k] = strdup(t->head[k])) == NULL)
			die(sec_err_exit(SEC_ERR_SYS), "no memory");
		if (header)
			width[k] = text_width(head[k]);
	}
	for (i = 0; i < t->ncells; i++)
		if ((w = text_width(t->cells[i])) > width[i % (size_t)t->n])
			width[i % (size_t)t->n] = w;
	if (header)
		put_row(&b, head, width, t->n);
	for (i = 0; i + (size_t)t->n <= t->ncells; i += (size_t)t->n)
		put_row(&b, t->cells + i, width, t->n);
	if (buf_error(&b) != 0)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	emit_write(fd, buf_data(&b), buf_len(&b));
	buf_free(&b);
	for (i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	for (k = 0; k < t->n; k++)
		free(head[k]);
	free(t->cells);
	free(t);
}

void
emit_line(const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vputf(&b, fmt, ap);
	va_end(ap);
	write_line(STDOUT_FILENO, &b);
}

const char *
emit_word(int err)
{
	static const char *const words[] = { "ok", "no", "usage", "login",
		"denied", "nothing", "declined", "busy", "offline", "timeout",
		"unreachable", "bad data", "version" };
	int code = sec_err_exit(err);

	return code < (int)(sizeof(words) / sizeof(*words)) ? words[code] :
							      "no";
}

int
emit_error(enum emit_mode mode, int err, const char *fmt, ...)
{
	struct buf text = BUF_INIT, line = BUF_INIT;
	struct json j;
	va_list ap;

	va_start(ap, fmt);
	buf_vputf(&text, fmt, ap);
	va_end(ap);
	if (mode == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "error", emit_word(err));
		json_int(&j, "code", sec_err_exit(err));
		json_str(&j, "message", buf_cstr(&text));
		json_end(&j, STDERR_FILENO);
	} else {
		buf_putf(&line, "%s: ", prog());
		emit_put_visible(&line, buf_cstr(&text));
		write_line(STDERR_FILENO, &line);
	}
	buf_free(&text);
	return sec_err_exit(err);
}

void
emit_note(enum emit_mode mode, const char *fmt, ...)
{
	struct buf text = BUF_INIT, line = BUF_INIT;
	va_list ap;

	if (mode != EMIT_TABLE)
		return;
	va_start(ap, fmt);
	buf_vputf(&text, fmt, ap);
	va_end(ap);
	emit_put_visible(&line, buf_cstr(&text));
	write_line(STDERR_FILENO, &line);
	buf_free(&text);
}
