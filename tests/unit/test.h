#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

/*
 * Unit tests: one program per source file, TAP on stdout.
 *
 *	int
 *	main(void)
 *	{
 *		T(1 + 1 == 2);
 *		T_INT(f(), SEC_ERR_FORMAT);
 *		T_STR(name, "alice");
 *		T_MEM(p, n, "00ff10");             hex
 *		T_OK(cond, "row %d of the table", i);
 *		return t_done();
 *	}
 *
 * Each check prints `ok N - text` or `not ok N - text` with file and line;
 * t_done() prints the plan and returns the exit status.
 */

#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int t_count, t_failed;

__attribute__((format(printf, 4, 5), unused)) static inline int
t_check(int ok, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	t_count++;
	printf("%sok %d - ", ok ? "" : "not ", t_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (!ok) {
		t_failed++;
		printf("\n# failed at %s:%d", file, line);
	}
	putchar('\n');
	fflush(stdout);
	return ok;
}

__attribute__((unused)) static inline int
t_int(long long got, long long want, const char *text, const char *file,
    int line)
{
	if (t_check(got == want, file, line, "%s", text))
		return 1;
	printf("# got %lld, want %lld\n", got, want);
	return 0;
}

__attribute__((unused)) static inline int
t_str(const char *got, const char *want, const char *text, const char *file,
    int line)
{
	if (t_check(got != NULL && want != NULL && strcmp(got, want) == 0, file,
		line, "%s", text))
		return 1;
	printf("# got  \"%s\"\n# want \"%s\"\n", got ? got : "(null)",
	    want ? want : "(null)");
	return 0;
}

/*
 * Decode hex (spaces, newlines and colons are skipped) into out, at most
 * max bytes; returns the number of bytes. Bad hex or too much of it ends
 * the test: it is a mistake in the test itself.
 */
__attribute__((unused)) static inline size_t
t_hex(const char *hex, void *out, size_t max)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	unsigned char *p = out;
	const char *d;
	size_t n = 0;
	int half = -1, v;

	for (; *hex != '\0'; hex++) {
		if (strchr(" \t\r\n:", *hex) != NULL)
			continue;
		d = strchr(digits, *hex);
		if (d == NULL || n == max) {
			printf("Bail out! bad hex\n");
			exit(1);
		}
		v = (int)(d - digits) & 15;
		if (half < 0)
			half = v;
		else {
			p[n++] = (unsigned char)(half << 4 | v);
			half = -1;
		}
	}
	if (half >= 0) {
		printf("Bail out! odd hex\n");
		exit(1);
	}
	return n;
}

/* Print n bytes as a comment, for failures. */
__attribute__((unused)) static inline void
t_dump(const char *label, const void *p, size_t n)
{
	const unsigned char *c = p;
	size_t i;

	printf("# %s ", label);
	for (i = 0; i < n; i++)
		printf("%02x", c[i]);
	putchar('\n');
}

/* Do the n bytes at p equal the hex digits? */
__attribute__((unused)) static inline int
t_mem(const void *p, size_t n, const char *hex, const char *text,
    const char *file, int line)
{
	size_t max = strlen(hex) / 2 + 1, m;
	unsigned char *want = malloc(max);
	int ok;

	if (want == NULL)
		exit(1);
	m = t_hex(hex, want, max);
	ok = t_check(p != NULL && m == n && (n == 0 || memcmp(p, want, n) == 0),
	    file, line, "%s", text);
	if (!ok) {
		if (p != NULL)
			t_dump("got ", p, n);
		t_dump("want", want, m);
	}
	free(want);
	return ok;
}

#define T(cond)		t_check(!!(cond), __FILE__, __LINE__, "%s", #cond)
#define T_OK(cond, ...) t_check(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
#define T_INT(got, want)                                                       \
	t_int((long long)(got), (long long)(want), #got " == " #want,          \
	    __FILE__, __LINE__)
#define T_STR(got, want)                                                       \
	t_str((got), (want), #got " is " #want, __FILE__, __LINE__)
#define T_MEM(p, n, hex)                                                       \
	t_mem((p), (n), (hex), #p " is " #hex, __FILE__, __LINE__)

/* For exit from main(): the plan, and 0 if every check was ok. */
__attribute__((unused)) static inline int
t_done(void)
{
	printf("1..%d\n", t_count);
	if (t_failed > 0)
		printf("# %d of %d failed\n", t_failed, t_count);
	fflush(stdout);
	return t_failed > 0;
}

#endif
