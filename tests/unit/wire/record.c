#include "base/err.h"
#include "wire/record.h"
#include "../test.h"

#define HEAD "c5010100 11223344 0102030405060708 0000019aa1b2c3d4 00001000"

/* One byte of the header changed, and what becomes of it. */
static const struct {
	int at, value, want;
} changes[] = {
	{ 0, 0xc4, SEC_ERR_FORMAT }, { 1, 0, SEC_ERR_FORMAT },
	{ 1, 2, SEC_ERR_FORMAT }, { 2, 0, SEC_ERR_FORMAT }, { 2, 2, 0 },
	{ 2, 6, 0 }, { 2, 7, SEC_ERR_FORMAT }, { 2, 0x10, SEC_ERR_FORMAT },
	{ 2, 0x7f, SEC_ERR_FORMAT }, { 3, 1, 0 }, { 3, 2, SEC_ERR_FORMAT },
	{ 16, 0x7f, 0 }, { 16, 0x80, SEC_ERR_FORMAT },
	{ 24, 1, SEC_ERR_FORMAT }, { 25, 1, 0 }, /* 69632 */
	{ 25, 2, SEC_ERR_FORMAT }, /* 135168 */
};

int
main(void)
{
	uint8_t in[RECORD_HEAD], b[RECORD_HEAD];
	struct record r;
	size_t i;

	T_INT(t_hex(HEAD, in, sizeof(in)), RECORD_HEAD);
	T_INT(record_decode(&r, in), 0);
	T(r.type == RECORD_CLIENT && r.dir == 0 && r.keyid == 0x11223344 &&
	    r.seq == 0x0102030405060708 && r.time == 0x19aa1b2c3d4 &&
	    r.n == 4096);
	record_encode(&r, b);
	T_MEM(b, sizeof(b), HEAD);

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(b, in, sizeof(b));
		b[changes[i].at] = (uint8_t)changes[i].value;
		T_OK(record_decode(&r, b) == changes[i].want, "byte %d = %#x",
		    changes[i].at, changes[i].value);
	}
	memcpy(b, in, sizeof(b));
	t_hex("00020000", b + 24, 4);
	T(record_decode(&r, b) == 0 && r.n == RECORD_MAX);
	t_hex("00020001", b + 24, 4);
	T_INT(record_decode(&r, b), SEC_ERR_FORMAT);
	return t_done();
}
