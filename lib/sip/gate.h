#ifndef SIP_GATE_H
#define SIP_GATE_H

#include <stddef.h>

/*
 * What a message must pass before libosip2 sees any of it (SECURITY.md
 * 3.9). Only lib/sip/msg.c uses it.
 */
#define GATE_FIELDS  64
#define GATE_HEAD    16384             /* header section */
#define GATE_LINE    4096
#define GATE_TICKET  14336             /* line with a Kerberos ticket */
#define GATE_PARAMS  32
#define GATE_UNSEALED 16384            /* whole message of a stranger */
#define GATE_SEALED  131072

enum gate_name {
	GATE_VIA, GATE_FROM, GATE_TO, GATE_CALL_ID, GATE_CSEQ, GATE_CONTACT,
	GATE_AUTHORIZATION, GATE_CONTENT_TYPE, GATE_CONTENT_LENGTH,
	GATE_MAX_FORWARDS, GATE_EXPIRES, GATE_EVENT, GATE_SUB_STATE,
	GATE_INFO_PACKAGE, GATE_PROPOSED, GATE_CONFERENCE,
	GATE_CONFERENCE_KEY, GATE_NOTE, GATE_AUTHOR, GATE_MISSED, GATE_LINE_NO,
	GATE_DATE, GATE_RETRY_AFTER, GATE_NAMES
};

struct gate {
	char		*start;        /* first line, NUL-terminated */
	char		*value[GATE_NAMES];    /* first of each, or NULL */
	char		*line[GATE_FIELDS];    /* fields that osip reads */
	size_t		 nlines;
};

/* Bytes of the header section with its empty line; 0: not complete within
 * the n bytes; SEC_ERR_LIMIT. */
int	gate_head(const void *p, size_t n);
/*
 * Read the header section in head (n bytes and a NUL), which is cut into
 * lines in place; g points into it. bodylen: what follows. 0,
 * SEC_ERR_FORMAT, _LIMIT, _VERSION.
 */
int	gate_open(struct gate *g, char *head, size_t n, size_t bodylen);

#endif
