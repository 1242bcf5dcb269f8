#ifndef AUDIO_CODEC_H
#define AUDIO_CODEC_H

#include <stddef.h>
#include <stdint.h>

/*
 * The codecs of conferences, all seen at 48 kHz mono: Opus, or G.711
 * mu-law, which is 8 kHz inside. A packet holds 20 or 10 ms.
 */
#define AUDIO_RATE  48000
#define AUDIO_FRAME 960                /* samples of 20 ms */
#define CODEC_MAX   160                /* bytes of a packet */

enum codec { CODEC_OPUS, CODEC_PCMU };

/* "opus", "pcmu"; 0 or SEC_ERR_FORMAT. */
int	codec_parse(enum codec *c, const char *name);
const char *codec_name(enum codec c);
/* RTP payload type: 96, 0 (RFC 3551). */
int	codec_pt(enum codec c);
/* Ticks of its RTP clock in n samples (RFC 7587, RFC 3551), and back. */
uint32_t codec_ticks(enum codec c, size_t samples);
size_t	codec_samples(enum codec c, uint32_t ticks);
/* Bytes of a packet of n samples. */
size_t	codec_size(enum codec c, size_t samples);

struct encoder;

struct encoder *encoder_new(enum codec c);
void	encoder_free(struct encoder *e);
/* n: AUDIO_FRAME or half of it; out: codec_size() bytes. 0 or SEC_ERR_DATA. */
int	encoder_run(struct encoder *e, const int16_t *s, size_t n,
	    uint8_t *out);
/* Samples by which it is behind. */
size_t	encoder_delay(struct encoder *e);

struct decoder;

struct decoder *decoder_new(enum codec c);
void	decoder_free(struct decoder *d);
/* Samples that this packet holds; 0: it is none of this codec. */
size_t	decoder_samples(const struct decoder *d, const uint8_t *p,
	    size_t len);
/*
 * n samples. p NULL: conceal; the longer nothing comes, the quieter. fec: p
 * is the packet behind the lost one, which is wanted. 0 or SEC_ERR_FORMAT
 * (out is concealment then).
 */
int	decoder_run(struct decoder *d, const uint8_t *p, size_t len, int fec,
	    int16_t *out, size_t n);

#endif
