/* The one table of errors: code, text, SIP status, exit code. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

struct err_row {
	int err;
	const char *text;
	int sip;
	int exit;
};

static const struct err_row rows[] = {
	{ SEC_OK, "ok", 200, 0 },
	{ SEC_ERR_NO, "the answer is no", 409, 1 },
	{ SEC_ERR_USAGE, "wrong arguments", 400, 2 },
	{ SEC_ERR_LOGIN, "not logged in", 401, 3 },
	{ SEC_ERR_DENIED, "not allowed", 403, 4 },
	{ SEC_ERR_NOTHING, "not found", 404, 5 },
	{ SEC_ERR_DECLINED, "declined", 603, 6 },
	{ SEC_ERR_BUSY, "busy", 486, 7 },
	{ SEC_ERR_OFFLINE, "offline", 480, 8 },
	{ SEC_ERR_TIMEOUT, "timed out", 408, 9 },
	{ SEC_ERR_UNREACHABLE, "no answer", 503, 10 },
	{ SEC_ERR_DATA, "bad data", 400, 11 },
	{ SEC_ERR_VERSION, "version not supported", 505, 12 },
	{ SEC_ERR_FORMAT, "malformed", 400, 11 },
	{ SEC_ERR_AUTH, "authentication failed", 400, 11 },
	{ SEC_ERR_REPLAY, "seen before", 400, 11 },
	{ SEC_ERR_EXPIRED, "out of its time", 400, 11 },
	{ SEC_ERR_LIMIT, "too much", 503, 10 },
	{ SEC_ERR_CLOSED, "connection closed", 503, 10 },
	{ SEC_ERR_SYS, "system error", 503, 10 },
	{ SEC_ERR_DISK, "cannot write to disk", 503, 10 },
	{ SEC_ERR_CLOCK, "clocks differ too much", 401, 3 },
	{ SEC_ERR_PASSWORD, "wrong password", 401, 3 },
	{ SEC_ERR_TICKET, "no valid ticket", 401, 3 },
	{ SEC_ERR_NOUSER, "no such user in the realm", 401, 3 },
	{ SEC_ERR_CONFIG, "broken configuration", 400, 11 },
	{ SEC_ERR_SUBKEY, "unknown key", 400, 11 },
};

/* The other way; the first row that fits counts. Method NULL fits any. */
static const struct {
	const char *method;
	int status;
	int err;
} answers[] = {
	{ "REGISTER", 403, SEC_ERR_LOGIN },
	{ NULL, 401, SEC_ERR_LOGIN },
	{ NULL, 403, SEC_ERR_DENIED },
	{ NULL, 404, SEC_ERR_NOTHING },
	{ NULL, 408, SEC_ERR_TIMEOUT },
	{ NULL, 409, SEC_ERR_NO },
	{ NULL, 480, SEC_ERR_OFFLINE },
	{ NULL, 486, SEC_ERR_BUSY },
	{ NULL, 487, SEC_ERR_TIMEOUT },
	{ NULL, 504, SEC_ERR_TIMEOUT },
	{ NULL, 505, SEC_ERR_VERSION },
	{ NULL, 600, SEC_ERR_BUSY },
	{ NULL, 604, SEC_ERR_NOTHING },
	{ NULL, 606, SEC_ERR_DATA },
};

/* Per class, from 3xx: a redirect that nobody follows is bad data. */
static const int classes[] = { SEC_ERR_DATA, SEC_ERR_DATA, SEC_ERR_UNREACHABLE,
	SEC_ERR_DECLINED };

/* RFC 3261 21, RFC 6665 8.3, RFC 3903 11.2. */
static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 100, "Trying" },
	{ 180, "Ringing" },
	{ 181, "Call Is Being Forwarded" },
	{ 182, "Queued" },
	{ 183, "Session Progress" },
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Notification" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Moved Temporarily" },
	{ 305, "Use Proxy" },
	{ 380, "Alternative Service" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Conditional Request Failed" },
	{ 413, "Request Entity Too Large" },
	{ 414, "Request-URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Unsupported URI Scheme" },
	{ 420, "Bad Extension" },
	{ 421, "Extension Required" },
	{ 423, "Interval Too Brief" },
	{ 480, "Temporarily Unavailable" },
	{ 481, "Call/Transaction Does Not Exist" },
	{ 482, "Loop Detected" },
	{ 483, "Too Many Hops" },
	{ 484, "Address Incomplete" },
	{ 485, "Ambiguous" },
	{ 486, "Busy Here" },
	{ 487, "Request Terminated" },
	{ 488, "Not Acceptable Here" },
	{ 489, "Bad Event" },
	{ 491, "Request Pending" },
	{ 493, "Undecipherable" },
	{ 500, "Server Internal Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Server Time-out" },
	{ 505, "Version Not Supported" },
	{ 513, "Message Too Large" },
	{ 600, "Busy Everywhere" },
	{ 603, "Decline" },
	{ 604, "Does Not Exist Anywhere" },
	{ 606, "Not Acceptable" },
};

#define NITEMS(a) (sizeof(a) / sizeof(*(a)))

static const struct err_row *
find(int err)
{
	size_t i;

	for (i = 0; i < NITEMS(rows); i++)
		if (rows[i].err == err)
			return &rows[i];
	return NULL;
}

const char *
sec_strerror(int err)
{
	const struct err_row *r = find(err);

	return r != NULL ? r->text : "unknown error";
}

int
sec_refuse(int err, char *why, size_t whylen, const char *fmt, ...)
{
	va_list ap;

	if (whylen > 0) {
		va_start(ap, fmt);
		vsnprintf(why, whylen, fmt, ap);
		va_end(ap);
	}
	return err;
}

int
sec_err_exit(int err)
{
	const struct err_row *r = find(err);

	return r != NULL ? r->exit : 11;
}

int
sec_err_sip(int err)
{
	const struct err_row *r = find(err);

	return r != NULL ? r->sip : 500;
}

const char *
sec_sip_reason(int status)
{
	static const char *const names[] = { "Progress", "OK", "Redirection",
		"Request Failure", "Server Failure", "Global Failure" };
	size_t i;

	for (i = 0; i < NITEMS(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	if (status >= 100 && status < 700)
		return names[status / 100 - 1];
	return "Unknown";
}

int
sec_err_from_sip(const char *method, int status)
{
	size_t i;

	if (status >= 100 && status < 300)
		return 0;
	if (status < 300 || status >= 700)
		return SEC_ERR_DATA;
	for (i = 0; i < NITEMS(answers); i++) {
		if (answers[i].status != status)
			continue;
		if (answers[i].method == NULL ||
		    (method != NULL && strcmp(method, answers[i].method) == 0))
			return answers[i].err;
	}
	return classes[status / 100 - 3];
}
