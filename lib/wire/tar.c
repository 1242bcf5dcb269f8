/*
 * tar: headers of tar files (POSIX.1-2017, pax, "ustar Interchange Format").
 *
 *	  0 100 name          NUL-terminated if there is room
 *	100   8 mode          octal digits, NUL, as all numbers
 *	108   8 uid
 *	116   8 gid
 *	124  12 size          octal; GNU: 0x80, zeros, be64
 *	136  12 mtime
 *	148   8 sum           of all bytes, with blanks in this field
 *	156   1 type          '0' plain file
 *	157 100 linkname
 *	257   6 magic         "ustar"
 *	263   2 version       "00"
 *	265  .. names and numbers of owner and device; 345 155 prefix
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "wire/tar.h"

#define MODE	 100
#define SIZE	 124
#define MTIME	 136
#define SUM	 148
#define TYPE	 156
#define LINKNAME 157
#define MAGIC	 257
#define PREFIX	 345

#define OCTAL_MAX 077777777777ULL /* what 11 digits hold */

static const char magic[] = "ustar\00000";

static unsigned
sum_of(const uint8_t block[TAR_BLOCK])
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < TAR_BLOCK; i++)
		sum += i >= SUM && i < TYPE ? ' ' : block[i];
	return sum;
}

/* n digits and a NUL. */
static void
put_octal(uint8_t *p, int n, uint64_t v)
{
	p[n] = 0;
	while (n-- > 0) {
		p[n] = (uint8_t)('0' + (v & 7));
		v >>= 3;
	}
}

/* At most n of them, then NUL or a blank. */
static int
get_octal(const uint8_t *p, int n, uint64_t *out)
{
	int i;

	*out = 0;
	for (i = 0; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		*out = *out << 3 | (uint64_t)(p[i] - '0');
	return i > 0 && (p[i] == 0 || p[i] == ' ') ? 0 : SEC_ERR_FORMAT;
}

static int
get_size(const uint8_t *p, uint64_t *out)
{
	if (p[0] != 0x80)
		return get_octal(p, 11, out);
	*out = get_be64(p + 4);
	return p[1] == 0 && p[2] == 0 && p[3] == 0 && *out <= INT64_MAX ?
	    0 :
	    SEC_ERR_FORMAT;
}

int
tar_encode(uint8_t out[TAR_BLOCK], const struct tar_entry *e)
{
	size_t n = strlen(e->name);

	if (n == 0 || n >= TAR_NAME)
		return SEC_ERR_LIMIT;
	memset(out, 0, TAR_BLOCK);
	memcpy(out, e->name, n);
	put_octal(out + MODE, 7, e->mode);
	put_octal(out + MODE + 8, 7, 0);
	put_octal(out + MODE + 16, 7, 0);
	if (e->size <= OCTAL_MAX)
		put_octal(out + SIZE, 11, e->size);
	else {
		out[SIZE] = 0x80;
		put_be64(out + SIZE + 4, e->size);
	}
	put_octal(out + MTIME, 11, e->mtime > 0 ? (uint64_t)e->mtime : 0);
	out[TYPE] = '0';
	memcpy(out + MAGIC, magic, 8);
	put_octal(out + SUM, 6, sum_of(out));
	out[SUM + 7] = ' ';
	return 0;
}

static int
is_zeros(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

int
tar_decode(struct tar_entry *out, const uint8_t block[TAR_BLOCK])
{
	uint64_t sum, mode, mtime;

	if (is_zeros(block, TAR_BLOCK))
		return SEC_ERR_NOTHING;
	if (get_octal(block + SUM, 7, &sum) != 0 || sum != sum_of(block))
		return SEC_ERR_FORMAT;
	if (memcmp(block + MAGIC, magic, 8) != 0 || block[TYPE] != '0' ||
	    block[LINKNAME] != 0 || block[PREFIX] != 0)
		return SEC_ERR_NO;
	if (block[0] == 0 || get_octal(block + MODE, 7, &mode) != 0 ||
	    get_size(block + SIZE, &out->size) != 0 ||
	    get_octal(block + MTIME, 11, &mtime) != 0)
		return SEC_ERR_FORMAT;
	snprintf(out->name, sizeof(out->name), "%.100s", (const char *)block);
	out->mode = (unsigned)mode & 07777;
	out->mtime = (int64_t)mtime;
	return 0;
}

size_t
tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK - 1));
}
