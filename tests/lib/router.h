#ifndef TESTS_LIB_ROUTER_H
#define TESTS_LIB_ROUTER_H

/*
 * A sec-mcu of one's own, for tests and benchmarks: the daemon on loopback
 * in a directory of its own, we as its controller on a plain link, and
 * devices that speak hop tags over UDP. What goes wrong here ends the
 * program.
 */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/secret.h"
#include "base/sock.h"
#include "ctl/call.h"
#include "rtp/hopkey.h"
#include "wire/hop.h"
#include "wire/ids.h"
#include "wire/line.h"
#include "wire/rtp.h"

#define ROUTER_WAIT    10000           /* ms */
#define ROUTER_PAYLOAD 80              /* Opus, 20 ms at 32 kbit/s */
#define ROUTER_PACKET  (RTP_MIN + ROUTER_PAYLOAD)

struct router {
	pid_t		 pid;
	char		 dir[64];
	struct addr	 addr;         /* TCP and UDP */
	int		 link;
	unsigned	 calls;
	struct buf	 in;           /* from the link */
	struct buf	 events;       /* lines that nobody waited for */
};

/* Where the daemons write their log; NULL: to our standard error. */
__attribute__((unused)) static const char *router_log;

/* One device. */
struct voice {
	uint32_t	 q;
	uint64_t	 conf;
	struct secret	*keys;
	int		 fd;
	uint64_t	 counter, hop;
	int		 asked;        /* to send this back */
	uint64_t	 token;
	uint16_t	 seq;
	uint32_t	 ts;
};

__attribute__((unused)) static void
router_write(const struct router *r, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", r->dir, name);
	if (proc_write_file(path, text, strlen(text), 0644) != 0)
		die(1, "%s: %s", path, strerror(errno));
}

/* --- the link --- */

static inline void
router_put(struct router *r, const void *p, size_t n)
{
	if (send(r->link, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		die(1, "the link: %s", strerror(errno));
}

/* The next line into l, or 0 after ms. */
static inline int
router_line(struct router *r, struct line *l, int64_t ms)
{
	struct pollfd p = { .fd = r->link, .events = POLLIN };
	int64_t end = clock_mono() + ms;
	const uint8_t *nl;
	ssize_t k;
	size_t n;

	for (;;) {
		nl = buf_len(&r->in) > 0 ?
		    memchr(buf_data(&r->in), '\n', buf_len(&r->in)) : NULL;
		if (nl != NULL) {
			n = (size_t)(nl - buf_data(&r->in)) + 1;
			if (n > 1 && line_parse(l, (char *)buf_data(&r->in),
			    n) != 0)
				die(1, "a bad line");
			buf_consume(&r->in, n);
			if (n > 1)
				return 1;
			continue;
		}
		if (clock_mono() >= end ||
		    poll(&p, 1, (int)(end - clock_mono())) <= 0)
			return 0;
		k = recv(r->link, buf_reserve(&r->in, 65536), 65536, 0);
		if (k <= 0)
			die(1, "the link is closed");
		buf_commit(&r->in, (size_t)k);
	}
}

/* Begin a request; then line_put*(), router_call(). */
static inline void
router_begin(struct router *r, struct buf *b, const char *verb)
{
	buf_reset(b);
	line_begin(b, verb);
	line_put_u64(b, "id", ++r->calls);
}

/* Send it; its SIP status, 200 for ok. Events meanwhile are kept. */
static inline int
router_call(struct router *r, struct buf *b)
{
	uint64_t id, code = 200;
	struct line l;
	int done = 0;

	line_end(b);
	router_put(r, buf_data(b), buf_len(b));
	while (!done) {
		if (!router_line(r, &l, ROUTER_WAIT))
			die(1, "no answer");
		if (line_get_u64(&l, "id", &id) != 0) {
			buf_putf(&r->events, "%s %s %s %s\n", l.verb,
			    line_get_or(&l, "conf", "-"),
			    line_get_or(&l, "q", line_get_or(&l, "user", "-")),
			    line_get_or(&l, "on", "-"));
		} else if (id == r->calls && strcmp(l.verb, "row") != 0) {
			if (strcmp(l.verb, "error") == 0)
				(void)line_get_u64(&l, "code", &code);
			done = 1;
		}
		line_free(&l);
	}
	return (int)code;
}

/* Wait until an event line "VERB CONF Q-OR-USER ON" begins with text; 1 if
 * it came within ms. */
static inline int
router_event(struct router *r, const char *text, int64_t ms)
{
	int64_t end = clock_mono() + ms;
	struct line l;
	const char *s;

	for (;;) {
		for (s = buf_cstr(&r->events); *s != '\0';
		    s = strchr(s, '\n') + 1)
			if (strncmp(s, text, strlen(text)) == 0)
				return 1;
		if (clock_mono() >= end ||
		    !router_line(r, &l, end - clock_mono()))
			return 0;
		buf_putf(&r->events, "%s %s %s %s\n", l.verb,
		    line_get_or(&l, "conf", "-"),
		    line_get_or(&l, "q", line_get_or(&l, "user", "-")),
		    line_get_or(&l, "on", "-"));
		line_free(&l);
	}
}

/* Verb with fields "key=value key=value" (no spaces in values). */
static inline int
router_say(struct router *r, const char *verb, const char *fields)
{
	struct buf b = BUF_INIT;
	struct line l;
	size_t i;
	int status;

	if (line_parse_words(&l, fields, strlen(fields)) != 0)
		die(1, "bad fields: %s", fields);
	router_begin(r, &b, verb);
	for (i = 0; i < l.n; i++)
		line_put_field(&b, &l.field[i]);
	line_free(&l);
	status = router_call(r, &b);
	buf_free(&b);
	return status;
}

/* An event of ours. */
static inline void
router_tell(struct router *r, const char *verb, const char *key,
    const char *value)
{
	struct buf b = BUF_INIT;

	line_begin(&b, verb);
	line_put(&b, key, value);
	line_end(&b);
	router_put(r, buf_data(&b), buf_len(&b));
	buf_free(&b);
}

/* --- the daemon --- */

static inline void
router_dial(struct router *r)
{
	static const char hello[] = "link\tfrom=1\tto=5\n";
	struct pollfd p = { .events = POLLOUT };
	int64_t end = clock_mono() + ROUTER_WAIT;
	struct line l;

	for (;;) {
		if ((p.fd = sock_dial(&r->addr)) >= 0 &&
		    poll(&p, 1, ROUTER_WAIT) == 1 &&
		    sock_dial_result(p.fd) == 0)
			break;
		if (p.fd >= 0)
			close(p.fd);
		if (clock_mono() > end)
			die(1, "sec-mcu does not listen");
		poll(NULL, 0, 10);
	}
	r->link = p.fd;
	(void)sock_set_nonblock(r->link, 0);
	router_put(r, hello, sizeof hello - 1);
	if (!router_line(r, &l, ROUTER_WAIT) || strcmp(l.verb, "link") != 0)
		die(1, "no link");
	line_free(&l);
}

/* How the daemon comes by its sockets. */
enum router_sockets {
	ROUTER_BINDS,
	ROUTER_LISTEN_FDS,             /* TCP and UDP, as systemd has it */
	ROUTER_INETD,                  /* TCP as descriptor 0 */
};

/* Its process, with argument `more` if not NULL. */
static inline void
router_exec(struct router *r, enum router_sockets how, const char *more)
{
	const char *argv[] = { "sec-mcu", "serve", NULL, NULL, NULL };
	char *const *args;
	const char **list = argv + 2;
	pid_t us = getpid();
	char pid[16];
	int tcp, udp, keep = -1;

	r->pid = fork();
	if (r->pid < 0)
		die(1, "fork: %s", strerror(errno));
	if (r->pid > 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != us)
		_exit(127);
	proc_reset_signals();
	if (freopen("/dev/null", "r", stdin) == NULL ||
	    freopen("/dev/null", "w", stdout) == NULL ||
	    (router_log != NULL && freopen(router_log, "w", stderr) == NULL))
		_exit(127);
	proc_close_from(3, -1);
	if (how != ROUTER_BINDS) {
		tcp = sock_listen(&r->addr);
		udp = sock_udp(&r->addr);
		keep = 4;
		if (tcp != 3 || udp != 4)
			_exit(127);
		(void)dup2(tcp, how == ROUTER_INETD ? 0 : 5);
		(void)dup2(udp, 6);
		(void)dup2(5, 3); /* without close-on-exec */
		(void)dup2(6, 4);
		proc_close_from(how == ROUTER_INETD ? 3 : keep + 1, -1);
	}
	if (how == ROUTER_LISTEN_FDS) {
		snprintf(pid, sizeof pid, "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "2", 1);
		setenv("LISTEN_FDNAMES", "sec-mcu:sec-mcu", 1);
	}
	if (how == ROUTER_INETD)
		*list++ = "-i";
	*list = more;
	memcpy(&args, &(const char **) { argv }, sizeof args);
	execvp("sec-mcu", args);
	_exit(127);
}

/* `more`: "--max=3", or NULL. */
static inline void
router_start_by(struct router *r, enum router_sockets how, const char *more)
{
	struct addr any;
	char text[600], at[ADDR_STRLEN];
	int fd;

	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "/tmp/sec-router-XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		die(1, "%s: %s", r->dir, strerror(errno));
	setenv("SEC_DIR", r->dir, 1);
	snprintf(text, sizeof text, "%s/etc", r->dir);
	(void)proc_mkdirs(text, 0755);
	/* A port that was free just now. */
	if (addr_parse(&any, "127.0.0.1:0") != 0 ||
	    (fd = sock_listen(&any)) < 0 || sock_local(fd, &r->addr) != 0)
		die(1, "no port");
	close(fd);
	snprintf(text, sizeof text,
	    "1 confctl confctl 127.0.0.1:2 "
	    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
	    "5 mcu1 mcu %s AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
	    addr_format(&r->addr, at));
	router_write(r, "etc/servers", text);
	router_write(r, "etc/sec.conf",
	    "domain = lab.test\nsecurity = plain\n");
	router_exec(r, how, more);
	router_dial(r);
}

static inline void
router_start(struct router *r, const char *more)
{
	router_start_by(r, ROUTER_BINDS, more);
}

/* Ends it and removes its directory; its exit status. */
static inline int
router_stop(struct router *r)
{
	char cmd[96];
	int status = 0;

	if (r->link >= 0)
		close(r->link);
	kill(r->pid, SIGTERM);
	if (waitpid(r->pid, &status, 0) != r->pid)
		die(1, "waitpid: %s", strerror(errno));
	snprintf(cmd, sizeof cmd, "rm -rf %s", r->dir);
	if (system(cmd) != 0)
		fprintf(stderr, "%s is left\n", r->dir);
	buf_free(&r->in);
	buf_free(&r->events);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

/* Of what a verb tells, in the row whose key is `value`, a field; else 0. */
static inline uint64_t
router_figure(const struct router *r, const char *verb, const char *key,
    const char *value, const char *field)
{
	struct ctl_client *c;
	char path[128];
	uint64_t n = 0;
	struct line l;

	snprintf(path, sizeof path, "%s/run/mcu1.sock", r->dir);
	if (ctl_client_open(&c, path) != 0)
		die(1, "%s: nobody there", path);
	(void)ctl_client_begin(c, verb);
	(void)ctl_client_send(c, -1);
	while (ctl_client_next(c, &l, ROUTER_WAIT) == 1)
		if (strcmp(line_get_or(&l, key, ""), value) == 0)
			(void)line_get_u64(&l, field, &n);
	ctl_client_close(c);
	return n;
}

/* A counter of `status`. */
static inline uint64_t
router_count(const struct router *r, const char *what)
{
	return router_figure(r, "status", "what", what, "n");
}

/* --- rooms and devices --- */

static inline int
router_room(struct router *r, uint64_t conf, unsigned streams)
{
	char text[256];

	snprintf(text, sizeof text,
	    "conf=sip:c%llu@conf.lab.test cid=%016llx streams=%u "
	    "select=loudest codec=opus talk=yes", (unsigned long long)conf,
	    (unsigned long long)conf, streams);
	return router_say(r, "conference", text);
}

/* Its hop key: 32 times a byte that goes by number, so that it can be made
 * again. */
static inline struct secret *
voice_hq(uint32_t q, unsigned version)
{
	uint8_t key[32];

	memset(key, (int)(version + 1), sizeof key);
	put_be32(key, q);
	return secret_copy(key, sizeof key);
}

/* Deal a device with key of that version, 0: without; more: " k=v..." */
static inline int
router_join(struct router *r, uint64_t conf, uint32_t q, unsigned version,
    const char *more)
{
	struct secret *hq = voice_hq(q, version);
	struct buf b = BUF_INIT;
	char text[32];
	struct line l;
	size_t i;
	int status;

	router_begin(r, &b, "join");
	line_putf(&b, "conf", "sip:c%llu@conf.lab.test",
	    (unsigned long long)conf);
	line_putf(&b, "cid", "%016llx", (unsigned long long)conf);
	line_putf(&b, "user", "sip:u%u@lab.test", (unsigned)(q & 0xffffff));
	line_put(&b, "q", q_format(q, text));
	line_put(&b, "medium", "voice");
	line_put(&b, "via", "voip");
	if (version > 0) {
		line_put_bytes(&b, "hopkey", secret_data(hq), 32);
		line_put_u64(&b, "hopid", version);
	}
	if (line_parse_words(&l, more, strlen(more)) != 0)
		die(1, "bad fields: %s", more);
	for (i = 0; i < l.n; i++)
		line_put_field(&b, &l.field[i]);
	line_free(&l);
	secret_free(hq);
	status = router_call(r, &b);
	buf_free(&b);
	return status;
}

static inline void
voice_init(struct voice *v, uint64_t conf, uint32_t q, unsigned version)
{
	struct secret *hq = voice_hq(q, version);
	struct addr any;

	memset(v, 0, sizeof *v);
	v->q = q;
	v->conf = conf;
	v->keys = hopkey_derive(hq);
	secret_free(hq);
	if (addr_parse(&any, "127.0.0.1:0") != 0 || (v->fd = sock_udp(&any)) < 0)
		die(1, "a socket: %s", strerror(errno));
}

static inline void
voice_free(struct voice *v)
{
	secret_free(v->keys);
	if (v->fd >= 0)
		close(v->fd);
	memset(v, 0, sizeof *v);
	v->fd = -1;
}

/* The next voice packet into p (ROUTER_PACKET bytes), tagged. */
static inline void
voice_packet(struct voice *v, uint8_t *p, uint8_t level)
{
	struct rtp h = { .pt = 96, .seq = v->seq++, .ts = v->ts, .q = v->q,
		.conf = v->conf, .epoch = 1, .counter = v->counter++,
		.ntp = rtp_ntp(clock_real()), .voice = level < 60,
		.level = level };
	size_t i;

	v->ts += 960;
	rtp_encode(&h, p);
	for (i = RTP_HEAD; i < ROUTER_PACKET; i++)
		p[i] = (uint8_t)(i * 31 + v->q + h.counter);
	hopkey_seal_rtp(hopkey_up(v->keys), p, ROUTER_PACKET);
}

static inline void
voice_put(const struct router *r, int fd, const void *p, size_t n)
{
	while (sendto(fd, p, n, 0, (const struct sockaddr *)&r->addr.ss,
	    r->addr.len) < 0)
		if (errno != EAGAIN && errno != EINTR)
			die(1, "sendto: %s", strerror(errno));
}

static inline void
voice_send(const struct router *r, struct voice *v, uint8_t level)
{
	uint8_t p[ROUTER_PACKET];

	voice_packet(v, p, level);
	voice_put(r, v->fd, p, sizeof p);
}

/* A datagram within ms; its length, or -1. */
static inline ssize_t
voice_recv(const struct voice *v, uint8_t *p, size_t size, int64_t ms)
{
	struct pollfd f = { .fd = v->fd, .events = POLLIN };

	if (poll(&f, 1, (int)ms) <= 0)
		return -1;
	return recv(v->fd, p, size, MSG_DONTWAIT);
}

static inline size_t
voice_hop_packet(struct voice *v, uint8_t *p)
{
	struct hop_packet h = { .q = v->q, .conf = v->conf,
		.counter = ++v->hop };
	size_t n;

	if (v->asked)
		hop_put_token(&h.row[h.n++], v->token);
	v->asked = 0;
	n = hop_encode(&h, p) + HOP_TAG;
	hopkey_seal_hop(hopkey_up(v->keys), p, n);
	return n;
}

/* Is it a good hop packet for v? One that asks is answered by the next one
 * of voice_hop_packet(). */
static inline int
voice_take_hop(struct voice *v, const uint8_t *p, size_t n,
    struct hop_packet *h)
{
	if (!hop_is(p, n) || hop_decode(h, p, n) != 0 ||
	    hopkey_check_hop(hopkey_down(v->keys), p, n) != 0)
		return 0;
	v->asked = hop_token(h, &v->token);
	return 1;
}

/* Say that we are here, and wait for the answer; when we are asked, once
 * more: the way is open. Voice that arrives meanwhile is lost. */
static inline int
voice_hop(const struct router *r, struct voice *v, struct hop_packet *answer)
{
	uint8_t p[2048];
	struct hop_packet h;
	ssize_t k;

	voice_put(r, v->fd, p, voice_hop_packet(v, p));
	while ((k = voice_recv(v, p, sizeof p, ROUTER_WAIT)) >= 0) {
		if (!voice_take_hop(v, p, (size_t)k, &h))
			continue;
		if (v->asked) {
			voice_put(r, v->fd, p, voice_hop_packet(v, p));
			continue;
		}
		if (answer != NULL)
			*answer = h;
		return 1;
	}
	return 0;
}

#endif
