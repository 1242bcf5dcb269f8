#ifndef CRYPTO_HELLO_H
#define CRYPTO_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/seal.h"
#include "wire/handshake.h"

/*
 * The hello that opens every sealed connection (SECURITY.md 3.3). `id` is
 * how a side is named in the key derivation.
 */
#define HELLO_ID_MAX 300
struct hello_id {
	uint8_t	b[HELLO_ID_MAX];
	size_t	n;
};
void	hello_id_server(struct hello_id *id, uint16_t number);
/* principal: "alice@REALM". 0 or SEC_ERR_LIMIT. */
int	hello_id_user(struct hello_id *id, const char *principal);
void	hello_id_device(struct hello_id *id, uint64_t conf, uint32_t q);

/* The opening side. base is borrowed until hello_free(). */
struct hello {
	uint8_t			 tt;
	uint16_t		 by;
	uint32_t		 keyid;
	uint16_t		 to_number;
	struct hello_id		 from, to;
	const struct secret	*base;
	uint8_t			 nonce[HELLO_NONCE];
};

/* Fill h->nonce and write c1. */
void	hello_start(struct hello *h, int64_t now, uint8_t c1[HELLO_C1]);
/* Check c2; on success the two seals are the caller's. 0, SEC_ERR_FORMAT,
 * _AUTH, _EXPIRED. */
int	hello_finish(const struct hello *h, const uint8_t c2[HELLO_C2],
	    int64_t now, struct seal **tx, struct seal **rx);

/*
 * The answering side: c1 was decoded, base and ids looked up by its
 * (by, keyid, to). Writes c2. 0, _AUTH, _EXPIRED.
 */
int	hello_answer(const uint8_t c1[HELLO_C1], const struct hello_id *from,
	    const struct hello_id *to, uint16_t own_number,
	    const struct secret *base, int64_t now, uint8_t c2[HELLO_C2],
	    struct seal **tx, struct seal **rx);

/* Link base key: KDF(K || P_ab, "link", epoch || min || max). */
struct secret *hello_link_base(const struct secret *k,
	    const struct secret *pair, uint32_t epoch, uint16_t a, uint16_t b);

#endif
