#ifndef CTL_LINK_PRIV_H
#define CTL_LINK_PRIV_H

#include <sys/queue.h>

#include "base/addr.h"
#include "ctl/link.h"
#include "net/channel.h"

/* What the files of server links have in common. */
#define LINK_RETIRE_QUIET 1000         /* ms */

enum link_state { LINK_OPENING, LINK_UP, LINK_RETIRED, LINK_OVER };

struct link {
	struct other *other;
	struct links *links;
	enum link_state state;
	int dialled;
	uint32_t epoch; /* 0: plain */
	int64_t since;
	struct channel *channel;
	struct ctl_peer *peer; /* while UP or RETIRED */
	struct timer timer; /* OPENING, plain: deadline; RETIRED: look */
	TAILQ_ENTRY(link) entry;
};
TAILQ_HEAD(link_list, link);

/* One other server. */
struct other {
	struct links *links;
	int number;
	int wanted;
	int idle; /* it left by --idle */
	int64_t woken; /* when it was dialled after that, 0: it was not */
	int64_t backoff; /* of the next redial, 0: at once */
	unsigned tries; /* refused for its epoch so often */
	struct timer redial;
	struct addr addr; /* of a host name, len 0: not known */
	int64_t resolved; /* when it was last looked up, 0: never */
	struct link *up;
	struct link *dial; /* ours, OPENING */
	struct link_list list;
};

struct links {
	struct links_def def;
	const struct servers *servers;
	struct other *other[SERVERS_MAX + 1];
	struct timer change; /* an epoch begins or ends */
	struct hook bury;
	struct link_list dead;
	int freeing;
};

/* --- link.c: one connection */
extern const struct channel_ops link_ops;
const struct server *other_server(const struct other *o);
const char *other_name(const struct other *o);
/* The one in force; 0: none, or a plain link. */
uint32_t links_epoch(const struct links *k);
/* Frees those that are over; arg: the links. */
void	links_bury(void *arg);
int	other_needs_dial(const struct other *o);
void	other_redial_later(struct other *o);
struct link *link_new(struct other *o, int dialled, uint32_t epoch);
/* Never became a connection: nobody hears of its end. */
void	link_discard(struct link *l);
void	link_over(struct link *l, int err);
/* Who sent this first line of a plain link; 0: it is none to us. */
int	link_line_from(const struct links *k, const uint8_t *p, size_t n);
/* A line with its LF. */
int	link_frame(const uint8_t *p, size_t n);

/* --- link_dial.c */
struct other *other_get(struct links *k, int number);
void	other_dial(struct other *o);
/* Bring all links to the epoch in force, and again at the next change. */
void	links_follow_epochs(struct links *k);
void	links_watch_epochs(struct links *k);
void	links_epochs_change(void *arg);        /* arg: the links */

#endif
