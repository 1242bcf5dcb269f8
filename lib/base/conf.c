/* sec.conf(5): `key = value`, `#` comments, nothing else. */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"

#include "base/conf.h"

#define FILE_MAX  ((size_t)64 * 1024)
#define LINE_SIZE 1024

const char *const conf_suites[] = {
	"aes256-ctr-hmac-sha512-80",
	"chacha20-poly1305",
	"fig9-des",
	"fig9-aes128",
	"fig9alt-des",
	"fig9alt-aes128",
};
const size_t conf_suites_n = sizeof(conf_suites) / sizeof(*conf_suites);

/* What was wrong, for the one line. */
struct complaint {
	const char *name; /* of the file */
	char *why;
	size_t whylen;
};

struct key {
	const char *name;
	/* Set the value; 0 or SEC_ERR_FORMAT. */
	int (*set)(struct conf *, const char *);
	const char *wanted; /* told when the value is bad */
};

static int
store(char *dst, size_t size, const char *v)
{
	return text_copy(dst, v, size) < size ? 0 : SEC_ERR_FORMAT;
}

static int
set_domain(struct conf *c, const char *v)
{
	size_t i, label = 0;

	for (i = 0; v[i] != '\0'; i++) {
		char k = v[i];

		if (k >= 'A' && k <= 'Z')
			k = (char)(k - 'A' + 'a');
		if (k == '.' || k == '-') {
			/* No empty label, no label that begins with `-`. */
			if (label == 0)
				return SEC_ERR_FORMAT;
		} else if (!(k >= 'a' && k <= 'z') && !(k >= '0' && k <= '9'))
			return SEC_ERR_FORMAT;
		label = k == '.' ? 0 : label + 1;
		if (label > 63 || i >= 253)
			return SEC_ERR_FORMAT;
		c->domain[i] = k;
	}
	c->domain[i] = '\0';
	return label > 0 ? 0 : SEC_ERR_FORMAT;
}

static int
set_realm(struct conf *c, const char *v)
{
	size_t i;

	for (i = 0; v[i] != '\0'; i++)
		if (strchr("@/\\:\"", v[i]) != NULL || v[i] <= ' ' ||
		    v[i] > '~')
			return SEC_ERR_FORMAT;
	return store(c->realm, sizeof(c->realm), v);
}

/* [NAME@]HOST:PORT, HOST a name, an IPv4 address or [IPv6]. */
static int
set_pal(struct conf *c, const char *v)
{
	const char *at = strchr(v, '@'), *host, *colon;
	unsigned long long port;
	char name[65];
	size_t i, n;

	if (at != NULL) {
		n = (size_t)(at - v);
		if (n >= sizeof(name))
			return SEC_ERR_FORMAT;
		memcpy(name, v, n);
		name[n] = '\0';
		if (!text_is_name(name))
			return SEC_ERR_FORMAT;
	}
	host = at != NULL ? at + 1 : v;
	colon = strrchr(host, ':');
	if (colon == NULL || colon == host ||
	    text_number(colon + 1, 1, 65535, &port) != 0)
		return SEC_ERR_FORMAT;
	n = (size_t)(colon - host);
	for (i = 0; i < n; i++)
		if (host[i] <= ' ' || host[i] > '~' ||
		    strchr("@/\"", host[i]) != NULL ||
		    (host[i] == ':' && *host != '['))
			return SEC_ERR_FORMAT;
	if ((*host == '[') != (host[n - 1] == ']'))
		return SEC_ERR_FORMAT;
	return store(c->pal, sizeof(c->pal), v);
}

static int
set_choice(int *out, const char *v, const char *no, const char *yes)
{
	if (strcmp(v, yes) == 0)
		*out = 1;
	else if (strcmp(v, no) == 0)
		*out = 0;
	else
		return SEC_ERR_FORMAT;
	return 0;
}

static int
set_users(struct conf *c, const char *v)
{
	return set_choice(&c->users_known, v, "any", "known");
}

static int
set_allow_insecure_fig9(struct conf *c, const char *v)
{
	return set_choice(&c->allow_insecure_fig9, v, "no", "yes");
}

static int
set_security(struct conf *c, const char *v)
{
	return set_choice(&c->plain, v, "sealed", "plain");
}

static int
set_number(int *out, const char *v, unsigned long long min,
    unsigned long long max)
{
	unsigned long long n;

	if (text_number(v, min, max, &n) != 0)
		return SEC_ERR_FORMAT;
	*out = (int)n;
	return 0;
}

static int
set_span(int *out, const char *v, int64_t min, int64_t max)
{
	int64_t n = clock_parse_span(v);

	if (n < min || n > max)
		return SEC_ERR_FORMAT;
	*out = (int)n;
	return 0;
}

static int
set_key_life(struct conf *c, const char *v)
{
	return set_span(&c->key_life, v, 1, 86400);
}

static int
set_register_life(struct conf *c, const char *v)
{
	return set_span(&c->register_life, v, 5, 86400);
}

static int
set_register_rate(struct conf *c, const char *v)
{
	return set_number(&c->register_rate, v, 1, 1000000);
}

static int
set_conference_files(struct conf *c, const char *v)
{
	return set_number(&c->conference_files, v, 1, 1048576);
}

static int
set_user_conferences(struct conf *c, const char *v)
{
	return set_number(&c->user_conferences, v, 1, 1000000);
}

static int
set_user_subscriptions(struct conf *c, const char *v)
{
	return set_number(&c->user_subscriptions, v, 1, 1000000);
}

static int
set_streams(struct conf *c, const char *v)
{
	return set_number(&c->streams, v, 1, 16);
}

/* NAME TRANSPORT:HOST:PORT [prefix=...]; the rest is sec-gwproxy's. */
static int
set_gateway(struct conf *c, const char *v)
{
	char name[65];
	size_t n = strcspn(v, " \t");

	if (n >= sizeof(name) || v[n] == '\0')
		return SEC_ERR_FORMAT;
	memcpy(name, v, n);
	name[n] = '\0';
	if (!text_is_name(name))
		return SEC_ERR_FORMAT;
	return store(c->gateway, sizeof(c->gateway), v);
}

/* HOST, HOST:PORT, or for ldapi a socket's path with %2F. */
static int
is_host(const char *v, size_t n)
{
	const char *colon = memrchr(v, ':', n);
	unsigned long long port;
	char digits[8];
	size_t i;

	if (colon != NULL &&
	    memchr(colon, ']', n - (size_t)(colon - v)) == NULL) {
		i = n - (size_t)(colon + 1 - v);
		if (i >= sizeof(digits))
			return 0;
		memcpy(digits, colon + 1, i);
		digits[i] = '\0';
		if (text_number(digits, 1, 65535, &port) != 0)
			return 0;
		n = (size_t)(colon - v);
	}
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)v[i]) &&
		    strchr("-.%_[]:", v[i]) == NULL)
			return 0;
	return n > 0;
}

/* SCHEME://HOST[:PORT]/BASEDN; what else an LDAP URL may say, after a `?`,
 * is ours to say. */
static int
set_directory(struct conf *c, const char *v)
{
	const char *host = strstr(v, "://"), *base;

	if (strncmp(v, "ldap://", 7) != 0 && strncmp(v, "ldaps://", 8) != 0 &&
	    strncmp(v, "ldapi://", 8) != 0)
		return SEC_ERR_FORMAT;
	host += 3;
	if ((base = strchr(host, '/')) == NULL ||
	    !is_host(host, (size_t)(base - host)) ||
	    strchr(base, '=') == NULL || strchr(base, '?') != NULL)
		return SEC_ERR_FORMAT;
	return store(c->directory, sizeof(c->directory), v);
}

static int
set_directory_starttls(struct conf *c, const char *v)
{
	return set_choice(&c->directory_starttls, v, "no", "yes");
}

static int
set_path(char *dst, size_t size, const char *v)
{
	return *v == '/' ? store(dst, size, v) : SEC_ERR_FORMAT;
}

static int
set_directory_ca(struct conf *c, const char *v)
{
	return set_path(c->directory_ca, sizeof(c->directory_ca), v);
}

static int
set_directory_bind(struct conf *c, const char *v)
{
	static const char *const words[] = { "anonymous", "gssapi", "simple" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(v, words[i]) == 0) {
			c->directory_bind = (enum conf_bind)i;
			return 0;
		}
	return SEC_ERR_FORMAT;
}

static int
set_dn(char *dst, size_t size, const char *v)
{
	return strchr(v, '=') != NULL ? store(dst, size, v) : SEC_ERR_FORMAT;
}

static int
set_directory_groups(struct conf *c, const char *v)
{
	return set_dn(c->directory_groups, sizeof(c->directory_groups), v);
}

/* Names with commas; LDAP takes letters of both sizes for the same. */
static int
set_directory_attributes(struct conf *c, const char *v)
{
	char *s;
	int r;

	if (!isalpha((unsigned char)*v) || v[strlen(v) - 1] == ',' ||
	    strstr(v, ",,") != NULL ||
	    strspn(v,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-,") != strlen(v))
		return SEC_ERR_FORMAT;
	r = store(c->directory_attributes, sizeof(c->directory_attributes), v);
	for (s = c->directory_attributes; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
	return r;
}

static int
set_directory_dn(struct conf *c, const char *v)
{
	return set_dn(c->directory_dn, sizeof(c->directory_dn), v);
}

static int
set_directory_password(struct conf *c, const char *v)
{
	return set_path(c->directory_password, sizeof(c->directory_password),
	    v);
}

static int
set_suite(struct conf *c, const char *v)
{
	size_t i;

	for (i = 0; i < conf_suites_n; i++)
		if (strcmp(v, conf_suites[i]) == 0) {
			text_copy(c->suite, v, sizeof(c->suite));
			return 0;
		}
	return SEC_ERR_FORMAT;
}

static const struct key keys[] = {
	{ "domain", set_domain, "a domain name" },
	{ "realm", set_realm, "a Kerberos realm" },
	{ "pal", set_pal, "[NAME@]HOST:PORT" },
	{ "users", set_users, "any or known" },
	{ "register-rate", set_register_rate, "1 to 1000000" },
	{ "conference-files", set_conference_files, "1 to 1048576 (MiB)" },
	{ "user-conferences", set_user_conferences, "1 to 1000000" },
	{ "user-subscriptions", set_user_subscriptions, "1 to 1000000" },
	{ "gateway", set_gateway, "NAME TRANSPORT:HOST:PORT [prefix=P]" },
	{ "directory", set_directory, "ldap://HOST[:PORT]/BASEDN" },
	{ "directory-groups", set_directory_groups, "a distinguished name" },
	{ "directory-attributes", set_directory_attributes,
	    "names of attributes, with commas" },
	{ "directory-starttls", set_directory_starttls, "yes or no" },
	{ "directory-ca", set_directory_ca, "an absolute path" },
	{ "directory-bind", set_directory_bind, "anonymous, gssapi or simple" },
	{ "directory-dn", set_directory_dn, "a distinguished name" },
	{ "directory-password", set_directory_password, "an absolute path" },
	{ "streams", set_streams, "1 to 16" },
	{ "suite", set_suite, "the name of a voice suite" },
	{ "allow-insecure-fig9", set_allow_insecure_fig9, "yes or no" },
	{ "security", set_security, "sealed or plain" },
	{ "key-life", set_key_life, "a time from 1 to 24h" },
	{ "register-life", set_register_life, "a time from 5 to 24h" },
};

#define NKEYS (sizeof(keys) / sizeof(*keys))

void
conf_defaults(struct conf *c)
{
	memset(c, 0, sizeof(*c));
	c->register_rate = 20;
	c->conference_files = 1024;
	c->user_conferences = 4096;
	c->user_subscriptions = 16384;
	c->streams = 3;
	c->directory_starttls = 1;
	c->key_life = 86400;
	c->register_life = 86400;
	text_copy(c->suite, conf_suites[0], sizeof(c->suite));
}

/* Write FILE:LINE: and the rest, visibly; line 0 is left out. */
__attribute__((format(printf, 3, 4))) static int
complain(const struct complaint *to, int line, const char *fmt, ...)
{
	struct buf raw = BUF_INIT, seen = BUF_INIT;
	va_list ap;

	buf_putf(&raw, "%s:", to->name);
	if (line > 0)
		buf_putf(&raw, "%d:", line);
	buf_put_u8(&raw, ' ');
	va_start(ap, fmt);
	buf_vputf(&raw, fmt, ap);
	va_end(ap);
	text_put_visible(&seen, buf_data(&raw), buf_len(&raw), 0, 0);
	if (to->whylen > 0)
		text_copy(to->why, buf_cstr(&seen), to->whylen);
	buf_free(&raw);
	buf_free(&seen);
	return SEC_ERR_CONFIG;
}

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n > 0 && strchr(" \t\r", s[n - 1]) != NULL; n--)
		s[n - 1] = '\0';
	return s;
}

/* A comment begins at the start or after a blank, so that a `#` inside a
 * value can be had. */
static void
strip_comment(char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (s[i] == '#' &&
		    (i == 0 || s[i - 1] == ' ' || s[i - 1] == '\t')) {
			s[i] = '\0';
			return;
		}
}

static const struct key *
find_key(const char *name)
{
	size_t i;

	for (i = 0; i < NKEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static int
unknown_key(const struct complaint *to, int line, const char *name)
{
	const char *names[NKEYS], *near;
	size_t i;

	for (i = 0; i < NKEYS; i++)
		names[i] = keys[i].name;
	if ((near = conf_suggest(name, names, NKEYS)) != NULL)
		return complain(to, line,
		    "unknown key \"%.64s\" (did you mean \"%s\"?)", name, near);
	return complain(to, line, "unknown key \"%.64s\"", name);
}

static int
bad_value(const struct complaint *to, int line, const struct key *k,
    const char *value)
{
	const char *near = NULL;

	if (k->set == set_suite)
		near = conf_suggest(value, conf_suites, conf_suites_n);
	if (near != NULL)
		return complain(to, line,
		    "bad value \"%.64s\" for \"%s\" (did you mean \"%s\"?)",
		    value, k->name, near);
	return complain(to, line, "bad value \"%.64s\" for \"%s\": %s wanted",
	    value, k->name, k->wanted);
}

/* One line; seen[] holds the line where each key was set, 0 if not yet. */
static int
parse_line(struct conf *c, char *s, int line, int *seen,
    const struct complaint *to)
{
	const struct key *k;
	char *name, *value;

	strip_comment(s);
	name = trim(s);
	if (*name == '\0')
		return 0;
	if ((value = strchr(name, '=')) == NULL || value == name)
		return complain(to, line, "not KEY = VALUE: \"%.64s\"", name);
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	if ((k = find_key(name)) == NULL)
		return unknown_key(to, line, name);
	if (seen[k - keys] != 0)
		return complain(to, line,
		    "\"%s\" is set twice (first in line %d)", name,
		    seen[k - keys]);
	seen[k - keys] = line;
	if (*value == '\0' || k->set(c, value) != 0)
		return bad_value(to, line, k, value);
	return 0;
}

/* The line that set a key, 0 if none did. */
static int
line_of(const int *seen, const char *name)
{
	return seen[find_key(name) - keys];
}

static int
check_suite(const struct conf *c, const int *seen, const struct complaint *to)
{
	int line = line_of(seen, "suite");

	if (line > 0 && strncmp(c->suite, "fig9", 4) == 0 &&
	    !c->allow_insecure_fig9)
		return complain(to, line,
		    "suite \"%s\" needs allow-insecure-fig9 = yes", c->suite);
	return 0;
}

/* A password is told to nobody who has not shown a certificate. */
static int
check_bind(const struct conf *c, const int *seen, const struct complaint *to)
{
	int line = line_of(seen, "directory-bind");

	if (c->directory_bind != CONF_SIMPLE || c->directory[0] == '\0')
		return 0;
	if (line == 0)
		line = line_of(seen, "directory-starttls");
	if (c->directory_dn[0] == '\0' || c->directory_password[0] == '\0')
		return complain(to, line,
		    "directory-bind = simple needs directory-dn and "
		    "directory-password");
	if (strncmp(c->directory, "ldap://", 7) == 0 && !c->directory_starttls)
		return complain(to, line,
		    "directory-bind = simple needs TLS: ldaps://, or "
		    "directory-starttls = yes");
	return 0;
}

int
conf_parse(struct conf *c, const char *name, const char *text, size_t n,
    char *why, size_t whylen)
{
	const struct complaint to = { name, why, whylen };
	struct conf t = *c;
	char s[LINE_SIZE];
	const char *nl;
	size_t len;
	int line, r, seen[NKEYS] = { 0 };

	for (line = 1; n > 0; line++) {
		nl = memchr(text, '\n', n);
		len = nl != NULL ? (size_t)(nl - text) : n;
		if (len >= sizeof(s))
			return complain(&to, line, "line too long");
		if (memchr(text, '\0', len) != NULL)
			return complain(&to, line, "not a text file");
		memcpy(s, text, len);
		s[len] = '\0';
		if ((r = parse_line(&t, s, line, seen, &to)) != 0)
			return r;
		len += nl != NULL;
		text += len;
		n -= len;
	}
	if ((r = check_suite(&t, seen, &to)) != 0 ||
	    (r = check_bind(&t, seen, &to)) != 0)
		return r;
	*c = t;
	return 0;
}

int
conf_read(struct conf *c, const char *path, int must, char *why, size_t whylen)
{
	const struct complaint to = { path, why, whylen };
	char *text;
	size_t n;
	int r;

	r = proc_read_file(path, FILE_MAX, &text, &n);
	if (r == SEC_ERR_NOTHING)
		return must ? complain(&to, 0, "no such file") : 0;
	if (r == SEC_ERR_LIMIT)
		return complain(&to, 0, "longer than %zu bytes", FILE_MAX);
	if (r != 0)
		return complain(&to, 0, "%s", strerror(errno));
	r = conf_parse(c, path, text, n, why, whylen);
	free(text);
	return r;
}

static void
fill_realm(struct conf *c)
{
	size_t i;

	if (c->realm[0] != '\0')
		return;
	for (i = 0; c->domain[i] != '\0'; i++)
		c->realm[i] = (char)toupper((unsigned char)c->domain[i]);
	c->realm[i] = '\0';
}

int
conf_load(struct conf *c, const char *file, char *why, size_t whylen)
{
	char path[PATH_LEN];
	struct conf t;
	int r;

	conf_defaults(&t);
	if (file != NULL)
		r = conf_read(&t, file, 1, why, whylen);
	else if ((r = conf_read(&t, path_config(path), 0, why, whylen)) == 0 &&
	    *path_user_config(path) != '\0')
		r = conf_read(&t, path, 0, why, whylen);
	if (r != 0)
		return r;
	fill_realm(&t);
	*c = t;
	return 0;
}

#define WORD_MAX 64

/* Edit distance where swapping two neighbours is one edit (optimal string
 * alignment); rows of the usual table, two back. */
static size_t
distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), i, j, d, rows[3][WORD_MAX + 1];
	size_t *two = rows[0], *one = rows[1], *now = rows[2], *t;

	if (na > WORD_MAX || nb > WORD_MAX)
		return SIZE_MAX;
	for (j = 0; j <= nb; j++)
		one[j] = j;
	for (i = 1; i <= na; i++) {
		now[0] = i;
		for (j = 1; j <= nb; j++) {
			d = one[j - 1] + (a[i - 1] != b[j - 1]);
			if (one[j] + 1 < d)
				d = one[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && two[j - 2] + 1 < d)
				d = two[j - 2] + 1;
			now[j] = d;
		}
		t = two;
		two = one;
		one = now;
		now = t;
	}
	return one[nb];
}

const char *
conf_suggest(const char *word, const char *const *words, size_t n)
{
	size_t i, d, best = 0, len = strlen(word);
	const char *found = NULL;

	/* A third of the word may be wrong, at least one letter. */
	for (i = 0; i < n; i++) {
		d = distance(word, words[i]);
		if (d > (len < 6 ? 1 : len / 3) || (found != NULL && d >= best))
			continue;
		found = words[i];
		best = d;
	}
	return found;
}
