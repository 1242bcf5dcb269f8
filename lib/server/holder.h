#ifndef SERVER_HOLDER_H
#define SERVER_HOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "server/service.h"

/*
 * Who holds a key for hellos to this daemon: a client, which is one instance
 * of a user with its present Kc and the one before (SECURITY.md 3.3), or a
 * device with its hop key, which is known by the key alone. The holder is
 * part of the daemon's own binding, session or member, its owner.
 */
#define HOLDER_OVERLAP 30000           /* an older Kc is good for, ms */
#define HOLDER_SETTLE  10000           /* the client has heard of a new one */

struct holders;

struct holder_key {
	uint32_t	 id;
	struct secret	*secret;       /* NULL: none */
	int64_t		 since, until; /* real ms */
};

struct holder {
	struct holders		*in;
	void			*owner;
	unsigned		 by;           /* server that dealt the keys */
	const char		*user;         /* URI; NULL: a device */
	const char		*instance, *principal;
	struct holder_key	 key, old;
	uint64_t		 conn;         /* id, 0: none */
};

struct holders *holders_new(void);
/* All holders have left before; NULL allowed. */
void	holders_free(struct holders *t);
/* Clients, without devices. */
size_t	holders_count(const struct holders *t);
/* Iterate over the owners of clients, as with map_next(). */
void	*holders_next(const struct holders *t, size_t *i);

/* h, all zero, enters as a device: found by its key when it has one. */
void	holder_init(struct holder *h, struct holders *t, unsigned by,
	    void *owner);
/* And by name, as a client. The strings are the owner's and stay. */
void	holder_name(struct holder *h, const char *user, const char *instance,
	    const char *principal);
/* Out of the table, keys wiped. A second time does nothing. */
void	holder_leave(struct holder *h);

/* A fresh key, under an id that nobody has. */
void	holder_fresh(struct holder *h, int64_t until);
/* A key that another has made. The one it has: only its end changes. Both
 * keep the key before for HOLDER_OVERLAP. */
void	holder_renew(struct holder *h, uint32_t id, const uint8_t key[32],
	    int64_t until);
/* The only key: what was before is over. */
void	holder_replace(struct holder *h, uint32_t id, const uint8_t key[32],
	    int64_t until);
/* The newest that the client surely has, for wraps: we may hear of a new one
 * before it does. Its secret may be NULL. */
const struct holder_key *holder_settled(const struct holder *h);

/* One name for a key, for maps and cookies. */
static inline uint64_t
holder_key_name(unsigned by, uint32_t id)
{
	return (uint64_t)by << 32 | id;
}
/* The owner, or NULL; by key: also which of his keys it is, if k is not
 * NULL (one that is over as well). */
void	*holders_find(const struct holders *t, const char *user,
	    const char *instance);
void	*holders_find_key(const struct holders *t, uint64_t name,
	    const struct holder_key **k);

/* --- hellos and connections of clients --- */
/* What service_def's hello_key() is to fill in. 0; SEC_ERR_NOTHING: no such
 * key; SEC_ERR_SUBKEY: it is over. */
int	holders_hello(const struct holders *t, const struct service *s,
	    const struct hello_c1 *c1, struct hello_key *out);
/* The peer that has proved to be h. 0 or SEC_ERR_FORMAT. */
int	holder_peer(const struct holder *h, const struct service *s,
	    struct sip_peer *peer);
/* Whose connection it is: the owner, or NULL. */
void	*holders_of_conn(const struct holders *t, const struct service *s,
	    struct sip_conn *c);
/* His connection, if it is up. */
struct sip_conn *holder_conn(const struct holder *h,
	    const struct service *s);
/* c is his now, in the place of an older one (SECURITY.md 3.3), which is
 * closed; not in plain mode, where a foreign agent may have two: its own,
 * and the one to its Contact. */
void	holder_connected(struct holder *h, const struct service *s,
	    struct sip_conn *c);
/* c has ended; 1 if it was his. */
int	holder_disconnected(struct holder *h, const struct sip_conn *c);
/* He has gone: close his connection behind what is under way. */
void	holder_hang_up(struct holder *h, const struct service *s);

#endif
