#ifndef UA_REGISTER_H
#define UA_REGISTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/secret.h"

/*
 * One REGISTER with its AP exchange, on a short connection of its own
 * (Fig. 5; SECURITY.md 3.4). Each is a new AP-REQ; a retry is a new one.
 */
struct registering;

/* Borrowed until register_start() returns. */
struct register_request {
	struct addr	 to;
	const void	*service;      /* marshalled service credentials */
	size_t		 servicelen;
	const char	*domain, *realm;
	const char	*target;       /* "sip/pal.lab.test" */
	const char	*uri;          /* own */
	const char	*instance;
	int64_t		 expires;      /* s, 0 logs out */
	int64_t		 offset;       /* of the server's clock, if known */
	const char	*media;        /* "text,voice" */
	const char	*tel;          /* NULL: none */
	const char	*status, *class_word, *note, *until;   /* NULL: as is */
};

struct registered {
	struct secret	*kc;           /* the callback may take it (NULL) */
	uint32_t	 keyid;
	int64_t		 not_after;    /* of the key, server's clock */
	int64_t		 until;        /* of the registration, likewise */
	int64_t		 offset;       /* server's clock - ours */
	int		 pal, controller;      /* numbers; 0: none */
	char		 controller_addr[256]; /* host:port */
	char		 status[64], class_word[16], note[256]; /* "": unsaid */
	int64_t		 status_until; /* server's clock; 0: for ever */
	const char	*rows;         /* all answer rows: session, conf, doc */
	size_t		 rowslen;
};

struct register_outcome {
	int			 err;          /* 0, SEC_ERR_* */
	int			 status;       /* of the answer, 0: none */
	int			 retry_after;  /* s, -1 */
	int			 draining;     /* 503 by a server that leaves */
	int64_t			 behind;       /* ms that we are behind it by
						* its Date:; 0 unknown */
	struct registered	*r;            /* when err is 0 */
};
typedef void (*register_h)(void *arg, const struct register_outcome *o);

/* done() comes exactly once, never at once. 0, SEC_ERR_TICKET: the
 * credentials are of no use (done() is not called). */
int	register_start(struct registering **out, struct loop *l,
	    const struct register_request *q, register_h done, void *arg);
/* No callback any more; freed at the end of the turn. NULL allowed. */
void	register_cancel(struct registering *r);

#endif
