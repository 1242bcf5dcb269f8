#include "base/err.h"
#include "wire/rtp.h"
#include "rtp/replay.h"
#include "../test.h"

static int
take(struct replay *r, uint64_t counter)
{
	int err = replay_check(r, counter);

	if (err == 0)
		replay_mark(r, counter);
	return err;
}

/* Any order of counters, against a table of what was there. */
static void
at_random(void)
{
	static uint8_t there[65536];
	struct replay r = { 0 };
	uint64_t x = 88172645463325252u, newest = 0, c;
	int i, err, ok = 1, taken = 0;

	for (i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		c = newest + x % 300;
		c = c > 200 ? c - 200 : 0;
		if (c >= sizeof there)
			break;
		err = take(&r, c);
		if (taken && c + REPLAY_WINDOW <= newest)
			ok = ok && err == SEC_ERR_EXPIRED;
		else
			ok = ok && err == (there[c] ? SEC_ERR_REPLAY : 0);
		if (err == 0) {
			there[c] = 1;
			taken++;
			newest = c > newest ? c : newest;
		}
	}
	T(ok);
	T(taken > 1000);
}

int
main(void)
{
	struct replay r = { 0 };
	int i, ok;

	T_INT(take(&r, 0), 0);
	T_INT(take(&r, 0), SEC_ERR_REPLAY);
	for (i = 1, ok = 1; i < 200; i++)
		ok = ok && take(&r, i) == 0;
	T(ok);
	for (i = 72, ok = 1; i < 200; i++)
		ok = ok && take(&r, i) == SEC_ERR_REPLAY;
	T(ok);
	T_INT(take(&r, 71), SEC_ERR_EXPIRED);

	/* Steps of every size about the words' and the window's edge. */
	for (i = 1, ok = 1; i < 260; i++) {
		r = (struct replay) { 0 };
		ok = ok && take(&r, 1000) == 0 && take(&r, 1000 + i) == 0;
		ok = ok &&
		    replay_check(&r, 1000) ==
			(i < REPLAY_WINDOW ? SEC_ERR_REPLAY : SEC_ERR_EXPIRED);
		ok = ok && (i < 2 || replay_check(&r, 999 + i) == 0);
		ok = ok && (i >= 127 || replay_check(&r, 999) == 0);
	}
	T(ok);

	r = (struct replay) { 0 };
	T_INT(take(&r, RTP_COUNTER), 0);
	T_INT(take(&r, RTP_COUNTER), SEC_ERR_REPLAY);
	T_INT(take(&r, RTP_COUNTER - 127), 0);
	T_INT(take(&r, RTP_COUNTER - 128), SEC_ERR_EXPIRED);
	T_INT(take(&r, 0), SEC_ERR_EXPIRED);
	at_random();
	return t_done();
}
