#ifndef SIP_TXN_H
#define SIP_TXN_H

#include <stdint.h>

#include "sip/stack.h"

/*
 * The server transaction that a request belongs to (RFC 3261 17.2.3; the
 * connection, by its id, stands for sent-by), or NULL. For ACK and CANCEL
 * the method is INVITE.
 */
struct sip_txn *txn_find(const struct sip_stack *s, uint64_t conn,
	    const char *branch, const char *method);

#endif
