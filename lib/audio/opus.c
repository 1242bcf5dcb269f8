/* The door to libopus. */
#include <opus.h>

#include "base/err.h"
#include "base/log.h"

#include "audio/opus.h"

#define RATE	   48000
#define BITRATE	   32000
#define COMPLEXITY 5
#define LOSS	   10 /* percent, for which FEC is dimensioned */

/* libopus has names of its own for these; they are never completed. */
static OpusEncoder *
encoder(struct opus_enc *e)
{
	return (OpusEncoder *)e;
}

static OpusDecoder *
decoder(struct opus_dec *d)
{
	return (OpusDecoder *)d;
}

size_t
opus_size(size_t samples)
{
	return samples * (BITRATE / 8) / RATE;
}

struct opus_enc *
opus_enc_new(void)
{
	OpusEncoder *e;
	int r;

	e = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &r);
	if (e == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "libopus: %s", opus_strerror(r));
	opus_encoder_ctl(e, OPUS_SET_BITRATE(BITRATE));
	opus_encoder_ctl(e, OPUS_SET_VBR(0));
	opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(COMPLEXITY));
	opus_encoder_ctl(e, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
	opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(1));
	opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(LOSS));
	opus_encoder_ctl(e, OPUS_SET_DTX(0));
	return (struct opus_enc *)e;
}

void
opus_enc_free(struct opus_enc *e)
{
	if (e != NULL)
		opus_encoder_destroy(encoder(e));
}

int
opus_enc_run(struct opus_enc *e, const int16_t *s, size_t n, uint8_t *out)
{
	size_t size = opus_size(n);

	return opus_encode(encoder(e), s, (int)n, out, (opus_int32)size) ==
		(opus_int32)size ?
	    0 :
	    SEC_ERR_DATA;
}

size_t
opus_enc_delay(struct opus_enc *e)
{
	opus_int32 n = 0;

	opus_encoder_ctl(encoder(e), OPUS_GET_LOOKAHEAD(&n));
	return (size_t)n;
}

struct opus_dec *
opus_dec_new(void)
{
	OpusDecoder *d;
	int r;

	if ((d = opus_decoder_create(RATE, 1, &r)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "libopus: %s", opus_strerror(r));
	return (struct opus_dec *)d;
}

void
opus_dec_free(struct opus_dec *d)
{
	if (d != NULL)
		opus_decoder_destroy(decoder(d));
}

int
opus_dec_run(struct opus_dec *d, const uint8_t *p, size_t len, int fec,
    int16_t *out, size_t n)
{
	int got;

	/* Without a packet libopus conceals exactly n samples. */
	got = opus_decode(decoder(d), p, p == NULL ? 0 : (opus_int32)len, out,
	    (int)n, p != NULL && fec);
	return got == (int)n ? 0 : SEC_ERR_FORMAT;
}

size_t
opus_samples(const uint8_t *p, size_t len)
{
	int n = opus_packet_get_nb_samples(p, (opus_int32)len, RATE);

	return n > 0 ? (size_t)n : 0;
}
