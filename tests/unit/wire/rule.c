/* Rules of who may watch whom (S160), and the file `rules`. */
#include "base/err.h"
#include "wire/rule.h"
#include "../test.h"

static char why[300];

static const struct {
	const char *text, *back, *type;
} good[] = {
	{ "allow", NULL, "" },
	{ "deny", NULL, "" },
	{ "allow org=org", NULL, "user" },
	{ "allow  who=* whom=*\tattrs=*", "allow", "" },
	{ "deny who=group:guests", NULL, "" },
	{ "allow who=alice whom=bob", NULL, "user" },
	{ "allow whom=org:1256 who=org:1", "allow who=org:1 whom=org:1256",
	    "user" },
	{ "allow whom=group:board org=org", NULL, "user" },
	{ "allow who=group:helpdesk whom=conference:*",
	    "allow who=group:helpdesk whom=conf:*", "conference" },
	{ "allow whom=lamp:bedroom attrs=status,since", NULL, "lamp" },
	{ "allow attrs=status org=org # why", "allow org=org attrs=status",
	    "user" },
};

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", "a rule begins with allow or deny" },
	{ "who=bob", "a rule begins with allow or deny" },
	{ "alow who=bob", "\"alow\" (did you mean \"allow\"?)" },
	{ "allow wo=bob", "unknown word \"wo\" (did you mean \"who\"?)" },
	{ "allow bob", "\"bob\": wanted who=, whom=, org=org or attrs=" },
	{ "allow who", "\"who\": wanted who=, whom=, org=org or attrs=" },
	{ "allow who=a who=b", "who= stands twice" },
	{ "allow who=lamp:*", "who=lamp:* is not USER, group:G or org:O" },
	{ "allow who=", "who= is not USER, group:G or org:O" },
	{ "allow whom=a/b",
	    "whom=a/b is not USER, group:G, org:O, TYPE:* or "
	    "TYPE:NAME" },
	{ "allow org=1256", "org=1256: only org=org, or who=org:1256" },
	{ "allow attrs=", "attrs= is not a list A,B of attributes" },
	{ "allow attrs=a,,b", "attrs=a,,b is not a list A,B of attributes" },
	{ "allow attrs=A", "attrs=A is not a list A,B of attributes" },
	{ "deny attrs=note", "attrs= goes with allow: deny takes everything" },
	{ "allow whom=lamp:* org=org",
	    "org=org is about users: a lamp has no organisation" },
	{ "allow\nwho=bob", "not one line of text" },
};

static void
test_rule(void)
{
	struct buf b = BUF_INIT;
	struct rule r, was;
	size_t i;

	memset(&r, 0, sizeof(r));
	snprintf(r.name, sizeof(r.name), "n");
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		T_OK(rule_parse(&r, good[i].text, why, sizeof(why)) == 0, "%s",
		    good[i].text);
		buf_reset(&b);
		rule_put(&b, &r);
		T_STR(buf_cstr(&b),
		    good[i].back != NULL ? good[i].back : good[i].text);
		T_STR(rule_type(&r), good[i].type);
		T_STR(r.name, "n");
	}
	was = r;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		T_OK(rule_parse(&r, bad[i].text, why, sizeof(why)) ==
			    SEC_ERR_FORMAT &&
			memcmp(&r, &was, sizeof(r)) == 0,
		    "bad row %zu", i);
		T_STR(why, bad[i].why);
	}
	buf_free(&b);
}

static void
test_file(void)
{
	static const char text[] = "# the house\n"
				   "same-org allow org=org\n"
				   "lamps    allow whom=lamp:*   # all\n";
	struct rules s = { 0 };
	struct rule r;

	T_INT(rules_parse(&s, text, strlen(text), why, sizeof(why)), 0);
	T_INT(s.n, 2);
	T_STR(s.rule[0].name, "same-org");
	T_INT(rules_find(&s, "lamps"), 1);
	T_INT(rules_find(&s, "lamp"), -1);
	/* First, in the middle, last; and away again. */
	r = s.rule[0];
	snprintf(r.name, sizeof(r.name), "new");
	T_INT(rules_insert(&s, 1, &r), 0);
	T_INT(rules_find(&s, "lamps"), 2);
	T_INT(rules_insert(&s, 3, &r), 0);
	rules_remove(&s, 1);
	T_INT(rules_find(&s, "new"), 2);
	rules_remove(&s, 2);
	T_INT(s.n, 2);
	rules_free(&s);
	T_INT(rules_parse(&s, "a allow\nb alow\n", 15, why, sizeof(why)),
	    SEC_ERR_FORMAT);
	T_STR(why, "line 2: \"alow\" (did you mean \"allow\"?)");
	T_INT(s.n, 0);
	T_INT(rules_parse(&s, "a allow\na deny\n", 15, why, sizeof(why)),
	    SEC_ERR_FORMAT);
	T_STR(why, "line 2: name a is there twice");
	T_INT(rules_parse(&s, "A allow\n", 8, why, sizeof(why)),
	    SEC_ERR_FORMAT);
	T_STR(why, "line 1: \"A\" is not a rule's name");
	rules_free(&s);
}

static void
test_many(void)
{
	struct rules s = { 0 };
	struct rule r;
	size_t i;

	memset(&r, 0, sizeof(r));
	for (i = 0; i < RULES_MAX; i++)
		if (rules_insert(&s, s.n, &r) != 0)
			break;
	T_INT(i, RULES_MAX);
	T_INT(rules_insert(&s, 0, &r), SEC_ERR_LIMIT);
	rules_free(&s);
}

int
main(void)
{
	test_rule();
	test_file();
	test_many();
	return t_done();
}
