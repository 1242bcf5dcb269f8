/* Names and URIs (S048a: a user id that is unique everywhere). */
#include <string.h>

#include "base/err.h"
#include "wire/uri.h"

#include "../test.h"

#define D "example.org"

static void
test_parse(void)
{
	static const struct {
		const char *in;
		enum uri_kind kind;
		const char *name, *type, *full, *q;
	} t[] = {
		{ "sip:alice@example.org", URI_USER, "alice", "",
		    "sip:alice@example.org", "" },
		{ "SIP:Alice@Example.ORG", URI_USER, "Alice", "",
		    "sip:Alice@example.org", "" },
		{ "sip:alice@example.org:5060;transport=tcp", URI_USER, "alice",
		    "", "sip:alice@example.org", "" },
		{ "sip:alice@example.org;q=1.7", URI_USER, "alice", "",
		    "sip:alice@example.org", "1.7" },
		{ "sip:a.b-c_d+e@example.org", URI_USER, "a.b-c_d+e", "",
		    "sip:a.b-c_d+e@example.org", "" },
		{ "sip:standup@conf.example.org", URI_CONF, "standup", "",
		    "sip:standup@conf.example.org", "" },
		{ "sip:c-7f3k9q@conf.example.org;q=1.2;x", URI_CONF, "c-7f3k9q",
		    "", "sip:c-7f3k9q@conf.example.org", "1.2" },
		{ "sip:conference@conf.example.org", URI_FACTORY, "conference",
		    "", "sip:conference@conf.example.org", "" },
		{ "sip:pal.example.org", URI_PALMGR, "", "",
		    "sip:pal.example.org", "" },
		{ "sip:bedroom@lamp.example.org", URI_OBJECT, "bedroom", "lamp",
		    "sip:bedroom@lamp.example.org", "" },
		{ "tel:+1-555-123.4567;phone-context=x", URI_PHONE,
		    "+15551234567", "", "tel:+15551234567", "" },
		{ "tel:(0)7031", URI_PHONE, "07031", "", "tel:07031", "" },
		{ "sip:bob@elsewhere.net", URI_FOREIGN, "bob", "",
		    "sip:bob@elsewhere.net", "" },
		{ "sip:bob@0a1b2c3d.invalid", URI_FOREIGN, "bob", "",
		    "sip:bob@0a1b2c3d.invalid", "" },
		{ "sip:bob@127.0.0.1:7321", URI_FOREIGN, "bob", "",
		    "sip:bob@127.0.0.1:7321", "" },
		{ "sip:bob@[::1]:7321", URI_FOREIGN, "bob", "",
		    "sip:bob@[::1]:7321", "" },
		{ "sip:example.org", URI_FOREIGN, "", "", "sip:example.org",
		    "" },
		{ "sip:bob@notexample.org", URI_FOREIGN, "bob", "",
		    "sip:bob@notexample.org", "" },
		{ "sip:bob@a.b.example.org", URI_FOREIGN, "bob", "",
		    "sip:bob@a.b.example.org", "" },
	};
	struct uri u;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		T_OK(uri_parse(&u, t[i].in, D) == 0 && u.kind == t[i].kind,
		    "%s parses", t[i].in);
		T_STR(u.name, t[i].name);
		T_STR(u.type, t[i].type);
		T_STR(u.full, t[i].full);
		T_STR(u.q, t[i].q);
	}
}

/* A value of the directory, as people write it, in a URI and back. */
static void
test_escapes(void)
{
	char out[64], back[64];
	struct uri u;

	T_INT(uri_escape(out, sizeof(out), "Di Crescenzo, F\xc3\xa9*"), 0);
	T_STR(out, "Di~20Crescenzo~2C~20F~C3~A9*");
	T_INT(uri_unescape(back, sizeof(back), out), 0);
	T_STR(back, "Di Crescenzo, F\xc3\xa9*");
	T_INT(uri_from_name(&u, "name:Di~20Crescenzo~2C~20F~C3~A9*", D, 0), 0);
	T_STR(u.full, "sip:Di~20Crescenzo~2C~20F~C3~A9*@name." D);
	T_INT(u.kind, URI_OBJECT);
	T_INT(uri_escape(out, sizeof(out), "a\nb"), SEC_ERR_FORMAT);
	T_INT(uri_escape(out, 6, "a b"), 0);
	T_INT(uri_escape(out, sizeof(out), "~a"), 0);
	T_STR(out, "~7Ea");
	T_INT(uri_escape(out, 5, "a b"), SEC_ERR_LIMIT);
	T_INT(uri_unescape(back, sizeof(back), "a~0A"), SEC_ERR_FORMAT);
	T_INT(uri_unescape(back, sizeof(back), "a~2"), SEC_ERR_FORMAT);
	T_INT(uri_unescape(back, 3, "a~20b"), SEC_ERR_LIMIT);
	T_INT(uri_escape(out, sizeof(out), ""), 0);
	T_STR(out, "");
}

static void
test_refused(void)
{
	static const char *const t[] = { "", "sip:", "sip:@example.org",
		"alice", "alice@example.org", "http://example.org/",
		"sips:alice@example.org", "sip:alice:pw@example.org",
		"sip:al ice@example.org", "sip:alice@exa mple.org",
		"sip:alice@example.org?Subject=x", "sip:alice@",
		"sip:ali\nce@example.org", "sip:a@b@example.org",
		"sip:<alice>@example.org", "sip:alice@example.org:0",
		"sip:alice@example.org:99999", "sip:alice@example.org:x",
		"sip:alice@pal.example.org", "sip:conf.example.org",
		"sip:Standup@conf.example.org", "sip:-x@conf.example.org",
		"sip:.@conf.example.org", "sip:al%69ce@example.org",
		"sip:alice@example.org;q=x",
		"sip:alice@example.org;q=", "sip:a@example.org;q=1.1;q=1.2",
		"tel:", "tel:+", "tel:+1555x", "tel:1+1",
		"tel:1234567890123456789012345", "sip:\xc3\xa9@example.org" };
	char longone[400];
	struct uri u;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		T_OK(uri_parse(&u, t[i], D) == SEC_ERR_FORMAT &&
			u.kind == URI_BAD && u.full[0] == '\0',
		    "row %zu is refused", i);
	memset(longone, 'a', sizeof(longone) - 1);
	longone[sizeof(longone) - 1] = '\0';
	memcpy(longone, "sip:", 4);
	T_INT(uri_parse(&u, longone, D), SEC_ERR_FORMAT);
	memcpy(longone + 150, "@b", 3);
	T_INT(uri_parse(&u, longone, D), SEC_ERR_FORMAT);
	T_INT(uri_from_name(&u, longone + 4, D, 0), SEC_ERR_FORMAT);
}

static void
test_names(void)
{
	static const struct {
		const char *in;
		int conf;
		const char *full;
	} t[] = {
		{ "alice", 0, "sip:alice@example.org" },
		{ "alice@example.org", 0, "sip:alice@example.org" },
		{ "alice@elsewhere.net", 0, "sip:alice@elsewhere.net" },
		{ "sip:alice@example.org", 0, "sip:alice@example.org" },
		{ "user:alice", 0, "sip:alice@example.org" },
		{ "standup", 1, "sip:standup@conf.example.org" },
		{ "conf:standup", 0, "sip:standup@conf.example.org" },
		{ "sip:standup@conf.example.org", 1,
		    "sip:standup@conf.example.org" },
		{ "lamp:bedroom", 0, "sip:bedroom@lamp.example.org" },
		{ "tel:+15551234567", 0, "tel:+15551234567" },
		{ "alice@example.org", 1, "sip:alice@example.org" },
		{ ".", 1, NULL },
		{ "", 0, NULL },
		{ "a b", 0, NULL },
		{ "al;q=1.1", 0, NULL },
		{ "pal:x", 0, NULL },
		{ "Lamp:x", 0, NULL },
		{ ":x", 0, NULL },
		{ "Standup", 1, NULL },
	};
	struct uri u;
	size_t i;
	int r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r = uri_from_name(&u, t[i].in, D, t[i].conf);
		if (t[i].full == NULL)
			T_OK(r == SEC_ERR_FORMAT, "\"%s\" is refused", t[i].in);
		else
			T_STR(u.full, t[i].full);
	}
}

static void
test_short(void)
{
	static const struct {
		const char *full;
		int mixed;
		const char *want;
	} t[] = {
		{ "sip:alice@example.org", 0, "alice" },
		{ "sip:alice@example.org", 1, "alice" },
		{ "sip:standup@conf.example.org", 0, "standup" },
		{ "sip:standup@conf.example.org", 1, "conf:standup" },
		{ "sip:bedroom@lamp.example.org", 1, "lamp:bedroom" },
		{ "sip:bob@elsewhere.net", 0, "bob@elsewhere.net" },
		{ "tel:+1555", 0, "tel:+1555" },
		{ "sip:pal.example.org", 0, "sip:pal.example.org" },
		{ "rubbish", 0, "rubbish" },
	};
	char out[160];
	struct uri u;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		T_STR(uri_short(out, t[i].full, D, t[i].mixed), t[i].want);
		/* ... and can be typed back. */
		if (strcmp(t[i].want, "rubbish") != 0) {
			uri_from_name(&u, out, D,
			    strstr(t[i].full, "@conf.") != NULL && !t[i].mixed);
			T_STR(u.full, t[i].full);
		}
	}
}

int
main(void)
{
	char out[URI_MAX];

	test_parse();
	test_escapes();
	test_refused();
	test_names();
	test_short();
	T_STR(uri_conf(out, "standup", D), "sip:standup@conf.example.org");
	T_STR(uri_factory(out, D), "sip:conference@conf.example.org");
	T_STR(uri_palmgr(out, D), "sip:pal.example.org");
	T_STR(uri_user(out, "bob", D), "sip:bob@example.org");
	T_STR(uri_user(out, "bob", ""), "sip:bob@localhost");
	return t_done();
}
