#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* No core files, not dumpable (except when compiled for debugging under a
 * sanitizer), SIGPIPE and SIGXFSZ ignored, umask 007. Call first in every
 * daemon and in the agent. */
void	proc_harden(void);

/* Some MiB that are freed stay with the process, for one that moves much:
 * given back and taken again, they would be zeroed each time. */
void	proc_reuse_memory(void);

/* In a child before it execs: every signal as by default and none blocked,
 * which proc_harden() and the loop's signalfd had changed. */
void	proc_reset_signals(void);

/* sd_notify(3)'s protocol in our own lines: "READY=1\nSTATUS=...". No-op
 * without NOTIFY_SOCKET. Returns 1 if sent. */
int	proc_notify(const char *state);

/* Fork into the background for the agent: child in a new session, 0-2 at
 * /dev/null, descriptors >= 3 closed except keep (-1: none). Returns pid
 * to the parent, 0 to the child, or SEC_ERR_SYS. */
pid_t	proc_background(int keep);

/* Close every descriptor >= from except keep (-1: none). */
void	proc_close_from(int from, int keep);

/* Read a whole small file; NUL added, not counted. Caller frees with
 * free(), or wipes first. 0, SEC_ERR_NOTHING, SEC_ERR_LIMIT, SEC_ERR_SYS */
int	proc_read_file(const char *path, size_t max, char **out, size_t *n);
/* Has nobody but its owner a right to the file (OpenSSH's rule)? 0,
 * SEC_ERR_NOTHING, _SYS or _CONFIG, and then why is a sentence. */
int	proc_is_private(const char *path, char *why, size_t n);
/* Write by temporary file, fsync, rename, fsync of the directory. 0,
 * SEC_ERR_DISK, SEC_ERR_SYS */
int	proc_write_file(const char *path, const void *p, size_t n,
	    mode_t mode);
/* fsync of the directory that path is in, after a rename of one's own. 0,
 * SEC_ERR_DISK, SEC_ERR_SYS */
int	proc_sync_parent(const char *path);
/* mkdir -p; 0 or SEC_ERR_SYS. */
int	proc_mkdirs(const char *path, mode_t mode);

/* n random bytes for identifiers, never for keys (getrandom(2)). */
void	proc_random(void *p, size_t n);

#endif
