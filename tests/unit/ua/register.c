/*
 * REGISTER against somebody who is not sec-pal: whatever is answered on that
 * unsealed connection, the outcome is an error.
 */
#include <krb5.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sock.h"
#include "crypto/random.h"
#include "server/knock.h"
#include "ua/register.h"

#include "../test.h"

static struct loop *l;
static int listener;
static struct addr where;
static struct buf service;

static struct {
	int calls, err, status, retry_after;
	int has_r;
} got;

/* --- service credentials of a realm that is not --- */

static uint8_t *
der(uint8_t *p, uint8_t tag, const void *v, size_t n)
{
	*p++ = tag;
	*p++ = (uint8_t)n; /* below 128 */
	memmove(p, v, n);
	return p + n;
}

/* RFC 4120 5.3 Ticket; what is in it is sealed for sec-pal. */
static size_t
ticket(uint8_t *out)
{
	static const uint8_t five[] = { 2, 1, 5 }, two[] = { 2, 1, 2 },
			     etype[] = { 2, 1, 18 },
			     sealed[] = { 4, 2, 'x', 'y' };
	uint8_t realm[32], names[32], seq[64], name[64], enc[64], all[128];
	uint8_t *p;
	size_t n;

	p = der(names, 0x1b, "sip", 3);
	p = der(p, 0x1b, "pal", 3);
	n = (size_t)(der(seq, 0x30, names, (size_t)(p - names)) - seq);
	p = der(name, 0xa0, two, sizeof(two));
	p = der(p, 0xa1, seq, n);
	n = (size_t)(der(seq, 0x30, name, (size_t)(p - name)) - seq);
	memcpy(name, seq, n);
	p = der(all + 2, 0xa0, five, sizeof(five));
	p = der(p, 0xa1, realm,
	    (size_t)(der(realm, 0x1b, "LAB.TEST", 8) - realm));
	p = der(p, 0xa2, name, n);
	n = (size_t)(der(enc, 0xa0, etype, sizeof(etype)) - enc);
	n = (size_t)(der(enc + n, 0xa2, sealed, sizeof(sealed)) - enc);
	n = (size_t)(der(seq, 0x30, enc, n) - seq);
	p = der(p, 0xa3, seq, n);
	n = (size_t)(p - (all + 2));
	all[0] = 0x30;
	all[1] = (uint8_t)n;
	return (size_t)(der(out, 0x61, all, n + 2) - out);
}

static void
make_credentials(void)
{
	krb5_context k;
	krb5_creds c;
	krb5_data *d;
	uint8_t t[160];

	memset(&c, 0, sizeof(c));
	if (krb5_init_context(&k) != 0 ||
	    krb5_parse_name(k, "alice@LAB.TEST", &c.client) != 0 ||
	    krb5_parse_name(k, "sip/pal@LAB.TEST", &c.server) != 0 ||
	    krb5_c_make_random_key(k, 18, &c.keyblock) != 0)
		exit(1);
	c.times.endtime = (krb5_timestamp)(clock_real() / 1000 + 3600);
	c.ticket.data = (char *)t;
	c.ticket.length = (unsigned)ticket(t);
	if (krb5_marshal_credentials(k, &c, &d) != 0)
		exit(1);
	buf_put(&service, d->data, d->length);
	krb5_free_data(k, d);
	krb5_free_principal(k, c.client);
	krb5_free_principal(k, c.server);
	krb5_free_keyblock_contents(k, &c.keyblock);
	krb5_free_context(k);
}

/* --- one try --- */

static void
done(void *arg, const struct register_outcome *o)
{
	(void)arg;
	got.calls++;
	got.err = o->err;
	got.status = o->status;
	got.retry_after = o->retry_after;
	got.has_r = o->r != NULL;
}

/* Register, and answer with status and body; NULL: with junk. */
static void
attempt(int status, const char *body)
{
	struct register_request q = { .to = where,
		.service = buf_data(&service),
		.servicelen = buf_len(&service),
		.domain = "lab.test",
		.realm = "LAB.TEST",
		.target = "sip/pal.lab.test",
		.uri = "sip:alice@lab.test",
		.instance = "00112233445566778899aabbccddeeff",
		.expires = 600,
		.media = "text" };
	struct registering *r = NULL;
	struct buf out = BUF_INIT;
	uint8_t in[16384];
	size_t n = 0;
	ssize_t k;
	int fd = -1, i;

	memset(&got, 0, sizeof(got));
	T_INT(register_start(&r, l, &q, done, NULL), 0);
	for (i = 0; i < 1000 && n == 0; i++) {
		loop_turn(l, 5);
		if (fd < 0)
			fd = sock_accept(listener, NULL);
		else if ((k = read(fd, in, sizeof(in))) > 0)
			n = (size_t)k;
	}
	T(n > 100 && memcmp(in, "REGISTER ", 9) == 0);
	if (body == NULL)
		buf_put_str(&out, "GET / HTTP/1.0\r\n\r\n");
	else {
		knock_answer(&out, in, n, status, status == 503 ? 7 : -1);
		buf_truncate(&out, buf_len(&out) - strlen("0\r\n\r\n"));
		buf_putf(&out, "%zu\r\n\r\n%s", strlen(body), body);
	}
	T(write(fd, buf_data(&out), buf_len(&out)) == (ssize_t)buf_len(&out));
	for (i = 0; i < 1000 && got.calls == 0; i++)
		loop_turn(l, 5);
	close(fd);
	T_INT(got.calls, 1);
	loop_turn(l, 0);
	buf_free(&out);
}

int
main(void)
{
	static const struct {
		int status;
		const char *body;
		int err, told;
	} rows[] = {
		{ 403, "", SEC_ERR_LOGIN, 403 },
		{ 503, "", SEC_ERR_UNREACHABLE, 503 },
		{ 200, "", SEC_ERR_FORMAT, 200 },
		{ 200, "SR02 but no more", SEC_ERR_FORMAT, 200 },
		/* No success that we know. */
		{ 202, "", SEC_ERR_DATA, 202 },
		{ 204, "SR02", SEC_ERR_DATA, 204 },
		{ 302, "", SEC_ERR_DATA, 302 },
		{ 0, NULL, SEC_ERR_UNREACHABLE, 503 },
	};
	size_t i;

	crypto_init();
	l = loop_new();
	make_credentials();
	T_INT(addr_parse(&where, "127.0.0.1:0"), 0);
	listener = sock_listen(&where);
	T(listener >= 0 && sock_local(listener, &where) == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		attempt(rows[i].status, rows[i].body);
		T_INT(got.err, rows[i].err);
		T_INT(got.status, rows[i].told);
		T(!got.has_r);
	}
	attempt(503, "");
	T_INT(got.retry_after, 7);
	close(listener);
	buf_free(&service);
	loop_free(l);
	T_INT(secret_count(), 0);
	return t_done();
}
