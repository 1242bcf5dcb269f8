#ifndef SEC_PAL_PAL_H
#define SEC_PAL_PAL_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/secret.h"
#include "db/pal_store.h"
#include "krb/accept.h"
#include "server/holder.h"
#include "server/service.h"
#include "sip/dialog.h"
#include "wire/uri.h"

/*
 * sec-pal serve, the PAL manager (S022): registrar, presence, rosters of
 * conferences, and the subscriptions to all of them.
 */
#define NOTIFY_MS    100               /* at most one NOTIFY in */
#define LEFT_MS      60000             /* a device that left is shown for */
#define BINDINGS     32                /* agents of one user */
#define CLOCK_SKEW   300000            /* Kerberos' own */

struct pal;
struct presentity;

/* --- binding.c: who is registered, with which key (registrar) --- */
struct binding {
	struct presentity	*user;
	char			 principal[256];
	struct pal_binding	 row;
	struct holder		 held;         /* Kc, connection */
	char			*rows;         /* as registered */
	struct timer		 timer;        /* expiry */
	TAILQ_ENTRY(binding)	 entry;        /* of the user */
};

struct binding *binding_find(struct pal *p, const char *user,
	    const char *instance);
struct binding *binding_of_conn(struct pal *p, struct sip_conn *c);
/* Make or renew; takes a fresh Kc. */
struct binding *binding_put(struct pal *p, struct presentity *u,
	    const char *principal, const struct pal_binding *row,
	    const char *rows);
/* why: logout expired removed */
void	binding_drop(struct binding *b, const char *why);
/* Its row and what the controller knows of it; for a binding from before
 * our restart that is not in memory. */
void	binding_forget(struct presentity *u, const char *instance,
	    uint32_t keyid, const char *why);
int	binding_hello_key(struct service *s, const struct hello_c1 *c1,
	    struct hello_key *out);
int	binding_plain_peer(struct service *s, const struct sip_msg *req,
	    struct sip_peer *peer);
void	binding_conn_up(struct service *s, struct sip_conn *c);
void	binding_conn_down(struct service *s, struct sip_conn *c, int err);
/* Tell the controller: one, or all of them (its link came up). */
void	binding_tell(struct binding *b);
void	bindings_tell_all(struct pal *p);
void	bindings_free(struct pal *p);

/* --- register.c --- */
void	on_register(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);

/* --- document.c: what can be subscribed to --- */
struct document {
	struct pal	*pal;
	char		 uri[URI_MAX];
	const char	*event;
	uint64_t	 version;
	int64_t		 flushed;      /* mono ms of the last round */
	struct timer	 timer;
	TAILQ_HEAD(, subscription) subs;
	/* Fields of the doc line. */
	void		(*head)(struct document *d, struct buf *b);
	/* Entry lines: all (version 0), or those changed in that version,
	 * as this watcher (URI) may see them. */
	void		(*entries)(struct document *d, struct buf *b,
			    uint64_t changed, const char *watcher);
	/* A round was sent: forget what has been told. */
	void		(*flushed_cb)(struct document *d);
	int		 same_for_all; /* entries do not depend on watcher */
	int		 waits;        /* not dealt yet: tell nobody */
	struct buf	 cache;        /* full rendering of cache_version */
	uint64_t	 cache_version;
	struct buf	 delta;        /* of delta_version, for all */
	uint64_t	 delta_version;
	void		*owner;
};

void	document_init(struct document *d, struct pal *p, const char *uri,
	    const char *event);
void	document_free(struct document *d, const char *reason);
/* Something changed: a round of NOTIFYs at the end of this turn, or 100 ms
 * after the last. Changed entries are marked with version + 1. */
void	document_changed(struct document *d);
static inline uint64_t
document_next(const struct document *d)
{
	return d->version + 1;
}
/* Body of part `part` (1..) for a watcher; returns the number of parts. */
unsigned document_part(struct document *d, const char *watcher, int full,
	    unsigned part, struct buf *out);

/* --- subscribe.c --- */
struct subscription {
	struct document		*doc;
	struct dialog		 dialog;
	char			 user[URI_MAX];
	char			 instance[PAL_INSTANCE];
	int64_t			 until;        /* real ms */
	uint64_t		 sent;         /* version it has */
	int			 asked;        /* a NOTIFY is unanswered */
	int			 dirty;        /* more to say after that */
	uint64_t		 id;
	struct timer		 timer;
	TAILQ_ENTRY(subscription) entry;
};

void	on_subscribe(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
/* A round: what changed to those who have the version before. */
void	subscription_notify(struct subscription *s);
/* The agent is connected again: everything once (S092, S093). */
void	subscriptions_catch_up(struct pal *p, struct binding *b);
void	subscription_end(struct subscription *s, const char *reason);
/* The agent is gone for good: nobody is there to be told. */
void	subscriptions_forget(struct pal *p, const char *user,
	    const char *instance);
/* End those of a user to one document (he left). */
void	subscriptions_drop(struct document *d, const char *user,
	    const char *reason);
void	subscriptions_load(struct pal *p);
void	subscriptions_free(struct pal *p);

/* --- presence.c --- */
struct presentity {
	struct pal		*pal;
	char			 name[PAL_NAME];
	char			 uri[URI_MAX];
	struct pal_status	 status;
	uint64_t		 changed;      /* version of the realm's doc */
	struct buf		 entry;        /* as told last */
	int			 busy;         /* so told to rosters */
	TAILQ_HEAD(, binding)	 bindings;
};

struct presentity *presentity_find(struct pal *p, const char *name);
struct presentity *presentity_get(struct pal *p, const char *name);
int	presentity_status(struct presentity *u, const struct line *l);
/* Registered, gone, or another status: watchers and rosters are told, if
 * they can see a difference. */
void	presentity_changed(struct presentity *u);
int	presence_load(struct pal *p);
void	presence_free(struct pal *p);
void	on_publish(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
void	on_options(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
extern const struct ctl_verb presence_verbs[];   /* find, user-* */

/* --- roster.c: conferences as the controller deals them --- */
extern const struct ctl_verb roster_verbs[];
struct roster;
struct document *roster_document(struct pal *p, const char *uri);
/* One that the controller will deal, for a subscription of before our
 * restart; NULL: no memory. */
struct document *roster_awaited(struct pal *p, const char *uri);
int	roster_participant(struct pal *p, const char *uri,
	    const char *user);
/* Rows `conf TAB conf=` of those in which the user is unreachable. */
void	rosters_put_unreachable(struct pal *p, const char *user,
	    struct buf *out);
/* Document of the conferences that a user may see. */
void	rosters_put_list(struct pal *p, const char *user, struct buf *out);
void	rosters_user_changed(struct pal *p, const char *user);
void	rosters_link_up(struct pal *p);
void	rosters_free(struct pal *p);

struct pal {
	struct service		*s;
	struct acceptor		*acceptor;
	struct map		*users;        /* presentity by name */
	struct holders		*bindings;
	struct map		*subs;         /* subscription by dialog key */
	struct map		*sub_ids;      /* by number */
	uint64_t		 next_sub;
	struct map		*rosters;      /* by URI */
	int			 dealt;        /* a whole deal has come */
	struct document		 realm;        /* everybody's PAL for now */
};

#endif
