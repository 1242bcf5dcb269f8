#ifndef WIRE_FILENAME_H
#define WIRE_FILENAME_H

/*
 * Names of attached files, which strangers choose and others write to their
 * disks: at most 128 bytes of UTF-8 without `/`, control characters,
 * bidi marks (base/text), a space at either end, and not beginning with `.`
 * or `-`.
 */
#define FILENAME_SIZE 129              /* with its NUL */

int	filename_is(const char *s);
/* Such a name for the file at this path: its last part, where what cannot
 * be is `_`. */
void	filename_of(char out[FILENAME_SIZE], const char *path);

#endif
