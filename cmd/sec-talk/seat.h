#ifndef SEC_TALK_SEAT_H
#define SEC_TALK_SEAT_H

#include <stdint.h>

#include "audio/codec.h"
#include "audio/earcon.h"
#include "base/addr.h"
#include "cli/agent.h"
#include "rtp/sink.h"
#include "rtp/source.h"

#include "render.h"
#include "speaker.h"

/*
 * A seat: this device in one conference. The agent gives it its keys and the
 * news, on one connection for as long as it lasts; packets go straight to the
 * MCU and come from there.
 */
enum seat_mode { SEAT_HEAR, SEAT_EARCON, SEAT_LIGHT, SEAT_ALERT };

#define SEAT_ALERT_MS 30000            /* heard after being addressed */

/* Somebody's sound. */
struct seat_sound {
	char			 user[320];
	struct earcon		*earcon;       /* NULL: none */
	TAILQ_ENTRY(seat_sound)	 entry;
};

/* Somebody's file. He may come back with another device; two of his at once
 * have two. */
struct seat_stem {
	char			 user[320];
	struct stem		*stem;         /* NULL: it cannot be written */
	int			 taken;
	TAILQ_ENTRY(seat_stem)	 entry;
};

struct seat;

/* What a seat tells its device. */
struct seat_ops {
	/* Lines for people, and events as JSON lines. */
	void	(*notice)(void *arg, const char *line);
	/* A tool has the mic, for so many ms (0: until further notice). */
	void	(*mic)(void *arg, struct seat *s, int on, int64_t ms);
	void	*arg;
	/* Which kinds of play there are. */
	int	renders;               /* anything is to be heard */
	const char *stems;             /* directory, NULL */
	int	rate;                  /* of stems */
	int	verbose;               /* figures of each speaker at the end */
};

struct seat {
	const struct seat_ops	*ops;
	struct ctl_client	*a;
	struct buf		 out;          /* events for the agent */
	int			 over;         /* it has ended here */
	char			 why[96];      /* and why, in words */
	int			 agent_gone;
	char			 conf[AGENT_CONF_MAX], me[320];
	char			 name[AGENT_SHORT_MAX];
	uint64_t		 cid;
	uint32_t		 q;
	enum codec		 codec;
	uint16_t		 suite;
	struct addr		 media;
	int64_t			 offset;       /* server's clock - ours, ms */
	struct source		*source;
	struct sink		*sink;
	struct encoder		*encoder;
	uint32_t		 ts;           /* of the next packet */
	int			 marker;       /* it begins an utterance */
	int			 mic;          /* we speak here */
	int			 no_level;     /* packets do not tell it */
	struct speaker		 self;         /* our own utterances */
	int64_t			 hop_at;       /* next hop packet, mono ms */
	int			 asked;        /* it has to bring this back */
	uint64_t		 token;
	int64_t			 warned;       /* of a suite that leaks */
	enum seat_mode		 mode;
	float			 gain;
	int			 unfocused, mute;
	int			 held;         /* the MCU sends nothing */
	int64_t			 alert_until;  /* mono ms */
	struct earcon		*sound;        /* of the conference */
	int			 silent;       /* its sound is none */
	struct earcon_player	 alert;
	TAILQ_HEAD(, seat_sound) sounds;
	TAILQ_HEAD(, seat_stem)	 stems;
	struct speakers		 speakers;
	int			 levels;       /* the agent wants them */
};

/* Join if need be, and attach: the first rows are taken. at: our socket's
 * address. 0 or an exit code (message printed). */
struct seat_ask {
	const char	*conf, *at, *via, *capture, *mic;
};
int	seat_open(struct seat **out, struct cli *c, const struct seat_ops *ops,
	    const struct seat_ask *ask);
/* end: of all stems, in samples. */
void	seat_close(struct seat *s, uint64_t end);

/* Its connection: descriptor, what to wait for, and what came. */
int	seat_fd(const struct seat *s);
short	seat_events(const struct seat *s);
void	seat_turn(struct seat *s, short revents);

/* A datagram of this conference; came: mono us. */
void	seat_datagram(struct seat *s, const uint8_t *p, size_t n,
	    int64_t came);
/* Time passes: utterances end. */
void	seat_tick(struct seat *s, int64_t now);
/* Say 20 ms (AUDIO_FRAME) if the mic is on; returns the datagram's length
 * for the MCU. */
size_t	seat_say(struct seat *s, const int16_t *p, int64_t now,
	    uint8_t out[RTP_MAX]);
/* A hop packet if it is time for one; its length. */
size_t	seat_hop(struct seat *s, int64_t now, uint8_t out[HOP_MAX]);
/* The next n samples at `at` (us), added to sum. Stems are written at
 * `place` (samples since the beginning). Returns 1 if there was sound. */
int	seat_mix(struct seat *s, float *sum, size_t n, int64_t at,
	    uint64_t place);

/* Our mic here: tells the agent (by: key, agent, limit). */
void	seat_set_mic(struct seat *s, int on, const char *by);
void	seat_tell_level(struct seat *s, int in, int out);
/* Voice devices of others. */
unsigned seat_others(const struct seat *s);
/* Does anybody talk? */
int	seat_is_talking(const struct seat *s);
/* Is any of it heard now? */
int	seat_is_heard(const struct seat *s, int64_t now);

#endif
