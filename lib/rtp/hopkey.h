#ifndef RTP_HOPKEY_H
#define RTP_HOPKEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

/*
 * Hop tags (SECURITY.md 3.6): SipHash-2-4, 8 bytes as the designers print
 * them, at the end of each datagram between a device and its MCU, under one
 * key per direction. Of a voice packet they cover the header and the 10
 * bytes before the tag, which bind the payload; of a hop packet, everything.
 */
#define HOPKEY_BYTES 16
#define HOPKEY_COVER 58                /* bytes of a voice packet covered */

/* KDF(H_q, "hop up") || KDF(H_q, "hop down") as one secret, which the caller
 * frees. */
struct secret *hopkey_derive(const struct secret *h_q);

static inline const uint8_t *
hopkey_up(const struct secret *keys)
{
	return secret_data(keys);
}

static inline const uint8_t *
hopkey_down(const struct secret *keys)
{
	return (const uint8_t *)secret_data(keys) + HOPKEY_BYTES;
}

/* What the tag of a voice packet of n bytes, tag included, covers; n is at
 * least RTP_MIN. */
void	hopkey_cover(const uint8_t *p, size_t n, uint8_t out[HOPKEY_COVER]);
/* The tag over n bytes, into out. */
void	hopkey_tag(const uint8_t key[HOPKEY_BYTES], const void *p, size_t n,
	    uint8_t out[8]);

/* The same for a voice packet that goes to many: what is covered, prepared
 * once. */
#define HOPKEY_WORDS 8
void	hopkey_words(const uint8_t *p, size_t n, uint64_t w[HOPKEY_WORDS]);
void	hopkey_tag_words(const uint8_t key[HOPKEY_BYTES],
	    const uint64_t w[HOPKEY_WORDS], uint8_t out[8]);
/* Is this their tag? 0 or SEC_ERR_AUTH. */
int	hopkey_check_words(const uint8_t key[HOPKEY_BYTES],
	    const uint64_t w[HOPKEY_WORDS], const uint8_t tag[8]);
/* Of two packets at once. */
void	hopkey_tag_words2(const uint8_t key[HOPKEY_BYTES],
	    const uint64_t a[HOPKEY_WORDS], const uint64_t b[HOPKEY_WORDS],
	    uint8_t outa[8], uint8_t outb[8]);

/* Write the tag into the last 8 of a voice packet's n bytes. */
void	hopkey_seal_rtp(const uint8_t key[HOPKEY_BYTES], uint8_t *p,
	    size_t n);
/* 0 or SEC_ERR_AUTH; n is at least RTP_MIN. */
int	hopkey_check_rtp(const uint8_t key[HOPKEY_BYTES], const uint8_t *p,
	    size_t n);
/* The same for a hop packet of n bytes, tag included (n > 8). */
void	hopkey_seal_hop(const uint8_t key[HOPKEY_BYTES], uint8_t *p,
	    size_t n);
int	hopkey_check_hop(const uint8_t key[HOPKEY_BYTES], const uint8_t *p,
	    size_t n);

#endif
