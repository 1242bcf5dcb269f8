/* One line of JSON Lines: read, or refused. */
#include "../test.h"
#include "base/jsonline.h"

static struct jsonline *
parse(const char *s)
{
	return jsonline_parse(s, strlen(s));
}

int
main(void)
{
	static const char *const bad[] = { "", "{", "[]", "1", "\"a\"", "null",
		"{\"a\":1} x", "{\"a\":1}{}", "{a:1}", "{\"a\":'b'}",
		"{\"a\":}", "{\"a\":\"\xff\"}",
		"{\"a\":[[[[[[[[[[1]]]]]]]]]]}" };
	const struct jsonline *o;
	struct jsonline *j;
	double v = 0;
	char *big;
	size_t i;

	j = parse(
	    "{\"v\":1,\"user\":\"j\\u00f6rg\",\"level\":-20.5,"
	    "\"on\":true,\"none\":null,\"nul\":\"a\\u0000b\",\"deep\":{\"x\":\"y\"}}");
	T(j != NULL);
	T_STR(jsonline_str(j, "user"), "j\xc3\xb6rg");
	T(jsonline_str(j, "v") == NULL);
	T(jsonline_str(j, "none") == NULL);
	T(jsonline_str(j, "nothing") == NULL);
	T(jsonline_str(j, "nul") == NULL);
	T(jsonline_number(j, "v", &v) && v == 1);
	T(jsonline_number(j, "level", &v) && v == -20.5);
	T(!jsonline_number(j, "user", &v) && v == -20.5);
	T(!jsonline_number(j, "on", &v));
	o = jsonline_object(j, "deep");
	T(o != NULL && strcmp(jsonline_str(o, "x"), "y") == 0);
	T(jsonline_object(j, "user") == NULL);
	T_STR(jsonline_name(j, 0), "v");
	T_STR(jsonline_name(j, 6), "deep");
	T(jsonline_name(j, 7) == NULL);
	jsonline_free(j);

	j = parse("{}");
	T(j != NULL && jsonline_name(j, 0) == NULL);
	jsonline_free(j);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		j = parse(bad[i]);
		T_OK(j == NULL, "not %s", bad[i]);
		jsonline_free(j);
	}
	big = calloc(1, 2000000);
	memset(big, ' ', 1999999);
	memcpy(big, "{}", 2);
	T(parse(big) == NULL);
	free(big);
	jsonline_free(NULL);
	return t_done();
}
