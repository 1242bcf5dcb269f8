#ifndef AUDIO_SPEEX_H
#define AUDIO_SPEEX_H

#include <stddef.h>
#include <stdint.h>

/* The door to libspeexdsp: other rates, and what a room needs. */

struct resample;

/* Mono, from one rate to another. */
struct resample *resample_new(int from, int to);
void	resample_free(struct resample *r);
/* Takes *in samples and gives *out; says how many it took and gave. */
void	resample_run(struct resample *r, const int16_t *s, size_t *in,
	    int16_t *out, size_t *n);
/* Samples of input that it holds back: as many zeros bring the end out. */
size_t	resample_latency(const struct resample *r);

/*
 * For a microphone and a loudspeaker in one room: takes out what the
 * loudspeaker said, then noise, and keeps the level even. Frames of n
 * samples at rate. Files and pipes do not go through it.
 */
struct room;

struct room *room_new(int rate, size_t n);
void	room_free(struct room *r);
/* heard: what the loudspeaker got, NULL: it is silent. s is changed. */
void	room_run(struct room *r, int16_t *s, const int16_t *heard);

#endif
