/*
 * The file `servers` (SECURITY.md 3.2), one line per server:
 *   number SP name SP role SP host:port SP base64 X25519 public
 *   number 1..255, or - where it is not known yet; name as text_is_name();
 *   role one of roles[]; further blanks and `#` comments are allowed.
 * The first line is server 1, the controller. Canonical form: ordered by
 * number, one space, LF, no comments.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "wire/base64.h"
#include "wire/servers.h"

#define LINE_SIZE 1024
#define FILE_SIZE (512 * 1024)

static const char *const roles[] = {
	"confctl",
	"pal",
	"mtcu",
	"mcu",
	"gw",
	"share",
	"web",
};

static int
is_role(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(s, roles[i]) == 0)
			return 1;
	return 0;
}

/* host:port or [v6]:port; whether the host exists is not asked here. */
static int
is_host_port(const char *s)
{
	static const char host[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	unsigned long long port;
	size_t n;

	if (*s == '[') {
		s++;
		n = strspn(s, "0123456789abcdefABCDEF:.");
		if (n == 0 || s[n] != ']')
			return 0;
		s += n + 1;
	} else {
		if ((n = strspn(s, host)) == 0)
			return 0;
		s += n;
	}
	return *s == ':' && text_number(s + 1, 1, 65535, &port) == 0;
}

static int __attribute__((format(printf, 3, 4)))
refuse(char *why, size_t whylen, const char *fmt, ...)
{
	va_list ap;

	if (whylen > 0) {
		va_start(ap, fmt);
		vsnprintf(why, whylen, fmt, ap);
		va_end(ap);
	}
	return SEC_ERR_FORMAT;
}

/* Split text at blanks into at most max fields; returns their number. */
static int
split(char *text, char **field, int max)
{
	char *s;
	int n = 0;

	while ((s = strsep(&text, " \t")) != NULL) {
		if (*s == '\0')
			continue;
		if (n == max)
			return max + 1;
		field[n++] = s;
	}
	return n;
}

int
servers_parse_line(struct server *s, const char *line, size_t n, char *why,
    size_t whylen)
{
	char text[LINE_SIZE], *f[5];
	struct server out;
	unsigned long long number = 0;
	int nf;

	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n >= sizeof(text) || memchr(line, '\0', n) != NULL ||
	    memchr(line, '\n', n) != NULL)
		return refuse(why, whylen, "not one line of text");
	memcpy(text, line, n);
	text[n] = '\0';
	text[strcspn(text, "#")] = '\0';
	if ((nf = split(text, f, 5)) != 5)
		return refuse(why, whylen,
		    "%s fields: wanted NUMBER NAME ROLE HOST:PORT KEY",
		    nf > 5 ? "too many" : "too few");
	memset(&out, 0, sizeof(out));
	if (strcmp(f[0], "-") != 0 &&
	    text_number(f[0], 1, SERVERS_MAX, &number) != 0)
		return refuse(why, whylen, "number is not 1..255");
	if (!text_is_name(f[1]) || strlen(f[1]) >= sizeof(out.name))
		return refuse(why, whylen, "bad name");
	if (!is_role(f[2]))
		return refuse(why, whylen, "unknown role");
	if (!is_host_port(f[3]) || strlen(f[3]) >= sizeof(out.addr))
		return refuse(why, whylen, "bad HOST:PORT");
	if (base64_exact(out.pub, sizeof(out.pub), f[4]) != 0)
		return refuse(why, whylen, "bad public key");
	out.number = (uint8_t)number;
	text_copy(out.name, f[1], sizeof(out.name));
	text_copy(out.role, f[2], sizeof(out.role));
	text_copy(out.addr, f[3], sizeof(out.addr));
	*s = out;
	return 0;
}

/* Insert in the order of numbers. */
static int
insert(struct servers *s, const struct server *e, char *why, size_t whylen)
{
	size_t i;

	if (e->number == 0)
		return refuse(why, whylen,
		    "no number (sec-keygen add gives it)");
	if (s->n == 0 && (e->number != 1 || strcmp(e->role, "confctl") != 0))
		return refuse(why, whylen,
		    "the first server must be number 1, a confctl");
	if (servers_by_number(s, e->number) != NULL)
		return refuse(why, whylen, "number %d is there twice",
		    e->number);
	if (servers_by_name(s, e->name) != NULL)
		return refuse(why, whylen, "name %s is there twice", e->name);
	/* 255 numbers, none twice: there is room. */
	for (i = s->n; i > 0 && s->server[i - 1].number > e->number; i--)
		s->server[i] = s->server[i - 1];
	s->server[i] = *e;
	s->n++;
	return 0;
}

/* 1 if the line says nothing. */
static int
is_blank(const char *line, size_t n)
{
	size_t i;

	for (i = 0; i < n && line[i] != '#'; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\n')
			return 0;
	return 1;
}

int
servers_parse(struct servers *s, const char *text, size_t n, char *why,
    size_t whylen)
{
	char reason[128];
	const char *nl;
	struct server e;
	size_t len;
	unsigned lineno = 0;
	int r;

	s->n = 0;
	if (n > FILE_SIZE)
		return refuse(why, whylen, "too long");
	for (; n > 0; text += len, n -= len) {
		lineno++;
		nl = memchr(text, '\n', n);
		len = nl != NULL ? (size_t)(nl - text) + 1 : n;
		if (is_blank(text, len))
			continue;
		r = servers_parse_line(&e, text, len, reason, sizeof(reason));
		e.line = lineno;
		if (r == 0 && insert(s, &e, reason, sizeof(reason)) == 0)
			continue;
		s->n = 0;
		return refuse(why, whylen, "line %u: %s", lineno, reason);
	}
	return 0;
}

int
servers_read(struct servers *s, const char *path, char *why, size_t whylen)
{
	char own[PATH_LEN], reason[192], *text;
	size_t n;
	int r;

	if (path == NULL)
		path = path_servers(own);
	if ((r = proc_read_file(path, FILE_SIZE, &text, &n)) != 0) {
		refuse(why, whylen, "%s: %s", path, sec_strerror(r));
		return r;
	}
	if ((r = servers_parse(s, text, n, reason, sizeof(reason))) != 0)
		refuse(why, whylen, "%s: %s", path, reason);
	free(text);
	return r;
}

void
servers_put_line(struct buf *out, const struct server *s)
{
	if (s->number == 0)
		buf_put_u8(out, '-');
	else
		buf_putf(out, "%d", s->number);
	buf_putf(out, " %s %s %s ", s->name, s->role, s->addr);
	base64_put(out, s->pub, sizeof(s->pub));
}

void
servers_canonical(const struct servers *s, struct buf *out)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		servers_put_line(out, &s->server[i]);
		buf_put_u8(out, '\n');
	}
}

const struct server *
servers_by_name(const struct servers *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->server[i].name, name) == 0)
			return &s->server[i];
	return NULL;
}

const struct server *
servers_by_number(const struct servers *s, int number)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->server[i].number == number)
			return &s->server[i];
	return NULL;
}

const struct server *
servers_by_role(const struct servers *s, const char *role, size_t i)
{
	size_t k;

	for (k = 0; k < s->n; k++)
		if (strcmp(s->server[k].role, role) == 0 && i-- == 0)
			return &s->server[k];
	return NULL;
}
