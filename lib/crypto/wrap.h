#ifndef CRYPTO_WRAP_H
#define CRYPTO_WRAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/*
 * Conference keys under way (SECURITY.md 3.5). Blob = salt[32] || type 4
 * record, dir 1, key id = client key id, sequence 0; AAD += recipient URI
 * || conference URI.
 */
void	wrap_seal(struct buf *out, const struct secret *kc, uint32_t keyid,
	    const char *recipient, const char *conf,
	    const struct secret *plain, int64_t now);
/* 0, SEC_ERR_FORMAT, _AUTH. *keyid is read first by wrap_keyid(). */
int	wrap_open(const uint8_t *p, size_t n, const struct secret *kc,
	    const char *recipient, const char *conf, struct secret **plain,
	    int64_t *time);
int	wrap_keyid(const uint8_t *p, size_t n, uint32_t *keyid);

#endif
