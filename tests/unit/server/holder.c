/* Who may say hello: present and older Kc, hop keys, connections. */
#include "../test.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/holder.h"

#define ALICE  "sip:alice@lab.test"
#define ONE    "0123456789abcdef0123456789abcdef"
#define TWO    "fedcba9876543210fedcba9876543210"
#define HOUR   3600000
#define SERVER 2

static const struct server self = { .number = 7 };
static struct service svc;

static void
key_bytes(uint8_t key[32], int v)
{
	memset(key, v, 32);
}

/* What a hello under this key id is answered: the first byte of the key
 * that opens it, or the error. */
static int
hello(const struct holders *t, unsigned by, uint32_t id)
{
	struct hello_c1 c1 = { .by = (uint16_t)by, .keyid = id, .to = 7 };
	struct hello_key k;
	struct hello_id who;
	int r;

	memset(&k, 0, sizeof k);
	if ((r = holders_hello(t, &svc, &c1, &k)) != 0)
		return r;
	(void)hello_id_user(&who, "alice@LAB.TEST");
	T_INT(k.peer.proof, NEED_SESSION);
	T_INT(k.peer.keyid, id);
	T_STR(k.peer.user, "alice");
	T_OK(k.from.n == who.n && memcmp(k.from.b, who.b, who.n) == 0,
	    "named by the principal");
	return ((const uint8_t *)secret_data(k.base))[0];
}

static void
enter(struct holder *h, struct holders *t, const char *instance)
{
	memset(h, 0, sizeof *h);
	holder_init(h, t, SERVER, h);
	holder_name(h, ALICE, instance, "alice@LAB.TEST");
}

/* Keys that another makes, as the controller has them (step 70). */
static void
test_renew(void)
{
	struct holders *t = holders_new();
	int64_t now = clock_real();
	size_t secrets = secret_count();
	struct holder h;
	uint8_t key[32];

	enter(&h, t, ONE);
	T_INT(hello(t, SERVER, 1), SEC_ERR_NOTHING);
	key_bytes(key, 11);
	holder_renew(&h, 1, key, now + HOUR);
	T_INT(hello(t, SERVER, 1), 11);
	T_INT(hello(t, SERVER + 1, 1), SEC_ERR_NOTHING);
	T(holder_settled(&h) == &h.key);

	/* The same again: a later end, the same key. */
	key_bytes(key, 12);
	holder_renew(&h, 1, key, now + 2 * HOUR);
	T_INT(hello(t, SERVER, 1), 11);
	T(h.key.until == now + 2 * HOUR && h.old.secret == NULL);

	/* The older one stays for a while, and wraps are under it until the
	 * agent has surely heard of the next. */
	holder_renew(&h, 2, key, now + HOUR);
	T_INT(hello(t, SERVER, 1), 11);
	T_INT(hello(t, SERVER, 2), 12);
	T(h.old.until <= clock_real() + HOLDER_OVERLAP && h.old.until > now);
	T(holder_settled(&h) == &h.old);
	h.key.since -= HOLDER_SETTLE;
	T(holder_settled(&h) == &h.key);
	h.old.until = now - 1;
	T_INT(hello(t, SERVER, 1), SEC_ERR_SUBKEY);
	T_INT(hello(t, SERVER, 2), 12);

	/* And no longer than until the next. */
	key_bytes(key, 13);
	holder_renew(&h, 3, key, now + 1);
	T_INT(hello(t, SERVER, 1), SEC_ERR_NOTHING);
	T_INT(hello(t, SERVER, 2), 12);
	/* Its own end is sooner than the overlap's. */
	key_bytes(key, 14);
	holder_renew(&h, 4, key, now + HOUR);
	T(h.old.until == now + 1);

	holder_leave(&h);
	holder_leave(&h);
	T_INT(hello(t, SERVER, 4), SEC_ERR_NOTHING);
	T_INT(secret_count(), secrets);
	holders_free(t);
	holders_free(NULL);
}

static void
test_fresh(void)
{
	struct holders *t = holders_new();
	struct holder h;
	uint32_t first;

	enter(&h, t, ONE);
	holder_fresh(&h, clock_real() + HOUR);
	first = h.key.id;
	T(first != 0 && h.key.secret != NULL && h.old.secret == NULL);
	T(hello(t, SERVER, first) >= 0);
	holder_fresh(&h, clock_real() + HOUR);
	T(h.key.id != first && h.old.id == first);
	T(!secret_equal(h.key.secret, h.old.secret));
	T(hello(t, SERVER, first) >= 0);
	T(hello(t, SERVER, h.key.id) >= 0);
	/* A hello under an overdue key, though it is the newest. */
	h.key.until = clock_real() - 1;
	T_INT(hello(t, SERVER, h.key.id), SEC_ERR_SUBKEY);
	holder_leave(&h);
	holders_free(t);
}

/* An id that is dealt twice is the later holder's. */
static void
test_same_id(void)
{
	struct holders *t = holders_new();
	struct holder a, b;
	uint8_t key[32];

	enter(&a, t, ONE);
	enter(&b, t, TWO);
	key_bytes(key, 1);
	holder_renew(&a, 9, key, clock_real() + HOUR);
	key_bytes(key, 2);
	holder_renew(&b, 9, key, clock_real() + HOUR);
	T_INT(hello(t, SERVER, 9), 2);
	holder_leave(&a);
	T_INT(hello(t, SERVER, 9), 2);
	holder_leave(&b);
	T_INT(hello(t, SERVER, 9), SEC_ERR_NOTHING);
	holders_free(t);
}

static void
test_names(void)
{
	struct holders *t = holders_new();
	struct holder a, b;
	size_t i = 0;
	int n = 0;

	enter(&a, t, ONE);
	enter(&b, t, TWO);
	T_INT(holders_count(t), 2);
	T(holders_find(t, ALICE, ONE) == &a);
	T(holders_find(t, ALICE, TWO) == &b);
	T(holders_find(t, "sip:bob@lab.test", ONE) == NULL);
	while (holders_next(t, &i) != NULL)
		n++;
	T_INT(n, 2);
	holder_leave(&a);
	T(holders_find(t, ALICE, ONE) == NULL);
	T_INT(holders_count(t), 1);
	holder_leave(&b);
	holders_free(t);
}

/* A media server's: one key, no name. */
static void
test_device(void)
{
	struct holders *t = holders_new();
	const struct holder_key *k = NULL;
	struct holder h;
	uint8_t key[32];
	uint64_t first = holder_key_name(1, 70), next = holder_key_name(1, 71);

	memset(&h, 0, sizeof h);
	holder_init(&h, t, 1, &h);
	key_bytes(key, 5);
	holder_replace(&h, 70, key, INT64_MAX);
	T(holders_find_key(t, first, &k) == &h && k == &h.key);
	T(holders_find_key(t, holder_key_name(3, 70), NULL) == NULL);
	T_INT(holders_count(t), 0);
	/* Not for the hellos of clients. */
	T_INT(hello(t, 1, 70), SEC_ERR_SUBKEY);
	/* With the next one it is over at once. */
	holder_replace(&h, 71, key, INT64_MAX);
	T(holders_find_key(t, first, NULL) == NULL);
	T(holders_find_key(t, next, &k) == &h && k->id == 71);
	T(h.old.secret == NULL);
	/* The same id with another key. */
	key_bytes(key, 6);
	holder_replace(&h, 71, key, INT64_MAX);
	T(holders_find_key(t, next, &k) == &h &&
	    ((const uint8_t *)secret_data(k->secret))[0] == 6);
	holder_leave(&h);
	T(holders_find_key(t, next, NULL) == NULL);
	holders_free(t);
}

static struct sip_conn *
conn_of(const struct holder *h)
{
	struct sip_peer peer;

	memset(&peer, 0, sizeof peer);
	T_INT(holder_peer(h, &svc, &peer), 0);
	T_STR(peer.instance, h->instance);
	return sip_conn_new(svc.sip, &peer);
}

static void
test_conns(void)
{
	static const struct sip_method none[] = { { NULL, 0, NULL } };
	static const struct sip_stack_ops ops = { NULL, NULL };
	struct loop *l = loop_new();
	struct holders *t = holders_new();
	struct sip_conn *c, *next;
	struct holder h;
	uint64_t first;

	svc.sip = sip_stack_new(l, none, &ops, NULL);
	enter(&h, t, ONE);
	T(holder_conn(&h, &svc) == NULL);
	c = conn_of(&h);
	first = sip_conn_id(c);
	T(holders_of_conn(t, &svc, c) == &h);
	T_INT(holder_disconnected(&h, c), 0);
	holder_connected(&h, &svc, c);
	T(h.conn == first);
	/* Not up: nothing can be sent on it. */
	T(holder_conn(&h, &svc) == NULL);

	/* A newer one takes its place; the end of the older is no news. */
	next = conn_of(&h);
	holder_connected(&h, &svc, next);
	T(sip_conn_find(svc.sip, first) == NULL);
	T(h.conn == sip_conn_id(next));
	T_INT(holder_disconnected(&h, next), 1);
	T(h.conn == 0);

	/* In plain mode both stay. */
	svc.conf.plain = 1;
	holder_connected(&h, &svc, next);
	c = conn_of(&h);
	holder_connected(&h, &svc, c);
	T(sip_conn_find(svc.sip, sip_conn_id(next)) == next);
	T_INT(holder_disconnected(&h, next), 0);
	svc.conf.plain = 0;

	holder_hang_up(&h, &svc);
	T(h.conn == 0);
	holder_leave(&h);
	T(holders_of_conn(t, &svc, c) == NULL);
	holders_free(t);
	sip_stack_free(svc.sip);
	loop_free(l);
}

int
main(void)
{
	svc.self = &self;
	snprintf(svc.conf.domain, sizeof svc.conf.domain, "lab.test");
	test_renew();
	test_fresh();
	test_same_id();
	test_names();
	test_device();
	test_conns();
	return t_done();
}
