/* The files of keys/NAME/: epoch.N, and identity, dealer.N, psk.N. */
#include <string.h>

#include "base/secret.h"
#include "ctl/epochs.h"
#include "wire/base64.h"
#include "wire/handshake.h"
#include "fuzz.h"

static struct hs_deal d, again;

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf raw = BUF_INIT, text = BUF_INIT;
	struct secret *key = NULL;

	if (epochs_parse_deal(&d, (const char *)p, n) == 0) {
		MUST(d.epoch != 0 && d.npairs <= HS_PAIRS);
		hs_deal_encode(&raw, &d);
		base64_put(&text, buf_data(&raw), buf_len(&raw));
		/* One way only to write it. */
		MUST(buf_len(&text) == n || buf_len(&text) + 1 == n);
		MUST(memcmp(buf_data(&text), p, buf_len(&text)) == 0);
		MUST(epochs_parse_deal(&again, (char *)buf_data(&text),
			 buf_len(&text)) == 0);
		MUST(again.epoch == d.epoch && again.npairs == d.npairs);
	}
	if (epochs_parse_key(&key, (const char *)p, n) == 0)
		MUST(key != NULL && secret_size(key) == 32);
	else
		MUST(key == NULL);
	secret_free(key);
	buf_free(&raw);
	buf_free(&text);
	return 0;
}
