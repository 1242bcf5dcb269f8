#ifndef TESTS_LIB_CROWD_H
#define TESTS_LIB_CROWD_H

/*
 * All the users of a lab but its own, in one process, for tests and
 * benchmarks: w0, w1 ... with tickets of their own from the lab's KDC, each
 * with a registration, a connection under its key and what it subscribes to.
 * What goes wrong here ends the program.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/path.h"
#include "crypto/random.h"
#include "krb/ticket.h"
#include "net/channel.h"
#include "ua/register.h"

#include "../bench/bench.h"

#define CROWD_REALM  "LAB.TEST"
#define CROWD_DOMAIN "lab.test"
#define CROWD_PAL    "sip/pal." CROWD_DOMAIN
#define CROWD_STAY   86400             /* s, of what it asks for */

struct crowd;

struct client {
	struct crowd *crowd;
	char name[32], uri[64], instance[33];
	struct ticket ticket;
	struct secret *kc;
	uint32_t keyid;
	int pal;
	int64_t offset;
	struct channel *ch;
	int up;
	unsigned asked, answered; /* its own requests */
	int64_t began; /* us; 0: it does not log in */
	int64_t took; /* us, the last time */
};

struct crowd {
	struct loop *loop;
	struct addr addr; /* of sec-pal */
	struct client *client;
	size_t n;
	size_t registering, entering; /* at this moment */
	size_t told; /* all, since somebody set it to 0 */
	size_t copy_size, answer_size; /* of a NOTIFY */
};

/* --- what a client says --- */

static inline void
client_answer(struct client *c, const char *status, const char *p, size_t n)
{
	struct buf a = BUF_INIT;

	bench_answer(&a, status, p, n);
	c->crowd->copy_size = n + RECORD_HEAD + RECORD_TAG;
	c->crowd->answer_size = buf_len(&a) + RECORD_HEAD + RECORD_TAG;
	channel_send(c->ch, buf_data(&a), buf_len(&a));
	buf_free(&a);
}

static inline void
client_request(struct client *c, const char *method, const char *to,
    const char *fields, const char *body)
{
	struct buf m = BUF_INIT;

	c->asked++;
	buf_putf(&m,
	    "%s %s SIP/2.0\r\n"
	    "Via: SIP/2.0/TCP %08x.invalid;branch=z9hG4bK%s%x\r\n"
	    "Max-Forwards: 70\r\nFrom: <%s>;tag=b\r\nTo: <%s>\r\n"
	    "Call-ID: %s%x\r\nCSeq: 1 %s\r\nContact: <%s>\r\n"
	    "Event: presence\r\n%sContent-Length: %zu\r\n\r\n%s",
	    method, to, c->keyid, c->name, c->asked, c->uri, to, c->instance,
	    c->asked, method, c->uri, fields, strlen(body), body);
	channel_send(c->ch, buf_data(&m), buf_len(&m));
	buf_free(&m);
}

/* To its own PAL. */
static inline void
client_subscribe(struct client *c)
{
	char fields[32];

	snprintf(fields, sizeof fields, "Expires: %d\r\n", CROWD_STAY);
	client_request(c, "SUBSCRIBE", c->uri, fields, "");
}

static inline void
client_up(void *arg)
{
	struct client *c = arg;

	c->up = 1;
	if (c->began != 0)
		client_subscribe(c);
}

/* The PAL has come: it is in. */
static inline void
client_entered(struct client *c)
{
	c->took = clock_mono_us() - c->began;
	c->began = 0;
	c->crowd->entering--;
}

static inline void
client_message(void *arg, uint8_t *p, size_t n)
{
	struct client *c = arg;

	if (n > 7 && memcmp(p, "NOTIFY ", 7) == 0) {
		client_answer(c, "200 OK", (const char *)p, n);
		c->crowd->told++;
	} else if (n > 12 && memcmp(p, "SIP/2.0 ", 8) == 0) {
		if (p[8] != '2')
			die(1, "%s: %.*s", c->name, (int)(n < 400 ? n : 400),
			    (const char *)p);
		c->answered++;
		if (c->began != 0)
			client_entered(c);
	} else if (n > 10 && memcmp(p, "SUBSCRIBE ", 10) == 0)
		/* Fig. 10, 1008: it would add to the CPU now and then. */
		client_answer(c, "405 Method Not Allowed", (const char *)p, n);
}

static inline void
client_closed(void *arg, int err)
{
	die(1, "%s lost its connection: %s", ((struct client *)arg)->name,
	    sec_strerror(err));
}

static const struct channel_ops client_ops = {
	client_up,
	client_message,
	client_closed,
};

static inline void
client_wait(struct client *c)
{
	while (c->answered < c->asked)
		loop_turn(c->crowd->loop, -1);
}

static inline void
client_dial(struct client *c)
{
	char principal[80];
	struct hello h;

	snprintf(principal, sizeof principal, "%s@%s", c->name, CROWD_REALM);
	memset(&h, 0, sizeof h);
	h.tt = RECORD_CLIENT;
	h.by = (uint16_t)c->pal;
	h.keyid = c->keyid;
	h.to_number = (uint16_t)c->pal;
	if (hello_id_user(&h.from, principal) != 0)
		die(1, "the name is too long");
	hello_id_server(&h.to, (uint16_t)c->pal);
	h.base = c->kc;
	c->up = 0;
	c->ch = channel_dial(c->crowd->loop, &c->crowd->addr, &h, c->offset,
	    &client_ops, c);
}

static inline void
on_registered(void *arg, const struct register_outcome *o)
{
	struct client *c = arg;

	c->crowd->registering--;
	if (o->err != 0)
		die(1, "%s is refused: %s (%d)", c->name, sec_strerror(o->err),
		    o->status);
	secret_free(c->kc);
	c->kc = o->r->kc;
	o->r->kc = NULL;
	c->keyid = o->r->keyid;
	c->pal = o->r->pal;
	c->offset = o->r->offset;
	if (c->began != 0)
		client_dial(c);
}

static inline void
client_register(struct client *c, int64_t expires)
{
	struct register_request q = { .to = c->crowd->addr,
		.service = buf_data(&c->ticket.service),
		.servicelen = buf_len(&c->ticket.service),
		.domain = CROWD_DOMAIN,
		.realm = CROWD_REALM,
		.target = CROWD_PAL,
		.uri = c->uri,
		.instance = c->instance,
		.expires = expires,
		.media = "text,voice" };
	struct registering *r;

	c->crowd->registering++;
	if (register_start(&r, c->crowd->loop, &q, on_registered, c) != 0)
		die(1, "the ticket of %s cannot be used", c->name);
}

/* REGISTER, connection, SUBSCRIBE; it goes on in the loop. */
static inline void
client_login(struct client *c)
{
	c->began = clock_mono_us();
	c->crowd->entering++;
	client_register(c, CROWD_STAY);
}

/* Its registration ends, and its connection with it. */
static inline void
client_logout(struct client *c)
{
	channel_free(c->ch);
	c->ch = NULL;
	client_register(c, 0);
}

/* --- users --- */

static inline const char *
crowd_path(const char *name, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "%s/%s", getenv("SEC_DIR"), name);
	return path;
}

/* The first n are known to the KDC, their keys in a file. */
static inline void
crowd_principals(size_t n)
{
	char cmd[PATH_LEN * 3], path[PATH_LEN], out[PATH_LEN];
	FILE *f;
	size_t i;

	setenv("KRB5_CONFIG", crowd_path("etc/krb5.conf", path), 1);
	setenv("KRB5_KDC_PROFILE", crowd_path("kdc/kdc.conf", path), 1);
	snprintf(cmd, sizeof cmd, "kadmin.local -r %s >%s 2>&1", CROWD_REALM,
	    crowd_path("kadmin.out", out));
	if ((f = popen(cmd, "w")) == NULL)
		die(1, "no kadmin.local");
	crowd_path("w.keytab", path);
	for (i = 0; i < n; i++)
		fprintf(f, "addprinc -randkey w%zu\nktadd -q -k %s w%zu\n", i,
		    path, i);
	if (pclose(f) != 0)
		die(1, "kadmin.local: see %s", out);
}

/* It has a ticket. */
static inline void
client_make(struct client *c, struct crowd *w, size_t i)
{
	struct ticket_request q = { .source = TICKET_KEYTAB,
		.realm = CROWD_REALM,
		.service = CROWD_PAL };
	char why[512] = "", path[PATH_LEN];

	c->crowd = w;
	snprintf(c->name, sizeof c->name, "w%zu", i);
	snprintf(c->uri, sizeof c->uri, "sip:%s@%s", c->name, CROWD_DOMAIN);
	snprintf(c->instance, sizeof c->instance, "%032zx", i + 1);
	q.principal = c->name;
	q.keytab = crowd_path("w.keytab", path);
	if (ticket_get(&q, &c->ticket, why, sizeof why) != 0)
		die(1, "%s", why);
}

/* n users who are known to the KDC and have nothing yet. */
static inline void
crowd_open(struct crowd *w, const struct addr *pal, size_t n)
{
	memset(w, 0, sizeof *w);
	w->loop = loop_new();
	w->addr = *pal;
	w->n = n;
	if ((w->client = calloc(n, sizeof *w->client)) == NULL)
		die(1, "out of memory");
	crowd_principals(n);
}

static inline void
crowd_close(struct crowd *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		channel_free(w->client[i].ch);
		secret_free(w->client[i].kc);
		ticket_free(&w->client[i].ticket);
	}
	free(w->client);
	loop_free(w->loop);
}

/* Until no REGISTER is unanswered. */
static inline void
crowd_registered(struct crowd *w)
{
	while (w->registering > 0)
		loop_turn(w->loop, -1);
}

/* Until all who log in are in. */
static inline void
crowd_entered(struct crowd *w)
{
	while (w->entering > 0)
		loop_turn(w->loop, -1);
}

#endif
