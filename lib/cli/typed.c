/* What was typed, checked against the rules, with the rule in the answer. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "wire/uri.h"

#include "cli/typed.h"

#define NOTE_MAX  255
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
			    "-m %s: media are text, voice and app, with commas "
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
