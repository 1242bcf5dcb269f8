#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Plaintext of a text message (SECURITY.md 3.6): be16 type | be32
 * skipped | be32 to q | UTF-8 of at most 16 KiB. The sealed body before it is
 * be32 q | record type 3.
 */
#define MESSAGE_MAX  16384
#define MESSAGE_HEAD 10

enum message_type { MESSAGE_TEXT = 1, MESSAGE_FILE = 2, MESSAGE_EDIT = 3 };

struct message {
	uint16_t	 type;
	uint32_t	 to;           /* q addressed, 0 = all */
	const char	*text;         /* borrowed; not NUL-terminated */
	size_t		 n;
	uint32_t	 skipped;      /* sequences just before its own that
					* its author gave to texts which the
					* router has refused: nobody misses
					* them, and no nonce is used twice */
};

/* 0, SEC_ERR_LIMIT or SEC_ERR_FORMAT (not UTF-8). */
int	message_encode(struct buf *out, const struct message *m);
/* Unknown types are SEC_ERR_VERSION. */
int	message_decode(struct message *m, const uint8_t *p, size_t n);

#endif
