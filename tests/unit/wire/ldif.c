/*
 * LDIF of RFC 2849 and DNs of RFC 4514 (S031: files of people).
 */
#include "../test.h"

#include "base/err.h"
#include "wire/ldif.h"

static const char *
entries(const char *text, size_t n)
{
	static char seen[4096];
	struct ldif l;
	size_t i, len = 0;
	int r;

	ldif_init(&l, text, n);
	seen[0] = '\0';
	while ((r = ldif_next(&l)) == 1) {
		len += (size_t)snprintf(seen + len, sizeof(seen) - len,
		    "%u:%s|", l.line, l.dn);
		for (i = 0; i < l.n; i++)
			len += (size_t)snprintf(seen + len, sizeof(seen) - len,
			    "%s=%s|", l.attr[i].name,
			    l.attr[i].is_text ? l.attr[i].value : "?");
	}
	if (r < 0)
		snprintf(seen + len, sizeof(seen) - len, "!%u %s", l.line,
		    l.why);
	T_INT(ldif_next(&l), 0);
	ldif_free(&l);
	return seen;
}

static void
files(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "version: 1\n", "" },
		{ "# only\n# comments\n\n", "" },
		{ "dn: cn=a\ncn: a\n", "1:cn=a|cn=a|" },
		{ "version: 1\n\ndn: cn=a\n\n\ndn: cn=b\nsn: B\n",
		    "3:cn=a|6:cn=b|sn=B|" },
		/* The version stands in the first entry's lines. */
		{ "version: 1\ndn: cn=a\nsn: A\n", "1:cn=a|sn=A|" },
		{ "dn: cn=a\r\nsn: A\r\n\r\ndn: cn=b\r\n",
		    "1:cn=a|sn=A|4:cn=b|" },
		/* Folded, and a comment that is. */
		{ "dn: cn=lo\n ng,dc=x\n# c\n ontinued\nsn:  two\n  words\n",
		    "1:cn=long,dc=x|sn=two words|" },
		/* Base64: "José", and bytes that are no text. */
		{ "dn:: Y249YQ==\ngivenName:: Sm9zw6k=\njpegPhoto:: /9g=\n",
		    "1:cn=a|givenname=Jos\xc3\xa9|jpegphoto=?|" },
		{ "dn: cn=a\nsn;lang-en: A\nempty:\n", "1:cn=a|sn=A|empty=|" },
		{ "dn: cn=a\nchangetype: add\nsn: A\n",
		    "1:cn=a|changetype=add|sn=A|" },
		/* Mistakes. */
		{ "sn: A\n", "!1 an entry begins with dn:" },
		{ "dn: cn=a\nsn\n", "!2 not ATTRIBUTE: VALUE" },
		{ "dn: cn=a\ns n: x\n", "!2 not ATTRIBUTE: VALUE" },
		{ "dn: cn=a\nsn:: %%\n", "!2 not base64" },
		{ "dn: cn=a\nsn:< file:///etc/passwd\n",
		    "!2 a value by URL is not fetched" },
		{ "dn: cn=a\nchangetype: delete\n",
		    "!1 a change that is not `add'" },
		{ " folded: nothing\n", "!1 not ATTRIBUTE: VALUE" },
	};
	static const char person[] =
	    "dn: x=y\nobjectClass: Person\nsn: A\nsn: B\n";
	struct ldif l;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		T_STR(entries(rows[i].in, strlen(rows[i].in)), rows[i].out);
	T_STR(entries("dn: cn=a\nsn: a\0b\n", 17), "1:cn=a|sn=?|");
	ldif_init(&l, person, strlen(person));
	T_INT(ldif_next(&l), 1);
	T(ldif_has(&l, "objectclass", "person"));
	T(!ldif_has(&l, "objectclass", "top"));
	T_STR(ldif_get(&l, "sn"), "A");
	T(ldif_get(&l, "cn") == NULL);
	ldif_free(&l);
}

static void
limits(void)
{
	char *big = malloc(LDIF_ENTRY + 100);
	struct ldif l;
	size_t n;

	if (big == NULL)
		exit(1);
	n = (size_t)sprintf(big, "dn: cn=a\nsn: ");
	memset(big + n, 'x', LDIF_ENTRY);
	ldif_init(&l, big, n + LDIF_ENTRY);
	T_INT(ldif_next(&l), SEC_ERR_LIMIT);
	ldif_free(&l);
	for (; n < 20000; n += 4)
		memcpy(big + n, "\na:b", 4);
	ldif_init(&l, big, n);
	T_INT(ldif_next(&l), SEC_ERR_LIMIT);
	ldif_free(&l);
	free(big);
}

static void
names(void)
{
	static const struct {
		const char *dn;
		size_t n;
		int r;
		const char *name, *value;
	} rows[] = {
		{ "uid=bob,ou=people,dc=x", 0, 0, "uid", "bob" },
		{ "uid=bob,ou=people,dc=x", 1, 0, "ou", "people" },
		{ "uid=bob,ou=people,dc=x", 2, 0, "dc", "x" },
		{ "uid=bob,ou=people,dc=x", 3, SEC_ERR_NOTHING, "", "" },
		{ " UID = Bob Field , ou=a", 0, 0, "uid", "Bob Field" },
		{ "cn=Field\\, Bob,ou=a", 0, 0, "cn", "Field, Bob" },
		{ "cn=Field\\2C Bob,ou=a", 1, 0, "ou", "a" },
		{ "cn=Jos\\C3\\A9", 0, 0, "cn", "Jos\xc3\xa9" },
		{ "cn=a\\ ", 0, 0, "cn", "a " },
		{ "cn=a+sn=b,ou=c", 0, 0, "cn", "a" },
		{ "cn=a+sn=b,ou=c", 1, 0, "ou", "c" },
		{ "", 0, SEC_ERR_NOTHING, "", "" },
		{ "bob", 0, SEC_ERR_FORMAT, "", "" },
		{ "cn=a\\", 0, SEC_ERR_FORMAT, "", "" },
		{ "cn=\\C3", 0, SEC_ERR_FORMAT, "", "" },
		{ "cn=\\00", 0, SEC_ERR_FORMAT, "", "" },
		{ "=a", 0, SEC_ERR_FORMAT, "", "" },
		{ "averylongname=a", 0, SEC_ERR_LIMIT, "", "" },
		{ "cn=12345678901234567890", 0, SEC_ERR_LIMIT, "", "" },
	};
	char name[8], value[16];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		T_OK(ldif_rdn(rows[i].dn, rows[i].n, name, sizeof(name), value,
			 sizeof(value)) == rows[i].r,
		    "%s %zu", rows[i].dn, rows[i].n);
		if (rows[i].r == 0) {
			T_STR(name, rows[i].name);
			T_STR(value, rows[i].value);
		}
	}
}

int
main(void)
{
	files();
	limits();
	names();
	return t_done();
}
