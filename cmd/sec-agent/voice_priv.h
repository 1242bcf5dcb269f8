#ifndef SEC_AGENT_VOICE_PRIV_H
#define SEC_AGENT_VOICE_PRIV_H

#include "voice.h"

/* What the files of attachments have in common: voice.c (which there are, and
 * their end), attach.c, voice_news.c, voice_info.c. */

/* --- voice.c */
void	attachment_free(struct attachment *v);
/* It did not get in: its tool is told. It is gone then. */
void	attachment_fail(struct attachment *v, int status,
	    const char *reason);
/* It is out, whatever its state. It is gone then. */
void	attachment_over(struct attachment *v, const char *why);

/* --- attach.c */
/* A wrap for this device; 1: its hop key is new, 0, or an error. */
int	attachment_take_key(struct attachment *v, struct conf_in *c,
	    const char *b64);

/* --- voice_news.c */
void	voice_put_key(struct buf *b, const char *name,
	    const struct secret *s);
/* The voice devices of the roster; a row for each that came or went. */
void	peers_tell(struct attachment *v, struct conf_in *c);

#endif
