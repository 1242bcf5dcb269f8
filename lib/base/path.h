#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>

/*
 * Where things are (COMMANDS.md 3): by SEC_DIR if set, else the system's
 * places for root and for daemons' users, else the user's XDG directories.
 * All return out, a buffer of PATH_LEN bytes; a path that does not fit
 * ends the program. Always absolute, even if SEC_DIR is not.
 */
#define PATH_LEN 512

char	*path_config(char *out);                      /* sec.conf */
char	*path_user_config(char *out);                 /* "" if none */
char	*path_servers(char *out);                     /* servers */
char	*path_rules(char *out);                       /* rules */
char	*path_types(char *out);                       /* types */
char	*path_keytab(char *out, const char *name);    /* NAME.keytab */
char	*path_keys(char *out, const char *name);      /* keys/NAME */
char	*path_db(char *out, const char *file);        /* pal.db */
char	*path_files(char *out);                       /* files */
/*
 * A file in the directory of control sockets: SEC_DIR/run, /run/sec, or
 * the user's. name is the whole file name ("sec-pal.sock", "lock"). The
 * directory is made if missing. When DIR/NAME would be over 100 bytes, the
 * directory is /tmp/sec-UID-HASH (0700), and it ends the program when that
 * belongs to somebody else.
 */
char	*path_run(char *out, const char *name);
/* The same for a client: a user that runs no such daemon himself gets the
 * system's socket. */
char	*path_run_find(char *out, const char *name);
/* Agent's socket: path_run of USER@DOMAIN.sock. */
char	*path_agent(char *out, const char *user, const char *domain);
/* Directory that holds the agents' sockets, to list sessions; and where
 * those with long names are then ("" if there is no such directory). */
char	*path_agent_dir(char *out);
char	*path_agent_dir_long(char *out);
/* The user's own: SEC_DIR/home/USER, where USER is $SEC_USER's name or
 * the login's, or $XDG_STATE_HOME/sec. */
char	*path_home_state(char *out);

#endif
