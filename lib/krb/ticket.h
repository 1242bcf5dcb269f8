#ifndef KRB_TICKET_H
#define KRB_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/*
 * The client's side of MIT krb5. Everything that may talk to a KDC is
 * ticket_get(), which blocks: sec-agent calls it in a short child.
 */
enum ticket_source { TICKET_CCACHE, TICKET_PASSWORD, TICKET_KEYTAB,
	TICKET_TGT };                  /* TGT: renew or use a kept one */

struct ticket_request {
	enum ticket_source	 source;
	const char		*principal;    /* "alice@REALM"; NULL: the
						* ccache's default */
	const char		*realm;        /* added when it has none */
	const struct secret	*password;     /* with NUL */
	const char		*keytab;
	const void		*tgt;          /* marshalled */
	size_t			 tgtlen;
	const char		*service;      /* "sip/pal.lab.test" */
};

struct ticket {
	char		principal[256];
	struct buf	tgt;           /* marshalled; empty if from a cache or
					* not renewable */
	struct buf	service;       /* marshalled service credentials */
	int64_t		until;         /* end of the service ticket, ms */
	int64_t		renew_till;    /* 0: not renewable */
	char		kdcs[256];     /* "HOST:PORT" that were tried */
	int64_t		ahead;         /* the KDC's clock, ms (to about a
					* second); 0 if it was not asked */
};

/*
 * 0 or SEC_ERR_{PASSWORD,NOUSER,CLOCK,TICKET,UNREACHABLE,...}; why gets one
 * sentence for people as in STORIES 1.2 (without the program's name), e.g.
 * "wrong password for alice@LAB.TEST". On success free with ticket_free().
 */
int	ticket_get(const struct ticket_request *r, struct ticket *t,
	    char *why, size_t whylen);
void	ticket_free(struct ticket *t);
/* Is there a usable ticket for this principal (NULL: any) in the cache?
 * No network. Writes the principal found (256 bytes). 0,
 * SEC_ERR_NOTHING, SEC_ERR_TICKET (expired). */
int	ticket_cached(const char *principal, char *found);

/* One AP exchange from marshalled service credentials; no network. */
struct apreq;
/* Appends the KRB_AP_REQ to to; *prf: prfplus(initiator subkey,
 * "SEC1 reg c2s", 64). 0 or SEC_ERR_TICKET. */
int	apreq_new(struct apreq **out, const void *service, size_t n,
	    struct buf *to, struct secret **prf);
/* Check the KRB_AP_REP; *prf: prfplus(acceptor subkey, "SEC1 reg s2c",
 * 64). 0 or SEC_ERR_AUTH. */
int	apreq_finish(struct apreq *a, const void *aprep, size_t n,
	    struct secret **prf);
void	apreq_free(struct apreq *a);

#endif
