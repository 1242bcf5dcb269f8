/*
 * First bytes: 0xC5 opens a hello or a key exchange, a letter opens SIP or
 * a plain link, all else is a stranger's business.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "server/knock.h"
#include "sip/msg.h"
#include "wire/handshake.h"
#include "wire/record.h"

#define M1_MAX	 256
#define LINK_MAX 256

static enum knock
look_binary(const uint8_t *p, size_t n)
{
	if (n < 4)
		return KNOCK_MORE;
	if (p[1] != 1)
		return KNOCK_NO;
	if (p[2] == HS_M1) {
		if (n >= 6 && get_be16(p + 4) > M1_MAX)
			return KNOCK_NO;
		switch (hs_noise_size(p, n)) {
		case 0: return KNOCK_MORE;
		case SEC_ERR_FORMAT: return KNOCK_NO;
		default: return KNOCK_NOISE;
		}
	}
	if (p[2] != HS_C1 || (p[3] != RECORD_CLIENT && p[3] != RECORD_SERVER))
		return KNOCK_NO;
	if (n < HELLO_C1)
		return KNOCK_MORE;
	return p[3] == RECORD_CLIENT ? KNOCK_CLIENT : KNOCK_SERVER;
}

/* 1: it begins with word, 0: it does not, -1: too short to tell. */
static int
begins(const uint8_t *p, size_t n, const char *word)
{
	size_t len = strlen(word);

	if (memcmp(p, word, n < len ? n : len) != 0)
		return 0;
	return n < len ? -1 : 1;
}

static enum knock
look_sip(const uint8_t *p, size_t n, int r, enum knock kind, size_t *size)
{
	if (r < 0 || (r == 0 && n > KNOCK_MAX))
		return KNOCK_NO;
	if (r == 0)
		return KNOCK_MORE;
	(void)p;
	*size = (size_t)r;
	return kind;
}

enum knock
knock_look(const uint8_t *p, size_t n, int plain, int takes_register,
    size_t *size)
{
	int is;

	if (n == 0)
		return KNOCK_MORE;
	if (p[0] == RECORD_MAGIC)
		return look_binary(p, n);
	if (plain && (is = begins(p, n, "link\t")) != 0) {
		if (is == 1 && memchr(p, '\n', n) != NULL)
			return KNOCK_LINK;
		return n > LINK_MAX ? KNOCK_NO : KNOCK_MORE;
	}
	is = takes_register ? begins(p, n, "REGISTER ") : 0;
	if (is == 1)
		return look_sip(p, n, sip_frame_stranger(p, n), KNOCK_REGISTER,
		    size);
	if (is == -1)
		return KNOCK_MORE;
	if (plain && isupper(p[0]))
		return look_sip(p, n, sip_frame(p, n), KNOCK_SIP, size);
	return KNOCK_NO;
}

/* Is the line one of the headers that an answer repeats? 'T' for To. */
static int
is_repeated(const char *s, size_t n)
{
	static const struct {
		const char *name;
		int kind;
	} names[] = {
		{ "Via", 'V' },
		{ "v", 'V' },
		{ "From", 'F' },
		{ "f", 'F' },
		{ "To", 'T' },
		{ "t", 'T' },
		{ "Call-ID", 'C' },
		{ "i", 'C' },
		{ "CSeq", 'S' },
	};
	size_t i, len;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		len = strlen(names[i].name);
		if (n <= len || strncasecmp(s, names[i].name, len) != 0)
			continue;
		while (len < n && (s[len] == ' ' || s[len] == '\t'))
			len++;
		if (len < n && s[len] == ':')
			return names[i].kind;
	}
	return 0;
}

void
knock_answer(struct buf *out, const uint8_t *p, size_t n, int status,
    int retry_after)
{
	const char *s = (const char *)p, *end = s + n, *nl;
	int kind = 0, tagged = 0;
	size_t len;

	buf_putf(out, "SIP/2.0 %d %s\r\n", status, sec_sip_reason(status));
	/* The first line is skipped; folded lines follow their header. */
	for (nl = memchr(s, '\n', n); nl != NULL;
	     nl = memchr(s, '\n', (size_t)(end - s))) {
		len = (size_t)(nl - s);
		if (len > 0 && s[len - 1] == '\r')
			len--;
		if (s != (const char *)p) {
			if (len == 0)
				break;
			if (*s != ' ' && *s != '\t')
				kind = is_repeated(s, len);
			if (kind != 0)
				buf_put(out, s, len);
			if (kind == 'T' && !tagged) {
				tagged = 1;
				if (memmem(s, len, ";tag=", 5) == NULL)
					buf_put_str(out, ";tag=door");
			}
			if (kind != 0)
				buf_put_str(out, "\r\n");
		}
		s = nl + 1;
	}
	if (retry_after >= 0)
		buf_putf(out, "Retry-After: %d\r\n", retry_after);
	buf_put_str(out, "Content-Length: 0\r\n\r\n");
}
