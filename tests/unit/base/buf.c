#include "base/buf.h"
#include "base/err.h"
#include "../test.h"

static void
test_put(void)
{
	struct buf b = BUF_INIT;

	T(buf_len(&b) == 0 && buf_data(&b) == NULL && buf_error(&b) == 0);
	T_STR(buf_cstr(&b), "");
	buf_put(&b, NULL, 0);
	buf_put_u8(&b, 1);
	buf_put_be16(&b, 0x0203);
	buf_put_be32(&b, 0x04050607);
	buf_put_be64(&b, 0x08090a0b0c0d0e0fu);
	buf_put_str(&b, "A");
	buf_putf(&b, "%d%s", 42, "B");
	T_MEM(buf_data(&b), buf_len(&b),
	    "01 0203 04050607 08090a0b0c0d0e0f 41 3432 42");
	buf_consume(&b, 3);
	T_MEM(buf_data(&b), buf_len(&b), "04050607 08090a0b0c0d0e0f 41343242");
	buf_truncate(&b, 2);
	T_MEM(buf_data(&b), buf_len(&b), "0405");
	buf_truncate(&b, 100);
	T_INT(buf_len(&b), 2);
	buf_consume(&b, 100);
	T(buf_len(&b) == 0 && b.pos == 0);
	buf_put_str(&b, "key");
	buf_wipe(&b);
	T(buf_len(&b) == 0 && b.cap >= 3);
	T_MEM(b.base, 3, "000000");
	buf_free(&b);
	buf_wipe(&b);
	T(b.base == NULL && b.cap == 0);
	buf_free(&b);
}

static void
test_grow(void)
{
	struct buf b;
	char big[1000];
	size_t i, caps = 0, last = 0;
	uint8_t *p;
	int same = 1;

	buf_init(&b);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	buf_putf(&b, "<%s>", big);
	T_INT(buf_len(&b), 1001);
	T(buf_cstr(&b)[1000] == '>');
	T(buf_cstr(&b)[1001] == '\0');
	T_INT(buf_len(&b), 1001);
	buf_reset(&b);
	/* A queue that is read as it is filled does not grow. */
	for (i = 0; i < 100000; i++) {
		buf_put_be32(&b, (uint32_t)i);
		if (i >= 8) {
			same = same && get_be32(buf_data(&b)) == i - 8;
			buf_consume(&b, 4);
		}
		if (b.cap != last) {
			caps++;
			last = b.cap;
		}
	}
	T(same);
	T_INT(caps, 1);
	T_INT(buf_len(&b), 32);
	p = buf_reserve(&b, 16);
	T(p != NULL);
	if (p != NULL)
		memset(p, 7, 16);
	buf_commit(&b, 16);
	T_INT(buf_len(&b), 48);
	T(buf_data(&b)[47] == 7);
	buf_free(&b);
}

static void
test_error(void)
{
	struct buf b = BUF_INIT;

	buf_put_str(&b, "abc");
	T(buf_reserve(&b, (size_t)-1) == NULL);
	T_INT(buf_error(&b), SEC_ERR_LIMIT);
	buf_put_str(&b, "def");
	buf_putf(&b, "%d", 1);
	buf_commit(&b, 1);
	T_INT(buf_len(&b), 3);
	T_STR(buf_cstr(&b), "");
	buf_reset(&b);
	T_INT(buf_error(&b), 0);
	buf_commit(&b, b.cap + 1);
	T_INT(buf_error(&b), SEC_ERR_LIMIT);
	buf_free(&b);
	T_INT(buf_error(&b), 0);
}

static void
test_reader(void)
{
	uint8_t in[32], out[4] = { 9, 9, 9, 9 };
	struct reader r;
	size_t n;

	n = t_hex("01 0203 04050607 08090a0b0c0d0e0f aabb", in, sizeof(in));
	reader_init(&r, in, n);
	T_INT(reader_u8(&r), 1);
	T_INT(reader_be16(&r), 0x0203);
	T_INT(reader_be32(&r), 0x04050607);
	T(reader_be64(&r) == 0x08090a0b0c0d0e0fu);
	T_INT(reader_end(&r), SEC_ERR_FORMAT);
	reader_copy(&r, out, 2);
	T_MEM(out, 4, "aabb0909");
	T_INT(reader_end(&r), 0);
	T(reader_take(&r, 0) != NULL);
	reader_copy(&r, out, 1);
	T_MEM(out, 4, "00bb0909");
	T_INT(reader_end(&r), SEC_ERR_FORMAT);
	T(reader_take(&r, 0) == NULL);

	/* An error sticks, even when there would be enough. */
	reader_init(&r, in, 3);
	T_INT(reader_be32(&r), 0);
	T_INT(reader_u8(&r), 0);
	T_INT(reader_be16(&r), 0);
	T(reader_be64(&r) == 0);
	T_INT(reader_end(&r), SEC_ERR_FORMAT);
	reader_init(&r, NULL, 0);
	T_INT(reader_end(&r), 0);
	T(reader_take(&r, 0) != NULL);
	T_INT(reader_u8(&r), 0);
	T_INT(reader_end(&r), SEC_ERR_FORMAT);
}

int
main(void)
{
	test_put();
	test_grow();
	test_error();
	test_reader();
	return t_done();
}
