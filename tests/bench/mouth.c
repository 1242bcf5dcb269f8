/*
 * mouth: from mouth to ear, file to file on loopback, and what a listener of
 * 10 conferences costs, with the real programs in a lab of their own.
 *
 *	this program --pipe--> sec-talk -i - --MCU--> sec-talk -o - --pipe-->
 *	this program
 *
 * It writes 10 ms of sound every 10 ms, as a microphone would: silence but
 * for a beep each second. The delay of a beep is from when its first sample
 * was spoken, 10 ms before its piece was written, to when whoever plays what
 * is read would come to it. The parts: a frame of 20 ms has to be complete
 * before it is coded; the codec looks 6.5 ms ahead; the jitter buffer waits
 * for what it needs to be even; the rest is the way.
 */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "audio/codec.h"
#include "audio/playout.h"
#include "base/text.h"
#include "crypto/random.h"
#include "rtp/source.h"
#include "wire/ids.h"

#include "lab.h"

#define PIECE 480
#define BEEPS 40
#define LOUD  3000

struct child {
	pid_t pid;
	int fd; /* our end of the pipe, -1 */
};

/* sec-lab run USER sec-talk ARGS; dir: 'w' we write its stdin, 'r' we read
 * its stdout, 0 neither. */
static struct child
talk(const char *user, int dir, const char *const *args)
{
	const char *argv[24] = { lab_program("sec-lab"), "run", user,
		"sec-talk" };
	struct child c = { -1, -1 };
	char lab[PATH_LEN];
	int fd[2], n = 4, null;

	text_copy(lab, argv[0], sizeof(lab));
	argv[0] = lab;
	while (*args != NULL && n < 23)
		argv[n++] = *args++;
	if (dir != 0 && pipe2(fd, O_CLOEXEC) != 0)
		die(1, "pipe");
	if ((c.pid = fork()) == 0) {
		if ((null = open("/dev/null", O_RDWR)) < 0)
			_exit(1);
		dup2(dir == 'w' ? fd[0] : null, STDIN_FILENO);
		dup2(dir == 'r' ? fd[1] : null, STDOUT_FILENO);
		proc_reset_signals();
		proc_close_from(3, -1);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (dir != 0) {
		c.fd = dir == 'w' ? fd[1] : fd[0];
		close(dir == 'w' ? fd[0] : fd[1]);
	}
	return c;
}

static void
finish(struct child *c)
{
	if (c->fd >= 0)
		close(c->fd);
	kill(c->pid, SIGTERM);
	waitpid(c->pid, NULL, 0);
}

static int
run(const char *user, const char *const *args)
{
	const char *argv[24] = { lab_program("sec-lab"), "run", user };
	char lab[PATH_LEN];
	int n = 3;

	text_copy(lab, argv[0], sizeof(lab));
	argv[0] = lab;
	while (*args != NULL && n < 23)
		argv[n++] = *args++;
	return lab_run(argv);
}

/* --- mouth to ear --- */

struct ear {
	int fd;
	uint8_t byte[2];
	size_t have;
	int loud; /* samples that were loud lately */
	int64_t quiet; /* samples since the last loud one */
};

/* Time passes in which it may hear; mono us of a beep's begin, or 0. */
static int64_t
listen_for(struct ear *e, int64_t until)
{
	struct pollfd p = { e->fd, POLLIN, 0 };
	int64_t now, began = 0;
	int16_t s[4096];
	ssize_t n, i;

	while ((now = clock_mono_us()) < until) {
		struct timespec left = { 0, (until - now) * 1000 };

		if (ppoll(&p, 1, &left, NULL) <= 0)
			continue;
		n = read(e->fd, s, sizeof(s));
		now = clock_mono_us();
		if (n <= 0)
			die(1, "the listener has ended");
		for (i = 0; i < n / 2; i++) {
			if (abs(s[i]) < LOUD) {
				e->quiet++;
				continue;
			}
			/* Who plays these samples plays the first one now. */
			if (e->quiet > AUDIO_RATE / 4 && began == 0)
				began = now + (int64_t)i * 1000000 / AUDIO_RATE;
			e->quiet = 0;
		}
	}
	return began;
}

static void
mouth_to_ear(void)
{
	static const char *const say[] = { "-i", "-", "-o", "null", "mouth",
		NULL };
	static const char *const hear[] = { "-i", "null", "-o", "-", "mouth",
		NULL };
	struct child bob = talk("bob", 'r', hear);
	struct child alice = talk("alice", 'w', say);
	struct samples lat = SAMPLES_INIT;
	struct ear e = { .fd = bob.fd };
	int64_t next, spoken = 0, heard;
	int16_t s[PIECE];
	int piece, i, beeps = 0;

	signal(SIGPIPE, SIG_IGN);
	/* Until both are there nothing is written, so nothing waits in the
	 * pipe: bob writes from the moment that he is attached. */
	(void)listen_for(&e, clock_mono_us() + 3000000);
	next = clock_mono_us();
	for (piece = 0; beeps < BEEPS + 2 && piece < 100 * (BEEPS + 10);
	     piece++) {
		for (i = 0; i < PIECE; i++)
			s[i] = (int16_t)(piece % 103 < 10 && piece > 100 ?
				12000 * sin(2 * M_PI * 1000 * i / AUDIO_RATE) :
				0);
		if (write(alice.fd, s, sizeof(s)) != sizeof(s))
			die(1, "the speaker has ended");
		/* The first sample was spoken 10 ms before the last one. */
		if (piece % 103 == 0 && piece > 100)
			spoken = clock_mono_us() - 10000;
		next += 10000;
		heard = listen_for(&e, next);
		if (heard > 0 && spoken > 0) {
			/* The first ones settle. */
			if (beeps++ >= 2)
				samples_add(&lat, heard - spoken);
			spoken = 0;
		}
	}
	if (lat.n < BEEPS / 2)
		die(1, "only %zu of %d beeps were heard", lat.n, BEEPS);
	printf("bench voice.mouth_to_ear %.1f 45  ms p50 (p10 %.1f p90 %.1f): "
	       "frame 20, lookahead of the codec 6.5, jitter buffer %.0f and "
	       "up, rest the way\n",
	    (double)samples_at(&lat, 50) / 1e3,
	    (double)samples_at(&lat, 10) / 1e3,
	    (double)samples_at(&lat, 90) / 1e3, PLAYOUT_FLOOR_US / 1e3);
	samples_free(&lat);
	finish(&alice);
	finish(&bob);
}

/* --- a listener of ten --- */

#define CONFS	 10
#define SPEAKERS 3
#define SECONDS	 10
#define FRAMES	 50

/* A device of alice's, without a program around it: the agent gives it its
 * keys, and it says the same second again and again. */
struct talker {
	struct ctl_client *agent;
	struct source *source;
	struct addr media;
	uint32_t ts;
};

static uint8_t second[FRAMES][CODEC_MAX];

static void
make_second(void)
{
	struct encoder *e = encoder_new(CODEC_OPUS);
	int16_t s[AUDIO_FRAME];
	double t, v;
	int i, k, n, twice;

	for (twice = 0; twice < 2; twice++)
		for (n = 0; n < FRAMES; n++) {
			for (i = 0; i < AUDIO_FRAME; i++) {
				t = (double)(n * AUDIO_FRAME + i) / AUDIO_RATE;
				for (v = 0, k = 1; k < 8; k++)
					v += sin(2 * M_PI * k * 120 * t) / k;
				s[i] = (int16_t)(3000 * v *
				    (1.1 + sin(2 * M_PI * 3 * t)));
			}
			if (encoder_run(e, s, AUDIO_FRAME, second[n]) != 0)
				die(1, "cannot encode");
		}
	encoder_free(e);
}

static struct secret *
key_of(const struct line *l, const char *field)
{
	struct secret *k = secret_new(32);

	if (line_get_exact(l, field, secret_fill(k), 32) != 0)
		die(1, "no %s in the agent's answer", field);
	return k;
}

static void
attach(struct talker *t, const char *conf)
{
	struct source_id id = { .suite = 0x0006, .pt = 96, .size = 80 };
	struct secret *ke, *hop;
	char path[PATH_LEN];
	struct line l;
	struct buf *b;
	uint64_t epoch;

	path_agent(path, "alice", LAB_DOMAIN);
	if (ctl_client_open(&t->agent, path) != 0)
		die(1, "no agent");
	b = ctl_client_begin(t->agent, "attach");
	line_put(b, "conf", conf);
	line_put(b, "media", "voice");
	line_put(b, "at", "0.0.0.0:19999");
	line_put(b, "capture", "file");
	line_put(b, "mic", "on");
	if (ctl_client_send(t->agent, -1) != 0 ||
	    ctl_client_next(t->agent, &l, 10000) != 1 ||
	    confid_parse(&id.conf, line_get_or(&l, "cid", "")) != 0 ||
	    q_parse(&id.q, line_get_or(&l, "q", "")) != 0 ||
	    addr_parse(&t->media, line_get_or(&l, "media", "")) != 0 ||
	    line_get_u64(&l, "epoch", &epoch) != 0 ||
	    source_new(&t->source, &id) != 0)
		die(1, "cannot attach to %s: %s", conf,
		    ctl_client_why(t->agent));
	ke = key_of(&l, "key");
	hop = key_of(&l, "hop");
	source_set_hop(t->source, hop);
	if (source_set_epoch(t->source, (uint32_t)epoch, ke, 0) != 0)
		die(1, "no epoch");
	secret_free(ke);
	secret_free(hop);
}

static void
speak(struct talker *t, int fd, int frame)
{
	struct source_frame f = { .payload = second[frame % FRAMES],
		.ts = t->ts,
		.level = 18,
		.voice = 1 };
	uint8_t p[RTP_MAX];
	size_t n;

	n = source_packet(t->source, &f, clock_mono(), clock_real(), p);
	t->ts += AUDIO_FRAME;
	(void)!sendto(fd, p, n, 0, (struct sockaddr *)&t->media.ss,
	    t->media.len);
}

/* All of them speak for so long; CPU of pid meanwhile, in % of a core. */
static double
speak_all(struct talker *t, int fd, int seconds, pid_t pid)
{
	int64_t cpu = bench_cpu(pid), began = clock_mono_us(), next = began;
	int frame, i;

	for (frame = 0; frame < seconds * 50; frame++) {
		for (i = 0; i < CONFS * SPEAKERS; i++)
			speak(&t[i], fd, frame);
		next += 20000;
		if (next > clock_mono_us())
			usleep((useconds_t)(next - clock_mono_us()));
	}
	return (double)(bench_cpu(pid) - cpu) / 10 /
	    (double)(clock_mono_us() - began);
}

static void
ten_conferences(void)
{
	static struct talker t[CONFS * SPEAKERS];
	const char *hear[CONFS + 5] = { "-i", "null", "-o", "/dev/null" };
	char name[CONFS][16];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i, k;
	struct child ear;
	double share;

	make_second();
	for (i = 0; i < CONFS; i++) {
		const char *create[] = { "sec-confctl", "create", "-q", "-n",
			name[i], "-m", "voice", "bob", NULL };

		snprintf(name[i], sizeof(name[i]), "ten%d", i);
		if (run("alice", create) != 0)
			die(1, "cannot create %s", name[i]);
		hear[4 + i] = name[i];
		for (k = 0; k < SPEAKERS; k++)
			attach(&t[i * SPEAKERS + k], name[i]);
	}
	hear[4 + CONFS] = NULL;
	ear = talk("bob", 0, hear);
	(void)speak_all(t, fd, 4, ear.pid);
	share = speak_all(t, fd, SECONDS, ear.pid);
	printf("bench voice.listener %.1f 25  %% of a core: sec-talk in %d "
	       "conferences of %d speakers\n",
	    share, CONFS, SPEAKERS);
	finish(&ear);
	for (i = 0; i < CONFS * SPEAKERS; i++) {
		source_free(t[i].source);
		ctl_client_close(t[i].agent);
	}
	close(fd);
}

int
main(void)
{
	static const char *const users[] = { "alice", "bob", NULL };
	static const char *const answer[] = { "sec-confctl", "answer", "accept",
		NULL };
	static const char *const create[] = { "sec-confctl", "create", "-q",
		"-n", "mouth", "-m", "voice", "bob", NULL };

	crypto_init();
	lab_up(users);
	if (run("bob", answer) != 0 || run("alice", create) != 0)
		die(1, "no conference");
	mouth_to_ear();
	if (getenv("NOTEN") == NULL)
		ten_conferences();
	return 0;
}
