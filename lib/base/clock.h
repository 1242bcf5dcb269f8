#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t	clock_mono(void);              /* ms */
int64_t	clock_mono_us(void);
int64_t	clock_real(void);              /* ms since 1970 UTC */

/* "2026-11-22T14:33:07.120Z" into out (>= 32 bytes); returns out. */
char	*clock_rfc3339(int64_t ms, char *out);
/* The other way; -1 when it does not parse. Without a fraction too. */
int64_t	clock_parse_rfc3339(const char *s);
/* "14:33" in local time. */
char	*clock_hhmm(int64_t ms, char *out);
/* RFC 3261 Date: "Sun, 22 Nov 2026 14:33:07 GMT" (>= 32 bytes). */
char	*clock_sip_date(int64_t ms, char *out);
/* The other way, in ms; -1 when it does not parse. */
int64_t	clock_parse_sip_date(const char *s);
/* "45m", "10", "1h30m", "2d" -> seconds, or -1. */
int64_t	clock_parse_span(const char *s);

#endif
