#include "base/err.h"
#include "wire/line.h"
#include "../test.h"

static int
parse(struct line *l, const char *s)
{
	return line_parse(l, s, strlen(s));
}

static void
test_parse(void)
{
	uint8_t bytes[3];
	struct buf b = BUF_INIT;
	struct line l;
	uint64_t n;

	T_INT(parse(&l,
		  "join\tid=7\tconf=sip:ops@conf.example.org\t"
		  "note=a%09b%0ac%25d%0D\tkey=AQID\tempty=\teq=a=b\n"),
	    0);
	T_STR(l.verb, "join");
	T_INT(l.n, 6);
	T_STR(line_get(&l, "note"), "a\tb\nc%d\r");
	T_STR(line_get(&l, "empty"), "");
	T_STR(line_get(&l, "eq"), "a=b");
	T(line_get(&l, "absent") == NULL && line_get(&l, "not") == NULL);
	T_STR(line_get_or(&l, "absent", "x"), "x");
	T_STR(line_get_or(&l, "id", "x"), "7");
	T(line_get_u64(&l, "id", &n) == 0 && n == 7);
	T_INT(line_get_u64(&l, "absent", &n), SEC_ERR_NOTHING);
	T_INT(line_get_u64(&l, "note", &n), SEC_ERR_FORMAT);
	T_INT(line_get_u64(&l, "empty", &n), SEC_ERR_FORMAT);
	T_INT(line_get_exact(&l, "key", bytes, 3), 0);
	T_MEM(bytes, 3, "010203");
	T_INT(line_get_exact(&l, "key", bytes, 2), SEC_ERR_FORMAT);
	T_INT(line_get_exact(&l, "absent", bytes, 2), SEC_ERR_NOTHING);
	T_INT(line_get_bytes(&l, "key", &b), 0);
	T_MEM(buf_data(&b), buf_len(&b), "010203");
	T_INT(line_get_bytes(&l, "id", &b), SEC_ERR_FORMAT);
	T_INT(line_get_bytes(&l, "absent", &b), SEC_ERR_NOTHING);
	T(line_arg(&l, 0) == NULL);
	line_free(&l);
	line_free(&l);

	T_INT(parse(&l, "entry\tsip:bob@example.org\tstatus=available\t-"), 0);
	T_STR(line_arg(&l, 0), "sip:bob@example.org");
	T_STR(line_arg(&l, 1), "-");
	T(line_arg(&l, 2) == NULL);
	line_free(&l);
	T_INT(parse(&l, "u\tn=18446744073709551615\tm=18446744073709551616"),
	    0);
	T(line_get_u64(&l, "n", &n) == 0 && n == UINT64_MAX);
	T_INT(line_get_u64(&l, "m", &n), SEC_ERR_FORMAT);
	line_free(&l);
	T(parse(&l, "ok\n") == 0 && l.n == 0);
	line_free(&l);
	T_INT(parse(&l, "e\tq=1.1\tq=1.2"), SEC_ERR_FORMAT);
	buf_free(&b);
}

static const char *const bad[] = {
	"",
	"\n",
	"\n\n",
	"ok\n\n",
	"ok\r\n",
	"ok\r",
	" ok",
	"Ok",
	"1",
	"o k",
	"\tid=1",
	"ok\t=1",
	"ok\tId=1",
	"ok\tid=1\tid=1",
	"ok\tid=1\tid=2",
	"ok\t1d=1",
	"ok\ti d=1",
	"ok\ta=%",
	"ok\ta=%4",
	"ok\ta=%4g",
	"ok\ta=%g4",
	"ok\ta=%00",
	"ok\ta=%%",
	"ok\t%",
	"ok=1",
	"ok\ta;b=1",
	"ok\ta=1\nno",
	"ok\ta=b\rc",
};

static void
test_refuse(void)
{
	struct line l;
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		T_OK(parse(&l, bad[i]) == SEC_ERR_FORMAT, "refused: row %zu",
		    i);
	T_INT(line_parse(&l, "ok\ta=b\0c", 8), SEC_ERR_FORMAT);

	buf_put_str(&b, "ok\ta=");
	while (buf_len(&b) < LINE_MAX_BYTES)
		buf_put_u8(&b, 'x');
	T_INT(line_parse(&l, (char *)buf_data(&b), buf_len(&b)), 0);
	T_INT(strlen(line_get(&l, "a")), LINE_MAX_BYTES - 5);
	line_free(&l);
	buf_put_u8(&b, 'x');
	T_INT(line_parse(&l, (char *)buf_data(&b), buf_len(&b)), SEC_ERR_LIMIT);

	buf_reset(&b);
	buf_put_str(&b, "ok");
	for (i = 0; i < LINE_FIELDS; i++)
		buf_putf(&b, "\tk%zu=%zu", i, i);
	T_INT(line_parse(&l, (char *)buf_data(&b), buf_len(&b)), 0);
	T_STR(line_get(&l, "k127"), "127");
	line_free(&l);
	buf_put_str(&b, "\tlast");
	T_INT(line_parse(&l, (char *)buf_data(&b), buf_len(&b)), SEC_ERR_LIMIT);
	buf_free(&b);
}

static void
test_write(void)
{
	struct buf b = BUF_INIT, again = BUF_INIT;
	char every[256];
	struct line l;
	size_t i;

	line_begin(&b, "row");
	line_put_u64(&b, "id", UINT64_MAX);
	line_put(&b, "note", "a\tb\nc%d\r=");
	line_put(&b, "none", NULL);
	line_putf(&b, "at", "%s:%d%%", "h\t", 5);
	line_put_bytes(&b, "key", "\x01\x02\x03", 3);
	line_put_arg(&b, "sip:a;q=1%");
	line_put_arg(&b, NULL);
	line_put_bytes(&b, "nil", "", 0);
	line_end(&b);
	T_STR(buf_cstr(&b),
	    "row\tid=18446744073709551615\t"
	    "note=a%09b%0Ac%25d%0D=\tat=h%09:5%25\tkey=AQID\t"
	    "sip:a;q%3D1%25\tnil=\n");
	T_INT(line_parse(&l, buf_cstr(&b), buf_len(&b)), 0);
	T_STR(line_get(&l, "note"), "a\tb\nc%d\r=");
	T_STR(line_get(&l, "at"), "h\t:5%");
	T_STR(line_arg(&l, 0), "sip:a;q=1%");
	line_begin(&again, l.verb);
	for (i = 0; i < l.n; i++)
		line_put_field(&again, &l.field[i]);
	line_end(&again);
	T_STR(buf_cstr(&again), buf_cstr(&b));
	line_free(&l);

	/* Every byte that a value can hold comes back. */
	for (i = 0; i < 255; i++)
		every[i] = (char)(i + 1);
	every[255] = '\0';
	buf_reset(&b);
	line_begin(&b, "x");
	line_put(&b, "v", every);
	line_put_arg(&b, every);
	line_end(&b);
	T_INT(line_parse(&l, buf_cstr(&b), buf_len(&b)), 0);
	T_STR(line_get(&l, "v"), every);
	T_STR(line_arg(&l, 0), every);
	line_free(&l);
	buf_reset(&b);
	line_escape(&b, "a\tb c=%\n");
	T_STR(buf_cstr(&b), "a%09b c=%25%0A");
	buf_free(&b);
	buf_free(&again);
}

static void
test_words(void)
{
	struct buf b = BUF_INIT;
	struct line l;

	line_put_word(&b, "name", "ops");
	line_put_word(&b, "title", "Night shift\t100%");
	line_put_word(&b, "none", NULL);
	T_STR(buf_cstr(&b), "name=ops title=Night%20shift%09100%25");
	T_INT(line_parse_words(&l, buf_cstr(&b), buf_len(&b)), 0);
	T_STR(l.verb, "");
	T_STR(line_get(&l, "title"), "Night shift\t100%");
	line_free(&l);
	buf_reset(&b);
	buf_put_str(&b, "SEC-Conference: ");
	line_put_word(&b, "name", "ops");
	T_STR(buf_cstr(&b), "SEC-Conference: name=ops");
	T(line_parse_words(&l, "  a=1   b  ", 11) == 0 && l.n == 2);
	T_STR(line_get(&l, "a"), "1");
	T_STR(line_arg(&l, 0), "b");
	line_free(&l);
	T(line_parse_words(&l, "", 0) == 0 && l.n == 0);
	line_free(&l);
	T_INT(line_parse_words(&l, "a=1 a=2", 7), SEC_ERR_FORMAT);
	T_INT(line_parse_words(&l, "a=1\tb=2", 7), SEC_ERR_FORMAT);
	T_INT(line_parse_words(&l, "A=1", 3), SEC_ERR_FORMAT);
	T_INT(line_parse_words(&l, "a=%2", 4), SEC_ERR_FORMAT);
	buf_free(&b);
}

static void
test_next(void)
{
	static const char body[] = "a\tx=1\n\n\t=\nb\r\nc\tx=3";
	const char *p = body, *end = body + sizeof(body) - 1;
	struct line l;

	T_INT(line_next(&l, &p, end), 1);
	T_STR(l.verb, "a");
	line_free(&l);
	/* Neither the empty one nor those that are none. */
	T_INT(line_next(&l, &p, end), 1);
	T_STR(l.verb, "c");
	T_STR(line_get(&l, "x"), "3");
	line_free(&l);
	T_INT(line_next(&l, &p, end), 0);
	T(p == end);
	T_INT(line_next(&l, &p, end), 0);
}

static void
test_nth(void)
{
	struct buf b = BUF_INIT;

	line_begin(&b, "v");
	line_put_nth(&b, "mail", 1, "a");
	line_put_nth(&b, "mail", 2, "b");
	line_put_nth(&b, "mail", 3, NULL);
	line_end(&b);
	T_STR(buf_cstr(&b), "v\tmail=a\tmail.2=b\n");
	buf_free(&b);
}

/* A line and what stands behind it. */
static void
with_bytes(void)
{
	static const char body[] = "chunk\tn=0\tbytes=4\n\0\n\tx";
	const uint8_t *p;
	struct line l;
	size_t n;

	T_INT(line_parse_bytes(&l, body, sizeof body - 1, &p, &n), 0);
	T_STR(l.verb, "chunk");
	T(n == 4 && memcmp(p, "\0\n\tx", 4) == 0);
	line_free(&l);
	T_INT(line_parse_bytes(&l, "files", 5, &p, &n), 0);
	T_INT(n, 0);
	line_free(&l);
	T_INT(line_parse_bytes(&l, "files\n", 6, &p, &n), 0);
	T_INT(n, 0);
	line_free(&l);
	T_INT(line_parse_bytes(&l, "", 0, &p, &n), SEC_ERR_FORMAT);
	T(line_parse_bytes(&l, "\nbytes", 6, &p, &n) != 0);
	T(line_parse_bytes(&l, "a\0b\nbytes", 9, &p, &n) != 0);
}

int
main(void)
{
	test_parse();
	test_refuse();
	test_write();
	test_words();
	test_next();
	test_nth();
	with_bytes();
	return t_done();
}
