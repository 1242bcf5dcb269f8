#ifndef SEC_PAL_DIRECTORY_H
#define SEC_PAL_DIRECTORY_H

#include <stddef.h>

#include "db/dir_store.h"
#include "sip/stack.h"

struct pal;

/* The enterprise directory 150 (S031, S073, S074, S167-S169): people out of
 * dir.db or another back end, shown as the watcher's PAL would show them. */

/* SUBSCRIBE event directory, Expires 0, by the user of that name: a query in
 * the body. Answers, now or later. */
void	directory_subscribe(struct pal *p, struct sip_txn *txn,
	    const struct sip_msg *req, const char *user);
/* Whose telephone it is, or "". */
void	directory_phone_name(struct pal *p, const char *number, char *out,
	    size_t n);
/* What dir.db knows of a user; dir_person_free(). 0, SEC_ERR_NOTHING, ... */
int	directory_person(struct pal *p, const char *user,
	    struct dir_person *out);

/* --- back ends --- */

/* Who is told of the people that a search finds, in the order of their
 * folded names, then of user names. */
struct directory_reader {
	/* One more: 0 pass him over, 1 his attributes are wanted, less: it
	 * is enough, done() is next. */
	int	(*user)(void *arg, const char *user);
	/* Those attributes, before the next user. */
	void	(*person)(void *arg, const struct dir_person *p);
	/* Once, and last: err 0 or SEC_ERR_* and a sentence. May come before
	 * directory_search() returns. */
	void	(*done)(void *arg, int err, const char *why);
};
struct directory_backend {
	void	(*search)(struct pal *p, const struct dir_search *q,
		    const struct directory_reader *r, void *arg);
};

/* By the back end of the configuration, dir.db if it names none. */
void	directory_search(struct pal *p, const struct dir_search *q,
	    const struct directory_reader *r, void *arg);
/* One more term, "ATTR:VALUE" or ":WORD"; a `*` at the end of a value: any
 * that begins so. 0, SEC_ERR_FORMAT or _LIMIT. */
int	directory_term(struct dir_search *q, const char *term);

/* --- dir.db --- */
int	directory_open(struct pal *p);
void	directory_close(struct pal *p);
/* For who changes it; NULL while an import is under way, and then nobody
 * else may. */
struct db *directory_writer(struct pal *p);

#endif
