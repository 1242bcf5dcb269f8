/* What was said and what happened, as lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/agent.h"

#include "show.h"

#define INDENT "      " /* as wide as "14:20 " */

static void
put_visible(const struct shower *s, struct buf *out, const char *text,
    int keep_nl)
{
	text_put_visible(out, text, strlen(text), keep_nl, s->ascii);
}

static void
put_name(const struct shower *s, struct buf *out, const char *uri)
{
	char name[AGENT_SHORT_MAX];

	put_visible(s, out, agent_short(s->a, name, uri, 0), 0);
}

static void
put_clock(struct buf *out, const struct line *row)
{
	int64_t at = agent_int(row, "at");
	char hhmm[16];

	buf_putf(out, "%s ", clock_hhmm(at > 0 ? at : clock_real(), hhmm));
}

/* Further lines are indented: nobody can forge another's with a newline. */
static void
put_lines(const struct shower *s, struct buf *out, const char *text)
{
	struct buf b = BUF_INIT;
	const char *p;

	put_visible(s, &b, text, 1);
	for (p = buf_cstr(&b); *p != '\0'; p++) {
		buf_put_u8(out, (uint8_t)*p);
		if (*p == '\n')
			buf_put_str(out, INDENT);
	}
	buf_free(&b);
}

void
show_text(const struct shower *s, const struct line *row, struct buf *out)
{
	const char *to = line_get(row, "to");

	put_clock(out, row);
	put_name(s, out, line_get(row, "user"));
	if (to != NULL && *to != '\0') {
		buf_put_str(out, " to ");
		put_name(s, out, to);
	}
	if (agent_int(row, "clear") == 1)
		buf_put_str(out, " (clear)");
	if (strcmp(line_get_or(row, "verified", "1"), "0") == 0)
		buf_put_str(out, " (not verified)");
	buf_put_str(out, ": ");
	put_lines(s, out, line_get_or(row, "text", ""));
	buf_put_u8(out, '\n');
}

/* The kinds of notices: their words, and the events of sec-events(7). */
static const struct kind {
	const char *kind, *words, *event, *field;
	const char *no; /* words of what is off; NULL: it has a value */
	int is_of_conf; /* nobody's */
} kinds[] = {
	{ "join", "joined", "conf.join", NULL, NULL, 0 },
	{ "leave", "left", "conf.leave", NULL, NULL, 0 },
	{ "status", "is", "conf.status", "status", NULL, 0 },
	{ "role", "is a moderator", "conf.status", "role",
	    "is no moderator any more", 0 },
	{ "hand", "raised a hand", "conf.status", "hand", "lowered the hand",
	    0 },
	{ "muted", "was muted", "conf.status", "muted", "was unmuted", 0 },
	{ "floor", "has the floor", "conf.status", "floor",
	    "has the floor no more", 0 },
	{ "gap", NULL, "gap", "message", NULL, 0 },
	{ "media", "now has", "conf.policy", "media", NULL, 1 },
	{ "policy", "now has", "conf.policy", NULL, NULL, 1 },
	{ "attached", "attached", "file.add", "file", NULL, 0 },
	{ "detached", "detached", "file.rm", "file", NULL, 0 },
	{ "read", NULL, "read", "line", NULL, 0 },
	{ "end", "ended", "conf.end", "message", NULL, 1 },
	{ "lost", "text interrupted", "svc.down", "host", NULL, 0 },
	{ "back", "text is back", "svc.up", "host", NULL, 0 },
};

#define NKINDS (sizeof(kinds) / sizeof(*kinds))

/* NULL: one that the agent knows, and we do not. */
static const struct kind *
kind_of(const struct line *row)
{
	const char *kind = line_get_or(row, "kind", "");
	size_t i;

	for (i = 0; i < NKINDS; i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}

static int
is_kind(const struct kind *k, const char *kind)
{
	return k != NULL && strcmp(k->kind, kind) == 0;
}

static int
is_off(const char *value)
{
	return strcmp(value, "0") == 0 || strcmp(value, "member") == 0;
}

/* What happened, without whom it happened to. */
static void
put_words(const struct shower *s, const struct kind *k, const struct line *row,
    struct buf *out)
{
	const char *words = k != NULL ? k->words : line_get(row, "kind");
	const char *text = line_get_or(row, "text", "");
	int is_value = is_kind(k, "status") || is_kind(k, "media") ||
	    is_kind(k, "policy") || is_kind(k, "attached") ||
	    is_kind(k, "detached");

	if (k != NULL && k->no != NULL) {
		buf_put_str(out, is_off(text) ? k->no : words);
		return;
	}
	if (words != NULL)
		buf_put_str(out, words);
	if (*text == '\0')
		return;
	if (words != NULL)
		buf_put_str(out, is_value ? " " : " (");
	put_visible(s, out, text, 0);
	if (words != NULL && !is_value)
		buf_put_u8(out, ')');
}

/* Is it over for me alone, while the others may go on? */
static int
is_without_me(const char *why)
{
	static const char removed[] = " removed you";
	size_t n = strlen(why), k = sizeof(removed) - 1;

	return strcmp(why, "no longer a member") == 0 ||
	    (n > k && strcmp(why + n - k, removed) == 0);
}

void
show_notice(const struct shower *s, const struct line *row, struct buf *out)
{
	const char *user = line_get(row, "user");
	const char *text = line_get_or(row, "text", "");
	const struct kind *k = kind_of(row);

	put_clock(out, row);
	buf_put_str(out, "* ");
	if (is_kind(k, "end") && strcmp(text, "left") == 0) {
		buf_put_str(out, "you have left ");
		put_name(s, out, s->conf);
		buf_put_u8(out, '\n');
		return;
	}
	if (is_kind(k, "end") && is_without_me(text)) {
		buf_put_str(out, "you are out of ");
		put_name(s, out, s->conf);
		buf_put_str(out, " (");
		put_visible(s, out, text, 0);
		buf_put_str(out, ")\n");
		return;
	}
	if (user != NULL && *user != '\0') {
		put_name(s, out, user);
		buf_put_str(out, is_kind(k, "gap") ? ": " : " ");
	} else if (k != NULL && k->is_of_conf) {
		put_name(s, out, s->conf);
		buf_put_u8(out, ' ');
	}
	put_words(s, k, row, out);
	if (line_get_or(row, "by", "")[0] != '\0') {
		buf_put_str(out,
		    is_kind(k, "leave") ? " (removed by " : " (by ");
		put_name(s, out, line_get(row, "by"));
		buf_put_u8(out, ')');
	}
	buf_put_u8(out, '\n');
}

/* NAME=VALUE */
static void
json_policy(struct json *j, const char *text)
{
	const char *eq = strchr(text, '=');
	char name[32];

	if (eq == NULL)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(eq - text), text);
	if (strcmp(name, "streams") == 0)
		json_int(j, name, atoll(eq + 1));
	else
		json_str(j, name, eq + 1);
}

static void
json_notice(struct json *j, const struct kind *k, const char *text)
{
	if (is_kind(k, "media"))
		json_list(j, "media", text);
	else if (is_kind(k, "policy"))
		json_policy(j, text);
	else if (is_kind(k, "read"))
		json_int(j, "line", atoll(text));
	else if (k != NULL && k->no != NULL && !is_kind(k, "role"))
		json_bool(j, k->field, !is_off(text));
	else if (*text != '\0')
		json_str(j,
		    k != NULL && k->field != NULL ? k->field : "message", text);
}

void
show_json(const struct shower *s, const struct line *row, struct buf *out)
{
	const char *user = line_get(row, "user"), *to = line_get(row, "to");
	const char *text = line_get_or(row, "text", "");
	int64_t at = agent_int(row, "at");
	const struct kind *k = kind_of(row);
	struct json j;
	int is_text;

	is_text = strcmp(line_get_or(row, "what", ""), "text") == 0;
	json_begin(&j);
	json_time(&j, "time", at > 0 ? at : clock_real());
	json_str(&j, "event",
	    is_text	  ? "text" :
		k != NULL ? k->event :
			    line_get(row, "kind"));
	json_str(&j, "conf", s->conf);
	if (user != NULL && *user != '\0')
		json_str(&j, "user", user);
	if (is_text) {
		json_str(&j, "text", text);
		if (to != NULL && *to != '\0')
			json_str(&j, "to", to);
		if (agent_int(row, "line") > 0)
			json_int(&j, "line", agent_int(row, "line"));
		if (agent_int(row, "old") == 1)
			json_bool(&j, "old", 1);
		if (agent_int(row, "clear") == 1)
			json_bool(&j, "clear", 1);
		if (strcmp(line_get_or(row, "verified", "1"), "0") == 0)
			json_bool(&j, "verified", 0);
	} else {
		json_notice(&j, k, text);
		if (line_get_or(row, "by", "")[0] != '\0')
			json_str(&j, "by", line_get(row, "by"));
	}
	json_line(&j, out);
}

void
show_waiting(const struct shower *s, struct buf *out)
{
	struct json j;

	json_begin(&j);
	json_time(&j, "time", clock_real());
	json_str(&j, "event", "conf.status");
	json_str(&j, "conf", s->conf);
	json_str(&j, "user", agent_user(s->a));
	json_str(&j, "status", "waiting");
	json_line(&j, out);
}

void
show_names(const struct shower *s, const char *uris, const char *between,
    struct buf *out)
{
	const char *p = uris != NULL ? uris : "";
	char uri[512];
	size_t n;
	int first = 1;

	for (; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == 0 || n >= sizeof(uri))
			continue;
		memcpy(uri, p, n);
		uri[n] = '\0';
		if (!first)
			buf_put_str(out, between);
		first = 0;
		put_name(s, out, uri);
	}
}
