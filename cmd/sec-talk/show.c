/* What was said and what happened, as lines. */
#include <stdio.h>
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
static const struct {
	const char *kind, *words, *event, *field;
} kinds[] = {
	{ "join", "joined", "conf.join", NULL },
	{ "leave", "left", "conf.leave", NULL },
	{ "status", "is", "conf.status", "status" },
	{ "gap", NULL, "gap", "message" },
	{ "media", "now has", "conf.policy", "media" },
	{ "end", "ended", "conf.end", "message" },
	{ "lost", "text interrupted", "svc.down", "host" },
	{ "back", "text is back", "svc.up", "host" },
};

#define NKINDS (sizeof(kinds) / sizeof(*kinds))

static size_t
kind_of(const struct line *row)
{
	const char *kind = line_get_or(row, "kind", "");
	size_t i;

	for (i = 0; i < NKINDS && strcmp(kinds[i].kind, kind) != 0; i++)
		;
	return i;
}

void
show_notice(const struct shower *s, const struct line *row, struct buf *out)
{
	const char *user = line_get(row, "user");
	const char *text = line_get_or(row, "text", "");
	const char *kind = line_get_or(row, "kind", "");
	int is_value =
	    strcmp(kind, "status") == 0 || strcmp(kind, "media") == 0;
	size_t i = kind_of(row);

	put_clock(out, row);
	buf_put_str(out, "* ");
	/* The others may go on without me. */
	if (strcmp(kind, "end") == 0 && strcmp(text, "left") == 0) {
		buf_put_str(out, "you have left ");
		put_name(s, out, s->conf);
		buf_put_u8(out, '\n');
		return;
	}
	if (user != NULL && *user != '\0') {
		put_name(s, out, user);
		buf_put_str(out, strcmp(kind, "gap") == 0 ? ": " : " ");
	} else if (strcmp(kind, "end") == 0 || strcmp(kind, "media") == 0) {
		put_name(s, out, s->conf);
		buf_put_u8(out, ' ');
	}
	if (i < NKINDS && kinds[i].words != NULL) {
		buf_put_str(out, kinds[i].words);
		if (*text != '\0')
			buf_put_str(out, is_value ? " " : " (");
	} else if (i == NKINDS)
		buf_putf(out, "%s%s", kind, *text != '\0' ? " (" : "");
	put_visible(s, out, text, 0);
	if (*text != '\0' && !is_value &&
	    (i == NKINDS || kinds[i].words != NULL))
		buf_put_u8(out, ')');
	buf_put_u8(out, '\n');
}

void
show_json(const struct shower *s, const struct line *row, struct buf *out)
{
	const char *user = line_get(row, "user"), *to = line_get(row, "to");
	const char *text = line_get_or(row, "text", "");
	int64_t at = agent_int(row, "at");
	size_t i = kind_of(row);
	struct json j;
	int is_text;

	is_text = strcmp(line_get_or(row, "what", ""), "text") == 0;
	json_begin(&j);
	json_time(&j, "time", at > 0 ? at : clock_real());
	json_str(&j, "event",
	    is_text	   ? "text" :
		i < NKINDS ? kinds[i].event :
			     line_get(row, "kind"));
	json_str(&j, "conf", s->conf);
	if (user != NULL && *user != '\0')
		json_str(&j, "user", user);
	if (i < NKINDS && !is_text && strcmp(kinds[i].kind, "media") == 0)
		json_list(&j, "media", text);
	else if (is_text) {
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
	} else if (*text != '\0')
		json_str(&j,
		    i < NKINDS && kinds[i].field != NULL ? kinds[i].field :
							   "message",
		    text);
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
