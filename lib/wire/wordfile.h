#ifndef WIRE_WORDFILE_H
#define WIRE_WORDFILE_H

#include <stddef.h>

/*
 * Files of lines of words: `servers`, `types`, `rules`. Blanks stand between
 * words, `#` begins a comment, lines without a word are passed over.
 */
#define WORDFILE_MAX   (512 * 1024)
#define WORDFILE_LINE  1024            /* bytes of a line, with its NUL */
#define WORDFILE_WORDS 64

struct wordfile_line {
	unsigned	 number;       /* in the file */
	int		 n;            /* more than WORDFILE_WORDS: too many */
	char		*word[WORDFILE_WORDS];
};

/* One line; not 0 ends it all, with a reason in why. */
typedef int (*wordfile_h)(void *arg, const struct wordfile_line *l,
	    char *why, size_t whylen);

/* Cut one line (LF allowed) in a buffer of WORDFILE_LINE into words, that
 * point into it. 0, or SEC_ERR_FORMAT: not one line of text. */
int	wordfile_split(struct wordfile_line *l, char *buf, const char *line,
	    size_t n);
/* All lines of a text. What is wrong is `line N: ...` in why. */
int	wordfile_parse(const char *text, size_t n, wordfile_h cb, void *arg,
	    char *why, size_t whylen);
/* Of a file, `PATH: line N: ...`. SEC_ERR_NOTHING: there is none. */
int	wordfile_read(const char *path, wordfile_h cb, void *arg, char *why,
	    size_t whylen);

#endif
