#include "audio/jitter.h"

#include "../test.h"

int
main(void)
{
	struct jitter j;
	int64_t t, sent = 0;
	unsigned r = 7;
	int i;

	/* Without jitter: the floor. The zero of clocks does not matter. */
	jitter_init(&j, 10000);
	for (i = 0; i < 100; i++, sent += 20000)
		jitter_put(&j, sent, sent + 123456789);
	T_INT(jitter_wait(&j), 10000);
	T_INT(jitter_due(&j, sent), sent + 123456789 + 10000);
	/* 40 ms, evenly. */
	for (i = 0; i < 400; i++, sent += 20000) {
		r = r * 1103515245 + 12345;
		jitter_put(&j, sent, sent + 5000 + (r >> 16) % 40000);
	}
	T_OK(jitter_wait(&j) >= 46000 && jitter_wait(&j) <= 54000, "%d us",
	    (int)jitter_wait(&j));
	/* And it goes when they have been forgotten. */
	for (i = 0; i < JITTER_MEMORY; i++, sent += 20000)
		jitter_put(&j, sent, sent + 5000);
	T_INT(jitter_wait(&j), 10000);
	T_INT(jitter_due(&j, 0), 15000);
	/* A faster way is known at once. */
	jitter_put(&j, sent, sent + 1000);
	T_INT(jitter_due(&j, 0), 11000 + (int)jitter_wait(&j) - 10000);
	/* Bounded. */
	for (i = 0; i < 50; i++, sent += 20000)
		jitter_put(&j, sent, sent + i * 100000);
	T_INT(jitter_wait(&j), JITTER_MAX_US);
	t = jitter_due(&j, sent);
	T_INT(t, sent + JITTER_MAX_US);
	return t_done();
}
