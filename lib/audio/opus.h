#ifndef AUDIO_OPUS_H
#define AUDIO_OPUS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The door to libopus: 48 kHz mono for speech, hard CBR of 32 kbit/s, so
 * that sizes tell nothing, with in-band FEC and without DTX.
 */
struct opus_enc;
struct opus_dec;

/* Bytes of a packet of so many samples. */
size_t	opus_size(size_t samples);

struct opus_enc *opus_enc_new(void);
void	opus_enc_free(struct opus_enc *e);
/* n: 480 or 960 samples; out: opus_size(n) bytes, all used. 0 or
 * SEC_ERR_DATA. */
int	opus_enc_run(struct opus_enc *e, const int16_t *s, size_t n,
	    uint8_t *out);
/* Samples by which the encoder is behind. */
size_t	opus_enc_delay(struct opus_enc *e);

struct opus_dec *opus_dec_new(void);
void	opus_dec_free(struct opus_dec *d);
/* n samples from a packet. p NULL: conceal what is missing. fec: what was
 * lost before this packet, as well as it tells. 0 or SEC_ERR_FORMAT: not n
 * samples, or garbage. */
int	opus_dec_run(struct opus_dec *d, const uint8_t *p, size_t len, int fec,
	    int16_t *out, size_t n);
/* Samples that a packet holds, 0: it is none. */
size_t	opus_samples(const uint8_t *p, size_t len);

#endif
