/* X25519 beyond the one-line vectors: RFC 7748 5.2, and low order (S077). */
#include "../test.h"
#include "base/err.h"
#include "crypto/dh.h"
#include "crypto/random.h"

static void
iterate(void)
{
	struct secret *k, *z;
	uint8_t u[32] = { 9 };
	int i;

	k = secret_copy(u, 32);
	for (i = 1; i <= 1000; i++) {
		if (dh_shared(k, u, &z) != 0)
			break;
		memcpy(u, secret_data(k), 32);
		secret_free(k);
		k = z;
		if (i == 1)
			T_MEM(secret_data(k), 32,
			    "422c8e7a6227d7bca1350b3e2bb"
			    "7279f7897b87bb6854b783c60e80311ae3079");
	}
	T_INT(i, 1001);
	T_MEM(secret_data(k), 32,
	    "684cf59ba83309552800ef566f2f4d3c1c3887c4936"
	    "0e3875f2eb94d99532c51");
	secret_free(k);
}

int
main(void)
{
	/* Points of order 1, 2, 4, 8, also not reduced or with the top bit. */
	static const char *const low[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	};
	struct secret *a, *b, *za, *zb, *none = NULL;
	uint8_t pa[32], pb[32], u[32];
	size_t i;

	crypto_init();
	iterate();
	a = crypto_random_key(32, 1);
	b = crypto_random_key(32, 0);
	T(!secret_equal(a, b));
	dh_public(a, pa);
	dh_public(b, pb);
	T_INT(dh_shared(a, pb, &za), 0);
	T_INT(dh_shared(b, pa, &zb), 0);
	T(secret_equal(za, zb));
	for (i = 0; i < sizeof low / sizeof low[0]; i++) {
		t_hex(low[i], u, sizeof u);
		T_OK(dh_shared(a, u, &none) == SEC_ERR_AUTH && none == NULL,
		    "low order %zu refused", i);
	}
	secret_free(a);
	secret_free(b);
	secret_free(za);
	secret_free(zb);
	T_INT(secret_count(), 0);
	return t_done();
}
