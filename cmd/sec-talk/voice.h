#ifndef SEC_TALK_VOICE_H
#define SEC_TALK_VOICE_H

#include <poll.h>
#include <stdint.h>

#include "audio/wav.h"
#include "cli/agent.h"

/*
 * The voice device: one process, one UDP socket, one clock, any number of
 * conferences (seats), which are mixed here. What is captured goes into one
 * conference, whose mic is on, and into no other.
 */
struct voice;

struct voice_set {
	const char	*in, *out;     /* -i, -o; NULL: the card */
	int		 listen;       /* -l: nothing is captured */
	int		 send;         /* -s: nothing is played */
	enum wav_kind	 kind;         /* of the output */
	int		 raw;          /* the input has no head */
	int		 rate;
	const char	*stems;        /* directory, NULL */
	int		 mic;          /* a card's mic is on from the start */
	unsigned	 others;       /* -n: voice devices to wait for */
	int64_t		 seconds;      /* -t, -1 */
	/* Where lines for people go; NULL: stderr. */
	void		(*notice)(void *arg, const char *line);
	void		*arg;
};

/* Attach to these conferences; 0 or an exit code (message printed). */
int	voice_open(struct voice **out, struct cli *c,
	    const struct voice_set *set, char **confs, int n);
/* Leaves. */
void	voice_close(struct voice *v);
/* Until it ends: the exit code. With a terminal, a meter and keys. */
int	voice_run(struct voice *v);

/* For somebody else's ppoll(2): what to wait for (at most VOICE_POLLS), and
 * what then came. */
#define VOICE_POLLS 36
size_t	voice_polls(struct voice *v, struct pollfd p[VOICE_POLLS]);
void	voice_turn(struct voice *v, const struct pollfd *p, size_t n);
/* It has ended: *code is its exit code. */
int	voice_is_over(const struct voice *v, int *code);
void	voice_toggle_mic(struct voice *v);

#endif
