#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include "base/buf.h"

/*
 * Words for comparison (the one door to libunistring): toNFKC_Casefold of
 * Unicode, runs of blanks as one, none at the ends. "STRASSE" and "straße",
 * "ＪＯＳÉ" and "josé" are the same.
 */
enum fold_kind {
	FOLD_WORDS,
	FOLD_PHONE,            /* blanks and hyphens do not count at all */
};

/* Append the folded form of s. 0, SEC_ERR_FORMAT (no UTF-8) or _SYS. */
int	fold_put(struct buf *out, const char *s, enum fold_kind kind);
/* 1 if both fold to the same. */
int	fold_equal(const char *a, const char *b);
/* 1 if the one begins, folded, like the other. */
int	fold_begins(const char *s, const char *prefix);

#endif
