#ifndef SEC_LAB_LAB_H
#define SEC_LAB_LAB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/path.h"
#include "cli/emit.h"

/*
 * A lab: one directory, one private address 127.x.y.z, one supervisor that
 * holds run/lock.
 */
#define LAB_REALM  "LAB.TEST"
#define LAB_DOMAIN "lab.test"
#define LAB_KDC_PORT 7388
#define LAB_RESERVED_PORT 7319         /* whoever holds it has the address */
#define LAB_BEHIND 1000                /* relayed daemons: port + this */

struct lab {
	char	dir[PATH_LEN];
	char	shown[PATH_LEN];       /* with ~ for $HOME */
	char	address[16];
	int	plain;
	int	wire;                  /* relays in front of the daemons */
};

struct lab_daemon {
	const char	*name;         /* also of its line in `servers` */
	const char	*role;
	const char	*prog;
	int		 port;
	int		 udp;          /* the same number as well */
};
#define LAB_SERVICES "kdc confctl pal mtcu1 mtcu2 mcu1 mcu2"
#define LAB_DAEMONS 6
extern const struct lab_daemon lab_daemons[LAB_DAEMONS];

/* --- lab.c: where it is, who holds it --- */
/* Find the directory, make SEC_DIR say so. */
void	lab_find(struct lab *l);
/* Read etc/lab: 0, SEC_ERR_NOTHING (there is none), SEC_ERR_DATA. */
int	lab_load(struct lab *l);
int	lab_save(const struct lab *l);
/* Pid of the supervisor, 0 when the lab is not up. */
pid_t	lab_pid(const struct lab *l);
/* Take run/lock and write our pid; a descriptor, or SEC_ERR_NO (held). */
int	lab_lock(const struct lab *l);
/* After fork(): the lock stays, the pid in it becomes ours. */
void	lab_lock_mine(int fd);
/* dir/FMT... into a rotating static buffer (4 of them). */
const char *lab_path(const struct lab *l, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Full path of a program of ours (beside this one) or of Kerberos; NULL
 * when it is missing. Rotating static buffers. */
const char *lab_program(const char *name);
/* Say what is missing on stderr and return 10; 0 when all is there. users:
 * somebody will log in. */
int	lab_programs_missing(int users);
/* Is there such a user? Names are checked as well. */
int	lab_has_user(const struct lab *l, const char *user);
/* Variables of a user, into this process or as `export` lines. */
void	lab_setenv(const struct lab *l, const char *user);
void	lab_print_env(const struct lab *l, const char *user);
/* KRB5_CONFIG and KRB5_KDC_PROFILE, for kadmin.local and the KDC. */
void	lab_setenv_kdc(const struct lab *l);

/* --- tree.c: directories and files --- */
int	tree_make(const struct lab *l);
/* Choose a free address (the old one if possible) and hold it: a bound
 * socket, or SEC_ERR_*. */
int	tree_take_address(struct lab *l);
/* Can something listen there now? */
int	tree_port_is_free(const struct lab *l, int port);
int	tree_write_config(const struct lab *l);
int	tree_make_home(const struct lab *l, const char *user);
/* Remove the lab's own names. 0 or SEC_ERR_*. */
int	tree_purge(const struct lab *l);

/* --- kdc.c: the realm --- */
/* Make the database, unless there is one. Errors are told on stderr. */
int	kdc_make(const struct lab *l);
/* Principals and password files for those users that are new. */
int	kdc_add_users(const struct lab *l, char *const *users, int n);
/* argv of krb5kdc. */
void	kdc_argv(const struct lab *l, const char *argv[8]);
/* Wait until it accepts connections. */
int	kdc_wait(const struct lab *l, int ms);

/* --- keys.c: identities, `servers`, the joint key --- */
int	keys_make(const struct lab *l);
/* sec-keygen lead: "9f3a-77c1" into id. */
int	keys_lead(const struct lab *l, char *id, size_t n);

/* --- supervise.c --- */
/* Runs until SIGTERM, in a process of its own; never returns. held: the
 * lock, the reserved address, the file of --wire (-1: none). */
void	supervise(struct lab *l, int lock, int reserved, int pcap)
	    __attribute__((noreturn));

/* --- verbs.c --- */
struct lab_options {
	const char	*wire;
	int		 plain, keep, quiet, purge;
	int64_t		 timeout;      /* ms for up, start */
	enum emit_mode	 mode;
};
int	verb_up(struct lab *l, const struct lab_options *o, char **users,
	    int n);
int	verb_down(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
int	verb_status(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
int	verb_user(struct lab *l, const struct lab_options *o, char **users,
	    int n);
int	verb_kill(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
int	verb_stop(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
int	verb_start(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
int	verb_log(struct lab *l, const struct lab_options *o, char **argv,
	    int n);

/* --- user.c --- */
int	verb_run(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
int	verb_shell(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
int	verb_env(struct lab *l, const struct lab_options *o, char **argv,
	    int n);
/* Log users in, all at once; 0 or the first exit code. */
int	user_login(const struct lab *l, char *const *users, int n);
/* Put these into the PALs of all who are logged in, and all into theirs. */
void	user_introduce(const struct lab *l, char *const *users, int n);

/* `sec-lab: ...` on stderr; returns code. */
int	complain(int code, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
