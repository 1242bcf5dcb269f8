#ifndef SEC_LDAP_CONNECTION_H
#define SEC_LDAP_CONNECTION_H

#include <ldap.h>

#include "base/conf.h"

/*
 * The connection to the LDAP server: made when it is needed, kept, made
 * again when it was lost. What cannot be had within CONNECTION_MS of a
 * request is an error, and the connection is closed.
 */
#define CONNECTION_MS 4500             /* below sec-pal's own 5 s */

struct settings {
	char		url[512];      /* without the base */
	char		base[512];     /* of people */
	char		groups[512];   /* base of groups */
	int		starttls;
	enum conf_bind	bind;
	char		ca[512];       /* "": the system's */
	char		dn[256];
	char		password[512]; /* the file */
};

struct connection {
	struct settings	 set;
	LDAP		*ld;           /* NULL: none */
	int64_t		 deadline;     /* mono ms, of this request */
	int		 kept;         /* the connection is older than it */
	char		 why[512];     /* of the last error, a sentence */
	/* A server that kept us waiting for all of that time: requests that
	 * have queued up behind it are not made to wait again. */
	int64_t		 dead;         /* mono ms, 0: none */
	char		 dead_why[512];
};

/* A request begins: it has CONNECTION_MS from now. */
void	connection_begin(struct connection *c);
/* A request failed: was that for a connection that the server had closed in
 * the meantime, so that it is worth another one? Once. */
int	connection_was_stale(struct connection *c);
/*
 * A search: below a base (LDAP_SCOPE_SUBTREE) or at it (LDAP_SCOPE_BASE).
 * cookie: NULL, or that of the page before, which connection_wait()
 * replaces (RFC 2696); an empty one asks for the first page, and is empty
 * again after the last.
 */
struct query {
	const char		*base;
	int			 scope;
	const char		*filter;
	const char *const	*attrs;
	struct berval		*cookie;
};
/* Send it; connection_wait() is called once for each. 0, or
 * SEC_ERR_UNREACHABLE with c->why. */
int	connection_search(struct connection *c, const struct query *q,
	    int *id);
/* All that was found: the caller calls ldap_msgfree(). 0, SEC_ERR_NOTHING
 * (no such dn), SEC_ERR_LIMIT or SEC_ERR_UNREACHABLE, both with c->why. */
int	connection_wait(struct connection *c, int id, struct berval *cookie,
	    LDAPMessage **out);
void	connection_close(struct connection *c);

#endif
