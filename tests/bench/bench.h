#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/*
 * What the benchmarks share: CPU time of a process, samples, answers to SIP
 * requests, and the bare TCP server that fan-out is held against. One file,
 * since each benchmark is one program.
 */

#include <dirent.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sock.h"

/* Nanoseconds that all threads of pid have run. */
static inline int64_t
bench_cpu(pid_t pid)
{
	char path[300], line[128];
	struct dirent *e;
	long long ns;
	int64_t sum = 0;
	FILE *f;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	if ((d = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat",
		    (int)pid, e->d_name);
		if (e->d_name[0] == '.' || (f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(line, sizeof line, f) != NULL &&
		    sscanf(line, "%lld", &ns) == 1)
			sum += ns;
		fclose(f);
	}
	closedir(d);
	return sum;
}

struct samples {
	int64_t	*v;
	size_t	 n, cap;
};
#define SAMPLES_INIT { NULL, 0, 0 }

static inline void
samples_add(struct samples *s, int64_t v)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1024;
		if ((s->v = reallocarray(s->v, s->cap, sizeof *s->v)) == NULL)
			die(1, "out of memory");
	}
	s->v[s->n++] = v;
}

static inline void
samples_reset(struct samples *s)
{
	s->n = 0;
}

static inline void
samples_free(struct samples *s)
{
	free(s->v);
}

static inline int
samples_less(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The p-th percentile. */
static inline int64_t
samples_at(struct samples *s, int p)
{
	if (s->n == 0)
		return 0;
	qsort(s->v, s->n, sizeof *s->v, samples_less);
	return s->v[(s->n - 1) * (size_t)p / 100];
}

static inline int
double_less(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts v. */
static inline double
median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, double_less);
	return v[n / 2];
}

/* --- SIP, without the code that is measured --- */

/* A field of a SIP message, with its name and end of line, or NULL. */
static inline const char *
bench_field(const char *p, const char *end, const char *name, size_t *n)
{
	size_t len = strlen(name);
	const char *nl;

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return NULL;
		if ((size_t)(nl - p) > len && memcmp(p, name, len) == 0) {
			*n = (size_t)(nl + 1 - p);
			return p;
		}
	}
	return NULL;
}

/* An answer repeats these fields. */
static inline void
bench_answer(struct buf *out, const char *status, const char *p, size_t n)
{
	static const char *const names[] = { "Via:", "From:", "To:", "Call-ID:",
		"CSeq:" };
	const char *field;
	size_t i, len;

	buf_putf(out, "SIP/2.0 %s\r\n", status);
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if ((field = bench_field(p, p + n, names[i], &len)) != NULL)
			buf_put(out, field, len);
	buf_put_str(out, "Content-Length: 0\r\n\r\n");
}

/* --- the yardstick: a bare fan-out over TCP --- */

struct bare_result {
	double	cpu_us;                /* per copy */
	int64_t	p50_us;
};

static inline void
bare_all(int fd, char *b, size_t n, int out)
{
	ssize_t r;
	size_t at;

	for (at = 0; at < n; at += (size_t)r) {
		r = out ? write(fd, b + at, n - at) : read(fd, b + at,
		    n - at);
		if (r <= 0)
			die(1, "the bare fan-out lost a connection");
	}
}

/* The server: a message from connection 0 goes to all others by one send
 * each, their answers are read, then the author's copy goes out. */
static inline void
bare_server(int lfd, size_t n, int messages, size_t copy, size_t answer)
{
	struct epoll_event ev, got[256];
	size_t i, waiting, *have;
	char *b = calloc(1, 65536);
	int ep = epoll_create1(0), *fd, k, m, r;

	fd = calloc(n, sizeof *fd);
	have = calloc(n, sizeof *have);
	if (b == NULL || fd == NULL || have == NULL)
		_exit(1);
	for (i = 0; i < n; i++) {
		while ((fd[i] = sock_accept(lfd, NULL)) < 0)
			;
		ev.events = EPOLLIN;
		ev.data.u64 = i;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev);
	}
	for (k = 0; k < messages; k++) {
		for (have[0] = 0; have[0] < copy;) {
			epoll_wait(ep, got, 256, -1);
			if ((r = (int)read(fd[0], b, copy - have[0])) > 0)
				have[0] += (size_t)r;
		}
		for (i = 1; i < n; i++) {
			have[i] = 0;
			bare_all(fd[i], b, copy, 1);
		}
		for (waiting = n - 1; waiting > 0;) {
			m = epoll_wait(ep, got, 256, -1);
			for (r = 0; r < m; r++) {
				i = got[r].data.u64;
				have[i] += (size_t)read(fd[i], b, 65536);
				if (have[i] == answer)
					waiting--;
			}
		}
		bare_all(fd[0], b, copy, 1);
		for (have[0] = 0; have[0] < answer;) {
			epoll_wait(ep, got, 256, -1);
			if ((r = (int)read(fd[0], b, answer - have[0])) > 0)
				have[0] += (size_t)r;
		}
	}
	/* Wait to be measured. */
	(void)!read(fd[0], b, 1);
	for (;;)
		pause();
}

/* With a rest of apart_ms before each message. */
static inline struct bare_result
bare_fanout_apart(size_t n, int messages, size_t copy, size_t answer,
    int apart_ms)
{
	struct bare_result res;
	struct samples lat = SAMPLES_INIT;
	struct epoll_event ev, got[256];
	char *b = calloc(1, copy + answer);
	size_t i, *have = calloc(n, sizeof *have), done;
	int lfd, ep = epoll_create1(EPOLL_CLOEXEC), *fd, k, m, j;
	struct addr a;
	int64_t cpu, t;
	ssize_t r;
	pid_t pid;

	fd = calloc(n, sizeof *fd);
	addr_parse(&a, "127.0.0.1:0");
	if (b == NULL || have == NULL || fd == NULL ||
	    (lfd = sock_listen(&a)) < 0 || sock_local(lfd, &a) != 0)
		die(1, "cannot start the bare fan-out");
	if ((pid = fork()) == 0)
		bare_server(lfd, n, messages + 1, copy, answer);
	for (i = 0; i < n; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd[i], (struct sockaddr *)&a.ss, a.len) != 0 ||
		    setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY,
		    &(int){ 1 }, sizeof(int)) != 0)
			die(1, "connect");
		ev.events = EPOLLIN;
		ev.data.u64 = i;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev);
	}
	cpu = 0;
	for (k = 0; k <= messages; k++) {
		usleep((useconds_t)apart_ms * 1000);
		if (k == 1)                    /* the first is the warm-up */
			cpu = bench_cpu(pid);
		t = clock_mono_us();
		bare_all(fd[0], b, copy, 1);
		memset(have, 0, n * sizeof *have);
		for (done = 0; done < n;) {
			m = epoll_wait(ep, got, 256, -1);
			for (j = 0; j < m; j++) {
				i = got[j].data.u64;
				r = read(fd[i], b, copy - have[i]);
				if (r > 0)
					have[i] += (size_t)r;
				if (have[i] == copy) {
					bare_all(fd[i], b, answer, 1);
					done++;
				}
			}
		}
		if (k > 0)
			samples_add(&lat, clock_mono_us() - t);
	}
	/* The last answer is read before the server blocks for good. */
	do {
		t = bench_cpu(pid);
		usleep(20000);
	} while (bench_cpu(pid) != t);
	res.cpu_us = (double)(t - cpu) / (double)(messages * (int)n) / 1000;
	res.p50_us = samples_at(&lat, 50);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < n; i++)
		close(fd[i]);
	close(lfd);
	close(ep);
	samples_free(&lat);
	free(fd);
	free(have);
	free(b);
	return res;
}

static inline struct bare_result
bare_fanout(size_t n, int messages, size_t copy, size_t answer)
{
	return bare_fanout_apart(n, messages, copy, answer, 0);
}

#endif
