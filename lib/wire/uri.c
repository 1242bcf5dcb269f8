/*
 * Names and URIs. Host and user tell what a URI of our domain D is:
 *
 *	sip:NAME@D                user       NAME: a Kerberos principal
 *	sip:conference@conf.D     factory
 *	sip:NAME@conf.D           conference
 *	sip:pal.D                 PAL manager
 *	sip:NAME@TYPE.D           object
 *	tel:NUMBER                phone
 *	sip:anything else         foreign
 *
 * Scheme and host are written in lower case, user names are kept: Kerberos
 * tells Alice from alice.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"

#include "wire/uri.h"

#define SHORT_MAX 160
#define USER_MAX  126 /* with a type of 32 it fits a short form */

/* Nothing a shell, a table or a header field takes for its own; no %
 * (SECURITY.md 3.9). */
static int
is_plain(char c)
{
	return isalnum((unsigned char)c) ||
	    (c != '\0' && strchr("-_.+~!=&'*$", c) != NULL);
}

/* What a user part may be made of. */
static int
is_user(const char *s)
{
	if (*s == '\0' || *s == '-' || *s == '.')
		return 0;
	for (; *s != '\0'; s++)
		if (!is_plain(*s))
			return 0;
	return 1;
}

static int
is_host(const char *s)
{
	if (*s == '\0')
		return 0;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("-_.:[]", *s) == NULL)
			return 0;
	return 1;
}

static int
is_type(const char *s, size_t n)
{
	size_t i;

	if (n == 0 || n > 32 || !islower((unsigned char)s[0]))
		return 0;
	for (i = 1; i < n; i++)
		if (!islower((unsigned char)s[i]) &&
		    !isdigit((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
			return 0;
	return 1;
}

static const char *
own_domain(const char *domain)
{
	return *domain != '\0' ? domain : "localhost";
}

static int
bad(struct uri *u)
{
	memset(u, 0, sizeof(*u));
	return SEC_ERR_FORMAT;
}

/* Visual separators (RFC 3966) go; what is left is an optional + and
 * digits. */
static int
parse_phone(struct uri *u, const char *s)
{
	size_t n;

	n = 0;
	for (; *s != '\0'; s++) {
		if (strchr("-.()", *s) != NULL)
			continue;
		if (!isdigit((unsigned char)*s) && !(*s == '+' && n == 0))
			return bad(u);
		if (n == 24)
			return bad(u);
		u->name[n++] = *s;
	}
	u->name[n] = '\0';
	if (n == 0 || strcmp(u->name, "+") == 0)
		return bad(u);
	u->kind = URI_PHONE;
	snprintf(u->full, sizeof(u->full), "tel:%s", u->name);
	return 0;
}

/* Cut parameters off; only q is kept. Header fields are refused. */
static int
take_params(struct uri *u, char *s)
{
	char *p, *next;
	size_t n;

	if (strchr(s, '?') != NULL)
		return SEC_ERR_FORMAT;
	if ((p = strchr(s, ';')) == NULL)
		return 0;
	for (*p++ = '\0'; p != NULL; p = next) {
		if ((next = strchr(p, ';')) != NULL)
			*next++ = '\0';
		if (strncasecmp(p, "q=", 2) != 0)
			continue;
		n = strspn(p + 2, "0123456789.");
		if (n == 0 || n >= sizeof(u->q) || p[2 + n] != '\0' ||
		    u->q[0] != '\0')
			return SEC_ERR_FORMAT;
		memcpy(u->q, p + 2, n + 1);
	}
	return 0;
}

/* What the labels of host before `domain` say, or "" for the domain
 * itself; NULL: another domain. */
static const char *
below_domain(char *host, const char *domain)
{
	size_t n = strlen(host), d = strlen(domain);

	if (n == d && strcasecmp(host, domain) == 0)
		return "";
	if (n <= d + 1 || host[n - d - 1] != '.' ||
	    strcasecmp(host + n - d, domain) != 0)
		return NULL;
	host[n - d - 1] = '\0';
	return host;
}

static int
is_port(const char *s)
{
	unsigned long long v;

	return text_number(s, 1, 65535, &v) == 0;
}

/* The kind of user@label.domain; "" as user: none. */
static enum uri_kind
kind_in_domain(struct uri *u, const char *user, const char *label)
{
	if (*label == '\0')
		return *user != '\0' ? URI_USER : URI_FOREIGN;
	if (strcmp(label, "pal") == 0)
		return *user == '\0' ? URI_PALMGR : URI_BAD;
	if (strcmp(label, "conf") == 0) {
		if (strcmp(user, "conference") == 0)
			return URI_FACTORY;
		return text_is_name(user) ? URI_CONF : URI_BAD;
	}
	if (*user == '\0' || !is_type(label, strlen(label)))
		return URI_FOREIGN;
	/* As TYPE:NAME these would be read as something else. */
	if (strcmp(label, "user") == 0 || strcmp(label, "sip") == 0 ||
	    strcmp(label, "tel") == 0)
		return URI_BAD;
	text_copy(u->type, label, sizeof(u->type));
	return URI_OBJECT;
}

static int
parse_sip(struct uri *u, char *s, const char *domain)
{
	char host[URI_MAX], *at, *hostport, *port;
	const char *label, *user;
	char *c;
	int n;

	if ((at = strchr(s, '@')) != NULL) {
		*at = '\0';
		user = s;
		hostport = at + 1;
		if (!is_user(user) || strlen(user) > USER_MAX)
			return bad(u);
	} else {
		user = "";
		hostport = s;
	}
	for (c = hostport; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!is_host(hostport))
		return bad(u);
	text_copy(host, hostport, sizeof(host));
	port = strchr(host, ']') != NULL ? strchr(strchr(host, ']'), ':') :
					   strchr(host, ':');
	if (port != NULL) {
		*port++ = '\0';
		if (!is_port(port))
			return bad(u);
	}
	text_copy(u->name, user, sizeof(u->name));
	if ((label = below_domain(host, domain)) != NULL)
		u->kind = kind_in_domain(u, user, label);
	else
		u->kind = URI_FOREIGN;
	if (u->kind == URI_BAD)
		return bad(u);
	/* Our own names have no port: the domain is no host. */
	if (u->kind != URI_FOREIGN)
		hostport[strcspn(hostport, ":")] = '\0';
	n = snprintf(u->full, sizeof(u->full), "sip:%s%s%s", user,
	    *user != '\0' ? "@" : "", hostport);
	return n > 0 && (size_t)n < sizeof(u->full) ? 0 : bad(u);
}

int
uri_parse(struct uri *u, const char *s, const char *domain)
{
	char copy[URI_MAX];

	memset(u, 0, sizeof(*u));
	if (text_copy(copy, s, sizeof(copy)) >= sizeof(copy) ||
	    take_params(u, copy) != 0)
		return bad(u);
	if (strncasecmp(copy, "tel:", 4) == 0)
		return parse_phone(u, copy + 4);
	if (strncasecmp(copy, "sip:", 4) == 0)
		return parse_sip(u, copy + 4, own_domain(domain));
	return bad(u);
}

int
uri_from_name(struct uri *u, const char *s, const char *domain, int conf)
{
	char full[URI_MAX];
	const char *colon;
	int n;

	memset(u, 0, sizeof(*u));
	domain = own_domain(domain);
	colon = strchr(s, ':');
	if (strncasecmp(s, "sip:", 4) == 0 || strncasecmp(s, "tel:", 4) == 0)
		return uri_parse(u, s, domain);
	if (strpbrk(s, ";?") != NULL)
		return bad(u);
	if (strchr(s, '@') != NULL)
		n = snprintf(full, sizeof(full), "sip:%s", s);
	else if (colon == NULL)
		n = snprintf(full, sizeof(full), "sip:%s@%s%s", s,
		    conf ? "conf." : "", domain);
	else if (!is_type(s, (size_t)(colon - s)))
		return bad(u);
	else if (colon - s == 4 && strncmp(s, "user", 4) == 0)
		n = snprintf(full, sizeof(full), "sip:%s@%s", colon + 1,
		    domain);
	else
		n = snprintf(full, sizeof(full), "sip:%s@%.*s.%s", colon + 1,
		    (int)(colon - s), s, domain);
	if (n < 0 || (size_t)n >= sizeof(full))
		return bad(u);
	return uri_parse(u, full, domain);
}

char *
uri_short(char *out, const char *full, const char *domain, int mixed)
{
	struct uri u;

	switch (uri_parse(&u, full, domain) == 0 ? u.kind : URI_BAD) {
	case URI_USER: text_copy(out, u.name, SHORT_MAX); break;
	case URI_CONF:
		snprintf(out, SHORT_MAX, "%s%s", mixed ? "conf:" : "", u.name);
		break;
	case URI_OBJECT:
		snprintf(out, SHORT_MAX, "%s:%.126s", u.type, u.name);
		break;
	case URI_FOREIGN:
		/* user@host can be typed back, a bare host cannot. */
		text_copy(out, u.name[0] != '\0' ? u.full + 4 : u.full,
		    SHORT_MAX);
		break;
	case URI_FACTORY:
	case URI_PALMGR:
	case URI_PHONE: text_copy(out, u.full, SHORT_MAX); break;
	case URI_BAD:
	default: text_copy(out, full, SHORT_MAX); break;
	}
	return out;
}

const char *
uri_type(const struct uri *u)
{
	switch (u->kind) {
	case URI_USER: return "user";
	case URI_CONF: return "conference";
	case URI_PHONE: return "phone";
	case URI_OBJECT: return u->type;
	case URI_BAD:
	case URI_FACTORY:
	case URI_PALMGR:
	case URI_FOREIGN: break;
	}
	return NULL;
}

char *
uri_user(char *out, const char *name, const char *domain)
{
	snprintf(out, URI_MAX, "sip:%s@%s", name, own_domain(domain));
	return out;
}

char *
uri_conf(char *out, const char *name, const char *domain)
{
	snprintf(out, URI_MAX, "sip:%s@conf.%s", name, own_domain(domain));
	return out;
}

char *
uri_factory(char *out, const char *domain)
{
	return uri_conf(out, "conference", domain);
}

char *
uri_palmgr(char *out, const char *domain)
{
	snprintf(out, URI_MAX, "sip:pal.%s", own_domain(domain));
	return out;
}

/* --- values in names --- */

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
				      -1;
}

/* The byte that ~XX at s stands for, or -1. */
static int
escaped(const char *s)
{
	int high, low, c;

	if ((high = hex_digit(s[1])) < 0 || (low = hex_digit(s[2])) < 0)
		return -1;
	c = high << 4 | low;
	return c < 0x20 || c == 0x7f ? -1 : c;
}

int
uri_escape(char *out, size_t size, const char *value)
{
	char one[4];
	size_t n = 0, len;

	out[0] = '\0';
	for (; *value != '\0'; value++) {
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return SEC_ERR_FORMAT;
		len = (size_t)snprintf(one, sizeof(one),
		    is_plain(*value) && *value != '~' ? "%c" : "~%02X",
		    (unsigned char)*value);
		if (n + len >= size)
			return SEC_ERR_LIMIT;
		memcpy(out + n, one, len + 1);
		n += len;
	}
	return 0;
}

int
uri_unescape(char *out, size_t size, const char *name)
{
	size_t n = 0;
	int c;

	for (; *name != '\0'; name += *name == '~' ? 3 : 1) {
		if ((c = *name == '~' ? escaped(name) : *name) == -1)
			return SEC_ERR_FORMAT;
		if (n + 1 >= size)
			return SEC_ERR_LIMIT;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return 0;
}
