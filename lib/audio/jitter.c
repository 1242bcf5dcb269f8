/* The delay that a stream needs. */
#include <string.h>

#include "audio/jitter.h"

#define BINS	200 /* of 2 ms */
#define BIN_US	2000
#define PERCENT 97
#define EVERY	8 /* packets between two looks */

void
jitter_init(struct jitter *j, int64_t floor_us)
{
	memset(j, 0, sizeof(*j));
	j->floor = j->wait = floor_us;
}

/* What PERCENT of the packets need more than the fastest. */
static int64_t
spread(const struct jitter *j)
{
	uint16_t bin[BINS + 1] = { 0 };
	size_t i, sum = 0, want = (j->n * PERCENT + 99) / 100;
	int64_t over;

	for (i = 0; i < j->n; i++) {
		over = (j->transit[i] - j->least) / BIN_US;
		bin[over > BINS ? BINS : over]++;
	}
	for (i = 0; i < BINS && (sum += bin[i]) < want; i++)
		;
	/* The first bin is no jitter at all. */
	return i == 0 ? 0 : (int64_t)(i + 1) * BIN_US;
}

static void
look(struct jitter *j)
{
	size_t i;

	j->fresh = 0;
	j->least = j->transit[0];
	for (i = 1; i < j->n; i++)
		if (j->transit[i] < j->least)
			j->least = j->transit[i];
	j->wait = j->floor + spread(j);
	if (j->wait > JITTER_MAX_US)
		j->wait = JITTER_MAX_US;
}

void
jitter_put(struct jitter *j, int64_t sent, int64_t now)
{
	int64_t transit = now - sent;

	j->transit[j->at] = transit;
	j->at = (j->at + 1) % JITTER_MEMORY;
	if (j->n < JITTER_MEMORY)
		j->n++;
	/* At once when it changes anything that is known. */
	if (++j->fresh >= EVERY || j->n <= EVERY || transit < j->least ||
	    transit > j->least + j->wait)
		look(j);
}

int64_t
jitter_due(const struct jitter *j, int64_t sent)
{
	return sent + j->least + j->wait;
}

int64_t
jitter_wait(const struct jitter *j)
{
	return j->wait;
}
