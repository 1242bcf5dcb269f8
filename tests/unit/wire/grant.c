#include "base/err.h"
#include "wire/grant.h"
#include "../test.h"
#include "exact.h"

#define HEAD                                                                   \
	"53434b31 0102030405060708 00000009 01000007 0006 0005"                \
	"00000000000003e8 00000000000007d0"
#define KEY  "5555555555555555555555555555555555555555555555555555555555555555"
#define HOP  "6666666666666666666666666666666666666666666666666666666666666666"
#define NONE "0000000000000000000000000000000000000000000000000000000000000000"

static int
decode(const uint8_t *p, size_t n)
{
	struct secret *s =
	    secret_copy(n > 0 ? p : (const uint8_t *)"x", n > 0 ? n : 1);
	struct grant g;
	int r = grant_decode(&g, s);

	if (r == 0)
		grant_wipe(&g);
	secret_free(s);
	return r;
}

int
main(void)
{
	struct grant g, back;
	struct secret *s;
	uint8_t b[GRANT_SIZE];
	size_t live = secret_count();

	memset(&g, 0, sizeof(g));
	g.conf = 0x0102030405060708;
	g.epoch = 9;
	g.q = 0x01000007;
	g.media_suite = 6;
	g.text_suite = 5;
	g.not_before = 1000;
	g.not_after = 2000;
	t_hex(KEY, b, 32);
	g.key = secret_copy(b, 32);
	t_hex(HOP, b, 32);
	g.hop = secret_copy(b, 32);
	g.hopid = 0xa1a2a3a4;

	s = grant_encode(&g);
	T_MEM(secret_data(s), secret_size(s), HEAD KEY HOP "a1a2a3a4");
	memcpy(b, secret_data(s), sizeof(b));
	T_INT(grant_decode(&back, s), 0);
	T(back.conf == g.conf && back.epoch == 9 && back.q == g.q &&
	    back.media_suite == 6 && back.text_suite == 5 &&
	    back.not_before == 1000 && back.not_after == 2000 &&
	    back.hopid == g.hopid);
	T(secret_equal(back.key, g.key) && secret_equal(back.hop, g.hop));
	grant_wipe(&back);
	T(back.key == NULL && back.hop == NULL);
	secret_free(s);
	T(is_exact(b, sizeof(b), decode));

	/* No hop key: the receiver keeps his. */
	secret_free(g.hop);
	g.hop = NULL;
	s = grant_encode(&g);
	T_MEM(secret_data(s), secret_size(s), HEAD KEY NONE "a1a2a3a4");
	T_INT(grant_decode(&back, s), 0);
	T(back.hop == NULL && back.key != NULL);
	grant_wipe(&back);
	secret_free(s);
	grant_wipe(&g);

	b[3] = '2';
	T_INT(decode(b, sizeof(b)), SEC_ERR_FORMAT);
	b[3] = '1';
	b[24] = 0x80;
	T_INT(decode(b, sizeof(b)), SEC_ERR_FORMAT);
	b[24] = 0;
	b[32] = 0xff;
	T_INT(decode(b, sizeof(b)), SEC_ERR_FORMAT);
	b[32] = 0;
	T_INT(decode(b, sizeof(b)), 0);
	memset(b + 40, 0, 32);
	T_INT(decode(b, sizeof(b)), SEC_ERR_FORMAT);
	T_INT(secret_count(), live);
	return t_done();
}
