#include <time.h>

#include "base/clock.h"
#include "../test.h"

static const struct {
	int64_t ms;
	const char *rfc3339;
	const char *sip;
} times[] = {
	{ 0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
	{ 1795357987120, "2026-11-22T14:33:07.120Z",
	    "Sun, 22 Nov 2026 14:33:07 GMT" },
	{ 951782400000, "2000-02-29T00:00:00.000Z",
	    "Tue, 29 Feb 2000 00:00:00 GMT" },
	{ 253402300799999, "9999-12-31T23:59:59.999Z",
	    "Fri, 31 Dec 9999 23:59:59 GMT" },
};

static const char *const bad_dates[] = {
	"",
	"Sun",
	"Sun, 22 Nov 2026 14:33:07",
	"Sun, 22 Nov 2026 14:33:07 CET",
	"Sun, 22 Nov 2026 14:33:07 GMT ",
	"Sun, 30 Feb 2026 14:33:07 GMT",
	"Sun, 22 Nov 2026 24:00:00 GMT",
	"Sun, 22 Nov 2026 23:60:00 GMT",
	"Sun, 00 Nov 2026 14:33:07 GMT",
	"Sun, 22 Foo 2026 14:33:07 GMT",
	"Xun, 22 Nov 2026 14:33:07 GMT",
	"Sun, 22 Nov 1969 14:33:07 GMT",
	"Sun,22 Nov 2026 14:33:07 GMT",
	"Sun, 22 Nov 2026 1:33:07 GMT",
};

static const struct {
	const char *s;
	int64_t seconds;
} spans[] = {
	{ "106751991167d23h", -1 }, /* more ms than there are */
	{ "10", 10 },
	{ "0", 0 },
	{ "45m", 2700 },
	{ "1h30m", 5400 },
	{ "2d", 172800 },
	{ "1d2h3m4s", 93784 },
	{ "90s", 90 },
	{ "", -1 },
	{ "m", -1 },
	{ "-1", -1 },
	{ "+1", -1 },
	{ " 1", -1 },
	{ "1h30", -1 },
	{ "30m1h", -1 },
	{ "1m1m", -1 },
	{ "1x", -1 },
	{ "1 h", -1 },
	{ "99999999999999999999", -1 },
	{ "99999999999999999999d", -1 },
};

int
main(void)
{
	int64_t a, b;
	char out[32];
	size_t i;

	setenv("TZ", "UTC-2", 1);
	tzset();
	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		T_STR(clock_rfc3339(times[i].ms, out), times[i].rfc3339);
		T_STR(clock_sip_date(times[i].ms, out), times[i].sip);
		T_INT(clock_parse_rfc3339(times[i].rfc3339), times[i].ms);
		T_INT(clock_parse_sip_date(times[i].sip),
		    times[i].ms / 1000 * 1000);
	}
	T_STR(clock_rfc3339(-1, out), "1969-12-31T23:59:59.999Z");
	T_STR(clock_rfc3339(INT64_MAX, out), "1970-01-01T00:00:00.000Z");
	T_STR(clock_hhmm(times[1].ms, out), "16:33");
	for (i = 0; i < sizeof(bad_dates) / sizeof(*bad_dates); i++)
		T_OK(clock_parse_sip_date(bad_dates[i]) == -1, "not \"%s\"",
		    bad_dates[i]);
	T_INT(clock_parse_rfc3339("1970-01-01T00:00:01Z"), 1000);
	T_INT(clock_parse_rfc3339("1970-01-01T00:00:01.5Z"), 1500);
	T_INT(clock_parse_rfc3339("1970-01-01T00:00:01"), -1);
	T_INT(clock_parse_rfc3339("2026-02-30T00:00:01Z"), -1);
	T_INT(clock_parse_rfc3339("2026-13-01T00:00:01Z"), -1);
	T_INT(clock_parse_rfc3339("yesterday"), -1);
	for (i = 0; i < sizeof(spans) / sizeof(*spans); i++)
		T_OK(clock_parse_span(spans[i].s) == spans[i].seconds,
		    "span \"%s\"", spans[i].s);
	a = clock_mono_us();
	b = clock_mono();
	T(a > 0 && b >= a / 1000);
	T(clock_mono_us() >= a);
	T(clock_real() > 1600000000000);
	T(clock_real() / 1000 - (int64_t)time(NULL) <= 1);
	return t_done();
}
