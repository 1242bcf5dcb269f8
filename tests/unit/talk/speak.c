/* At a switch of the mic, what was said to one conference stays there: the
 * card, its filters and the device, with another tone for each. */
#include "../../../cmd/sec-talk/capture.c"
#include "../../../cmd/sec-talk/mic.c"
#include "../../../cmd/sec-talk/speak.c"

#include <math.h>

#include "../test.h"

#define SEATS	2
#define SECONDS 60
#define LOW	440.0
#define HIGH	1700.0
#define WINDOW	(AUDIO_RATE / 25) /* periods of both are whole in it */

/* --- a card: what is said into it waits in it until it is read --- */

static double pitch; /* of what is said */
static int16_t ring[AUDIO_FRAME * 8];
static size_t waits; /* samples in it */
static uint64_t said; /* samples since the beginning */

static void
speak(size_t n)
{
	for (; n > 0; n--, said++) {
		if (waits == sizeof(ring) / sizeof(*ring))
			memmove(ring, ring + 1, --waits * sizeof(*ring));
		ring[waits++] = (int16_t)(9000 *
		    sin(2 * M_PI * pitch * (double)(said % AUDIO_RATE) /
			AUDIO_RATE));
	}
}

int
card_open(struct card **out, const char *dev, int capture, char *why)
{
	(void)dev;
	(void)capture;
	(void)why;
	*out = (struct card *)ring;
	return 0;
}

void
card_close(struct card *c)
{
	(void)c;
}

const char *
card_name(const struct card *c)
{
	(void)c;
	return "ring";
}

int
card_read(struct card *c, int16_t *s, size_t n)
{
	(void)c;
	if (n > waits)
		n = waits;
	memcpy(s, ring, n * sizeof(*s));
	waits -= n;
	memmove(ring, ring + n, waits * sizeof(*ring));
	return (int)n;
}

void
card_forget(struct card *c)
{
	(void)c;
	waits = 0;
}

void
card_rest(struct card *c)
{
	(void)c;
	waits = 0;
}

/* --- conferences: they keep what was said to them --- */

static struct seat seats[SEATS];
static int16_t heard[SEATS][AUDIO_RATE * SECONDS];
static size_t nheard[SEATS];

size_t
seat_say(struct seat *s, const int16_t *p, int64_t now, uint8_t out[RTP_MAX])
{
	size_t i = (size_t)(s - seats);

	(void)now;
	(void)out;
	if (!s->mic)
		return 0; /* the clock of its stream */
	memcpy(heard[i] + nheard[i], p, AUDIO_FRAME * sizeof(*p));
	nheard[i] += AUDIO_FRAME;
	return 0;
}

void
seat_set_mic(struct seat *s, int on, const char *by)
{
	(void)by;
	s->mic = on;
}

/* --- of the device's other files, what is asked here --- */

unsigned
seat_others(const struct seat *s)
{
	(void)s;
	return 1;
}

void
port_send(const struct port *p, const struct addr *to, const uint8_t *d,
    size_t n)
{
	(void)p;
	(void)to;
	(void)d;
	(void)n;
}

enum render_kind
render_kind(const struct render *r)
{
	(void)r;
	return RENDER_NONE;
}

void
voice_end(struct voice *v, int code)
{
	v->over = 1;
	v->code = code;
}

void
voice_notice(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* --- */

static struct voice voice;
static int64_t now_us;

/* So many ms go by, in the device's turns of 10. */
static void
pass(int ms)
{
	for (; ms > 0; ms -= 10, now_us += PIECE_US) {
		speak(PIECE);
		voice_capture(&voice, now_us);
	}
}

/* Of n samples, the loudest window's level at a pitch: dB below overload. The
 * windows are Hann's, so that a step between two tones is not taken for a
 * third one. */
static double
loudest(const int16_t *s, size_t n, double hertz)
{
	double w = 2 * cos(2 * M_PI * hertz / AUDIO_RATE), most = 1e-12;
	double a, b, t, power;
	size_t i, k;

	for (i = 0; i + WINDOW <= n; i += WINDOW / 4) {
		a = b = 0;
		for (k = 0; k < WINDOW; k++) {
			t = s[i + k] / 32768.0 *
				(1 - cos(2 * M_PI * (double)k / WINDOW)) +
			    w * a - b;
			b = a;
			a = t;
		}
		power = (a * a + b * b - w * a * b) * 4 / WINDOW / WINDOW;
		most = power > most ? power : most;
	}
	return 10 * log10(most);
}

static void
begin(void)
{
	char why[256];
	int i;

	memset(&voice, 0, sizeof(voice));
	memset(seats, 0, sizeof(seats));
	memset(nheard, 0, sizeof(nheard));
	waits = 0;
	for (i = 0; i < SEATS; i++)
		voice.seat[i] = &seats[i];
	voice.n = SEATS;
	voice.stop_at = -1;
	mic_init(&voice.mic, 0);
	T_INT(capture_open(&voice.capture, NULL, 0, AUDIO_RATE, why), 0);
}

static void
test_switches(void)
{
	double low, high;
	int i;

	begin();
	/* Off: nobody hears anything of it. */
	pitch = LOW;
	pass(1000);
	T_INT(nheard[0] + nheard[1], 0);
	/* To and fro: LOW is for the first one, HIGH for the other. What was
	 * said last still waits in the card then; every other time the mic is
	 * off in between, and something else is said. */
	for (i = 0; i < 20; i++) {
		pitch = i % 2 == 0 ? LOW : HIGH;
		voice_set_mic(&voice, i % 2, i % 3 == 0, 0, "key");
		T_INT(seats[0].mic + seats[1].mic, 1);
		pass(1000 + i * 10);
		speak(AUDIO_FRAME * 2 + (size_t)i * 37);
		if (i % 4 < 2)
			continue;
		voice_set_mic(&voice, -1, 0, 0, "key");
		pitch = i % 2 == 0 ? HIGH : LOW;
		pass(300);
	}
	T_OK(nheard[0] > AUDIO_RATE * 9 && nheard[1] > AUDIO_RATE * 9,
	    "%zu and %zu samples", nheard[0], nheard[1]);
	low = loudest(heard[0], nheard[0], LOW);
	high = loudest(heard[1], nheard[1], HIGH);
	T_OK(low > -30 && high > -30, "own: %.0f and %.0f dB", low, high);
	high = loudest(heard[0], nheard[0], HIGH);
	low = loudest(heard[1], nheard[1], LOW);
	T_OK(low < -55 && high < -55, "the other's: %.0f and %.0f dB", high,
	    low);
	capture_close(voice.capture);
}

/* That it would have been found: filters that hold what was before, and a
 * card that is not emptied. */
static void
test_would_show(void)
{
	double low[2];
	int i;

	for (i = 0; i < 2; i++) {
		begin();
		pitch = LOW;
		voice_set_mic(&voice, 0, 0, 0, "key");
		pass(1000);
		if (i == 1)
			speak(AUDIO_FRAME * 2);
		pitch = HIGH;
		/* A switch that forgets one thing. */
		if (i == 0)
			voice_set_mic(&voice, 1, 0, 0, "key");
		voice.capture->settling = 0;
		voice.mic.at = 1;
		seats[0].mic = 0;
		seats[1].mic = 1;
		pass(1000);
		low[i] = loudest(heard[1], nheard[1], LOW);
		capture_close(voice.capture);
	}
	T_OK(low[0] > -40 && low[1] > -40, "%.0f and %.0f dB", low[0], low[1]);
}

int
main(void)
{
	test_switches();
	test_would_show();
	return t_done();
}
