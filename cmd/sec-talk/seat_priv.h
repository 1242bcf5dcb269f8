#ifndef SEC_TALK_SEAT_PRIV_H
#define SEC_TALK_SEAT_PRIV_H

#include "seat.h"

/* What the files of a seat have in common: seat.c (packets, its beginning
 * and end), hearing.c (what is heard), news.c (the agent). */

/* --- seat.c */
int64_t	seat_server_time(const struct seat *s);        /* ms since 1970 */

/* --- hearing.c */
/* Made if there is none. */
struct speaker *seat_speaker(struct seat *s, uint32_t q);
/* A packet of his with this level, or (level < 0) none. */
void	seat_level(struct seat *s, struct speaker *k, int level, int64_t now);
/* came: mono us. */
void	seat_hear(struct seat *s, const struct rtp_frame *f, int64_t came);

/* --- news.c */
/* A line for people: "HH:MM * conference: text rest". */
void	seat_note(const struct seat *s, const char *text, const char *rest);
/* An event for the agent; before: length of s->out when it began. One that
 * does not read loses events, not the voice. */
struct buf *seat_event(struct seat *s, const char *verb);
void	seat_event_end(struct seat *s, size_t before);
/* talk q= on=on|off level= lost= jitter= seconds= */
void	seat_tell_talk(struct seat *s, struct speaker *k, int on);
/* Whether he talks, if the agent does not know it yet: it could not say who
 * it is before the roster does, which may be slower than his packets. */
void	seat_tell_news(struct seat *s, struct speaker *k);
/* How his voice fared, for -v. */
void	seat_tell_figures(struct seat *s, const struct speaker *k);
/* row what=attached: everything that a device needs. 0 or SEC_ERR_*. */
int	seat_take_attached(struct seat *s, const struct line *l);

#endif
