#ifndef WIRE_TAR_H
#define WIRE_TAR_H

#include <stddef.h>
#include <stdint.h>

/*
 * Headers of tar(5) files that have plain files alone, of POSIX's ustar
 * form; what is over 8 GiB has its size as GNU tar writes it. Each member is
 * a header, its bytes, and zeros up to a whole block; two blocks of zeros
 * are the end.
 */
#define TAR_BLOCK 512
#define TAR_NAME  101                  /* with its NUL */

struct tar_entry {
	char		name[TAR_NAME];
	unsigned	mode;          /* 0644 */
	uint64_t	size;
	int64_t		mtime;         /* s since 1970 */
};

/* 0, or SEC_ERR_LIMIT: no room for the name. */
int	tar_encode(uint8_t out[TAR_BLOCK], const struct tar_entry *e);
/* 0; SEC_ERR_NOTHING: zeros, the end; SEC_ERR_FORMAT: no header; SEC_ERR_NO:
 * of something else than a plain file (link, device, directory, extension),
 * or of another form. */
int	tar_decode(struct tar_entry *out, const uint8_t block[TAR_BLOCK]);
/* Zeros behind so many bytes. */
size_t	tar_padding(uint64_t size);

#endif
