#ifndef SEC_TALK_SHOW_H
#define SEC_TALK_SHOW_H

#include "base/buf.h"
#include "ctl/call.h"
#include "wire/line.h"

/* Rows of the agent's `listen` as people or programs read them. */
struct shower {
	const struct ctl_client	*a;
	const char		*conf;         /* URI */
	int			 ascii;        /* the terminal knows no more */
};

/* "14:20 bob: text" or "14:21 * carol left", with LF. */
void	show_text(const struct shower *s, const struct line *row,
	    struct buf *out);
void	show_notice(const struct shower *s, const struct line *row,
	    struct buf *out);
/* Either as one JSON line, with LF. */
void	show_json(const struct shower *s, const struct line *row,
	    struct buf *out);
/* I wait to be let into s->conf, as one JSON line. */
void	show_waiting(const struct shower *s, struct buf *out);
/* "alice bob carol" of URIs with commas. */
void	show_names(const struct shower *s, const char *uris,
	    const char *between, struct buf *out);

#endif
