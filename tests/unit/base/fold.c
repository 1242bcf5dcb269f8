/*
 * What counts as the same word (S074: any attribute, as people type it).
 */
#include "../test.h"

#include "base/err.h"
#include "base/fold.h"

static struct buf b;

static const char *
folded(const char *s, enum fold_kind kind)
{
	buf_reset(&b);
	return fold_put(&b, s, kind) == 0 ? buf_cstr(&b) : NULL;
}

int
main(void)
{
	static const struct {
		const char *in, *words, *phone;
	} rows[] = {
		{ "", "", "" },
		{ "Bob Field", "bob field", "bobfield" },
		{ "  Bob \xc2\xa0  Field ", "bob field", "bobfield" },
		{ "   ", "", "" },
		{ "+1 973-555-0147", "+1 973-555-0147", "+19735550147" },
		/* U+2011 is U+2010 by NFKC. */
		{ "555\xe2\x80\x91"
		  "01",
		    "555\xe2\x80\x90"
		    "01",
		    "55501" },
		{ "Stra\xc3\x9f"
		  "e",
		    "strasse", "strasse" },
		{ "JOS\xc3\x89", "jos\xc3\xa9", "jos\xc3\xa9" },
		/* The same letter of two code points. */
		{ "Jose\xcc\x81", "jos\xc3\xa9", "jos\xc3\xa9" },
		/* Full width, and a ligature. */
		{ "\xef\xbc\xa2\xef\xbc\xaf\xef\xbc\xa2", "bob", "bob" },
		{ "\xef\xac\x81"
		  "eld",
		    "field", "field" },
		{ "\xe2\x84\xa2", "tm", "tm" },
		{ "\xce\xa3\xce\x9f\xce\xa6\xce\x9f\xce\xa3",
		    "\xcf\x83\xce\xbf\xcf\x86\xce\xbf\xcf\x83",
		    "\xcf\x83\xce\xbf\xcf\x86\xce\xbf\xcf\x83" },
		{ "\xe6\x9d\x8e", "\xe6\x9d\x8e", "\xe6\x9d\x8e" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		T_STR(folded(rows[i].in, FOLD_WORDS), rows[i].words);
		T_STR(folded(rows[i].in, FOLD_PHONE), rows[i].phone);
		/* Folded again it is the same. */
		T_STR(folded(rows[i].words, FOLD_WORDS), rows[i].words);
	}
	T_INT(fold_put(&b, "a\xff", FOLD_WORDS), SEC_ERR_FORMAT);
	buf_reset(&b);
	T_INT(fold_put(&b, "A", FOLD_WORDS), 0);
	T_INT(fold_put(&b, " B  C", FOLD_WORDS), 0);
	T_STR(buf_cstr(&b), "ab c");
	T(fold_equal("M\xc3\x9cLLER", "m\xc3\xbcller"));
	T(!fold_equal("a", "b"));
	T(!fold_equal("ab", "a"));
	T(fold_begins("Board room", "BOARD R"));
	T(fold_begins("board", "board"));
	T(fold_begins("board", ""));
	T(!fold_begins("boar", "board"));
	T(!fold_begins("aboard", "board"));
	T(!fold_equal("\xff", "\xff"));
	buf_free(&b);
	return t_done();
}
