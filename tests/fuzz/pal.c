/* PAL and roster documents. */
#include "wire/pal.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct pal_doc d;
	size_t i, k;

	if (pal_doc_decode(&d, (const char *)p, n) != 0)
		return 0;
	MUST(n <= PAL_DOC_MAX && d.uri != NULL && d.part >= 1 &&
	    d.part <= d.parts);
	for (i = 0; i < d.nattr; i++)
		MUST(pal_doc_attr(&d, d.attr[i].name) != NULL);
	for (i = 0; i < d.n; i++) {
		MUST(d.entry[i].uri != NULL &&
		    (!d.entry[i].removed || d.entry[i].n == 0));
		for (k = 0; k < d.entry[i].n; k++) {
			pal_attr_allowed(d.entry[i].attr[k].name);
			MUST(pal_entry_attr(&d.entry[i],
				 d.entry[i].attr[k].name) != NULL);
		}
	}
	pal_doc_free(&d);
	return 0;
}
