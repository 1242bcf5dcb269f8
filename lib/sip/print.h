#ifndef SIP_PRINT_H
#define SIP_PRINT_H

#include "sip/msg.h"

/*
 * The parts of a printed message, in their order: sip_msg_write() is all of
 * them, the fan prints them once and patches between. All set the sticky
 * error of out (SEC_ERR_FORMAT) when a value cannot be written.
 */
void	print_start(struct buf *out, const struct sip_msg *m);
void	print_via(struct buf *out, const struct sip_msg *m);
void	print_from(struct buf *out, const struct sip_msg *m);
void	print_to(struct buf *out, const struct sip_msg *m);
void	print_call_id(struct buf *out, const char *call_id);
void	print_missed(struct buf *out, int missed);
/* CSeq and all others. */
void	print_fields(struct buf *out, const struct sip_msg *m);
/* Those of all NOTIFYs of a subscription: Max-Forwards, Event, Content-Type. */
void	print_notify(struct buf *out, const struct sip_msg *m);
/* Content-Type, Content-Length, empty line, body. */
void	print_body(struct buf *out, const struct sip_msg *m);
/* A URI that may stand between < and >. */
int	print_is_uri(const char *s);

#endif
