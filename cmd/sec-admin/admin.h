#ifndef SEC_ADMIN_ADMIN_H
#define SEC_ADMIN_ADMIN_H

#include <stddef.h>
#include <sys/types.h>

#include "base/conf.h"
#include "base/path.h"
#include "base/secret.h"
#include "cli/args.h"
#include "ctl/call.h"

/* Configuration, told on stderr when it is bad. 0 or an exit code. */
int	admin_conf(struct cli *c, struct conf *out);

/*
 * One call to a daemon of this host. fields: key, value, ..., NULL; a NULL
 * value leaves its key out. Rows and the final ok go to cb (may be NULL).
 * 0 or SEC_ERR_* with a sentence in why.
 */
int	admin_call(const char *name, const char *verb,
	    const char *const *fields, int64_t ms,
	    void (*cb)(void *arg, const struct line *l), void *arg, char *why,
	    size_t whylen);
/* The same to the PAL manager, which owns users, rules and objects. */
int	admin_pal(const char *verb, const char *const *fields,
	    void (*cb)(void *arg, const struct line *l), void *arg, char *why,
	    size_t whylen);
/* Name of the server of a role by `servers`, else the role. */
char	*admin_server(char out[65], const char *role);

/* `VERB add ...`, `VERB rm ...`: by the first operand. */
struct admin_sub {
	const char	*what;         /* NULL ends the table */
	int		 min, max;     /* operands behind it; max -1: any */
	int		(*run)(struct cli *c, char **argv);
};
/* Runs the one that is meant; usage: words for when there is none. */
int	admin_sub(struct cli *c, const struct admin_sub *subs,
	    const char *usage);

/* --- report.c: lines of NAME, ok|WARN, words --- */
struct report;
struct report *report_new(struct cli *c);
void	report_line(struct report *r, const char *name, int warn,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Print and free; 1 if there was a WARN. */
int	report_end(struct report *r);

/* --- realm.c: principals, by kadmin.local --- */
/* In a lab, which has its realm in its own directory: point Kerberos at
 * it. */
void	realm_use_lab(void);
/*
 * 0 if the realm's database is on this host; else SEC_ERR_UNREACHABLE and a
 * sentence. In a lab the environment is set for it.
 */
int	realm_here(const struct conf *conf, char *why, size_t whylen);
/* SEC_ERR_NO: there is one already. */
int	realm_add(const struct conf *conf, const char *user,
	    const struct secret *password, char *why, size_t whylen);
/* SEC_ERR_NOTHING: none. */
int	realm_passwd(const struct conf *conf, const char *user,
	    const struct secret *password, char *why, size_t whylen);
int	realm_rm(const struct conf *conf, const char *user, char *why,
	    size_t whylen);

/* --- import.c --- */
/* The people of a file into the directory; each: of everybody in it, when
 * all are there (NULL: nothing). An exit code. */
int	import_file(struct cli *c, const char *file,
	    int (*each)(struct cli *c, const char *user));

/* --- place.c: what this host has, and whose it is --- */
#define PLACE_DBS 3
extern const struct place_db {
	const char	*name;         /* "pal.db" */
	const char	*user;         /* who writes it */
} place_dbs[PLACE_DBS];
/* The system's own places, with users and groups, or somebody's own? */
int	place_is_system(void);
/* In the system's: chown, as far as they are there. chmod in any case. */
void	place_give(const char *path, const char *user, const char *group,
	    mode_t mode);

/* --- words.c --- */
/* "kettle-amber-52-violin-moss", with its NUL. */
struct secret *words_password(void);

/* --- verbs --- */
int	verb_user(struct cli *c);
int	verb_rule(struct cli *c);
int	verb_object(struct cli *c);
int	verb_org(struct cli *c);
int	verb_group(struct cli *c);
int	verb_init(struct cli *c);
int	verb_check(struct cli *c);
int	verb_health(struct cli *c);
int	verb_backup(struct cli *c);
int	verb_restore(struct cli *c);

#endif
