/* Files of lines of words, and how one says what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/proc.h"
#include "wire/wordfile.h"

int
wordfile_split(struct wordfile_line *l, char *buf, const char *line, size_t n)
{
	char *s;

	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n >= WORDFILE_LINE || memchr(line, '\0', n) != NULL ||
	    memchr(line, '\n', n) != NULL)
		return SEC_ERR_FORMAT;
	memcpy(buf, line, n);
	buf[n] = '\0';
	buf[strcspn(buf, "#")] = '\0';
	l->n = 0;
	while ((s = strsep(&buf, " \t")) != NULL) {
		if (*s == '\0')
			continue;
		if (l->n == WORDFILE_WORDS) {
			l->n++;
			break;
		}
		l->word[l->n++] = s;
	}
	return 0;
}

int
wordfile_parse(const char *text, size_t n, wordfile_h cb, void *arg, char *why,
    size_t whylen)
{
	struct wordfile_line l = { 0 };
	char buf[WORDFILE_LINE], reason[256];
	const char *nl;
	size_t len;
	int r;

	if (n > WORDFILE_MAX)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen, "too long");
	for (; n > 0; text += len, n -= len) {
		l.number++;
		nl = memchr(text, '\n', n);
		len = nl != NULL ? (size_t)(nl - text) + 1 : n;
		reason[0] = '\0';
		if (wordfile_split(&l, buf, text, len) != 0)
			r = sec_refuse(SEC_ERR_FORMAT, reason, sizeof reason,
			    "not one line of text");
		else if (l.n > WORDFILE_WORDS)
			r = sec_refuse(SEC_ERR_FORMAT, reason, sizeof reason,
			    "more than %d words", WORDFILE_WORDS);
		else
			r = l.n == 0 ? 0 : cb(arg, &l, reason, sizeof reason);
		if (r != 0) {
			sec_refuse(SEC_ERR_FORMAT, why, whylen, "line %u: %s",
			    l.number, reason);
			return r;
		}
	}
	return 0;
}

int
wordfile_read(const char *path, wordfile_h cb, void *arg, char *why,
    size_t whylen)
{
	char reason[320], *text;
	size_t n;
	int r;

	if ((r = proc_read_file(path, WORDFILE_MAX, &text, &n)) != 0) {
		sec_refuse(SEC_ERR_FORMAT, why, whylen, "%s: %s", path,
		    sec_strerror(r));
		return r;
	}
	if ((r = wordfile_parse(text, n, cb, arg, reason, sizeof reason)) != 0)
		sec_refuse(SEC_ERR_FORMAT, why, whylen, "%s: %s", path, reason);
	free(text);
	return r;
}
