#ifndef SEC_TALK_VOICE_PRIV_H
#define SEC_TALK_VOICE_PRIV_H

#include "capture.h"
#include "meter.h"
#include "mic.h"
#include "port.h"
#include "render.h"
#include "seat.h"
#include "voice.h"

/* What the files of the device have in common: voice.c (its clock, what is
 * heard), speak.c (what is said), keys.c (the terminal), voice_open.c. */

#define PIECE	  (AUDIO_FRAME / 2)
#define PIECE_US  10000
#define POLLS_OWN 4                    /* clock, port, input, output; seats */
#define SEATS_MAX (VOICE_POLLS - POLLS_OWN)

struct voice {
	struct cli		*c;
	struct voice_set	 set;
	struct seat_ops		 ops;
	struct port		 port;
	int			 timer;
	struct seat		*seat[SEATS_MAX];
	size_t			 n;
	struct capture		*capture;
	struct render		*render;
	struct meter		*meter;
	struct mic		 mic;
	int			 focus;        /* seat chosen by key, -1 */
	int64_t			 pressed;      /* mono ms: the space bar */
	int			 captured;     /* reading has begun */
	int64_t			 due;          /* mono us: of the next frame */
	int			 input_over;
	int			 in_level, out_level;
	int64_t			 level_at;
	int64_t			 stop_at;      /* mono ms, -1 */
	int64_t			 orphan_at;    /* 0: the agent is there */
	uint64_t		 ticks;        /* since the beginning */
	float			 gain;         /* the limiter's */
	int16_t			 heard[AUDIO_FRAME];   /* the last 20 ms */
	int			 slow;         /* told that the reader is */
	int			 over, code;
};

/* --- voice.c */
/* The first one who says so decides the exit code. */
void	voice_end(struct voice *v, int code);
/* A line for people; arg is the struct voice. */
void	voice_notice(void *arg, const char *line);
/* NULL: none of ours. */
struct seat *voice_seat(struct voice *v, uint64_t cid);
void	voice_drop_seat(struct voice *v, size_t i);
void	voice_draw(struct voice *v, int64_t now);

/* --- speak.c */
int	voice_has_card(const struct voice *v);
/* At most one seat hears us; -1: none. latched: it stays on, whether anybody
 * speaks or not; else for ms at most, 0: no bound. by: key, agent, limit. */
void	voice_set_mic(struct voice *v, int at, int latched, int64_t ms,
	    const char *by);
/* seat_ops' mic */
void	voice_on_mic(void *voice, struct seat *s, int on, int64_t ms);
void	voice_check_mic(struct voice *v, int64_t now);
/* Is it time to read? */
int	voice_may_capture(struct voice *v);
/*
 * One frame, if there is one and it is time for it. A live source gives them
 * by its own clock, and each is sent at once; a file would give all now.
 */
void	voice_capture(struct voice *v, int64_t at);
/* 20 ms in which the others' streams go on, unsaid. */
void	voice_silence(struct voice *v);

#endif
