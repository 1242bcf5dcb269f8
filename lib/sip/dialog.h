#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include <stdint.h>

#include "sip/msg.h"

/* A dialog as data (RFC 3261 12): can be stored and filled again. */
struct dialog {
	char		call_id[128];
	char		local_tag[40], remote_tag[40];
	char		local_uri[256], remote_uri[256];
	char		target[256];   /* peer's Contact */
	uint32_t	local_cseq, remote_cseq;
};

/* UAS: from the request and the tag that our answer carries. */
int	dialog_from_request(struct dialog *d, const struct sip_msg *req,
	    const char *local_tag);
/* UAC: from our request and its 2xx (or 1xx with tag). */
int	dialog_from_answer(struct dialog *d, const struct sip_msg *req,
	    const struct sip_msg *answer);
/* Fill a request inside the dialog (advances local_cseq; ACK: cseq of the
 * INVITE is kept as given) after sip_msg_init(); other fields of m stay.
 * Strings are borrowed from d. */
void	dialog_request(struct dialog *d, struct sip_msg *m,
	    const char *method);
void	dialog_ack(const struct dialog *d, struct sip_msg *m,
	    uint32_t invite_cseq);
/* An in-dialog request: 0 and remote_cseq advanced, SEC_ERR_NOTHING (not
 * this dialog), SEC_ERR_REPLAY (CSeq not higher: 500). */
int	dialog_check(struct dialog *d, const struct sip_msg *req);
/* Key "call-id\nlocal-tag" for tables; out >= 176 bytes. */
char	*dialog_key(char *out, const char *call_id, const char *local_tag);

#endif
