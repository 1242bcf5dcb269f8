#ifndef WIRE_REGISTRATION_H
#define WIRE_REGISTRATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/* Bodies of REGISTER and its 200 (SECURITY.md 3.4); the rows inside are
 * control lines (ARCHITECTURE.md 9). */
struct reg_request {                   /* "SR01" | eC[32] | record */
	uint8_t		 ec[32];
	const uint8_t	*record;       /* borrowed */
	size_t		 recordlen;
};

struct reg_answer {                    /* "SR02" | be16 len | AP-REP | ... */
	const uint8_t	*aprep;
	size_t		 apreplen;
	uint8_t		 ep[32];
	const uint8_t	*record;
	size_t		 recordlen;
};

void	reg_request_encode(struct buf *out, const uint8_t ec[32],
	    const void *record, size_t n);
int	reg_request_decode(struct reg_request *r, const uint8_t *p, size_t n);
void	reg_answer_encode(struct buf *out, const void *aprep, size_t aplen,
	    const uint8_t ep[32], const void *record, size_t n);
int	reg_answer_decode(struct reg_answer *r, const uint8_t *p, size_t n);

/* Plaintext of the answer: Kc[32] | be32 key id | be64 not_after |
 * be64 server time | rows. */
struct reg_session {
	uint32_t	 keyid;
	int64_t		 not_after, time;
	struct secret	*kc;           /* owned */
	const char	*rows;         /* borrowed from p */
	size_t		 rowslen;
};
void	reg_session_encode(struct buf *out, const struct reg_session *s);
int	reg_session_decode(struct reg_session *s, const uint8_t *p, size_t n);

#endif
