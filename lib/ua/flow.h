#ifndef UA_FLOW_H
#define UA_FLOW_H

#include <stdint.h>

#include "base/addr.h"
#include "base/loop.h"
#include "crypto/hello.h"
#include "sip/stack.h"

/*
 * One SIP connection to a server that is kept: dialled, opened by a hello,
 * dialled again when it is lost (RFC 5626's flow; 100 ms, doubling to 2 s).
 */
struct flow;

#define FLOW_RETRY_MIN 100
#define FLOW_RETRY_MAX 2000
#define FLOW_REFUSED   500             /* ms after a refused key */

struct flow_target {
	struct addr	 to;
	struct hello	 hello;        /* base is borrowed */
	int64_t		 offset;       /* of the server's clock, ms */
	int		 plain;        /* security = plain: no hello */
};

struct flow_ops {
	/* Where to, and under which key; not 0: not now, flow_kick() will
	 * come. */
	int	(*target)(void *arg, struct flow_target *t);
	/* Plain mode: uri, from and to of the OPTIONS that names us. */
	void	(*greet)(void *arg, struct sip_msg *m);
	void	(*up)(void *arg);
	/* It was up and is lost, or (SEC_ERR_SUBKEY) our key is refused. */
	void	(*down)(void *arg, int err);
};

/* Requests from the server go to methods with ctx = the flow. */
struct flow *flow_new(struct loop *l, const struct sip_method *methods,
	    const struct flow_ops *ops, void *arg);
/* Allowed in its callbacks; none comes any more. NULL allowed. */
void	flow_free(struct flow *f);
/* Dial now, or at once after the present connection (which is closed when
 * `anew`): key or address are new. */
void	flow_kick(struct flow *f, int anew);
/* Close it for good: at the end of the turn its transactions get their 503;
 * no callback of the flow any more. */
void	flow_cut(struct flow *f);
/* The connection, NULL when it is not up. */
struct sip_conn *flow_conn(const struct flow *f);
struct sip_stack *flow_stack(const struct flow *f);
/* arg of flow_new(); NULL after flow_free(). */
void	*flow_arg(const struct flow *f);
/* Key id of the running connection's hello. */
uint32_t flow_keyid(const struct flow *f);
/* Our Contact on this connection, "sip:USER@KEYID.invalid" with the user of
 * our URI, into out; returns out. */
char	*flow_contact(const struct flow *f, const char *uri, char out[256]);
/* sip_request() on it; 0 when it is not up. */
uint64_t flow_request(struct flow *f, const struct sip_msg *m,
	    int64_t deadline, sip_answer_h cb, void *ctx, uint64_t cookie);
/* Own address on it; 0 or SEC_ERR_CLOSED. */
int	flow_local(const struct flow *f, struct addr *a);
/* 1 if the last dial ended with a refusal of our key. */
int	flow_is_refused(const struct flow *f);

#endif
