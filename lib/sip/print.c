/*
 * SIP messages to bytes, from the struct alone: osip's printer reorders and
 * renames. Every value is checked on its way, so that nobody's title or
 * name can add a line to a message.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#include "sip/print.h"

#define MAX_FORWARDS 70

static void
refuse(struct buf *out)
{
	if (out->err == 0)
		out->err = SEC_ERR_FORMAT;
}

/* Printable on one line, and what the other side's gate lets in. */
static int
is_value(const char *s)
{
	unsigned char high = 0;
	const char *c;

	for (c = s; *c != '\0'; c++) {
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 127)
			return 0;
		high |= (unsigned char)*c;
	}
	return high < 128 || text_is_utf8(s, (size_t)(c - s));
}

static int
is_word(const char *s)
{
	if (*s == '\0')
		return 0;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 127 ||
		    strchr("<>\",;", *s) != NULL)
			return 0;
	return 1;
}

int
print_is_uri(const char *s)
{
	if (*s == '\0')
		return 0;
	/* Once per copy of a fan-out. */
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 127 || *s == '<' ||
		    *s == '>' || *s == '"')
			return 0;
	return 1;
}

static void
put_field(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (!is_value(value)) {
		refuse(out);
		return;
	}
	buf_put_str(out, name);
	buf_put(out, ": ", 2);
	buf_put_str(out, value);
	buf_put(out, "\r\n", 2);
}

/* name: <uri>;param=value;params */
static void
put_address(struct buf *out, const char *name, const char *uri,
    const char *param, const char *value, const char *params)
{
	if (uri == NULL)
		return;
	if (!print_is_uri(uri) || (value != NULL && !is_word(value)) ||
	    (params != NULL && !is_value(params))) {
		refuse(out);
		return;
	}
	buf_put_str(out, name);
	buf_put(out, ": <", 3);
	buf_put_str(out, uri);
	buf_put(out, ">", 1);
	if (value != NULL) {
		buf_put_str(out, param);
		buf_put_str(out, value);
	}
	if (params != NULL && *params != '\0') {
		buf_put(out, ";", 1);
		buf_put_str(out, params);
	}
	buf_put(out, "\r\n", 2);
}

static void
put_number(struct buf *out, const char *name, int64_t v)
{
	if (v < 0)
		return;
	buf_put_str(out, name);
	buf_put(out, ": ", 2);
	buf_put_decimal(out, (uint64_t)v);
	buf_put(out, "\r\n", 2);
}

/* Escapes of control lines, and space. */
static void
put_note(struct buf *out, const char *s)
{
	if (s == NULL)
		return;
	if (!text_is_utf8(s, strlen(s))) {
		refuse(out);
		return;
	}
	buf_put_str(out, "SEC-Note: ");
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || *s == '%' || *s == 127)
			buf_putf(out, "%%%02X", (unsigned char)*s);
		else
			buf_put(out, s, 1);
	}
	buf_put(out, "\r\n", 2);
}

void
print_start(struct buf *out, const struct sip_msg *m)
{
	const char *reason;

	if (m->status != 0) {
		reason = m->reason != NULL && m->reason[0] != '\0' ?
		    m->reason :
		    sec_sip_reason(m->status);
		if (m->status < 100 || m->status > 699 || !is_value(reason)) {
			refuse(out);
			return;
		}
		buf_put_str(out, "SIP/2.0 ");
		buf_put_decimal(out, (uint64_t)m->status);
		buf_put(out, " ", 1);
		buf_put_str(out, reason);
		buf_put(out, "\r\n", 2);
		return;
	}
	if (m->method == NULL || m->uri == NULL || !is_word(m->method) ||
	    !print_is_uri(m->uri)) {
		refuse(out);
		return;
	}
	buf_put_str(out, m->method);
	buf_put(out, " ", 1);
	buf_put_str(out, m->uri);
	buf_put_str(out, " SIP/2.0\r\n");
}

void
print_via(struct buf *out, const struct sip_msg *m)
{
	if (m->via != NULL) {
		put_field(out, "Via", m->via);
		return;
	}
	if (m->via_host == NULL || m->branch == NULL || !is_word(m->via_host) ||
	    !is_word(m->branch)) {
		refuse(out);
		return;
	}
	buf_put_str(out, "Via: SIP/2.0/TCP ");
	buf_put_str(out, m->via_host);
	buf_put_str(out, ";branch=");
	buf_put_str(out, m->branch);
	buf_put(out, "\r\n", 2);
}

void
print_from(struct buf *out, const struct sip_msg *m)
{
	if (m->from == NULL)
		refuse(out);
	put_address(out, "From", m->from, ";tag=", m->from_tag, NULL);
}

void
print_to(struct buf *out, const struct sip_msg *m)
{
	if (m->to == NULL)
		refuse(out);
	put_address(out, "To", m->to, ";tag=", m->to_tag, NULL);
}

void
print_call_id(struct buf *out, const char *call_id)
{
	if (call_id == NULL || !print_is_uri(call_id))
		refuse(out);
	else
		put_field(out, "Call-ID", call_id);
}

void
print_missed(struct buf *out, int missed)
{
	put_number(out, "SEC-Missed", missed);
}

static void
put_authorization(struct buf *out, const struct sip_msg *m)
{
	const char *const v[] = { m->auth_realm, m->auth_target,
		m->auth_token };
	size_t i;

	if (m->auth_token == NULL)
		return;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i] == NULL || !is_value(v[i]) ||
		    strpbrk(v[i], "\"\\") != NULL) {
			refuse(out);
			return;
		}
	buf_put_str(out, "Authorization: Kerberos realm=\"");
	buf_put_str(out, m->auth_realm);
	buf_put_str(out, "\", targetname=\"");
	buf_put_str(out, m->auth_target);
	buf_put_str(out, "\", gssapi-data=\"");
	buf_put_str(out, m->auth_token);
	buf_put(out, "\"", 1);
	if (m->auth_version != NULL) {
		if (!is_word(m->auth_version))
			refuse(out);
		buf_put_str(out, ", version=");
		buf_put_str(out, m->auth_version);
	}
	buf_put(out, "\r\n", 2);
}

static void
put_contact(struct buf *out, const struct sip_msg *m)
{
	if (m->contact != NULL && strcmp(m->contact, "*") == 0)
		buf_put_str(out, "Contact: *\r\n");
	else
		put_address(out, "Contact", m->contact, NULL, NULL,
		    m->contact_params);
}

static void
put_event(struct buf *out, const struct sip_msg *m)
{
	if (m->event == NULL)
		return;
	if (!is_word(m->event) ||
	    (m->event_id != NULL && !is_word(m->event_id))) {
		refuse(out);
		return;
	}
	buf_put_str(out, "Event: ");
	buf_put_str(out, m->event);
	if (m->event_id != NULL) {
		buf_put_str(out, ";id=");
		buf_put_str(out, m->event_id);
	}
	buf_put(out, "\r\n", 2);
}

void
print_fields(struct buf *out, const struct sip_msg *m)
{
	if (m->method == NULL || !is_word(m->method)) {
		refuse(out);
		return;
	}
	buf_put_str(out, "CSeq: ");
	buf_put_decimal(out, m->cseq);
	buf_put(out, " ", 1);
	buf_put_str(out, m->method);
	buf_put(out, "\r\n", 2);
	if (m->status == 0)
		put_number(out, "Max-Forwards", MAX_FORWARDS);
	put_contact(out, m);
	put_authorization(out, m);
	put_number(out, "Expires", m->expires);
	put_event(out, m);
	put_field(out, "Subscription-State", m->sub_state);
	put_field(out, "Info-Package", m->info_package);
	put_address(out, "Proposed", m->proposed, NULL, NULL, NULL);
	put_field(out, "SEC-Conference", m->conference);
	put_field(out, "SEC-Conference-Key", m->conference_key);
	put_note(out, m->note);
	put_address(out, "SEC-Author", m->author, ";q=", m->author_q, NULL);
	put_number(out, "SEC-Line", m->line);
	print_missed(out, m->missed);
	put_field(out, "Date", m->date);
	put_number(out, "Retry-After", m->retry_after);
}

void
print_notify(struct buf *out, const struct sip_msg *m)
{
	put_number(out, "Max-Forwards", MAX_FORWARDS);
	put_event(out, m);
	put_field(out, "Content-Type", m->content_type);
}

void
print_body(struct buf *out, const struct sip_msg *m)
{
	size_t n = m->body != NULL ? m->bodylen : 0;

	put_field(out, "Content-Type", m->content_type);
	buf_put_str(out, "Content-Length: ");
	buf_put_decimal(out, n);
	buf_put(out, "\r\n\r\n", 4);
	buf_put(out, m->body, n);
}

void
sip_msg_write(struct buf *out, const struct sip_msg *m)
{
	print_start(out, m);
	print_via(out, m);
	print_from(out, m);
	print_to(out, m);
	print_call_id(out, m->call_id);
	print_fields(out, m);
	print_body(out, m);
}
