#ifndef SERVER_DEALT_H
#define SERVER_DEALT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/map.h"
#include "server/service.h"

/*
 * Rooms and devices of a media server, as the controller deals them (S063,
 * S065): verbs conference, join, leave, hold, speak, policy, end, dealt;
 * events load, lost, found. A deal is idempotent: `conference`, its `join`
 * lines, `dealt conf=`; after all of them one `dealt`; what was not in it is
 * dropped. A daemon lets its own structs begin with these.
 */
#define DEALT_STREAMS     3            /* forwarded at a time, unless told */
#define DEALT_STREAMS_MAX 16
#define DEALT_PERSONS     0x100000     /* in a room */

enum dealt_select {
	DEALT_LOUDEST,
	DEALT_FIRST,                   /* who came first, until he pauses */
};

struct dealt;
struct dealt_device;

/* A user in a room: his devices share one number. */
struct dealt_person {
	unsigned	 slot;
	unsigned	 devices;
	char		 uri[];
};

struct dealt_room {
	struct dealt		*dealt;
	char			*uri;
	uint64_t		 cid;
	unsigned		 streams;
	enum dealt_select	 select;
	int			 talk;         /* tell who talks */
	int			 keep;         /* its text is kept */
	int			 seen;         /* in this deal */
	int			 is_dealt;     /* all devices are known */
	struct map		*persons;      /* by URI */
	struct dealt_person	**slot;        /* by number, holes NULL */
	unsigned		 nslots, capslots;
	struct map		*by_q;
	TAILQ_HEAD(, dealt_device) devices;
	unsigned		 ndevices;
};

struct dealt_device {                  /* one q */
	uint32_t		 q;
	uint32_t		 hopid;        /* of its hop key, 0: none */
	struct dealt_room	*room;
	struct dealt_person	*person;
	TAILQ_ENTRY(dealt_device) entry;
	uint8_t			 speak;        /* may be heard */
	uint8_t			 hold;         /* listens elsewhere */
	uint8_t			 seen;         /* in this deal */
	uint8_t			 lost;         /* as told */
	char			 address[64];  /* of its SDP, "" unknown */
};

/* All callbacks may be NULL. They get the daemon's own structs, all zero
 * but for what is above. */
struct dealt_ops {
	size_t	 room_size, device_size;
	unsigned capacity;             /* devices, without --max */
	const char *medium;            /* "text", "voice": joins of others
					* are refused */
	int	(*room_new)(struct dealt_room *r);     /* 0 or SEC_ERR_* */
	void	(*room_free)(struct dealt_room *r);
	/* All its devices are there: is_dealt is set. */
	void	(*room_dealt)(struct dealt_room *r);
	/* streams, select, talk or keep are others now. */
	void	(*room_policy)(struct dealt_room *r);
	/* In its room, but without a hop key. 0 or SEC_ERR_*. */
	int	(*device_new)(struct dealt_device *d);
	/* Not to be found any more. */
	void	(*device_free)(struct dealt_device *d);
	/* Its hop key H_q, instead of that of d->hopid if there is one. */
	void	(*hop_key)(struct dealt_device *d, uint32_t hopid,
		    const uint8_t key[32]);
	/* speak or hold may be others now. */
	void	(*device_changed)(struct dealt_device *d);
	/* Copies sent since the start, for `load`. */
	uint64_t (*packets)(struct service *s);
	/* More for a row of `conferences`. */
	void	(*room_words)(const struct dealt_room *r, struct buf *b);
};

/* Adds the verbs to s->ctl and is s->dealt. Never NULL. */
struct dealt *dealt_new(struct service *s, const struct dealt_ops *ops);
/* Rooms and devices are freed first. NULL allowed. */
void	dealt_free(struct dealt *d);
struct service *dealt_service(const struct dealt *d);

struct dealt_room *dealt_room(const struct dealt *d, const char *uri);
struct dealt_room *dealt_room_cid(const struct dealt *d, uint64_t cid);
/* Iterates as map_next() does. */
struct dealt_room *dealt_room_next(const struct dealt *d, size_t *i);
struct dealt_device *dealt_device(const struct dealt_room *r, uint32_t q);
size_t	dealt_rooms(const struct dealt *d);
unsigned dealt_devices(const struct dealt *d);

/* The controller's link is up: a deal follows. */
void	dealt_link_up(struct dealt *d);
/* Tell it how much there is, now or within a second. */
void	dealt_load(struct dealt *d);
void	dealt_load_changed(struct dealt *d);
/* Nothing is heard of a device; it is there again. Each once. */
void	dealt_lost(struct dealt_device *d);
void	dealt_found(struct dealt_device *d);

#endif
