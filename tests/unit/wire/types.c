/* The file `types` (S053, S054). */
#include "base/err.h"
#include "wire/types.h"
#include "../test.h"

static struct types t;
static char why[300];

static int
parse(const char *text)
{
	why[0] = '\0';
	return types_parse(&t, text, strlen(text), why, sizeof(why));
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "door", "line 1: door has no attribute" },
	{ "door publish=owner", "line 1: door has no attribute" },
	{ "\ndoor open open!", "line 2: attribute open is there twice" },
	{ "door open!\ndoor open!", "line 2: type door is there twice" },
	{ "lamp a!\nlamp b!", "line 2: type lamp is there twice" },
	{ "door publsih=owner open!",
	    "line 1: unknown word \"publsih=\" (did you mean \"publish=\"?)" },
	{ "door colour=red", "line 1: unknown word \"colour=\"" },
	{ "door publish=org:1 open!",
	    "line 1: publish=org:1 is not owner, USER or group:G" },
	{ "door publish= open!",
	    "line 1: publish= is not owner, USER or group:G" },
	{ "door Open!", "line 1: \"Open\" cannot be an attribute" },
	{ "door !", "line 1: \"\" cannot be an attribute" },
	{ "door status!", "line 1: \"status\" cannot be an attribute" },
	{ "door since", "line 1: \"since\" cannot be an attribute" },
	{ "user name!", "line 1: \"user\" cannot be a type of objects" },
	{ "conf x!", "line 1: \"conf\" cannot be a type of objects" },
	{ "group x!", "line 1: \"group\" cannot be a type of objects" },
	{ "Door open!", "line 1: \"Door\" cannot be a type of objects" },
};

static void
test_good(void)
{
	struct buf b = BUF_INIT;
	const struct type *type;

	T_INT(parse(""), 0);
	types_put(&b, &t);
	T_STR(buf_cstr(&b), "lamp publish=owner state!\n");
	T_INT(parse("# things\n"
		    "thermometer unit temperature! humidity!\n"
		    "door publish=group:porters open! locked\n"
		    "printer publish=spooler jobs\n"),
	    0);
	buf_reset(&b);
	types_put(&b, &t);
	T_STR(buf_cstr(&b),
	    "thermometer publish=owner unit temperature! humidity!\n"
	    "door publish=group:porters open! locked\n"
	    "printer publish=spooler jobs\n"
	    "lamp publish=owner state!\n");
	type = types_find(&t, "thermometer");
	T(type != NULL && types_find(&t, "lmap") == NULL);
	T_STR(type_status(type)->name, "temperature");
	T_STR(type_attr(type, "unit")->name, "unit");
	T(type_attr(type, "state") == NULL);
	T(type_status(types_find(&t, "printer")) == NULL);
	/* What is built in may be said anew. */
	T_INT(parse("a x!\nlamp state! brightness\nb y!\n"), 0);
	T_INT(t.n, 3);
	T_INT(types_find(&t, "lamp")->n, 2);
	buf_free(&b);
}

static void
test_bounds(void)
{
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < TYPES_MAX - 1; i++)
		buf_putf(&b, "t%d a!\n", i);
	T_INT(parse(buf_cstr(&b)), 0);
	T_INT(t.n, TYPES_MAX);
	/* In the place of the built-in one, but no further. */
	buf_putf(&b, "lamp a!\n");
	T_INT(parse(buf_cstr(&b)), 0);
	buf_putf(&b, "more a!\n");
	T_INT(parse(buf_cstr(&b)), SEC_ERR_FORMAT);
	T_STR(why, "line 65: more than 64 types");
	T_INT(t.n, 1);
	buf_reset(&b);
	buf_put_str(&b, "big");
	for (i = 0; i < TYPE_ATTRS; i++)
		buf_putf(&b, " a%d", i);
	T_INT(parse(buf_cstr(&b)), 0);
	buf_put_str(&b, " more");
	T_INT(parse(buf_cstr(&b)), SEC_ERR_FORMAT);
	T_STR(why, "line 1: more than 32 attributes");
	buf_free(&b);
}

int
main(void)
{
	size_t i;

	test_good();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		T_OK(parse(bad[i].text) == SEC_ERR_FORMAT && t.n == 1,
		    "row %zu", i);
		T_STR(why, bad[i].why);
	}
	test_bounds();
	T_INT(parse("thermometer temperature! unit"), 0);
	types_unknown(&t, "lmap", why, sizeof(why));
	T_STR(why, "unknown type \"lmap\" (did you mean \"lamp\"?)");
	types_unknown(&t, "boat", why, sizeof(why));
	T_STR(why, "unknown type \"boat\"");
	type_attr_unknown(types_find(&t, "thermometer"), "temprature", why,
	    sizeof(why));
	T_STR(why,
	    "thermometer has no attribute \"temprature\" (did you mean "
	    "\"temperature\"?)");
	return t_done();
}
