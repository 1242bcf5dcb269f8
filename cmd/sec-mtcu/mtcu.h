#ifndef SEC_MTCU_MTCU_H
#define SEC_MTCU_MTCU_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/secret.h"
#include "server/dealt.h"
#include "server/holder.h"
#include "server/service.h"

/*
 * sec-mtcu, the text router (S026, S065): rooms and members as the
 * controller deals them, connections of devices, and deliveries under way.
 * It holds no conference key and no code to open a body.
 */
#define MEMBER_QUEUE 1048576           /* bytes kept for an absent device */
#define GRACE_MS     2000              /* answer, or connection, within */
/* A copy outlives its delivery, whose own timer must be the first to know
 * that somebody is silent. */
#define COPY_MS      (GRACE_MS + 1000)
#define PROBE_MS     30000             /* of one that did not answer */
#define UNDER_WAY    256               /* deliveries of one device */
#define ID_MASK      0xfffff           /* deliveries at a time */

/* A copy that waits for its device's connection. */
struct copy {
	uint64_t		 delivery;     /* 0: not counted */
	uint32_t		 author_q;
	int			 missed;       /* -1: not the author's own */
	char			*author;       /* URI */
	char			*type;         /* content type */
	int64_t			 line;         /* SEC-Line, or -1 */
	uint8_t			*body;
	size_t			 n;
	TAILQ_ENTRY(copy)	 entry;
};

struct member {                        /* one device: one q */
	struct dealt_device	 dealt;
	struct sip_conn		*conn;         /* its owner is the member */
	int64_t			 away;         /* since when without one */
	TAILQ_HEAD(, copy)	 copies;
	size_t			 queued;       /* bytes in copies */
	unsigned		 under_way;    /* deliveries of his */
	struct holder		 held;         /* H_q */
	struct timer		 timer;        /* away too long */
};

struct room {
	struct dealt_room	 dealt;
	int64_t			 line;         /* the last that is kept */
	TAILQ_HEAD(, kept)	 kept;         /* until they are stored */
	size_t			 waiting;      /* bytes of them */
	struct timer		 again;
};

struct delivery;

struct mtcu {
	struct service		*s;
	struct holders		*hops;         /* of members */
	struct map		*deliveries;   /* by number */
	struct delivery		*latest;       /* found last, NULL: none */
	TAILQ_HEAD(, delivery)	 spare;
	uint64_t		 next_delivery;
	uint64_t		 copies;       /* sent, since the start */
};

static inline struct room *
member_room(const struct member *mb)
{
	return (struct room *)mb->dealt.room;
}

static inline struct mtcu *
member_mtcu(const struct member *mb)
{
	return dealt_service(mb->dealt.room->dealt)->priv;
}

/* For loops over the members of a room. */
static inline struct member *
member_first(const struct room *r)
{
	return (struct member *)TAILQ_FIRST(&r->dealt.devices);
}

static inline struct member *
member_next(const struct member *mb)
{
	return (struct member *)TAILQ_NEXT(&mb->dealt, entry);
}

/* members.c: what the controller deals */
void	members_open(struct mtcu *m);
struct room *room_find(struct mtcu *m, const char *uri);
struct member *room_member(struct room *r, uint32_t q);
/* Whose hop key opened it. */
struct member *member_of_conn(struct mtcu *m, struct sip_conn *c);
void	member_connected(struct member *mb, struct sip_conn *c);
void	member_disconnected(struct member *mb);
/* Connected, but without an answer for 2 s: `lost`, until he answers. */
void	member_silent(struct member *mb);

/* keep.c: text that the controller stores */
extern const struct ctl_verb keep_verbs[];
int	keep_open(struct room *r);
void	keep_close(struct room *r);
/* The controller's link is there: what it may not have. */
void	keep_dealt(struct room *r);
/* The controller cannot store at this moment. */
int	keep_is_full(const struct room *r);
/* A text's number, -1 in a room that keeps none. */
int64_t	keep_text(struct member *author, const struct sip_msg *req);

/* relay.c: one MESSAGE in, one to every member out (Fig. 8) */
void	on_message(void *ctx, struct sip_txn *txn, const struct sip_msg *req);

/* deliver.c: who has answered */
struct delivery *delivery_new(struct room *r, struct member *author,
	    struct sip_txn *txn, const struct sip_msg *req);
/* It is kept, under this number. */
void	delivery_set_line(struct delivery *d, int64_t line);
int64_t	delivery_line(const struct delivery *d);
struct delivery *delivery_find(struct mtcu *m, uint64_t id);
uint64_t delivery_id(const struct delivery *d);
/* What its copies are made from; tmpl is looked at the first time. */
struct sip_fan *delivery_fan(struct delivery *d,
	    const struct sip_msg *tmpl);
/* A copy for slot is under way and waited for; answered or given up. */
void	delivery_expect(struct delivery *d, unsigned slot);
void	delivery_answer(struct delivery *d, unsigned slot, int status);
/* A device that nobody waits for: without a connection for longer than the
 * grace, or silent before. */
void	delivery_miss(struct delivery *d, unsigned slot);
/* All copies are out: finish now if nothing is expected. */
void	delivery_started(struct delivery *d);
void	deliveries_free(struct mtcu *m);
/* Send one copy to a member, or keep it until he connects. */
void	copy_send(struct member *mb, struct sip_fan *fan,
	    const struct sip_msg *tmpl, struct delivery *d, int missed);
void	copies_flush(struct member *mb);
void	copy_free(struct member *mb, struct copy *c);

#endif
