#ifndef CRYPTO_GCRY_H
#define CRYPTO_GCRY_H

#include <gcrypt.h>

#include "base/log.h"

/*
 * For the files of lib/crypto only. Calls of libgcrypt whose arguments are
 * ours fail when the library is broken or out of memory, and then nothing
 * may go on.
 */
static inline void
gcry_must(gcry_error_t e, const char *what)
{
	if (e != 0)
		die(11, "libgcrypt: %s: %s", what, gcry_strerror(e));
}

#endif
