/* The door to libspeexdsp. */
#include <speex/speex_echo.h>
#include <speex/speex_preprocess.h>
#include <speex/speex_resampler.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "audio/speex.h"

#define QUALITY	  5 /* of 10: transparent for speech */
#define TAIL_MS	  150 /* how long a room answers */
#define SUPPRESS  -15 /* dB of noise */
#define AGC_LEVEL 8000

struct resample {
	SpeexResamplerState *state;
};

struct resample *
resample_new(int from, int to)
{
	struct resample *r = mem_new(sizeof(*r));

	r->state = mem_need(speex_resampler_init(1, (spx_uint32_t)from,
	    (spx_uint32_t)to, QUALITY, NULL));
	speex_resampler_skip_zeros(r->state);
	return r;
}

void
resample_free(struct resample *r)
{
	if (r == NULL)
		return;
	speex_resampler_destroy(r->state);
	free(r);
}

void
resample_run(struct resample *r, const int16_t *s, size_t *in, int16_t *out,
    size_t *n)
{
	spx_uint32_t took = (spx_uint32_t)*in, gave = (spx_uint32_t)*n;

	speex_resampler_process_int(r->state, 0, s, &took, out, &gave);
	*in = took;
	*n = gave;
}

size_t
resample_latency(const struct resample *r)
{
	return (size_t)speex_resampler_get_input_latency(r->state);
}

struct room {
	size_t n;
	SpeexEchoState *echo;
	SpeexPreprocessState *clean;
	int16_t *out;
};

struct room *
room_new(int rate, size_t n)
{
	struct room *r = mem_new(sizeof(*r));
	int on = 1, suppress = SUPPRESS, rate_of = rate;
	float level = AGC_LEVEL;

	r->n = n;
	r->out = mem_new(n * sizeof(*r->out));
	r->echo =
	    mem_need(speex_echo_state_init((int)n, rate * TAIL_MS / 1000));
	r->clean = mem_need(speex_preprocess_state_init((int)n, rate));
	speex_echo_ctl(r->echo, SPEEX_ECHO_SET_SAMPLING_RATE, &rate_of);
	speex_preprocess_ctl(r->clean, SPEEX_PREPROCESS_SET_ECHO_STATE,
	    r->echo);
	speex_preprocess_ctl(r->clean, SPEEX_PREPROCESS_SET_DENOISE, &on);
	speex_preprocess_ctl(r->clean, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS,
	    &suppress);
	speex_preprocess_ctl(r->clean, SPEEX_PREPROCESS_SET_AGC, &on);
	speex_preprocess_ctl(r->clean, SPEEX_PREPROCESS_SET_AGC_LEVEL, &level);
	return r;
}

void
room_free(struct room *r)
{
	if (r == NULL)
		return;
	speex_preprocess_state_destroy(r->clean);
	speex_echo_state_destroy(r->echo);
	free(r->out);
	free(r);
}

void
room_run(struct room *r, int16_t *s, const int16_t *heard)
{
	if (heard != NULL) {
		speex_echo_cancellation(r->echo, s, heard, r->out);
		memcpy(s, r->out, r->n * sizeof(*s));
	}
	speex_preprocess_run(r->clean, s);
}
