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
#define NOTIFIES     4                 /* of one document, in 1 ms */
#define LEFT_MS      60000             /* a device that left is shown for */
#define BINDINGS     32                /* agents of one user */
#define CLOCK_SKEW   300000            /* Kerberos' own */
#define LOST_MS	     10000             /* without a connection: offline */

struct pal;
struct presentity;
struct directory_backend;
struct ldap;
struct import;

/* --- binding.c: who is registered, with which key (registrar) --- */
struct binding {
	struct presentity	*user;
	char			 principal[256];
	struct pal_binding	 row;
	struct holder		 held;         /* Kc, connection */
	char			*rows;         /* as registered */
	struct timer		 timer;        /* expiry */
	struct timer		 losing;       /* LOST_MS have passed */
	int64_t			 lost;         /* since, real ms; 0: not */
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
#define DOCUMENT_NEWS 8                /* rounds kept */

/* Rendered lines, and where the parts of what is sent begin. */
struct lines {
	struct buf	 text;
	size_t		*part;         /* the second begins at part[0] */
	unsigned	 n, cap;
};

struct entry {                         /* of a document, for all watchers */
	const char	*uri;          /* set by its owner, and kept */
	void		*owner;
	struct buf	 line;         /* as told; empty: not in it */
	size_t		 at;           /* in the whole document */
	int		 is_news;
	TAILQ_ENTRY(entry) link, news;
};
TAILQ_HEAD(entry_list, entry);

struct document {
	struct pal	*pal;
	char		 uri[URI_MAX];
	const char	*event;
	uint64_t	 version;
	int64_t		 flushed;      /* mono ms of the last round */
	struct timer	 timer;
	TAILQ_HEAD(, subscription) subs;
	unsigned	 nsubs;
	/* Fields of the doc line. */
	void		(*head)(struct document *d, struct buf *b);
	/* The entry that this watcher (URI) is not shown; may be NULL. */
	struct entry	*(*hidden)(struct document *d, const char *watcher);
	/* Somebody subscribed, or does not any more; may be NULL. */
	void		(*watched)(struct document *d);
	/* A round has told that an entry is removed. */
	void		(*gone)(struct document *d, struct entry *e);
	int		 waits;        /* not dealt yet: tell nobody */
	struct entry_list entries;     /* those in it */
	struct entry_list news;        /* of the next round */
	struct lines	 whole;        /* of entries, while it is fresh */
	int		 fresh;
	struct lines	 told[DOCUMENT_NEWS];  /* by version */
	uint64_t	 told_first;   /* versions from here on are kept */
	void		*owner;
};

void	document_init(struct document *d, struct pal *p, const char *uri,
	    const char *event);
void	document_free(struct document *d, const char *reason);
/* Something changed: a round of NOTIFYs at the end of this turn, or 100 ms
 * after the last. */
void	document_changed(struct document *d);
/* This is how the entry reads now; told if that is another line. */
void	document_put(struct document *d, struct entry *e,
	    const struct buf *line);
/* It is not in the document any more: told as removed. */
void	document_remove(struct document *d, struct entry *e);
/* Its owner is freed: nothing is told. */
void	document_forget(struct document *d, struct entry *e);
/* Can who has this version be told just what is new? */
int	document_knows(const struct document *d, uint64_t version);
/* Body of part `part` (1..) for a watcher: what is new after version
 * `since`, or all (0). Returns the number of parts. */
unsigned document_part(struct document *d, const char *watcher,
	    uint64_t since, unsigned part, struct buf *out);

/* --- subscribe.c --- */
struct subscription {
	struct document		*doc;
	struct presentity	*watcher;
	struct dialog		 dialog;
	char			 instance[PAL_INSTANCE];
	char			 why[16];      /* he may: owner participant
						* rule */
	int64_t			 until;        /* real ms */
	uint64_t		 sent;         /* version it has */
	int			 asked;        /* a NOTIFY is unanswered */
	int			 dirty;        /* more to say after that */
	uint64_t		 id;
	struct timer		 timer;
	TAILQ_ENTRY(subscription) entry, own; /* of document, watcher */
};

void	on_subscribe(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
/* A round: what changed to those who have the version before. */
void	subscription_notify(struct subscription *s);
/* The agent is connected again: everything once (S092, S093). */
void	subscriptions_catch_up(struct binding *b);
void	subscription_end(struct subscription *s, const char *reason);
/* The agent is gone for good: nobody is there to be told. */
void	subscriptions_forget(struct presentity *u, const char *instance);
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
	struct entry		 entry;        /* in the realm's list */
	int			 busy;         /* so told to rosters */
	TAILQ_HEAD(, binding)	 bindings;
	TAILQ_HEAD(, subscription) subs;       /* that he holds */
	unsigned		 nsubs;
};

struct presentity *presentity_find(struct pal *p, const char *name);
struct presentity *presentity_get(struct pal *p, const char *name);
struct presentity *presentity_by_uri(struct pal *p, const char *uri);
int	presentity_status(struct presentity *u, const struct line *l);
/* Registered, gone, or another status: watchers and rosters are told, if
 * they can see a difference. */
void	presentity_changed(struct presentity *u);
/* What this watcher's (a user's name) PAL would show of a user: 0, or
 * SEC_ERR_DENIED by a rule. */
int	presence_shown(struct pal *p, const char *watcher,
	    const struct uri *whom, struct pal_status *out);
/* What roster_line() says of this conference is new. */
void	presence_conf_changed(struct pal *p, const char *uri);
/* Rules, groups or the organisation chart are new: who may not watch any
 * more does not see, and the other way. */
void	pals_recheck(struct pal *p);
int	presence_load(struct pal *p);
void	presence_free(struct pal *p);
void	on_publish(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
void	on_options(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
extern const struct ctl_verb presence_verbs[];   /* user-* */

/* --- find.c: what the controller asks about people --- */
extern const struct ctl_verb find_verbs[];

struct pal {
	struct service		*s;
	struct acceptor		*acceptor;
	struct map		*users;        /* presentity by name */
	struct holders		*bindings;
	struct map		*subs;         /* subscription by dialog key */
	struct map		*sub_ids;      /* by number */
	uint64_t		 next_sub;
	struct map		*rosters;      /* by URI */
	struct map		*people;       /* in rosters, by URI */
	struct map		*wants;        /* roster_watch.c's, by URI */
	struct db		*dir;          /* directory.c's */
	const struct directory_backend *backend;       /* NULL: dir.db */
	struct ldap		*ldap;         /* ldap.c's */
	struct import		*import;       /* under way, or NULL */
	struct rulebook		*rules;        /* rule.c's */
	struct types		*types;        /* object.c's, and: */
	struct map		*objects;      /* by URI */
	char			 bad_file[400]; /* rules, types: why not read */
	int			 dealt;        /* a whole deal has come */
	struct document		 realm;        /* everybody's PAL for now */
};

#endif
