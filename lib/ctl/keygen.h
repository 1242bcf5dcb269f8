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
 */
struct keygen_answer;                  /* server i, one connection */

/* done(): 0 stored epoch; SEC_ERR_AUTH (identity or proof wrong),
 * SEC_ERR_DATA (servers files differ), SEC_ERR_TIMEOUT, ... check: the
 * twelve digits (valid when err is 0). The stream is closed by then. */
typedef void (*keygen_done_h)(void *ctx, int number, int err,
	    const char *check, uint32_t epoch);

struct keygen_answer *keygen_answer_new(struct loop *l, struct stream *s,
	    int own, const struct servers *servers, struct epochs *e,
	    keygen_done_h done, void *ctx);
void	keygen_answer_free(struct keygen_answer *a);

/*
 * Server 1: two phases with all of `numbers`; m3 goes out only when all
 * have answered m2. fresh: a new epoch, else the running one. connect():
 * gives a stream to server number (TCP dial, or a command's pipes), may be
 * NULL = dial the address in servers.
 */
struct keygen_lead;
struct keygen_lead_def {
	const struct servers	*servers;
	struct epochs		*epochs;
	int			 numbers[SERVERS_MAX];
	size_t			 n;
	int			 fresh;
	int64_t			 deadline;     /* ms per phase */
	struct stream		*(*connect)(void *ctx, struct loop *l,
				    int number);
	/* each server's outcome, then all(): 0 or the first error */
	keygen_done_h		 one;
	void			(*all)(void *ctx, int err, uint32_t epoch);
	void			*ctx;
};
struct keygen_lead *keygen_lead_new(struct loop *l,
	    const struct keygen_lead_def *def);
void	keygen_lead_free(struct keygen_lead *k);

#endif
