/*
 * mix.json: the lines of it. The reader takes what the writer of cli/emit
 * makes: flat objects of strings and whole numbers.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/emit.h"
#include "mixfile.h"

#define VALUE_MAX 2048

const char *const mix_modes[] = { "hear", "earcon", "light", "alert", NULL };

int
mix_mode_of(const char *word)
{
	int i;

	for (i = 0; mix_modes[i] != NULL; i++)
		if (strcmp(mix_modes[i], word) == 0)
			return i;
	return -1;
}

void
mix_line_put(const struct mix_line *m, struct buf *out)
{
	struct buf line = BUF_INIT;
	struct json j;

	json_begin(&j);
	json_str(&j, m->is_user ? "user" : "conf", m->uri);
	if (!m->is_user) {
		if (m->cid[0] != '\0')
			json_str(&j, "id", m->cid);
		json_str(&j, "mode", mix_modes[m->mode]);
		json_int(&j, "vol_db", m->vol);
	}
	if (m->sound[0] != '\0')
		json_str(&j, "sound", m->sound);
	json_line(&j, &line);
	buf_put(out, buf_data(&line), buf_len(&line));
	buf_free(&line);
}

/* --- reading --- */

struct scan {
	const char *p, *end;
};

static void
blanks(struct scan *s)
{
	while (s->p < s->end && isspace((unsigned char)*s->p))
		s->p++;
}

static int
take(struct scan *s, char c)
{
	blanks(s);
	if (s->p == s->end || *s->p != c)
		return 0;
	s->p++;
	return 1;
}

static int
hex4(struct scan *s, unsigned *out)
{
	char h[5] = "", *end;

	if (s->end - s->p < 4)
		return SEC_ERR_FORMAT;
	memcpy(h, s->p, 4);
	*out = (unsigned)strtoul(h, &end, 16);
	s->p += 4;
	return *end == '\0' ? 0 : SEC_ERR_FORMAT;
}

/* The code point of \uXXXX, as UTF-8; no surrogates: our writer escapes
 * controls alone. */
static int
put_code(char *out, size_t *n, unsigned c)
{
	if (c == 0 || (c >= 0xd800 && c < 0xe000))
		return SEC_ERR_FORMAT;
	if (c < 0x80)
		out[(*n)++] = (char)c;
	else if (c < 0x800) {
		out[(*n)++] = (char)(0xc0 | c >> 6);
		out[(*n)++] = (char)(0x80 | (c & 0x3f));
	} else {
		out[(*n)++] = (char)(0xe0 | c >> 12);
		out[(*n)++] = (char)(0x80 | (c >> 6 & 0x3f));
		out[(*n)++] = (char)(0x80 | (c & 0x3f));
	}
	return 0;
}

static int
string(struct scan *s, char out[VALUE_MAX])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *e;
	unsigned code;
	size_t n = 0;

	if (!take(s, '"'))
		return SEC_ERR_FORMAT;
	while (s->p < s->end && *s->p != '"' && n + 4 < VALUE_MAX) {
		if (*s->p != '\\') {
			out[n++] = *s->p++;
			continue;
		}
		if (++s->p == s->end)
			return SEC_ERR_FORMAT;
		if (*s->p == 'u') {
			s->p++;
			if (hex4(s, &code) != 0 || put_code(out, &n, code) != 0)
				return SEC_ERR_FORMAT;
			continue;
		}
		if ((e = strchr(from, *s->p++)) == NULL || *e == '\0')
			return SEC_ERR_FORMAT;
		out[n++] = to[e - from];
	}
	out[n] = '\0';
	return s->p < s->end && *s->p++ == '"' ? 0 : SEC_ERR_FORMAT;
}

static int
value(struct scan *s, char out[VALUE_MAX])
{
	size_t n = 0;

	blanks(s);
	if (s->p < s->end && *s->p == '"')
		return string(s, out);
	while (s->p < s->end && n + 1 < VALUE_MAX &&
	    (isalnum((unsigned char)*s->p) || *s->p == '+' || *s->p == '-' ||
		*s->p == '.'))
		out[n++] = *s->p++;
	out[n] = '\0';
	return n > 0 ? 0 : SEC_ERR_FORMAT;
}

static int
field(struct mix_line *m, const char *name, const char *v)
{
	char *end;
	long n;

	if (strcmp(name, "conf") == 0 || strcmp(name, "user") == 0) {
		m->is_user = *name == 'u';
		if (text_copy(m->uri, v, sizeof(m->uri)) >= sizeof(m->uri))
			return SEC_ERR_FORMAT;
	} else if (strcmp(name, "id") == 0)
		text_copy(m->cid, v, sizeof(m->cid));
	else if (strcmp(name, "mode") == 0) {
		if (mix_mode_of(v) < 0)
			return SEC_ERR_FORMAT;
		m->mode = (enum mix_mode)mix_mode_of(v);
	} else if (strcmp(name, "vol_db") == 0) {
		n = strtol(v, &end, 10);
		if (*end != '\0' || n < -60 || n > 20)
			return SEC_ERR_FORMAT;
		m->vol = (int)n;
	} else if (strcmp(name, "sound") == 0 &&
	    text_copy(m->sound, v, sizeof(m->sound)) >= sizeof(m->sound))
		return SEC_ERR_FORMAT;
	return 0;
}

int
mix_line_parse(struct mix_line *m, const char *p, size_t n)
{
	char name[VALUE_MAX], v[VALUE_MAX];
	struct scan s = { p, p + n };

	memset(m, 0, sizeof(*m));
	if (!take(&s, '{'))
		return SEC_ERR_FORMAT;
	do {
		if (string(&s, name) != 0 || !take(&s, ':') ||
		    value(&s, v) != 0 || field(m, name, v) != 0)
			return SEC_ERR_FORMAT;
	} while (take(&s, ','));
	if (!take(&s, '}'))
		return SEC_ERR_FORMAT;
	blanks(&s);
	return s.p == s.end && m->uri[0] != '\0' ? 0 : SEC_ERR_FORMAT;
}
