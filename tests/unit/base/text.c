#include <locale.h>

#include "base/err.h"
#include "base/text.h"
#include "../test.h"

static const struct {
	const char *in;
	int ok;
	const char *fixed; /* by text_put_utf8() */
} utf8[] = {
	{ "", 1, "" },
	{ "plain", 1, "plain" },
	{ "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80", 1,
	    "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 1,
	    "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf" },
	{ "\x80", 0, "\xef\xbf\xbd" },
	{ "a\xffz", 0, "a\xef\xbf\xbdz" },
	{ "\xc0\xaf", 0, "\xef\xbf\xbd\xef\xbf\xbd" }, /* overlong */
	{ "\xe0\x80\xaf", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf0\x80\x80\xaf", 0,
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", 0, /* surrogate */
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf4\x90\x80\x80", 0, /* too large */
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xc3", 0, "\xef\xbf\xbd" }, /* cut short */
	{ "\xe2\x82", 0, "\xef\xbf\xbd" },
	{ "\xf0\x9f\x98", 0, "\xef\xbf\xbd" },
	{ "\xe2\x82z", 0, "\xef\xbf\xbdz" },
	{ "\xe2\x28\xa1", 0, "\xef\xbf\xbd(\xef\xbf\xbd" },
};

static const struct {
	const char *in;
	int keep_nl, ascii;
	const char *want;
} visible[] = {
	{ "hello", 0, 0, "hello" },
	{ "back\\slash \"q\"", 0, 0, "back\\slash \"q\"" },
	{ "\x1b[31mred", 0, 0, "\\x1b[31mred" },
	{ "a\tb\r\x07\x7f", 0, 0, "a\\x09b\\x0d\\x07\\x7f" },
	{ "a\nb", 0, 0, "a\\x0ab" },
	{ "a\nb", 1, 0, "a\nb" },
	{ "\xc2\x9b"
	  "31m",
	    0, 0, "\\u{9b}31m" },
	{ "\xe2\x80\xae"
	  "gpj.exe",
	    0, 0, "\\u{202e}gpj.exe" },
	{ "\xe2\x81\xa6x\xe2\x81\xa9", 0, 0, "\\u{2066}x\\u{2069}" },
	{ "\xe2\x80\xa8", 1, 0, "\\u{2028}" },
	{ "gr\xc3\xbc\xc3\x9f", 0, 0, "gr\xc3\xbc\xc3\x9f" },
	{ "gr\xc3\xbc\xc3\x9f", 0, 1, "gr\\u{fc}\\u{df}" },
	{ "\xf0\x9f\x98\x80", 0, 1, "\\u{1f600}" },
	{ "bad\xff\xe2\x82", 0, 0, "bad\\xff\\xe2\\x82" },
};

static void
test_utf8(void)
{
	struct buf b = BUF_INIT;
	uint32_t c;
	size_t i, n;

	for (i = 0; i < sizeof(utf8) / sizeof(*utf8); i++) {
		n = strlen(utf8[i].in);
		T_OK(text_is_utf8(utf8[i].in, n) == utf8[i].ok, "row %zu", i);
		buf_reset(&b);
		text_put_utf8(&b, utf8[i].in, n);
		T_STR(buf_cstr(&b), utf8[i].fixed);
		T(text_is_utf8(buf_data(&b), buf_len(&b)));
	}
	T(text_decode("\xe2\x82\xac", 3, &c) == 3 && c == 0x20ac);
	T(text_decode("\xe2\x82\xac", 2, &c) == -2 && c == 0xfffd);
	T(text_is_utf8("a\0b", 3));
	for (i = 0; i < sizeof(visible) / sizeof(*visible); i++) {
		buf_reset(&b);
		text_put_visible(&b, visible[i].in, strlen(visible[i].in),
		    visible[i].keep_nl, visible[i].ascii);
		T_STR(buf_cstr(&b), visible[i].want);
	}
	buf_reset(&b);
	text_put_visible(&b, "a\0b", 3, 1, 0);
	T_STR(buf_cstr(&b), "a\\x00b");
	buf_free(&b);
}

static void
test_size(void)
{
	char out[8];

	setlocale(LC_CTYPE, "C.UTF-8");
	T_INT(text_width(""), 0);
	T_INT(text_width("abc"), 3);
	T_INT(text_width("gr\xc3\xbc\xc3\x9f"), 4);
	T_INT(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	T_INT(text_width("e\xcc\x81"), 1);
	T_INT(text_width("\xff\xff"), 2);

	T_INT(text_cut("abc", 3, 5), 3);
	T_INT(text_cut("abc", 3, 3), 3);
	T_INT(text_cut("abc", 3, 2), 2);
	T_INT(text_cut("a\xe2\x82\xac", 4, 3), 1);
	T_INT(text_cut("a\xe2\x82\xac", 4, 2), 1);
	T_INT(text_cut("\xf0\x9f\x98\x80x", 5, 4), 4);
	T_INT(text_cut("\xf0\x9f\x98\x80x", 5, 3), 0);
	T_INT(text_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
	T_INT(text_cut("abc", 3, 0), 0);

	T_INT(text_copy(out, "alice", sizeof(out)), 5);
	T_STR(out, "alice");
	T_INT(text_copy(out, "alice@example.org", sizeof(out)), 17);
	T_STR(out, "alice@e");
	T_INT(text_copy(NULL, "x", 0), 1);
}

static void
test_words(void)
{
	unsigned long long v = 99;
	char longest[66];

	T(text_equal_nocase("Call-ID", "call-id"));
	T(!text_equal_nocase("Call-ID", "call-i"));
	T(!text_equal_nocase("@", "`"));
	T(text_equal_nocase("", ""));

	T(text_number("0", 0, 10, &v) == 0 && v == 0);
	T(text_number("10", 0, 10, &v) == 0 && v == 10);
	T(text_number("18446744073709551615", 0, ~0ull, &v) == 0 && v == ~0ull);
	v = 99;
	T_INT(text_number("18446744073709551616", 0, ~0ull, &v),
	    SEC_ERR_FORMAT);
	T_INT(text_number("11", 0, 10, &v), SEC_ERR_FORMAT);
	T_INT(text_number("9", 0, 5, &v), SEC_ERR_FORMAT);
	T_INT(text_number("1", 2, 5, &v), SEC_ERR_FORMAT);
	T_INT(text_number("", 0, 10, &v), SEC_ERR_FORMAT);
	T_INT(text_number("-1", 0, 10, &v), SEC_ERR_FORMAT);
	T_INT(text_number("+1", 0, 10, &v), SEC_ERR_FORMAT);
	T_INT(text_number(" 1", 0, 10, &v), SEC_ERR_FORMAT);
	T_INT(text_number("1x", 0, 10, &v), SEC_ERR_FORMAT);
	T_INT(text_number("0x1", 0, 10, &v), SEC_ERR_FORMAT);
	T_INT(v, 99);

	T(text_is_word("coffee-2_go"));
	T(text_is_word("abcdefghijklmnopqrstuvwxyzabcde"));
	T(!text_is_word("abcdefghijklmnopqrstuvwxyzabcdef"));
	T(!text_is_word(""));
	T(!text_is_word("2go"));
	T(!text_is_word("Busy"));
	T(!text_is_word("a b"));
	T_STR(text_plural(0), "s");
	T_STR(text_plural(1), "");
	T(text_is_name("standup"));
	T(text_is_name("7-up.x_y"));
	T(!text_is_name(""));
	T(!text_is_name("-x"));
	T(!text_is_name("Standup"));
	T(!text_is_name("a/b"));
	T(!text_is_name("a b"));
	memset(longest, 'a', 65);
	longest[64] = '\0';
	T(text_is_name(longest));
	longest[64] = 'a';
	longest[65] = '\0';
	T(!text_is_name(longest));
}

static void
test_lists(void)
{
	static const char *const words[] = { "lamp", "phone" };

	T(text_list_has("text,voice", "text", 4));
	T(text_list_has("text,voice", "voice", 5));
	T(text_list_has("voice", "voice", 5));
	/* Neither a part of a word nor more than one. */
	T(!text_list_has("text,voice", "tex", 3));
	T(!text_list_has("text,voice", "voices", 6));
	T(!text_list_has("text,voice", "ext", 3));
	T(!text_list_has("text,voice", "text,voice", 10));
	T(!text_list_has("", "text", 4));
	/* Of a longer text the first n bytes. */
	T(text_list_has("type,stale", "type=lamp", 4));
	T(text_is_one_of("phone", words, 2));
	T(!text_is_one_of("phone", words, 1));
	T(!text_is_one_of("pho", words, 2));
	T(!text_is_one_of("", words, 2));
}

static void
test_bytes(void)
{
	static const struct {
		uint64_t n;
		const char *s;
	} t[] = { { 0, "0 B" }, { 999, "999 B" }, { 1000, "1.0 kB" },
		{ 9999, "9.9 kB" }, { 640000, "640 kB" }, { 999999, "999 kB" },
		{ 1000000, "1.0 MB" }, { 2900000, "2.9 MB" },
		{ 100000000, "100 MB" }, { 5000000000ULL, "5.0 GB" },
		{ UINT64_MAX, "18 EB" } };
	char out[16], hex[9];
	size_t i;

	for (i = 0; i < sizeof t / sizeof t[0]; i++)
		T_STR(text_bytes(out, t[i].n), t[i].s);
	text_hex(hex, "\x00\x7f\xff\xa5", 4);
	T_STR(hex, "007fffa5");
	T(text_is_hex(hex, 8) && !text_is_hex(hex, 7) && text_is_hex("", 0));
	T(!text_is_hex("007fffA5", 8) && !text_is_hex("007fff g", 8));
}

int
main(void)
{
	test_bytes();
	test_utf8();
	test_size();
	test_words();
	test_lists();
	return t_done();
}
