#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

/*
 * One table of errors. Functions return 0 or one of these; the table in
 * err.c gives each its text, its SIP status and its exit code
 * (COMMANDS.md 2.2, STYLE.md habit 15). Exit codes: sec_err_exit().
 */
enum sec_err {
	SEC_OK = 0,
	/* The thirteen words of the exit table. */
	SEC_ERR_NO = -1,          /* the answer is no; a name is taken: 409 */
	SEC_ERR_USAGE = -2,
	SEC_ERR_LOGIN = -3,       /* 401, 403 to REGISTER */
	SEC_ERR_DENIED = -4,      /* 403 */
	SEC_ERR_NOTHING = -5,     /* 404 */
	SEC_ERR_DECLINED = -6,    /* 603 */
	SEC_ERR_BUSY = -7,        /* 486 */
	SEC_ERR_OFFLINE = -8,     /* 480 */
	SEC_ERR_TIMEOUT = -9,     /* 408, 504, 487 */
	SEC_ERR_UNREACHABLE = -10, /* 503, other 5xx */
	SEC_ERR_DATA = -11,       /* 400, other 4xx */
	SEC_ERR_VERSION = -12,    /* 505 */
	/* Finer ones; each maps to one of the above for exit and SIP. */
	SEC_ERR_FORMAT = -20,     /* bytes that do not parse -> DATA */
	SEC_ERR_AUTH = -21,       /* tag, ticket or key refused -> DATA */
	SEC_ERR_REPLAY = -22,     /* seen before -> DATA */
	SEC_ERR_EXPIRED = -23,    /* time out of window -> DATA */
	SEC_ERR_LIMIT = -24,      /* a bound was passed -> UNREACHABLE */
	SEC_ERR_CLOSED = -25,     /* the peer went away -> UNREACHABLE */
	SEC_ERR_SYS = -26,        /* errno says -> UNREACHABLE */
	SEC_ERR_DISK = -27,       /* full, read-only, NFS -> UNREACHABLE */
	SEC_ERR_CLOCK = -28,      /* clock skew -> LOGIN */
	SEC_ERR_PASSWORD = -29,   /* wrong password -> LOGIN */
	SEC_ERR_TICKET = -30,     /* ticket expired or none -> LOGIN */
	SEC_ERR_NOUSER = -31,     /* the KDC does not know the user -> LOGIN */
	SEC_ERR_CONFIG = -32,     /* broken configuration -> DATA */
	SEC_ERR_SUBKEY = -33,     /* unknown key id -> DATA */
};

/* Short text without full stop, never NULL. */
const char *sec_strerror(int err);

/* Say in why (whylen bytes, 0: nobody asks) what is wrong; returns err. */
int	sec_refuse(int err, char *why, size_t whylen, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/* Exit code for err (0 for 0). */
int	sec_err_exit(int err);

/* SIP status for err, 200 for 0. */
int	sec_err_sip(int err);

/* Standard reason phrase of a SIP status ("Busy Here"), never NULL. */
const char *sec_sip_reason(int status);

/*
 * Error for the answer `status` to `method` (NULL: any): 0 for 1xx and 2xx,
 * else by (method, status), with a default per class.
 */
int	sec_err_from_sip(const char *method, int status);

#endif
