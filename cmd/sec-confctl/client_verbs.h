#ifndef SEC_CONFCTL_CLIENT_VERBS_H
#define SEC_CONFCTL_CLIENT_VERBS_H

#include "cli/args.h"

struct buf;
struct ctl_client;

/* The verbs of the client half, by file; each returns the exit code. */

#define CALL_MS 10000                  /* -T when not given */

/* client.c */
int	run_join(struct cli *c);
int	run_leave(struct cli *c);
int	run_reply(struct cli *c);
int	run_answer(struct cli *c);
int	run_set(struct cli *c);
int	run_serve(struct cli *c);
/* client_files.c */
int	run_attach(struct cli *c);
int	run_files(struct cli *c);
int	run_fetch(struct cli *c);
int	run_detach(struct cli *c);
/* client_invite.c */
int	run_create(struct cli *c);
int	run_invite(struct cli *c);
int	run_spawn(struct cli *c);
/* client_names.c: each of the operands that name people; `-` reads them. */
void	names_each(char **names, void (*add)(void *arg, const char *name),
	    void *arg);
/* URIs with commas as people read them: "bob, carol". */
void	names_put(const struct ctl_client *a, const char *users,
	    struct buf *b);
/* client_order.c */
int	run_order(struct cli *c);
int	run_end(struct cli *c);
/* client_list.c */
/* What is kept of what is said, if anything is. */
void	say_history(struct cli *c, const struct line *row);
int	run_list(struct cli *c);
int	run_show(struct cli *c);
int	run_invites(struct cli *c);

#endif
