#include <sys/stat.h>

#include <unistd.h>

#include "base/conf.h"
#include "base/err.h"
#include "../test.h"

/* The example of COMMANDS.md 3. */
static const char example[] =
    "# /etc/sec/sec.conf: the whole thing, for three hosts\n"
    "domain  = example.org\n"
    "realm   = EXAMPLE.ORG\n"
    "pal     = pal@ctl.example.org:7321   # where clients log in\n"
    "users   = any            # any principal of the realm\n"
    "register-rate = 20       # REGISTER/s from one address\n"
    "gateway = gw1 udp:10.0.0.9:5060 prefix=+1\n"
    "directory = ldap://ldap.example.org/ou=people,dc=example,dc=org\n"
    "streams = 3              # loudest N of a voice conference\n"
    "suite   = aes256-ctr-hmac-sha512-80   # of voice\n"
    "security = sealed        # or plain\n";

static const struct {
	const char *text, *why;
} bad[] = {
	{ "\n\n\n\n\n\nrelam = X\n",
	    "f:7: unknown key \"relam\" (did you mean \"realm\"?)" },
	{ "colour = blue\n", "f:1: unknown key \"colour\"" },
	{ "Domain = x\n",
	    "f:1: unknown key \"Domain\" (did you mean \"domain\"?)" },
	{ "domain = a.b\n#\ndomain = a.c\n",
	    "f:3: \"domain\" is set twice (first in line 1)" },
	{ "hello\n", "f:1: not KEY = VALUE: \"hello\"" },
	{ "= x\n", "f:1: not KEY = VALUE: \"= x\"" },
	{ "domain =\n",
	    "f:1: bad value \"\" for \"domain\": a domain name "
	    "wanted" },
	{ "domain = # none\n",
	    "f:1: bad value \"\" for \"domain\": a domain "
	    "name wanted" },
	{ "domain = a..b",
	    "f:1: bad value \"a..b\" for \"domain\": a domain "
	    "name wanted" },
	{ "users = all\n",
	    "f:1: bad value \"all\" for \"users\": any or "
	    "known wanted" },
	{ "streams = 0\n",
	    "f:1: bad value \"0\" for \"streams\": 1 to 16 "
	    "wanted" },
	{ "streams = 3x\n",
	    "f:1: bad value \"3x\" for \"streams\": 1 to 16 "
	    "wanted" },
	{ "suite = aes256-ctr-hmac-sha512-8\n",
	    "f:1: bad value "
	    "\"aes256-ctr-hmac-sha512-8\" for \"suite\" (did you mean "
	    "\"aes256-ctr-hmac-sha512-80\"?)" },
	{ "\nsuite = fig9-des\n",
	    "f:2: suite \"fig9-des\" needs allow-insecure-fig9 = yes" },
	{ "allow-insecure-fig9 = no\nsuite = fig9alt-aes128\n",
	    "f:2: suite \"fig9alt-aes128\" needs allow-insecure-fig9 = yes" },
	{ "directory = ldap://h/dc=x\ndirectory-bind = simple\n",
	    "f:2: directory-bind = simple needs directory-dn and "
	    "directory-password" },
	{ "directory = ldap://h/dc=x\ndirectory-starttls = no\n"
	  "directory-bind = simple\ndirectory-dn = cn=a\n"
	  "directory-password = /p\n",
	    "f:3: directory-bind = simple needs TLS: ldaps://, or "
	    "directory-starttls = yes" },
	{ "directory-bind = sasl\n",
	    "f:1: bad value \"sasl\" for \"directory-bind\": anonymous, "
	    "gssapi or simple wanted" },
	{ "directory-ca = ca.pem\n",
	    "f:1: bad value \"ca.pem\" for \"directory-ca\": an absolute "
	    "path wanted" },
	{ "security = none\n",
	    "f:1: bad value \"none\" for \"security\": "
	    "sealed or plain wanted" },
	{ "x\x1b[31m = 1\n", "f:1: unknown key \"x\\x1b[31m\"" },
	{ "domain = a b\n",
	    "f:1: bad value \"a b\" for \"domain\": a domain "
	    "name wanted" },
};

static const struct {
	const char *text;
	int ok;
} rows[] = {
	{ "", 1 },
	{ "\r\n", 1 },
	{ "domain=x", 1 },
	{ "domain=x\r\n", 1 },
	{ "\tdomain\t=\tx\t# c\n", 1 },
	{ "domain=-x", 0 },
	{ "domain=x.", 0 },
	{ "domain=x_y", 0 },
	{ "pal = h:1", 1 },
	{ "pal = p2@10.0.0.1:65535", 1 },
	{ "pal = [::1]:7321", 1 },
	{ "pal = ::1:7321", 0 },
	{ "pal = h", 0 },
	{ "pal = h:0", 0 },
	{ "pal = h:65536", 0 },
	{ "pal = :1", 0 },
	{ "pal = P@h:1", 0 },
	{ "pal = @h:1", 0 },
	{ "pal = a@b@h:1", 0 },
	{ "pal = [::1:1", 0 },
	{ "pal = a/b:1", 0 },
	{ "pal = p@:1", 0 },
	{ "realm = A@B", 0 },
	{ "realm = A B", 0 },
	{ "register-rate = 0", 0 },
	{ "register-rate = 1000000", 1 },
	{ "conference-files = 0", 0 },
	{ "conference-files = 1048577", 0 },
	{ "user-conferences = 0", 0 },
	{ "user-conferences = 1000001", 0 },
	{ "user-subscriptions = 1", 1 },
	{ "gateway = gw1", 0 },
	{ "gateway = GW udp:h:1", 0 },
	{ "directory = http://x", 0 },
	{ "directory = ldaps://x/dc=x#y", 1 },
	{ "directory = ldap://x/dc=x", 1 },
	{ "directory = ldap://[::1]:389/dc=x", 1 },
	{ "directory = ldapi://%2Frun%2Fldapi/dc=x", 1 },
	{ "directory = ldap://x", 0 },
	{ "directory = ldap://x/", 0 },
	{ "directory = ldap:///dc=x", 0 },
	{ "directory = ldap://x:0/dc=x", 0 },
	{ "directory = ldap://x:/dc=x", 0 },
	{ "directory = ldap://x y/dc=x", 0 },
	{ "directory = ldap://x/dc=x?cn?sub", 0 },
	{ "directory-groups = ou=groups,dc=x", 1 },
	{ "directory-groups = groups", 0 },
	{ "directory-attributes = building,costCentre-2", 1 },
	{ "directory-attributes = ", 0 },
	{ "directory-attributes = a b", 0 },
	{ "directory-attributes = a,,b", 0 },
	{ "directory-attributes = a,", 0 },
	{ "directory-attributes = *", 0 },
	{ "directory-starttls = no", 1 },
	{ "directory-starttls = maybe", 0 },
	{ "directory-bind = gssapi", 1 },
	{ "directory-bind = simple", 1 },
	{ "directory = ldaps://x/dc=x\ndirectory-starttls = no\n"
	  "directory-bind = simple\ndirectory-dn = cn=a\n"
	  "directory-password = /p",
	    1 },
	{ "directory-dn = alice", 0 },
	{ "directory-password = p", 0 },
	{ "suite = fig9-des\nallow-insecure-fig9 = yes", 1 },
	{ "suite = chacha20-poly1305", 1 },
	{ "suite = AES", 0 },
	{ "allow-insecure-fig9 = 1", 0 },
	{ "users = known", 1 },
	{ "key-life = 24h", 1 },
	{ "key-life = 25h", 0 },
	{ "key-life = 0", 0 },
	{ "key-life = soon", 0 },
	{ "register-life = 5", 1 },
	{ "register-life = 4", 0 },
};

static char why[256], dir[64], path[128];

static int
parse(struct conf *c, const char *text)
{
	return conf_parse(c, "f", text, strlen(text), why, sizeof(why));
}

static void
test_parse(void)
{
	struct conf c, before;
	char longer[3000];
	size_t i;

	conf_defaults(&c);
	T_INT(parse(&c, example), 0);
	T_STR(c.domain, "example.org");
	T_STR(c.realm, "EXAMPLE.ORG");
	T_STR(c.pal, "pal@ctl.example.org:7321");
	T_STR(c.gateway, "gw1 udp:10.0.0.9:5060 prefix=+1");
	T_STR(c.directory,
	    "ldap://ldap.example.org/ou=people,dc=example,"
	    "dc=org");
	T(c.users_known == 0 && c.register_rate == 20 && c.streams == 3);
	T(c.plain == 0 && c.allow_insecure_fig9 == 0);
	T(c.user_conferences == 4096 && c.user_subscriptions == 16384);
	T(c.key_life == 86400 && c.register_life == 86400);
	T_STR(c.suite, "aes256-ctr-hmac-sha512-80");
	T_INT(parse(&c,
		  "security = plain\nusers = known\nstreams=5\n"
		  "domain = Other.Example"),
	    0);
	T(c.plain == 1 && c.users_known == 1 && c.streams == 5);
	T_STR(c.domain, "other.example");

	before = c;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		T_OK(parse(&c, bad[i].text) == SEC_ERR_CONFIG, "bad %zu", i);
		T_STR(why, bad[i].why);
	}
	T(memcmp(&before, &c, sizeof(c)) == 0);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		conf_defaults(&c);
		T_OK((parse(&c, rows[i].text) == 0) == rows[i].ok, "\"%s\"",
		    rows[i].text);
	}

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	T_INT(parse(&c, longer), SEC_ERR_CONFIG);
	T_STR(why, "f:1: line too long");
	memcpy(longer, "domain = ", 9);
	longer[9 + 256] = '\0';
	T_INT(parse(&c, longer), SEC_ERR_CONFIG);
	T_INT(conf_parse(&c, "f", "users=any\0\n", 11, why, sizeof(why)),
	    SEC_ERR_CONFIG);
	T_STR(why, "f:1: not a text file");
}

static void
put_file(const char *name, const char *text)
{
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "w")) == NULL || fputs(text, f) < 0 ||
	    fclose(f) != 0)
		exit(1);
}

static void
test_load(void)
{
	struct conf c;
	char want[256];

	strcpy(dir, "/tmp/sec-unit-XXXXXX");
	if (mkdtemp(dir) == NULL)
		exit(1);
	setenv("SEC_DIR", dir, 1);
	snprintf(path, sizeof(path), "%s/etc", dir);
	mkdir(path, 0700);

	/* No file is fine: loopback only, and no realm. */
	T_INT(conf_load(&c, NULL, why, sizeof(why)), 0);
	T(c.domain[0] == '\0' && c.realm[0] == '\0' && c.streams == 3);
	put_file("etc/sec.conf", "domain = lab.example\nstreams = 4\n");
	T_INT(conf_load(&c, NULL, why, sizeof(why)), 0);
	T_STR(c.domain, "lab.example");
	T_STR(c.realm, "LAB.EXAMPLE");
	T_INT(c.streams, 4);
	put_file("own", "streams = 2\n");
	T_INT(conf_load(&c, path, why, sizeof(why)), 0);
	T(c.domain[0] == '\0' && c.streams == 2);
	/* A later file wins over an earlier one. */
	put_file("etc/sec.conf", "streams = 9\nusers = known\n");
	T_INT(conf_read(&c, path, 1, why, sizeof(why)), 0);
	T(c.streams == 9 && c.users_known);

	put_file("own", "stream = 2\n");
	T_INT(conf_load(&c, path, why, sizeof(why)), SEC_ERR_CONFIG);
	snprintf(want, sizeof(want),
	    "%s:1: unknown key \"stream\" (did you "
	    "mean \"streams\"?)",
	    path);
	T_STR(why, want);
	T_INT(c.streams, 9);
	unlink(path);
	T_INT(conf_load(&c, path, why, sizeof(why)), SEC_ERR_CONFIG);
	snprintf(want, sizeof(want), "%s: no such file", path);
	T_STR(why, want);
	T_INT(conf_read(&c, path, 0, why, sizeof(why)), 0);
	T_INT(conf_read(&c, dir, 1, why, sizeof(why)), SEC_ERR_CONFIG);

	snprintf(path, sizeof(path), "%s/etc/sec.conf", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/etc", dir);
	rmdir(path);
	rmdir(dir);
}

static void
test_suggest(void)
{
	static const char *const words[] = { "accept", "decline", "join",
		"list", "leave" };
	char longest[300];

	T_STR(conf_suggest("acept", words, 5), "accept");
	T_STR(conf_suggest("jion", words, 5), "join");
	T_STR(conf_suggest("lits", words, 5), "list");
	T_STR(conf_suggest("decilne", words, 5), "decline");
	T(conf_suggest("zebra", words, 5) == NULL);
	T(conf_suggest("", words, 5) == NULL);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	T(conf_suggest(longest, words, 5) == NULL);
}

int
main(void)
{
	test_parse();
	test_load();
	test_suggest();
	return t_done();
}
