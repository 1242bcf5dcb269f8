#ifndef SIP_OFFER_H
#define SIP_OFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"

/*
 * SDP as we use it (RFC 3264, ARCHITECTURE.md 7): our own reader, since
 * osip's over-reads (SECURITY.md 3.9). Text: m=message PORT TCP/SEC *;
 * voice: m=audio PORT RTP/SEC 96 0. No m= line: membership only.
 */
#define OFFER_MEDIA 4

struct offer_medium {
	char	medium[8];             /* text voice */
	int	port;                  /* 0: refused */
	char	proto[16];
	char	codec[16];             /* opus pcmu, "" */
	int	ptime;                 /* ms, 0 absent */
	int	server;                /* a=sec-server:, 0 absent */
};

struct offer {
	char			host[64];      /* c= address, numeric */
	size_t			n;
	struct offer_medium	m[OFFER_MEDIA];
};

/* 0, SEC_ERR_FORMAT, SEC_ERR_LIMIT (over 4 KiB). Unknown m= lines are
 * skipped. */
int	offer_parse(struct offer *o, const void *p, size_t n);
void	offer_write(struct buf *out, const struct offer *o);
const struct offer_medium *offer_find(const struct offer *o,
	    const char *medium);
/* host:port of a medium; 0 or SEC_ERR_NOTHING. */
int	offer_addr(const struct offer *o, const char *medium,
	    struct addr *a);
#define OFFER_TYPE "application/sdp"

#endif
