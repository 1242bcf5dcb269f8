#ifndef KRB_PRF_H
#define KRB_PRF_H

#include <krb5.h>

#include "base/secret.h"

/* Inside lib/krb only: the bytes that both sides draw from a subkey. */
#define PRF_C2S "SEC1 reg c2s"
#define PRF_S2C "SEC1 reg s2c"

/* *out = prfplus(key, label, 64). 0 or SEC_ERR_AUTH. */
int	prf_of(krb5_context k, const krb5_keyblock *key, const char *label,
	    struct secret **out);

#endif
