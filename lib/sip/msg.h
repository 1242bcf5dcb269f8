#ifndef SIP_MSG_H
#define SIP_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A SIP message as data. Parsed ones own their strings in one arena
 * (sip_msg_free()); those being built are filled on the stack with borrowed
 * strings and written by sip_msg_write(). Absent: NULL, -1 for numbers.
 * Parsing goes through the gate of SECURITY.md 3.9, then osipparser2, then
 * a validator; osip types do not leave lib/sip.
 */
struct sip_msg {
	int		 status;       /* 0: a request */
	const char	*reason;
	const char	*method;       /* request's, or CSeq's in an answer */
	const char	*uri;          /* Request-URI */
	const char	*from, *from_tag;      /* URIs without <> */
	const char	*to, *to_tag;
	const char	*call_id;
	uint32_t	 cseq;
	const char	*via;          /* whole value, for answers to it */
	const char	*via_host;     /* sent-by of the Via */
	const char	*branch;
	const char	*contact;      /* URI */
	const char	*contact_params;       /* after ">;" e.g. expires=0 */
	int64_t		 expires;
	const char	*event;
	const char	*event_id;     /* ;id= of Event */
	const char	*sub_state;    /* Subscription-State: whole value */
	const char	*info_package;
	const char	*proposed;     /* URI of header Proposed */
	const char	*conference;   /* header SEC-Conference, raw */
	const char	*conference_key;       /* SEC-Conference-Key, base64 */
	const char	*note;         /* SEC-Note, unescaped */
#define NOTE_DRAINING "draining"       /* with a 503: we leave, try again */
	const char	*author;       /* SEC-Author: URI */
	const char	*author_q;     /* its ;q= */
	int		 missed;       /* SEC-Missed */
	int64_t		 line;         /* SEC-Line */
	const char	*date;
	int		 retry_after;
	const char	*auth_realm, *auth_target, *auth_token;  /* Kerberos */
	const char	*auth_version;
	const char	*content_type;
	const void	*body;
	size_t		 bodylen;
	void		*arena;        /* of parsed messages */
};

void	sip_msg_init(struct sip_msg *m);       /* all absent */

/* One whole message of n bytes. sealed: it came inside a record (larger
 * limits); else the limits for strangers. 0, SEC_ERR_FORMAT, _LIMIT,
 * _VERSION. */
int	sip_msg_parse(struct sip_msg **out, const void *p, size_t n,
	    int sealed);
void	sip_msg_free(struct sip_msg *m);

/* Print with Content-Length. Values with CR or LF are an error of the
 * caller: sticky SEC_ERR_FORMAT in out. */
void	sip_msg_write(struct buf *out, const struct sip_msg *m);

/* Framing on a plain stream: size of the first whole message, 0, or an
 * error. Skips nothing: a CRLF keep-alive counts as a message of its size. */
int	sip_frame(const uint8_t *p, size_t n);
/* The same with the limit for strangers: 16 KiB in all. */
int	sip_frame_stranger(const uint8_t *p, size_t n);

/* Status and branch of an answer without a full parse; branch points into
 * p. 0 or SEC_ERR_FORMAT. */
int	sip_peek_answer(const void *p, size_t n, int *status,
	    const char **branch, size_t *branchlen);

#endif
