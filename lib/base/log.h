#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * Log lines on stderr: `event key=value ...`, one write(2) each. Prefixes
 * <3>..<7> only when stderr is the journal; the time first only when it is
 * a file, where nobody else notes it. Values with spaces or controls
 * are quoted and escaped by the caller through log_quote(). Never keys,
 * text of messages, tickets or passwords (COMMANDS.md 4).
 */
enum log_level { LOG_L_ERROR = 3, LOG_L_WARN = 4, LOG_L_INFO = 6,
	LOG_L_DEBUG = 7, LOG_L_TRACE = 8 }; /* each message, at -v -v */

/* name: the daemon's name, put before each line when not under journald. */
void	log_open(const char *name, enum log_level level);
void	log_set_level(enum log_level level);
enum log_level log_level(void);

/* Send further lines to syslog(3) (inetd: fd 2 is the socket). */
void	log_use_syslog(void);

void	log_error(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	log_warn(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	log_info(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	log_debug(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	log_trace(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/*
 * The same for what anybody may cause as often as he likes: LOG_BURST lines
 * of one event (a string constant) in a second; how many more there were is
 * told before the next one.
 */
#define LOG_BURST 20
void	log_noise(enum log_level level, const char *event, const char *fmt,
	    ...) __attribute__((format(printf, 3, 4)));

/*
 * A printable form of s in a rotating static buffer (8 of them, 256 bytes
 * each, longer is cut with "..."): as it is if it has no space, quote or
 * control, else in double quotes with \xNN.
 */
const char *log_quote(const char *s);

/* Print `PROG: message` and exit. For start-up and broken invariants. */
void	die(int exit_code, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3), noreturn));

#endif
