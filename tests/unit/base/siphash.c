#include "base/buf.h"
#include "base/siphash.h"
#include "../test.h"
#include "../../vectors/siphash.h"

/* The result's little-endian bytes are what is published. */
static void
bytes(uint64_t v, uint8_t out[8])
{
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

int
main(void)
{
	uint8_t key[16], msg[1024], tag[8], want[8];
	size_t i, n;

	for (i = 0; i < 16; i++)
		key[i] = (uint8_t)i;
	for (i = 0; i < 64; i++) {
		msg[i] = (uint8_t)i;
		bytes(siphash24(key, msg, i), tag);
		T_MEM(tag, 8, siphash_designers[i]);
	}
	for (i = 0;
	     i < sizeof(siphash_wycheproof) / sizeof(*siphash_wycheproof);
	     i++) {
		t_hex(siphash_wycheproof[i].key, key, sizeof(key));
		n = t_hex(siphash_wycheproof[i].msg, msg, sizeof(msg));
		t_hex(siphash_wycheproof[i].tag, want, sizeof(want));
		bytes(siphash24(key, msg, n), tag);
		T_OK((memcmp(tag, want, 8) == 0) == siphash_wycheproof[i].valid,
		    "Wycheproof %zu", i + 1);
	}
	/* The paper's appendix A, as an integer. */
	for (i = 0; i < 16; i++)
		key[i] = msg[i] = (uint8_t)i;
	T(siphash24(key, msg, 15) == 0xa129ca6149be45e5u);
	return t_done();
}
