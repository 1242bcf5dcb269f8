#ifndef WIRE_HANDSHAKE_H
#define WIRE_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Bytes of hello, refusal and key-generation messages (SECURITY.md 3.2,
 * 3.3). Nothing here knows a key. */
#define HELLO_C1    52
#define HELLO_C2    68
#define HELLO_NO    28
#define HELLO_NONCE 16
#define HELLO_TAG   16

enum handshake_kind {                  /* third byte */
	HS_M1 = 0x10, HS_M2 = 0x11, HS_M3 = 0x12, HS_M4 = 0x13,
	HS_C1 = 0x20, HS_C2 = 0x21, HS_NO = 0x7F,
};

struct hello_c1 {
	uint8_t		tt;            /* RECORD_CLIENT or RECORD_SERVER */
	uint16_t	by;
	uint32_t	keyid;
	uint16_t	to;
	uint8_t		nonce[HELLO_NONCE];
	int64_t		time;
	uint8_t		tag[HELLO_TAG];
};

struct hello_c2 {
	uint8_t		tt;
	uint16_t	by;
	uint32_t	keyid;
	uint16_t	from;
	uint8_t		nonce[HELLO_NONCE];    /* nB */
	int64_t		time;
	uint8_t		nonce_a[HELLO_NONCE];
	uint8_t		tag[HELLO_TAG];
};

void	hello_c1_encode(const struct hello_c1 *h, uint8_t out[HELLO_C1]);
int	hello_c1_decode(struct hello_c1 *h, const uint8_t in[HELLO_C1]);
void	hello_c2_encode(const struct hello_c2 *h, uint8_t out[HELLO_C2]);
int	hello_c2_decode(struct hello_c2 *h, const uint8_t in[HELLO_C2]);
void	hello_no_encode(uint32_t keyid, uint8_t out[HELLO_NO]);

/*
 * A client is told that its key is unknown: 0 and the key id, or
 * SEC_ERR_FORMAT (it is not a refusal).
 */
int	hello_no_decode(uint32_t *keyid, const uint8_t in[HELLO_NO]);

/* Noise messages: C5 01 kind 00 | be16 len | be16 from | be16 to | rest. */
#define HS_NOISE_HEAD 10
#define HS_DEAL_MAX   (4 + 4 + 8 + 8 + 8 + 32 + 2 + 255 * 34)
#define NOISE_MAX     (HS_NOISE_HEAD + HS_DEAL_MAX + 16)  /* the longest m3 */
struct hs_noise {
	uint8_t		 kind;
	uint16_t	 from, to;
	const uint8_t	*body;         /* after `to`; borrowed */
	size_t		 bodylen;
};

void	hs_noise_encode(struct buf *out, uint8_t kind, uint16_t from,
	    uint16_t to, const void *body, size_t n);
/*
 * Look at the n bytes received so far: > 0 the size of the whole message
 * that is complete, 0 more is needed, SEC_ERR_FORMAT.
 */
int	hs_noise_size(const uint8_t *p, size_t n);
int	hs_noise_decode(struct hs_noise *m, const uint8_t *p, size_t n);

/* Payload of m3 before sealing: the joint key and the pair keys. */
#define HS_PAIRS 255
struct hs_deal {
	uint32_t	epoch;
	int64_t		not_before, not_after, time;
	uint8_t		k[32];
	size_t		npairs;
	struct { uint16_t number; uint8_t p[32]; } pair[HS_PAIRS];
};
/* The caller wipes the struct and the buffer. */
void	hs_deal_encode(struct buf *out, const struct hs_deal *d);
int	hs_deal_decode(struct hs_deal *d, const uint8_t *p, size_t n);
/* Payload of m4: the first 32 bytes of SHA512(m3 as sent). */
#define HS_ACK_HASH 32
#define HS_ACK (4 + 4 + HS_ACK_HASH)
void	hs_ack_encode(uint32_t epoch, const uint8_t m3hash[HS_ACK_HASH],
	    uint8_t out[HS_ACK]);
int	hs_ack_decode(uint32_t *epoch, uint8_t m3hash[HS_ACK_HASH],
	    const uint8_t *p, size_t n);

#endif
