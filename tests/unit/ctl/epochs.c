/* keys/NAME/ on disk: modes, epochs in time, dealing. */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "crypto/dh.h"
#include "crypto/random.h"
#include "ctl/epochs.h"

#include "../test.h"

static char top[] = "/tmp/sec-epochs.XXXXXX";
static char why[256];

static void
remove_tree(void)
{
	char cmd[PATH_MAX];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	if (system(cmd) != 0)
		printf("# %s stays\n", top);
}

static char *
key_path(const char *name, const char *file)
{
	static char path[PATH_LEN + 64];
	char dir[PATH_LEN];

	snprintf(path, sizeof(path), "%s/%s", path_keys(dir, name), file);
	return path;
}

static int
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static struct epochs *
must_open(const char *name)
{
	struct epochs *e = NULL;

	if (epochs_open(&e, name, why, sizeof(why)) != 0) {
		printf("Bail out! %s\n", why);
		exit(1);
	}
	return e;
}

static void
add_server(struct servers *s, int number, const char *name, const char *role)
{
	struct server *sv = &s->server[s->n++];

	sv->number = (uint8_t)number;
	snprintf(sv->name, sizeof(sv->name), "%s", name);
	snprintf(sv->role, sizeof(sv->role), "%s", role);
	snprintf(sv->addr, sizeof(sv->addr), "127.0.0.1:%d", 7319 + number);
	T_INT(epochs_init(name, sv->pub, why, sizeof(why)), 0);
}

static int
same_base(const struct epochs *a, const struct epochs *b, uint32_t epoch,
    int na, int nb)
{
	struct secret *x = epochs_link_base(a, epoch, na, nb);
	struct secret *y = epochs_link_base(b, epoch, nb, na);
	int same = x != NULL && y != NULL && secret_equal(x, y);

	secret_free(x);
	secret_free(y);
	return same;
}

static void
test_identity(void)
{
	struct epochs *e = NULL;
	uint8_t a[32], b[32], c[32];

	T_INT(epochs_open(&e, "mcu1", why, sizeof(why)), SEC_ERR_NOTHING);
	T(e == NULL);
	T_INT(epochs_init("mcu1", a, why, sizeof(why)), 0);
	T_INT(mode_of(key_path("mcu1", "")), 0700);
	T_INT(mode_of(key_path("mcu1", "identity")), 0400);
	/* Again: never a new identity. */
	T_INT(epochs_init("mcu1", b, why, sizeof(why)), 0);
	T(memcmp(a, b, 32) == 0);
	e = must_open("mcu1");
	dh_public(epochs_identity(e), c);
	T(memcmp(a, c, 32) == 0);
	T_INT(epochs_last(e), 0);
	T_INT(epochs_current(e, clock_real()), 0);
	T_INT(epochs_next_change(e, clock_real()), 0);
	T(epochs_psk(e, 1) == NULL && epochs_psk(e, 0) == NULL);
	T(epochs_psk(e, 256) == NULL);
	T(epochs_link_base(e, 1, 1, 2) == NULL);
	epochs_close(e);
	epochs_close(NULL);
}

static void
test_refused(void)
{
	struct epochs *e = NULL;
	const char *p;

	/* Group or others have bits: refused, and the file is named. */
	p = key_path("mcu1", "identity");
	T_INT(chmod(p, 0440), 0);
	T_INT(epochs_open(&e, "mcu1", why, sizeof(why)), SEC_ERR_CONFIG);
	T(strstr(why, "identity: mode 0440") != NULL);
	T_INT(chmod(p, 0400), 0);
	p = key_path("mcu1", "");
	T_INT(chmod(p, 0750), 0);
	T_INT(epochs_open(&e, "mcu1", why, sizeof(why)), SEC_ERR_CONFIG);
	T_INT(chmod(p, 0700), 0);
	/* Files that hold something else. */
	T_INT(proc_write_file(key_path("mcu1", "epoch.3"), "x\n", 2, 0400), 0);
	T_INT(epochs_open(&e, "mcu1", why, sizeof(why)), SEC_ERR_CONFIG);
	T(strstr(why, "epoch.3") != NULL);
	T_INT(unlink(key_path("mcu1", "epoch.3")), 0);
	T_INT(proc_write_file(key_path("mcu1", "psk.1"), "QUJD\n", 5, 0400), 0);
	T_INT(epochs_open(&e, "mcu1", why, sizeof(why)), SEC_ERR_CONFIG);
	T_INT(unlink(key_path("mcu1", "psk.1")), 0);
	/* What is none of ours is not looked at. */
	T_INT(proc_write_file(key_path("mcu1", "epoch.0"), "x", 1, 0400), 0);
	T_INT(proc_write_file(key_path("mcu1", "psk.256"), "x", 1, 0400), 0);
	T_INT(proc_write_file(key_path("mcu1", "epoch.1x"), "x", 1, 0400), 0);
	e = must_open("mcu1");
	epochs_close(e);
}

static void
test_psk(void)
{
	struct epochs *e;

	T_INT(proc_write_file(key_path("mcu1", "psk.1"),
		  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 45, 0400),
	    0);
	e = must_open("mcu1");
	T(epochs_psk(e, 1) != NULL && epochs_psk(e, 2) == NULL);
	T_MEM(secret_data(epochs_psk(e, 1)), 32,
	    "000102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f");
	epochs_close(e);
}

/* S076, S078, S080: server 1 deals; every pair has a key of its own. */
static void
test_deal(void)
{
	struct servers s;
	struct epochs *one, *two, *three;
	struct epochs_info info;
	struct hs_deal d;
	struct secret *ab, *ac;
	char id[10], id2[10];
	uint32_t epoch = 0;
	int64_t now = clock_real();

	memset(&s, 0, sizeof(s));
	add_server(&s, 1, "confctl", "confctl");
	add_server(&s, 2, "pal", "pal");
	add_server(&s, 3, "mtcu", "mtcu");
	one = must_open("confctl");
	two = must_open("pal");
	three = must_open("mtcu");
	T_INT(epochs_deal(one, &s, 2, 1, now, &d), SEC_ERR_NOTHING);
	T_INT(epochs_begin(one, &s, now, 60000, 0, &epoch), 0);
	T_INT(epoch, 1);
	T_INT(mode_of(key_path("confctl", "epoch.1")), 0400);
	T_INT(mode_of(key_path("confctl", "dealer.1")), 0400);
	/* Epoch 1 begins at once. */
	T_INT(epochs_current(one, now), 1);
	T(epochs_accepts(one, 1, now) && !epochs_accepts(one, 2, now));
	T_INT(epochs_next_change(one, now), 0);

	T_INT(epochs_deal(one, &s, 2, 1, now, &d), 0);
	T_INT(d.npairs, 2);
	T_INT(d.not_before, now);
	T_INT(epochs_store(two, &d), 0);
	T_INT(epochs_store(two, &d), 0); /* the same again is no harm */
	T_INT(mode_of(key_path("pal", "epoch.1")), 0400);
	/* Another K under a number that is taken. */
	d.k[0] ^= 1;
	T_INT(epochs_store(two, &d), SEC_ERR_REPLAY);
	d.epoch = 0;
	T_INT(epochs_store(two, &d), SEC_ERR_REPLAY);
	T_INT(epochs_deal(one, &s, 3, 1, now, &d), 0);
	T_INT(epochs_store(three, &d), 0);
	T(same_base(one, two, 1, 1, 2));
	T(same_base(one, three, 1, 1, 3));
	T(same_base(two, three, 1, 2, 3));
	ab = epochs_link_base(one, 1, 1, 2);
	ac = epochs_link_base(one, 1, 1, 3);
	T(!secret_equal(ab, ac));
	secret_free(ab);
	secret_free(ac);
	T_INT(epochs_id(one, 1, id), 0);
	T_INT(epochs_id(two, 1, id2), 0);
	T_STR(id, id2);
	T(strlen(id) == 9 && id[4] == '-');
	T_INT(epochs_id(one, 9, id), SEC_ERR_NOTHING);
	T_INT(epochs_info(two, 1, &info), 0);
	T(info.npairs == 2 && info.number[0] == 1 && info.number[1] == 3);
	T_INT(epochs_info(two, 9, &info), SEC_ERR_NOTHING);

	/* A server added later: the dealer can tell its key. */
	add_server(&s, 4, "mtcu2", "mtcu");
	T_INT(epochs_deal(one, &s, 4, 1, now, &d), 0);
	epochs_close(three);
	three = must_open("mtcu2");
	T_INT(epochs_store(three, &d), 0);
	T(same_base(one, three, 1, 1, 4));
	T(epochs_link_base(two, 1, 2, 4) == NULL);

	/* All of it from the files again. */
	T_INT(epochs_reload(one, why, sizeof(why)), 0);
	T_INT(epochs_reload(two, why, sizeof(why)), 0);
	T(same_base(one, two, 1, 1, 2));
	T_INT(epochs_deal(one, &s, 2, 1, now, &d), 0);
	T_INT(epochs_deal(two, &s, 2, 1, now, &d), SEC_ERR_NOTHING);
	explicit_bzero(&d, sizeof(d));
	epochs_close(one);
	epochs_close(two);
	epochs_close(three);
}

static void
test_rollover(void)
{
	struct servers s;
	struct epochs *one;
	struct hs_deal d;
	uint32_t epoch = 0;
	int64_t now = clock_real(), begins = now + 60000;

	memset(&s, 0, sizeof(s));
	add_server(&s, 1, "confctl", "confctl");
	one = must_open("confctl");
	T_INT(epochs_last(one), 1);
	T_INT(epochs_begin(one, &s, now, 60000, 0, &epoch), 0);
	T_INT(epoch, 2);
	T_INT(epochs_last(one), 2);
	/* Held from now, in force in 60 s, the old one 120 s longer. */
	T_INT(epochs_current(one, now), 1);
	T_INT(epochs_current(one, begins - 1), 1);
	T_INT(epochs_current(one, begins), 2);
	T(epochs_accepts(one, 1, now) && epochs_accepts(one, 2, now));
	T(epochs_accepts(one, 1, begins + EPOCHS_OVERLAP - 1));
	T(!epochs_accepts(one, 1, begins + EPOCHS_OVERLAP));
	T(epochs_accepts(one, 2, begins + EPOCHS_OVERLAP));
	T_INT(epochs_next_change(one, now), begins);
	T_INT(epochs_next_change(one, begins), begins + EPOCHS_OVERLAP);
	T_INT(epochs_next_change(one, begins + EPOCHS_OVERLAP), 0);
	/* Older than what is held. */
	T_INT(epochs_deal(one, &s, 1, 1, now, &d), 0);
	T_INT(epochs_store(one, &d), SEC_ERR_REPLAY);
	/* The old epoch is destroyed on disk as well. */
	epochs_prune(one, begins);
	T(mode_of(key_path("confctl", "epoch.1")) == 0400);
	epochs_prune(one, begins + EPOCHS_OVERLAP);
	T(mode_of(key_path("confctl", "epoch.1")) == -1);
	T(mode_of(key_path("confctl", "dealer.1")) == -1);
	T(mode_of(key_path("confctl", "epoch.2")) == 0400);
	T(epochs_link_base(one, 1, 1, 2) == NULL);
	/* A server has seen a later one: go above it. */
	T_INT(epochs_begin(one, &s, now, 0, 41, &epoch), 0);
	T_INT(epoch, 42);
	/* A dealer secret without its epoch (a crash) counts too. */
	T_INT(rename(key_path("confctl", "epoch.42"), "/dev/null/x"), -1);
	T_INT(unlink(key_path("confctl", "epoch.42")), 0);
	T_INT(epochs_reload(one, why, sizeof(why)), 0);
	T_INT(epochs_last(one), 2);
	T_INT(epochs_begin(one, &s, now, 0, 0, &epoch), 0);
	T_INT(epoch, 43);
	T_INT(epochs_begin(one, &s, now, 0, UINT32_MAX, &epoch), SEC_ERR_LIMIT);
	explicit_bzero(&d, sizeof(d));
	epochs_close(one);
}

/* A directory that takes no file: an error, and nothing has changed. */
static void
test_disk(void)
{
	struct servers s;
	struct epochs *one;
	uint32_t epoch = 0, last;

	if (geteuid() == 0) {
		printf("# root writes anywhere: not shown\n");
		return;
	}
	memset(&s, 0, sizeof(s));
	add_server(&s, 1, "confctl", "confctl");
	one = must_open("confctl");
	last = epochs_last(one);
	T_INT(chmod(key_path("confctl", ""), 0500), 0);
	T(epochs_begin(one, &s, clock_real(), 0, 0, &epoch) != 0);
	T_INT(epoch, 0);
	T_INT(epochs_last(one), last);
	T_INT(chmod(key_path("confctl", ""), 0700), 0);
	epochs_close(one);
}

static void
test_parse(void)
{
	struct secret *k = NULL;
	struct hs_deal d;

	T_INT(epochs_parse_key(&k, "", 0), SEC_ERR_FORMAT);
	T_INT(epochs_parse_key(&k, "QUJD", 4), SEC_ERR_FORMAT);
	T(k == NULL);
	T_INT(epochs_parse_deal(&d, "", 0), SEC_ERR_FORMAT);
	T_INT(epochs_parse_deal(&d, "U0pLMQ==\n", 9), SEC_ERR_FORMAT);
}

int
main(void)
{
	crypto_init();
	if (mkdtemp(top) == NULL)
		return 1;
	setenv("SEC_DIR", top, 1);
	test_identity();
	test_refused();
	test_psk();
	test_deal();
	test_rollover();
	test_disk();
	test_parse();
	T_INT(secret_count(), 0);
	remove_tree();
	return t_done();
}
