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
#include "sip/notifier.h"
#include "wire/line.h"
#include "wire/pal.h"
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
struct turns;
struct ldap_copies;
struct import;
struct document;
struct subscription;
struct back;

/* --- binding.c: who is registered, with which key (registrar) --- */
struct binding {
	struct presentity	*user;
	char			 principal[256];
	struct pal_binding	 row;
	struct sip_conn		*conn;         /* NULL: none */
	struct holder		 held;         /* Kc, connection */
	char			*rows;         /* as registered */
	struct timer		 timer;        /* expiry */
	struct timer		 losing;       /* LOST_MS have passed */
	int64_t			 lost;         /* since, real ms; 0: not */
	struct back		*back;         /* watcher.c's; NULL: none */
	int			 late;         /* his subscriptions are */
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

/* What a subscriber of a document is told next. */
#define NEXT_ALL     0                 /* the whole of it */
#define NEXT_NOTHING UINT64_MAX        /* he has it all */

struct document_ops {
	/* What is told now: what is new after the version returned, or
	 * NEXT_*. s->sent is the version that he has then, s->dirty if that
	 * is not yet the last. */
	uint64_t	(*next)(struct document *d, struct subscription *s);
	/* Append part `part` (1..) of what is new after version `since`, or
	 * of all, for s; NULL: a fetch. The number of parts. */
	unsigned	(*part)(struct document *d, struct subscription *s,
			    uint64_t since, unsigned part, struct buf *out);
	/* There was more to say, and he has answered. */
	void		(*again)(struct document *d, struct subscription *s);
	/* The last subscription has gone; may free it. NULL: nothing to do. */
	void		(*left)(struct document *d);
};

/* Rounds: one text for many subscribers, told version by version. */
struct rounds;

struct document {
	TAILQ_HEAD(, subscription) subs;
	unsigned	 nsubs;
	struct pal	*pal;
	char		*uri;
	const char	*event;
	const struct document_ops *ops;
	int		 waits;        /* not dealt yet: tell nobody */
	void		*owner;
	/* Of those that are told in rounds (rosters): */
	struct rounds	*rounds;
	uint64_t	 version;
	int64_t		 flushed;      /* mono ms of the last round */
	struct timer	 timer;
	/* Fields of the doc line. */
	void		(*head)(struct document *d, struct buf *b);
	/* Somebody subscribed, or does not any more; may be NULL. */
	void		(*watched)(struct document *d);
	/* A round has told that an entry is removed. */
	void		(*gone)(struct document *d, struct entry *e);
	struct entry_list entries;     /* those in it */
	struct entry_list news;        /* of the next round */
};

/* One that is told in rounds; or with ops of its own. */
void	document_init(struct document *d, struct pal *p, const char *uri,
	    const char *event);
void	document_init_ops(struct document *d, struct pal *p,
	    const char *uri, const char *event,
	    const struct document_ops *ops);
void	document_free(struct document *d, const char *reason);
/* Nobody may have subscribed to it (any more): it may go. */
void	document_release(struct document *d);
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
/* The row `doc` that a body begins with, but for its end. */
void	document_begin(struct buf *out, const char *uri, uint64_t version,
	    int full, unsigned part, unsigned parts);
#define PART_MAX (PAL_DOC_MAX - 1024)  /* entries; the doc line beside */
/* The first part of all of it, for s, or for a fetch (NULL). */
unsigned document_fetch(struct document *d, struct subscription *s,
	    struct buf *out);

/* --- subscribe.c --- */
void	on_subscribe(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);

/* --- subscription.c --- */
struct subscription {
	/* What a NOTIFY needs stands together: with a thousand of them each
	 * line of the cache costs. */
	struct document		*doc;
	struct binding		*at;           /* his agent; NULL: away */
	struct notifier		*notifier;     /* made when first used */
	int64_t			 until;        /* real ms */
	uint64_t		 sent;         /* version it has; 0: none */
	uint64_t		 seen;         /* round of a list (list.h) */
	uint64_t		 had;          /* the one before */
	uint64_t		 id;
	int			 asked;        /* a NOTIFY is unanswered */
	int			 dirty;        /* more to say after that */
	TAILQ_ENTRY(subscription) entry, own; /* of document, watcher */
	struct presentity	*watcher;
	struct timer		 timer;
	char			 instance[PAL_INSTANCE];
	char			 why[16];      /* he may: owner participant
						* rule */
	int			 late;         /* to be caught up */
	struct dialog		 dialog;
};

/* In the place of an older one of this agent to this document. */
struct subscription *subscription_new(struct document *d,
	    struct presentity *u, const char *instance, const char *why,
	    const struct dialog *dialog, int64_t until);
/* In pal.db as it is now: 0, or what db says. */
int	subscription_store(struct subscription *s);
/* Nobody is told. stored: its row in pal.db stays. */
void	subscription_free(struct subscription *s, int stored);
/* The 200 had the first part of the whole document. */
void	subscription_rest(struct subscription *s);
/* A round: what changed to those who have the version before. */
void	subscription_notify(struct subscription *s);
/* The agent's registration has ended. */
void	subscriptions_leave(const struct binding *b);
/* The agent is connected again: everything once (S092, S093), as fast as it
 * answers. */
void	subscriptions_catch_up(struct binding *b);
/* That of one agent to a document, or NULL. */
struct subscription *subscription_of(const struct presentity *u,
	    const char *instance, const struct document *d);
void	subscription_end(struct subscription *s, const char *reason);
/* The agent is gone for good: nobody is there to be told. */
void	subscriptions_forget(struct presentity *u, const char *instance);
/* End those of a user to one document (he left). */
void	subscriptions_drop(struct document *d, const char *user,
	    const char *reason);
void	subscriptions_load(struct pal *p);
void	subscriptions_free(struct pal *p);

/* --- presentity.c --- */
struct list;
struct view;
struct watched;

/* Whatever can be watched (RFC 3856): a user, conference, object, phone. In
 * memory as long as somebody in memory has to do with it. */
struct presentity {
	struct pal		*pal;
	enum uri_kind		 kind;
	char			*uri;
	const char		*name;         /* in uri's memory */
	int			 idle;         /* in the list below */
	TAILQ_ENTRY(presentity)	 entry;
	/* Who is shown it (list.c). */
	TAILQ_HEAD(, view)	 views;
	unsigned		 nbuddies;
	int64_t			 told;         /* mono ms */
	struct timer		 timer;        /* to be told then */
	/* A user's own. */
	struct pal_status	 status;
	int			 said;         /* he chose the status */
	int64_t			 seen;         /* real ms; 0: never */
	char			 reach[24];    /* "voip,phone" */
	char			*awaited;      /* media; NULL: he is not */
	struct timer		 revert;       /* of a timed status */
	int			 busy;         /* so told to rosters */
	TAILQ_HEAD(, binding)	 bindings;
	TAILQ_HEAD(, subscription) subs;       /* that he holds */
	unsigned		 nsubs;
	struct list		*list;         /* his PAL */
	struct watched		*watched;      /* watcher.c's */
	uint64_t		 decided;      /* as in struct pal */
	TAILQ_ENTRY(presentity)	 age;
};
TAILQ_HEAD(presentities, presentity);

struct presentity *presentity_find(struct pal *p, const char *name);
struct presentity *presentity_get(struct pal *p, const char *name);
struct presentity *presentity_by_uri(struct pal *p, const char *uri);
/* Of any kind that can be watched; NULL: no memory. */
struct presentity *presentity_get_uri(struct pal *p, const struct uri *u);
/* Nobody may have to do with it any more: freed at the end of the turn if
 * that is so. */
void	presentity_idle(struct presentity *u);
/* His status is this one now; st is stored already. */
void	presentity_set(struct presentity *u, const struct pal_status *st);
/* As anybody may be shown it: all attributes, each TAB key=value. */
void	presentity_line(struct presentity *u, struct buf *b);
/* Registered, gone, or another status or value: watchers and rosters are
 * told, if they can see a difference. */
void	presentity_changed(struct presentity *u);
/* Which status this watcher's (a user's name) PAL would show of a user: 0, or
 * SEC_ERR_DENIED by a rule. class_ and note are "" and since 0 where that is
 * denied. */
int	presence_shown(struct pal *p, const char *watcher,
	    const struct uri *whom, struct pal_status *out);
/* What roster_line() says of this conference is new. */
void	presence_conf_changed(struct pal *p, const char *uri);
/* How he wants to be reached, what he prefers first, is read anew. */
void	presentity_reach(struct presentity *u);
/* He is there, with nothing to say about it. */
void	presentity_greet(struct presentity *u);
/* He is not awaited any more, as he was when we began. */
void	presentity_came(struct presentity *u);
int	presentities_load(struct pal *p);
void	presentities_free(struct pal *p);

/* --- presence.c --- */
/* A row `status` into *st; 0, SEC_ERR_FORMAT, or SEC_ERR_EXPIRED (until is
 * not ahead). */
int	presence_status(const struct line *l, struct pal_status *st);
/* The same, the word under another key. */
int	presence_status_as(const struct line *l, const char *key,
	    struct pal_status *st);
void	on_publish(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
void	on_options(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);

/* --- user.c --- */
extern const struct ctl_verb user_verbs[];     /* user-* */

/* --- find.c: what the controller asks about people --- */
extern const struct ctl_verb find_verbs[];

TAILQ_HEAD(lists_due, list);

struct pal {
	struct service		*s;
	struct acceptor		*acceptor;
	struct map		*presentities; /* by URI */
	struct presentities	 idle;         /* perhaps */
	struct hook		 idler;
	struct lists_due	 due;          /* PALs with news */
	struct hook		 teller;
	struct timer		 await;        /* of who was registered */
	/* recheck.c's: of the rules that are in force. */
	uint64_t		 decided;
	struct presentities	 by_age;       /* those by older ones first */
	struct timer		 rechecker;
	uint64_t		 version;      /* last one given to a PAL */
	struct buf		 body;         /* of the next NOTIFY */
	struct holders		*bindings;
	struct map		*subs;         /* subscription by dialog key */
	struct map		*sub_ids;      /* by number */
	uint64_t		 next_sub;
	struct map		*rosters;      /* by URI */
	struct map		*people;       /* in rosters, by URI */
	struct map		*wants;        /* roster_watch.c's, by URI */
	struct db		*dir;          /* directory.c's */
	const struct directory_backend *backend;       /* NULL: dir.db */
	struct turns		*turns;        /* of those who search */
	struct ldap		*ldap;         /* ldap.c's */
	struct ldap_copies	*ldap_copies;  /* ldap_copy.c's */
	struct import		*import;       /* under way, or NULL */
	struct rulebook		*rules;        /* rule.c's */
	struct types		*types;        /* object.c's, and: */
	struct map		*objects;      /* by URI */
	char			 bad_file[400]; /* rules, types: why not read */
	int			 dealt;        /* a whole deal has come */
	struct map		*backs;        /* watcher.c's, by number */
	uint64_t		 next_back;
};

#endif
