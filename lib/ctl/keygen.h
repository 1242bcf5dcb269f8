#ifndef CTL_KEYGEN_H
#define CTL_KEYGEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/stream.h"
#include "ctl/epochs.h"
#include "wire/servers.h"

/*
 * The exchange of Fig. 4 (m1..m4) on streams, both sides, non-blocking.
 * Used by sec-keygen and, answering and rotating, by running daemons.
 *
 *	server 1                              server i
 *	   | m1  servers hash, e, T              |
 *	   |------------------------------------>|  step 41
 *	   |                 m2  e, T, last epoch |
 *	   |<------------------------------------|
 *	   | m3  K, pair keys, times             |  steps 42, 43
 *	   |------------------------------------>|  stored, fsync
 *	   |                              m4  ack |
 *	   |<------------------------------------|
 *
 * A server that cannot go on from m1 sends the refusal of hellos, with the
 * first four bytes of the hash of its own servers file in place of a key
 * id: so server 1 can say whether the files differ or the identity is
 * wrong. It is a hint for people, nothing rests on it.
 */
#define KEYGEN_DELAY  60000            /* ms until a new epoch is used */
#define KEYGEN_SKEW   120000           /* ms that clocks may differ */
#define KEYGEN_ANSWER 30000            /* ms server i waits for a message */
#define KEYGEN_LEAP   1000000          /* epochs that a server may be ahead */

struct keygen_answer;                  /* server i, one connection */

/*
 * err: 0 and the epoch stored; SEC_ERR_AUTH (identity or proof wrong),
 * SEC_ERR_DATA (servers files differ), SEC_ERR_TIMEOUT (silent, no
 * connection), SEC_ERR_EXPIRED (clocks differ), SEC_ERR_REPLAY (it holds a
 * later epoch, or says so of one that cannot be), SEC_ERR_CLOSED,
 * SEC_ERR_DISK, ... check: the twelve digits (valid when err is 0). The stream
 * is closed by then.
 */
typedef void (*keygen_done_h)(void *ctx, int number, int err,
	    const char *check, uint32_t epoch);

/*
 * Answer on s, which is taken over; m1 may stand in it unconsumed. number
 * in done() is server 1's. Freeing inside done() is allowed. `servers` and
 * `e` are borrowed until keygen_answer_free().
 */
struct keygen_answer *keygen_answer_new(struct loop *l, struct stream *s,
	    int own, const struct servers *servers, struct epochs *e,
	    keygen_done_h done, void *ctx);
void	keygen_answer_free(struct keygen_answer *a);

/*
 * Server 1: two phases with all of `numbers` (its own is left out); m3 goes
 * out only when all have answered m2. fresh: a new epoch, else the running
 * one (SEC_ERR_NOTHING if there is none). connect(): gives a stream to
 * server number (TCP dial, or a command's pipes; its ops are replaced),
 * NULL if it cannot; may itself be NULL = dial the address in servers.
 */
struct keygen_lead;
struct keygen_lead_def {
	const struct servers	*servers;
	struct epochs		*epochs;
	int			 numbers[SERVERS_MAX];
	size_t			 n;
	int			 fresh;
	int64_t			 deadline;     /* ms per phase */
	/* ms until a new epoch is used; 0: KEYGEN_DELAY, < 0: at once */
	int64_t			 delay;
	struct stream		*(*connect)(void *ctx, struct loop *l,
				    int number);
	/*
	 * Each server's outcome, in the order of numbers, then all(): 0 or
	 * the first error. err 0 with epoch 0: it answered m2, but nothing
	 * was dealt since another failed. NULL: not wanted.
	 */
	keygen_done_h		 one;
	void			(*all)(void *ctx, int err, uint32_t epoch);
	void			*ctx;
};
/* def is copied. Freeing inside all() is allowed. */
struct keygen_lead *keygen_lead_new(struct loop *l,
	    const struct keygen_lead_def *def);
void	keygen_lead_free(struct keygen_lead *k);

#endif
