#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * What strangers may use (SECURITY.md 3.9), counted by address (IPv4, or
 * the /64 of IPv6): connections, REGISTERs a second, Noise messages a
 * second; and how many are inside unauthenticated in all.
 */
struct limits;

#define LIMITS_CONNS     64            /* per address, not loopback */
#define LIMITS_STRANGERS 1000
#define LIMITS_NOISE     20            /* per second */

struct limits *limits_new(void);
void	limits_free(struct limits *l);
/* A connection from a comes: 0 or SEC_ERR_LIMIT. */
int	limits_enter(struct limits *l, const struct addr *a);
void	limits_leave(struct limits *l, const struct addr *a);
/* One event of the kind more: 0 or SEC_ERR_LIMIT. now: monotonic ms. */
int	limits_register(struct limits *l, const struct addr *a, int rate,
	    int64_t now);
int	limits_noise(struct limits *l, const struct addr *a, int64_t now);
/* Forget addresses without connection and with full buckets. */
void	limits_sweep(struct limits *l, int64_t now);
/* Addresses remembered, for tests. */
size_t	limits_count(const struct limits *l);

/* Unauthenticated connections: plus or minus one; the number now. */
int	limits_strangers(struct limits *l, int change);

#endif
