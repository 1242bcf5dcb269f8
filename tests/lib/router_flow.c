/*
 * router_flow SCENE: a sec-mcu, dealt to and spoken to by us; TAP on stdout.
 * For tests/flow/19-voice-router.bats.
 */
#include "router.h"
#include "../unit/test.h"

#define CONF  0x0100000000000001u
#define OTHER 0x0100000000000002u
#define QUIET 300 /* ms in which nothing comes */

static struct router r;

/* The next voice packet of v, 0 if none comes within ms. Its tag is right. */
static size_t
hear(const struct voice *v, uint8_t *p, int64_t ms)
{
	ssize_t n;

	while ((n = voice_recv(v, p, 2048, ms)) >= 0)
		if (!hop_is(p, (size_t)n)) {
			T_INT(hopkey_check_rtp(hopkey_down(v->keys), p,
				  (size_t)n),
			    0);
			return (size_t)n;
		}
	return 0;
}

/* Nothing came for v: what the router was told before is done when it
 * answers this. */
static int
is_silent(struct voice *v)
{
	uint8_t p[2048];
	ssize_t n;
	int voice = 0;

	n = (ssize_t)voice_hop_packet(v, p);
	voice_put(&r, v->fd, p, (size_t)n);
	while ((n = voice_recv(v, p, sizeof p, ROUTER_WAIT)) >= 0) {
		if (hop_is(p, (size_t)n))
			return voice == 0;
		voice++;
	}
	return 0;
}

static void
room(uint64_t conf, unsigned streams, struct voice *v, unsigned n)
{
	unsigned i;

	T_INT(router_room(&r, conf, streams), 200);
	for (i = 0; i < n; i++) {
		T_INT(router_join(&r, conf, q_make(1, i + 1), 1, ""), 200);
		voice_init(&v[i], conf, q_make(1, i + 1), 1);
		T(voice_hop(&r, &v[i], NULL));
	}
}

/*
 * S063 S064 S066: by the conference id in the packet, to all members of it
 * but the speaker, the payload untouched.
 */
static void
forward(void)
{
	struct voice v[4], o[2];
	uint8_t sent[ROUTER_PACKET], got[2048];
	unsigned i, k;

	router_start(&r, NULL);
	room(CONF, 3, v, 4);
	room(OTHER, 3, o, 2);
	for (k = 0; k < 3; k++) {
		voice_packet(&v[0], sent, 20);
		voice_put(&r, v[0].fd, sent, sizeof sent);
		for (i = 1; i < 4; i++) {
			T_INT(hear(&v[i], got, ROUTER_WAIT), sizeof sent);
			T(memcmp(got, sent, sizeof sent - 8) == 0);
			T(memcmp(got + sizeof sent - 8, sent + sizeof sent - 8,
			      8) != 0);
		}
	}
	T(is_silent(&v[0]));
	T(is_silent(&o[0]) && is_silent(&o[1]));
	T_INT(router_count(&r, "copies"), 9);
	/* Who leaves hears nothing any more, and is not heard. */
	T_INT(router_say(&r, "leave",
		  "conf=sip:c72057594037927937@conf.lab.test"
		  " q=1.4"),
	    200);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof sent);
	T_INT(hear(&v[3], got, QUIET), 0);
	voice_send(&r, &v[3], 20);
	T(is_silent(&v[1]));
	T_INT(router_count(&r, "unknown"), 1);
	/* The end of a conference. */
	T_INT(router_say(&r, "end",
		  "conf=sip:c72057594037927937@conf.lab.test"),
	    200);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, QUIET), 0);
	T_INT(router_count(&r, "unknown"), 2);
	voice_send(&r, &o[0], 20);
	T_INT(hear(&o[1], got, ROUTER_WAIT), sizeof sent);
}

/* A room that is spoken in, and what must not change by n bytes at p. */
static struct {
	struct voice *speaker, *ear;
	int fd; /* whence the bad ones come */
} scene;

static void
bad(const uint8_t *p, size_t n, const char *why, const char *text)
{
	uint64_t before = router_count(&r, why);
	uint64_t copies = router_count(&r, "copies");

	voice_put(&r, scene.fd, p, n);
	T(is_silent(scene.ear));
	T_OK(router_count(&r, why) == before + 1 &&
		router_count(&r, "copies") == copies,
	    "%s: counted as %s, dropped", text, why);
}

/* Every bit that the hop tag covers, every length. */
static void
every_bit(const uint8_t *good)
{
	static const char *const reasons[] = { "format", "unknown", "tag" };
	uint8_t p[ROUTER_PACKET];
	uint64_t before = 0, after = 0;
	size_t i, k, sent = 0;

	for (k = 0; k < 3; k++)
		before += router_count(&r, reasons[k]);
	for (i = 0; i < sizeof p * 8; i++) {
		if (i / 8 >= RTP_HEAD && i / 8 < sizeof p - 18)
			continue; /* the payload is the receivers' matter */
		memcpy(p, good, sizeof p);
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		voice_put(&r, scene.fd, p, sizeof p);
		if (++sent % 64 == 0)
			T(is_silent(scene.ear));
	}
	for (i = 0; i < sizeof p; i++) {
		voice_put(&r, scene.fd, good, i);
		if (++sent % 64 == 0)
			T(is_silent(scene.ear));
	}
	T(is_silent(scene.ear));
	for (k = 0; k < 3; k++)
		after += router_count(&r, reasons[k]);
	T_INT(after - before, sent);
}

/* Forged, replayed, cut, turned around, for others: counted by reason and
 * dropped; nothing follows from them. */
static void
hostile(void)
{
	struct voice v[3], o[2], stranger;
	uint8_t p[ROUTER_PACKET], old[ROUTER_PACKET], got[2048], hop[HOP_MAX];
	uint8_t big[2048] = { 0x90 };
	size_t n;
	unsigned i;

	router_start(&r, NULL);
	room(CONF, 3, v, 3);
	room(OTHER, 3, o, 2);
	voice_init(&stranger, CONF, q_make(1, 9), 1);
	scene.speaker = &v[0];
	scene.ear = &v[1];
	scene.fd = stranger.fd;
	voice_packet(&v[0], old, 20);
	voice_put(&r, v[0].fd, old, sizeof old);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof old);
	T_INT(hear(&v[2], got, ROUTER_WAIT), sizeof old);

	voice_packet(&v[0], p, 20); /* not sent as it is */
	every_bit(p);
	bad(big, sizeof big, "format", "too long");
	bad(big, 1, "format", "one byte");
	bad(old, sizeof old, "replay", "sent again");
	voice_packet(&stranger, big, 20);
	bad(big, ROUTER_PACKET, "unknown", "of nobody");
	memcpy(big, p, sizeof p);
	hopkey_seal_rtp(hopkey_up(v[2].keys), big, sizeof p);
	bad(big, sizeof p, "tag", "with another's key");
	memcpy(big, p, sizeof p);
	hopkey_seal_rtp(hopkey_down(v[0].keys), big, sizeof p);
	bad(big, sizeof p, "tag", "turned around");
	put_be64(big + 17, OTHER);
	hopkey_seal_rtp(hopkey_up(stranger.keys), big, sizeof p);
	bad(big, sizeof p, "tag", "into another conference");

	/* Hop packets: the same. */
	n = voice_hop_packet(&v[0], hop);
	hop[n - 1] ^= 1;
	bad(hop, n, "tag", "forged hop packet");
	hop[n - 1] ^= 1;
	voice_put(&r, v[0].fd, hop, n);
	T(is_silent(&v[1]));
	bad(hop, n, "replay", "old hop packet");
	bad(hop, n - 4, "format", "cut hop packet");
	n = voice_hop_packet(&stranger, hop);
	bad(hop, n, "unknown", "hop packet of nobody");

	/* All of that came from another place: the way to the speaker did
	 * not move, and his next packet is good. */
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	T_INT(hear(&v[2], got, ROUTER_WAIT), sizeof p);
	voice_put(&r, v[0].fd, p, sizeof p);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
	T(memcmp(got, p, sizeof p - 8) == 0);
	T_INT(hear(&v[2], got, ROUTER_WAIT), sizeof p);

	/* Faster than speech is: not sent on, and soon over. */
	for (i = 0; i < 1200; i++) {
		voice_send(&r, &v[1], 20);
		if (i % 32 == 31)
			T(router_count(&r, "voice") > 0);
	}
	T(voice_hop(&r, &v[1], NULL));
	T(router_count(&r, "flood") > 0);
	while (hear(&v[0], got, 100) > 0)
		continue;
	while (hear(&v[2], got, 100) > 0)
		continue;

	/* Far behind is as good as seen. */
	for (i = 0; i < 200; i++) {
		voice_send(&r, &v[0], 20);
		T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
	}
	v[0].counter = 50;
	voice_packet(&v[0], p, 20);
	bad(p, sizeof p, "late", "far behind");
}

/* The router asks v for its token. */
static int
is_asked(struct voice *v)
{
	struct hop_packet h;
	uint8_t p[2048];
	ssize_t n;

	while ((n = voice_recv(v, p, sizeof p, ROUTER_WAIT)) >= 0)
		if (voice_take_hop(v, p, (size_t)n, &h))
			return v->asked;
	return 0;
}

/* A device is where a token went and came back from, nowhere else: nobody
 * has the voice of a conference sent to somebody else. */
static void
address(void)
{
	struct voice v[2], late, spare;
	uint8_t p[ROUTER_PACKET], got[2048];
	uint64_t copies;
	int old, i;

	router_start(&r, NULL);
	room(CONF, 3, v, 2);
	/* Dealt with an address, but not heard yet: nothing goes there. */
	voice_init(&late, CONF, q_make(1, 7), 1);
	T_INT(router_join(&r, CONF, q_make(1, 7), 1, "address=127.0.0.1:9"),
	    200);
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	T_INT(router_count(&r, "copies"), 1);
	/* Not by its first hop packet either; only by the answer to ours. */
	voice_put(&r, late.fd, got, voice_hop_packet(&late, got));
	T(is_asked(&late));
	copies = router_count(&r, "copies");
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	T_INT(router_count(&r, "copies"), copies + 1);
	T(voice_hop(&r, &late, NULL));
	voice_send(&r, &v[1], 20);
	T_INT(hear(&late, got, ROUTER_WAIT), sizeof p);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);

	/* It moves: its packets are taken from wherever they come, but what
	 * others say goes to where it was until it has brought the token. */
	voice_init(&spare, CONF, q_make(1, 8), 1);
	old = v[0].fd;
	v[0].fd = spare.fd;
	for (i = 0; i < 3; i++) {
		voice_packet(&v[0], p, 20);
		voice_put(&r, v[0].fd, p, sizeof p);
		T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
		T(is_asked(&v[0]));
	}
	voice_send(&r, &v[1], 20);
	v[0].fd = old;
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	/* From elsewhere it proves nothing, nor does another number. */
	T(v[0].asked);
	voice_put(&r, late.fd, got, voice_hop_packet(&v[0], got));
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	v[0].fd = spare.fd;
	voice_put(&r, spare.fd, got, voice_hop_packet(&v[0], got));
	T(is_asked(&v[0]));
	v[0].token ^= 1;
	voice_put(&r, spare.fd, got, voice_hop_packet(&v[0], got));
	v[0].fd = old;
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	v[0].fd = spare.fd;
	T(voice_hop(&r, &v[0], NULL));
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	/* A packet of his that somebody sends again moves nothing, nor does
	 * one that was overtaken. */
	voice_put(&r, old, p, sizeof p);
	T(is_silent(&v[1]));
	voice_packet(&v[0], p, 20);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
	voice_put(&r, old, p, sizeof p);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	v[0].fd = old;
	T(voice_hop(&r, &v[0], NULL));
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	/* Whoever asks for answers to another's address gets few. */
	for (i = 0; i < 1000; i++)
		voice_put(&r, spare.fd, got, voice_hop_packet(&v[0], got));
	T(is_silent(&v[1]));
	for (i = 0; voice_recv(&spare, got, sizeof got, 100) > 0; i++)
		continue;
	T_OK(i <= 500, "%d of 1000 hop packets are answered", i);
	T(router_count(&r, "flood") > 0);
}

/* --- who is heard --- */

#define MOUTHS 5

/* The mouths speak 20 ms after 20 ms, each at its level, and the ear counts
 * whom it has heard in the last half. */
static void
speak(struct voice *mouth, struct voice *ear, const uint8_t *level,
    unsigned packets, unsigned *heard)
{
	int64_t next = clock_mono_us(), left;
	uint8_t p[2048];
	unsigned i, k;
	ssize_t n;

	memset(heard, 0, MOUTHS * sizeof *heard);
	for (k = 0; k < packets; k++) {
		/* The ear is there. */
		if (k % 25 == 0)
			voice_put(&r, ear->fd, p, voice_hop_packet(ear, p));
		for (i = 0; i < MOUTHS; i++)
			if (level[i] < 255)
				voice_send(&r, &mouth[i], level[i]);
		next += 20000;
		while ((left = next - clock_mono_us()) > 0) {
			n = voice_recv(ear, p, sizeof p, left / 1000 + 1);
			if (n < 0 || hop_is(p, (size_t)n))
				continue;
			/* S130: one speaker's packet, whole. */
			i = (get_be32(p + 8) & 0xffffff) - 1;
			if (i < MOUTHS && n == ROUTER_PACKET &&
			    k >= packets / 2)
				heard[i]++;
		}
	}
}

static unsigned
how_many(const unsigned *heard)
{
	unsigned i, n = 0;

	for (i = 0; i < MOUTHS; i++)
		n += heard[i] > 0;
	return n;
}

static int
policy(const char *words)
{
	char text[128];

	snprintf(text, sizeof text, "conf=sip:c%llu@conf.lab.test%s",
	    (unsigned long long)CONF, words);
	return router_say(&r, "policy", text);
}

/* S129-S132 */
static void
loudest(void)
{
	static const uint8_t alike[] = { 20, 20, 20, 20, 20 };
	static const uint8_t one[] = { 30, 30, 30, 30, 6 };
	static const uint8_t last[] = { 255, 255, 255, 30, 30 };
	struct voice v[MOUTHS + 1], *ear = &v[MOUTHS];
	unsigned before[MOUTHS], heard[MOUTHS];

	router_start(&r, NULL);
	room(CONF, 3, v, MOUTHS + 1);
	/* Five of like loudness: three are heard, always the same. */
	speak(v, ear, alike, 40, before);
	T_INT(how_many(before), 3);
	speak(v, ear, alike, 40, heard);
	T_INT(how_many(heard), 3);
	T((before[0] > 0) == (heard[0] > 0) &&
	    (before[4] > 0) == (heard[4] > 0));
	T(router_count(&r, "unselected") >= 100);
	/* One is louder. */
	speak(v, ear, one, 60, heard);
	T_INT(how_many(heard), 3);
	T(heard[4] >= 29);
	/* S132: fewer, more, by order of coming, while they speak. */
	T_INT(policy(" streams=1 select=loudest"), 200);
	speak(v, ear, one, 40, heard);
	T_INT(how_many(heard), 1);
	T(heard[4] >= 19);
	T_INT(policy(" streams=5"), 200);
	speak(v, ear, alike, 20, heard);
	T_INT(how_many(heard), 5);
	T_INT(policy(" streams=17"), 400);
	T_INT(policy(" streams=1 select=first"), 200);
	speak(v, ear, alike, 10, before);
	T_INT(how_many(before), 1);
	speak(v, ear, before[4] > 0 ? alike : one, 60, heard);
	T_INT(how_many(heard), 1);
	T((before[4] > 0) == (heard[4] > 0));
	/* Who stops makes room: N or fewer speakers are all heard. */
	T_INT(policy(" streams=2 select=first"), 200);
	speak(v, ear, last, 60, heard);
	T_INT(how_many(heard), 2);
	T(heard[3] >= 29 && heard[4] >= 29);
}

/* --- dealing --- */

static void
dealing(void)
{
	struct voice v[3], w;
	struct hop_packet h;
	uint8_t p[ROUTER_PACKET], got[2048], hop[HOP_MAX];
	char text[128];
	uint64_t muted, replays;
	size_t n;

	router_start(&r, "--max=4");
	room(CONF, 3, v, 3);
	snprintf(text, sizeof text, "conf=sip:c%llu@conf.lab.test q=1.2 on=on",
	    (unsigned long long)CONF);
	/* Without a key for one that it does not know. */
	T_INT(router_join(&r, CONF, q_make(1, 8), 0, ""), 404);
	T_INT(router_join(&r, CONF, q_make(1, 2), 0, ""), 200);
	T_INT(router_join(&r, OTHER, q_make(1, 2), 1, ""), 404);
	/* It counts as a member even so; then it gets one. */
	T_INT(router_join(&r, CONF, q_make(1, 8), 1, ""), 200);
	T_INT(router_join(&r, CONF, q_make(1, 5), 1, ""), 503); /* --max */

	/* A joining that is repeated changes only who may speak. */
	T_INT(router_join(&r, CONF, q_make(1, 1), 0, "speak=no"), 200);
	muted = router_count(&r, "muted");
	voice_send(&r, &v[0], 20);
	T(is_silent(&v[1]));
	T_INT(router_count(&r, "muted"), muted + 1);
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), sizeof p);
	T_INT(hear(&v[2], got, ROUTER_WAIT), sizeof p);
	T_INT(router_join(&r, CONF, q_make(1, 1), 0, "speak=yes"), 200);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
	T_INT(hear(&v[2], got, ROUTER_WAIT), sizeof p);

	/* Held: hears nothing, lives on, and may come back. */
	T_INT(router_say(&r, "hold", text), 200);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[2], got, ROUTER_WAIT), sizeof p);
	T(is_silent(&v[1]));
	memcpy(strstr(text, "on=on"), "on=off", 7);
	T_INT(router_say(&r, "hold", text), 200);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
	T_INT(hear(&v[2], got, ROUTER_WAIT), sizeof p);

	/* A new key: the old one is worth nothing from that moment. */
	T_INT(router_join(&r, CONF, q_make(1, 1), 2, ""), 200);
	voice_send(&r, &v[0], 20);
	T(is_silent(&v[1]));
	voice_init(&w, CONF, q_make(1, 1), 2);
	w.counter = v[0].counter;
	T(voice_hop(&r, &w, &h));
	T(h.n == 1 && h.row[0].q == q_make(1, 1) && h.row[0].packets == 4);
	voice_send(&r, &w, 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), sizeof p);
	/* The same key once more changes nothing: he is where he was, and an
	 * old hop packet of his stays old. */
	n = voice_hop_packet(&w, hop);
	voice_put(&r, w.fd, hop, n);
	T_INT(router_join(&r, CONF, q_make(1, 1), 2, ""), 200);
	replays = router_count(&r, "replay");
	voice_put(&r, w.fd, hop, n);
	voice_send(&r, &v[1], 20);
	T_INT(hear(&w, got, ROUTER_WAIT), sizeof p);
	T_INT(router_count(&r, "replay"), replays + 1);

	/* Dealt anew: who is not in it is gone. */
	T_INT(router_room(&r, CONF, 3), 200);
	T_INT(router_join(&r, CONF, q_make(1, 1), 0, ""), 200);
	T_INT(router_join(&r, CONF, q_make(1, 2), 0, ""), 200);
	snprintf(text, sizeof text, "sip:c%llu@conf.lab.test",
	    (unsigned long long)CONF);
	router_tell(&r, "dealt", "conf", text);
	T_INT(router_join(&r, CONF, q_make(1, 3), 0, ""), 404);
	T_INT(router_join(&r, CONF, q_make(1, 2), 0, ""), 200);
}

/* What a controller could say wrong, each once; what is right beside it
 * stays as it was. */
static void
refusals(void)
{
	static const struct {
		const char *verb, *fields;
		int status;
	} lines[] = {
		{ "conference", "cid=0000000000000003", 400 },
		{ "conference", "conf=sip:c3@conf.lab.test cid=xyz", 400 },
		{ "conference",
		    "conf=sip:c3@conf.lab.test cid=0000000000000003 streams=0",
		    400 },
		{ "conference",
		    "conf=sip:c3@conf.lab.test cid=0000000000000003 select=all",
		    400 },
		{ "join", "user=sip:a@lab.test q=1.1", 400 },
		{ "join", "conf=sip:nix@conf.lab.test q=1.1 user=a", 404 },
		{ "join", "conf=sip:c1@conf.lab.test q=1.9", 400 },
		{ "join", "conf=sip:c1@conf.lab.test user=sip:a@lab.test q=x",
		    400 },
		{ "join",
		    "conf=sip:c1@conf.lab.test user=sip:a@lab.test q=1.9 "
		    "medium=text",
		    400 },
		{ "join",
		    "conf=sip:c1@conf.lab.test user=sip:a@lab.test q=1.9 "
		    "hopkey=AAAA hopid=1",
		    400 },
		{ "join",
		    "conf=sip:c1@conf.lab.test user=sip:a@lab.test q=1.9 "
		    "hopkey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
		    "hopid=0",
		    400 },
		{ "leave", "conf=sip:c1@conf.lab.test", 400 },
		{ "leave", "conf=sip:c1@conf.lab.test q=1.77", 200 },
		{ "hold", "conf=sip:c1@conf.lab.test q=1.1", 400 },
		{ "hold", "conf=sip:c1@conf.lab.test q=1.77 on=on", 404 },
		{ "policy", "streams=2", 400 },
		{ "policy", "conf=sip:nix@conf.lab.test streams=2", 404 },
		{ "policy", "conf=sip:c1@conf.lab.test select=quiet", 400 },
		{ "end", "conf=sip:nix@conf.lab.test", 200 },
		{ "nonsense", "conf=sip:c1@conf.lab.test", 405 },
	};
	struct voice v[2];
	uint8_t got[2048];
	size_t i;

	router_start(&r, NULL);
	room(1, 3, v, 2);
	for (i = 0; i < sizeof lines / sizeof *lines; i++)
		T_OK(router_say(&r, lines[i].verb, lines[i].fields) ==
			lines[i].status,
		    "%s %s", lines[i].verb, lines[i].fields);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), ROUTER_PACKET);
	/* The name was used again: another conference, nobody in it. */
	T_INT(router_say(&r, "conference",
		  "conf=sip:c1@conf.lab.test cid=0000000000000009"),
	    200);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, QUIET), 0);
	T_INT(router_count(&r, "unknown"), 1);
}

/* Sockets from outside: both by LISTEN_FDS; by inetd one, and the UDP port
 * it binds by itself. */
static void
inherited(void)
{
	struct voice v[2];
	uint8_t got[2048];

	router_start_by(&r, ROUTER_LISTEN_FDS, NULL);
	room(CONF, 3, v, 2);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), ROUTER_PACKET);
	T_INT(router_stop(&r), 0);
	voice_free(&v[0]);
	voice_free(&v[1]);
	router_start_by(&r, ROUTER_INETD, "--idle=60");
	room(CONF, 3, v, 2);
	voice_send(&r, &v[0], 20);
	T_INT(hear(&v[1], got, ROUTER_WAIT), ROUTER_PACKET);
}

/* 2 s without a packet: lost, once, and no more voice; then found. */
static void
lost(void)
{
	struct voice v[2];
	uint8_t got[2048];
	char text[128];
	int64_t t;

	router_start(&r, NULL);
	room(CONF, 3, v, 2);
	T(router_event(&r, "load", ROUTER_WAIT));
	t = clock_mono();
	/* The second lives by hop packets, the first says nothing. */
	snprintf(text, sizeof text, "lost sip:c%llu@conf.lab.test 1.1",
	    (unsigned long long)CONF);
	while (clock_mono() - t < ROUTER_WAIT && !router_event(&r, text, 200))
		T(voice_hop(&r, &v[1], NULL));
	t = clock_mono() - t;
	T_OK(t > 1500 && t < 4000, "after %lld ms", (long long)t);
	T(!router_event(&r, "lost sip:c72057594037927937@conf.lab.test 1.2",
	    0));
	T(voice_hop(&r, &v[1], NULL));
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, QUIET), 0);
	T(voice_hop(&r, &v[0], NULL));
	snprintf(text, sizeof text, "found sip:c%llu@conf.lab.test 1.1",
	    (unsigned long long)CONF);
	T(router_event(&r, text, ROUTER_WAIT));
	voice_send(&r, &v[1], 20);
	T_INT(hear(&v[0], got, ROUTER_WAIT), ROUTER_PACKET);
	/* Who talks is told, and that he has stopped. */
	T(router_event(&r,
	    "talk sip:c72057594037927937@conf.lab.test "
	    "sip:u2@lab.test on",
	    ROUTER_WAIT));
	T(router_event(&r,
	    "talk sip:c72057594037927937@conf.lab.test "
	    "sip:u2@lab.test off",
	    ROUTER_WAIT));
}

static uint64_t
figure(const char *q, const char *field)
{
	return router_figure(&r, "streams", "q", q, field);
}

/* What is known of the way of each device, and is told to it: of twelve
 * packets one is lost, and one comes last. */
static void
figures(void)
{
	uint8_t late[ROUTER_PACKET], lost[ROUTER_PACKET], got[2048];
	struct hop_packet told;
	struct voice v[2];
	unsigned i;

	router_start(&r, NULL);
	room(CONF, 3, v, 2);
	for (i = 0; i < 10; i++) {
		if (i == 3)
			voice_packet(&v[0], lost, 20);
		if (i == 6)
			voice_packet(&v[0], late, 20);
		voice_send(&r, &v[0], 20);
		T_INT(hear(&v[1], got, ROUTER_WAIT), ROUTER_PACKET);
	}
	T_INT(figure("1.1", "in"), 10);
	T_INT(figure("1.1", "lost"), 2);
	T_INT(figure("1.1", "misordered"), 0);
	voice_put(&r, v[0].fd, late, sizeof late);
	T_INT(hear(&v[1], got, ROUTER_WAIT), ROUTER_PACKET);
	T_INT(figure("1.1", "in"), 11);
	T_INT(figure("1.1", "lost"), 1);
	T_INT(figure("1.1", "misordered"), 1);
	T_INT(figure("1.2", "in") + figure("1.2", "lost"), 0);
	T_INT(figure("1.2", "out"), 11);
	/* They say that they are 20 ms apart, and came at once. */
	T_OK(figure("1.1", "jitter_ms") >= 3, "jitter");
	T(voice_hop(&r, &v[0], &told));
	T(told.n >= 1 && told.row[0].q == v[0].q && told.row[0].packets == 11 &&
	    told.row[0].misordered == 1 && told.row[0].jitter_ms >= 3);
	/* Again: what is replayed or forged is in none of them. */
	voice_put(&r, v[0].fd, late, sizeof late);
	lost[sizeof lost - 1] ^= 1;
	voice_put(&r, v[0].fd, lost, sizeof lost);
	T(is_silent(&v[1]));
	T_INT(figure("1.1", "in"), 11);
	T_INT(figure("1.1", "lost"), 1);
}

static const struct {
	const char *name;
	void (*run)(void);
} scenes[] = {
	{ "forward", forward },
	{ "hostile", hostile },
	{ "address", address },
	{ "loudest", loudest },
	{ "dealing", dealing },
	{ "lost", lost },
	{ "figures", figures },
	{ "refusals", refusals },
	{ "inherited", inherited },
};

int
main(int argc, char **argv)
{
	size_t i;

	log_open("router_flow", LOG_L_WARN);
	for (i = 0; i < sizeof scenes / sizeof *scenes; i++)
		if (argc == 2 && strcmp(argv[1], scenes[i].name) == 0) {
			scenes[i].run();
			T_INT(router_stop(&r), 0);
			return t_done();
		}
	fprintf(stderr, "usage: router_flow SCENE\n");
	return 2;
}
