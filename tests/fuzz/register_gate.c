/*
 * The first bytes of any connection, and what libosip2 sees of a stranger:
 * door, gate, parser. First byte of the input: plain mode or not.
 */
#include "base/buf.h"
#include "server/knock.h"
#include "sip/msg.h"
#include "fuzz.h"

/* However odd the request was, our refusal is one message of our own. */
static void
refuse(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT;
	struct sip_msg *m;

	knock_answer(&b, p, n, 503, 1);
	MUST(buf_error(&b) == 0);
	MUST(memcmp(buf_data(&b), "SIP/2.0 503 ", 12) == 0);
	MUST(memcmp(buf_data(&b) + buf_len(&b) - 4, "\r\n\r\n", 4) == 0);
	/* No body can have come in: the first empty line is the last. */
	MUST(memmem(buf_data(&b), buf_len(&b), "\r\n\r\n", 4) ==
	    buf_data(&b) + buf_len(&b) - 4);
	if (sip_msg_parse(&m, buf_data(&b), buf_len(&b), 0) == 0) {
		MUST(m->status == 503 && m->bodylen == 0);
		sip_msg_free(m);
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sip_msg *m;
	size_t size = 0;
	enum knock k;
	int plain;

	if (n == 0)
		return 0;
	plain = *p & 1;
	p++;
	n--;
	k = knock_look(p, n, plain, 1, &size);
	MUST(plain || (k != KNOCK_SIP && k != KNOCK_LINK));
	if (k != KNOCK_REGISTER && k != KNOCK_SIP)
		return 0;
	MUST(size > 0 && size <= n);
	MUST(k != KNOCK_REGISTER || size <= KNOCK_MAX);
	refuse(p, size);
	if (sip_msg_parse(&m, p, size, k == KNOCK_SIP) == 0) {
		MUST(m->bodylen <= size);
		MUST(m->status == 0 || m->method != NULL);
		sip_msg_free(m);
	}
	return 0;
}
