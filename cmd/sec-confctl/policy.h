#ifndef SEC_CONFCTL_POLICY_H
#define SEC_CONFCTL_POLICY_H

#include "focus.h"

struct line;

/*
 * One control line in a PUBLISH to a conference, each verb a function
 *
 *	int policy_VERB(conference, asker, line)
 *
 * which returns 200, and what it did is answered when it is committed, with
 * by->answer for a body; or a status and in by->why a sentence for who asked
 * (in room, if it is made); or 0, if it answers by->txn itself.
 */
struct asker {
	const char	*user, *instance;
	struct sip_txn	*txn;
	const char	*why;
	char		 room[160];
	const char	*body;
	size_t		 bodylen;
	const uint8_t	*bytes;        /* behind the line */
	size_t		 nbytes;
	int		 known;        /* known_ask() has seen to its users */
	struct buf	 answer;       /* lines `row`, at last `ok` */
};

/* What there is of its key, into the answer. */
void	policy_put_key(const struct conference *c, struct asker *by);

/* The line of a request that known_ask() kept is worked off. */
void	policy_again(struct focus *f, struct sip_txn *txn, uint64_t conf,
	    struct buf *line);
/* Refused, with the reason in SEC-Note (NULL: none). */
void	policy_refuse(struct sip_txn *txn, int status, const char *why);
/* 403, with a sentence who may do what wants this rank. */
int	policy_forbids(struct conference *c, struct asker *by,
	    enum rank wants);

int	policy_set(struct conference *c, struct asker *by,
	    const struct line *l);         /* setting.c */
int	policy_lists(struct conference *c, struct asker *by,
	    const struct line *l);
/* known.c: are these users, with commas, known to sec-pal? It answers by->txn
 * with 404 or 503, or goes on with policy_again(). */
void	known_ask(struct conference *c, struct asker *by, const char *users);
void	known_free_all(struct focus *f);
/* owner.c */
int	policy_end(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_rekey(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_history(struct conference *c, struct asker *by,
	    const struct line *l);         /* history.c */
int	policy_read(struct conference *c, struct asker *by,
	    const struct line *l);         /* receipt.c */
int	policy_to(struct conference *c, struct asker *by,
	    const struct line *l);
/* Whose conference it is has changed. */
void	owner_follow(struct conference *c);
/* guests.c */
int	policy_allow(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_unallow(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_block(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_unblock(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_kick(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_mute(struct conference *c, struct asker *by,
	    const struct line *l);         /* speak.c */
int	policy_unmute(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_raise(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_lower(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_lock(struct conference *c, struct asker *by,
	    const struct line *l);         /* lobby.c */
int	policy_unlock(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_admit(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_refuse_entry(struct conference *c, struct asker *by,
	    const struct line *l);         /* the verb refuse */
/* upload.c, download.c, attachment.c */
int	policy_upload(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_chunk(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_commit(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_drop(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_download(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_files(struct conference *c, struct asker *by,
	    const struct line *l);
int	policy_detach(struct conference *c, struct asker *by,
	    const struct line *l);

#endif
