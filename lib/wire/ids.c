/*
 * Written forms of the numbers that name devices and conferences.
 *   q        bits 31..24 server number | 23..0 client number    "1.7"
 *   conf id  bits 63..56 server number | 55..0 random           16 hex digits
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "wire/ids.h"

char *
q_format(uint32_t q, char *out)
{
	snprintf(out, Q_STRLEN, "%u.%u", (unsigned)q_server(q),
	    (unsigned)(q & 0xffffff));
	return out;
}

/* Canonical decimal of at most max; returns what follows it, or NULL. */
static const char *
number(const char *s, uint32_t max, uint32_t *out)
{
	uint32_t v = 0;
	int i;

	if (s[0] == '0' && s[1] >= '0' && s[1] <= '9')
		return NULL;
	for (i = 0; s[i] >= '0' && s[i] <= '9'; i++) {
		v = v * 10 + (uint32_t)(s[i] - '0');
		if (v > max)
			return NULL;
	}
	*out = v;
	return i > 0 ? s + i : NULL;
}

int
q_parse(uint32_t *q, const char *s)
{
	uint32_t server, client;

	if ((s = number(s, 255, &server)) == NULL || *s++ != '.' ||
	    (s = number(s, 0xffffff, &client)) == NULL || *s != '\0')
		return SEC_ERR_FORMAT;
	*q = q_make((uint8_t)server, client);
	return 0;
}

char *
confid_format(uint64_t id, char *out)
{
	snprintf(out, CONFID_STRLEN, "%016llx", (unsigned long long)id);
	return out;
}

int
confid_parse(uint64_t *id, const char *s)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 16; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			v = v << 4 | (uint64_t)(s[i] - '0');
		else if (s[i] >= 'a' && s[i] <= 'f')
			v = v << 4 | (uint64_t)(s[i] - 'a' + 10);
		else
			return SEC_ERR_FORMAT;
	}
	if (s[16] != '\0')
		return SEC_ERR_FORMAT;
	*id = v;
	return 0;
}

char *
confid_name(uint64_t id, int n, char *out)
{
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	int i;

	/* 56 random bits hold eleven letters. */
	if (n < 6)
		n = 6;
	if (n > 11)
		n = 11;
	memcpy(out, "c-", 2);
	for (i = 0; i < n; i++)
		out[2 + i] = base32[id >> (51 - 5 * i) & 31];
	out[2 + n] = '\0';
	return out;
}
