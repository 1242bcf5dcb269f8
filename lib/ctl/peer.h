#ifndef CTL_PEER_H
#define CTL_PEER_H

/*
 * What serve.c, peer.c and ask.c of lib/ctl share; nobody else includes
 * it. A closed peer is unlinked at once and freed at the end of the turn,
 * so a handler may close the peer that it serves.
 */
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/stream.h"
#include "ctl/serve.h"

#define CTL_TABLES 16
#define CTL_GONE   8
#define CTL_LISTEN 4

struct ctl_table {
	const struct ctl_verb	*verbs;
	void			*ctx;
};

struct ctl_gone {
	void	(*cb)(void *ctx, uint64_t peer);
	void	*ctx;
};

struct ctl_listener {
	struct ctl	*ctl;
	int		 fd;           /* -1: slot is free */
	int		 max;
	struct io	 io;
	struct timer	 again;        /* after EMFILE */
};

/* A call of ours that waits for its last reply. */
struct ctl_call {
	struct ctl_peer		*peer;
	uint64_t		 id;
	ctl_reply_h		 cb;
	void			*ctx;
	uint64_t		 cookie;
	struct timer		 deadline;
	TAILQ_ENTRY(ctl_call)	 entry;
};
TAILQ_HEAD(ctl_calls, ctl_call);

struct ctl_peer {
	struct ctl		*ctl;
	uint64_t		 id;
	unsigned		 from;
	int			 number;       /* of a server, 0: Unix */
	uid_t			 uid;
	struct stream		*stream;       /* Unix, else NULL */
	struct channel		*channel;      /* link, borrowed */
	struct buf		 out;          /* lines for the channel */
	struct hook		 flush;
	struct buf		 answer, call; /* the lines being built */
	uint64_t		 call_id;
	struct ctl_calls	 calls;
	size_t			 owed;         /* calls not answered yet */
	int			 closed;
	TAILQ_ENTRY(ctl_peer)	 entry;
};
TAILQ_HEAD(ctl_peers, ctl_peer);

struct ctl {
	struct loop		*loop;
	struct map		*peers;        /* by id */
	uint64_t		 last_id;      /* of peers and calls */
	struct ctl_table	 table[CTL_TABLES];
	size_t			 ntables;
	struct ctl_gone		 gone[CTL_GONE];
	size_t			 ngone;
	struct ctl_listener	 listener[CTL_LISTEN];
	int			 nunix;        /* connections, and those */
	int			 nothers;      /* that are not CTL_ADMIN */
	gid_t			 group;        /* "sec", (gid_t)-1 if none */
	struct ctl_peers	 dead;
	struct hook		 bury;
	int			 silent;       /* ctl_stop() */
};

/* One parsed line from a peer that is not a reply. */
void	ctl_dispatch(struct ctl_peer *p, const struct line *l);
/* A line begun in b is complete: check its length and send it. 0 or
 * SEC_ERR_LIMIT, SEC_ERR_CLOSED; b is empty afterwards. */
int	ctl_peer_send(struct ctl_peer *p, struct buf *b);
/* A reply came for one of our calls. */
void	ctl_call_reply(struct ctl_peer *p, const struct line *l);
/* The peer is gone: every call that it has now gets err. */
void	ctl_call_fail_all(struct ctl_peer *p, int err);
void	ctl_call_drop_all(struct ctl_peer *p);
void	ctl_peer_free(struct ctl_peer *p);

#endif
