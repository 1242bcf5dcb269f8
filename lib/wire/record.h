#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* Sealed record header (SECURITY.md 3.3; sec-protocol(7)). */
#define RECORD_MAGIC  0xC5
#define RECORD_HEAD   28
#define RECORD_TAG    16
#define RECORD_MAX    131072           /* ciphertext */

enum record_type {
	RECORD_CLIENT = 1,             /* SIP between agent and server */
	RECORD_SERVER = 2,             /* control lines between servers */
	RECORD_TEXT = 3,
	RECORD_WRAP = 4,
	RECORD_REST = 5,
	RECORD_REGISTER = 6,
};

struct record {
	uint8_t		type;
	uint8_t		dir;
	uint32_t	keyid;
	uint64_t	seq;
	int64_t		time;          /* ms since 1970 */
	uint32_t	n;             /* ciphertext bytes */
};

void	record_encode(const struct record *r, uint8_t out[RECORD_HEAD]);
/* 0 or SEC_ERR_FORMAT: magic, version, known type, dir, n <= RECORD_MAX. */
int	record_decode(struct record *r, const uint8_t in[RECORD_HEAD]);

#endif
