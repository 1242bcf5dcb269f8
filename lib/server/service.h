#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/loop.h"
#include "crypto/hello.h"
#include "ctl/epochs.h"
#include "ctl/link.h"
#include "ctl/serve.h"
#include "db/db.h"
#include "sip/stack.h"
#include "wire/servers.h"

/*
 * What every daemon does alike (ARCHITECTURE.md 4, COMMANDS.md 4): options,
 * configuration, log, loop, sockets, database, SIP, control socket, links,
 * readiness, reload, drain. A daemon is a table.
 */
struct service;
struct dealt;

/* Filled by def->hello_key() for a client's hello. */
struct hello_key {
	const struct secret	*base;         /* borrowed until return */
	struct hello_id		 from, to;
	struct sip_peer		 peer;
};

struct service_def {
	const char		 *prog;        /* "sec-pal" */
	const char		 *role;        /* "pal" in `servers` */
	int			  port;        /* default, 7321 */
	const char		 *db;          /* "pal.db" or NULL */
	const struct sip_method	 *methods;
	const struct ctl_verb	 *verbs;       /* its own */
	/* Read state, start timers. 0 or an error after logging why. */
	int	(*open)(struct service *s);
	/* Everything is bound and ready was said. */
	void	(*started)(struct service *s);
	void	(*close)(struct service *s);
	/* SIGHUP: s->conf, servers and keys are new already. */
	void	(*reload)(struct service *s);
	/* How much work drain and --idle wait for (conferences, bindings).
	 * After SIGTERM only a daemon with drain() and a link to server 1 is
	 * waited for, 10 s at most: nobody else can hand anything over. */
	int	(*busy)(struct service *s);
	/* on = 1: take no new work, hand over what can be; 0: undo. */
	void	(*drain)(struct service *s, int on);
	/* key=value fields for `status` and words for `health` ("112
	 * sessions"); returns 0 ok, 1 WARN. */
	int	(*health)(struct service *s, struct buf *words);
	/*
	 * Key for a client hello (by, keyid, to). 0; SEC_ERR_SUBKEY: refuse
	 * now; SEC_ERR_NOTHING: park the hello and ask again when
	 * service_keys_changed() is called, at most 500 ms.
	 */
	int	(*hello_key)(struct service *s, const struct hello_c1 *c1,
		    struct hello_key *out);
	/* Plain mode: who speaks, from the first request (From, Request-
	 * URI). 0 fills peer; else the answer's error. */
	int	(*plain_peer)(struct service *s, const struct sip_msg *req,
		    struct sip_peer *peer);
	/* SIP connections of clients. */
	void	(*conn_up)(struct service *s, struct sip_conn *c);
	void	(*conn_down)(struct service *s, struct sip_conn *c, int err);
	/* Links. */
	void	(*link_up)(struct service *s, int number,
		    struct ctl_peer *p);
	void	(*link_down)(struct service *s, int number);
	/* Accept unsealed REGISTER at the door. */
	int	takes_register;
	/* Verbs of its own that print rows, for `PROG VERB`; ends with NULL,
	 * may be NULL. */
	const char *const *asks;
	/* A UDP port as well, of the same number: s->udp. */
	int	takes_udp;
	/* Knows --max N: s->max, this if not given; 0: no such option. */
	unsigned max;
	/* Rows for `status`, by ctl_row(); may be NULL. */
	void	(*status)(struct service *s, struct ctl_req *r);
};

struct service {
	const struct service_def *def;
	struct conf		  conf;
	struct servers		  servers;
	const struct server	 *self;        /* our line of servers */
	struct loop		 *loop;
	struct db		 *db;
	struct epochs		 *epochs;
	struct links		 *links;
	struct ctl		 *ctl;
	struct sip_stack	 *sip;
	struct dealt		 *dealt;       /* server/dealt.h, or NULL */
	int			  udp;         /* bound, or -1 */
	unsigned		  max;         /* --max, 0: no limit */
	int			  draining;
	int64_t			  started;     /* real ms */
	void			 *priv;        /* the daemon's own */
	struct service_state	 *state;       /* service.c's own */
};

/* argv as main() got it: `PROG serve ...` runs the daemon, `PROG status |
 * health | drain [--name N]` asks the running one. */
int	service_main(const struct service_def *def, int argc, char **argv);
/* 1 if argv's verb is one that service_main() takes, for programs that are
 * tools as well (sec-pal, sec-confctl). */
int	service_verb(int argc, char **argv);
/* A key that a parked hello may wait for has come. */
void	service_keys_changed(struct service *s);
/* Work was done: restarts the --idle time. */
void	service_touch(struct service *s);
/* The first server of a role, or NULL. */
const struct server *service_peer(const struct service *s, const char *role);

#endif
