/* Filters: what people type stays a value (RFC 4515). */
#include "../../../cmd/sec-ldap/filter.c"
#include "../../../cmd/sec-ldap/names.c"
#include "../test.h"

static const struct {
	const char *attr, *value;
	int prefix;
	const char *filter; /* NULL: refused */
} terms[] = {
	{ "org", "1256", 0, "(departmentNumber=1256)" },
	{ "name", "Al", 1, "(cn=Al*)" },
	{ "name", "", 1, "(cn=*)" },
	{ "phone", "+1 555-0101", 0, "(telephoneNumber=+1 555-0101)" },
	{ "roomnumber", "101", 0, "(roomnumber=101)" },
	{ "name", "*)(uid=*", 0, "(cn=\\2a\\29\\28uid=\\2a)" },
	{ "name", "*)(uid=*", 1, "(cn=\\2a\\29\\28uid=\\2a*)" },
	{ "name", "a\\b", 0, "(cn=a\\5cb)" },
	{ "name", "a\001b\177", 0, "(cn=a\\01b\\7f)" },
	{ "name", "\xc3\x85sa", 0, "(cn=\\c3\\85sa)" },
	{ "name", "&|!<>~", 0, "(cn=\\26\\7c\\21\\3c\\3e\\7e)" },
	/* A sharp s is ss, and half of it at the end of a prefix. */
	{ "last", "STRASSE", 0, "(|(sn=STRASSE)(sn=STRA\\c3\\9fE))" },
	{ "last",
	    "stra\xc3\x9f"
	    "e",
	    0, "(|(sn=strasse)(sn=stra\\c3\\9fe))" },
	{ "last", "stra\xe1\xba\x9e", 0, "(|(sn=strass)(sn=stra\\c3\\9f))" },
	{ "last", "stras", 1, "(|(sn=stras*)(sn=stra\\c3\\9f*))" },
	{ "last", "stras", 0, "(sn=stras)" },
	{ "a)(b", "x", 0, NULL },
	{ "cn=x", "x", 0, NULL },
	{ "Name", "x", 0, NULL },
	{ "2.5.4.3", "x", 0, NULL },
	{ "userpassword", "x", 1, NULL },
	{ "krbprincipalkey", "x", 1, NULL },
};

static const char *
term(const char *attr, const char *value, int prefix, struct buf *b)
{
	struct dir_term t;

	memset(&t, 0, sizeof(t));
	snprintf(t.attr, sizeof(t.attr), "%s", attr);
	snprintf(t.value, sizeof(t.value), "%s", value);
	t.prefix = prefix;
	buf_reset(b);
	return filter_term(b, &t) == 0 ? buf_cstr(b) : NULL;
}

int
main(void)
{
	struct buf b = BUF_INIT;
	struct dir_term group;
	char name[DIR_ATTR];
	const char *got;
	size_t i;

	for (i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		got = term(terms[i].attr, terms[i].value, terms[i].prefix, &b);
		if (terms[i].filter == NULL)
			T_OK(got == NULL, "\"%s\" is refused", terms[i].attr);
		else
			T_STR(got, terms[i].filter);
	}
	T_STR(term("", "a*", 1, &b),
	    "(|(uid=a\\2a*)(cn=a\\2a*)(givenName=a\\2a*)(sn=a\\2a*)"
	    "(departmentNumber=a\\2a*)(telephoneNumber=a\\2a*)"
	    "(mail=a\\2a*)(l=a\\2a*)(title=a\\2a*))");

	memset(&group, 0, sizeof(group));
	snprintf(group.value, sizeof(group.value), "help-)");
	buf_reset(&b);
	filter_groups(&b, &group);
	T_STR(buf_cstr(&b),
	    "(&(|(objectClass=groupOfNames)(objectClass=group)"
	    "(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
	    "(|(cn=help-\\29)(cn=help \\29)))");
	buf_reset(&b);
	filter_member(&b, "uid=a\\,b,dc=x", "a");
	T_STR(buf_cstr(&b),
	    "(|(&(objectClass=groupOfNames)(member=uid=a\\5c,b,dc=x))"
	    "(&(objectClass=group)(member=uid=a\\5c,b,dc=x))"
	    "(&(objectClass=groupOfUniqueNames)(uniqueMember=uid=a\\5c,b,dc=x))"
	    "(&(objectClass=posixGroup)(memberUid=a)))");
	buf_free(&b);

	T_STR(name_ours("telephoneNumber", name), "phone");
	T_STR(name_ours("CN;lang-de", name), "name");
	T_STR(name_ours("roomNumber", name), "roomnumber");
	T(name_ours("userPassword", name) == NULL);
	T(name_ours("userPassword;x-old", name) == NULL);
	T(name_ours("objectClass", name) == NULL);
	/* Whatever nobody has thought of. */
	T(name_ours("ms-Mcs-AdmPwd", name) == NULL);
	T(name_ours("pwdHistory", name) == NULL);
	T(name_ours("sshPublicKey", name) == NULL);
	T(name_ldap("sshpublickey") == NULL);
	names_show("building,sshpublickey,status");
	T_STR(name_ldap("sshpublickey"), "sshpublickey");
	T_STR(name_ours("sshPublicKey;x-old", name), "sshpublickey");
	T_STR(name_ours("building", name), "building");
	T(name_ours("status", name) == NULL);
	names_show("");
	T(name_ldap("sshpublickey") == NULL);
	T(name_ours("uid", name) == NULL);
	T(name_ours("memberOf;range=0-1499", name) == NULL);
	T(name_ours("status", name) == NULL);
	T(name_ours("an-attribute-with-a-name-that-is-too-long", name) == NULL);
	return t_done();
}
