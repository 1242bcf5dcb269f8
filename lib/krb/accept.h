#ifndef KRB_ACCEPT_H
#define KRB_ACCEPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/* The PAL manager's side: keytab in memory, replay cache in a file of its
 * own (SECURITY.md 3.4). */
struct acceptor;

/* principal: "sip/pal.lab.test@REALM". why: a sentence. 0,
 * SEC_ERR_NOTHING (no keytab, no such key), SEC_ERR_SYS. */
int	acceptor_open(struct acceptor **a, const char *principal,
	    const char *keytab, const char *rcache, char *why,
	    size_t whylen);
/* Read the keytab again. */
int	acceptor_reload(struct acceptor *a, char *why, size_t whylen);
/* Highest version among our keys. */
int	acceptor_kvno(const struct acceptor *a);
void	acceptor_close(struct acceptor *a);

struct accepted;
/* Verify a KRB_AP_REQ (replay cache included). *prf as in krb/ticket.h.
 * 0, SEC_ERR_AUTH, SEC_ERR_REPLAY, SEC_ERR_CLOCK, SEC_ERR_TICKET, or
 * SEC_ERR_DISK (the replay cache cannot be written: nobody is let in).
 * The acceptor must outlive *out. */
int	accept_apreq(struct acceptor *a, const void *apreq, size_t n,
	    struct accepted **out, struct secret **prf);
const char *accepted_principal(const struct accepted *c); /* alice@REALM */
int64_t	accepted_until(const struct accepted *c);         /* ms */
/* Make the KRB_AP_REP with a fresh subkey. */
int	accepted_reply(struct accepted *c, struct buf *aprep,
	    struct secret **prf);
void	accepted_free(struct accepted *c);

#endif
