#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>

/*
 * Where things are (COMMANDS.md 3): by SEC_DIR if set, else the system's
 * places for root and for daemons' users, else the user's XDG directories.
 * All return out, a buffer of PATH_LEN bytes.
 */
#define PATH_LEN 512

char	*path_config(char *out);                      /* sec.conf */
char	*path_user_config(char *out);                 /* "" if none */
char	*path_servers(char *out);                     /* servers */
char	*path_keytab(char *out, const char *name);    /* NAME.keytab */
char	*path_keys(char *out, const char *name);      /* keys/NAME */
char	*path_db(char *out, const char *file);        /* pal.db */
/* Directory of control sockets: SEC_DIR/run, /run/sec, or the user's;
 * when DIR/NAME would be over 100 bytes, /tmp/sec-UID-HASH (0700, owner
 * checked). Made if missing. */
char	*path_run(char *out, const char *name);
/* Agent's socket: path_run of USER@DOMAIN.sock. */
char	*path_agent(char *out, const char *user, const char *domain);
/* Directory that holds the agents' sockets, to list sessions. */
char	*path_agent_dir(char *out);
char	*path_home_state(char *out);                  /* the user's own */

#endif
