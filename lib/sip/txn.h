#ifndef SIP_TXN_H
#define SIP_TXN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Key of a server transaction (RFC 3261 17.2.3; the connection stands for
 * sent-by): connection, branch, method. ACK and CANCEL are looked up with
 * method INVITE.
 */
#define TXN_KEY_MAX 176
struct txn_key {
	uint8_t	b[TXN_KEY_MAX];
	size_t	n;
};
void	txn_key(struct txn_key *k, uint64_t conn, const char *branch,
	    const char *method);

#endif
