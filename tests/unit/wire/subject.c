/* Who or what is named (S160), read, written, and whether it is this one. */
#include "base/err.h"
#include "wire/subject.h"
#include "../test.h"

static const struct {
	const char *text;
	int kind;
	const char *type, *name, *back; /* back NULL: as it was */
} good[] = {
	{ "*", SUBJECT_ANY, "", "", NULL },
	{ "bob", SUBJECT_USER, "user", "bob", NULL },
	{ "user:bob", SUBJECT_USER, "user", "bob", "bob" },
	{ "group:help-desk", SUBJECT_GROUP, "", "help-desk", NULL },
	{ "org:1256", SUBJECT_ORG, "", "1256", NULL },
	{ "org:Vertrieb-S\xc3\xbc"
	  "d",
	    SUBJECT_ORG, "",
	    "Vertrieb-S\xc3\xbc"
	    "d",
	    NULL },
	{ "user:*", SUBJECT_TYPE, "user", "", NULL },
	{ "lamp:*", SUBJECT_TYPE, "lamp", "", NULL },
	{ "conf:*", SUBJECT_TYPE, "conference", "", NULL },
	{ "conference:*", SUBJECT_TYPE, "conference", "", "conf:*" },
	{ "tel:*", SUBJECT_TYPE, "phone", "", NULL },
	{ "phone:*", SUBJECT_TYPE, "phone", "", "tel:*" },
	{ "lamp:bedroom", SUBJECT_THING, "lamp", "bedroom", NULL },
	{ "conf:standup", SUBJECT_THING, "conference", "standup", NULL },
	{ "conference:standup", SUBJECT_THING, "conference", "standup",
	    "conf:standup" },
	{ "tel:+1-555-0101", SUBJECT_THING, "phone", "+15550101",
	    "tel:+15550101" },
};

static const char *const bad[] = { "", ":", ":*",
	"a:", "group:", "org:", "group:a b", "org:*", "group:*",
	"sip:bob@lab.test", "bob@lab.test", "pal:*", "Lamp:x", "lamp:a b",
	"lamp:", "sip:*", "conf:No", "conf:conference", "bob;x", "-bob",
	"group:\xff",
	"group:"
	"0123456789012345678901234567890123456789"
	"0123456789012345678901234567890123456789",
	"0123456789012345678901234567890123456789:*" };

static void
test_parse(void)
{
	struct subject s, was;
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		T_OK(subject_parse(&s, good[i].text) == 0, "%s", good[i].text);
		T_INT(s.kind, good[i].kind);
		T_STR(s.type, good[i].type);
		T_STR(s.name, good[i].name);
		buf_reset(&b);
		subject_put(&b, &s);
		T_STR(buf_cstr(&b),
		    good[i].back != NULL ? good[i].back : good[i].text);
		T_INT(subject_is_publisher(&s),
		    s.kind == SUBJECT_USER || s.kind == SUBJECT_GROUP);
	}
	was = s;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		T_OK(subject_parse(&s, bad[i]) == SEC_ERR_FORMAT &&
			memcmp(&s, &was, sizeof(s)) == 0,
		    "bad: %s", bad[i]);
	buf_free(&b);
}

static int
names(const char *text, const char *what)
{
	struct subject s;
	struct uri u;

	T_INT(subject_parse(&s, text), 0);
	T_INT(uri_from_name(&u, what, "lab.test", 0), 0);
	return subject_names(&s, &u);
}

int
main(void)
{
	test_parse();
	T(names("bob", "bob") && !names("bob", "bobby"));
	T(!names("bob", "lamp:bob") && !names("bob", "conf:bob"));
	T(names("user:*", "bob") && !names("user:*", "lamp:bob"));
	T(names("lamp:*", "lamp:x") && !names("lamp:*", "door:x"));
	T(names("lamp:x", "lamp:x") && !names("lamp:x", "lamp:y"));
	T(names("conf:*", "conf:x") && !names("conf:*", "x"));
	T(names("tel:*", "tel:+1") && names("tel:+1", "tel:+1"));
	T(names("*", "bob") && names("*", "conf:x"));
	T(!names("group:bob", "bob") && !names("org:bob", "bob"));
	return t_done();
}
