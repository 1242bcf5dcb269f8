#ifndef SEC_KEYGEN_VERBS_H
#define SEC_KEYGEN_VERBS_H

#include <stdint.h>

#include "base/loop.h"
#include "cli/emit.h"
#include "wire/servers.h"

/* What the command line said, and the verbs: each returns an exit code. */
struct options {
	int64_t		 timeout;      /* ms, -1: not given */
	int64_t		 delay;        /* as in keygen_lead_def */
	const char	*via;
	enum emit_mode	 mode;
	int		 all;
	int		 argc;         /* operands after the verb */
	char		**argv;
};

int	verb_init(const struct options *o);
int	verb_add(const struct options *o);
int	verb_lead(const struct options *o);
int	verb_join(const struct options *o);
int	verb_rotate(const struct options *o);
int	verb_show(const struct options *o);
int	verb_check(const struct options *o);

/* Why it failed, on stderr; returns the exit code of err. */
int	fail(int err, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
int	usage_error(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

/* The servers file; 0 or an exit code after saying why. */
int	read_servers(struct servers *s);
/* Host of an address as written, for people: "media1". */
const char *host_of(const struct server *s);
/* Say why a server's part of the exchange failed; returns the exit code.
 * who: the other side. */
int	explain(int err, const struct server *who);
/* Tell the daemon NAME, if it runs here, to read its keys again. */
void	tell_daemon(const char *name);

/* "check ..." of a server, and the joint key's line, on fd. before: the
 * epoch that is still accepted, or 0; servers: 0 not to say. */
void	print_check(const struct options *o, int fd, const char *server,
	    const char *check);
void	print_joint_key(const struct options *o, int fd, const char *id,
	    uint32_t epoch, int servers, uint32_t before);

/*
 * pump.c: standard input and output as one descriptor for a stream. Returns
 * it, or SEC_ERR_SYS. pump_wait() turns the loop until all that was written
 * to it is out, and frees everything.
 */
int	pump_start(struct loop *l);
void	pump_wait(struct loop *l);

#endif
