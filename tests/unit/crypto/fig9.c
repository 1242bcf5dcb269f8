/*
 * Fig. 9 to the letter (S139-S156): the vectors that ref/fig9.py makes with
 * openssl, both ways (`fig9 emit` prints lines for it), what a client does
 * with them, and that it refuses what is not right. The attacks are in
 * fig9_attack.c.
 */
#include "../json.h"
#include "../test.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/fig9.h"
#include "crypto/random.h"

#define NOW 1795358000123

/* --- vectors --- */

static const struct fig9_suite *
suite_of(struct json *j)
{
	return fig9_suite_by_name(json_str(j, "suite"));
}

static size_t
do_raw(struct json *j, uint8_t *out)
{
	struct json_bytes key = json_hex(j, "key"), ctr = json_hex(j, "ctr"),
			  ind = json_hex(j, "ind"), msg = json_hex(j, "msg");
	const struct fig9_suite *s = suite_of(j);
	struct fig9_keys *k;
	uint32_t index[32];
	size_t i;

	for (i = 0; i < ind.n / 4; i++)
		index[i] = get_be32(ind.p + 4 * i);
	if (fig9_keys_new(&k, s, key.p, ctr.p, ctr.n / s->block) != 0)
		return 0;
	fig9_xor(k, (uint32_t)json_u64(j, "q"), index, msg.p, msg.n, out);
	fig9_keys_free(k);
	return msg.n;
}

static size_t
do_mac(struct json *j, uint8_t *out)
{
	struct json_bytes key = json_hex(j, "key"), t = json_hex(j, "t"),
			  msg = json_hex(j, "msg");

	fig9_mac(suite_of(j), key.p, msg.p, msg.n, t.p, t.n, out);
	return FIG9_TAG;
}

static size_t
do_client(struct json *j, uint8_t *out)
{
	struct json_bytes ke = json_hex(j, "ke"), msg = json_hex(j, "msg");
	struct secret *k = secret_copy(ke.p, ke.n);
	struct fig9 *f;
	size_t n;

	if (fig9_new(&f, suite_of(j), k, (uint32_t)json_u64(j, "q")) != 0)
		return 0;
	fig9_fill(f, 3); /* some made ahead, the rest when needed */
	n = fig9_seal(f, msg.p, msg.n, (int64_t)json_u64(j, "time"), out) == 0 ?
	    msg.n + fig9_overhead(f) :
	    0;
	fig9_free(f);
	secret_free(k);
	return n;
}

static void
vectors(void)
{
	struct json_bytes want;
	struct json file = JSON_INIT, *j = &file;
	FILE *fp = fopen("tests/vectors/fig9.json", "r");
	uint8_t out[512];
	size_t n, lines = 0;

	T(fp != NULL);
	for (; fp != NULL && json_next(j, fp); lines++) {
		const char *object = json_str(j, "object");

		want = json_hex(j, "hex");
		n = strcmp(object, "fig9_raw") == 0 ? do_raw(j, out) :
		    strcmp(object, "fig9_mac") == 0 ? do_mac(j, out) :
						      do_client(j, out);
		T_OK(n == want.n && memcmp(out, want.p, n) == 0, "%s %s",
		    object, json_str(j, "suite"));
	}
	json_free(j);
	if (fp != NULL)
		fclose(fp);
	T(lines >= 30);
}

static void
put_hex(const char *name, const uint8_t *p, size_t n)
{
	printf(", \"%s\": \"", name);
	while (n-- > 0)
		printf("%02x", *p++);
	putchar('"');
}

/* Lines with random inputs, for ref/fig9.py verify. */
static void
emit(void)
{
	const struct fig9_suite *s;
	uint8_t msg[100], out[256];
	struct secret *ke;
	struct fig9 *f;
	size_t n;

	for (s = fig9_suite_next(NULL); s != NULL; s = fig9_suite_next(s)) {
		ke = crypto_random_key(32, 0);
		crypto_random(msg, sizeof msg);
		n = msg[0] % sizeof msg;
		if (fig9_new(&f, s, ke, 0x03000000u | (msg[1] & 0xff)) == 0 &&
		    fig9_seal(f, msg, n, NOW, out) == 0) {
			printf("{\"object\": \"fig9\", \"suite\": \"%s\", "
			       "\"q\": %u, \"time\": %lld, \"first\": 1",
			    s->name, 0x03000000u | (msg[1] & 0xffu),
			    (long long)NOW);
			put_hex("ke", secret_data(ke), 32);
			put_hex("msg", msg, n);
			put_hex("hex", out, n + fig9_overhead(f));
			puts("}");
		}
		fig9_free(f);
		secret_free(ke);
	}
}

/* --- a client --- */

static void
round_trip(const struct fig9_suite *s)
{
	struct secret *ke = crypto_random_key(32, 0);
	uint8_t msg[160], wire[300], plain[300], bad[300];
	size_t n, i, overhead, wrong = 0, accepted = 0;
	struct fig9 *a, *b;
	int64_t time;
	uint32_t q;

	T_INT(fig9_new(&a, s, ke, 0x01000007), 0);
	T_INT(fig9_new(&b, s, ke, 0x02000001), 0);
	overhead = fig9_overhead(a);
	T_INT(overhead, s->alt ? 32 : 5 + 4 * 4 + 24);
	T_INT(fig9_fill(a, 5), s->alt ? 5 : 20);
	for (i = 0; i < 50; i++) {
		memset(msg, (int)i, sizeof msg);
		n = sizeof msg - i;
		if (i % 7 == 0)
			fig9_fill(a, i);
		wrong += fig9_seal(a, msg, n, NOW + (int64_t)i, wire) != 0 ||
		    fig9_open(b, wire, n + overhead, &q, &time, plain) != 0 ||
		    q != 0x107 || time != NOW + (int64_t)i ||
		    memcmp(plain, msg, n) != 0;
	}
	T_OK(wrong == 0, "%s: fifty messages", s->name);

	/* Every bit of what is sealed, every length; the head decides only
	 * which pads are taken, so that its flips end in a wrong tag. */
	T_INT(fig9_seal(a, msg, 40, NOW, wire), 0);
	for (i = 0; i < (40 + overhead) * 8; i++) {
		memcpy(bad, wire, sizeof bad);
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		accepted +=
		    fig9_open(b, bad, 40 + overhead, &q, &time, plain) == 0;
	}
	for (i = 0; i < 40 + overhead; i++)
		accepted += fig9_open(b, wire, i, &q, &time, plain) == 0;
	T_OK(accepted == 0, "%s: nothing altered is accepted", s->name);
	fig9_free(a);
	fig9_free(b);
	secret_free(ke);
}

static void
limits(void)
{
	const struct fig9_suite *s = fig9_suite_by_id(0xF903);
	struct secret *ke = crypto_random_key(32, 0);
	static uint8_t big[65536], out[65536 + 64];
	struct fig9 *f = NULL;
	size_t n = 0;

	T_INT(fig9_new(&f, s, ke, 0), SEC_ERR_LIMIT);
	T_INT(fig9_new(&f, s, ke, 0x10000000), SEC_ERR_LIMIT);
	T_INT(fig9_new(&f, s, ke, 0x01000100), SEC_ERR_LIMIT);
	T_INT(fig9_new(&f, s, ke, 0x010000ff), 0);
	while (fig9_seal(f, big, sizeof big, NOW, out) == 0)
		n++;
	/* 2^20 blocks of 8 bytes, and no more. */
	T_INT(n, (8u << 20) / (sizeof big + 24));
	fig9_free(f);
	fig9_free(NULL);
	fig9_keys_free(NULL);
	secret_free(ke);
}

static void
weak_key(void)
{
	static const uint8_t weak[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	struct fig9_keys *k = NULL;

	T_INT(fig9_keys_new(&k, fig9_suite_by_id(0xF901), weak, weak, 1),
	    SEC_ERR_DATA);
	T(k == NULL);
}

static void
table(void)
{
	const struct fig9_suite *s;
	int n = 0;

	for (s = fig9_suite_next(NULL); s != NULL; s = fig9_suite_next(s)) {
		n++;
		T(fig9_suite_by_name(s->name) == s);
		T(fig9_suite_by_id(s->id) == s);
	}
	T_INT(n, 4);
	T(fig9_suite_by_name("fig9") == NULL);
	T(fig9_suite_by_id(6) == NULL);
}

int
main(int argc, char **argv)
{
	const struct fig9_suite *s;

	crypto_init();
	if (argc > 1 && strcmp(argv[1], "emit") == 0) {
		emit();
		return 0;
	}
	table();
	vectors();
	for (s = fig9_suite_next(NULL); s != NULL; s = fig9_suite_next(s))
		round_trip(s);
	limits();
	weak_key();
	T_INT(secret_count(), 0);
	return t_done();
}
