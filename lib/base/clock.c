/* Clocks, and times as people and SIP write them. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static int64_t
now_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono(void)
{
	return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

int64_t
clock_real(void)
{
	return now_us(CLOCK_REALTIME) / 1000;
}

/* Broken-down UTC; returns the milliseconds. Rounds down also before 1970;
 * a time that no calendar holds becomes 1970. */
static int
split(int64_t ms, struct tm *tm)
{
	time_t t = (time_t)(ms / 1000);
	int rest = (int)(ms % 1000);

	if (rest < 0) {
		rest += 1000;
		t--;
	}
	if (gmtime_r(&t, tm) == NULL || tm->tm_year > 9999 - 1900 ||
	    tm->tm_year < -1900) {
		t = 0;
		rest = 0;
		(void)gmtime_r(&t, tm);
	}
	return rest;
}

/* Two or more digits without a format: cheap, and its bound is plain. */
static char *
put_digits(char *p, int v, int width)
{
	int i;

	for (i = width - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

static char *
put_time(char *p, const struct tm *tm)
{
	p = put_digits(p, tm->tm_hour, 2);
	*p++ = ':';
	p = put_digits(p, tm->tm_min, 2);
	*p++ = ':';
	return put_digits(p, tm->tm_sec, 2);
}

char *
clock_rfc3339(int64_t ms, char *out)
{
	struct tm tm;
	int rest = split(ms, &tm);
	char *p = out;

	p = put_digits(p, tm.tm_year + 1900, 4);
	*p++ = '-';
	p = put_digits(p, tm.tm_mon + 1, 2);
	*p++ = '-';
	p = put_digits(p, tm.tm_mday, 2);
	*p++ = 'T';
	p = put_time(p, &tm);
	*p++ = '.';
	p = put_digits(p, rest, 3);
	*p++ = 'Z';
	*p = '\0';
	return out;
}

char *
clock_hhmm(int64_t ms, char *out)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char *p = out;

	if (localtime_r(&t, &tm) == NULL)
		(void)split(0, &tm);
	p = put_digits(p, tm.tm_hour, 2);
	*p++ = ':';
	p = put_digits(p, tm.tm_min, 2);
	*p = '\0';
	return out;
}

char *
clock_sip_date(int64_t ms, char *out)
{
	struct tm tm;
	char *p = out;

	(void)split(ms, &tm);
	memcpy(p, days[tm.tm_wday], 3);
	memcpy(p + 3, ", ", 2);
	p = put_digits(p + 5, tm.tm_mday, 2);
	*p++ = ' ';
	memcpy(p, months[tm.tm_mon], 3);
	p[3] = ' ';
	p = put_digits(p + 4, tm.tm_year + 1900, 4);
	*p++ = ' ';
	p = put_time(p, &tm);
	memcpy(p, " GMT", 5);
	return out;
}

/* Exactly width digits at *s, which moves on; -1 if they are not there. */
static int
take_digits(const char **s, int width)
{
	int v = 0;

	while (width-- > 0) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + *(*s)++ - '0';
	}
	return v;
}

static int
take_char(const char **s, char c)
{
	if (**s != c)
		return -1;
	(*s)++;
	return 0;
}

static int
take_name(const char **s, const char names[][4], int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strncmp(*s, names[i], 3) == 0) {
			*s += 3;
			return i;
		}
	return -1;
}

/* RFC 3261 25.1 SIP-date: rfc1123-date, always GMT. */
/* Seconds of tm, in UTC; -1 for a day or an hour that there is not. */
static int64_t
real_seconds(const struct tm *tm)
{
	struct tm back = *tm;
	time_t t = timegm(&back);

	/* timegm(3) makes 2 March of 30 February: compare. */
	if (t < 0 || back.tm_mday != tm->tm_mday || back.tm_mon != tm->tm_mon ||
	    back.tm_hour != tm->tm_hour || back.tm_min != tm->tm_min ||
	    back.tm_sec != tm->tm_sec)
		return -1;
	return t;
}

int64_t
clock_parse_rfc3339(const char *s)
{
	int64_t t, scale = 100, ms = 0;
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if ((tm.tm_year = take_digits(&s, 4)) < 1970 ||
	    take_char(&s, '-') < 0 || (tm.tm_mon = take_digits(&s, 2)) < 1 ||
	    take_char(&s, '-') < 0 || (tm.tm_mday = take_digits(&s, 2)) < 1 ||
	    take_char(&s, 'T') < 0 || (tm.tm_hour = take_digits(&s, 2)) < 0 ||
	    take_char(&s, ':') < 0 || (tm.tm_min = take_digits(&s, 2)) < 0 ||
	    take_char(&s, ':') < 0 || (tm.tm_sec = take_digits(&s, 2)) < 0)
		return -1;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
			ms += (*s - '0') * scale;
	if (strcmp(s, "Z") != 0)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (t = real_seconds(&tm)) < 0 ? -1 : t * 1000 + ms;
}

int64_t
clock_parse_sip_date(const char *s)
{
	struct tm tm;
	int64_t t;

	memset(&tm, 0, sizeof(tm));
	if (take_name(&s, days, 7) < 0 || take_char(&s, ',') < 0 ||
	    take_char(&s, ' ') < 0 || (tm.tm_mday = take_digits(&s, 2)) < 1 ||
	    take_char(&s, ' ') < 0 ||
	    (tm.tm_mon = take_name(&s, months, 12)) < 0 ||
	    take_char(&s, ' ') < 0 || (tm.tm_year = take_digits(&s, 4)) < 0 ||
	    take_char(&s, ' ') < 0 || (tm.tm_hour = take_digits(&s, 2)) < 0 ||
	    take_char(&s, ':') < 0 || (tm.tm_min = take_digits(&s, 2)) < 0 ||
	    take_char(&s, ':') < 0 || (tm.tm_sec = take_digits(&s, 2)) < 0 ||
	    strcmp(s, " GMT") != 0)
		return -1;
	if (tm.tm_year < 1970)
		return -1;
	tm.tm_year -= 1900;
	return (t = real_seconds(&tm)) < 0 ? -1 : t * 1000;
}

int64_t
clock_parse_span(const char *s)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	const int64_t max = INT64_MAX / 86400 / 1000;
	int64_t sum = 0, v;
	size_t i, next = 0;
	int parts = 0;

	do {
		if (*s < '0' || *s > '9')
			return -1;
		for (v = 0; *s >= '0' && *s <= '9'; s++)
			if ((v = v * 10 + *s - '0') > max)
				return -1;
		if (*s == '\0')
			return parts == 0 ? v : -1;
		for (i = next; i < 4 && units[i].unit != *s; i++)
			;
		if (i == 4)
			return -1;
		sum += v * units[i].seconds;
		/* Callers count in ms. */
		if (sum > INT64_MAX / 1000)
			return -1;
		next = i + 1;
		parts++;
	} while (*++s != '\0');
	return sum;
}
