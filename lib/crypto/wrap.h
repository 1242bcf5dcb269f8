#ifndef CRYPTO_WRAP_H
#define CRYPTO_WRAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/kdf.h"

/*
 * Keys under way between a user and the controller (SECURITY.md 3.5). Blob
 * = salt[32] || type 4 record, key id = client key id, sequence 0.
 */
struct wrap {
	enum kdf_label		 label;        /* KDF_..._WRAP */
	uint8_t			 dir;          /* 1: from the controller */
	const struct secret	*kc;
	const char		*whose, *conf; /* AAD += both */
};
void	wrap_put(struct buf *out, const struct wrap *w, uint32_t keyid,
	    const struct secret *plain, int64_t now);
/* 0, SEC_ERR_FORMAT, _AUTH. w->kc is that of wrap_keyid(). */
int	wrap_get(const uint8_t *p, size_t n, const struct wrap *w,
	    struct secret **plain, int64_t *time);
int	wrap_keyid(const uint8_t *p, size_t n, uint32_t *keyid);

/* Conference keys: KDF_CONF_WRAP, dir 1, of the recipient's URI and the
 * conference's. */
void	wrap_seal(struct buf *out, const struct secret *kc, uint32_t keyid,
	    const char *recipient, const char *conf,
	    const struct secret *plain, int64_t now);
int	wrap_open(const uint8_t *p, size_t n, const struct secret *kc,
	    const char *recipient, const char *conf, struct secret **plain,
	    int64_t *time);

#endif
