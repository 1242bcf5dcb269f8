/* The file `servers`. */
#include "wire/servers.h"
#include "fuzz.h"

static struct servers s, again;

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT, c = BUF_INIT;
	struct server one;
	char why[64] = "";

	if (servers_parse(&s, (const char *)p, n, why, sizeof(why)) == 0) {
		servers_canonical(&s, &b);
		MUST(servers_parse(&again, (char *)buf_data(&b), buf_len(&b),
			 why, sizeof(why)) == 0);
		servers_canonical(&again, &c);
		MUST(buf_len(&b) == buf_len(&c) &&
		    strcmp(buf_cstr(&b), buf_cstr(&c)) == 0);
		MUST(s.n == 0 || s.server[0].number == 1);
	} else
		MUST(why[0] != '\0' && s.n == 0);
	servers_parse_line(&one, (const char *)p, n, why, sizeof(why));
	buf_free(&b);
	buf_free(&c);
	return 0;
}
