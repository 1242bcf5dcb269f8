#include "base/addr.h"
#include "base/err.h"
#include "../test.h"

static const struct {
	const char *in;
	const char *out; /* NULL: refused */
	int port, loopback;
	const char *key;
} table[] = {
	{ "127.0.0.1:7320", "127.0.0.1:7320", 7320, 1, "7f000001" },
	{ "127.8.9.10:0", "127.8.9.10:0", 0, 1, "7f08090a" },
	{ "10.1.2.3:65535", "10.1.2.3:65535", 65535, 0, "0a010203" },
	{ "[::1]:7320", "[::1]:7320", 7320, 1, "0000000000000000" },
	{ "[2001:db8:1:2:3:4:5:6]:1", "[2001:db8:1:2:3:4:5:6]:1", 1, 0,
	    "20010db800010002" },
	{ "[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", 1, 1, "7f000001" },
	{ "[::ffff:10.1.2.3]:1", "[::ffff:10.1.2.3]:1", 1, 0, "0a010203" },
	{ "", NULL, 0, 0, "" },
	{ ":1", NULL, 0, 0, "" },
	{ "127.0.0.1", NULL, 0, 0, "" },
	{ "127.0.0.1:", NULL, 0, 0, "" },
	{ "127.0.0.1:65536", NULL, 0, 0, "" },
	{ "127.0.0.1:-1", NULL, 0, 0, "" },
	{ "127.0.0.1: 1", NULL, 0, 0, "" },
	{ "127.1:1", NULL, 0, 0, "" },
	{ "256.0.0.1:1", NULL, 0, 0, "" },
	{ "localhost:1", NULL, 0, 0, "" },
	{ "::1:7320", NULL, 0, 0, "" },
	{ "[::1]", NULL, 0, 0, "" },
	{ "[::1:1", NULL, 0, 0, "" },
	{ "[]:1", NULL, 0, 0, "" },
	{ "[127.0.0.1]:1", NULL, 0, 0, "" },
};

int
main(void)
{
	char s[ADDR_STRLEN], longest[600];
	unsigned char key[8];
	struct addr a, b;
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		memset(&a, 0, sizeof(a));
		r = addr_parse(&a, table[i].in);
		if (table[i].out == NULL) {
			T_OK(r == SEC_ERR_FORMAT, "not \"%s\"", table[i].in);
			continue;
		}
		T_OK(r == 0, "parse \"%s\"", table[i].in);
		T_STR(addr_format(&a, s), table[i].out);
		T_INT(addr_port(&a), table[i].port);
		T_INT(addr_is_loopback(&a), table[i].loopback);
		n = addr_limit_key(&a, key);
		T_MEM(key, n, table[i].key);
	}

	addr_parse(&a, "[2001:db8::1]:5");
	T_STR(addr_format_host(&a, s), "2001:db8::1");
	addr_parse(&b, "[2001:db8::1]:6");
	T(!addr_equal(&a, &b));
	addr_set_port(&b, 5);
	T(addr_equal(&a, &b));
	addr_parse(&b, "[2001:db8::2]:5");
	T(!addr_equal(&a, &b));
	addr_parse(&a, "10.0.0.1:5");
	T(!addr_equal(&a, &b));
	addr_parse(&b, "10.0.0.1:5");
	T(addr_equal(&a, &b));
	T_STR(addr_format_host(&a, s), "10.0.0.1");

	T(addr_resolve(&a, "10.0.0.9:80") == 0);
	T_STR(addr_format(&a, s), "10.0.0.9:80");
	T(addr_resolve(&a, "localhost:80") == 0 && addr_is_loopback(&a));
	T_INT(addr_port(&a), 80);
	T_INT(addr_resolve(&a, "localhost"), SEC_ERR_FORMAT);
	T_INT(addr_resolve(&a, "[localhost]:1"), SEC_ERR_FORMAT);
	memset(longest, 'a', sizeof(longest));
	strcpy(longest + 300, ":1");
	T_INT(addr_resolve(&a, longest), SEC_ERR_FORMAT);

	/* A Unix peer has no address to show. */
	memset(&a, 0, sizeof(a));
	T_STR(addr_format(&a, s), "-");
	T_INT(addr_port(&a), 0);
	T(!addr_is_loopback(&a));
	return t_done();
}
