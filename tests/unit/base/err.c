/* The exit table of COMMANDS.md 2.2 and the answers that lead there. */

#include "base/err.h"
#include "../test.h"

static const struct {
	int err, exit, sip;
} table[] = {
	{ 0, 0, 200 },
	{ SEC_ERR_NO, 1, 409 },
	{ SEC_ERR_USAGE, 2, 400 },
	{ SEC_ERR_LOGIN, 3, 401 },
	{ SEC_ERR_DENIED, 4, 403 },
	{ SEC_ERR_NOTHING, 5, 404 },
	{ SEC_ERR_DECLINED, 6, 603 },
	{ SEC_ERR_BUSY, 7, 486 },
	{ SEC_ERR_OFFLINE, 8, 480 },
	{ SEC_ERR_TIMEOUT, 9, 408 },
	{ SEC_ERR_UNREACHABLE, 10, 503 },
	{ SEC_ERR_DATA, 11, 400 },
	{ SEC_ERR_VERSION, 12, 505 },
	{ SEC_ERR_FORMAT, 11, 400 },
	{ SEC_ERR_AUTH, 11, 400 },
	{ SEC_ERR_REPLAY, 11, 400 },
	{ SEC_ERR_EXPIRED, 11, 400 },
	{ SEC_ERR_LIMIT, 10, 503 },
	{ SEC_ERR_CLOSED, 10, 503 },
	{ SEC_ERR_SYS, 10, 503 },
	{ SEC_ERR_DISK, 10, 503 },
	{ SEC_ERR_CLOCK, 3, 401 },
	{ SEC_ERR_PASSWORD, 3, 401 },
	{ SEC_ERR_TICKET, 3, 401 },
	{ SEC_ERR_NOUSER, 3, 401 },
	{ SEC_ERR_CONFIG, 11, 400 },
	{ SEC_ERR_SUBKEY, 11, 400 },
};

static const struct {
	const char *method;
	int status, err;
} answers[] = {
	{ "INVITE", 100, 0 },
	{ NULL, 180, 0 },
	{ "REGISTER", 200, 0 },
	{ NULL, 202, 0 },
	{ "REGISTER", 401, SEC_ERR_LOGIN },
	{ "INVITE", 401, SEC_ERR_LOGIN },
	{ "REGISTER", 403, SEC_ERR_LOGIN },
	{ "INVITE", 403, SEC_ERR_DENIED },
	{ NULL, 403, SEC_ERR_DENIED },
	{ "INVITE", 404, SEC_ERR_NOTHING },
	{ "INVITE", 603, SEC_ERR_DECLINED },
	{ "INVITE", 486, SEC_ERR_BUSY },
	{ "INVITE", 480, SEC_ERR_OFFLINE },
	{ "INVITE", 408, SEC_ERR_TIMEOUT },
	{ "INVITE", 487, SEC_ERR_TIMEOUT },
	{ "INVITE", 504, SEC_ERR_TIMEOUT },
	{ "INVITE", 503, SEC_ERR_UNREACHABLE },
	{ "INVITE", 500, SEC_ERR_UNREACHABLE },
	{ "INVITE", 599, SEC_ERR_UNREACHABLE },
	{ "INVITE", 505, SEC_ERR_VERSION },
	{ "INVITE", 400, SEC_ERR_DATA },
	{ "INVITE", 481, SEC_ERR_DATA },
	{ "INVITE", 409, SEC_ERR_NO },
	{ "INVITE", 302, SEC_ERR_DATA },
	{ "INVITE", 600, SEC_ERR_BUSY },
	{ "INVITE", 699, SEC_ERR_DECLINED },
	{ "INVITE", 0, SEC_ERR_DATA },
	{ "INVITE", 99, SEC_ERR_DATA },
	{ "INVITE", 700, SEC_ERR_DATA },
	{ "INVITE", -1, SEC_ERR_DATA },
};

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		T_OK(sec_err_exit(table[i].err) == table[i].exit, "exit of %d",
		    table[i].err);
		T_OK(sec_err_sip(table[i].err) == table[i].sip, "status of %d",
		    table[i].err);
		T_OK(strcmp(sec_strerror(table[i].err), "unknown error") != 0,
		    "text of %d: %s", table[i].err, sec_strerror(table[i].err));
		/* There and back again keeps the exit code. */
		T_OK(table[i].err == SEC_ERR_USAGE ||
			sec_err_exit(sec_err_from_sip(NULL,
			    sec_err_sip(table[i].err))) == table[i].exit,
		    "%d by SIP and back", table[i].err);
	}
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		T_OK(sec_err_from_sip(answers[i].method, answers[i].status) ==
			answers[i].err,
		    "%d to %s", answers[i].status,
		    answers[i].method ? answers[i].method : "anything");
	T_STR(sec_sip_reason(486), "Busy Here");
	T_STR(sec_sip_reason(603), "Decline");
	T_STR(sec_sip_reason(302), "Moved Temporarily");
	T_STR(sec_sip_reason(299), "OK");
	T_STR(sec_sip_reason(799), "Unknown");
	T_STR(sec_sip_reason(-5), "Unknown");
	T_STR(sec_strerror(-9999), "unknown error");
	T_INT(sec_err_exit(-9999), 11);
	T_INT(sec_err_sip(-9999), 500);
	return t_done();
}
