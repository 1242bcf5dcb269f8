/* The sliding window of RFC 3711 3.3.2, 128 wide. */

#include "base/err.h"
#include "rtp/replay.h"

int
replay_check(const struct replay *r, uint64_t counter)
{
	uint64_t back;

	if (counter >= r->next)
		return 0;
	back = r->next - 1 - counter;
	if (back >= REPLAY_WINDOW)
		return SEC_ERR_EXPIRED;
	return r->seen[back / 64] >> back % 64 & 1 ? SEC_ERR_REPLAY : 0;
}

void
replay_mark(struct replay *r, uint64_t counter)
{
	uint64_t n;

	if (counter < r->next) {
		n = r->next - 1 - counter;
		if (n < REPLAY_WINDOW)
			r->seen[n / 64] |= UINT64_C(1) << n % 64;
		return;
	}
	n = counter - r->next + 1;
	if (n >= REPLAY_WINDOW)
		r->seen[0] = r->seen[1] = 0;
	else if (n >= 64) {
		r->seen[1] = r->seen[0] << (n - 64);
		r->seen[0] = 0;
	} else {
		r->seen[1] = r->seen[1] << n | r->seen[0] >> (64 - n);
		r->seen[0] <<= n;
	}
	r->seen[0] |= 1;
	r->next = counter + 1;
}
