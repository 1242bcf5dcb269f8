#include "audio/speex.h"

#include <math.h>

#include "audio/level.h"

#include "../test.h"

static double noise = 1;

static int16_t
random_sample(int amplitude)
{
	noise = fmod(noise * 16807, 2147483647);
	return (int16_t)(amplitude * (noise / 1073741823.5 - 1));
}

static void
test_rates(void)
{
	static int16_t in[8000], out[48100];
	struct resample *r = resample_new(8000, 48000);
	size_t i, n = 8000, got = 48100, crossings = 0;

	for (i = 0; i < 8000; i++)
		in[i] =
		    (int16_t)(9000 * sin(2 * M_PI * 300 * (double)i / 8000));
	resample_run(r, in, &n, out, &got);
	T_INT(n, 8000);
	T_OK(got > 47700 && got <= 48000, "%zu", got);
	for (i = 1; i < got; i++)
		crossings += out[i - 1] < 0 && out[i] >= 0;
	T_OK(crossings >= 297 && crossings <= 300, "%zu periods", crossings);
	T(resample_latency(r) > 0);
	resample_free(r);
}

/* What the loudspeaker says comes back 10 ms later at half the volume: when
 * the room is known, little of it is left. */
static void
test_echo(void)
{
	static int16_t heard[480], before[480], mic[480];
	struct room *r = room_new(48000, 480);
	int i, k, first = 0, last = 0;

	for (i = 0; i < 400; i++) {
		memcpy(before, heard, sizeof(heard));
		for (k = 0; k < 480; k++)
			heard[k] = random_sample(8000);
		for (k = 0; k < 480; k++)
			mic[k] = before[k] / 2;
		if (i == 1)
			first = level_of(mic, 480);
		room_run(r, mic, heard);
		last = level_of(mic, 480);
	}
	T_OK(last - first >= 15, "from -%d to -%d dB", first, last);
	room_run(r, mic, NULL);
	room_free(r);
}

/* Something like a voice: a buzz of 150 Hz, in syllables of 200 ms with 100 ms
 * between them, piece by piece of 10 ms. */
static void
syllables(int16_t *s, int piece, double amplitude)
{
	int k;
	double t, x;
	size_t h;

	for (k = 0; k < 480; k++) {
		t = (piece * 480 + k) / 48000.0;
		for (x = 0, h = 1; h <= 12; h++)
			x += sin(2 * M_PI * 150 * (double)h * t) / (double)h;
		s[k] = (int16_t)(fmod(t, 0.3) < 0.2 ? amplitude * x : 0);
	}
}

/* Ten seconds of noise as a fan makes it: its level in the last one; *before:
 * as it was. */
static int
noise_after(int amplitude, int *before)
{
	static int16_t mic[480];
	struct room *r = room_new(48000, 480);
	int i, k, sum = 0;

	for (*before = i = 0; i < 1000; i++) {
		for (k = 0; k < 480; k++)
			mic[k] = random_sample(amplitude);
		*before += level_of(mic, 480);
		room_run(r, mic, NULL);
		sum += i >= 900 ? level_of(mic, 480) : 0;
	}
	*before /= 1000;
	room_free(r);
	return sum / 100;
}

static void
test_noise(void)
{
	int before, after = noise_after(2000, &before);

	T_OK(after - before >= 10, "from -%d to -%d dB", before, after);
	/* And what is quiet is not brought up until it passes for speech. */
	after = noise_after(400, &before);
	T_OK(after > LEVEL_CLEAR, "from -%d to -%d dB", before, after);
}

/* A voice in noise: it stands out by more than before. */
static void
test_voice_in_noise(void)
{
	static int16_t mic[480];
	struct room *r = room_new(48000, 480);
	int i, k, level, n[2] = { 0 }, in[2] = { 0 }, out[2] = { 0 };

	for (i = 0; i < 2000; i++) {
		syllables(mic, i, 4000);
		level = level_of(mic, 480) == LEVEL_SILENCE; /* a pause */
		for (k = 0; k < 480; k++)
			mic[k] = (int16_t)(mic[k] + random_sample(400));
		/* The middle of each: not where one becomes the other. */
		if (i < 1500 || (i % 30 != 10 && i % 30 != 26)) {
			room_run(r, mic, NULL);
			continue;
		}
		in[level] += level_of(mic, 480);
		room_run(r, mic, NULL);
		out[level] += level_of(mic, 480);
		n[level]++;
	}
	T(n[0] > 10 && n[1] > 10);
	for (k = 0; k < 2; k++) {
		in[k] /= n[k];
		out[k] /= n[k];
	}
	T_OK(out[1] - out[0] >= in[1] - in[0] + 8,
	    "%d dB above the noise, then %d", in[1] - in[0], out[1] - out[0]);
	room_free(r);
}

/* Mean level of the syllables in the last five of 30 s; *before: as said. */
static int
level_after(double amplitude, int *before)
{
	static int16_t mic[480];
	struct room *r = room_new(48000, 480);
	int i, n = 0, level, out = 0;

	*before = 0;
	for (i = 0; i < 3000; i++) {
		syllables(mic, i, amplitude);
		level = level_of(mic, 480);
		room_run(r, mic, NULL);
		if (i < 2500 || level == LEVEL_SILENCE)
			continue;
		*before += level;
		out += level_of(mic, 480);
		n++;
	}
	room_free(r);
	*before /= n;
	return out / n;
}

/* Who whispers is brought up; who shouts is not made louder; both are heard
 * alike. */
static void
test_gain(void)
{
	int quiet, loud, up, down;

	up = level_after(300, &quiet);
	down = level_after(9000, &loud);
	T_OK(quiet - loud >= 28, "said at -%d and -%d dB", quiet, loud);
	T_OK(quiet - up >= 10, "from -%d to -%d dB", quiet, up);
	T_OK(down >= loud - 1, "from -%d to -%d dB", loud, down);
	T_OK(up - down <= 10, "heard at -%d and -%d dB", up, down);
}

int
main(void)
{
	test_rates();
	test_echo();
	test_noise();
	test_voice_in_noise();
	test_gain();
	return t_done();
}
