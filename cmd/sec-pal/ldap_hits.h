#ifndef SEC_PAL_LDAP_HITS_H
#define SEC_PAL_LDAP_HITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "db/dir_store.h"

/* Whom a search has found, in order. Zero but for `q` is nobody. */
struct hit {
	char	*user, *dn;
};
struct hits {
	struct dir_search	 q;
	struct hit		*v;
	size_t			 n, cap;
	int64_t			 since;        /* mono ms */
};

/* 0, SEC_ERR_FORMAT (no user of ours) or _SYS. */
int	hits_add(struct hits *h, const char *user, const char *dn);
void	hits_free(struct hits *h);

/*
 * Those of one long answer, kept: somebody who wants more than a page asks
 * for the next one right away, and it shall be of the same people.
 */
#define HITS_KEEP_MS 10000             /* from page to page */
#define HITS_OLD_MS  60000             /* all pages */
#define HITS_LONG    32

struct kept_hits {
	struct hits	hits;
	struct timer	drop;
};

void	hits_keep_open(struct kept_hits *k, struct loop *l);
void	hits_keep_close(struct kept_hits *k);
/* h is its from now on. */
void	hits_keep(struct kept_hits *k, struct hits *h);
/* The other way, if the question was the same: 1, else 0. */
int	hits_take(struct kept_hits *k, const struct dir_search *q,
	    struct hits *h);

#endif
