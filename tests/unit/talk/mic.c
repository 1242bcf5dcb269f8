/* How long a mic stays on, in simulated time. */
#include "../../../cmd/sec-talk/mic.c"

#include "audio/codec.h"
#include "audio/level.h"

#include "../test.h"

#define FRAME_MS 20
#define SECOND	 INT64_C(1000)
#define NEVER	 INT64_C(-1)

/*
 * Frames of 20 ms go in from time 0 on, as a card gives them: a room's noise,
 * and speech in these seconds. When it closes, ms; NEVER in an hour.
 */
static int64_t
closes(struct mic *m, int card, int64_t from, int64_t to)
{
	struct speech s = { 0 };
	int16_t frame[AUDIO_FRAME];
	unsigned r = 1;
	int64_t now;
	size_t i;
	int loud;

	for (now = 0; now <= 3600 * SECOND; now += FRAME_MS) {
		loud = now >= from && now < to ? 12000 : 20;
		for (i = 0; i < AUDIO_FRAME; i++) {
			r = r * 1103515245 + 12345;
			frame[i] =
			    (int16_t)((int)((r >> 16) % (unsigned)(2 * loud)) -
				loud);
		}
		(void)speech_update(&s, level_of(frame, AUDIO_FRAME), now);
		if (mic_is_over(m, s.on, card, now))
			return now;
	}
	return NEVER;
}

/* Opened and forgotten: 120 s, of frames and no others. */
static void
test_silence(void)
{
	struct mic m;

	mic_init(&m, 0);
	T_INT(closes(&m, 1, 0, 0), NEVER); /* it is not on */
	T_INT(mic_set(&m, 0, 0, 0), 1);
	T_INT(closes(&m, 1, 0, 0), MIC_LIMIT_MS + FRAME_MS);
	T_INT(MIC_LIMIT_MS, 120000); /* as sec-talk(1) says */
	/* Speech puts it off: 120 s from the end of that, which is known
	 * when the last loud frame is SPEECH_HANG_MS ago. */
	T_INT(mic_set(&m, 0, 0, 0), 0);
	T_INT(closes(&m, 1, 100 * SECOND, 110 * SECOND),
	    110 * SECOND + SPEECH_HANG_MS + MIC_LIMIT_MS);
	/* Never, while somebody speaks. */
	(void)mic_set(&m, 0, 0, 0);
	T_INT(closes(&m, 1, 0, 3601 * SECOND), NEVER);
}

/* Left on with m, or a file's: it stays. */
static void
test_stays(void)
{
	struct mic m;

	mic_init(&m, 0);
	(void)mic_set(&m, 0, 0, 0);
	m.latched = 1;
	T_INT(closes(&m, 1, 0, 0), NEVER);
	/* Opened again, it is no longer left on. */
	(void)mic_set(&m, 0, 0, 0);
	T_INT(m.latched, 0);
	T_INT(closes(&m, 0, 0, 0), NEVER);
}

/* sec-mix mic -t: whatever is said. */
static void
test_until(void)
{
	struct mic m;

	mic_init(&m, 0);
	(void)mic_set(&m, 0, 7 * SECOND, 0);
	T_INT(closes(&m, 0, 0, 60 * SECOND), 7 * SECOND);
	(void)mic_set(&m, 0, 7 * SECOND, 0);
	m.latched = 1;
	T_INT(closes(&m, 1, 0, 60 * SECOND), 7 * SECOND);
	/* A time longer than the limit does not keep a forgotten one on. */
	(void)mic_set(&m, 0, 600 * SECOND, 0);
	T_INT(closes(&m, 1, 0, 0), MIC_LIMIT_MS + FRAME_MS);
}

/* Which seat has it while seats go. */
static void
test_seats(void)
{
	struct mic m;

	mic_init(&m, 0);
	T_INT(m.at, -1);
	T_INT(mic_set(&m, 2, 0, 0), 1);
	T_INT(mic_set(&m, 2, 0, 0), 0);
	T_INT(mic_drop(&m, 3, 3), 0);
	T_INT(m.at, 2);
	T_INT(mic_drop(&m, 0, 2), 0);
	T_INT(m.at, 1);
	T_INT(m.last, 1);
	T_INT(mic_drop(&m, 1, 1), 1);
	T_INT(m.at, -1);
	/* There it would be opened next. */
	T_INT(m.last, 0);
	T_INT(mic_set(&m, -1, 0, 0), 0);
	T_INT(m.last, 0);
}

int
main(void)
{
	test_silence();
	test_stays();
	test_until();
	test_seats();
	return t_done();
}
