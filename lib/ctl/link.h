#ifndef CTL_LINK_H
#define CTL_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/stream.h"
#include "ctl/epochs.h"
#include "ctl/serve.h"
#include "wire/servers.h"

/*
 * Server links (SECURITY.md 3.2): one TCP connection per pair that talks,
 * under joint and pair key; dialled from either end, again after a loss, 15
 * s of silence, and when an epoch begins.
 *
 * A newer link replaces an older one: down() and up() are called, new calls
 * go to the new peer, and the old peer lives on until what is under way on
 * it is answered, 10 s at most.
 */
struct links;

struct links_def {
	struct loop		*loop;
	struct ctl		*ctl;
	const struct servers	*servers;      /* borrowed; see reload */
	struct epochs		*epochs;
	int			 own;          /* our number */
	int			 plain;        /* security = plain */
	int64_t			 idle_ms;      /* then a sign of life; 0: 5 s */
	int64_t			 silence_ms;   /* then it is lost; 0: 15 s */
	/* The link with a server is up (again: after `down`) / gone. */
	void			(*up)(void *ctx, int number,
				    struct ctl_peer *p);
	void			(*down)(void *ctx, int number);
	void			*ctx;
};

/* Adds the verb `idle` to d->ctl. d is copied. */
struct links *links_new(const struct links_def *d);
/* No callback is called. ctl_free() comes next, before the loop turns. */
void	links_free(struct links *k);
/* Keep a link with this server: dial now and after every loss. */
void	links_want(struct links *k, int number);
/* Dial only if we want it and it has not said `idle`. */
struct ctl_peer *links_peer(struct links *k, int number);  /* NULL: down */
/* As links_peer(), but dials a server that left by --idle. */
struct ctl_peer *links_wake(struct links *k, int number);
int	links_is_up(const struct links *k, int number);
/* It left by --idle, which is no fault. */
int	links_is_idle(const struct links *k, int number);
/* It left by --idle and is dialled by links_wake(): it will be here soon. */
int	links_is_waking(const struct links *k, int number);
/* From the door: a server hello (c1 unconsumed), or `link TAB from=` in
 * plain mode. Takes the stream over, or refuses and closes it. */
void	links_accept(struct links *k, struct stream *s);
/* `servers` or the epoch files were read again: names are looked up anew,
 * which blocks. */
void	links_reload(struct links *k, const struct servers *servers);
/* Say `idle` on all links (before leaving by --idle); sent at the end of
 * the turn. */
void	links_say_idle(struct links *k);
/* Where a server is, by its line; a name as it was looked up last. 0, or
 * SEC_ERR_NOTHING; nothing is looked up now. */
int	links_address(const struct links *k, int number, struct addr *to);
/* Are there answers outstanding on any link, ours or theirs? */
int	links_busy(const struct links *k);

#endif
