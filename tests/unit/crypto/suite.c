/* The table of suites (S140: the cipher is modular). */
#include "../test.h"
#include "crypto/suite.h"

int
main(void)
{
	const struct suite *s;
	char name[16];
	int n = 0;

	for (s = suite_next(NULL); s != NULL; s = suite_next(s)) {
		n++;
		snprintf(name, sizeof name, "0x%04x", s->id);
		T_OK(suite_by_id(s->id) == s, "%s by id", s->name);
		T_OK(suite_by_name(s->name) == s, "%s by name", s->name);
		T_OK(suite_by_name(name) == s, "%s by %s", s->name, name);
	}
	T_INT(n, 5);
	T_INT(suite_by_id(SUITE_CHACHA20_POLY1305)->lead, 64);
	T(suite_by_id(SUITE_CHACHA20_POLY1305)->offline);
	T_INT(suite_by_id(SUITE_AES256_GCM)->nk, 32);
	T_INT(suite_by_id(SUITE_AES256_GCM)->nt, 16);
	T(!suite_by_id(SUITE_AES256_GCM)->offline);
	T_INT(suite_by_id(SUITE_AES256_CTR_HMAC_SHA512_80)->nk, 96);
	T_INT(suite_by_id(SUITE_AES256_CTR_HMAC_SHA512_80)->nt, 10);
	T(suite_by_id(SUITE_AES256_CTR_HMAC_SHA512_80)->offline);
	T(suite_by_id(0) == NULL);
	T(suite_by_id(0xf901) == NULL);
	T(suite_by_name("") == NULL);
	T(suite_by_name("noise") == NULL);
	T(suite_by_name("0x0005x") == NULL);
	T(suite_by_name("0x00 5") == NULL);
	T(suite_by_name("0x-005") == NULL);
	T(suite_by_name("5") == NULL);
	return t_done();
}
