/*
 * RFC 6113 PRF+ over a subkey.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "krb/prf.h"

#define PRF_SIZE 64

int
prf_of(krb5_context k, const krb5_keyblock *key, const char *label,
    struct secret **out)
{
	struct secret *s = secret_new(PRF_SIZE);
	char text[32];
	krb5_data in = { 0, 0, NULL }, res = { 0, 0, NULL };

	text_copy(text, label, sizeof(text));
	in.data = text;
	in.length = (unsigned)strlen(text);
	res.data = secret_fill(s);
	res.length = PRF_SIZE;
	if (krb5_c_prfplus(k, key, &in, &res) != 0) {
		secret_free(s);
		return SEC_ERR_AUTH;
	}
	*out = s;
	return 0;
}
