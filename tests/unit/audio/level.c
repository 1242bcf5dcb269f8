#include "audio/level.h"

#include <math.h>

#include "../test.h"

static int16_t s[960];

static int
tone(double amplitude)
{
	size_t i;

	for (i = 0; i < 960; i++)
		s[i] = (int16_t)(amplitude * sin((double)i * 2 * M_PI / 48));
	return level_of(s, 960);
}

static void
test_levels(void)
{
	size_t i;

	T_INT(level_of(s, 960), LEVEL_SILENCE);
	T_INT(level_of(s, 0), LEVEL_SILENCE);
	T_INT(tone(32767), 3);
	T_INT(tone(3276.7), 23);
	T_INT(tone(327), 43);
	for (i = 0; i < 960; i++)
		s[i] = -32768;
	T_INT(level_of(s, 960), 0);
	memset(s, 0, sizeof(s));
	s[7] = 1;
	T_INT(level_of(s, 960), 120);
	T(fabsf(level_gain(-6) - 0.501f) < 0.001f);
	T(fabsf(level_gain(20) - 10) < 0.001f);
}

/* Utterances with a pause of 300 ms in them are one, of 1 s two. */
static void
test_speech(void)
{
	struct speech sp = { 0, 0, 0, 0 };
	int64_t now = 1000;
	int i, level, on, was = 0, begins = 0;

	for (i = 0; i < 500; i++, now += 20) {
		level = 60;
		if ((i >= 100 && i < 150) || (i >= 165 && i < 200) ||
		    (i >= 250 && i < 260))
			level = 30;
		on = speech_update(&sp, level, now);
		begins += on && !was;
		was = on;
		if (i == 99)
			T_INT(on, 0);
		if (i == 160)
			T_INT(on, 1);
		if (i == 245)
			T_INT(on, 0);
	}
	T_INT(begins, 2);
	T_INT(on, 0);
	/* Noise that goes on and on is none; a steady loud tone is. */
	memset(&sp, 0, sizeof(sp));
	for (i = 0; i < 1500; i++, now += 20)
		on = speech_update(&sp, 50, now);
	T_INT(on, 0);
	for (i = 0; i < 1500; i++, now += 20)
		on = speech_update(&sp, 20, now);
	T_INT(on, 1);
}

int
main(void)
{
	test_levels();
	test_speech();
	return t_done();
}
