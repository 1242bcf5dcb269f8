/*
 * Headers of tar files: as tar(1) writes them; links, devices and names that
 * are too long are no plain files.
 */
#include "../test.h"
#include "base/err.h"
#include "wire/tar.h"

static const struct tar_entry plan = { "files/plan", 0600, 1234, 1700000000 };

/* Its sum again, after a change. */
static void
sum(uint8_t b[TAR_BLOCK])
{
	unsigned s = 0;
	int i;

	memset(b + 148, ' ', 8);
	for (i = 0; i < TAR_BLOCK; i++)
		s += b[i];
	snprintf((char *)b + 148, 8, "%06o", s);
}

static int
with(size_t at, const void *p, size_t n)
{
	uint8_t b[TAR_BLOCK];
	struct tar_entry e;

	tar_encode(b, &plan);
	memcpy(b + at, p, n);
	sum(b);
	return tar_decode(&e, b);
}

int
main(void)
{
	static const uint64_t sizes[] = { 0, 1, 511, 512, 513, 077777777777,
		0100000000000, INT64_MAX };
	uint8_t b[TAR_BLOCK], zeros[TAR_BLOCK] = { 0 };
	struct tar_entry e, big = plan;
	char longest[TAR_NAME + 1];
	size_t i;

	T_INT(tar_encode(b, &plan), 0);
	T_STR((char *)b, "files/plan");
	T_STR((char *)b + 100, "0000600");
	T_STR((char *)b + 124, "00000002322");
	/* tar --format=ustar --owner=0 --group=0 says the same but for the
	 * owner's name. */
	T_MEM(b + 148, 8, "303037373535 00 20");
	T_INT(tar_decode(&e, b), 0);
	T_STR(e.name, "files/plan");
	T(e.mode == 0600 && e.size == 1234 && e.mtime == 1700000000);

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		big.size = sizes[i];
		T_INT(tar_encode(b, &big), 0);
		T_INT(tar_decode(&e, b), 0);
		T(e.size == sizes[i]);
		T((e.size + tar_padding(e.size)) % TAR_BLOCK == 0);
		T(tar_padding(e.size) < TAR_BLOCK);
	}

	memset(longest, 'n', sizeof(longest));
	longest[100] = '\0';
	memcpy(big.name, longest, sizeof(big.name));
	T_INT(tar_encode(b, &big), 0);
	T_INT(tar_decode(&e, b), 0);
	T_STR(e.name, longest);
	memset(big.name, 0, sizeof(big.name));
	T_INT(tar_encode(b, &big), SEC_ERR_LIMIT);

	T_INT(tar_decode(&e, zeros), SEC_ERR_NOTHING);
	memset(b, 'x', sizeof(b));
	T_INT(tar_decode(&e, b), SEC_ERR_FORMAT);
	for (i = 0; i < TAR_BLOCK; i++) { /* no byte may be another */
		tar_encode(b, &plan);
		b[i] ^= 1;
		if (tar_decode(&e, b) == 0 && i != 155)
			T_OK(0, "byte %zu", i);
	}
	T_INT(with(0, "files/plan", 10), 0);
	for (i = 1; i <= 7; i++) /* links, devices, directory, fifo */
		T_INT(with(156, &"01234567"[i], 1), SEC_ERR_NO);
	T_INT(with(156, "x", 1), SEC_ERR_NO);
	T_INT(with(156, "L", 1), SEC_ERR_NO);
	T_INT(with(157, "/etc/passwd", 11), SEC_ERR_NO);
	T_INT(with(345, "prefix", 6), SEC_ERR_NO);
	T_INT(with(257, "ustar  ", 8), SEC_ERR_NO);
	T_INT(with(0, "", 1), SEC_ERR_FORMAT);
	T_INT(with(124, "0000000000x", 11), SEC_ERR_FORMAT);
	T_INT(with(124, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12), SEC_ERR_FORMAT);
	T_INT(with(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12),
	    SEC_ERR_FORMAT);
	return t_done();
}
