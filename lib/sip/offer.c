/*
 * SDP, the part that we use (RFC 3264, RFC 4566):
 *
 *	v=0                             first line
 *	c=IN IP4|IP6 ADDRESS            of the session, else of a medium
 *	m=message|audio PORT PROTO FMT...
 *	a=rtpmap:FMT NAME/...           names the first format's codec
 *	a=ptime:MS
 *	a=sec-server:NUMBER
 *
 * Other lines, and media that we do not know with all their attributes, are
 * skipped. Lines end with CRLF or LF; a CR elsewhere, a NUL, or a line that
 * is not letter, =, value is refused.
 */
#include <arpa/inet.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"

#include "sip/offer.h"

#define OFFER_MAX 4096

static const struct {
	const char *sdp;
	const char *medium;
	const char *proto;
} media[] = {
	{ "message", "text", "TCP/SEC" },
	{ "audio", "voice", "RTP/SEC" },
};
#define NMEDIA (sizeof(media) / sizeof(media[0]))

struct reading {
	struct offer *o;
	struct offer_medium *m; /* NULL: before the first, or skipped */
	int in_media;
	char fmt[16]; /* first format of m */
};

static int
is_numeric(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 ||
	    inet_pton(AF_INET6, host, a) == 1;
}

static int
number(const char *s, unsigned long long max, int *out)
{
	unsigned long long v;

	if (text_number(s, 0, max, &v) != 0)
		return SEC_ERR_FORMAT;
	*out = (int)v;
	return 0;
}

/* c=IN IP4 127.0.0.1 */
static int
read_connection(struct reading *r, const char *v)
{
	if (strncmp(v, "IN IP4 ", 7) != 0 && strncmp(v, "IN IP6 ", 7) != 0)
		return SEC_ERR_FORMAT;
	v += 7;
	if (!is_numeric(v))
		return SEC_ERR_FORMAT;
	if (r->o->host[0] == '\0')
		text_copy(r->o->host, v, sizeof(r->o->host));
	return 0;
}

/* m=message 7321 TCP/SEC * */
static int
read_medium(struct reading *r, char *v)
{
	char *name, *port, *proto, *fmt, *save;
	struct offer_medium *m;
	size_t i;

	r->in_media = 1;
	r->m = NULL;
	name = strtok_r(v, " ", &save);
	port = strtok_r(NULL, " ", &save);
	proto = strtok_r(NULL, " ", &save);
	fmt = strtok_r(NULL, " ", &save);
	if (fmt == NULL)
		return SEC_ERR_FORMAT;
	for (i = 0; i < NMEDIA; i++)
		if (strcmp(name, media[i].sdp) == 0)
			break;
	if (i == NMEDIA)
		return 0;
	if (r->o->n == OFFER_MEDIA)
		return SEC_ERR_LIMIT;
	m = &r->o->m[r->o->n];
	text_copy(m->medium, media[i].medium, sizeof(m->medium));
	if (number(port, 65535, &m->port) != 0 ||
	    text_copy(m->proto, proto, sizeof(m->proto)) >= sizeof(m->proto) ||
	    text_copy(r->fmt, fmt, sizeof(r->fmt)) >= sizeof(r->fmt))
		return SEC_ERR_FORMAT;
	if (strcmp(m->medium, "voice") == 0 && strcmp(fmt, "0") == 0)
		text_copy(m->codec, "pcmu", sizeof(m->codec));
	r->o->n++;
	r->m = m;
	return 0;
}

/* a=rtpmap:96 opus/48000/2 */
static int
read_rtpmap(struct reading *r, const char *v)
{
	size_t n = strlen(r->fmt), len, i;

	if (strncmp(v, r->fmt, n) != 0 || v[n] != ' ')
		return 0;
	v += n + 1;
	len = strcspn(v, "/ ");
	if (len == 0 || len >= sizeof(r->m->codec))
		return SEC_ERR_FORMAT;
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)v[i]) && v[i] != '-')
			return SEC_ERR_FORMAT;
		r->m->codec[i] = (char)tolower((unsigned char)v[i]);
	}
	r->m->codec[len] = '\0';
	return 0;
}

static int
read_attribute(struct reading *r, const char *v)
{
	if (r->m == NULL)
		return 0;
	if (strncmp(v, "rtpmap:", 7) == 0 && strcmp(r->m->medium, "voice") == 0)
		return read_rtpmap(r, v + 7);
	if (strncmp(v, "ptime:", 6) == 0)
		return number(v + 6, 1000, &r->m->ptime);
	if (strncmp(v, "sec-server:", 11) == 0)
		return number(v + 11, 65535, &r->m->server);
	return 0;
}

static int
read_line(struct reading *r, char *line)
{
	char *v = line + 2;

	switch (line[0]) {
	case 'c': return read_connection(r, v);
	case 'm': return read_medium(r, v);
	case 'a': return read_attribute(r, v);
	default: return 0;
	}
}

/* Cut the next line out of text; NULL: a line that is none. */
static char *
next_line(char **text)
{
	char *line = *text, *end;
	size_t n;

	end = strchr(line, '\n');
	*text = end != NULL ? end + 1 : line + strlen(line);
	n = end != NULL ? (size_t)(end - line) : strlen(line);
	if (end != NULL && n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	if (n < 2 || !islower((unsigned char)line[0]) || line[1] != '=' ||
	    strchr(line, '\r') != NULL)
		return NULL;
	return line;
}

int
offer_parse(struct offer *o, const void *p, size_t n)
{
	char text[OFFER_MAX + 1], *rest, *line;
	struct offer got;
	struct reading r;
	size_t i;
	int first, err;

	if (n > OFFER_MAX)
		return SEC_ERR_LIMIT;
	if (n == 0 || memchr(p, '\0', n) != NULL)
		return SEC_ERR_FORMAT;
	memcpy(text, p, n);
	text[n] = '\0';
	memset(&got, 0, sizeof(got));
	memset(&r, 0, sizeof(r));
	r.o = &got;
	first = 1;
	for (rest = text; *rest != '\0'; first = 0) {
		if ((line = next_line(&rest)) == NULL ||
		    (first && strcmp(line, "v=0") != 0))
			return SEC_ERR_FORMAT;
		if ((err = read_line(&r, line)) != 0)
			return err;
	}
	for (i = 0; i < got.n; i++)
		if (got.m[i].port != 0 && got.host[0] == '\0')
			return SEC_ERR_FORMAT;
	*o = got;
	return 0;
}

static void
write_voice(struct buf *out, const struct offer_medium *m)
{
	int pcmu = strcmp(m->codec, "pcmu") == 0;

	buf_putf(out, " %s\r\n", pcmu ? "0" : "96 0");
	if (pcmu)
		buf_put_str(out, "a=rtpmap:0 PCMU/8000\r\n");
	else if (m->codec[0] != '\0')
		buf_putf(out, "a=rtpmap:96 %s/48000/2\r\n", m->codec);
	/* The elements of wire/rtp; the first two are our own. */
	buf_put_str(out,
	    "a=extmap:1 urn:x-sec:rtp-hdrext:conference\r\n"
	    "a=extmap:2 urn:x-sec:rtp-hdrext:epoch-counter\r\n"
	    "a=extmap:3 urn:ietf:params:rtp-hdrext:ntp-64\r\n"
	    "a=extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
}

static void
write_medium(struct buf *out, const struct offer_medium *m)
{
	size_t i;

	for (i = 0; i < NMEDIA; i++)
		if (strcmp(m->medium, media[i].medium) == 0)
			break;
	if (i == NMEDIA || strpbrk(m->proto, " \r\n") != NULL ||
	    strpbrk(m->codec, " \r\n") != NULL) {
		out->err = SEC_ERR_FORMAT;
		return;
	}
	buf_putf(out, "m=%s %d %s", media[i].sdp, m->port,
	    m->proto[0] != '\0' ? m->proto : media[i].proto);
	if (strcmp(m->medium, "voice") == 0)
		write_voice(out, m);
	else
		buf_put_str(out, " *\r\n");
	if (m->ptime > 0)
		buf_putf(out, "a=ptime:%d\r\n", m->ptime);
	if (m->server > 0)
		buf_putf(out, "a=sec-server:%d\r\n", m->server);
}

void
offer_write(struct buf *out, const struct offer *o)
{
	const char *host = o->host[0] != '\0' ? o->host : "0.0.0.0";
	const char *family = strchr(host, ':') != NULL ? "IP6" : "IP4";
	size_t i;

	if (!is_numeric(host)) {
		out->err = SEC_ERR_FORMAT;
		return;
	}
	buf_putf(out,
	    "v=0\r\no=- 0 0 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", family,
	    host, family, host);
	for (i = 0; i < o->n && i < OFFER_MEDIA; i++)
		write_medium(out, &o->m[i]);
}

const struct offer_medium *
offer_find(const struct offer *o, const char *medium)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (strcmp(o->m[i].medium, medium) == 0)
			return &o->m[i];
	return NULL;
}

int
offer_addr(const struct offer *o, const char *medium, struct addr *a)
{
	const struct offer_medium *m = offer_find(o, medium);
	char s[ADDR_STRLEN + 8];

	if (m == NULL || m->port == 0 || o->host[0] == '\0')
		return SEC_ERR_NOTHING;
	snprintf(s, sizeof(s),
	    strchr(o->host, ':') != NULL ? "[%s]:%d" : "%s:%d", o->host,
	    m->port);
	return addr_parse(a, s) == 0 ? 0 : SEC_ERR_NOTHING;
}
