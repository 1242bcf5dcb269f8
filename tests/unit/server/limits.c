/* Connections, REGISTERs and Noise messages by address. */
#include "../test.h"
#include "base/err.h"
#include "server/limits.h"

static struct addr
at(const char *s)
{
	struct addr a;

	if (addr_parse(&a, s) != 0)
		exit(1);
	return a;
}

static void
test_conns(void)
{
	struct addr here = at("127.0.0.1:1"), far = at("192.0.2.1:1");
	struct addr six = at("[2001:db8:0:1::1]:1");
	struct addr near_six = at("[2001:db8:0:1:ffff::2]:9");
	struct addr other_six = at("[2001:db8:0:2::1]:1");
	struct limits *l = limits_new();
	int i, bad = 0;

	for (i = 0; i < 1000; i++)
		bad |= limits_enter(l, &here);
	T_INT(bad, 0);
	T_INT(limits_count(l), 0);
	for (i = 0; i < LIMITS_CONNS; i++)
		bad |= limits_enter(l, &far) | limits_enter(l, &six);
	T_INT(bad, 0);
	T_INT(limits_enter(l, &far), SEC_ERR_LIMIT);
	/* A /64 is one address. */
	T_INT(limits_enter(l, &near_six), SEC_ERR_LIMIT);
	T_INT(limits_enter(l, &other_six), 0);
	limits_leave(l, &near_six);
	T_INT(limits_enter(l, &six), 0);
	limits_leave(l, &far);
	T_INT(limits_enter(l, &far), 0);
	T_INT(limits_count(l), 3);
	limits_sweep(l, 100000);
	T_INT(limits_count(l), 3);
	limits_leave(l, &other_six);
	limits_leave(l, &other_six);
	limits_sweep(l, 100000);
	T_INT(limits_count(l), 2);
	T_INT(limits_strangers(l, 1), 1);
	T_INT(limits_strangers(l, -1), 0);
	limits_free(l);
}

static void
test_rates(void)
{
	struct addr here = at("[::1]:1"), far = at("192.0.2.1:1");
	struct addr other = at("192.0.2.2:1");
	struct limits *l = limits_new();
	int64_t now = 5000;
	int i, n;

	for (i = n = 0; i < 100; i++)
		n += limits_register(l, &here, 20, now) == 0;
	T_INT(n, 100);
	for (i = n = 0; i < 100; i++)
		n += limits_register(l, &far, 20, now) == 0;
	T_INT(n, 20);
	/* One every 50 ms from now on; others have their own bucket. */
	T_INT(limits_register(l, &far, 20, now + 49), SEC_ERR_LIMIT);
	T_INT(limits_register(l, &far, 20, now + 50), 0);
	T_INT(limits_register(l, &far, 20, now + 50), SEC_ERR_LIMIT);
	T_INT(limits_register(l, &other, 20, now), 0);
	for (i = n = 0; i < 100; i++)
		n += limits_register(l, &far, 20, now + 3600000) == 0;
	T_INT(n, 20);
	/* Key exchanges are counted from loopback too. */
	for (i = n = 0; i < 100; i++)
		n += limits_noise(l, &here, now) == 0;
	T_INT(n, LIMITS_NOISE);
	limits_sweep(l, now + 500);
	T_INT(limits_count(l), 3);
	limits_sweep(l, now + 3600000 + 2000);
	T_INT(limits_count(l), 0);
	limits_free(l);
}

int
main(void)
{
	test_conns();
	test_rates();
	return t_done();
}
