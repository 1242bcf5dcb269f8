#ifndef SEC_CRYPT_STREAM_H
#define SEC_CRYPT_STREAM_H

#include <stdint.h>

#include "base/secret.h"
#include "crypto/fig9.h"
#include "crypto/suite.h"

/* The sealed stream of sec-crypt(1). */
struct crypt {
	const struct suite	*suite;        /* NULL: what the stream says */
	const struct fig9_suite	*fig9;         /* instead, if insecure */
	int			 insecure;     /* fig9 suites are allowed */
	uint32_t		 q;
	uint64_t		 counter;
	int			 counter_given;
	int64_t			 age;          /* ms a chunk may be old */
	const struct secret	*key;          /* 32 bytes */
	const char		*why;          /* set with an error */
};

/* From in to out until the end of in. 0 or SEC_ERR_*; with _SYS errno. */
int	crypt_seal(struct crypt *c, int in, int out);
/* Nothing is written that was not verified. */
int	crypt_open(struct crypt *c, int in, int out);

#endif
