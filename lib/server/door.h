#ifndef SERVER_DOOR_H
#define SERVER_DOOR_H

#include "base/loop.h"
#include "server/service.h"

/*
 * The one port (SECURITY.md 3.9): accepts, looks at the first bytes, and
 * hands the connection to links, hello, Noise or the REGISTER gate. Limits:
 * 64 connections per address (none counted from loopback), 1000
 * unauthenticated, 10 s, register-rate.
 */
struct door;

/* fd: a listening socket, taken over. */
struct door *door_new(struct service *s, int fd);
void	door_free(struct door *d);
/* Try parked hellos again. */
void	door_retry(struct door *d);
/* Stop accepting (drain). */
void	door_close(struct door *d);

#endif
