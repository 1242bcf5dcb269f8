/* SDP (S049): offers and answers, and what strangers make of them. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sip/offer.h"

#include "../test.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
#define CONN "c=IN IP4 127.0.0.1\r\nt=0 0\r\n"

/* From memory of exactly n bytes, so that ASan sees an over-read. */
static int
parse(struct offer *o, const char *s)
{
	size_t n = strlen(s);
	char *p = malloc(n + (n == 0));
	int r;

	memcpy(p, s, n);
	r = offer_parse(o, p, n);
	free(p);
	return r;
}

static void
test_parse(void)
{
	struct offer o;
	struct addr a;
	char s[ADDR_STRLEN];

	T_INT(parse(&o,
		  HEAD CONN "m=message 7342 TCP/SEC *\r\n"
			    "a=sec-server:3\r\n"),
	    0);
	T_INT(o.n, 1);
	T_STR(o.m[0].medium, "text");
	T_INT(o.m[0].port, 7342);
	T_STR(o.m[0].proto, "TCP/SEC");
	T_INT(o.m[0].server, 3);
	T_INT(offer_addr(&o, "text", &a), 0);
	T_STR(addr_format(&a, s), "127.0.0.1:7342");
	T_INT(offer_addr(&o, "voice", &a), SEC_ERR_NOTHING);

	T_INT(parse(&o,
		  HEAD CONN
		  "m=video 9 RTP/AVP 31\r\na=ptime:7\r\na=sec-server:9\r\n"
		  "m=audio 5004 RTP/SEC 96 0\r\na=rtpmap:0 PCMU/8000\r\n"
		  "a=rtpmap:96 OPUS/48000/2\r\na=ptime:20\r\n"
		  "m=message 0 TCP/SEC *\r\n"),
	    0);
	T_INT(o.n, 2);
	T_STR(o.m[0].medium, "voice");
	T_STR(o.m[0].codec, "opus");
	T_INT(o.m[0].ptime, 20);
	T_INT(o.m[0].server, 0);
	T(offer_find(&o, "text") == &o.m[1]);
	T_INT(o.m[1].ptime, 0);
	T_INT(offer_addr(&o, "text", &a), SEC_ERR_NOTHING); /* refused */

	/* Foreign phones: PCMU without rtpmap, LF, c= per medium, IPv6. */
	T_INT(parse(&o,
		  "v=0\no=x 1 1 IN IP6 ::1\ns=call\nt=0 0\n"
		  "m=audio 4000 RTP/AVP 0 8 101\nc=IN IP6 ::1\n"
		  "a=sendrecv"),
	    0);
	T_STR(o.m[0].codec, "pcmu");
	T_INT(offer_addr(&o, "voice", &a), 0);
	T_STR(addr_format(&a, s), "[::1]:4000");

	/* Membership only. */
	T_INT(parse(&o, "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"),
	    0);
	T_INT(o.n, 0);
}

static void
test_refused(void)
{
	static const char *const t[] = {
		"",
		"o=- 1 1 IN IP4 h\r\n",
		"v=1\r\n",
		"v=0",
		HEAD "m=message 7342 TCP/SEC *\r\n", /* no address */
		HEAD CONN "m=message x TCP/SEC *\r\n",
		HEAD CONN "m=message 65536 TCP/SEC *\r\n",
		HEAD CONN "m=message -1 TCP/SEC *\r\n",
		HEAD CONN "m=message 99999999999999999999 TCP/SEC *\r\n",
		HEAD CONN "m=message 5004/2 TCP/SEC *\r\n",
		HEAD CONN "m=message 5004 TCP/SEC\r\n",
		HEAD CONN "m=message 5004\r\n",
		HEAD CONN "m=\r\n",
		HEAD CONN "m=audio 1 A/PROTOCOL/TOO/LONG 0\r\n",
		HEAD CONN "m=audio 1 RTP/SEC 12345678901234567\r\n",
		HEAD CONN "m=audio 1 RTP/SEC 96\r\na=rtpmap:96 /8000\r\n",
		HEAD CONN "m=audio 1 RTP/SEC 96\r\n"
			  "a=rtpmap:96 averyveryverylongname/8000\r\n",
		HEAD CONN "m=audio 1 RTP/SEC 96\r\na=ptime:x\r\n",
		HEAD CONN "m=audio 1 RTP/SEC 96\r\na=sec-server:-3\r\n",
		HEAD "c=IN IP4 example.org\r\n",
		HEAD "c=IN IP4 224.2.1.1/127\r\n",
		HEAD "c=IN IP4\r\n",
		HEAD "c=ATM x y\r\n",
		HEAD "\r\n",
		HEAD "m\r\n",
		HEAD "M=message 1 TCP/SEC *\r\n",
		HEAD "=\r\n",
		HEAD "s=a\rb\r\n",
		/* Over-read by libosip2 5.3.0 (SECURITY.md 3.9). */
		"v=0\no=- 1 1 N 4 7\nt=0 0\nm=P 0 6\r",
		HEAD CONN "m=audio 5004 RTP/SEC 0\r",
		HEAD CONN "m=audio 5004 RTP/SEC\r",
	};
	struct offer o;
	char many[8000];
	size_t i;

	memset(&o, 0x55, sizeof(o));
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		/* "v=0" alone is an offer of nothing. */
		if (strcmp(t[i], "v=0") == 0)
			T_INT(parse(&o, t[i]), 0);
		else
			T_OK(parse(&o, t[i]) == SEC_ERR_FORMAT,
			    "row %zu is refused", i);
	}
	T_INT(offer_parse(&o, "v=0\r\ns=\0\r\n", 10), SEC_ERR_FORMAT);
	strcpy(many, HEAD CONN);
	for (i = 0; i < OFFER_MEDIA; i++)
		strcat(many, "m=message 1 TCP/SEC *\r\n");
	T_INT(parse(&o, many), 0);
	strcat(many, "m=message 1 TCP/SEC *\r\n");
	T_INT(parse(&o, many), SEC_ERR_LIMIT);
	memset(many, 'a', sizeof(many));
	memcpy(many, "v=0\ns=", 6);
	T_INT(offer_parse(&o, many, 4096), 0);
	T_INT(offer_parse(&o, many, 4097), SEC_ERR_LIMIT);
}

static void
test_round_trip(void)
{
	static const struct offer in[] = {
		{ "127.0.0.1", 1, { { "text", 7342, "", "", 0, 3 } } },
		{ "::1", 2,
		    { { "text", 7342, "TCP/SEC", "", 0, 0 },
			{ "voice", 0, "RTP/SEC", "opus", 20, 65535 } } },
		{ "10.0.0.1", 1, { { "voice", 9, "RTP/AVP", "pcmu", 20, 0 } } },
		{ "", 0, { { "", 0, "", "", 0, 0 } } },
	};
	struct offer out;
	struct buf b = BUF_INIT;
	size_t i, j;

	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		buf_reset(&b);
		offer_write(&b, &in[i]);
		T_INT(buf_error(&b), 0);
		T_INT(offer_parse(&out, buf_data(&b), buf_len(&b)), 0);
		T_INT(out.n, in[i].n);
		if (in[i].host[0] != '\0')
			T_STR(out.host, in[i].host);
		for (j = 0; j < in[i].n; j++) {
			T_STR(out.m[j].medium, in[i].m[j].medium);
			T_INT(out.m[j].port, in[i].m[j].port);
			T_STR(out.m[j].codec, in[i].m[j].codec);
			T_INT(out.m[j].ptime, in[i].m[j].ptime);
			T_INT(out.m[j].server, in[i].m[j].server);
		}
	}
	/* Voice names its header extensions (S133): those of wire/rtp. */
	buf_reset(&b);
	offer_write(&b, &in[1]);
	for (i = 1; i <= 4; i++) {
		char line[16];

		snprintf(line, sizeof(line), "a=extmap:%zu ", i);
		T(strstr(buf_cstr(&b), line) != NULL);
	}
	T(strstr(buf_cstr(&b), "m=audio 0 RTP/SEC 96 0\r\n") != NULL);
	memset(&out, 0, sizeof(out));
	strcpy(out.host, "h\r\nm=x");
	buf_reset(&b);
	offer_write(&b, &out);
	T_INT(buf_error(&b), SEC_ERR_FORMAT);
	strcpy(out.host, "::1");
	out.n = 1;
	strcpy(out.m[0].medium, "smell");
	buf_reset(&b);
	offer_write(&b, &out);
	T_INT(buf_error(&b), SEC_ERR_FORMAT);
	buf_free(&b);
}

int
main(void)
{
	test_parse();
	test_refused();
	test_round_trip();
	return t_done();
}
