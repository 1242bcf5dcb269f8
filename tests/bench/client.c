/*
 * client: what the voice device costs (goals of the voice issue).
 *
 *	seal	one packet of 20 ms: its pad (offline) and its sealing (online)
 *	mix	10 conferences of 3 speakers each, from the datagram to the
 *		mixed samples: opened, put in order, decoded, summed
 *
 * Both in simulated time, as CPU of this process; `mouth` has the programs.
 */
#include <math.h>
#include <time.h>

#include "audio/mix.h"
#include "audio/playout.h"
#include "crypto/random.h"
#include "rtp/hopkey.h"
#include "rtp/sink.h"
#include "rtp/source.h"

#include "bench.h"

#define CONFS	 10
#define SPEAKERS 3
#define SECONDS	 20
#define ROUNDS	 5
#define PACKETS	 (SECONDS * 50)
#define REAL	 INT64_C(1795358000000)

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct source *
source_for(uint64_t conf, uint32_t q, enum codec c, const struct secret *k)
{
	struct source_id id = { conf, q, 0x0006, codec_size(c, AUDIO_FRAME),
		(uint8_t)codec_pt(c) };
	struct source *s;

	if (source_new(&s, &id) != 0)
		die(1, "no source");
	source_set_hop(s, k);
	if (source_set_epoch(s, 1, k, 0) != 0)
		die(1, "no epoch");
	return s;
}

/* --- seal --- */

static void
bench_seal(void)
{
	struct secret *k = crypto_random_key(32, 0);
	struct source *s = source_for(1, 2, CODEC_PCMU, k);
	uint8_t payload[CODEC_MAX] = { 0 }, p[RTP_MAX];
	struct source_frame f = { .payload = payload, .level = 20 };
	double pad[ROUNDS], seal[ROUNDS], both[ROUNDS], t, u;
	int r, i, n;

	for (r = 0; r < ROUNDS; r++) {
		pad[r] = seal[r] = 0;
		for (n = 0; n < 40; n++) {
			t = cpu_us();
			if (source_fill(s, SOURCE_PADS) != SOURCE_PADS)
				die(1, "the ring was not empty");
			u = cpu_us();
			pad[r] += u - t;
			for (i = 0; i < SOURCE_PADS; i++, f.ts += 160)
				if (source_packet(s, &f, 0, REAL, p) == 0)
					die(1, "no packet");
			seal[r] += cpu_us() - u;
		}
		pad[r] /= 40 * SOURCE_PADS;
		seal[r] /= 40 * SOURCE_PADS;
		both[r] = pad[r] + seal[r];
	}
	/* Sorted from here on. */
	median(both, ROUNDS);
	printf("bench voice.client.seal %.2f 3  us/packet of 160 bytes: pad "
	       "%.2f, online %.2f (%.2f-%.2f)\n",
	    both[ROUNDS / 2], median(pad, ROUNDS), median(seal, ROUNDS),
	    both[0], both[ROUNDS - 1]);
	source_free(s);
	secret_free(k);
}

/* --- mix --- */

struct packet {
	uint8_t p[256];
	size_t n;
};

static struct packet *packets; /* [conf][speaker][PACKETS] */

static struct packet *
packet(int conf, int speaker, int i)
{
	return &packets[(conf * SPEAKERS + speaker) * PACKETS + i];
}

/* Something that moves, so that codecs have work. */
static void
voice(int16_t *s, int who, int frame)
{
	double t, v;
	int i, k;

	for (i = 0; i < AUDIO_FRAME; i++) {
		t = (double)(frame * AUDIO_FRAME + i) / AUDIO_RATE;
		for (v = 0, k = 1; k < 8; k++)
			v += sin(2 * M_PI * k *
				 (110 + 17 * who + 15 * sin(3 * t)) * t) /
			    k;
		s[i] = (int16_t)(2500 * v * (1.1 + sin(2 * M_PI * 3 * t)));
	}
}

static void
make_packets(enum codec c, const struct secret *k)
{
	struct secret *hop = hopkey_derive(k);
	uint8_t payload[CODEC_MAX], p[RTP_MAX];
	struct source_frame f = { .payload = payload, .level = 20 };
	struct encoder *e[SPEAKERS];
	struct source *s[CONFS];
	struct packet *to;
	int16_t in[AUDIO_FRAME];
	int conf, who, i;

	packets = calloc((size_t)CONFS * SPEAKERS * PACKETS, sizeof(*packets));
	if (packets == NULL)
		die(1, "out of memory");
	for (who = 0; who < SPEAKERS; who++) {
		e[who] = encoder_new(c);
		for (conf = 0; conf < CONFS; conf++)
			s[conf] =
			    source_for((uint64_t)conf, (uint32_t)who + 2, c, k);
		for (i = 0; i < PACKETS; i++) {
			voice(in, who, i);
			if (encoder_run(e[who], in, AUDIO_FRAME, payload) != 0)
				die(1, "cannot encode");
			f.ts = (uint32_t)i * codec_ticks(c, AUDIO_FRAME);
			for (conf = 0; conf < CONFS; conf++) {
				to = packet(conf, who, i);
				to->n = source_packet(s[conf], &f, 0,
				    REAL + i * 20, p);
				hopkey_seal_rtp(hopkey_down(hop), p, to->n);
				memcpy(to->p, p, to->n);
			}
		}
		for (conf = 0; conf < CONFS; conf++)
			source_free(s[conf]);
		encoder_free(e[who]);
	}
	secret_free(hop);
}

/* CPU us for all of it. */
static double
listen_once(enum codec c, const struct secret *k)
{
	struct playout *play[CONFS][SPEAKERS];
	struct sink *sink[CONFS];
	struct rtp_frame f;
	int16_t piece[AUDIO_FRAME / 2];
	float sum[AUDIO_FRAME / 2], gain = 1;
	int64_t now = 1000000;
	int conf, who, i, half;
	uint64_t heard = 0;
	double t;

	for (conf = 0; conf < CONFS; conf++) {
		if (sink_new(&sink[conf], (uint64_t)conf, 1, 0x0006,
			codec_ticks(c, AUDIO_RATE)) != 0)
			die(1, "no sink");
		sink_set_hop(sink[conf], k);
		(void)sink_set_epoch(sink[conf], 1, k, now / 1000);
		for (who = 0; who < SPEAKERS; who++)
			play[conf][who] = playout_new(c, PLAYOUT_FLOOR_US);
	}
	t = cpu_us();
	for (i = 0; i < PACKETS; i++) {
		for (conf = 0; conf < CONFS; conf++)
			for (who = 0; who < SPEAKERS; who++) {
				struct packet *p = packet(conf, who, i);

				if (sink_packet(sink[conf], p->p, p->n,
					now / 1000, REAL + i * 20, &f) != 0 ||
				    playout_put(play[conf][who], f.ts, 0,
					f.payload, f.n, now) != 0)
					die(1, "a packet was refused");
			}
		for (half = 0; half < 2; half++, now += 10000) {
			mix_clear(sum, AUDIO_FRAME / 2);
			for (conf = 0; conf < CONFS; conf++)
				for (who = 0; who < SPEAKERS; who++)
					if (playout_get(play[conf][who], piece,
						AUDIO_FRAME / 2, now))
						mix_add(sum, piece,
						    AUDIO_FRAME / 2, 1);
			mix_get(sum, piece, AUDIO_FRAME / 2, &gain);
		}
	}
	t = cpu_us() - t;
	for (conf = 0; conf < CONFS; conf++) {
		for (who = 0; who < SPEAKERS; who++) {
			heard += playout_stats(play[conf][who])->packets;
			playout_free(play[conf][who]);
		}
		sink_free(sink[conf]);
	}
	if (heard < (uint64_t)CONFS * SPEAKERS * (PACKETS - 4))
		die(1, "not all was heard");
	return t;
}

static void
bench_mix(enum codec c)
{
	struct secret *k = crypto_random_key(32, 0);
	double share[ROUNDS];
	int r;

	make_packets(c, k);
	for (r = 0; r < ROUNDS; r++)
		share[r] = listen_once(c, k) / (SECONDS * 1e6) * 100;
	median(share, ROUNDS);
	printf("bench voice.client.mix.%s %.1f 25  %% of a core: %d "
	       "conferences of %d speakers (%.1f-%.1f), %.1f us/packet\n",
	    codec_name(c), share[ROUNDS / 2], CONFS, SPEAKERS, share[0],
	    share[ROUNDS - 1],
	    share[ROUNDS / 2] * SECONDS * 1e4 / (CONFS * SPEAKERS * PACKETS));
	free(packets);
	secret_free(k);
}

int
main(void)
{
	crypto_init();
	bench_seal();
	bench_mix(CODEC_OPUS);
	bench_mix(CODEC_PCMU);
	return 0;
}
