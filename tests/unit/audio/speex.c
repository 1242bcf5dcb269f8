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

int
main(void)
{
	test_rates();
	test_echo();
	return t_done();
}
