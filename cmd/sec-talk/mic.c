/* Which mic is on, and until when. */
#include "mic.h"

void
mic_init(struct mic *m, int64_t now)
{
	*m = (struct mic) { .at = -1, .spoke = now };
}

int
mic_set(struct mic *m, int at, int64_t ms, int64_t now)
{
	int other = at != m->at;

	m->latched = m->agents = 0;
	m->spoke = now;
	m->until = ms > 0 ? now + ms : 0;
	m->at = at;
	if (at >= 0)
		m->last = at;
	return other;
}

int
mic_is_over(struct mic *m, int talking, int card, int64_t now)
{
	if (m->at < 0)
		return 0;
	if (talking)
		m->spoke = now;
	return (m->until > 0 && now >= m->until) ||
	    (card && !m->latched && now - m->spoke > MIC_LIMIT_MS);
}

int
mic_drop(struct mic *m, int i, int n)
{
	int was = m->at == i;

	if (was)
		m->at = -1;
	else if (m->at > i)
		m->at--;
	if (m->last > i)
		m->last--;
	if (m->last >= n)
		m->last = 0;
	return was;
}
