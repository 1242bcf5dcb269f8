#include "base/err.h"
#include "wire/base64.h"
#include "../test.h"

/* RFC 4648 10. */
static const struct {
	const char *text, *code;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static const char *const bad[] = {
	"Z",
	"Zg",
	"Zg=",
	"Zh==",
	"Zm9=",
	"Zm8",
	"Zg==Zg==",
	"Z===",
	"====",
	"=Zg=",
	"Zm=v",
	"Zm9v\n",
	"Zm9v ",
	" Zm9v",
	"Zm-v",
	"Zm_v",
	"Zm9v=",
	"Zm9v====",
	"Zg==\n",
	"Zm9v\xc3",
	"A=AA",
};

int
main(void)
{
	struct buf b = BUF_INIT, back = BUF_INIT;
	uint8_t all[256], out[256];
	size_t i, n;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		n = strlen(vectors[i].text);
		buf_reset(&b);
		base64_put(&b, vectors[i].text, n);
		T_STR(buf_cstr(&b), vectors[i].code);
		buf_reset(&b);
		T_INT(base64_decode(&b, vectors[i].code,
			  strlen(vectors[i].code)),
		    0);
		T_STR(buf_cstr(&b), vectors[i].text);
		T_INT(base64_exact(out, n, vectors[i].code), 0);
		T_INT(base64_exact(out, n + 1, vectors[i].code),
		    SEC_ERR_FORMAT);
		if (n > 0)
			T_INT(base64_exact(out, n - 1, vectors[i].code),
			    SEC_ERR_FORMAT);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&b);
		buf_put_str(&b, "x");
		T_OK(base64_decode(&b, bad[i], strlen(bad[i])) ==
			SEC_ERR_FORMAT,
		    "refused: %s", bad[i]);
		T_STR(buf_cstr(&b), "x");
	}
	T_INT(base64_decode(&b, "Zg\0=", 4), SEC_ERR_FORMAT);

	/* Every length, every byte value. */
	for (i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 167 + 13);
	for (n = 0, i = 0; n <= sizeof(all); n++) {
		buf_reset(&b);
		buf_reset(&back);
		base64_put(&b, all, n);
		if (base64_decode(&back, buf_cstr(&b), buf_len(&b)) == 0 &&
		    buf_len(&back) == n &&
		    (n == 0 || memcmp(buf_data(&back), all, n) == 0))
			i++;
	}
	T_INT(i, 257);
	buf_free(&b);
	buf_free(&back);
	return t_done();
}
