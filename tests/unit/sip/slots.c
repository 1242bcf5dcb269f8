/* The table under the transactions, beside a plain array. */
#include <stdlib.h>

#include "sip/slots.h"

#include "../test.h"

#define N 3000

static int there[N];

/* Hashes that collide a lot: 16 of them share each home. */
static uint64_t
hash_of(int i, int crowded)
{
	return crowded ? (uint64_t)(i / 16) * 64 : (uint64_t)i;
}

static int
is_in(const struct slots *x, int i, int crowded)
{
	uint64_t h = hash_of(i, crowded);
	size_t at = (size_t)h;
	void *p;

	while ((p = slots_next(x, h, &at)) != NULL)
		if (p == &there[i])
			return 1;
	return 0;
}

static void
test_churn(int crowded)
{
	struct slots x = { 0 };
	size_t count = 0;
	int i, n, bad = 0;

	memset(there, 0, sizeof(there));
	srandom(7);
	for (n = 0; n < 40000; n++) {
		i = (int)(random() % N);
		/* Fill at first, empty at last. */
		if (there[i] && (n > 20000 || random() % 4 == 0)) {
			slots_del(&x, hash_of(i, crowded), &there[i]);
			there[i] = 0;
			count--;
		} else if (!there[i] && n < 30000) {
			slots_put(&x, hash_of(i, crowded), &there[i]);
			there[i] = 1;
			count++;
		}
		if (n % 500 == 0)
			for (i = 0; i < N; i++)
				bad += is_in(&x, i, crowded) != there[i];
	}
	T_OK(bad == 0, "what was put is there, crowded=%d", crowded);
	T_INT(x.count, count);
	for (i = 0; i < N; i++)
		slots_del(&x, hash_of(i, crowded), &there[i]);
	T_INT(x.count, 0);
	slots_free(&x);
}

int
main(void)
{
	struct slots x = { 0 };
	int a, b;

	T(slots_get(&x, 1) == NULL);
	slots_del(&x, 1, &a);
	slots_put(&x, 1, &a);
	slots_put(&x, 65, &b);
	T(slots_get(&x, 1) == &a);
	T(slots_get(&x, 65) == &b);
	slots_del(&x, 1, &b); /* not that one */
	T(slots_get(&x, 1) == &a);
	slots_del(&x, 1, &a);
	T(slots_get(&x, 1) == NULL);
	T(slots_get(&x, 65) == &b);
	slots_free(&x);
	T(slots_get(&x, 65) == NULL);
	test_churn(0);
	test_churn(1);
	return t_done();
}
