#ifndef CTL_KEYDIR_H
#define CTL_KEYDIR_H

#include <sys/queue.h>

#include "base/path.h"
#include "base/secret.h"
#include "ctl/epochs.h"
#include "wire/handshake.h"

/*
 * The directory keys/NAME/ of one server, and what was read of it. Of
 * ctl/epochs and ctl/dbk alone.
 */
#define KEYDIR_KEY  32                 /* bytes */
#define KEYDIR_PATH (PATH_LEN + 32)

struct pair {
	uint16_t number;
	struct secret *key;
};

struct epoch {
	uint32_t number;
	int64_t not_before;
	int64_t not_after;
	int64_t time;
	struct secret *k;
	struct secret *dealer; /* NULL but at server 1 */
	size_t npairs;
	struct pair *pair;
	TAILQ_ENTRY(epoch) entry;
};

TAILQ_HEAD(epoch_list, epoch);

/* Everything read from the directory, to be replaced as a whole. */
struct held {
	struct secret *identity;
	struct secret *psk[SERVERS_MAX + 1];
	struct epoch_list list;
	uint32_t highest; /* of any epoch.N or dealer.N */
};

void	epoch_free(struct epoch *ep);      /* NULL allowed */
struct epoch *epoch_of_deal(const struct hs_deal *d);
struct epoch *held_find(const struct held *h, uint32_t number);
/* In the order of numbers; replaces one of the same number. */
void	held_insert(struct held *h, struct epoch *ep);
void	held_free(struct held *h);
/* Everything in dir, into h, which holds nothing yet. 0 or SEC_ERR_*. */
int	held_read(struct held *h, const char *dir, char *why, size_t whylen);
/* One file of it: base64, one line, for its owner alone. 0 or SEC_ERR_*. */
int	keydir_write(const char *dir, const char *file, const void *p,
	    size_t n);
/* epoch.N. */
int	keydir_write_deal(const char *dir, const struct hs_deal *d);
int	keydir_read_key(const char *dir, const char *file, struct secret **key,
	    char *why, size_t whylen);

#endif
