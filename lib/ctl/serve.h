#ifndef CTL_SERVE_H
#define CTL_SERVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "net/channel.h"
#include "wire/line.h"

/*
 * Control lines, both directions, over Unix sockets and server links
 * (ARCHITECTURE.md 2, sec-control(7)). A peer is one connection; it may
 * call and be called.
 */
struct ctl;                            /* one per process: verbs, peers */
struct ctl_peer;

/* Who a peer is; a verb's row names who may call it. */
enum ctl_from {
	CTL_ANYONE = 1,                /* any local uid */
	CTL_ADMIN = 2,                 /* own uid, root, group sec */
	CTL_SAME = 4,                  /* own uid (agent's tools) */
	CTL_CONFCTL = 8,               /* links, by the server's role */
	CTL_PAL = 16,
	CTL_MTCU = 32,
	CTL_MCU = 64,
	CTL_SHARE = 128,
	CTL_GW = 256,
	CTL_WEB = 512,
	CTL_SERVERS = 8 | 16 | 32 | 64 | 128 | 256 | 512,
};
unsigned ctl_from_role(const char *role);

/* A request being handled; valid until the handler returns. */
struct ctl_req {
	struct ctl		*ctl;
	struct ctl_peer		*peer;
	const struct line	*line;
	uint64_t		 id;   /* 0: an event, no answer */
};
/* What to keep to answer later; the peer may be gone by then. */
struct ctl_handle {
	uint64_t	peer, id;
};

typedef void (*ctl_verb_h)(void *ctx, struct ctl_req *r);
struct ctl_verb {
	const char	*verb;         /* NULL ends the table */
	unsigned	 from;         /* CTL_* bits */
	ctl_verb_h	 on;
};

/* Unknown verb: error 405; wrong peer: error 403. Several tables may be
 * added (service_main's own verbs, the daemon's). */
struct ctl *ctl_new(struct loop *l);
/* Open calls are dropped without a callback. */
void	ctl_free(struct ctl *c);
/* No callback of a call or of ctl_on_gone(), and no verb, from now on: said
 * before the owners of their contexts are freed. */
void	ctl_stop(struct ctl *c);
void	ctl_add_verbs(struct ctl *c, const struct ctl_verb *v, void *ctx);
/* Called when a peer goes, before it is freed. */
void	ctl_on_gone(struct ctl *c, void (*cb)(void *ctx, uint64_t peer),
	    void *ctx);

/* Serve a listening Unix socket (fd is taken over). max: connections. */
int	ctl_listen(struct ctl *c, int fd, int max);
/* A peer over a connected Unix socket (fd taken over). */
struct ctl_peer *ctl_peer_unix(struct ctl *c, int fd);
/* A peer over a channel that links.c owns: input by ctl_peer_input(). */
struct ctl_peer *ctl_peer_link(struct ctl *c, struct channel *ch,
	    int number, unsigned from);
void	ctl_peer_input(struct ctl_peer *p, const uint8_t *b, size_t n);
/* Open calls get SEC_ERR_CLOSED. p is valid until the turn ends. */
void	ctl_peer_close(struct ctl_peer *p);
uint64_t ctl_peer_id(const struct ctl_peer *p);
struct ctl_peer *ctl_peer_find(struct ctl *c, uint64_t id);
int	ctl_peer_number(const struct ctl_peer *p);     /* server, 0: Unix */
unsigned ctl_peer_from(const struct ctl_peer *p);
uid_t	ctl_peer_uid(const struct ctl_peer *p);
size_t	ctl_peer_unsent(const struct ctl_peer *p);
/* Answers that are outstanding: to calls of ours, and that we owe. */
size_t	ctl_peer_busy(const struct ctl_peer *p);
/* A file descriptor that came with the last line (SCM_RIGHTS), or -1; the
 * caller owns it then. Unix peers only. */
int	ctl_peer_take_fd(struct ctl_peer *p);

/* --- answering --- */
/* Begin a row; add fields with line_put*() to the buffer returned, then
 * ctl_end(). */
struct buf *ctl_row(struct ctl_req *r);
struct buf *ctl_ok_begin(struct ctl_req *r);
void	ctl_end(struct ctl_req *r);
void	ctl_ok(struct ctl_req *r);
/* error TAB id= TAB code=STATUS TAB reason=... */
void	ctl_error(struct ctl_req *r, int status, const char *reason);
struct ctl_handle ctl_keep(const struct ctl_req *r);
/* Make *r of a handle again (line NULL). 0 or SEC_ERR_CLOSED. */
int	ctl_again(struct ctl *c, struct ctl_handle h, struct ctl_req *r);

/* --- calling --- */
/*
 * reply->verb is "row", "ok" or "error" (code=); on a lost peer or passed
 * deadline reply is NULL and err says which. `ok`, `error` and NULL are
 * the last one.
 */
typedef void (*ctl_reply_h)(void *ctx, uint64_t cookie, int err,
	    const struct line *reply);
/* Begin a call or event: verb, then fields by line_put*() into the buffer,
 * then ctl_call_end() / ctl_event_end(). */
struct buf *ctl_call(struct ctl_peer *p, const char *verb);
uint64_t ctl_call_end(struct ctl_peer *p, int64_t deadline_ms,
	    ctl_reply_h cb, void *ctx, uint64_t cookie);
struct buf *ctl_event(struct ctl_peer *p, const char *verb);
void	ctl_event_end(struct ctl_peer *p);
/* SIP status of an error reply, 200 for others; for NULL 504 when the
 * deadline passed, else 503. */
int	ctl_reply_status(const struct line *reply, int err);

#endif
