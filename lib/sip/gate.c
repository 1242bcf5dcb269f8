/*
 * The gate before libosip2, and what can be read from bytes alone: framing,
 * and the status and branch of an answer.
 *
 * Stricter than RFC 3261 where that costs honest peers nothing: lines end
 * with CRLF, no control character but TAB, no %00, UTF-8 throughout,
 * Content-Length always there and right, fields that we use at most once.
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"

#include "sip/gate.h"
#include "sip/msg.h"

#define ONCE 1 /* at most one of them */
#define MUST 2 /* at least one */
#define OSIP 4 /* read by osip */
#define URI  8 /* has one */

static const struct {
	const char *name;
	char compact;
	int flags;
} names[GATE_NAMES] = {
	[GATE_VIA] = { "Via", 'v', ONCE | MUST | OSIP },
	[GATE_FROM] = { "From", 'f', ONCE | MUST | OSIP | URI },
	[GATE_TO] = { "To", 't', ONCE | MUST | OSIP | URI },
	[GATE_CALL_ID] = { "Call-ID", 'i', ONCE | MUST | OSIP },
	[GATE_CSEQ] = { "CSeq", 0, ONCE | MUST | OSIP },
	[GATE_CONTACT] = { "Contact", 'm', OSIP | URI },
	[GATE_AUTHORIZATION] = { "Authorization", 0, ONCE | OSIP },
	[GATE_CONTENT_TYPE] = { "Content-Type", 'c', ONCE },
	[GATE_CONTENT_LENGTH] = { "Content-Length", 'l', ONCE | MUST },
	[GATE_MAX_FORWARDS] = { "Max-Forwards", 0, ONCE },
	[GATE_EXPIRES] = { "Expires", 0, ONCE },
	[GATE_EVENT] = { "Event", 'o', ONCE },
	[GATE_SUB_STATE] = { "Subscription-State", 0, ONCE },
	[GATE_INFO_PACKAGE] = { "Info-Package", 0, ONCE },
	[GATE_PROPOSED] = { "Proposed", 0, ONCE | URI },
	[GATE_CONFERENCE] = { "SEC-Conference", 0, ONCE },
	[GATE_CONFERENCE_KEY] = { "SEC-Conference-Key", 0, ONCE },
	[GATE_NOTE] = { "SEC-Note", 0, ONCE },
	[GATE_AUTHOR] = { "SEC-Author", 0, ONCE | URI },
	[GATE_MISSED] = { "SEC-Missed", 0, ONCE },
	[GATE_LINE_NO] = { "SEC-Line", 0, ONCE },
	[GATE_DATE] = { "Date", 0, ONCE },
	[GATE_RETRY_AFTER] = { "Retry-After", 0, ONCE },
};

/* RFC 3261 25.1 token */
static const uint8_t token_chars[256] = {
	['0'] = 1,
	['1'] = 1,
	['2'] = 1,
	['3'] = 1,
	['4'] = 1,
	['5'] = 1,
	['6'] = 1,
	['7'] = 1,
	['8'] = 1,
	['9'] = 1,
	['A'] = 1,
	['B'] = 1,
	['C'] = 1,
	['D'] = 1,
	['E'] = 1,
	['F'] = 1,
	['G'] = 1,
	['H'] = 1,
	['I'] = 1,
	['J'] = 1,
	['K'] = 1,
	['L'] = 1,
	['M'] = 1,
	['N'] = 1,
	['O'] = 1,
	['P'] = 1,
	['Q'] = 1,
	['R'] = 1,
	['S'] = 1,
	['T'] = 1,
	['U'] = 1,
	['V'] = 1,
	['W'] = 1,
	['X'] = 1,
	['Y'] = 1,
	['Z'] = 1,
	['a'] = 1,
	['b'] = 1,
	['c'] = 1,
	['d'] = 1,
	['e'] = 1,
	['f'] = 1,
	['g'] = 1,
	['h'] = 1,
	['i'] = 1,
	['j'] = 1,
	['k'] = 1,
	['l'] = 1,
	['m'] = 1,
	['n'] = 1,
	['o'] = 1,
	['p'] = 1,
	['q'] = 1,
	['r'] = 1,
	['s'] = 1,
	['t'] = 1,
	['u'] = 1,
	['v'] = 1,
	['w'] = 1,
	['x'] = 1,
	['y'] = 1,
	['z'] = 1,
	['-'] = 1,
	['.'] = 1,
	['!'] = 1,
	['%'] = 1,
	['*'] = 1,
	['_'] = 1,
	['+'] = 1,
	['`'] = 1,
	['\''] = 1,
	['~'] = 1,
};

static inline int
is_token(char c)
{
	return token_chars[(unsigned char)c];
}

/* Which of ours a field of n bytes is called; GATE_NAMES: none. */
static enum gate_name
name_find(const char *s, size_t n)
{
	int i, c = tolower((unsigned char)*s);

	for (i = 0; i < GATE_NAMES; i++) {
		if (n == 1 && names[i].compact != 0 && c == names[i].compact)
			break;
		/* Letters of a name differ in one bit by case. */
		if ((names[i].name[0] | 0x20) == c &&
		    strncasecmp(s, names[i].name, n) == 0 &&
		    names[i].name[n] == '\0')
			break;
	}
	return (enum gate_name)i;
}

int
gate_head(const void *p, size_t n)
{
	size_t max = n > GATE_HEAD ? GATE_HEAD : n;
	const uint8_t *end;

	if (n == 0)
		return 0;
	if ((end = memmem(p, max, "\r\n\r\n", 4)) != NULL)
		return (int)(end + 4 - (const uint8_t *)p);
	return n > GATE_HEAD ? SEC_ERR_LIMIT : 0;
}

/* Bytes that have no place in a header section. */
static int
check_bytes(const char *head, size_t n)
{
	unsigned char c, high = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		c = (unsigned char)head[i];
		high |= c;
		if (c > '%' && c != 127)
			continue;
		if (c == '\r') {
			if (i + 1 == n || head[i + 1] != '\n')
				return SEC_ERR_FORMAT;
			i++;
		} else if (c == 127 || (c < 32 && c != '\t'))
			return SEC_ERR_FORMAT;
		else if (c == '%' && n - i > 2 && head[i + 1] == '0' &&
		    head[i + 2] == '0')
			return SEC_ERR_FORMAT;
	}
	return high < 128 || text_is_utf8(head, n) ? 0 : SEC_ERR_FORMAT;
}

/* Folded lines (RFC 3261 7.3.1) become one. */
static void
unfold(char *head, size_t n)
{
	size_t i;

	for (i = 0; i + 2 < n; i++)
		if (head[i] == '\r' && head[i + 2] != '\r' &&
		    (head[i + 2] == ' ' || head[i + 2] == '\t'))
			head[i] = head[i + 1] = ' ';
}

/* osip's time grows with the square of these. */
static int
check_params(const char *line)
{
	size_t n;

	for (n = 0; *(line += strcspn(line, ";,&")) != '\0'; line++)
		if (++n > GATE_PARAMS)
			return SEC_ERR_LIMIT;
	return 0;
}

/* Our names need no escapes, and osip reads broken ones in its own way: no
 * % in a URI, only in a quoted name before it. */
static int
check_escapes(const char *value)
{
	const char *quote = strrchr(value, '"');

	return strchr(quote != NULL ? quote : value, '%') == NULL ?
	    0 :
	    SEC_ERR_FORMAT;
}

static int
read_field(struct gate *g, char *line)
{
	enum gate_name id;
	char *colon, *value, *end;
	size_t n;

	for (n = 0; is_token(line[n]); n++)
		;
	colon = line + n;
	while (*colon == ' ' || *colon == '\t')
		colon++;
	if (n == 0 || *colon != ':')
		return SEC_ERR_FORMAT;
	id = name_find(line, n);
	if (strlen(line) > (id == GATE_AUTHORIZATION ? GATE_TICKET : GATE_LINE))
		return SEC_ERR_LIMIT;
	if (id == GATE_NAMES)
		return 0;
	for (value = colon + 1; *value == ' ' || *value == '\t'; value++)
		;
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	if (g->value[id] != NULL && (names[id].flags & ONCE) != 0)
		return SEC_ERR_FORMAT;
	if (g->value[id] == NULL)
		g->value[id] = value;
	if ((names[id].flags & URI) != 0 && check_escapes(value) != 0)
		return SEC_ERR_FORMAT;
	if ((names[id].flags & OSIP) == 0)
		return 0;
	g->line[g->nlines++] = line;
	return check_params(value);
}

/* METHOD URI SIP/2.0, or SIP/2.0 STATUS REASON */
static int
check_start(const char *s)
{
	const char *version = s, *uri = strchr(s, ' ');

	if (strlen(s) > GATE_LINE)
		return SEC_ERR_LIMIT;
	if (strncasecmp(s, "SIP/", 4) != 0 &&
	    (version = strrchr(s, ' ')) == NULL)
		return SEC_ERR_FORMAT;
	if (*version == ' ')
		version++;
	if (strncasecmp(version, "SIP/", 4) != 0)
		return SEC_ERR_FORMAT;
	if (strncasecmp(version, "SIP/2.0", 7) != 0 ||
	    (version[7] != '\0' && version[7] != ' '))
		return SEC_ERR_VERSION;
	/* osip's atoi() would wrap longer ones. */
	if (version == s &&
	    (strspn(s + 7, " ") != 1 || strspn(s + 8, "0123456789") != 3 ||
		(s[11] != ' ' && s[11] != '\0')))
		return SEC_ERR_FORMAT;
	if (version != s && (uri == NULL || check_escapes(uri) != 0))
		return SEC_ERR_FORMAT;
	return check_params(s);
}

int
gate_open(struct gate *g, char *head, size_t n, size_t bodylen)
{
	unsigned long long length;
	char *line, *next;
	int i, r, fields;

	memset(g, 0, sizeof(*g));
	if ((r = check_bytes(head, n)) != 0)
		return r;
	unfold(head, n);
	fields = 0;
	for (line = head; line[0] != '\r'; line = next) {
		if ((next = strchr(line, '\r')) == NULL)
			return SEC_ERR_FORMAT;
		*next = '\0';
		next += 2;
		if (g->start == NULL) {
			g->start = line;
			r = check_start(line);
		} else if (++fields > GATE_FIELDS)
			r = SEC_ERR_LIMIT;
		else
			r = read_field(g, line);
		if (r != 0)
			return r;
	}
	if (g->start == NULL)
		return SEC_ERR_FORMAT;
	for (i = 0; i < GATE_NAMES; i++)
		if (g->value[i] == NULL && (names[i].flags & MUST) != 0)
			return SEC_ERR_FORMAT;
	if (text_number(g->value[GATE_CONTENT_LENGTH], 0, GATE_SEALED,
		&length) != 0 ||
	    length != bodylen)
		return SEC_ERR_FORMAT;
	return 0;
}

/* The field's value within [p, end) of the header section: its first byte,
 * *n bytes. NULL: not there. *count: how many there are. */
static const char *
find_field(const char *p, const char *end, enum gate_name id, size_t *n,
    int *count)
{
	const char *eol, *name, *found = NULL;
	size_t len;

	*count = 0;
	*n = 0;
	for (; (eol = memmem(p, (size_t)(end - p), "\r\n", 2)) != NULL &&
	     eol != p;
	     p = eol + 2) {
		for (name = p; p < eol && is_token(*p); p++)
			;
		len = (size_t)(p - name);
		while (p < eol && (*p == ' ' || *p == '\t'))
			p++;
		if (len == 0 || p == eol || *p != ':' ||
		    name_find(name, len) != id || ++*count > 1)
			continue;
		for (p++; p < eol && (*p == ' ' || *p == '\t'); p++)
			;
		found = p;
		*n = (size_t)(eol - p);
	}
	return found;
}

/* CRLF and CRLF CRLF between messages (RFC 5626 3.5.1). */
static int
frame_ping(const uint8_t *p, size_t n)
{
	if (n < 2)
		return 0;
	if (p[1] != '\n')
		return SEC_ERR_FORMAT;
	return n >= 4 && p[2] == '\r' && p[3] == '\n' ? 4 : 2;
}

static int
frame(const uint8_t *p, size_t n, size_t max)
{
	const char *head = (const char *)p, *v;
	unsigned long long length;
	char digits[16];
	size_t len = 0;
	int hl, count;

	if (n == 0)
		return 0;
	if (p[0] == '\r')
		return frame_ping(p, n);
	if (!isalpha(p[0]))
		return SEC_ERR_FORMAT;
	if ((hl = gate_head(p, n)) <= 0)
		return hl;
	v = find_field(head, head + hl, GATE_CONTENT_LENGTH, &len, &count);
	if (v == NULL || count != 1)
		return SEC_ERR_FORMAT;
	while (len > 0 && (v[len - 1] == ' ' || v[len - 1] == '\t'))
		len--;
	if (len >= sizeof(digits))
		return SEC_ERR_LIMIT;
	memcpy(digits, v, len);
	digits[len] = '\0';
	if (text_number(digits, 0, UINT32_MAX, &length) != 0)
		return SEC_ERR_FORMAT;
	if ((size_t)hl + length > max)
		return SEC_ERR_LIMIT;
	len = (size_t)hl + (size_t)length;
	return len <= n ? (int)len : 0;
}

int
sip_frame(const uint8_t *p, size_t n)
{
	return frame(p, n, GATE_SEALED);
}

int
sip_frame_stranger(const uint8_t *p, size_t n)
{
	return frame(p, n, GATE_UNSEALED);
}

static int
is_via(const char *s, const char *eol)
{
	return (s[0] == 'V' || s[0] == 'v') &&
	    (s[1] == ':' || (eol - s > 4 && strncasecmp(s, "via:", 4) == 0));
}

int
sip_peek_answer(const void *p, size_t n, int *status, const char **branch,
    size_t *branchlen)
{
	const char *s = p, *end = s + n, *eol, *b;
	size_t i;
	int code;

	if (n < 16 || memcmp(s, "SIP/2.0 ", 8) != 0 || s[11] != ' ')
		return SEC_ERR_FORMAT;
	for (code = 0, i = 8; i < 11; i++) {
		if (!isdigit((unsigned char)s[i]))
			return SEC_ERR_FORMAT;
		code = 10 * code + (s[i] - '0');
	}
	if (code < 100 || code > 699)
		return SEC_ERR_FORMAT;
	/* The top Via is all that is looked at: the first in most answers. */
	for (;; s = eol + 1) {
		eol = memchr(s, '\n', (size_t)(end - s));
		if (eol == NULL || eol - s <= 1)
			return SEC_ERR_FORMAT;
		if (is_via(s, eol))
			break;
	}
	if (end - eol > 5 && is_via(eol + 1, end))
		return SEC_ERR_FORMAT; /* no proxy stands between */
	for (b = s; (b = memchr(b, ';', (size_t)(eol - b))) != NULL; b++)
		if (eol - b > 8 && memcmp(b, ";branch=", 8) == 0)
			break;
	if (b == NULL)
		return SEC_ERR_FORMAT;
	b += 8;
	for (i = 0; b + i < eol && is_token(b[i]); i++)
		;
	if (i == 0)
		return SEC_ERR_FORMAT;
	*status = code;
	*branch = b;
	*branchlen = i;
	return 0;
}
