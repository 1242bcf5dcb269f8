#include "base/err.h"
#include "wire/ids.h"
#include "../test.h"

static const char *const bad_q[] = {
	"",
	".",
	"1",
	"1.",
	".7",
	"1.7.",
	"1.7 ",
	" 1.7",
	"256.1",
	"-1.7",
	"1.-7",
	"1.16777216",
	"01.7",
	"1.07",
	"1,7",
	"1.4294967297",
	"4294967297.1",
	"1.99999999999999999999",
	"a.b",
	"1.7x",
	"+1.7",
};

static const char *const bad_conf[] = {
	"",
	"0",
	"00112233445566g7",
	"001122334455667",
	"00112233445566778",
	"0x11223344556677",
	"00112233445566AA",
	" 0112233445566aa",
};

int
main(void)
{
	char out[32];
	uint32_t q;
	uint64_t id;
	size_t i;

	T_STR(q_format(0x01000007, out), "1.7");
	T_STR(q_format(0xffffffff, out), "255.16777215");
	T(strlen(out) < Q_STRLEN);
	T_STR(q_format(0, out), "0.0");
	T(q_parse(&q, "1.7") == 0 && q == q_make(1, 7));
	T(q_parse(&q, "255.16777215") == 0 && q == 0xffffffff);
	T(q_parse(&q, "0.0") == 0 && q == 0);
	T_INT(q_server(0x12345678), 0x12);
	T_INT(q_make(1, 0xff000002), 0x01000002);
	for (i = 0; i < sizeof(bad_q) / sizeof(bad_q[0]); i++)
		T_OK(q_parse(&q, bad_q[i]) == SEC_ERR_FORMAT, "q \"%s\"",
		    bad_q[i]);

	T_STR(confid_format(0x01aabbccddeeff00, out), "01aabbccddeeff00");
	T(strlen(out) < CONFID_STRLEN);
	T_STR(confid_format(0, out), "0000000000000000");
	T(confid_parse(&id, "01aabbccddeeff00") == 0 &&
	    id == 0x01aabbccddeeff00);
	T(confid_parse(&id, "ffffffffffffffff") == 0 && id == UINT64_MAX);
	for (i = 0; i < sizeof(bad_conf) / sizeof(bad_conf[0]); i++)
		T_OK(confid_parse(&id, bad_conf[i]) == SEC_ERR_FORMAT,
		    "conference id \"%s\"", bad_conf[i]);

	/* RFC 4648 10: BASE32("fooba") = MZXW6YTB (the random part is
	 * "foobar!", the letters are those of its first bits). */
	T_STR(confid_name(0x01666f6f62617221, 6, out), "c-mzxw6y");
	T_STR(confid_name(0x01666f6f62617221, 8, out), "c-mzxw6ytb");
	T_STR(confid_name(0xff666f6f62617221, 8, out), "c-mzxw6ytb");
	T_STR(confid_name(0x01666f6f62617221, 11, out), "c-mzxw6ytboiq");
	T_STR(confid_name(0x01666f6f62617221, 99, out), "c-mzxw6ytboiq");
	T_STR(confid_name(0x01666f6f62617221, 0, out), "c-mzxw6y");
	T_STR(confid_name(0x0100000000000000, 11, out), "c-aaaaaaaaaaa");
	return t_done();
}
