/* Lines of mix.json: there and back, and what a hand may have made of them. */
#include "../../../cmd/sec-agent/mixfile.c"
#include "../test.h"

static struct mix_line m;

static int
parse(const char *s)
{
	return mix_line_parse(&m, s, strlen(s));
}

static void
back(const struct mix_line *l, const char *want)
{
	struct buf b = BUF_INIT;

	mix_line_put(l, &b);
	if (want != NULL)
		T_STR(buf_cstr(&b), want);
	T_INT(mix_line_parse(&m, buf_cstr(&b), buf_len(&b)), 0);
	T_STR(m.uri, l->uri);
	T_INT(m.is_user, l->is_user);
	T_STR(m.cid, l->cid);
	T_INT(m.mode, l->mode);
	T_INT(m.vol, l->vol);
	T_STR(m.sound, l->sound);
	buf_free(&b);
}

int
main(void)
{
	static const char *const bad[] = {
		"",
		"x",
		"{}",
		"{\"v\":1}",
		"{\"conf\":\"\"}",
		"{\"conf\":\"sip:a@conf.x\"",
		"{\"conf\":\"sip:a@conf.x\"}}",
		"{\"conf\":\"sip:a@conf.x\",}",
		"{\"conf\" \"sip:a@conf.x\"}",
		"{\"conf\":\"sip:a@conf.x\",\"mode\":\"loud\"}",
		"{\"conf\":\"sip:a@conf.x\",\"vol_db\":13}",
		"{\"conf\":\"sip:a@conf.x\",\"vol_db\":-61}",
		"{\"conf\":\"sip:a@conf.x\",\"vol_db\":\"x\"}",
		"{\"conf\":\"a\\q\"}",
		"{\"conf\":\"a\\u00g0\"}",
		"{\"conf\":\"a\\u0000\"}",
		"{\"conf\":\"a",
		"{\"conf\":\"a\\",
		"{\"conf\":\"a\\u00",
	};
	struct mix_line conf = { .uri = "sip:standup@conf.lab.test",
		.cid = "01b12f37998c9f70",
		.mode = MIX_EARCON,
		.vol = -6,
		.sound = "/tmp/a \"b\"\\\n\x01.wav" };
	struct mix_line user = { .uri = "sip:bob@lab.test",
		.is_user = 1,
		.sound = "none" };
	char big[3000];
	size_t i;

	back(&conf,
	    "{\"v\":1,\"conf\":\"sip:standup@conf.lab.test\","
	    "\"id\":\"01b12f37998c9f70\",\"mode\":\"earcon\","
	    "\"vol_db\":-6,\"sound\":\"/tmp/a \\\"b\\\"\\\\\\n\\u0001.wav\"}"
	    "\n");
	back(&user,
	    "{\"v\":1,\"user\":\"sip:bob@lab.test\",\"sound\":\"none\"}\n");
	for (i = 0; mix_modes[i] != NULL; i++) {
		conf.mode = (enum mix_mode)i;
		T_INT(mix_mode_of(mix_modes[i]), (int)i);
		back(&conf, NULL);
	}
	T_INT(mix_mode_of("loud"), -1);

	/* Any order, blanks, fields of a later version. */
	T_INT(parse(" { \"new\" : true , \"vol_db\" : 12 ,\"conf\": \"x\" } "),
	    0);
	T_INT(m.vol, 12);
	T_STR(m.uri, "x");
	T_INT(m.mode, MIX_HEAR);
	T_INT(parse("{\"conf\":\"\\u00e9\\u20ac\\/\"}"), 0);
	T_STR(m.uri, "\xc3\xa9\xe2\x82\xac/");

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		T_OK(parse(bad[i]) == SEC_ERR_FORMAT, "row %zu is refused", i);
	T_INT(mix_line_parse(&m, "{\"conf\":\"x\",\"vol_db\":5\0}", 24),
	    SEC_ERR_FORMAT);
	memset(big, 'a', sizeof(big));
	memcpy(big, "{\"conf\":\"", 9);
	memcpy(big + sizeof(big) - 3, "\"}", 3);
	T_INT(parse(big), SEC_ERR_FORMAT);
	memcpy(big + 600, "\"}", 3);
	T_INT(parse(big), SEC_ERR_FORMAT);
	return t_done();
}
