/*
 * The file `servers` (SECURITY.md 3.2), one line per server:
 *   number SP name SP role SP host:port SP base64 X25519 public
 *   number 1..255, or - where it is not known yet; name as text_is_name();
 *   role one of roles[]; further blanks and `#` comments are allowed.
 * The first line is server 1, the controller. Canonical form: ordered by
 * number, one space, LF, no comments.
 */
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/text.h"
#include "wire/base64.h"
#include "wire/servers.h"
#include "wire/wordfile.h"

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

static int
take_words(struct server *s, const struct wordfile_line *l, char *why,
    size_t whylen)
{
	char *const *f = l->word;
	struct server out;
	unsigned long long number = 0;

	if (l->n != 5)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "%s fields: wanted NUMBER NAME ROLE HOST:PORT KEY",
		    l->n > 5 ? "too many" : "too few");
	memset(&out, 0, sizeof(out));
	if (strcmp(f[0], "-") != 0 &&
	    text_number(f[0], 1, SERVERS_MAX, &number) != 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "number is not 1..255");
	if (!text_is_name(f[1]) || strlen(f[1]) >= sizeof(out.name))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen, "bad name");
	if (!is_role(f[2]))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen, "unknown role");
	if (!is_host_port(f[3]) || strlen(f[3]) >= sizeof(out.addr))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen, "bad HOST:PORT");
	if (base64_exact(out.pub, sizeof(out.pub), f[4]) != 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "bad public key");
	out.number = (uint8_t)number;
	out.line = l->number;
	text_copy(out.name, f[1], sizeof(out.name));
	text_copy(out.role, f[2], sizeof(out.role));
	text_copy(out.addr, f[3], sizeof(out.addr));
	*s = out;
	return 0;
}

int
servers_parse_line(struct server *s, const char *line, size_t n, char *why,
    size_t whylen)
{
	struct wordfile_line l = { 0 };
	char buf[WORDFILE_LINE];

	if (wordfile_split(&l, buf, line, n) != 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "not one line of text");
	return take_words(s, &l, why, whylen);
}

/* Insert in the order of numbers. */
static int
insert(struct servers *s, const struct server *e, char *why, size_t whylen)
{
	size_t i;

	if (e->number == 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "no number (sec-keygen add gives it)");
	if (s->n == 0 && (e->number != 1 || strcmp(e->role, "confctl") != 0))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "the first server must be number 1, a confctl");
	if (servers_by_number(s, e->number) != NULL)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "number %d is there twice", e->number);
	if (servers_by_name(s, e->name) != NULL)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "name %s is there twice", e->name);
	/* 255 numbers, none twice: there is room. */
	for (i = s->n; i > 0 && s->server[i - 1].number > e->number; i--)
		s->server[i] = s->server[i - 1];
	s->server[i] = *e;
	s->n++;
	return 0;
}

static int
take_line(void *arg, const struct wordfile_line *l, char *why, size_t whylen)
{
	struct server e;
	int r;

	if ((r = take_words(&e, l, why, whylen)) != 0)
		return r;
	return insert(arg, &e, why, whylen);
}

int
servers_parse(struct servers *s, const char *text, size_t n, char *why,
    size_t whylen)
{
	int r;

	s->n = 0;
	if ((r = wordfile_parse(text, n, take_line, s, why, whylen)) != 0)
		s->n = 0;
	return r;
}

int
servers_read(struct servers *s, const char *path, char *why, size_t whylen)
{
	char own[PATH_LEN];
	int r;

	s->n = 0;
	if (path == NULL)
		path = path_servers(own);
	if ((r = wordfile_read(path, take_line, s, why, whylen)) != 0)
		s->n = 0;
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
