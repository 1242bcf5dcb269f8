/*
 * SIP messages from bytes: gate (gate.c), then libosip2 for the fields that
 * have a grammar worth the name, then the validator. The only file that
 * knows osip's types.
 */
#include <sys/time.h>
#include <time.h>

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "sip/gate.h"
#include "sip/msg.h"

#define COOKIE	    "z9hG4bK"
#define URI_LEN	    255
#define PARAM_LEN   63
#define TAG_LEN	    39
#define CALL_ID_LEN 127
#define BRANCH_LEN  127
#define METHOD_LEN  31
#define CSEQ_MAX    0x7fffffffull

/* One block per message; what is cut from it lives as long as it does. */
struct arena {
	size_t pos;
	size_t cap;
	char mem[];
};

static void
no_trace(const char *file, int line, osip_trace_level_t level, const char *fmt,
    va_list ap)
{
	(void)file;
	(void)line;
	(void)level;
	(void)fmt;
	(void)ap;
}

/* Without a callback osip prints strangers' errors on stdout. */
static void
osip_begin(void)
{
	static int begun;

	if (begun)
		return;
	begun = 1;
	osip_trace_initialize_func(END_TRACE_LEVEL, no_trace);
	if (parser_init() != 0)
		die(sec_err_exit(SEC_ERR_SYS), "libosip2: parser_init");
}

static void *
arena_take(struct arena *a, size_t n)
{
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (a->cap - a->pos < n)
		return NULL;
	p = a->mem + a->pos;
	a->pos += n;
	return p;
}

static char *
arena_dup(struct arena *a, const char *s, size_t n)
{
	char *p;

	if ((p = arena_take(a, n + 1)) == NULL)
		return NULL;
	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void
sip_msg_init(struct sip_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->expires = -1;
	m->missed = -1;
	m->line = -1;
	m->retry_after = -1;
}

void
sip_msg_free(struct sip_msg *m)
{
	if (m != NULL)
		free(m->arena);
}

static int
is_token(const char *s, size_t max)
{
	size_t n;

	for (n = 0; s[n] != '\0'; n++)
		if (!isalnum((unsigned char)s[n]) &&
		    strchr("-.!%*_+`'~", s[n]) == NULL)
			return 0;
	return n > 0 && n <= max;
}

/* Printable, without spaces and what delimits URIs in fields. */
static int
is_plain_word(const char *s, size_t max)
{
	size_t n;

	for (n = 0; s[n] != '\0'; n++)
		if ((unsigned char)s[n] <= ' ' || s[n] == 127 || s[n] == '<' ||
		    s[n] == '>' || s[n] == '"')
			return 0;
	return n > 0 && n <= max;
}

/* osip takes whatever stands there. */
static int
is_host(const char *s)
{
	if (s == NULL || *s == '\0')
		return 0;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr(".-_:", *s) == NULL)
			return 0;
	return 1;
}

static int
check_port(const char *port)
{
	unsigned long long v;

	return port == NULL || text_number(port, 1, 65535, &v) == 0 ?
	    0 :
	    SEC_ERR_FORMAT;
}

/* Did osip understand all of the URI that stands in raw, as it stands? It
 * drops parameters that it cannot read. */
static int
is_as_written(const char *uri, const char *raw)
{
	const char *open = strchr(raw, '<');
	size_t n = strlen(uri);

	for (; open != NULL; open = strchr(open + 1, '<'))
		if (strncasecmp(open + 1, uri, n) == 0 && open[1 + n] == '>')
			return 1;
	return strncasecmp(raw, uri, n) == 0 && strchr("; \t,", raw[n]) != NULL;
}

/* sip: and tel: only (ARCHITECTURE.md 7), printed by osip. raw: the field's
 * value. */
static int
take_uri(struct arena *a, osip_uri_t *u, const char *raw, const char **out)
{
	char *s;
	int r;

	if (u == NULL || u->scheme == NULL)
		return SEC_ERR_FORMAT;
	if (strcasecmp(u->scheme, "sip") == 0) {
		if (!is_host(u->host) || u->password != NULL ||
		    check_port(u->port) != 0 ||
		    osip_list_size(&u->url_headers) != 0)
			return SEC_ERR_FORMAT;
	} else if (strcasecmp(u->scheme, "tel") != 0)
		return SEC_ERR_FORMAT;
	if (osip_uri_to_str(u, &s) != 0)
		return SEC_ERR_FORMAT;
	r = 0;
	if (strlen(s) > URI_LEN)
		r = SEC_ERR_LIMIT;
	else if (!is_plain_word(s, URI_LEN) || !is_as_written(s, raw))
		r = SEC_ERR_FORMAT;
	else if ((*out = arena_dup(a, s, strlen(s))) == NULL)
		r = SEC_ERR_LIMIT;
	osip_free(s);
	return r;
}

/* Value of a parameter: NULL not there, "" without a value. */
static const char *
param_find(const osip_list_t *list, const char *name)
{
	const osip_generic_param_t *p;
	int i;

	for (i = 0; (p = osip_list_get(list, i)) != NULL; i++)
		if (p->gname != NULL && strcasecmp(p->gname, name) == 0)
			return p->gvalue != NULL ? p->gvalue : "";
	return NULL;
}

/* URI and tag of From or To, which are one struct in osip. */
static int
take_party(struct arena *a, osip_from_t *f, const char *raw, const char **uri,
    const char **tag)
{
	const char *v;
	int r;

	if (f == NULL)
		return SEC_ERR_FORMAT;
	if ((r = take_uri(a, f->url, raw, uri)) != 0)
		return r;
	if ((v = param_find(&f->gen_params, "tag")) == NULL)
		return 0;
	if (!is_token(v, TAG_LEN))
		return SEC_ERR_FORMAT;
	*tag = arena_dup(a, v, strlen(v));
	return *tag != NULL ? 0 : SEC_ERR_LIMIT;
}

static int
take_via(struct arena *a, const osip_message_t *o, const char *raw,
    struct sip_msg *m)
{
	const char *branch;
	osip_via_t *via = NULL;
	char host[URI_LEN + 1];
	int n;

	/* No proxies between us: one Via (ARCHITECTURE.md 7). */
	if (osip_list_size(&o->vias) != 1 ||
	    osip_message_get_via(o, 0, &via) < 0 || via == NULL ||
	    !is_host(via->host) || check_port(via->port) != 0 ||
	    strncasecmp(raw, "SIP/2.0/", 8) != 0)
		return SEC_ERR_FORMAT;
	branch = param_find(&via->via_params, "branch");
	if (branch == NULL || strncmp(branch, COOKIE, strlen(COOKIE)) != 0 ||
	    branch[strlen(COOKIE)] == '\0' || !is_token(branch, BRANCH_LEN))
		return SEC_ERR_FORMAT;
	n = snprintf(host, sizeof(host), "%s%s%s", via->host,
	    via->port != NULL ? ":" : "", via->port != NULL ? via->port : "");
	if (n < 0 || (size_t)n >= sizeof(host) || !is_plain_word(host, URI_LEN))
		return SEC_ERR_FORMAT;
	m->via_host = arena_dup(a, host, (size_t)n);
	m->branch = arena_dup(a, branch, strlen(branch));
	return m->via_host != NULL && m->branch != NULL ? 0 : SEC_ERR_LIMIT;
}

static int
take_cseq(struct arena *a, const osip_message_t *o, struct sip_msg *m)
{
	unsigned long long v;
	const char *method;

	if (o->cseq == NULL || o->cseq->number == NULL ||
	    (method = o->cseq->method) == NULL ||
	    !is_token(method, METHOD_LEN) ||
	    text_number(o->cseq->number, 0, CSEQ_MAX, &v) != 0)
		return SEC_ERR_FORMAT;
	if (m->status == 0 &&
	    (o->sip_method == NULL || strcmp(o->sip_method, method) != 0))
		return SEC_ERR_FORMAT;
	m->cseq = (uint32_t)v;
	m->method = arena_dup(a, method, strlen(method));
	return m->method != NULL ? 0 : SEC_ERR_LIMIT;
}

/* A word, or words in quotes. */
static int
is_param_value(const char *s)
{
	size_t n = strlen(s), i;

	if (s[0] != '"')
		return is_plain_word(s, URI_LEN) && strpbrk(s, ",;=") == NULL;
	for (i = 1; i + 1 < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127 || s[i] == '"' ||
		    s[i] == '\\')
			return 0;
	return n >= 2 && s[n - 1] == '"';
}

/* "name=value;name" of a list of parameters. */
static int
take_params(struct arena *a, const osip_list_t *list, const char **out)
{
	const osip_generic_param_t *p;
	struct buf b = BUF_INIT;
	int i, r;

	for (i = 0; (p = osip_list_get(list, i)) != NULL; i++) {
		if (p->gname == NULL)
			continue;
		if (!is_token(p->gname, PARAM_LEN) ||
		    (p->gvalue != NULL && !is_param_value(p->gvalue))) {
			buf_free(&b);
			return SEC_ERR_FORMAT;
		}
		buf_putf(&b, "%s%s", i > 0 ? ";" : "", p->gname);
		if (p->gvalue != NULL)
			buf_putf(&b, "=%s", p->gvalue);
	}
	r = buf_error(&b);
	if (r == 0 && buf_len(&b) > 0 &&
	    (*out = arena_dup(a, (char *)buf_data(&b), buf_len(&b))) == NULL)
		r = SEC_ERR_LIMIT;
	buf_free(&b);
	return r;
}

static int
take_contact(struct arena *a, const osip_message_t *o, const char *raw,
    struct sip_msg *m)
{
	osip_contact_t *c = NULL;
	int r;

	if (osip_message_get_contact(o, 0, &c) < 0 || c == NULL)
		return 0;
	if (c->url == NULL && c->displayname != NULL &&
	    strcmp(c->displayname, "*") == 0) {
		m->contact = "*";
		return 0;
	}
	if ((r = take_uri(a, c->url, raw, &m->contact)) != 0)
		return r;
	return take_params(a, &c->gen_params, &m->contact_params);
}

static int
take_quoted(struct arena *a, const char *s, const char **out)
{
	size_t n;

	if (s == NULL)
		return 0;
	n = strlen(s);
	if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	if (memchr(s, '"', n) != NULL || memchr(s, '\\', n) != NULL)
		return SEC_ERR_FORMAT;
	return (*out = arena_dup(a, s, n)) != NULL ? 0 : SEC_ERR_LIMIT;
}

/* Only these parameters survive osip (LIBRARIES.md 0.1). */
static int
take_authorization(struct arena *a, const osip_message_t *o, struct sip_msg *m)
{
	osip_authorization_t *auth = NULL;
	int r;

	if (osip_message_get_authorization(o, 0, &auth) < 0 || auth == NULL ||
	    auth->auth_type == NULL ||
	    strcasecmp(auth->auth_type, "Kerberos") != 0)
		return 0;
	if ((r = take_quoted(a, auth->realm, &m->auth_realm)) != 0 ||
	    (r = take_quoted(a, auth->targetname, &m->auth_target)) != 0 ||
	    (r = take_quoted(a, auth->version, &m->auth_version)) != 0 ||
	    (r = take_quoted(a, auth->gssapi_data, &m->auth_token)) != 0)
		return r;
	if (m->auth_realm == NULL || m->auth_target == NULL ||
	    m->auth_token == NULL ||
	    (m->auth_version != NULL && !is_token(m->auth_version, TAG_LEN)))
		return SEC_ERR_FORMAT;
	return 0;
}

/* --- fields that osip would only copy, or split at commas --- */

static int
take_number(const char *s, unsigned long long max, unsigned long long *v)
{
	char digits[24];
	size_t n = strspn(s, "0123456789");

	/* Comments and parameters (Retry-After) may follow. */
	if (n == 0 || n >= sizeof(digits) ||
	    (s[n] != '\0' && strchr(" \t;(", s[n]) == NULL))
		return SEC_ERR_FORMAT;
	memcpy(digits, s, n);
	digits[n] = '\0';
	return text_number(digits, 0, max, v);
}

static int
take_numbers(const struct gate *g, struct sip_msg *m)
{
	const char *s;
	unsigned long long v;

	if ((s = g->value[GATE_EXPIRES]) != NULL) {
		if (text_number(s, 0, UINT32_MAX, &v) != 0)
			return SEC_ERR_FORMAT;
		m->expires = (int64_t)v;
	}
	if ((s = g->value[GATE_MAX_FORWARDS]) != NULL &&
	    text_number(s, 0, 255, &v) != 0)
		return SEC_ERR_FORMAT;
	if ((s = g->value[GATE_MISSED]) != NULL) {
		if (text_number(s, 0, 1000000, &v) != 0)
			return SEC_ERR_FORMAT;
		m->missed = (int)v;
	}
	if ((s = g->value[GATE_LINE_NO]) != NULL) {
		if (text_number(s, 0, INT64_MAX, &v) != 0)
			return SEC_ERR_FORMAT;
		m->line = (int64_t)v;
	}
	if ((s = g->value[GATE_RETRY_AFTER]) != NULL) {
		if (take_number(s, INT32_MAX, &v) != 0)
			return SEC_ERR_FORMAT;
		m->retry_after = (int)v;
	}
	return 0;
}

/* <uri>;q=... of Proposed and SEC-Author. */
static int
take_named(struct arena *a, const char *s, const char **uri, const char **q)
{
	const char *v;
	osip_from_t *f;
	int r;

	if (s == NULL)
		return 0;
	if (osip_from_init(&f) != 0)
		return SEC_ERR_LIMIT;
	r = osip_from_parse(f, s) == 0 ? take_uri(a, f->url, s, uri) :
					 SEC_ERR_FORMAT;
	if (r == 0 && q != NULL &&
	    (v = param_find(&f->gen_params, "q")) != NULL) {
		if (!is_token(v, 15))
			r = SEC_ERR_FORMAT;
		else if ((*q = arena_dup(a, v, strlen(v))) == NULL)
			r = SEC_ERR_LIMIT;
	}
	osip_from_free(f);
	return r;
}

/* presence;id=7 */
static int
take_event(struct gate *g, struct sip_msg *m)
{
	char *s = g->value[GATE_EVENT], *p, *next;

	if (s == NULL)
		return 0;
	if ((p = strchr(s, ';')) != NULL)
		*p++ = '\0';
	for (; p != NULL; p = next) {
		if ((next = strchr(p, ';')) != NULL)
			*next++ = '\0';
		while (*p == ' ')
			p++;
		if (strncasecmp(p, "id=", 3) != 0)
			continue;
		if (!is_token(p + 3, TAG_LEN))
			return SEC_ERR_FORMAT;
		m->event_id = p + 3;
	}
	while (*s != '\0' && s[strlen(s) - 1] == ' ')
		s[strlen(s) - 1] = '\0';
	m->event = s;
	return is_token(s, TAG_LEN) ? 0 : SEC_ERR_FORMAT;
}

/* type/subtype in lower case, without parameters. */
static int
take_content_type(struct gate *g, struct sip_msg *m)
{
	char *s = g->value[GATE_CONTENT_TYPE], *c;

	if (s == NULL)
		return 0;
	s[strcspn(s, "; \t")] = '\0';
	if (strchr(s, '/') == NULL)
		return SEC_ERR_FORMAT;
	for (c = s; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	m->content_type = s;
	return 0;
}

static int
take_own(struct arena *a, struct gate *g, struct sip_msg *m)
{
	char *note = g->value[GATE_NOTE];
	int r;

	m->call_id = g->value[GATE_CALL_ID];
	m->via = g->value[GATE_VIA];
	m->sub_state = g->value[GATE_SUB_STATE];
	m->info_package = g->value[GATE_INFO_PACKAGE];
	m->conference = g->value[GATE_CONFERENCE];
	m->conference_key = g->value[GATE_CONFERENCE_KEY];
	m->date = g->value[GATE_DATE];
	if (!is_plain_word(m->call_id, CALL_ID_LEN))
		return SEC_ERR_FORMAT;
	if (note != NULL) {
		if (line_unescape(note) != 0 ||
		    !text_is_utf8(note, strlen(note)))
			return SEC_ERR_FORMAT;
		m->note = note;
	}
	if ((r = take_numbers(g, m)) != 0 || (r = take_event(g, m)) != 0 ||
	    (r = take_content_type(g, m)) != 0 ||
	    (r = take_named(a, g->value[GATE_PROPOSED], &m->proposed, NULL)) !=
		0)
		return r;
	return take_named(a, g->value[GATE_AUTHOR], &m->author, &m->author_q);
}

static int
take_osip(struct arena *a, const osip_message_t *o, const struct gate *g,
    struct sip_msg *m)
{
	int r;

	if (o->sip_method == NULL) {
		m->status = o->status_code;
		if (m->status < 100 || m->status > 699)
			return SEC_ERR_FORMAT;
		m->reason = arena_dup(a,
		    o->reason_phrase != NULL ? o->reason_phrase : "",
		    o->reason_phrase != NULL ? strlen(o->reason_phrase) : 0);
		if (m->reason == NULL)
			return SEC_ERR_LIMIT;
	} else if ((r = take_uri(a, o->req_uri, strchr(g->start, ' ') + 1,
			&m->uri)) != 0)
		return r;
	if ((r = take_via(a, o, g->value[GATE_VIA], m)) != 0 ||
	    (r = take_cseq(a, o, m)) != 0 ||
	    (r = take_party(a, o->from, g->value[GATE_FROM], &m->from,
		 &m->from_tag)) != 0 ||
	    (r = take_party(a, o->to, g->value[GATE_TO], &m->to, &m->to_tag)) !=
		0 ||
	    (r = take_contact(a, o, g->value[GATE_CONTACT], m)) != 0 ||
	    (r = take_authorization(a, o, m)) != 0)
		return r;
	/* RFC 3261 8.1.1.3; dialogs would not work without. */
	return m->from_tag != NULL ? 0 : SEC_ERR_FORMAT;
}

/* Hand osip what it is to read, and nothing else. */
static int
osip_read(struct arena *a, const struct gate *g, struct sip_msg *m)
{
	struct buf b = BUF_INIT;
	osip_message_t *o = NULL;
	size_t i;
	int r;

	buf_put_str(&b, g->start);
	for (i = 0; i < g->nlines; i++) {
		buf_put(&b, "\r\n", 2);
		buf_put_str(&b, g->line[i]);
	}
	buf_put_str(&b, "\r\nContent-Length: 0\r\n\r\n");
	(void)buf_cstr(&b);
	if ((r = buf_error(&b)) == 0 && osip_message_init(&o) != 0)
		r = SEC_ERR_LIMIT;
	if (r == 0 &&
	    osip_message_parse(o, (const char *)buf_data(&b), buf_len(&b)) != 0)
		r = SEC_ERR_FORMAT;
	if (r == 0)
		r = take_osip(a, o, g, m);
	osip_message_free(o);
	buf_free(&b);
	return r;
}

int
sip_msg_parse(struct sip_msg **out, const void *p, size_t n, int sealed)
{
	const char *s = p;
	struct sip_msg *m;
	struct arena *a;
	struct gate g;
	size_t cap;
	char *head, *body;
	int hl, r;

	if (n > (sealed ? GATE_SEALED : GATE_UNSEALED))
		return SEC_ERR_LIMIT;
	if ((hl = gate_head(p, n)) <= 0)
		return hl < 0 ? hl : SEC_ERR_FORMAT;
	osip_begin();
	/* osip's escapes make a URI at most three times as long. */
	cap = sizeof(*m) + n + 4 * (size_t)hl + 1024;
	if ((a = malloc(sizeof(*a) + cap)) == NULL)
		return SEC_ERR_SYS;
	a->pos = 0;
	a->cap = cap;
	m = arena_take(a, sizeof(*m));
	head = arena_dup(a, s, (size_t)hl);
	body = arena_dup(a, s + hl, n - (size_t)hl);
	if (m == NULL || head == NULL || body == NULL) {
		free(a);
		return SEC_ERR_LIMIT;
	}
	sip_msg_init(m);
	m->arena = a;
	if ((r = gate_open(&g, head, (size_t)hl, n - (size_t)hl)) != 0 ||
	    (r = osip_read(a, &g, m)) != 0 || (r = take_own(a, &g, m)) != 0) {
		free(a);
		return r;
	}
	if (n > (size_t)hl) {
		m->body = body;
		m->bodylen = n - (size_t)hl;
	}
	*out = m;
	return 0;
}
