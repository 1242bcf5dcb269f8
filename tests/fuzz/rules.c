/* The file `rules`, and a rule alone. */
#include "wire/rule.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT, c = BUF_INIT;
	struct rules s = { 0 };
	struct rule again;
	char why[64] = "", *text;
	size_t i;

	if (rules_parse(&s, (const char *)p, n, why, sizeof(why)) != 0)
		MUST(why[0] != '\0' && s.n == 0);
	for (i = 0; i < s.n; i++) {
		buf_reset(&b);
		buf_reset(&c);
		rule_put(&b, &s.rule[i]);
		MUST(rule_parse(&again, buf_cstr(&b), why, sizeof(why)) == 0);
		rule_put(&c, &again);
		MUST(strcmp(buf_cstr(&b), buf_cstr(&c)) == 0);
	}
	rules_free(&s);
	if ((text = strndup((const char *)p, n)) != NULL)
		(void)rule_parse(&again, text, why, sizeof(why));
	free(text);
	buf_free(&b);
	buf_free(&c);
	return 0;
}
