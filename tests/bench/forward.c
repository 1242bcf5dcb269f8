/*
 * forward: what the voice router costs beside bare loops that send the same
 * bytes to the same sinks (PERFORMANCE.md 1).
 *
 *	speakers x 50/s --> sec-mcu          --> listeners
 *	the same packets -> bare sendmmsg    --> the same sockets
 *	                 -> bare sendmmsg + UDP_SEGMENT, what has queued up
 *
 * The routers run on one processor, speakers and sinks on the other; they
 * take turns, and the ratio is the median of the rounds. Devices send their
 * hop packet every 500 ms and get an answer, from the bare loops too. Sinks
 * have a filter that drops, but for some that are read: loss and latency.
 */
#include <sys/resource.h>

#include <linux/filter.h>
#include <netinet/udp.h>
#include <sched.h>
#include <time.h>

#include "../lib/router.h"
#include "bench.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define ROUNDS	  5
#define ROUND_MS  2000
#define WARM_MS	  700 /* everybody has said hop */
#define SPEAKERS  3
#define TICK_US	  20000
#define HOP_US	  500000
#define SAMPLES	  8
#define TRIES	  3
#define LOST_MOST 0.001
#define MOST	  5200
#define ROOMS	  300
#define ROOM_OF	  6
#define JUNK	  100000 /* per second */

/* --- the bare loops --- */

/* Who gets what a source sends: the others of its room. */
struct bare {
	struct sockaddr_in to[MOST];
	unsigned room[MOST]; /* of each */
	unsigned first[MOST], n[MOST]; /* of a room */
};

static struct bare *bare;

#define BATCH 64
#define BYTES 256

static struct {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec iniov[BATCH], outiov[BATCH][BATCH];
	struct sockaddr_in from[BATCH];
	uint8_t bytes[BATCH][BYTES];
	_Alignas(struct cmsghdr)
	    uint8_t control[BATCH][CMSG_SPACE(sizeof(uint16_t))];
	unsigned n;
} box;

static void
bare_flush(int fd)
{
	unsigned done = 0;
	int k;

	while (done < box.n) {
		k = sendmmsg(fd, box.out + done, box.n - done, 0);
		if (k < 0 && errno != EINTR)
			_exit(1);
		if (k > 0)
			done += (unsigned)k;
	}
	box.n = 0;
}

/* A datagram that is no voice goes back; its number of the sender is in
 * the q of voice. */
static unsigned
bare_place(const uint8_t *p)
{
	return (get_be32(p + 8) & 0xffffff) - 1;
}

static int
bare_recv(int fd, int most)
{
	int i;

	for (i = 0; i < most; i++)
		box.in[i].msg_hdr.msg_namelen = sizeof box.from[i];
	return recvmmsg(fd, box.in, (unsigned)most, MSG_DONTWAIT, NULL);
}

static void
bare_one_by_one(int fd, int n)
{
	struct msghdr *h;
	unsigned me, r, k;
	int i;

	for (i = 0; i < n; i++) {
		if (hop_is(box.bytes[i], box.in[i].msg_len)) {
			(void)sendto(fd, box.bytes[i], 48, 0,
			    (struct sockaddr *)&box.from[i],
			    sizeof box.from[i]);
			continue;
		}
		me = bare_place(box.bytes[i]);
		r = bare->room[me];
		for (k = bare->first[r]; k < bare->first[r] + bare->n[r]; k++) {
			if (k == me)
				continue;
			h = &box.out[box.n].msg_hdr;
			h->msg_name = &bare->to[k];
			h->msg_namelen = sizeof bare->to[k];
			h->msg_iov = box.outiov[box.n];
			h->msg_iovlen = 1;
			h->msg_iov->iov_base = box.bytes[i];
			h->msg_iov->iov_len = box.in[i].msg_len;
			h->msg_controllen = 0;
			if (++box.n == BATCH)
				bare_flush(fd);
		}
		bare_flush(fd);
	}
}

/* All that has come for one destination as one: of one room. Hop packets,
 * of which there are many, are answered while it is read. */
static void
bare_joined(int fd, int n)
{
	static const uint16_t size = ROUTER_PACKET;
	static uint8_t voice[BATCH][BYTES];
	struct cmsghdr *c;
	struct msghdr *h;
	unsigned k, r = bare->room[0];
	int i, voices = 0;

	while (n > 0) {
		for (i = 0; i < n; i++)
			if (hop_is(box.bytes[i], box.in[i].msg_len))
				(void)sendto(fd, box.bytes[i], 48, 0,
				    (struct sockaddr *)&box.from[i],
				    sizeof box.from[i]);
			else
				memcpy(voice[voices++], box.bytes[i], size);
		n = voices < BATCH ? bare_recv(fd, BATCH - voices) : 0;
	}
	for (k = bare->first[r]; k < bare->first[r] + bare->n[r]; k++) {
		h = &box.out[box.n].msg_hdr;
		h->msg_name = &bare->to[k];
		h->msg_namelen = sizeof bare->to[k];
		h->msg_iov = box.outiov[box.n];
		h->msg_iovlen = 0;
		h->msg_controllen = 0;
		for (i = 0; i < voices; i++) {
			if (bare_place(voice[i]) == k)
				continue;
			h->msg_iov[h->msg_iovlen].iov_base = voice[i];
			h->msg_iov[h->msg_iovlen++].iov_len = size;
		}
		if (h->msg_iovlen == 0)
			continue;
		if (h->msg_iovlen > 1) {
			c = (struct cmsghdr *)box.control[box.n];
			c->cmsg_level = IPPROTO_UDP;
			c->cmsg_type = UDP_SEGMENT;
			c->cmsg_len = CMSG_LEN(sizeof size);
			memcpy(CMSG_DATA(c), &size, sizeof size);
			h->msg_control = c;
			h->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
		}
		if (++box.n == BATCH)
			bare_flush(fd);
	}
	bare_flush(fd);
}

static void
bare_run(int fd, int is_joined)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int i, n;

	for (i = 0; i < BATCH; i++) {
		box.iniov[i].iov_base = box.bytes[i];
		box.iniov[i].iov_len = BYTES;
		box.in[i].msg_hdr.msg_iov = &box.iniov[i];
		box.in[i].msg_hdr.msg_iovlen = 1;
		box.in[i].msg_hdr.msg_name = &box.from[i];
	}
	for (;;) {
		if (poll(&p, 1, -1) < 0)
			_exit(1);
		n = bare_recv(fd, BATCH);
		if (n > 0 && is_joined)
			bare_joined(fd, n);
		else if (n > 0)
			bare_one_by_one(fd, n);
	}
}

/* --- speakers and sinks --- */

struct party {
	struct router r; /* the daemon */
	struct addr bare_addr; /* of a bare loop */
	struct voice v[MOST];
	unsigned n; /* devices in all */
	unsigned speaker[MOST]; /* who speaks */
	unsigned nspeakers;
	unsigned sample[SAMPLES];
	unsigned nsamples;
	int64_t tick; /* us between two packets of a speaker */
	struct samples late; /* us */
	int64_t begin; /* real us, of what is counted */
	uint64_t sent, want, got; /* packets; of the sampled sinks */
};

static struct party *party;

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set);
}

static void
filter_all(int fd)
{
	struct sock_filter none[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog prog = { 1, none };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) !=
	    0)
		die(1, "a filter: %s", strerror(errno));
}

static void
drain_link(struct router *r)
{
	static char junk[65536];

	while (recv(r->link, junk, sizeof junk, MSG_DONTWAIT) > 0)
		continue;
}

static void
hop_from(const struct addr *to, struct voice *v)
{
	uint8_t p[HOP_MAX];
	size_t n = voice_hop_packet(v, p);

	(void)sendto(v->fd, p, n, 0, (const struct sockaddr *)&to->ss, to->len);
}

/* Real time in us: that of the kernel's stamps. */
static int64_t
real_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
speak(const struct addr *to, struct voice *v)
{
	uint8_t p[ROUTER_PACKET];

	voice_packet(v, p, 20);
	put_be64(p + RTP_HEAD, (uint64_t)real_us());
	hopkey_seal_rtp(hopkey_up(v->keys), p, sizeof p);
	(void)sendto(v->fd, p, sizeof p, 0, (const struct sockaddr *)&to->ss,
	    to->len);
}

/* What has come for a sampled sink, with the time when it was there. */
static void
read_sample(int fd, int is_counted)
{
	uint8_t p[2048], control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec iov = { p, sizeof p };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct timespec t;
	struct cmsghdr *c;
	int64_t sent;
	ssize_t n;

	for (;;) {
		h.msg_control = control;
		h.msg_controllen = sizeof control;
		if ((n = recvmsg(fd, &h, MSG_DONTWAIT)) < 0)
			return;
		c = CMSG_FIRSTHDR(&h);
		if (!is_counted || n != ROUTER_PACKET || c == NULL)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof t);
		sent = (int64_t)get_be64(p + RTP_HEAD);
		if (sent < party->begin)
			continue; /* late from before */
		party->got++;
		samples_add(&party->late,
		    (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - sent);
	}
}

/* Read what comes for us of time, or until something has come. */
static void
read_samples(int64_t us, int is_counted)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	struct pollfd p[SAMPLES];
	unsigned i;

	for (i = 0; i < party->nsamples; i++)
		p[i] = (struct pollfd) { party->v[party->sample[i]].fd, POLLIN,
			0 };
	if (ppoll(p, party->nsamples, &t, NULL) <= 0)
		return;
	for (i = 0; i < party->nsamples; i++)
		if (p[i].revents != 0)
			read_sample(p[i].fd, is_counted);
}

/* How many sampled sinks hear speaker s. */
static unsigned
heard_by(unsigned s)
{
	unsigned i, n = 0;

	for (i = 0; i < party->nsamples; i++)
		n += party->sample[i] != s &&
		    bare->room[party->sample[i]] == bare->room[s];
	return n;
}

/* All speak and say hop for ms, evenly spread; is_counted: it is measured. */
static void
run(const struct addr *to, int64_t ms, int is_counted)
{
	int64_t begin = clock_mono_us(), end = begin + ms * 1000, now, next;
	uint64_t spoken = 0, hops = 0, due, tick = (uint64_t)party->tick;
	unsigned who;

	while ((now = clock_mono_us()) < end) {
		due = (uint64_t)(now - begin) * party->nspeakers / tick;
		for (; spoken < due; spoken++) {
			who = party->speaker[spoken % party->nspeakers];
			speak(to, &party->v[who]);
			party->sent += (uint64_t)is_counted;
			if (is_counted)
				party->want += heard_by(who);
		}
		due = (uint64_t)(now - begin) * party->n / HOP_US;
		for (; hops < due; hops++)
			hop_from(to, &party->v[hops % party->n]);
		drain_link(&party->r);
		next =
		    begin + (int64_t)((spoken + 1) * tick / party->nspeakers);
		now = begin + (int64_t)((hops + 1) * HOP_US / party->n);
		next = (next < now ? next : now) - clock_mono_us();
		read_samples(next > 0 ? next : 0, is_counted);
	}
	/* What is still under way. */
	for (end = clock_mono() + 200; clock_mono() < end;)
		read_samples(10000, is_counted);
}

struct result {
	double ns; /* CPU per packet that went out */
	int64_t p50, p99;
	double lost; /* of the sampled */
	double busy; /* part of the processor */
};

static struct result
measure_once(pid_t pid, const struct addr *to)
{
	uint64_t copies = 0;
	struct result res;
	int64_t cpu, t;
	unsigned i;

	run(to, WARM_MS, 0);
	party->sent = party->want = party->got = 0;
	samples_reset(&party->late);
	party->begin = real_us();
	cpu = bench_cpu(pid);
	t = clock_mono_us();
	run(to, ROUND_MS, 1);
	t = clock_mono_us() - t;
	cpu = bench_cpu(pid) - cpu;
	for (i = 0; i < party->nspeakers; i++)
		copies += (party->sent / party->nspeakers) *
		    (bare->n[bare->room[party->speaker[i]]] - 1);
	copies += (uint64_t)party->n * ROUND_MS / 500; /* answers */
	res.ns = (double)cpu / (double)copies;
	res.busy = (double)cpu / 1000 / (ROUND_MS * 1000.0);
	res.p50 = samples_at(&party->late, 50);
	res.p99 = samples_at(&party->late, 99);
	res.lost =
	    party->want == 0 ? 0 : 1 - (double)party->got / (double)party->want;
	return res;
}

/* Again, some times, if something was lost: a machine that has no time for
 * it measures nothing. */
static struct result
measure(pid_t pid, const struct addr *to)
{
	struct result r;
	int i;

	for (i = 0; i < TRIES; i++) {
		r = measure_once(pid, to);
		if (r.lost < LOST_MOST)
			break;
	}
	return r;
}

/* --- setting the table --- */

static pid_t
bare_start(struct addr *at, int is_joined)
{
	struct addr any;
	int fd, size = 4 << 20;
	pid_t pid;

	if (addr_parse(&any, "127.0.0.1:0") != 0 || (fd = sock_udp(&any)) < 0 ||
	    sock_local(fd, at) != 0)
		die(1, "a socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)sock_set_nonblock(fd, 0);
	if ((pid = fork()) == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		pin(0);
		bare_run(fd, is_joined);
	}
	close(fd);
	return pid;
}

static void
bare_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int64_t
rss(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	fclose(f);
	return kb * 1024;
}

/* rooms of `each` devices; the first `speakers` of each speak. */
static void
seat(unsigned rooms, unsigned each, unsigned speakers, const char *more)
{
	struct party *p = party;
	unsigned i, k, n = 0;
	struct addr a;
	int one = 1;

	p->n = rooms * each;
	p->tick = TICK_US;
	p->nspeakers = p->nsamples = 0;
	for (i = 0; i < rooms; i++) {
		if (router_room(&p->r, i + 1, SPEAKERS) != 200)
			die(1, "no room");
		bare->first[i] = n;
		bare->n[i] = each;
		for (k = 0; k < each; k++, n++) {
			if (router_join(&p->r, i + 1, n + 1, 1, more) != 200)
				die(1, "no place for %u", n);
			voice_init(&p->v[n], i + 1, n + 1, 1);
			bare->room[n] = i;
			if (sock_local(p->v[n].fd, &a) != 0)
				die(1, "no address");
			memcpy(&bare->to[n], &a.ss, sizeof bare->to[n]);
			if (!voice_hop(&p->r, &p->v[n], NULL))
				die(1, "no way to %u", n);
			if (k < speakers)
				p->speaker[p->nspeakers++] = n;
		}
	}
	for (i = 0; i < SAMPLES; i++) {
		k = (unsigned)((uint64_t)(p->n - 1) * i / (SAMPLES - 1));
		if (p->nsamples == 0 || p->sample[p->nsamples - 1] < k)
			p->sample[p->nsamples++] = k;
	}
	for (i = k = 0; i < p->n; i++)
		if (k < p->nsamples && p->sample[k] == i) {
			(void)setsockopt(p->v[i].fd, SOL_SOCKET, SO_TIMESTAMPNS,
			    &one, sizeof one);
			k++;
		} else
			filter_all(p->v[i].fd);
}

static void
clear(void)
{
	unsigned i;

	for (i = 0; i < party->n; i++)
		voice_free(&party->v[i]);
	if (router_stop(&party->r) != 0)
		die(1, "sec-mcu did not end well");
}

static void
start(void)
{
	pin(0);
	router_start(&party->r, "--max=100000");
	pin(1);
}

/* --- the cases --- */

/* One conference, against the bare loop of that kind. */
static void
one_room(unsigned listeners, int is_joined)
{
	double cpu[ROUNDS], p50[ROUNDS], ns[ROUNDS], other[ROUNDS];
	double busy[ROUNDS], ms[ROUNDS];
	const char *kind = is_joined ? "segment" : "sendmmsg";
	struct result ours, theirs;
	size_t n = 0;
	pid_t pid;
	int i;

	start();
	seat(1, listeners + SPEAKERS, SPEAKERS, "");
	/* The bare one inherits who is where. */
	pid = bare_start(&party->bare_addr, is_joined);
	for (i = 0; i < ROUNDS * TRIES && n < ROUNDS; i++) {
		ours = measure_once(party->r.pid, &party->r.addr);
		theirs = measure_once(pid, &party->bare_addr);
		fprintf(stderr,
		    "# %u: ours %.0f ns %.0f%% p50 %.2f p99 %.2f ms lost "
		    "%.4f; %s %.0f ns p50 %.2f p99 %.2f ms lost %.4f\n",
		    listeners, ours.ns, ours.busy * 100,
		    (double)ours.p50 / 1000, (double)ours.p99 / 1000, ours.lost,
		    kind, theirs.ns, (double)theirs.p50 / 1000,
		    (double)theirs.p99 / 1000, theirs.lost);
		if (ours.lost > LOST_MOST || theirs.lost > LOST_MOST) {
			/* It may be seconds behind. */
			bare_stop(pid);
			pid = bare_start(&party->bare_addr, is_joined);
			continue;
		}
		cpu[n] = ours.ns / theirs.ns;
		p50[n] = (double)ours.p50 / (double)theirs.p50;
		ns[n] = ours.ns;
		other[n] = theirs.ns;
		busy[n] = ours.busy;
		ms[n++] = (double)ours.p50 / 1000;
	}
	if (n == 0)
		printf("bench forward_%u - 1.10   no round without loss: the "
		       "machine has no time\n",
		    listeners);
	else {
		printf("bench forward_%u %.2f 1.10   %.0f ns per packet, bare "
		       "%s %.0f; %.0f %% of a core; nothing lost in %zu of %d "
		       "rounds\n",
		    listeners, median(cpu, n), median(ns, n), kind,
		    median(other, n), median(busy, n) * 100, n, i);
		printf("bench forward_latency_%u %.2f 1.20   p50 %.2f ms\n",
		    listeners, median(p50, n), median(ms, n));
	}
	bare_stop(pid);
	clear();
}

/* Many rooms, or one conference: seated, with a bare loop beside them. */
struct shape {
	struct party *party;
	struct bare *bare;
	pid_t pid;
	struct result ours, theirs;
};

static void
shape_begin(struct shape *s, unsigned rooms, unsigned each)
{
	s->party = party = calloc(1, sizeof *party);
	s->bare = bare = calloc(1, sizeof *bare);
	if (party == NULL || bare == NULL)
		die(1, "no memory");
	start();
	seat(rooms, each, 1, "");
	s->pid = bare_start(&party->bare_addr, 0);
}

/* 1: nothing was lost, so that it may be believed. */
static int
shape_measure(struct shape *s)
{
	party = s->party;
	bare = s->bare;
	s->ours = measure(party->r.pid, &party->r.addr);
	s->theirs = measure(s->pid, &party->bare_addr);
	return s->ours.lost < LOST_MOST && s->theirs.lost < LOST_MOST;
}

static void
shape_end(struct shape *s)
{
	party = s->party;
	bare = s->bare;
	bare_stop(s->pid);
	clear();
	free(s->party);
	free(s->bare);
}

/* Many rooms beside one conference with as many copies in 20 ms. The bare
 * loop shows what of the difference is that of their packets: many rooms
 * receive one for every five copies, and each of them alone. */
static void
many_rooms(void)
{
	double ratio[ROUNDS], many[ROUNDS], one[ROUNDS], shape[ROUNDS];
	struct party *had = party;
	struct bare *bare_had = bare;
	struct shape small, large;
	size_t n = 0;
	int i, whole;

	shape_begin(&small, ROOMS, ROOM_OF);
	shape_begin(&large, 1, ROOMS * (ROOM_OF - 1) + 1);
	for (i = 0; i < ROUNDS * TRIES && n < ROUNDS; i++) {
		whole = shape_measure(&small);
		whole &= shape_measure(&large);
		fprintf(stderr,
		    "# rooms %.0f ns bare %.0f, one %.0f ns bare %.0f%s\n",
		    small.ours.ns, small.theirs.ns, large.ours.ns,
		    large.theirs.ns, whole ? "" : ": something was lost");
		if (!whole)
			continue;
		ratio[n] = small.ours.ns / large.ours.ns;
		shape[n] = small.theirs.ns / large.theirs.ns;
		many[n] = small.ours.ns;
		one[n++] = large.ours.ns;
	}
	if (n == 0)
		printf("bench forward_rooms - 1.20   no round without loss: "
		       "the machine has no time\n");
	else
		printf("bench forward_rooms %.2f 1.20   %d rooms of %d: %.0f "
		       "ns per packet, one of the same fan-out %.0f; bare "
		       "loops %.2f; nothing lost in %zu of %d rounds\n",
		    median(ratio, n), ROOMS, ROOM_OF, median(many, n),
		    median(one, n), median(shape, n), n, i);
	shape_end(&large);
	shape_end(&small);
	party = had;
	bare = bare_had;
}

/* 16 speak, and nobody listens: the rest is selection. */
static double
selecting(unsigned silent)
{
	struct party *p = party;
	int64_t cpu;
	unsigned i;

	for (i = 0; i < silent; i++)
		if (router_join(&p->r, 1, 1000 + i, 1, "hold=on") != 200)
			die(1, "no place");
	p->n = 16;
	p->tick = TICK_US / 40; /* busy, lest waking up be measured */
	run(&p->r.addr, WARM_MS, 0);
	p->sent = 0;
	cpu = bench_cpu(p->r.pid);
	run(&p->r.addr, ROUND_MS, 1);
	return (double)(bench_cpu(p->r.pid) - cpu) / (double)p->sent;
}

static void
selection(void)
{
	double with[ROUNDS], without[ROUNDS], ratio[ROUNDS];
	struct party *few = party, *many;
	int64_t before;
	unsigned i;

	start();
	seat(1, 16, 16, "hold=on");
	many = party = calloc(1, sizeof *party);
	if (party == NULL)
		die(1, "no memory");
	start();
	seat(1, 16, 16, "hold=on");
	before = rss(party->r.pid);
	(void)selecting(5000);
	before = rss(party->r.pid) - before;
	for (i = 0; i < ROUNDS; i++) {
		party = many;
		with[i] = selecting(0);
		party = few;
		without[i] = selecting(0);
		ratio[i] = with[i] / without[i];
	}
	printf("bench forward_selection %.2f 1.10   %.0f ns per packet with "
	       "5000 silent members, %.0f without\n",
	    median(ratio, ROUNDS), median(with, ROUNDS),
	    median(without, ROUNDS));
	printf("bench forward_memory %.2f 1.00   %lld bytes per member of at "
	       "most 4096\n",
	    (double)before / 5000 / 4096, (long long)before / 5000);
	clear();
	party = many;
	clear();
	free(few);
}

/* --- a flood --- */

/* JUNK datagrams/s of all kinds to `to`, until killed. */
static pid_t
flood_start(const struct addr *to)
{
	static uint8_t junk[64][BYTES];
	struct mmsghdr msg[64] = { 0 };
	struct iovec iov[64];
	struct rtp h = { .pt = 96 };
	int64_t begin, now;
	uint64_t sent = 0;
	struct addr any;
	pid_t pid;
	int fd, i;

	if ((pid = fork()) != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)addr_parse(&any, "127.0.0.1:0");
	fd = sock_udp(&any);
	(void)sock_set_nonblock(fd, 0);
	(void)connect(fd, (const struct sockaddr *)&to->ss, to->len);
	for (i = 0; i < 64; i++) {
		proc_random(junk[i], BYTES);
		/* Noise, voice of nobody, voice with a bad tag, hop packets. */
		h.conf = 1;
		h.q = (uint32_t)(i % 4 == 1 ? 10000 + i : i % 10 + 1);
		if (i % 4 == 1 || i % 4 == 2)
			rtp_encode(&h, junk[i]);
		if (i % 4 == 3)
			memcpy(junk[i], "\x80\xcc\x00\x08", 4);
		iov[i].iov_base = junk[i];
		iov[i].iov_len = i % 4 == 0 ? (size_t)(i * 3) : ROUTER_PACKET;
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	begin = clock_mono_us();
	for (;;) {
		now = clock_mono_us();
		if (sent * 1000000 > (uint64_t)(now - begin) * JUNK)
			(void)poll(NULL, 0, 1);
		else if ((i = sendmmsg(fd, msg, 64, 0)) > 0)
			sent += (unsigned)i;
	}
}

/* Ten people talk in ten conferences while strangers shout. */
static void
flooded(void)
{
	struct result calm, loud;
	uint64_t junk;
	int64_t ms;
	pid_t pid;

	start();
	seat(10, 3, 1, "");
	calm = measure(party->r.pid, &party->r.addr);
	junk = router_count(&party->r, "received");
	ms = clock_mono();
	pid = flood_start(&party->r.addr);
	loud = measure(party->r.pid, &party->r.addr);
	bare_stop(pid);
	ms = clock_mono() - ms;
	junk = router_count(&party->r, "received") - junk;
	printf("bench forward_flood %.2f 1.00   %% lost more (%.3f %%, "
	       "%.3f %% without); %.0f datagrams/s; p99 %.2f ms, %.2f\n",
	    (loud.lost - calm.lost) * 100, loud.lost * 100, calm.lost * 100,
	    (double)junk * 1000 / (double)ms, (double)loud.p99 / 1000,
	    (double)calm.p99 / 1000);
	clear();
}

int
main(int argc, char **argv)
{
	struct rlimit lim = { 0, 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("forward", LOG_L_ERROR);
	router_log = "/dev/null"; /* a line for each device */
	(void)getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_max < MOST + 64)
		die(1, "needs %d descriptors", MOST + 64);
	party = calloc(1, sizeof *party);
	bare = calloc(1, sizeof *bare);
	if (party == NULL || bare == NULL)
		die(1, "no memory");
#define WANTED(name) (argc < 2 || strcmp(argv[1], name) == 0)
	if (WANTED("10"))
		one_room(10, 0);
	if (WANTED("100"))
		one_room(100, 0);
	if (WANTED("1000"))
		one_room(1000, 0);
	if (WANTED("3000"))
		one_room(3000, 1);
	if (WANTED("5000"))
		one_room(5000, 1);
	if (WANTED("rooms"))
		many_rooms();
	if (WANTED("selection"))
		selection();
	if (WANTED("flood"))
		flooded();
	free(party);
	free(bare);
	return 0;
}
