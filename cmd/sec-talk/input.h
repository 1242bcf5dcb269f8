#ifndef SEC_TALK_INPUT_H
#define SEC_TALK_INPUT_H

#include "base/buf.h"

/*
 * Standard input as messages: well-formed UTF-8 without NUL, at most
 * MESSAGE_MAX bytes each.
 */
enum input_mode { INPUT_LINES, INPUT_NULS, INPUT_WHOLE };

struct input {
	int		 fd;
	enum input_mode	 mode;
	struct buf	 raw, text;
	int		 eof;
	int		 split;        /* the present one goes in parts */
};

/* One read(2): 0, SEC_ERR_CLOSED (the end: eof is set), SEC_ERR_SYS. */
int	input_read(struct input *in);
/* The next message into out: 1, or 0 if there is none (yet). *first_part is
 * 1 when it is the first of several that one message was split into. */
int	input_next(struct input *in, struct buf *out, int *first_part);
void	input_free(struct input *in);

#endif
