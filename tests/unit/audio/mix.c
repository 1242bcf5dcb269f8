#include "audio/mix.h"

#include "../test.h"

int
main(void)
{
	static int16_t a[485], b[485], out[485];
	static float sum[485];
	float gain = 1;
	int i, bad = 0, peak = 0;

	for (i = 0; i < 485; i++) {
		a[i] = (int16_t)(i * 10);
		b[i] = (int16_t)(-i * 4);
	}
	mix_clear(sum, 485);
	mix_add(sum, a, 485, 1);
	mix_add(sum, b, 485, 0.5f);
	mix_get(sum, out, 485, &gain);
	for (i = 0; i < 485; i++)
		bad += out[i] != i * 8;
	T_INT(bad, 0);
	T(gain == 1);
	/* Three loud ones are made quieter, not broken. */
	for (i = 0; i < 485; i++)
		a[i] = (int16_t)(i % 48 < 24 ? 20000 : -20000);
	mix_clear(sum, 485);
	for (i = 0; i < 3; i++)
		mix_add(sum, a, 485, 1);
	for (i = 0; i < 485; i++)
		sum[i] *= 1 - 0.1f * (float)(i % 2);
	mix_get(sum, out, 485, &gain);
	for (i = 100; i < 485; i++) {
		bad += i % 2 == 0 && abs(out[i]) < 32766;
		bad += i % 2 == 1 && abs(abs(out[i]) - 29490) > 2;
		peak = abs(out[i]) > peak ? abs(out[i]) : peak;
	}
	T_INT(bad, 0);
	T(peak >= 32766 && peak <= 32767);
	T(gain > 0.54f && gain < 0.55f);
	/* And come back within a second. */
	mix_clear(sum, 485);
	for (i = 0; i < 100; i++)
		mix_get(sum, out, 485, &gain);
	T(gain == 1);
	return t_done();
}
