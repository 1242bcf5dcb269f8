/*
 * SIP messages (S049): what the gate, osip and the validator let in and
 * what not, after the manner of RFC 4475; what is printed reads the same.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "sip/msg.h"

#include "../test.h"

#define VIA  "Via: SIP/2.0/TCP 0a0b0c0d.invalid;branch=z9hG4bK77\r\n"
#define FROM "From: <sip:alice@example.org>;tag=f1\r\n"
#define TO   "To: <sip:bob@example.org>\r\n"
#define CID  "Call-ID: abc@example.org\r\n"
#define CSEQ "CSeq: 1 MESSAGE\r\n"
#define LEN0 "Content-Length: 0\r\n"
#define REQ  "MESSAGE sip:bob@example.org SIP/2.0\r\n"
#define IDS  VIA FROM TO CID CSEQ
#define END  "\r\n"

static int
parse(const char *s, int sealed)
{
	struct sip_msg *m;
	int r;

	if ((r = sip_msg_parse(&m, s, strlen(s), sealed)) == 0)
		sip_msg_free(m);
	return r;
}

static void
test_accepted(void)
{
	static const struct {
		const char *what, *msg;
	} t[] = {
		{ "the shortest", REQ IDS LEN0 END },
		{ "compact names",
		    REQ "v: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
			"f: <sip:a@b>;tag=1\r\nt: <sip:a@b>\r\ni: 1\r\n" CSEQ
			"l: 0\r\n" END },
		{ "names in any case, blanks before the colon",
		    REQ "VIA : SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
			"fROM\t: <sip:a@b>;tag=1\r\nTO:<sip:a@b>\r\n"
			"call-id:1\r\ncseq: 1 MESSAGE\r\n"
			"content-LENGTH   :   0  \r\n" END },
		{ "folded lines",
		    REQ VIA "From:\r\n <sip:alice@example.org>\r\n\t;tag=1"
			    "\r\n" TO CID CSEQ LEN0 "Subject: I know\r\n"
			    " you're there\r\n" END },
		{ "unknown methods",
		    "!Method0123456789_*+`.%~ sip:b@c "
		    "SIP/2.0\r\n" VIA FROM TO CID
		    "CSeq: 1 !Method0123456789_*+`.%~\r\n" LEN0 END },
		{ "display names, UTF-8 and quotes",
		    REQ VIA "From: \"J\xc3\xb6rg \\\"x\\\"\" "
			    "<sip:a@b>;tag=1\r\n"
			    "To: The Other <sip:b@c>\r\n" CID CSEQ LEN0 END },
		{ "unknown fields",
		    REQ IDS LEN0 "NewFangledHeader: newfangled value,\"a\"\r\n"
				 "Empty:\r\n" END },
		{ "tel URIs",
		    "MESSAGE tel:+1555 SIP/2.0\r\n" VIA FROM
		    "To: <tel:+1555>\r\n" CID CSEQ LEN0 END },
		{ "ports and parameters",
		    "MESSAGE sip:bob@[2001:db8::1]:5061;x=y SIP/2.0\r\n" IDS
			LEN0 END },
		{ "received and rport of foreign tools",
		    REQ "Via: SIP/2.0/TCP 127.0.0.1:5060;rport;alias;"
			"branch=z9hG4bKnashds\r\n" FROM TO CID CSEQ LEN0 END },
		{ "the highest CSeq",
		    REQ VIA FROM TO CID
		    "CSeq: 2147483647 MESSAGE\r\n" LEN0 END },
		{ "no reason", "SIP/2.0 200 \r\n" IDS LEN0 END },
		{ "an unknown status", "SIP/2.0 699 Odd\r\n" IDS LEN0 END },
		{ "a star", REQ IDS "Contact: *\r\n" LEN0 END },
		{ "several contacts",
		    REQ IDS
		    "Contact: <sip:a@b>\r\nContact: <sip:c@d>\r\n" LEN0 END },
		{ "a Contact with parameters",
		    REQ IDS "Contact: <sip:a@b>;expires=60;ob;"
			    "+sip.instance=\"<urn:uuid:0>\"\r\n" LEN0 END },
		{ "titles with commas and semicolons",
		    REQ IDS "SEC-Conference: title=a,b;c,d%20e "
			    "media=text,voice\r\n" LEN0 END },
		{ "Retry-After with comment",
		    REQ IDS "Retry-After: 5 (wait);duration=60\r\n" LEN0 END },
		{ "other Authorization schemes",
		    REQ IDS
		    "Authorization: Digest username=\"a\"\r\n" LEN0 END },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		T_OK(parse(t[i].msg, 0) == 0, "%s", t[i].what);
		T_OK(parse(t[i].msg, 1) == 0, "%s, sealed", t[i].what);
	}
}

static void
test_refused(void)
{
	static const struct {
		const char *what, *msg;
		int err;
	} t[] = {
		{ "nothing", "", SEC_ERR_FORMAT },
		{ "no end", REQ IDS LEN0, SEC_ERR_FORMAT },
		{ "only an end", END END, SEC_ERR_FORMAT },
		{ "an end before the start", END REQ IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "bare LF", "MESSAGE sip:b@c SIP/2.0\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "bare CR", REQ IDS "Subject: a\rb\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "control characters", REQ IDS "Subject: \x1b[1m\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "DEL", REQ IDS "Subject: \x7f\r\n" LEN0 END, SEC_ERR_FORMAT },
		{ "%00",
		    "MESSAGE sip:bob%00@example.org SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "not UTF-8", REQ IDS "Subject: \xe9\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", SEC_ERR_FORMAT },
		{ "version 7.0", "MESSAGE sip:b@c SIP/7.0\r\n" IDS LEN0 END,
		    SEC_ERR_VERSION },
		{ "version 2.00", "MESSAGE sip:b@c SIP/2.00\r\n" IDS LEN0 END,
		    SEC_ERR_VERSION },
		{ "answer of version 3", "SIP/3.0 200 OK\r\n" IDS LEN0 END,
		    SEC_ERR_VERSION },
		{ "no URI", "MESSAGE SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "a parameter of a Contact that is no word",
		    REQ IDS "Contact: <sip:a@b>;a b\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "the value of one",
		    REQ IDS "Contact: <sip:a@b>;a=b>c\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "URI in brackets",
		    "MESSAGE <sip:b@c> SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "URI with blanks",
		    "MESSAGE sip:b@c; x SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "URI with fields",
		    "MESSAGE sip:b@c?Route=%3Csip:x%3E "
		    "SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "sips", "MESSAGE sips:b@c SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "http URI", "MESSAGE http://b/ SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "password", "MESSAGE sip:b:pw@c SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "port 99999",
		    "MESSAGE sip:b@c:99999 SIP/2.0\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "status 99", "SIP/2.0 99 Low\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "status 700", "SIP/2.0 700 High\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "status 4294967496", "SIP/2.0 4294967496 x\r\n" IDS LEN0 END,
		    SEC_ERR_FORMAT },
		{ "no Via", REQ FROM TO CID CSEQ LEN0 END, SEC_ERR_FORMAT },
		{ "no From", REQ VIA TO CID CSEQ LEN0 END, SEC_ERR_FORMAT },
		{ "no To", REQ VIA FROM CID CSEQ LEN0 END, SEC_ERR_FORMAT },
		{ "no Call-ID", REQ VIA FROM TO CSEQ LEN0 END, SEC_ERR_FORMAT },
		{ "no CSeq", REQ VIA FROM TO CID LEN0 END, SEC_ERR_FORMAT },
		{ "no Content-Length", REQ IDS END, SEC_ERR_FORMAT },
		{ "two Via", REQ IDS VIA LEN0 END, SEC_ERR_FORMAT },
		{ "two in one Via",
		    REQ "Via: SIP/2.0/TCP a;branch=z9hG4bK1,"
			"SIP/2.0/TCP b;branch=z9hG4bK2\r\n" FROM TO CID CSEQ
			    LEN0 END,
		    SEC_ERR_FORMAT },
		{ "two From", REQ IDS FROM LEN0 END, SEC_ERR_FORMAT },
		{ "two To, one compact", REQ IDS "t: <sip:x@y>\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "two Call-ID", REQ IDS "i: 2\r\n" LEN0 END, SEC_ERR_FORMAT },
		{ "two CSeq", REQ IDS CSEQ LEN0 END, SEC_ERR_FORMAT },
		{ "two Content-Length", REQ IDS LEN0 "l: 0\r\n" END,
		    SEC_ERR_FORMAT },
		{ "two keys",
		    REQ IDS "SEC-Conference-Key: a\r\n"
			    "SEC-Conference-Key: b\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "other method in CSeq",
		    REQ VIA FROM TO CID "CSeq: 1 INVITE\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "huge CSeq",
		    REQ VIA FROM TO CID
		    "CSeq: 36893488147419103232 MESSAGE\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "CSeq 2^31",
		    REQ VIA FROM TO CID "CSeq: 2147483648 MESSAGE\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "negative CSeq",
		    REQ VIA FROM TO CID "CSeq: -1 MESSAGE\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "no branch",
		    REQ "Via: SIP/2.0/TCP h\r\n" FROM TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "branch of RFC 2543",
		    REQ
		    "Via: SIP/2.0/TCP h;branch=1\r\n" FROM TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "only the cookie",
		    REQ "Via: SIP/2.0/TCP h;branch=z9hG4bK\r\n" FROM TO CID CSEQ
			LEN0 END,
		    SEC_ERR_FORMAT },
		{ "Via of version 1",
		    REQ "Via: SIP/1.0/TCP h;branch=z9hG4bK1\r\n" FROM TO CID
			CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "no From tag",
		    REQ VIA "From: <sip:a@b>\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "tag without value",
		    REQ VIA "From: <sip:a@b>;tag\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "tag of 40",
		    REQ VIA
		    "From: <sip:a@b>;tag="
		    "0123456789012345678901234567890123456789\r\n" TO CID CSEQ
			LEN0 END,
		    SEC_ERR_FORMAT },
		{ "unterminated <",
		    REQ VIA "From: <sip:a@b;tag=1\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "empty URI",
		    REQ VIA "From: <>;tag=1\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		/* What osip would read in its own way. */
		{ "more than one @",
		    REQ VIA
		    "From: <sip:@@@a@b.c>;tag=1\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "a broken escape",
		    REQ VIA "From: <sip:%a@b.c>;tag=1\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "parameters that osip drops",
		    REQ VIA
		    "From: <sip:a.b;x=;y=org >;tag=1\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "something before SIP/2.0",
		    REQ "Via: xxSIP/2.0/TCP h;branch=z9hG4bK1\r\n" FROM TO CID
			CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "a ticket without its realm",
		    REQ IDS
		    "Authorization: Kerberos gssapi-data=\"YII\"\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "http From",
		    REQ VIA "From: <http://a/>;tag=1\r\n" TO CID CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "Call-ID with blanks",
		    REQ VIA FROM TO "Call-ID: a b\r\n" CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "empty Call-ID", REQ VIA FROM TO "Call-ID:\r\n" CSEQ LEN0 END,
		    SEC_ERR_FORMAT },
		{ "Content-Length -1", REQ IDS "Content-Length: -1\r\n" END,
		    SEC_ERR_FORMAT },
		{ "Content-Length too long",
		    REQ IDS "Content-Length: 5\r\n" END "1234",
		    SEC_ERR_FORMAT },
		{ "Content-Length too short",
		    REQ IDS "Content-Length: 3\r\n" END "1234",
		    SEC_ERR_FORMAT },
		{ "Content-Length 0x4",
		    REQ IDS "Content-Length: 0x4\r\n" END "1234",
		    SEC_ERR_FORMAT },
		{ "Content-Length, overflow",
		    REQ IDS "Content-Length: 18446744073709551620\r\n" END
			    "1234",
		    SEC_ERR_FORMAT },
		{ "Expires: 1 0", REQ IDS "Expires: 1 0\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "Expires: -1", REQ IDS "Expires: -1\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "Max-Forwards 300", REQ IDS "Max-Forwards: 300\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "no name", REQ IDS ": x\r\n" LEN0 END, SEC_ERR_FORMAT },
		{ "no colon", REQ IDS "garbage\r\n" LEN0 END, SEC_ERR_FORMAT },
		{ "note with %00", REQ IDS "SEC-Note: a%00b\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "note, half escape", REQ IDS "SEC-Note: a%4\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "note, not UTF-8", REQ IDS "SEC-Note: %FF\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "Proposed http", REQ IDS "Proposed: <http://x/>\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
		{ "SEC-Missed -1", REQ IDS "SEC-Missed: -1\r\n" LEN0 END,
		    SEC_ERR_FORMAT },
	};
	size_t i;
	int r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r = parse(t[i].msg, 1);
		T_OK(r == t[i].err, "%s: %s", t[i].what, sec_strerror(r));
	}
}

/* A request of repeated pieces; body of n bytes. */
static int
parse_many(const char *piece, size_t times, size_t body, int sealed)
{
	struct buf b = BUF_INIT;
	struct sip_msg *m;
	int r;

	buf_put_str(&b, REQ IDS);
	while (times-- > 0)
		buf_put_str(&b, piece);
	buf_putf(&b, "Content-Length: %zu\r\n\r\n", body);
	while (body-- > 0)
		buf_put_u8(&b, 0);
	r = sip_msg_parse(&m, buf_data(&b), buf_len(&b), sealed);
	if (r == 0)
		sip_msg_free(m);
	buf_free(&b);
	return r;
}

static void
test_limits(void)
{
	char line[5000], params[400];
	size_t i;

	T_INT(parse_many("X: y\r\n", 58, 0, 1), 0); /* 64 fields */
	T_INT(parse_many("X: y\r\n", 59, 0, 1), SEC_ERR_LIMIT);
	memset(line, 'x', sizeof(line));
	memcpy(line, "Subject: ", 9);
	memcpy(line + 4096, "\r\n", 3);
	T_INT(parse_many(line, 1, 0, 1), 0);
	T_INT(parse_many(line, 4, 0, 1), SEC_ERR_LIMIT); /* 16 KiB */
	memcpy(line + 4096, "x\r\n", 4);
	T_INT(parse_many(line, 1, 0, 1), SEC_ERR_LIMIT);
	strcpy(params, "Contact: <sip:a@b>");
	for (i = 0; i < 32; i++)
		strcat(params, ";a=b");
	strcat(params, "\r\n");
	T_INT(parse_many(params, 1, 0, 1), 0);
	strcpy(params + strlen(params) - 2, ";a=b\r\n");
	T_INT(parse_many(params, 1, 0, 1), SEC_ERR_LIMIT);
	/* Strangers: 16 KiB in all; others 128 KiB. */
	T_INT(parse_many("", 0, 15000, 0), 0);
	T_INT(parse_many("", 0, 16384, 0), SEC_ERR_LIMIT);
	T_INT(parse_many("", 0, 16384, 1), 0);
	T_INT(parse_many("", 0, 130000, 1), 0);
	T_INT(parse_many("", 0, 131072, 1), SEC_ERR_LIMIT);
}

static void
fill(struct sip_msg *m)
{
	sip_msg_init(m);
	m->method = "INVITE";
	m->uri = "sip:standup@conf.example.org";
	m->from = "sip:alice@example.org";
	m->from_tag = "f1";
	m->to = "sip:standup@conf.example.org";
	m->to_tag = "t1";
	m->call_id = "c1";
	m->cseq = 7;
	m->via_host = "0a0b0c0d.invalid";
	m->branch = "z9hG4bK0123";
	m->contact = "sip:alice@0a0b0c0d.invalid";
	m->contact_params = "expires=0;x";
	m->expires = 3600;
	m->event = "presence";
	m->event_id = "9";
	m->sub_state = "active;expires=600";
	m->info_package = "sec-grant";
	m->proposed = "sip:bob@example.org";
	m->conference = "name=standup title=a,b;c%20d media=text,voice";
	m->conference_key = "AAECAw==";
	m->note = "in a meeting, 50% \xc3\xa9\n;x";
	m->author = "sip:alice@example.org";
	m->author_q = "1.7";
	m->missed = 0;
	m->date = "Sun, 22 Nov 2026 14:33:07 GMT";
	m->retry_after = 0;
	m->auth_realm = "EXAMPLE.ORG";
	m->auth_target = "sip/pal1.example.org";
	m->auth_token = "YIIabc+/=";
	m->auth_version = "sec1";
	m->content_type = "application/sdp";
	m->body = "a\0b\r\n\r\nc";
	m->bodylen = 8;
}

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

#define TEXT(f)                                                                \
	{                                                                      \
#f, offsetof(struct sip_msg, f)                                \
	}
/* All that is text and not escaped. */
static const struct {
	const char *name;
	size_t at;
} texts[] = {
	TEXT(method),
	TEXT(uri),
	TEXT(from),
	TEXT(from_tag),
	TEXT(to),
	TEXT(to_tag),
	TEXT(call_id),
	TEXT(via_host),
	TEXT(branch),
	TEXT(contact),
	TEXT(contact_params),
	TEXT(event),
	TEXT(event_id),
	TEXT(sub_state),
	TEXT(info_package),
	TEXT(proposed),
	TEXT(conference),
	TEXT(conference_key),
	TEXT(author),
	TEXT(author_q),
	TEXT(date),
	TEXT(auth_realm),
	TEXT(auth_target),
	TEXT(auth_token),
	TEXT(auth_version),
	TEXT(content_type),
};

static const char *
text_of(const struct sip_msg *m, size_t i)
{
	const char *s;

	memcpy(&s, (const char *)m + texts[i].at, sizeof(s));
	return s;
}

static void
compare(const struct sip_msg *a, const struct sip_msg *b, const char *what)
{
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		T_OK(same(text_of(a, i), text_of(b, i)), "%s: %s", what,
		    texts[i].name);
	T_OK(same(a->note, b->note), "%s: note", what);
	T_INT(a->status, b->status);
	T_INT(a->cseq, b->cseq);
	T_INT(a->expires, b->expires);
	T_INT(a->missed, b->missed);
	T_INT(a->retry_after, b->retry_after);
	T_OK(a->bodylen == b->bodylen &&
		(a->bodylen == 0 || memcmp(a->body, b->body, a->bodylen) == 0),
	    "%s: body", what);
}

static struct sip_msg *
again(const struct sip_msg *m)
{
	struct buf b = BUF_INIT;
	struct sip_msg *got = NULL;
	int r;

	sip_msg_write(&b, m);
	T_INT(buf_error(&b), 0);
	r = sip_msg_parse(&got, buf_data(&b), buf_len(&b), 1);
	T_INT(r, 0);
	T_INT(sip_frame(buf_data(&b), buf_len(&b)), buf_len(&b));
	buf_free(&b);
	return got;
}

static void
test_round_trip(void)
{
	struct sip_msg m, *got, *twice;

	fill(&m);
	got = again(&m);
	compare(got, &m, "request");
	T_STR(got->via, "SIP/2.0/TCP 0a0b0c0d.invalid;branch=z9hG4bK0123");
	twice = again(got);
	compare(twice, got, "again");
	sip_msg_free(twice);
	sip_msg_free(got);
	m.status = 486;
	m.uri = NULL;
	m.reason = NULL;
	m.body = NULL;
	m.bodylen = 0;
	got = again(&m);
	compare(got, &m, "answer");
	T_STR(got->reason, "Busy Here");
	sip_msg_free(got);
	/* What is absent stays so. */
	sip_msg_init(&m);
	m.method = "OPTIONS";
	m.uri = m.from = m.to = "sip:a@b";
	m.from_tag = "1";
	m.call_id = "1";
	m.branch = "z9hG4bK1";
	m.via_host = "127.0.0.1:5060";
	got = again(&m);
	compare(got, &m, "least");
	sip_msg_free(got);
	sip_msg_free(NULL);
}

static int
write_err(const struct sip_msg *m)
{
	struct buf b = BUF_INIT;
	int r;

	sip_msg_write(&b, m);
	r = buf_error(&b);
	buf_free(&b);
	return r;
}

/* No value adds a line: nothing with CR, LF or worse is written. */
static void
test_injection(void)
{
	static const char evil[] = "x\r\nSEC-Author: <sip:eve@example.org>";
	static const char *const value = evil;
	static const struct {
		size_t at;
		const char *value;
	} worse[] = {
		{ offsetof(struct sip_msg, auth_realm), "x\" y" },
		{ offsetof(struct sip_msg, author), "sip:a@b>;tag=1" },
		{ offsetof(struct sip_msg, conference), "title=\xff" },
	};
	struct sip_msg m;
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fill(&m);
		memcpy((char *)&m + texts[i].at, &value, sizeof(value));
		T_OK(write_err(&m) == SEC_ERR_FORMAT, "CR LF in %s",
		    texts[i].name);
	}
	for (i = 0; i < sizeof(worse) / sizeof(worse[0]); i++) {
		fill(&m);
		memcpy((char *)&m + worse[i].at, &worse[i].value,
		    sizeof(worse[i].value));
		T_INT(write_err(&m), SEC_ERR_FORMAT);
	}
	fill(&m);
	m.status = 200;
	m.reason = evil;
	T_INT(write_err(&m), SEC_ERR_FORMAT);
	fill(&m);
	m.note = evil; /* which is escaped */
	sip_msg_write(&b, &m);
	T_INT(buf_error(&b), 0);
	T(strstr(buf_cstr(&b), "\r\nSEC-Author: <sip:eve") == NULL);
	buf_free(&b);
}

static void
test_frame(void)
{
	static const char msg[] =
	    REQ IDS "Content-Length: 4\r\n" END "body" REQ;
	size_t whole = sizeof(msg) - 1 - strlen(REQ), i, bad;
	static char big[40000];
	char *p;

	for (i = 1, bad = 0; i < whole; i++) {
		p = malloc(i); /* for ASan */
		memcpy(p, msg, i);
		bad += sip_frame((uint8_t *)p, i) != 0;
		free(p);
	}
	T_OK(bad == 0, "incomplete is 0");
	T_INT(sip_frame((const uint8_t *)msg, whole), whole);
	T_INT(sip_frame((const uint8_t *)msg, sizeof(msg) - 1), whole);
	T_INT(sip_frame((const uint8_t *)"\r\n\r\n", 4), 4);
	T_INT(sip_frame((const uint8_t *)"\r\nMESSAGE", 9), 2);
	T_INT(sip_frame((const uint8_t *)"\r", 1), 0);
	T_INT(sip_frame((const uint8_t *)"\rx", 2), SEC_ERR_FORMAT);
	T_INT(sip_frame((const uint8_t *)"\xc5\x01", 2), SEC_ERR_FORMAT);
#define FRAME(s) sip_frame((const uint8_t *)(s), strlen(s))
	T_INT(FRAME(REQ IDS END), SEC_ERR_FORMAT);
	T_INT(FRAME(REQ IDS LEN0 LEN0 END), SEC_ERR_FORMAT);
	T_INT(FRAME(REQ IDS "Content-Length: x\r\n" END), SEC_ERR_FORMAT);
	T_INT(FRAME(REQ IDS "Content-Length: 131072\r\n" END), SEC_ERR_LIMIT);
	T_INT(FRAME(REQ IDS "Content-Length: 99999999999\r\n" END),
	    SEC_ERR_FORMAT);
	T_INT(FRAME(REQ IDS "Content-Length: 40000\r\n" END), 0);
	memset(big, 'a', sizeof(big));
	T_INT(sip_frame((uint8_t *)big, 16384), 0);
	T_INT(sip_frame((uint8_t *)big, 16385), SEC_ERR_LIMIT);
	T_INT(sip_frame_stranger((const uint8_t *)REQ IDS
		  "Content-Length: 16384\r\n" END,
		  strlen(REQ IDS "Content-Length: 16384\r\n" END)),
	    SEC_ERR_LIMIT);
}

static void
test_peek(void)
{
	static const char *const bad[] = { "", "SIP/2.0 200",
		"SIP/2.0 20x OK\r\n" VIA "\r\n",
		"SIP/2.0 099 OK\r\n" VIA "\r\n",
		"SIP/2.0 200 OK\r\n" FROM "\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h;branch=\r\n\r\n",
		"SIP/2.0 200 OK\r\n" VIA VIA "\r\n", REQ VIA "\r\n" };
	const char *s, *branch;
	size_t n, i;
	int status;

	s = "SIP/2.0 200 OK\r\n" FROM VIA "\r\n";
	T_INT(sip_peek_answer(s, strlen(s), &status, &branch, &n), 0);
	T_INT(status, 200);
	T(n == 9 && memcmp(branch, "z9hG4bK77", 9) == 0);
	s = "SIP/2.0 603 \r\nv: SIP/2.0/TCP h;rport;branch=z9hG4bKa ;x\r\n\r\n";
	T_INT(sip_peek_answer(s, strlen(s), &status, &branch, &n), 0);
	T_INT(status, 603);
	T(n == 8 && memcmp(branch, "z9hG4bKa", 8) == 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		T_OK(sip_peek_answer(bad[i], strlen(bad[i]), &status, &branch,
			 &n) == SEC_ERR_FORMAT,
		    "no peek, row %zu", i);
}

/* osip would print strangers' mistakes on stdout. */
static void
test_silence(void)
{
	int keep, pipefd[2];
	char c;

	T(pipe(pipefd) == 0);
	fflush(stdout);
	keep = dup(1);
	dup2(pipefd[1], 1);
	(void)parse("MESSAGE sip:b@c:: SIP/2.0\r\nVia: nonsense\r\n"
		    "From: <\r\nTo: \"\r\nCall-ID: @\r\nCSeq: x\r\n" LEN0 END,
	    1);
	fflush(stdout);
	dup2(keep, 1);
	close(keep);
	close(pipefd[1]);
	T_INT(read(pipefd[0], &c, 1), 0);
	close(pipefd[0]);
}

int
main(void)
{
	test_accepted();
	test_refused();
	test_limits();
	test_round_trip();
	test_injection();
	test_frame();
	test_peek();
	test_silence();
	return t_done();
}
