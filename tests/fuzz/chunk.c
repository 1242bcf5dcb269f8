/*
 * What comes behind a line (`chunk`, and the answer to `download`): the line
 * of the body, its bytes, and the chunk that they are.
 */
#include "crypto/chunk.h"
#include "crypto/random.h"
#include "wire/filename.h"
#include "wire/line.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct secret *fk;
	static uint8_t clear[CHUNK_BYTES];
	char name[FILENAME_SIZE];
	struct chunk c = { NULL, "00112233445566778899aabbccddeeff", 0, 1 };
	const uint8_t *bytes;
	struct line l;
	size_t len;

	if (fk == NULL) {
		crypto_init();
		fk = crypto_random_key(FILE_KEY, 0);
	}
	if (line_parse_bytes(&l, p, n, &bytes, &len) != 0)
		return 0;
	c.fk = fk;
	(void)line_get_u64(&l, "n", &c.n);
	filename_of(name, line_get_or(&l, "name", ""));
	MUST(filename_is(name));
	/* Nobody can have sealed it. */
	MUST(chunk_open(&c, bytes, len, clear) != 0);
	line_free(&l);
	return 0;
}
