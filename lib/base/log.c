/* Log lines: one write(2) to stderr each, or syslog(3). */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include "base/log.h"

#define LINE   2048
#define QUOTES 8
#define QUOTE  256
#define NOISES 32 /* events */

static char prog[64];
static enum log_level limit = LOG_L_INFO;
static int to_syslog, to_journal, to_file;

/* $JOURNAL_STREAM names stderr's device and inode if it is the journal. */
static int
is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (s == NULL || fstat(STDERR_FILENO, &st) != 0)
		return 0;
	dev = strtoull(s, &end, 10);
	if (*end != ':')
		return 0;
	ino = strtoull(end + 1, &end, 10);
	return *end == '\0' && dev == st.st_dev && ino == st.st_ino;
}

/* Whoever reads a pipe notes the time himself; a file cannot. */
static int
is_file(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

void
log_open(const char *name, enum log_level level)
{
	text_copy(prog, name, sizeof(prog));
	limit = level;
	to_journal = is_journal();
	to_file = is_file();
}

void
log_set_level(enum log_level level)
{
	limit = level;
}

enum log_level
log_level(void)
{
	return limit;
}

void
log_use_syslog(void)
{
	openlog(prog[0] != '\0' ? prog : NULL, LOG_PID, LOG_DAEMON);
	to_syslog = 1;
}

/* One line, whatever a value may hold. */
static void
emit(enum log_level level, char *line, size_t n)
{
	const char *p = line;
	ssize_t r;
	size_t i;

	if (level > LOG_L_DEBUG)
		level = LOG_L_DEBUG; /* syslog has no more */
	for (i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	if (to_syslog) {
		syslog((int)level, "%.*s", (int)n, line);
		return;
	}
	line[n++] = '\n';
	while (n > 0) {
		if ((r = write(STDERR_FILENO, p, n)) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		p += r;
		n -= (size_t)r;
	}
}

static void
mark_cut(char *line, size_t n)
{
	memcpy(line + n - 3, "...", 3);
}

__attribute__((format(printf, 3, 0))) static void
log_at(enum log_level level, const char *event, const char *fmt, va_list ap)
{
	char line[LINE], now[32];
	size_t n = 0;
	int r, saved = errno;

	if (level > limit)
		return;
	if (to_journal && !to_syslog)
		n = (size_t)snprintf(line, sizeof(line), "<%d>",
		    (int)(level > LOG_L_DEBUG ? LOG_L_DEBUG : level));
	else if (prog[0] != '\0' && !to_syslog)
		n = (size_t)snprintf(line, sizeof(line),
		    "%s%s%s: ", to_file ? clock_rfc3339(clock_real(), now) : "",
		    to_file ? " " : "", prog);
	n += text_copy(line + n, event, 128) < 128 ? strlen(event) : 127;
	if (fmt != NULL && *fmt != '\0') {
		line[n++] = ' ';
		errno = saved; /* for %m */
		r = vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
		if (r > 0 && (size_t)r >= sizeof(line) - 1 - n) {
			n = sizeof(line) - 2;
			mark_cut(line, n);
		} else if (r > 0)
			n += (size_t)r;
	}
	emit(level, line, n);
	errno = saved;
}

#define LOG_AT(level)                                                          \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		log_at(level, event, fmt, ap);                                 \
		va_end(ap);                                                    \
	} while (0)

void
log_error(const char *event, const char *fmt, ...)
{
	LOG_AT(LOG_L_ERROR);
}

void
log_warn(const char *event, const char *fmt, ...)
{
	LOG_AT(LOG_L_WARN);
}

void
log_info(const char *event, const char *fmt, ...)
{
	LOG_AT(LOG_L_INFO);
}

void
log_debug(const char *event, const char *fmt, ...)
{
	LOG_AT(LOG_L_DEBUG);
}

void
log_trace(const char *event, const char *fmt, ...)
{
	LOG_AT(LOG_L_TRACE);
}

static struct noise {
	const char *event;
	int64_t second;
	unsigned int used, lost;
} noise[NOISES];

/* Of event; the last one is shared by all that find no room. */
static struct noise *
noise_find(const char *event)
{
	size_t i;

	for (i = 0; i < NOISES - 1 && noise[i].event != NULL; i++)
		if (strcmp(noise[i].event, event) == 0)
			break;
	noise[i].event = event;
	return &noise[i];
}

void
log_noise(enum log_level level, const char *event, const char *fmt, ...)
{
	struct noise *q = noise_find(event);
	int64_t second = clock_mono() / 1000;
	va_list ap;

	if (level > limit)
		return;
	if (q->second != second) {
		if (q->lost > 0)
			log_warn("log.lost", "event=%s lines=%u", event,
			    q->lost);
		q->second = second;
		q->used = q->lost = 0;
	}
	if (q->used == LOG_BURST) {
		q->lost++;
		return;
	}
	q->used++;
	va_start(ap, fmt);
	log_at(level, event, fmt, ap);
	va_end(ap);
}

const char *
log_quote(const char *s)
{
	static char quotes[QUOTES][QUOTE];
	static unsigned int turn;
	char *out = quotes[turn++ % QUOTES], piece[16];
	size_t left, n = 0, m, i;
	uint32_t c;
	int k, plain = 1;

	if (s == NULL)
		return "-";
	left = strlen(s);
	for (i = 0; i < left && plain; i += (size_t)k) {
		k = text_decode(s + i, left - i, &c);
		plain = k > 0 && !text_is_unsafe(c) && c != ' ' && c != '"';
	}
	if (plain && left > 0 && left < QUOTE) {
		memcpy(out, s, left + 1);
		return out;
	}
	if (!plain || left == 0)
		out[n++] = '"';
	for (; left > 0; s += k, left -= (size_t)k) {
		k = text_decode(s, left, &c);
		if (k > 0 &&
		    (plain || (!text_is_unsafe(c) && c != '"' && c != '\\'))) {
			memcpy(piece, s, (size_t)k);
			m = (size_t)k;
		} else {
			if (k < 0)
				k = 1;
			for (m = 0, i = 0; i < (size_t)k; i++)
				m += (size_t)snprintf(piece + m,
				    sizeof(piece) - m, "\\x%02x",
				    (unsigned char)s[i]);
		}
		if (n + m > QUOTE - 5) {
			memcpy(out + n, "...", 3);
			n += 3;
			break;
		}
		memcpy(out + n, piece, m);
		n += m;
	}
	if (out[0] == '"')
		out[n++] = '"';
	out[n] = '\0';
	return out;
}

void
die(int exit_code, const char *fmt, ...)
{
	char line[LINE];
	va_list ap;
	size_t n;
	int r;

	n = (size_t)snprintf(line, sizeof(line),
	    "%s: ", prog[0] != '\0' ? prog : program_invocation_short_name);
	if (n > 200)
		n = 200;
	va_start(ap, fmt);
	r = vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
	va_end(ap);
	if (r > 0 && (size_t)r >= sizeof(line) - 1 - n) {
		n = sizeof(line) - 2;
		mark_cut(line, n);
	} else if (r > 0)
		n += (size_t)r;
	emit(LOG_L_ERROR, line, n);
	exit(exit_code);
}
