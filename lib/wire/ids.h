#ifndef WIRE_IDS_H
#define WIRE_IDS_H

#include <stdint.h>

/*
 * Numbers with a written form. q: server number (8) || client number (24),
 * written "1.7". Conference id: server number (8) || random (56), written
 * as 16 hex digits; its short name is "c-" and base32 (a-z2-7) of the first
 * letters of the random part.
 */
#define Q_STRLEN      16
#define CONFID_STRLEN 20

static inline uint8_t
q_server(uint32_t q)
{
	return (uint8_t)(q >> 24);
}

static inline uint32_t
q_make(uint8_t server, uint32_t client)
{
	return (uint32_t)server << 24 | (client & 0xffffff);
}

char	*q_format(uint32_t q, char *out);             /* returns out */
int	q_parse(uint32_t *q, const char *s);          /* 0, SEC_ERR_FORMAT */
char	*confid_format(uint64_t id, char *out);
int	confid_parse(uint64_t *id, const char *s);
/* Short name of `letters` letters (6..11) into out (>= 16 bytes). */
char	*confid_name(uint64_t id, int letters, char *out);

#endif
