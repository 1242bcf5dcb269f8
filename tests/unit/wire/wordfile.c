/* Lines of words, and where it is said that one is wrong. */
#include "base/err.h"
#include "wire/wordfile.h"
#include "../test.h"

static char seen[512], why[128];

static int
take(void *arg, const struct wordfile_line *l, char *w, size_t n)
{
	int i;

	(void)arg;
	if (strcmp(l->word[0], "bad") == 0)
		return sec_refuse(SEC_ERR_FORMAT, w, n, "%s word", l->word[0]);
	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
	    "%u:", l->number);
	for (i = 0; i < l->n; i++)
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
		    "%s,", l->word[i]);
	return 0;
}

static int
parse(const char *text, size_t n)
{
	seen[0] = why[0] = '\0';
	return wordfile_parse(text, n, take, NULL, why, sizeof(why));
}

int
main(void)
{
	char text[2048];
	size_t i;

	T_INT(parse("", 0), 0);
	T_STR(seen, "");
	T_INT(parse("# x\n\n a\tb  c # d\n\t\nlast", 23), 0);
	T_STR(seen, "3:a,b,c,5:last,");
	T_INT(parse("a\n\nbad\nb\n", 9), SEC_ERR_FORMAT);
	T_STR(why, "line 3: bad word");
	T_STR(seen, "1:a,");
	T_INT(parse("a\n\0b\n", 5), SEC_ERR_FORMAT);
	T_STR(why, "line 2: not one line of text");
	/* As long as it may be, and one longer. */
	memset(text, 'x', sizeof(text));
	T_INT(parse(text, WORDFILE_LINE - 1), 0);
	T_INT(parse(text, WORDFILE_LINE), SEC_ERR_FORMAT);
	for (i = 0; i < WORDFILE_WORDS * 2; i++)
		text[i] = i % 2 ? ' ' : 'x';
	T_INT(parse(text, WORDFILE_WORDS * 2), 0);
	text[WORDFILE_WORDS * 2] = 'x';
	T_INT(parse(text, WORDFILE_WORDS * 2 + 1), SEC_ERR_FORMAT);
	T_STR(why, "line 1: more than 64 words");
	T_INT(parse(NULL, WORDFILE_MAX + 1), SEC_ERR_FORMAT);
	T_STR(why, "too long");
	T_INT(wordfile_read("/nowhere/at/all", take, NULL, why, sizeof(why)),
	    SEC_ERR_NOTHING);
	T(strncmp(why, "/nowhere/at/all: ", 17) == 0);
	return t_done();
}
