#ifndef SEC_PAL_LDAP_CHILD_H
#define SEC_PAL_LDAP_CHILD_H

#include <stdint.h>

#include "server/service.h"

/*
 * sec-ldap(8), the process that may wait for servers: one at a time, spoken
 * to in control lines. All zero but `s` is none.
 */
#define LDAP_ANSWER_MS 5000            /* is what an answer may take */

struct ldap_child {
	struct service	*s;
	int		 pid;          /* 0: none */
	uint64_t	 peer;         /* 0: none */
	int		 is_pinged;
};

/* To call; starts it if it is not there. NULL: it cannot be started. */
struct ctl_peer *ldap_child_peer(struct ldap_child *c);
/* It was silent for LDAP_ANSWER_MS. If it is once more, it is killed. */
void	ldap_child_suspect(struct ldap_child *c);
/* Calls that are open end with SEC_ERR_CLOSED. */
void	ldap_child_kill(struct ldap_child *c);

#endif
