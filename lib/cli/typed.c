/* What was typed, checked against the rules, with the rule in the answer. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "wire/pal.h"
#include "wire/uri.h"

#include "cli/typed.h"

#define NOTE_MAX  255
#define TIME_MAX  (366 * 86400) /* s, a year */
#define SHOWN_MAX 40 /* bytes of a bad word that are repeated */
#define NAMES                                                                  \
	"a name begins with a-z or 0-9, goes on with those or . _ -,"          \
	" and has at most 64 characters"

/* A word of any length for a message. */
static const char *
shown(const char *s, char out[SHOWN_MAX + 8])
{
	size_t n = strlen(s);

	if (n == 0)
		return "an empty word";
	if (n <= SHOWN_MAX)
		return s;
	n = text_cut(s, n, SHOWN_MAX);
	snprintf(out, SHOWN_MAX + 8, "%.*s...", (int)n, s);
	return out;
}

int
typed_status(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];

	if (s == NULL || text_is_word(s))
		return 0;
	return cli_usage(c,
	    "%s is no status: available, busy, away, offline, or a word of "
	    "your own (a-z first, then a-z 0-9 - _, at most 31)",
	    shown(s, out));
}

int
typed_class(struct cli *c, const char *status, const char *s)
{
	static const char *const classes[] = { "available", "busy", "away",
		"offline" };
	char out[SHOWN_MAX + 8];
	size_t i;
	int of_status = 0, of_s = 0;

	for (i = 0; s != NULL && i < 4; i++) {
		of_status |= strcmp(status, classes[i]) == 0;
		of_s |= strcmp(s, classes[i]) == 0;
	}
	if (s == NULL || (of_s && (!of_status || strcmp(s, status) == 0)))
		return 0;
	if (of_s)
		return cli_usage(c, "%s is what it is, and not a kind of %s",
		    status, s);
	return cli_usage(c,
	    "--as %s: a status is a kind of available, busy, away or offline",
	    shown(s, out));
}

int
typed_time(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];
	int64_t t;

	if (s == NULL || ((t = clock_parse_span(s)) > 0 && t <= TIME_MAX))
		return 0;
	return cli_usage(c,
	    "-t %s: for how long is 10 (seconds), 45m, 8h or 2d, and at most "
	    "a year",
	    shown(s, out));
}

int
typed_note(struct cli *c, const char *s)
{
	if (s == NULL)
		return 0;
	if (strlen(s) > NOTE_MAX)
		return cli_usage(c, "a note has at most %d bytes, this has %zu",
		    NOTE_MAX, strlen(s));
	if (!text_is_utf8(s, strlen(s)))
		return cli_usage(c, "the note is not UTF-8");
	return 0;
}

int
typed_media(struct cli *c, const char *s)
{
	static const char *const known[] = { "text", "voice", "app" };
	char out[SHOWN_MAX + 8];
	const char *p = s;
	size_t n, i;

	while (p != NULL) {
		n = strcspn(p, ",");
		for (i = 0; i < 3; i++)
			if (strlen(known[i]) == n &&
			    strncmp(known[i], p, n) == 0)
				break;
		if (i == 3)
			return cli_usage(c,
			    "%s: media are text, voice and app, with commas "
			    "between",
			    shown(s, out));
		p = p[n] == ',' ? p + n + 1 : NULL;
	}
	return 0;
}

int
typed_tel(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8], full[64];
	struct uri u;
	int n;

	if (s == NULL)
		return 0;
	n = snprintf(full, sizeof(full), "%s%s",
	    strncmp(s, "tel:", 4) == 0 ? "" : "tel:", s);
	if (n > 0 && (size_t)n < sizeof(full) && uri_parse(&u, full, "") == 0 &&
	    u.kind == URI_PHONE && u.name[0] == '+')
		return 0;
	return cli_usage(c,
	    "%s is no telephone number: + and at most 23 digits, as in "
	    "+15551234567",
	    shown(s, out));
}

int
typed_conf_name(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];

	if (s == NULL || (text_is_name(s) && strcmp(s, "conference") != 0))
		return 0;
	if (strcmp(s, "conference") == 0)
		return cli_usage(c,
		    "conference is taken: all of them are "
		    "made there; choose another name");
	return cli_usage(c, "%s is no name of a conference: " NAMES,
	    shown(s, out));
}

int
typed_conf(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];
	const char *name = strncmp(s, "conf:", 5) == 0 ? s + 5 : s;

	if (strpbrk(name, ":@") != NULL || text_is_name(name))
		return 0;
	return cli_usage(c, "%s is no name of a conference: " NAMES,
	    shown(name, out));
}

int
typed_who(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];
	struct uri u;

	/* In which domain makes no difference here. */
	if (s == NULL || uri_from_name(&u, s, "localhost", 0) == 0)
		return 0;
	return cli_usage(c,
	    "%s is nobody's name: a user has letters, digits and . _ - + ~, at "
	    "most 126, perhaps with @DOMAIN; a telephone is tel:+15551234567",
	    shown(s, out));
}

int
typed_entry(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];
	struct uri u;

	if (uri_from_name(&u, s, "localhost", 0) == 0 &&
	    u.kind != URI_FACTORY && u.kind != URI_PALMGR)
		return 0;
	return cli_usage(c,
	    "%s is no entry: a user, tel:+15551234567, conf:NAME, or a thing "
	    "as TYPE:NAME (lamp:bedroom)",
	    shown(s, out));
}

int
typed_object(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];
	struct uri u;

	/* A URI's domain is known to the agent alone. */
	if (uri_from_name(&u, s, "localhost", 0) == 0 &&
	    (u.kind == URI_OBJECT || u.kind == URI_FOREIGN))
		return 0;
	return cli_usage(c, "%s is no thing: TYPE:NAME, as in lamp:bedroom",
	    shown(s, out));
}

/* The n bytes at s are the name of an attribute. */
static int
is_attr(const char *s, size_t n)
{
	char name[40];

	if (n >= sizeof(name))
		return 0;
	memcpy(name, s, n);
	name[n] = '\0';
	return pal_attr_allowed(name);
}

int
typed_value(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];
	size_t n = strcspn(s, "=");

	if (s[n] != '=')
		return cli_usage(c, "%s: as ATTR=VALUE, as in state=on",
		    shown(s, out));
	if (!is_attr(s, n))
		return cli_usage(c,
		    "%s: an attribute has a-z first, then a-z 0-9 _, at most "
		    "32, and is no field of events (status, note, time ...)",
		    shown(s, out));
	if (!text_is_utf8(s, strlen(s)))
		return cli_usage(c, "the value of %.*s is not UTF-8", (int)n,
		    s);
	return 0;
}

int
typed_attrs(struct cli *c, const char *s)
{
	char out[SHOWN_MAX + 8];

	if (s == NULL || pal_attrs_is_list(s))
		return 0;
	return cli_usage(c,
	    "--attrs %s: names of attributes with commas between, as "
	    "status,note, or *",
	    shown(s, out));
}

int
typed_who_list(struct cli *c, const char *s)
{
	char name[URI_MAX];
	size_t n;
	int r;

	while (s != NULL) {
		n = strcspn(s, ",");
		if (n >= sizeof(name))
			n = sizeof(name) - 1; /* too long for a name */
		memcpy(name, s, n);
		name[n] = '\0';
		if ((r = typed_who(c, name)) != 0)
			return r;
		s = s[n] == ',' ? s + n + 1 : NULL;
	}
	return 0;
}
