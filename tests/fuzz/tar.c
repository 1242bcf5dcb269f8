/* Headers of tar files. */
#include "base/err.h"
#include "wire/tar.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t again[TAR_BLOCK];
	struct tar_entry e, f;
	int r;

	if (n < TAR_BLOCK)
		return 0;
	r = tar_decode(&e, p);
	MUST(r == 0 || r == SEC_ERR_NOTHING || r == SEC_ERR_FORMAT ||
	    r == SEC_ERR_NO);
	if (r != 0)
		return 0;
	MUST(e.name[0] != '\0' && strlen(e.name) < TAR_NAME);
	MUST(e.size <= INT64_MAX);
	MUST(tar_encode(again, &e) == 0 && tar_decode(&f, again) == 0);
	MUST(strcmp(e.name, f.name) == 0 && e.size == f.size &&
	    e.mode == f.mode && e.mtime == f.mtime);
	return 0;
}
