#ifndef DB_CONF_STORE_H
#define DB_CONF_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/*
 * conf.db (ARCHITECTURE.md 3): conferences, media, devices, lists; written
 * by sec-confctl only. No key is ever here. The functions write inside the
 * transaction that the caller has begun, so that one turn of the loop is
 * one commit.
 */
#define CONF_NAME 72
#define CONF_USER 256                  /* a URI */

struct conf_row {
	uint64_t	id;
	char		name[CONF_NAME];
	char		title[256];
	uint64_t	parent;
	int		persistent;
	char		owner[CONF_USER];      /* or its creator */
	char		access[12];            /* invited domain listed */
	char		codec[8];
	int		streams;
	char		select[12];            /* loudest first */
	int		record;                /* 0: no recorders */
	int		directory;             /* 1: searches show it */
	int		level;                 /* 0: packets do not tell it */
	int		history;               /* lines of text kept, 0: none */
	char		history_from[8];       /* join begin */
	char		speak[12];             /* all moderators asked */
	int		lobby;                 /* 1: who joins waits */
	int		locked;                /* 1: nobody new */
	int		invite_few;            /* 1: moderators only */
	uint32_t	epoch;
	uint32_t	q_reserved;            /* up to it: used */
	int64_t		created;               /* ms */
};

struct conf_medium_row {
	uint64_t	conf;
	char		medium[8];             /* text voice app */
	int		server;                /* number in `servers` */
};

struct conf_device_row {
	uint64_t	conf;
	uint32_t	q;
	char		user[CONF_USER];
	char		instance[33];
	char		medium[8];             /* text voice, "" membership */
	int		server;
	char		call_id[128];
	char		local_tag[40], remote_tag[40];
	char		remote_uri[256];       /* target: Contact */
	uint32_t	local_cseq, remote_cseq;
	char		address[64];           /* of the device's SDP */
	char		via[12];               /* voip recorder phone web */
};

int	conf_insert(struct db *d, const struct conf_row *c); /* SEC_ERR_NO:
							      * name taken */
int	conf_update(struct db *d, const struct conf_row *c);
int	conf_delete(struct db *d, uint64_t id);        /* and all its rows;
	* a persistent one leaves a tombstone */
int	conf_forget(struct db *d, uint64_t id); /* without a tombstone */
int	conf_each(struct db *d, int (*cb)(void *arg,
	    const struct conf_row *c), void *arg);
int	conf_by_name(struct db *d, const char *name, struct conf_row *out);
int	conf_tombstone(struct db *d, const char *name, char *owner,
	    size_t ownerlen);                      /* SEC_ERR_NOTHING: none */
int	conf_set_epoch(struct db *d, uint64_t id, uint32_t epoch);
int	conf_set_q(struct db *d, uint64_t id, uint32_t q_reserved);
/* After a restore: every conference's epoch and client numbers go on so much
 * higher, beyond those that came after the backup. Its dialogs' requests do
 * as well. */
int	conf_leap(struct db *d, uint32_t epochs, uint32_t clients);

int	conf_medium_put(struct db *d, const struct conf_medium_row *m);
int	conf_medium_rm(struct db *d, uint64_t conf, const char *medium);
int	conf_medium_each(struct db *d, int (*cb)(void *arg,
	    const struct conf_medium_row *m), void *arg);

int	conf_device_put(struct db *d, const struct conf_device_row *r);
int	conf_device_rm(struct db *d, uint64_t conf, uint32_t q);
int	conf_device_each(struct db *d, int (*cb)(void *arg,
	    const struct conf_device_row *r), void *arg);

/* list: invited allow block moderator mute watch hand floor */
int	conf_user_put(struct db *d, uint64_t conf, const char *user,
	    const char *list);
int	conf_user_rm(struct db *d, uint64_t conf, const char *user,
	    const char *list);
int	conf_user_each(struct db *d, int (*cb)(void *arg, uint64_t conf,
	    const char *user, const char *list), void *arg);

#endif
