/* Who is heard (S129-S132), in simulated time: packets every 20 ms. */
#include "../../../cmd/sec-mcu/select.c"
#include "../test.h"

#define MOST_TALKERS 1000

static struct select s;
static struct talker t[MOST_TALKERS];
static int64_t now;
static unsigned heard[MOST_TALKERS], changes, was[MOST_TALKERS];

static void
start(unsigned streams, enum select_how how)
{
	memset(&s, 0, sizeof s);
	memset(t, 0, sizeof t);
	memset(was, 0, sizeof was);
	now = 1000000;
	select_set(&s, streams, how);
}

/* n talkers for ms; level(i, k) of the k-th packet, 255: none. Counts in
 * heard[], and how often somebody came in or went out. */
static void
run(unsigned n, unsigned ms, uint8_t (*level)(unsigned i, unsigned k))
{
	unsigned i, k, in;
	uint8_t l;

	memset(heard, 0, sizeof heard);
	changes = 0;
	for (k = 0; k < ms / 20; k++, now += 20)
		for (i = 0; i < n; i++) {
			if ((l = level(i, k)) == 255)
				continue;
			in = (unsigned)select_packet(&s, &t[i], now, l,
			    l < SELECT_SILENT);
			heard[i] += in;
			changes += in != was[i];
			was[i] = in;
		}
}

static uint8_t
alike(unsigned i, unsigned k)
{
	(void)i;
	(void)k;
	return 24;
}

static uint8_t
silent(unsigned i, unsigned k)
{
	(void)i;
	(void)k;
	return 127;
}

/* Speech of one loudness: a step of 6 dB up or down at random, pauses of up
 * to 300 ms between words. */
static uint8_t
speech(unsigned i, unsigned k)
{
	uint32_t x = (i + 1) * 2654435761u ^ (k / 3 + 7) * 2246822519u;

	x ^= x >> 15;
	x *= 2654435761u;
	if ((k + 13 * i) % 60 < 15)
		return 126;
	return (uint8_t)(18 + 6 * (x >> 24) % 18);
}

static uint8_t
fourth_louder(unsigned i, unsigned k)
{
	(void)k;
	return i == 3 ? 6 : 24;
}

static uint8_t
fourth_much_louder_once(unsigned i, unsigned k)
{
	return i == 3 && k % 50 == 0 ? 0 : 24;
}

static uint8_t
first_stops(unsigned i, unsigned k)
{
	(void)k;
	return i == 0 ? 255 : 24;
}

static uint8_t
first_pauses(unsigned i, unsigned k)
{
	(void)k;
	return i == 0 ? 127 : 24;
}

/* Only the last of many speaks. */
static uint8_t
one_of_many(unsigned i, unsigned k)
{
	(void)k;
	return i == 500 ? 24 : 127;
}

static unsigned
in_now(unsigned n)
{
	unsigned i, in = 0;

	for (i = 0; i < n; i++)
		in += t[i].slot != 0;
	return in;
}

static void
few(void)
{
	start(3, SELECT_LOUDEST);
	run(3, 1000, silent);
	T(heard[0] == 50 && heard[1] == 50 && heard[2] == 50);
	run(3, 1000, speech);
	T(heard[0] == 50 && heard[1] == 50 && heard[2] == 50);
	T_INT(changes, 0);
}

static void
flapping(void)
{
	start(3, SELECT_LOUDEST);
	run(5, 60000, alike);
	T_INT(changes, 3);
	T(heard[0] == 3000 && heard[3] == 0);
	/* Of like loudness with words and pauses: seldom, not 50 times/s. */
	start(3, SELECT_LOUDEST);
	run(5, 60000, speech);
	T_OK(changes < 3 + 2 * 20, "%u changes in a minute", changes);
	T_INT(in_now(5), 3);
	/* A click is no speaker. */
	start(3, SELECT_LOUDEST);
	run(3, 1000, alike);
	run(4, 20000, fourth_much_louder_once);
	T_OK(changes <= 4, "%u changes", changes);
	T(heard[3] <= 50);
}

static void
louder(void)
{
	start(3, SELECT_LOUDEST);
	run(4, 1000, alike);
	T_INT(heard[3], 0);
	run(4, 1000, fourth_louder);
	/* Within six packets. */
	T_OK(heard[3] >= 45, "%u of 50", heard[3]);
	T_INT(in_now(4), 3);
	T_INT(changes, 2);
	/* Not before the other was there for a while. */
	start(3, SELECT_LOUDEST);
	run(4, 20, alike);
	run(4, 600, fourth_louder);
	T_OK(heard[3] >= 3 && heard[3] <= 6, "%u of 30", heard[3]);
}

static void
making_room(void)
{
	start(3, SELECT_LOUDEST);
	run(4, 1000, alike);
	run(4, 1000, first_stops);
	T_OK(heard[3] >= 34, "gone: after %u ms", 20 * (50 - heard[3]));
	start(3, SELECT_FIRST);
	run(4, 1000, alike);
	run(4, 2000, first_pauses);
	T_OK(heard[3] >= 49 && heard[3] <= 51, "paused: after %u ms",
	    20 * (100 - heard[3]));
	T_INT(in_now(4), 3);
	/* By order of coming loudness does not count. */
	start(3, SELECT_FIRST);
	run(4, 1000, alike);
	run(4, 10000, fourth_louder);
	T_INT(heard[3], 0);
	/* All mics open, nobody speaks: who then speaks is heard at once. */
	start(3, SELECT_LOUDEST);
	run(MOST_TALKERS, 2000, silent);
	run(MOST_TALKERS, 1000, one_of_many);
	T_INT(heard[500], 50);
}

static void
streams(void)
{
	unsigned i;

	start(16, SELECT_LOUDEST);
	run(20, 1000, alike);
	T_INT(in_now(20), 16);
	select_set(&s, 2, SELECT_LOUDEST);
	T_INT(in_now(20), 2);
	run(20, 1000, alike);
	T_INT(in_now(20), 2);
	T_INT(changes, 14);
	select_set(&s, 17, SELECT_LOUDEST);
	T_INT(s.streams, SELECT_MAX);
	select_set(&s, 0, SELECT_LOUDEST);
	T_INT(s.streams, 1);
	T_INT(in_now(20), 1);
	/* Slots know where they are when one goes. */
	start(5, SELECT_LOUDEST);
	run(5, 100, alike);
	for (i = 0; i < 5; i++) {
		select_leave(&s, &t[(i * 3) % 5]);
		select_leave(&s, &t[(i * 3) % 5]);
		T_INT(s.used, 4 - i);
	}
	T_INT(in_now(5), 0);
	T(select_packet(&s, &t[4], now, 24, 1) == 1 && t[4].slot == 1);
}

static void
talking(void)
{
	struct talker never = { 0 };

	T(!select_is_talking(&never, 5));
	start(1, SELECT_LOUDEST);
	run(2, 100, alike);
	T(select_is_talking(&t[0], now) && !select_is_talking(&t[1], now));
	T(!select_is_talking(&t[0], now + SELECT_GONE));
	run(2, 960, silent);
	T(select_is_talking(&t[0], now));
	run(2, 100, silent);
	T(!select_is_talking(&t[0], now));
}

int
main(void)
{
	few();
	flapping();
	louder();
	making_room();
	streams();
	talking();
	return t_done();
}
