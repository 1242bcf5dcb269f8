#include <unistd.h>

#include "base/err.h"
#include "wire/servers.h"
#include "../test.h"

#define PUB1 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PUB2 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define ONE  "1 confctl confctl 127.0.0.1:7320 " PUB1

static struct servers s;
static char why[256];

static int
parse(const char *text)
{
	why[0] = '\0';
	return servers_parse(&s, text, strlen(text), why, sizeof(why));
}

static void
test_parse(void)
{
	struct buf b = BUF_INIT;

	T_INT(parse("# the servers\n\n" ONE "\n"
		    "200  mtcu2 mtcu\t[::1]:7340 " PUB1 "  # spare\n"
		    "2 pal pal pal.example.org:7310 " PUB2 "\n"
		    "\t 3 mtcu1 mtcu 127.0.0.1:65535 " PUB2),
	    0);
	T_INT(s.n, 4);
	T_STR(s.server[1].name, "pal");
	T_STR(s.server[1].role, "pal");
	T_STR(s.server[1].addr, "pal.example.org:7310");
	T_MEM(s.server[1].pub, 32,
	    "0102030405060708090a0b0c0d0e0f10"
	    "1112131415161718191a1b1c1d1e1f20");
	T_INT(s.server[3].number, 200);
	T(servers_by_name(&s, "mtcu1") == &s.server[2]);
	T(servers_by_name(&s, "mtcu") == NULL);
	T(servers_by_number(&s, 200) == &s.server[3]);
	T(servers_by_number(&s, 4) == NULL && servers_by_number(&s, 0) == NULL);
	T(servers_by_role(&s, "mtcu", 0) == &s.server[2]);
	T(servers_by_role(&s, "mtcu", 1) == &s.server[3]);
	T(servers_by_role(&s, "mtcu", 2) == NULL);
	servers_canonical(&s, &b);
	T_STR(buf_cstr(&b),
	    ONE "\n"
		"2 pal pal pal.example.org:7310 " PUB2 "\n"
		"3 mtcu1 mtcu 127.0.0.1:65535 " PUB2 "\n"
		"200 mtcu2 mtcu [::1]:7340 " PUB1 "\n");
	T(parse(buf_cstr(&b)) == 0 && s.n == 4);
	T(parse("") == 0 && s.n == 0);
	T(parse("# nobody yet\n\n") == 0 && s.n == 0);
	buf_free(&b);
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "2 pal pal h:1 " PUB1, "line 1: the first server" },
	{ "1 pal pal h:1 " PUB1, "line 1: the first server" },
	{ "- confctl confctl h:1 " PUB1, "line 1: no number" },
	{ ONE "\n" ONE, "line 2: number 1 is there twice" },
	{ ONE "\n\n2 confctl pal h:1 " PUB1, "line 3: name confctl" },
	{ "1 confctl confctl h:1", "line 1: too few" },
	{ ONE " x", "line 1: too many" },
	{ "0 confctl confctl h:1 " PUB1, "line 1: number" },
	{ "256 confctl confctl h:1 " PUB1, "line 1: number" },
	{ "x confctl confctl h:1 " PUB1, "line 1: number" },
	{ "1 Confctl confctl h:1 " PUB1, "line 1: bad name" },
	{ "1 ../x confctl h:1 " PUB1, "line 1: bad name" },
	{ "1 confctl focus h:1 " PUB1, "line 1: unknown role" },
	{ "1 confctl confctl h " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl :1 " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl h:0 " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl h:65536 " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl ::1:80 " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl [::1:80 " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl []:80 " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl h/x:80 " PUB1, "line 1: bad HOST" },
	{ "1 confctl confctl h:1 AAAA", "line 1: bad public" },
	{ "1 confctl confctl h:1 " PUB1 "A", "line 1: bad public" },
	{ ONE "\r\n", "line 1: bad public" },
};

static void
test_refuse(void)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		T_OK(parse(bad[i].text) == SEC_ERR_FORMAT && s.n == 0 &&
			strncmp(why, bad[i].why, strlen(bad[i].why)) == 0,
		    "row %zu: %s", i, why);
	T_INT(servers_parse(&s, ONE "\0", sizeof(ONE), why, sizeof(why)),
	    SEC_ERR_FORMAT);
	/* A long host, a long line; no room for the reason. */
	buf_put_str(&b, "1 confctl confctl ");
	for (i = 0; i < 260; i++)
		buf_put_u8(&b, 'h');
	buf_put_str(&b, ":1 " PUB1);
	T_INT(parse(buf_cstr(&b)), SEC_ERR_FORMAT);
	for (i = 0; i < 1000; i++)
		buf_put_u8(&b, ' ');
	T_INT(servers_parse(&s, buf_cstr(&b), buf_len(&b), NULL, 0),
	    SEC_ERR_FORMAT);
	buf_free(&b);
}

static void
test_line(void)
{
	static const char text[] = "- mtcu1 mtcu 127.0.0.1:7330 " PUB2;
	struct buf b = BUF_INIT;
	struct server one;

	T_INT(servers_parse_line(&one, text, strlen(text), why, sizeof(why)),
	    0);
	T_INT(one.number, 0);
	servers_put_line(&b, &one);
	T_STR(buf_cstr(&b), text);
	one.number = 7;
	buf_reset(&b);
	servers_put_line(&b, &one);
	T_STR(buf_cstr(&b), "7 mtcu1 mtcu 127.0.0.1:7330 " PUB2);
	T_INT(servers_parse_line(&one, "a\nb", 3, why, sizeof(why)),
	    SEC_ERR_FORMAT);
	buf_free(&b);
}

static void
test_read(void)
{
	char path[] = "/tmp/servers.XXXXXX";
	FILE *f;
	int fd;

	if ((fd = mkstemp(path)) < 0 || (f = fdopen(fd, "w")) == NULL) {
		T(!"a temporary file");
		return;
	}
	fputs(ONE "\n", f);
	fclose(f);
	T_INT(servers_read(&s, path, why, sizeof(why)), 0);
	T_INT(s.n, 1);
	if ((f = fopen(path, "a")) != NULL) {
		fputs("nonsense\n", f);
		fclose(f);
	}
	T_INT(servers_read(&s, path, why, sizeof(why)), SEC_ERR_FORMAT);
	T(strstr(why, path) == why && strstr(why, ": line 2: ") != NULL);
	unlink(path);
	T_INT(servers_read(&s, path, why, sizeof(why)), SEC_ERR_NOTHING);
}

int
main(void)
{
	test_parse();
	test_refuse();
	test_line();
	test_read();
	return t_done();
}
