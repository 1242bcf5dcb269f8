#ifndef SEC_MCU_MCU_H
#define SEC_MCU_MCU_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/loop.h"
#include "base/secret.h"
#include "rtp/hopkey.h"
#include "rtp/replay.h"
#include "server/dealt.h"
#include "wire/rtp.h"

#include "select.h"

/*
 * sec-mcu, the voice router (S026, S064): one UDP port for all conferences.
 * It holds no conference key; what it forwards it cannot open.
 */
#define MCU_DEVICES   4500             /* --max, unless given */
#define LOST_MS       2000             /* without a packet */
#define SWEEP_MS      250
/* Speech is 50 packets a second; what was held up on the way comes in a
 * heap. More is no speech, and would be sent on to everybody. */
#define FLOOD_RATE    200              /* packets a second */
#define FLOOD_HEAP    400              /* at once */
#define ROOM_QUEUE    64               /* packets, a power of two */
#define PACKETS       8192             /* buffers in all */
#define FIND_MOST     64               /* datagrams at once */
#define KNOWN_BITS    13               /* found lately: places, log 2 */

/* Why a datagram went no further. */
enum drop {
	DROP_FORMAT,                   /* no packet of ours */
	DROP_UNKNOWN,                  /* no such conference or device */
	DROP_TAG,                      /* hop tag */
	DROP_REPLAY,                   /* counter seen */
	DROP_LATE,                     /* counter too far behind */
	DROP_MUTED,                    /* may not speak */
	DROP_FLOOD,                    /* faster than speech is */
	DROP_UNSELECTED,               /* others are louder */
	DROP_OVERRUN,                  /* queued for too long, or no buffer */
	DROP_SEND,                     /* the kernel refused it */
	DROPS,
};

/* One address, as the kernel takes it. */
union place {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

struct packet {
	STAILQ_ENTRY(packet)	 entry;        /* of free ones */
	uint32_t		 q;            /* who speaks */
	uint16_t		 n;            /* bytes */
	uint16_t		 refs;
	uint64_t		 covered[HOPKEY_WORDS];       /* by tags */
	uint8_t			 bytes[RTP_MAX + 8];
};

struct device;
struct hop_packet;

/* What forwarding needs of a device; they lie side by side in their room. */
struct listener {
	struct device		*device;
	const uint8_t		*key;          /* down */
	uint32_t		 next;         /* packet to be sent */
	uint32_t		 q;
	uint32_t		 copies;       /* sent to him */
	union place		 to;
};

struct device {
	struct dealt_device	 dealt;
	/* Side by side what each voice packet needs: find_ahead(). */
	struct secret		*keys;         /* up || down, NULL: none */
	union place		 from;         /* where it is, proven */
	unsigned		 listener;     /* its number + 1; 0: none */
	TAILQ_ENTRY(device)	 quiet;        /* by SWEEP_MS of heard */
	int64_t			 heard;        /* ms, any valid packet */
	struct replay		 replay;
	struct talker		 talker;
	int64_t			 budget;       /* 1/1000 packets at */
	int64_t			 budget_at;    /* ms */
	/* what came from it */
	uint64_t		 first;        /* counter */
	uint32_t		 packets, misordered, muted, unselected;
	uint32_t		 transit;      /* us, for jitter */
	uint32_t		 jitter;       /* 1/16 us */
	uint64_t		 hop_in, hop_out;      /* counters */
	union place		 asked;        /* where it may be: he there */
	uint64_t		 token;        /* sends this back */
	/* what went to it before it was this listener, and what of all that
	 * it says it has got */
	uint32_t		 copies, reported;
	uint16_t		 reported_jitter_ms;
};

struct queued {
	struct packet		*packet;
	uint64_t		 due;          /* visits, then all have it */
};

struct room {
	struct dealt_room	 dealt;
	struct select		 select;
	/* Packets under way: numbers tail..head-1. Listeners are visited in
	 * a circle; each visit sends all that he has not got. */
	struct listener		*listener;
	unsigned		 nlisteners, caplisteners;
	uint32_t		 tail, head;
	uint64_t		 visits;
	unsigned		 cursor;
	unsigned		 left;         /* visits until all have all */
	TAILQ_ENTRY(room)	 work;
	int			 is_working;
	struct queued		 queue[ROOM_QUEUE];
	/* talk events: whom the controller believes to talk */
	struct device		*talking[SELECT_MAX];
	unsigned		 ntalking;
	int64_t			 told;
};

/* Found lately. */
struct known {
	uint64_t		 conf;
	struct device		*device;       /* NULL: nobody */
};

struct outbox;
struct inbox;

struct mcu {
	struct service		*s;
	struct io		 io;
	struct timer		 sweep;
	TAILQ_HEAD(, device)	 quiet;        /* longest silent first */
	TAILQ_HEAD(, room)	 work;         /* rooms with packets */
	STAILQ_HEAD(, packet)	 spare;
	struct packet		*packets;
	unsigned		 npackets;     /* ever used */
	struct outbox		*out;
	struct inbox		*in;
	struct known		 known[1 << KNOWN_BITS];
	/* counters since the start */
	uint64_t		 received, voice, hops, copies, joined;
	uint64_t		 dropped[DROPS];
};

static inline struct mcu *
room_mcu(const struct room *r)
{
	return dealt_service(r->dealt.dealt)->priv;
}

static inline struct room *
device_room(const struct device *d)
{
	return (struct room *)d->dealt.room;
}

/* members.c: the controller's deal */
void	members_open(struct mcu *m);
/* A valid packet of it came. */
void	device_heard(struct mcu *m, struct device *d, int64_t now);
/*
 * A valid packet is no proof that its source is the device's: whoever has a
 * hop key could have us send others' voices to anybody. So media go where a
 * token was received and came back from.
 */
int	device_is_at(const struct device *d, const union place *from);
/* The token for this source. */
uint64_t device_ask(struct device *d, const union place *from);
/* A hop packet from there: with the token it is where the device is. */
void	device_prove(struct mcu *m, struct device *d, const union place *from,
	    const struct hop_packet *h);
/* It listens, or does not any more, by what is known of it. */
void	device_tune(struct mcu *m, struct device *d);

/* arrive.c: datagrams in; hop tag first, then all else */
int	arrive_open(struct mcu *m);
void	arrive_close(struct mcu *m);
/* What is in the socket now, at most budget batches; 1 if there may be
 * more. */
int	arrive_take(struct mcu *m, int budget);

/* find.c: whose datagram it is */
/* NULL: nobody's, or of one without keys. */
struct device *find_device(struct mcu *m, uint64_t conf, uint32_t q);
void	find_forget(struct mcu *m, const struct device *d);
/* n datagrams, at most FIND_MOST, are handled next: bring near what that
 * needs. */
void	find_ahead(struct mcu *m, struct packet *const packet[], int n);

/* forward.c: one packet in, one copy to everybody else out */
int	forward_open(struct mcu *m);
void	forward_close(struct mcu *m);
/* What tags cover of it is prepared. */
void	forward_packet(struct mcu *m, struct room *r, struct packet *p);
/* There will be a packet for it, perhaps: a hint. */
void	forward_ahead(const struct room *r);
/* Another datagram, with the next ones. */
void	forward_bytes(struct mcu *m, const union place *to, const void *p,
	    size_t n);
/* Send what is queued, as far as one turn goes. */
enum forward {
	FORWARD_DONE,
	FORWARD_MORE,
	FORWARD_BLOCKED,               /* until the socket is writable */
};
enum forward forward_run(struct mcu *m);
void	room_add_listener(struct room *r, struct device *d);
void	room_drop_listener(struct mcu *m, struct room *r, struct device *d);
/* Nothing is under way in it any more. */
void	room_clear(struct mcu *m, struct room *r);
struct packet *packet_take(struct mcu *m);     /* NULL: none left */
int	packet_is_spare(const struct mcu *m);
void	packet_drop(struct mcu *m, struct packet *p);

/* report.c: hop packets, lost and found, who talks, counters */
void	report_hop(struct mcu *m, struct device *d,
	    const union place *from, const struct hop_packet *h);
/* Our hop packet: what came from it, and to where it is not known to be also
 * the token that has to come back from there. */
void	report_say(struct mcu *m, struct device *d, const union place *to);
/* Who talks is told anew. */
void	report_anew(struct room *r);
/* One more voice packet of d, taken at us (monotonic). */
void	report_voice(struct device *d, const struct rtp *r, int newest,
	    int64_t us);
void	report_sweep(void *mcu);
void	report_leave(struct room *r, const struct device *d);
void	report_status(struct service *s, struct ctl_req *req);
extern const struct ctl_verb report_verbs[];

#endif
