/* One other device in a conference. */
#include <stdlib.h>

#include "base/mem.h"

#include "speaker.h"

struct speaker *
speaker_new(uint32_t q)
{
	struct speaker *k = mem_new(sizeof(*k));

	k->q = q;
	return k;
}

void
speaker_free(struct speaker *k)
{
	if (k == NULL)
		return;
	playout_free(k->playout);
	free(k);
}

int
speaker_level(struct speaker *k, int level, int64_t now, uint64_t lost)
{
	int talks;

	if (level >= 0)
		k->came = now;
	talks =
	    speech_update(&k->speech, level < 0 ? LEVEL_SILENCE : level, now);
	if (talks && level >= 0 && level < LEVEL_SILENCE) {
		k->levels += k->talking ? level : 0;
		k->nlevels += k->talking;
	}
	if (talks == k->talking)
		return 0;
	k->talking = talks;
	if (!talks)
		return -1;
	k->since = now;
	k->levels = level;
	k->nlevels = 1;
	k->lost = lost;
	return 1;
}

int
speaker_db(const struct speaker *k)
{
	return k->nlevels > 0 ? (int)(-k->levels / k->nlevels) : -LEVEL_SILENCE;
}
