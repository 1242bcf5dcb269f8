/* Which grants a member takes, the ratchet, old epochs, trial copies. */
#include "base/err.h"
#include "crypto/random.h"
#include "ua/keyring.h"
#include "../test.h"

#define CONF 0x0123456789abcdefULL
#define Q    0x01000007u

static struct secret *
epoch_from(const struct secret *ke, uint32_t from, uint32_t to)
{
	struct secret *k = secret_dup(ke), *next;
	uint32_t i;

	for (i = from + 1; i <= to; i++) {
		next = confkey_ratchet(k, CONF, i);
		secret_free(k);
		k = next;
	}
	return k;
}

/* A text of q under the given epoch's key. */
static void
seal(struct buf *out, const struct secret *ke, uint32_t epoch, uint64_t seq)
{
	struct secret *te = confkey_text(ke, CONF, epoch);

	buf_reset(out);
	text_seal(out, te, CONF, epoch, Q, seq, "hello", 5, 1000);
	secret_free(te);
}

static int
opens(struct keyring *k, struct buf *body, int64_t now)
{
	struct buf pt = BUF_INIT;
	int r;

	r = keyring_open(k, buf_data(body), buf_len(body), now, &pt);
	if (r == 0)
		T_MEM(buf_data(&pt), buf_len(&pt), "68656c6c6f");
	else
		T_INT(buf_len(&pt), 0);
	buf_free(&pt);
	return r;
}

static void
acceptance(void)
{
	struct secret *a = crypto_random_key(32, 0);
	struct secret *b = crypto_random_key(32, 0);
	struct keyring *k = keyring_new(CONF);

	T_INT(keyring_epoch(k), 0);
	T(keyring_text(k) == NULL);
	T_INT(keyring_ratchet(k, 2, 0), SEC_ERR_NOTHING);
	T_INT(keyring_grant(k, 5, a, 0), 0);
	T_INT(keyring_epoch(k), 5);
	T_INT(keyring_first(k), 5);
	/* The same again is no news, another key for it is refused. */
	T_INT(keyring_grant(k, 5, a, 0), 0);
	T_INT(keyring_grant(k, 5, b, 0), SEC_ERR_AUTH);
	T_INT(keyring_grant(k, 4, b, 0), SEC_ERR_REPLAY);
	T_INT(keyring_ratchet(k, 5, 0), 0);
	T_INT(keyring_ratchet(k, 4, 0), SEC_ERR_REPLAY);
	/* A step is missing: one between may have been random. */
	T_INT(keyring_ratchet(k, 7, 0), SEC_ERR_NOTHING);
	T_INT(keyring_epoch(k), 5);
	T_INT(keyring_ratchet(k, 6, 0), 0);
	T_INT(keyring_epoch(k), 6);
	T_INT(keyring_grant(k, 9, b, 0), 0);
	T_INT(keyring_epoch(k), 9);
	T_INT(keyring_first(k), 5);
	keyring_free(k);
	secret_free(a);
	secret_free(b);
}

static void
old_epochs(void)
{
	struct secret *a = crypto_random_key(32, 0);
	struct secret *b = crypto_random_key(32, 0);
	struct secret *six = epoch_from(a, 5, 6);
	struct keyring *k = keyring_new(CONF);
	struct buf five = BUF_INIT, sixth = BUF_INIT, four = BUF_INIT;

	seal(&five, a, 5, 1);
	seal(&sixth, six, 6, 2);
	seal(&four, b, 4, 3);
	T_INT(opens(k, &five, 0), SEC_ERR_NOTHING);
	T_INT(keyring_grant(k, 5, a, 0), 0);
	T_INT(opens(k, &five, 0), 0);
	T_INT(opens(k, &four, 0), SEC_ERR_EXPIRED);
	T_INT(keyring_ratchet(k, 6, 1000), 0);
	T_INT(opens(k, &sixth, 1000), 0);
	/* Receive-only for a minute, then wiped. */
	T_INT(opens(k, &five, 1000 + KEYRING_OLD_MS - 1), 0);
	T_INT(opens(k, &five, 1000 + KEYRING_OLD_MS), SEC_ERR_EXPIRED);
	T_INT(opens(k, &sixth, 1000 + KEYRING_OLD_MS), 0);
	/* Another key under a known number. */
	seal(&sixth, b, 6, 4);
	T_INT(opens(k, &sixth, 0), SEC_ERR_AUTH);
	buf_reset(&five);
	buf_put(&five, "short", 5);
	T_INT(opens(k, &five, 0), SEC_ERR_FORMAT);
	keyring_free(k);
	secret_free(a);
	secret_free(b);
	secret_free(six);
	buf_free(&five);
	buf_free(&sixth);
	buf_free(&four);
}

/* A ratchet that was not told (SECURITY.md 3.5): up to 8 steps ahead. */
static void
trials(void)
{
	struct secret *a = crypto_random_key(32, 0);
	struct secret *b = crypto_random_key(32, 0);
	struct secret *eight = epoch_from(a, 5, 13);
	struct secret *nine = epoch_from(a, 5, 14);
	struct keyring *k = keyring_new(CONF);
	struct buf body = BUF_INIT;

	T(keyring_key(k) == NULL);
	T_INT(keyring_grant(k, 5, a, 0), 0);
	seal(&body, nine, 14, 1);
	T_INT(opens(k, &body, 0), SEC_ERR_NOTHING);
	T(!keyring_is_behind(k));
	/* Of a random epoch no trial makes the key. */
	seal(&body, b, 6, 1);
	T_INT(opens(k, &body, 0), SEC_ERR_NOTHING);
	T(!keyring_is_behind(k));
	seal(&body, eight, 13, 1);
	T_INT(opens(k, &body, 0), 0);
	T(keyring_is_behind(k));
	/* What is sent stays in the running epoch until the INFO. */
	T_INT(keyring_epoch(k), 5);
	T_INT(keyring_ratchet(k, 6, 0), 0);
	T(keyring_is_behind(k));
	T_INT(opens(k, &body, 0), 0);
	T_INT(keyring_grant(k, 13, eight, 0), 0);
	T(secret_equal(keyring_key(k), eight));
	T(!keyring_is_behind(k));
	T_INT(opens(k, &body, 0), 0);
	keyring_free(k);
	secret_free(a);
	secret_free(b);
	secret_free(eight);
	secret_free(nine);
	buf_free(&body);
}

int
main(void)
{
	crypto_init();
	acceptance();
	old_epochs();
	trials();
	keyring_free(NULL);
	T_INT(secret_count(), 0);
	return t_done();
}
