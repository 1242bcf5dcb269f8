#include "base/err.h"
#include "wire/message.h"
#include "../test.h"

static struct message got;

static int
decode_hex(const char *hex)
{
	static uint8_t b[256];

	return message_decode(&got, b, t_hex(hex, b, sizeof(b)));
}

int
main(void)
{
	struct buf b = BUF_INIT;
	struct message m = { MESSAGE_TEXT, 0x01000007, "gr\xc3\xbc\xc3\x9f", 6,
		0 };
	char *big;

	T_INT(message_encode(&b, &m), 0);
	T_MEM(buf_data(&b), buf_len(&b), "0001 00000000 01000007 6772c3bcc39f");
	T_INT(message_decode(&got, buf_data(&b), buf_len(&b)), 0);
	T_INT(got.skipped, 0);
	T(got.type == MESSAGE_TEXT && got.to == m.to && got.n == 6 &&
	    memcmp(got.text, m.text, 6) == 0);

	T(decode_hex("0002 00000000 00000000") == 0 && got.n == 0 &&
	    got.type == MESSAGE_FILE);
	T_INT(decode_hex("0003 00000000 00000000 41"), 0);
	T_INT(decode_hex("0000 00000000 00000000 41"), SEC_ERR_VERSION);
	T_INT(decode_hex("0004 00000000 00000000 41"), SEC_ERR_VERSION);
	T_INT(decode_hex("ff01 00000000 00000000 41"), SEC_ERR_VERSION);
	T_INT(decode_hex("0001 01000001 00000000 41"), 0);
	T_INT(got.skipped, 0x01000001);
	T_INT(decode_hex("0001 00000000 00000000 c3"), SEC_ERR_FORMAT);
	T_INT(decode_hex("0001 00000000 00000000 eda080"), SEC_ERR_FORMAT);
	T_INT(decode_hex("0001 00000000 000000"), SEC_ERR_FORMAT);
	T_INT(decode_hex(""), SEC_ERR_FORMAT);

	m.text = "\xff";
	m.n = 1;
	T_INT(message_encode(&b, &m), SEC_ERR_FORMAT);
	if ((big = malloc(MESSAGE_MAX + 1)) == NULL)
		return 1;
	memset(big, 'a', MESSAGE_MAX + 1);
	m.text = big;
	m.n = MESSAGE_MAX;
	buf_reset(&b);
	T_INT(message_encode(&b, &m), 0);
	T_INT(message_decode(&got, buf_data(&b), buf_len(&b)), 0);
	T_INT(got.n, MESSAGE_MAX);
	buf_put_u8(&b, 'a');
	T_INT(message_decode(&got, buf_data(&b), buf_len(&b)), SEC_ERR_LIMIT);
	m.n++;
	T_INT(message_encode(&b, &m), SEC_ERR_LIMIT);
	free(big);
	buf_free(&b);
	return t_done();
}
