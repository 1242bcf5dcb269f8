#ifndef SERVER_GUEST_H
#define SERVER_GUEST_H

/*
 * One accepted connection, from accept(2) until it is closed or belongs to
 * the links: door.c and usher.c share it.
 *
 *	LOOKING --whole first message--> usher:
 *	   c1 of a client -----> TALKING, or PARKED --key comes--> TALKING
 *	   REGISTER, plain SIP -> TALKING
 *	   m1 ------------------> DEALING
 *	   c1 of a server, link -> the links' (the guest is freed)
 *	   anything else -------> freed, or LEAVING behind a last answer
 */
#include <sys/queue.h>

#include "base/loop.h"
#include "base/stream.h"
#include "ctl/keygen.h"
#include "server/knock.h"
#include "server/state.h"

enum guest_state { GUEST_LOOKING, GUEST_PARKED, GUEST_DEALING,
	GUEST_TALKING, GUEST_LEAVING };

TAILQ_HEAD(guests, guest);

struct guest {
	struct service		*s;
	struct sip_conn		*conn;         /* TALKING */
	int			 once;         /* REGISTER: one message */
	int			 seen;         /* messages */
	enum guest_state	 state;
	int			 stranger;     /* counted as unauthenticated */
	int			 was_up;
	uint64_t		 conn_id;
	struct door		*door;
	struct stream		*stream;       /* LOOKING PARKED LEAVING */
	struct keygen_answer	*answer;       /* DEALING */
	struct timer		 deadline;
	struct guests		*list;         /* the door's, or parked ones */
	TAILQ_ENTRY(guest)	 entry;
	struct addr		 from;
};

/* door.c */
void	guest_free(struct guest *g);
/* He has said who he is. */
void	guest_known(struct guest *g);
/* PARKED: asked again by door_retry(); and not any more. */
void	guest_park(struct guest *g, int on);
/* Close when the output is sent. */
void	guest_leave(struct guest *g);

/* usher.c: bytes are there (LOOKING). May free g. */
void	usher_look(struct guest *g);
/* Ask for the key of a parked hello again; may free g. */
void	usher_retry(struct guest *g);
/* The time is over: refuse a parked one. */
void	usher_refuse(struct guest *g);

#endif
