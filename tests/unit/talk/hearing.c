/* What is heard leaves no trace where it was computed. */
#include "../../../cmd/sec-talk/hearing.c"
#include "../../../cmd/sec-talk/speaker.c"

#include <fcntl.h>
#include <stdint.h>
#include <ucontext.h>
#include <unistd.h>

#include "audio/mix.h"
#include "audio/pcmu.h"
#include "../test.h"

#define STACK  ((size_t)256 * 1024)
#define PIECE  480
#define PACKET 160
#define RUN    8 /* samples in a row that nothing else has */

/* --- of the seat's other files, what is asked here --- */

void
seat_note(const struct seat *s, const char *text, const char *rest)
{
	(void)s;
	(void)text;
	(void)rest;
}

void
seat_tell_news(struct seat *s, struct speaker *k)
{
	(void)s;
	(void)k;
}

void
seat_tell_figures(struct seat *s, const struct speaker *k)
{
	(void)s;
	(void)k;
}

struct stem *
stem_open(const char *dir, const char *conf, const char *user, int rate)
{
	(void)dir;
	(void)conf;
	(void)user;
	(void)rate;
	return NULL;
}

int
stem_put(struct stem *s, uint64_t at, const int16_t *p, size_t n)
{
	(void)s;
	(void)at;
	(void)p;
	(void)n;
	return 0;
}

void
stem_rest(struct stem *s, uint64_t end)
{
	(void)s;
	(void)end;
}

void
stem_close(struct stem *s, uint64_t end)
{
	(void)s;
	(void)end;
}

/* --- a stack of our own, which is looked at afterwards --- */

static struct seat seat;
static float sum[PIECE];
static uint8_t payload[PACKET];
static ucontext_t here, there;
static unsigned pieces;

static void
hear(void)
{
	struct rtp_frame f = { .q = 7, .payload = payload, .n = PACKET };
	unsigned i;

	for (i = 0; i < pieces; i++) {
		if (i % 2 == 0) {
			seat_hear(&seat, &f, (int64_t)i * 10000);
			f.ts += PACKET;
		}
		mix_clear(sum, PIECE);
		(void)seat_mix(&seat, sum, PIECE, (int64_t)i * 10000,
		    (uint64_t)i * PIECE);
	}
}

/* Is a run of these samples anywhere in it? It is read as a debugger would:
 * what a function has left below its stack pointer, nobody may read. */
static int
is_in(const uint8_t *stack, const int16_t *s, size_t n)
{
	static uint8_t copy[STACK];
	int found = 0, fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	size_t i;

	T(pread(fd, copy, STACK, (off_t)(uintptr_t)stack) == STACK);
	for (i = 0; i + RUN <= n && !found; i += RUN)
		found = memmem(copy, STACK, s + i, RUN * sizeof(*s)) != NULL;
	(void)close(fd);
	return found;
}

static void
test_stack(void)
{
	static const struct seat_ops ops = { .renders = 1 };
	uint8_t *stack = calloc(1, STACK);
	int16_t low[PACKET], high[PIECE];
	size_t i, loud;

	for (i = 0; i < PACKET; i++)
		payload[i] = (uint8_t)(i * 37 + 11);
	pcmu_decode(payload, PACKET, low);
	seat.ops = &ops;
	seat.gain = 1;
	seat.codec = CODEC_PCMU;
	TAILQ_INIT(&seat.sounds);
	TAILQ_INIT(&seat.stems);
	TAILQ_INIT(&seat.speakers);
	T_INT(sink_new(&seat.sink, 1, 1, 6, 8000), 0);
	seat_speaker(&seat, 7)->in = 1;
	pieces = 31;
	T_INT(getcontext(&there), 0);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = STACK;
	there.uc_link = &here;
	makecontext(&there, hear, 0);
	T_INT(swapcontext(&here, &there), 0);
	for (i = 0, loud = 0; i < PIECE; i++) {
		high[i] = (int16_t)sum[i];
		loud += high[i] > 1000;
	}
	T_OK(loud > 10, "it was heard");
	T(!is_in(stack, low, PACKET));
	T(!is_in(stack, high, PIECE));
	/* That it would have been found. */
	memcpy(stack + 1001, high, sizeof(high));
	T(is_in(stack, high, PIECE));
	free(stack);
	speaker_free(TAILQ_FIRST(&seat.speakers));
	sink_free(seat.sink);
}

int
main(void)
{
	test_stack();
	return t_done();
}
