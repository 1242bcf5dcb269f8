#ifndef SEC_LDAP_FIND_H
#define SEC_LDAP_FIND_H

#include <stddef.h>

#include "connection.h"
#include "db/dir_store.h"

/* People in the directory. */

struct found {
	char	*sort;                 /* his name, folded */
	char	*user, *dn;
};
struct answer {
	struct found	*v;
	size_t		 n, cap;
	size_t		 bytes;
};

/*
 * Who matches, in the order of dir_search(). A group may have GROUP_MOST
 * members to be searched for. 0; SEC_ERR_FORMAT (an attribute that cannot
 * be asked for), _LIMIT, _UNREACHABLE, with c->why; the caller calls
 * answer_free() in any case.
 */
#define GROUP_MOST  1000
#define ANSWER_MOST 12582912           /* bytes, of users and DNs */
int	find(struct connection *c, const struct dir_search *q,
	    struct answer *out);
void	answer_free(struct answer *a);

/*
 * The n people found (user and dn), with what the server tells of them, and
 * their groups. One who is not there any more is passed over. 0 or
 * SEC_ERR_*, c->why.
 */
struct show {
	const struct found	*who;
	size_t			 n;
	void			(*cb)(void *arg, const struct dir_person *p);
	void			*arg;
};
int	show(struct connection *c, const struct show *s);

#endif
