/*
 * fanout: text to 10, 100 and 1000 members (Fig. 8, S065, S125; goals of
 * the text issue). This program is the controller of a sec-mtcu that it
 * starts, and all the devices: it deals one conference, connects every
 * device under its hop key, and sends messages of 100 bytes one by one, then
 * four at a time, each answered by everybody. Beside it, in turns within the
 * same run, a bare TCP server sends the same number of bytes to as many
 * sockets, one send(2) per copy, and reads an equal answer per copy.
 *
 * CPU is what the kernel says the server's threads ran (schedstat).
 * usage: fanout [MEMBERS[:MESSAGES]...]        (default 10 100 1000)
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "crypto/confkey.h"
#include "crypto/random.h"
#include "ctl/link.h"
#include "net/channel.h"
#include "wire/ids.h"
#include "wire/line.h"
#include "wire/message.h"

#include "bench.h"

#define ROUNDS 5
#define BURST  4 /* messages outstanding */
#define CONF   "sip:bench@conf.lab.test"
#define CID    0x0100000000000001ULL

struct device {
	struct bench *b;
	uint32_t q, hopid;
	struct secret *hop;
	struct channel *ch;
};

struct bench {
	struct loop *loop;
	struct servers servers;
	struct epochs *epochs;
	struct ctl *ctl;
	struct links *links;
	struct ctl_peer *mtcu;
	pid_t pid;
	char dir[64];
	struct addr addr;
	struct device *dev;
	size_t n, up;
	unsigned calls; /* control lines unanswered */
	/* The message under way. */
	struct secret *te;
	uint64_t seq;
	size_t copies;
	int receipts;
	size_t copy_size, answer_size;
};

/* --- the devices --- */

static void
device_answer(struct device *d, const char *p, size_t n)
{
	struct buf a = BUF_INIT;

	bench_answer(&a, "200 OK", p, n);
	d->b->copy_size = n + RECORD_HEAD + RECORD_TAG;
	d->b->answer_size = buf_len(&a) + RECORD_HEAD + RECORD_TAG;
	channel_send(d->ch, buf_data(&a), buf_len(&a));
	buf_free(&a);
}

static void
device_up(void *arg)
{
	struct device *d = arg;

	d->b->up++;
}

static void
device_message(void *arg, uint8_t *p, size_t n)
{
	struct device *d = arg;
	size_t len;

	if (n < 8 || memcmp(p, "MESSAGE ", 8) != 0)
		return;
	device_answer(d, (const char *)p, n);
	d->b->copies++;
	if (bench_field((const char *)p, (const char *)p + n,
		"SEC-Missed:", &len) != NULL)
		d->b->receipts++;
}

static void
device_closed(void *arg, int err)
{
	(void)arg;
	die(1, "a device lost its connection: %s", sec_strerror(err));
}

static const struct channel_ops device_ops = {
	device_up,
	device_message,
	device_closed,
};

static void
device_dial(struct device *d)
{
	struct hello h;

	memset(&h, 0, sizeof h);
	h.tt = RECORD_CLIENT;
	h.by = 1;
	h.keyid = d->hopid;
	h.to_number = 2;
	hello_id_device(&h.from, CID, d->q);
	hello_id_server(&h.to, 2);
	h.base = d->hop;
	d->ch = channel_dial(d->b->loop, &d->b->addr, &h, 0, &device_ops, d);
}

/* --- the controller --- */

static void
call_done(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct bench *b = ctx;

	(void)cookie;
	if (reply == NULL || strcmp(reply->verb, "ok") != 0)
		die(1, "sec-mtcu refused a line: %d",
		    ctl_reply_status(reply, err));
	b->calls--;
}

static void
link_up(void *ctx, int number, struct ctl_peer *p)
{
	(void)number;
	((struct bench *)ctx)->mtcu = p;
}

static void
link_down(void *ctx, int number)
{
	(void)number;
	((struct bench *)ctx)->mtcu = NULL;
}

static void
deal(struct bench *b, size_t n)
{
	char cid[CONFID_STRLEN], q[Q_STRLEN];
	struct buf *l;
	size_t i;

	b->dev = calloc(n, sizeof *b->dev);
	b->n = n;
	b->up = 0;
	l = ctl_call(b->mtcu, "conference");
	line_put(l, "conf", CONF);
	line_put(l, "cid", confid_format(CID, cid));
	line_put(l, "media", "text");
	ctl_call_end(b->mtcu, 20000, call_done, b, 0);
	b->calls++;
	for (i = 0; i < n; i++) {
		struct device *d = &b->dev[i];

		d->b = b;
		d->q = q_make(1, (uint32_t)i + 1);
		d->hopid = (uint32_t)i + 1;
		d->hop = crypto_random_key(32, 0);
		l = ctl_call(b->mtcu, "join");
		line_put(l, "conf", CONF);
		line_put(l, "cid", cid);
		line_putf(l, "user", "sip:user%zu@lab.test", i);
		line_put(l, "q", q_format(d->q, q));
		line_put(l, "medium", "text");
		line_put_bytes(l, "hopkey", secret_data(d->hop), 32);
		line_put_u64(l, "hopid", d->hopid);
		ctl_call_end(b->mtcu, 20000, call_done, b, 0);
		b->calls++;
	}
	l = ctl_event(b->mtcu, "dealt");
	line_put(l, "conf", CONF);
	ctl_event_end(b->mtcu);
	while (b->calls > 0)
		loop_turn(b->loop, -1);
	for (i = 0; i < n; i++) {
		device_dial(&b->dev[i]);
		/* A few at a time, so that none waits in a full backlog. */
		while (i + 1 - b->up > 32)
			loop_turn(b->loop, -1);
	}
	while (b->up < n)
		loop_turn(b->loop, -1);
}

/* While the yardstick ran nobody listened: the link may have been given up
 * and comes back. */
static void
wait_link(struct bench *b)
{
	int i;

	for (i = 0; i < 4 || b->mtcu == NULL; i++)
		loop_turn(b->loop, i < 4 ? 0 : -1);
}

static void
undeal(struct bench *b)
{
	struct buf *l;
	size_t i;

	for (i = 0; i < b->n; i++) {
		channel_free(b->dev[i].ch);
		secret_free(b->dev[i].hop);
	}
	free(b->dev);
	wait_link(b);
	l = ctl_call(b->mtcu, "end");
	line_put(l, "conf", CONF);
	ctl_call_end(b->mtcu, 20000, call_done, b, 0);
	b->calls++;
	while (b->calls > 0)
		loop_turn(b->loop, -1);
}

static void
put_message(struct bench *b)
{
	static const char text[100] = "a hundred bytes of text";
	struct buf pt = BUF_INIT, body = BUF_INIT, m = BUF_INIT;
	struct message msg = { .type = MESSAGE_TEXT,
		.text = text,
		.n = sizeof text };
	struct device *d = &b->dev[0];

	message_encode(&pt, &msg);
	b->seq++;
	text_seal(&body, b->te, CID, 1, d->q, b->seq, buf_data(&pt),
	    buf_len(&pt), clock_real());
	buf_putf(&m,
	    "MESSAGE " CONF " SIP/2.0\r\n"
	    "Via: SIP/2.0/TCP 1.invalid;branch=z9hG4bK%llx\r\n"
	    "Max-Forwards: 70\r\nFrom: <sip:user0@lab.test>;tag=b\r\n"
	    "To: <" CONF ">\r\nCall-ID: b%llu\r\nCSeq: 1 MESSAGE\r\n"
	    "Content-Type: application/sec-text\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    (unsigned long long)b->seq, (unsigned long long)b->seq,
	    buf_len(&body));
	buf_put(&m, buf_data(&body), buf_len(&body));
	channel_send(d->ch, buf_data(&m), buf_len(&m));
	buf_free(&pt);
	buf_free(&body);
	buf_free(&m);
}

/* So many messages at once to all; returns when everybody has every copy
 * and the author his receipts. */
static void
send_burst(struct bench *b, int n)
{
	int i;

	b->copies = 0;
	b->receipts = 0;
	for (i = 0; i < n; i++)
		put_message(b);
	while (b->receipts < n || b->copies < (size_t)n * b->n)
		loop_turn(b->loop, -1);
}

/* CPU of sec-mtcu per copy, in us. */
static double
measure(struct bench *b, int messages, int at_once, struct samples *lat)
{
	int64_t t, cpu = bench_cpu(b->pid);
	int k;

	for (k = 0; k < messages; k += at_once) {
		t = clock_mono_us();
		send_burst(b, at_once);
		if (lat != NULL)
			samples_add(lat, clock_mono_us() - t);
	}
	return (double)(bench_cpu(b->pid) - cpu) /
	    ((double)messages * (double)b->n) / 1000;
}

/* --- a sec-mtcu of our own --- */

static void
server_line(struct buf *b, int number, const char *name, const char *role,
    int port, const uint8_t pub[32])
{
	struct server s;

	memset(&s, 0, sizeof s);
	s.number = (uint8_t)number;
	snprintf(s.name, sizeof s.name, "%s", name);
	snprintf(s.role, sizeof s.role, "%s", role);
	snprintf(s.addr, sizeof s.addr, "127.0.0.1:%d", port);
	memcpy(s.pub, pub, 32);
	servers_put_line(b, &s);
	buf_put_u8(b, '\n');
}

static int
free_port(void)
{
	struct addr a;
	int fd, port;

	addr_parse(&a, "127.0.0.1:0");
	if ((fd = sock_listen(&a)) < 0 || sock_local(fd, &a) != 0)
		die(1, "no free port");
	port = addr_port(&a);
	close(fd);
	return port;
}

static void
start(struct bench *b, const char *mtcu)
{
	struct links_def def;
	char path[PATH_LEN], why[256], dir[PATH_LEN];
	struct epochs *theirs;
	struct hs_deal deal_to;
	struct buf text = BUF_INIT;
	uint8_t pub[32];
	uint32_t epoch;
	int port = free_port();

	snprintf(b->dir, sizeof b->dir, "/tmp/sec-bench.XXXXXX");
	if (mkdtemp(b->dir) == NULL)
		die(1, "no temporary directory");
	setenv("SEC_DIR", b->dir, 1);
	snprintf(dir, sizeof dir, "%s/etc", b->dir);
	proc_mkdirs(dir, 0700);
	if (epochs_init("confctl", pub, why, sizeof why) != 0)
		die(1, "%s", why);
	server_line(&text, 1, "confctl", "confctl", free_port(), pub);
	if (epochs_init("mtcu", pub, why, sizeof why) != 0)
		die(1, "%s", why);
	server_line(&text, 2, "mtcu", "mtcu", port, pub);
	proc_write_file(path_servers(path), buf_data(&text), buf_len(&text),
	    0644);
	proc_write_file(path_config(path), "domain = lab.test\n", 18, 0644);
	buf_free(&text);
	if (servers_read(&b->servers, NULL, why, sizeof why) != 0 ||
	    epochs_open(&b->epochs, "confctl", why, sizeof why) != 0 ||
	    epochs_open(&theirs, "mtcu", why, sizeof why) != 0)
		die(1, "%s", why);
	if (epochs_begin(b->epochs, &b->servers, clock_real(), 0, 0, &epoch) !=
		0 ||
	    epochs_deal(b->epochs, &b->servers, 2, epoch, clock_real(),
		&deal_to) != 0 ||
	    epochs_store(theirs, &deal_to) != 0)
		die(1, "cannot deal keys");
	explicit_bzero(&deal_to, sizeof deal_to);
	epochs_close(theirs);
	if ((b->pid = fork()) == 0) {
		int null = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 2);
		proc_close_from(3, -1);
		execl(mtcu, "sec-mtcu", "serve", "--name", "mtcu",
		    (char *)NULL);
		_exit(127);
	}
	b->loop = loop_new();
	b->ctl = ctl_new(b->loop);
	memset(&def, 0, sizeof def);
	def.loop = b->loop;
	def.ctl = b->ctl;
	def.servers = &b->servers;
	def.epochs = b->epochs;
	def.own = 1;
	def.up = link_up;
	def.down = link_down;
	def.ctx = b;
	b->links = links_new(&def);
	links_want(b->links, 2);
	while (b->mtcu == NULL)
		loop_turn(b->loop, -1);
	addr_parse(&b->addr, servers_by_number(&b->servers, 2)->addr);
}

static void
stop(struct bench *b)
{
	char cmd[128];

	links_free(b->links);
	ctl_free(b->ctl);
	kill(b->pid, SIGTERM);
	waitpid(b->pid, NULL, 0);
	epochs_close(b->epochs);
	loop_free(b->loop);
	secret_free(b->te);
	snprintf(cmd, sizeof cmd, "rm -rf %s", b->dir);
	if (system(cmd) != 0)
		die(1, "cannot remove %s", b->dir);
}

int
main(int argc, char **argv)
{
	static const char *const three[] = { "10", "100", "1000" };
	const char *const *sizes =
	    argc > 1 ? (const char *const *)argv + 1 : three;
	const char *build = getenv("SEC_BUILD");
	int i, round, nsizes = argc > 1 ? argc - 1 : 3, messages;
	struct bare_result bare[ROUNDS];
	double own[ROUNDS], ratio[ROUNDS], at100 = 0, mine;
	double bare100 = 0;
	double burst[ROUNDS], gain[ROUNDS];
	struct samples lat = SAMPLES_INIT;
	struct rlimit nofile = { 20000, 20000 };
	char mtcu[512];
	struct bench b;
	size_t n;

	setrlimit(RLIMIT_NOFILE, &nofile);
	log_open("fanout", LOG_L_ERROR);
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	memset(&b, 0, sizeof b);
	snprintf(mtcu, sizeof mtcu, "%s/bin/sec-mtcu",
	    build != NULL ? build : "build");
	b.te = crypto_random_key(32, 0);
	start(&b, mtcu);
	for (i = 0; i < nsizes; i++) {
		n = strtoul(sizes[i], NULL, 10);
		messages = n >= 1000 ? 20 : n >= 100 ? 100 : 500;
		if (strchr(sizes[i], ':') != NULL)
			messages = atoi(strchr(sizes[i], ':') + 1);
		deal(&b, n);
		send_burst(&b, BURST); /* warm up */
		samples_reset(&lat);
		for (round = 0; round < ROUNDS; round++) {
			own[round] = measure(&b, messages, 1, &lat);
			burst[round] = measure(&b, messages, BURST, NULL);
			gain[round] = burst[round] / own[round];
			bare[round] = bare_fanout(n, messages, b.copy_size,
			    b.answer_size);
			ratio[round] = own[round] / bare[round].cpu_us;
		}
		mine = median(own, ROUNDS);
		(void)median(ratio, ROUNDS); /* sorts, for the spread */
		(void)median(gain, ROUNDS);
		printf("bench text.fanout.%zu %.2f 1.3  ratio (%.2f-%.2f) "
		       "cpu_us/copy %.2f bare %.2f copies/s %.0f p50_us %lld "
		       "p99_us %lld bare_p50_us %lld bytes %zu+%zu\n",
		    n, ratio[ROUNDS / 2], ratio[0], ratio[ROUNDS - 1], mine,
		    bare[ROUNDS / 2].cpu_us,
		    1e6 * (double)n / (double)samples_at(&lat, 50),
		    (long long)samples_at(&lat, 50),
		    (long long)samples_at(&lat, 99),
		    (long long)bare[ROUNDS / 2].p50_us, b.copy_size,
		    b.answer_size);
		printf("bench text.burst.%zu %.2f 0.5  cpu_us/copy %.2f of "
		       "%.2f, %d outstanding, ratio (%.2f-%.2f)\n",
		    n, gain[ROUNDS / 2], median(burst, ROUNDS), mine, BURST,
		    gain[0], gain[ROUNDS - 1]);
		if (n == 100) {
			at100 = mine;
			bare100 = bare[ROUNDS / 2].cpu_us;
		}
		if (n == 1000 && at100 > 0)
			printf("bench text.fanout.flat %.2f 1.1  cpu_us/copy "
			       "at 1000 %.2f at 100 %.2f, bare %.2f\n",
			    mine / at100, mine, at100,
			    bare[ROUNDS / 2].cpu_us / bare100);
		fflush(stdout);
		undeal(&b);
	}
	samples_free(&lat);
	stop(&b);
	return 0;
}
