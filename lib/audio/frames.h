#ifndef AUDIO_FRAMES_H
#define AUDIO_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "audio/wav.h"
#include "base/buf.h"

/*
 * Bytes of files and pipes <-> samples at 48 kHz mono. Who reads and writes,
 * and when, is the caller's affair.
 */

/* --- in --- */
struct frames_in;

/* raw: no head is looked for. rate: of sound without a head. */
struct frames_in *frames_in_new(int raw, int rate);
void	frames_in_free(struct frames_in *f);
/* Bytes as they were read. 0, or SEC_ERR_FORMAT: a broken head. */
int	frames_in_put(struct frames_in *f, const void *p, size_t n);
/* No more will come. 0 or SEC_ERR_FORMAT: it ended within its head. */
int	frames_in_end(struct frames_in *f);
/* At most n samples; returns their number. */
size_t	frames_in_get(struct frames_in *f, int16_t *out, size_t n);
/* Samples that are ready. */
size_t	frames_in_ready(const struct frames_in *f);
/* Was that the end, or is the length that the head gave reached: will nothing
 * more of what is put be sound? */
int	frames_in_has_ended(const struct frames_in *f);
/* Had it no head? (Known once there are samples.) */
int	frames_in_is_raw(const struct frames_in *f);

/* --- out --- */
struct frames_out;

struct frames_out *frames_out_new(enum wav_kind kind, int rate);
void	frames_out_free(struct frames_out *f);
/* Appends the bytes for n samples, behind a head (of unknown length) the
 * first time. */
void	frames_out_put(struct frames_out *f, const int16_t *s, size_t n,
	    struct buf *out);
/* What the resampler still holds. */
void	frames_out_end(struct frames_out *f, struct buf *out);
/* The head with the length that it has now, for files, to be written over
 * the first one; 0 bytes if this kind has none. */
size_t	frames_out_head(const struct frames_out *f,
	    uint8_t out[WAV_HEAD_MAX]);

#endif
