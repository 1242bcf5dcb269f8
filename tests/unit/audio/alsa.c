#include "audio/alsa.h"

#include "base/err.h"

#include "../test.h"

int
main(void)
{
	struct card *in = NULL, *out = NULL;
	char why[128] = "";
	int16_t s[480];
	int i, n = 0, bad = 0;

	/* S118: no such card is an answer, not an end, and nothing is on
	 * stderr. */
	T_INT(card_open(&in, "hw:77", 1, why), SEC_ERR_NOTHING);
	T_OK(strstr(why, "hw:77: ") == why, "%s", why);
	T_INT(card_open(&out, "nosuchthing", 0, why), SEC_ERR_NOTHING);
	if (card_open(&in, "null", 1, why) != 0 ||
	    card_open(&out, "null", 0, why) != 0) {
		printf("# no device null: %s\n", why);
		return t_done();
	}
	T_STR(card_name(in), "null");
	for (i = 0; i < 200; i++) {
		memset(s, 1, sizeof(s));
		n += card_read(in, s, 480) == 480;
		bad += card_write(out, s, 480) != 0;
	}
	T_INT(n, 200);
	T_INT(bad, 0);
	T(s[0] == 0 && s[479] == 0);
	card_forget(in);
	T_INT(card_read(in, s, 480), 480);
	card_rest(in);
	card_rest(in);
	card_forget(in);
	T_INT(card_read(in, s, 480), 480);
	T(card_delay(out) <= 48000);
	card_close(in);
	card_close(out);
	card_close(NULL);
	return t_done();
}
