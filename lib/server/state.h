#ifndef SERVER_STATE_H
#define SERVER_STATE_H

/*
 * What the files of lib/server share; daemons see server/service.h only.
 */
#include "base/map.h"
#include "ctl/keygen.h"
#include "server/door.h"
#include "server/limits.h"
#include "server/options.h"
#include "server/service.h"

#define SERVICE_LISTEN 8               /* listening sockets */

struct service_state {
	struct service_options	 opt;
	int			 fd[SERVICE_LISTEN];  /* until doors exist */
	size_t			 nfd;
	struct door		*door[SERVICE_LISTEN];
	size_t			 ndoor;
	struct limits		*limits;
	char			 sock[512];           /* control socket */
	int			 ready;
	int			 closing;      /* def->close was called */
	char			 bad_config[512];     /* "" or why kept old */
	struct map		*live;         /* newest connection by owner */
	struct map		*talking;      /* guests by connection id */
	struct timer		 idle, drain, tick;
	int64_t			 touched;      /* monotonic ms */
	int64_t			 clock_offset; /* real minus monotonic */
	uint64_t		 ticks;
	int64_t			 drain_until;  /* 0: no deadline */
	struct keygen_lead	*lead;         /* rotate */
	struct ctl_handle	 lead_for;
	int64_t			 lead_again;   /* next try by itself, ms */
};

/* activate.c; each says what is wrong and exits. Listening sockets into
 * state->fd; descriptor 0 there when -i was given, before anything is said;
 * is one running already? */
void	activate_sockets(struct service *s);
void	activate_inetd(struct service *s);
void	activate_check_running(const struct service *s);

/* health.c: verbs that every daemon has. */
extern const struct ctl_verb health_verbs[];
/* One line of words; 0 ok, 1 WARN. */
int	health_words(struct service *s, struct buf *words);
void	health_notify(struct service *s, const char *state);

/* rotate.c: verbs `keys` and `rotate`, and the daily epoch. */
extern const struct ctl_verb rotate_verbs[];
int	rotate_reload_keys(struct service *s, char *why, size_t whylen);
void	rotate_tick(struct service *s);
void	rotate_close(struct service *s);

/* reload.c: SIGHUP. */
int	reload_servers(struct service *s, char *why, size_t whylen);
void	reload_all(struct service *s);
/* Choose our line of s->servers. 0 or SEC_ERR_CONFIG. */
int	reload_find_self(struct service *s, char *why, size_t whylen);

/* leave.c: drain, SIGTERM, --idle. How much is left to do, as the daemon
 * says. */
void	leave_init(struct service *s);
void	leave_drain(struct service *s, int on);
int	leave_is_busy(struct service *s);

/* service.c: a server wants a link with whom it reports to, the controller
 * with all. Again after each reading of `servers`. */
void	service_want_links(struct service *s);

/* query.c: PROG status | health | drain. Returns the exit code. */
int	query_main(const struct service_def *def,
	    const struct service_options *o);
/* Name of the daemon that o means, into out (65 bytes). 0, _CONFIG, or
 * _USAGE: several have its role, and o does not say which. */
int	query_name(const struct service_def *def,
	    const struct service_options *o, char *out, char *why,
	    size_t whylen);

/* door.c: a SIP connection is up or gone. 1 if the daemon is to hear of
 * it: not of REGISTERs, nor the end of what never was up. */
int	door_conn_up(struct service *s, struct sip_conn *c);
int	door_conn_down(struct service *s, struct sip_conn *c);
/* The daemon is told of its end now, not again by door_conn_down(). */
int	door_conn_forget(struct service *s, struct sip_conn *c);
size_t	door_guests(const struct door *d);     /* connections inside */

#endif
