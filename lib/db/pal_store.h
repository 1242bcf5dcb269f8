#ifndef DB_PAL_STORE_H
#define DB_PAL_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/*
 * pal.db: users, bindings, preferences, status; written by sec-pal only
 * (S021, S022, S056, S091). Names of users are the part before @ of the
 * principal. Every change is one transaction of its own unless the caller
 * has begun one.
 */
#define PAL_NAME 128
#define PAL_INSTANCE 33                /* 32 hex digits */

struct pal_user {
	char	user[PAL_NAME];
	char	title[128];            /* full name, may be "" */
	int	known;                 /* by sec-admin user add */
	int	disabled;
	int64_t	created, seen;         /* ms */
};

struct pal_status {
	char	value[64];             /* "available", "coffee" */
	char	class_[16];            /* available busy away offline */
	char	note[256];
	int64_t	since, until;          /* until 0: for good */
};

struct pal_reach {                     /* preference for one medium */
	char	media[16];             /* text voice */
	char	by[8];                 /* voip phone */
	char	tel[64];
	int	order;
};

struct pal_binding {
	char	instance[PAL_INSTANCE];
	char	via[8];                /* voip web wap phone */
	char	contact[128];          /* IP:port or tel: */
	char	media[32];             /* "text,voice" */
	int64_t	since, until;          /* ms */
};

/* One REGISTER: makes the user if missing, replaces the binding of this
 * instance, its preferences if nreach >= 0, its status if status != NULL. */
struct pal_registration {
	const char		 *user;
	struct pal_binding	  binding;
	const struct pal_reach	 *reach;
	int			  nreach;
	const struct pal_status	 *status;
	int64_t			  now;
};
int	pal_register(struct db *d, const struct pal_registration *r);
/* seen: when he was there last. */
int	pal_unregister(struct db *d, const char *user, const char *instance,
	    int64_t seen);
/* Delete bindings that ended before now; cb gets each before that. */
int	pal_expire(struct db *d, int64_t now, void (*cb)(void *arg,
	    const char *user, const char *instance), void *arg);

int	pal_user_get(struct db *d, const char *user, struct pal_user *out);
int	pal_user_put(struct db *d, const struct pal_user *u);  /* upsert */
int	pal_user_rm(struct db *d, const char *user);
int	pal_user_each(struct db *d, int (*cb)(void *arg,
	    const struct pal_user *u), void *arg);
int	pal_status_get(struct db *d, const char *user,
	    struct pal_status *out);
int	pal_status_put(struct db *d, const char *user,
	    const struct pal_status *s);
/* A timed one has ended: back to what was before the first of them, or
 * available. SEC_ERR_NOTHING: it is none. */
int	pal_status_revert(struct db *d, const char *user, int64_t now);
/* Users with a timed status, the first to end first. */
int	pal_status_timed(struct db *d, int (*cb)(void *arg,
	    const char *user), void *arg);
int	pal_binding_each(struct db *d, const char *user /* NULL: all */,
	    int (*cb)(void *arg, const char *user,
	    const struct pal_binding *b), void *arg);
int	pal_reach_each(struct db *d, const char *user, int (*cb)(void *arg,
	    const struct pal_reach *r), void *arg);

/* Subscriptions that outlive a restart (S092, S109). */
struct pal_subscription {
	char	id[256];               /* dialog: call-id, our tag, its tag */
	char	user[PAL_NAME];
	char	instance[PAL_INSTANCE];
	char	event[24];             /* presence, conference */
	char	target[256];           /* URI */
	char	why[16];               /* participant rule owner */
	int64_t	until;
};
int	pal_subscription_put(struct db *d, const struct pal_subscription *s);
int	pal_subscription_rm(struct db *d, const char *id);
/* Forget those that ended before now. */
int	pal_subscription_expire(struct db *d, int64_t now);
int	pal_subscription_each(struct db *d, int (*cb)(void *arg,
	    const struct pal_subscription *s), void *arg);

#endif
