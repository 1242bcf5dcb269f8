/* How loud, and whether it is speech. */
#include <math.h>

#include "audio/level.h"

#define FLOOR_RISE_MS 200 /* the floor rises by 1 dB in this time */
#define ABOVE_FLOOR   9 /* dB */
#define FLOOR_LOWEST  70 /* digital silence teaches nothing */

int
level_of(const int16_t *s, size_t n)
{
	double sum = 0;
	int64_t part;
	size_t i, m;
	int level;

	if (n == 0)
		return LEVEL_SILENCE;
	/* Parts that 64 bits hold, and that vectorise. */
	for (i = 0; i < n; i += m) {
		m = n - i < 64 ? n - i : 64;
		part = 0;
		for (size_t k = 0; k < m; k++)
			part += (int32_t)s[i + k] * s[i + k];
		sum += (double)part;
	}
	sum /= (double)n * 32768.0 * 32768.0;
	if (sum <= 0)
		return LEVEL_SILENCE;
	level = (int)lround(-10 * log10(sum));
	return level < 0 ? 0 : level > LEVEL_SILENCE ? LEVEL_SILENCE : level;
}

float
level_gain(int db)
{
	return powf(10, (float)db / 20);
}

int
speech_is_loud(const struct speech *s, int level)
{
	int floor = s->floor == 0 ? FLOOR_LOWEST : s->floor;

	return level <= LEVEL_CLEAR ||
	    (level < LEVEL_QUIET && level <= floor - ABOVE_FLOOR);
}

/* The floor falls at once to what is quieter, and rises slowly. */
static void
follow(struct speech *s, int level, int64_t now)
{
	if (level > FLOOR_LOWEST)
		level = FLOOR_LOWEST;
	if (s->floor == 0 || level > s->floor) {
		s->floor = level > LEVEL_CLEAR ? level : LEVEL_CLEAR;
		s->raised = now;
	} else if (level < s->floor && now - s->raised >= FLOOR_RISE_MS) {
		s->floor--;
		s->raised = now;
	}
}

int
speech_update(struct speech *s, int level, int64_t now)
{
	int loud = speech_is_loud(s, level);

	follow(s, level, now);
	if (loud) {
		s->heard = now;
		s->on = 1;
	} else if (s->on && now - s->heard > SPEECH_HANG_MS)
		s->on = 0;
	return s->on;
}
