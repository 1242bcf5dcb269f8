/*
 * Fig. 4 between two and four parties in one loop, over socket pairs with
 * somebody in between who can look, change, cut and be silent.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "ctl/keygen.h"

#include "../test.h"

#define MAX 4

enum middle { PASS, SILENT, REFUSE };

/* A server and the wire to it. */
struct party {
	int number;
	struct servers servers; /* the file on its host */
	struct epochs *epochs;
	struct keygen_answer *answer;
	int done, err; /* as it saw it */
	uint32_t epoch;
	char check[15];
	int led_done, led_err; /* as server 1 saw it */
	uint32_t led_epoch;
	char led_check[15];
	enum middle middle;
	int fd[2]; /* the middle: 0 toward 1, 1 toward i */
	struct io io[2];
	int count[2]; /* messages seen each way */
};

static char top[] = "/tmp/sec-keygen.XXXXXX";
static char why[256];
static const char *const names[MAX] = { "confctl", "pal", "mtcu", "mcu1" };
static const char *const roles[MAX] = { "confctl", "pal", "mtcu", "mcu" };
static struct loop *loop;
static struct servers servers;
static struct party party[MAX];
static int n_party;
static int all_done, all_err;
static uint32_t all_epoch;
static struct keygen_lead *lead;

static long skew; /* s, added to this program's clock */

/* The clock that base/clock reads, bent by skew. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += skew;
	return r;
}

/* What the middle does to one message: 1..4 are m1..m4. */
static struct {
	int late; /* this message is held back for some minutes */
	int message;
	size_t byte;
	int bit;
	int cut; /* let only byte bytes through */
	size_t size; /* of the message, as seen */
} tamper;

static void
remove_tree(void)
{
	char cmd[PATH_MAX];

	snprintf(cmd, sizeof(cmd), "rm -rf %s/lib %s", top, top);
	if (system(cmd) != 0)
		printf("# %s stays\n", top);
}

/* A hash over names and contents of all key directories. */
static void
state_of_disk(uint8_t out[SHA512_SIZE])
{
	char dir[PATH_LEN], path[PATH_LEN * 2], *text;
	struct dirent **list;
	struct buf b = BUF_INIT;
	size_t n;
	int i, k, m;

	for (i = 0; i < n_party; i++) {
		path_keys(dir, names[i]);
		m = scandir(dir, &list, NULL, alphasort);
		for (k = 0; k < m; k++) {
			buf_put_str(&b, list[k]->d_name);
			snprintf(path, sizeof(path), "%s/%s", dir,
			    list[k]->d_name);
			if (list[k]->d_name[0] != '.' &&
			    proc_read_file(path, 65536, &text, &n) == 0) {
				buf_put(&b, text, n);
				free(text);
			}
			free(list[k]);
		}
		if (m >= 0)
			free(list);
	}
	sha512(buf_data(&b), buf_len(&b), out);
	buf_free(&b);
}

static void
on_answered(void *ctx, int number, int err, const char *check, uint32_t epoch)
{
	struct party *p = ctx;

	(void)number;
	p->done = 1;
	p->err = err;
	p->epoch = epoch;
	snprintf(p->check, sizeof(p->check), "%s", check);
	keygen_answer_free(p->answer);
	p->answer = NULL;
}

static struct party *
party_by_number(int number)
{
	int i;

	for (i = 0; i < n_party; i++)
		if (party[i].number == number)
			return &party[i];
	return NULL;
}

static void
on_one(void *ctx, int number, int err, const char *check, uint32_t epoch)
{
	struct party *p = party_by_number(number);

	(void)ctx;
	p->led_done++;
	p->led_err = err;
	p->led_epoch = epoch;
	snprintf(p->led_check, sizeof(p->led_check), "%s", check);
}

static void
on_all(void *ctx, int err, uint32_t epoch)
{
	(void)ctx;
	all_done++;
	all_err = err;
	all_epoch = epoch;
	keygen_lead_free(lead);
	lead = NULL;
}

static void
middle_close(struct party *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		io_del(&p->io[i]);
		if (p->fd[i] != -1)
			close(p->fd[i]);
		p->fd[i] = -1;
	}
}

/* One read is one message: they are small and alternate. */
static void
middle_move(struct party *p, int from)
{
	uint8_t b[16384];
	ssize_t n;
	int message;

	if ((n = read(p->fd[from], b, sizeof(b))) <= 0) {
		middle_close(p);
		return;
	}
	if (p->middle == SILENT)
		return;
	message = ++p->count[from] * 2 - (from == 0);
	if (message == tamper.late)
		skew += 180;
	if (message == tamper.message) {
		tamper.size = (size_t)n;
		if (tamper.cut)
			n = (ssize_t)tamper.byte;
		else if (tamper.byte < (size_t)n)
			b[tamper.byte] ^= (uint8_t)(1 << tamper.bit);
	}
	if (write(p->fd[!from], b, (size_t)n) != n)
		printf("# short write\n");
	if (message == tamper.message && tamper.cut)
		middle_close(p);
}

static void
on_side0(void *arg, uint32_t ev)
{
	(void)ev;
	middle_move(arg, 0);
}

static void
on_side1(void *arg, uint32_t ev)
{
	(void)ev;
	middle_move(arg, 1);
}

static const struct stream_ops no_ops;

/* The wire to server `number`, with us in between. */
static struct stream *
connect_to(void *ctx, struct loop *l, int number)
{
	struct party *p = party_by_number(number);
	int a[2], b[2];

	(void)ctx;
	if (p->middle == REFUSE)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b) != 0)
		exit(1);
	p->fd[0] = a[1];
	p->fd[1] = b[1];
	p->count[0] = p->count[1] = 0;
	memset(p->io, 0, sizeof(p->io));
	io_add(l, &p->io[0], p->fd[0], IO_IN, on_side0, p);
	io_add(l, &p->io[1], p->fd[1], IO_IN, on_side1, p);
	p->done = 0;
	p->answer =
	    keygen_answer_new(l, stream_new(l, b[0], 1, 1, &no_ops, NULL),
		number, &p->servers, p->epochs, on_answered, p);
	return stream_new(l, a[0], 1, 1, &no_ops, NULL);
}

static void
setup(int n)
{
	struct server *s;
	int i;

	n_party = n;
	memset(&servers, 0, sizeof(servers));
	memset(party, 0, sizeof(party));
	for (i = 0; i < n; i++) {
		s = &servers.server[servers.n++];
		s->number = (uint8_t)(i + 1);
		snprintf(s->name, sizeof(s->name), "%s", names[i]);
		snprintf(s->role, sizeof(s->role), "%s", roles[i]);
		snprintf(s->addr, sizeof(s->addr), "127.0.0.1:%d", 7320 + i);
		if (epochs_init(names[i], s->pub, why, sizeof(why)) != 0 ||
		    epochs_open(&party[i].epochs, names[i], why, sizeof(why)) !=
			0) {
			printf("Bail out! %s\n", why);
			exit(1);
		}
		party[i].number = i + 1;
		party[i].fd[0] = party[i].fd[1] = -1;
	}
	for (i = 0; i < n; i++)
		party[i].servers = servers;
}

static void
teardown(void)
{
	int i;

	for (i = 0; i < n_party; i++) {
		keygen_answer_free(party[i].answer);
		middle_close(&party[i]);
		epochs_close(party[i].epochs);
	}
	n_party = 0;
}

/* One run of server 1 with the servers 2..n. */
static int
run(int fresh, int64_t deadline)
{
	struct keygen_lead_def def;
	int i;

	memset(&def, 0, sizeof(def));
	def.servers = &servers;
	def.epochs = party[0].epochs;
	for (i = 0; i < n_party; i++)
		def.numbers[def.n++] = i + 1; /* its own is left out */
	def.fresh = fresh;
	def.deadline = deadline;
	def.connect = connect_to;
	def.one = on_one;
	def.all = on_all;
	all_done = 0;
	for (i = 0; i < n_party; i++)
		party[i].led_done = party[i].done = 0;
	lead = keygen_lead_new(loop, &def);
	while (!all_done)
		loop_turn(loop, 20000);
	/* Let the others see it too. */
	for (i = 1; i < n_party; i++) {
		if (party[i].answer != NULL && party[i].middle == SILENT) {
			keygen_answer_free(party[i].answer);
			party[i].answer = NULL;
		}
		while (party[i].answer != NULL)
			loop_turn(loop, 20000);
		middle_close(&party[i]);
	}
	return all_err;
}

static int
same_base(int a, int b, uint32_t epoch)
{
	struct secret *x, *y;
	int same;

	x = epochs_link_base(party[a].epochs, epoch, a + 1, b + 1);
	y = epochs_link_base(party[b].epochs, epoch, b + 1, a + 1);
	same = x != NULL && y != NULL && secret_equal(x, y);
	secret_free(x);
	secret_free(y);
	return same;
}

/* S077, S078, S079: two servers. S080: more. */
static void
test_good(int n)
{
	struct epochs_info info;
	char id[10], id2[10];
	int64_t now;
	int i, k;

	setup(n);
	T_INT(run(1, 10000), 0);
	T_INT(all_epoch, 1);
	epochs_id(party[0].epochs, 1, id);
	for (i = 1; i < n; i++) {
		T(party[i].done && party[i].err == 0);
		T(party[i].led_done == 1 && party[i].led_err == 0);
		T(party[i].epoch == 1 && party[i].led_epoch == 1);
		T(strlen(party[i].check) == 14);
		T_STR(party[i].check, party[i].led_check);
		T_INT(epochs_id(party[i].epochs, 1, id2), 0);
		T_STR(id2, id);
		T_INT(party[i].count[0], 2);
		T_INT(party[i].count[1], 2);
		for (k = 0; k < n; k++)
			if (k != i)
				T(same_base(i, k, 1));
	}
	T(party[0].led_done == 0);
	/* The next epoch begins later. */
	now = clock_real();
	T_INT(run(1, 10000), 0);
	T_INT(all_epoch, 2);
	for (i = 0; i < n; i++) {
		T_INT(epochs_info(party[i].epochs, 2, &info), 0);
		T(info.not_before >= now + KEYGEN_DELAY);
		T_INT(epochs_current(party[i].epochs, now), 1);
	}
	/* The running one again changes no key. */
	T_INT(run(0, 10000), 0);
	T_INT(all_epoch, 2);
	T(same_base(0, 1, 2));
	teardown();
	remove_tree();
}

/* A server without any epoch uses what it gets at once. */
static void
test_newcomer(void)
{
	struct epochs_info info;
	int64_t now;

	setup(2);
	T_INT(run(0, 10000), SEC_ERR_NOTHING); /* nothing to deal yet */
	T(party[1].led_done && party[1].led_err == 0);
	T_INT(party[1].led_epoch, 0);
	T_INT(epochs_last(party[1].epochs), 0);
	teardown();
	setup(3);
	T_INT(run(1, 10000), 0);
	teardown();
	setup(4);
	T_INT(run(1, 10000), 0); /* the fourth holds none */
	now = clock_real();
	T_INT(epochs_info(party[3].epochs, 2, &info), 0);
	T(info.not_before <= now);
	T_INT(epochs_current(party[3].epochs, now), 2);
	T_INT(epochs_current(party[2].epochs, now), 1);
	T(epochs_accepts(party[2].epochs, 2, now));
	teardown();
	remove_tree();
}

/* Server 1 has lost its epochs: it goes above the others', never below. */
static void
test_rollback(void)
{
	char cmd[PATH_MAX];

	setup(2);
	T_INT(run(1, 10000), 0);
	T_INT(run(1, 10000), 0);
	snprintf(cmd, sizeof(cmd), "rm -f %s/lib/keys/confctl/*.[12]", top);
	T_INT(system(cmd), 0);
	T_INT(epochs_reload(party[0].epochs, why, sizeof(why)), 0);
	T_INT(epochs_last(party[0].epochs), 0);
	T_INT(run(1, 10000), 0);
	T_INT(all_epoch, 3);
	/* The running one, but the other holds a later. */
	snprintf(cmd, sizeof(cmd), "rm -f %s/lib/keys/confctl/*.3", top);
	T_INT(system(cmd), 0);
	T_INT(epochs_reload(party[0].epochs, why, sizeof(why)), 0);
	T_INT(run(0, 10000), SEC_ERR_REPLAY);
	teardown();
	remove_tree();
}

/* A server that claims the last epoch there can be. */
static void
test_leap(void)
{
	uint8_t before[SHA512_SIZE], after[SHA512_SIZE];
	struct hs_deal d;

	setup(3);
	T_INT(run(1, 10000), 0);
	T_INT(epochs_deal(party[0].epochs, &servers, 2, 1, clock_real(), &d),
	    0);
	d.epoch = UINT32_MAX - 1;
	d.not_before = clock_real() + 86400000;
	T_INT(epochs_store(party[1].epochs, &d), 0);
	explicit_bzero(&d, sizeof(d));
	state_of_disk(before);
	T_INT(run(1, 10000), SEC_ERR_REPLAY);
	T_INT(party[1].led_err, SEC_ERR_REPLAY);
	T_INT(party[2].led_err, 0);
	state_of_disk(after);
	T(memcmp(before, after, sizeof(before)) == 0);
	T_INT(epochs_last(party[0].epochs), 1);
	teardown();
	remove_tree();
}

/* Nothing has changed anywhere after a run that failed. */
static void
test_failures(void)
{
	uint8_t before[SHA512_SIZE], after[SHA512_SIZE];
	struct epochs *other;
	uint8_t pub[32];
	int64_t began, ms;

	setup(4);
	began = clock_mono();
	T_INT(run(1, 10000), 0);
	ms = 60 + 4 * (clock_mono() - began); /* enough for the others */
	state_of_disk(before);

	/* One silent server: nobody gets m3. */
	party[2].middle = SILENT;
	T_INT(run(1, ms), SEC_ERR_TIMEOUT);
	T_INT(party[2].led_err, SEC_ERR_TIMEOUT);
	T_INT(party[1].led_err, 0);
	T_INT(party[1].led_epoch, 0);
	T_INT(party[1].count[0], 1);
	T_INT(party[1].err, SEC_ERR_CLOSED);
	state_of_disk(after);
	T(memcmp(before, after, sizeof(before)) == 0);
	party[2].middle = REFUSE;
	T_INT(run(1, 10000), SEC_ERR_TIMEOUT);
	party[2].middle = PASS;

	/* Another servers file there. */
	snprintf(party[3].servers.server[3].addr, 64, "127.0.0.1:9");
	T_INT(run(1, 10000), SEC_ERR_DATA);
	T_INT(party[3].err, SEC_ERR_DATA);
	T_INT(party[3].led_err, SEC_ERR_DATA);
	T_INT(party[1].led_err, 0);
	party[3].servers = servers;
	state_of_disk(after);
	T(memcmp(before, after, sizeof(before)) == 0);

	/* Somebody with another identity answers. */
	other = party[3].epochs;
	T_INT(epochs_init("stranger", pub, why, sizeof(why)), 0);
	T_INT(epochs_open(&party[3].epochs, "stranger", why, sizeof(why)), 0);
	T_INT(run(1, 10000), SEC_ERR_AUTH);
	T_INT(party[3].err, SEC_ERR_AUTH);
	T_INT(party[3].led_err, SEC_ERR_AUTH);
	state_of_disk(after);
	T(memcmp(before, after, sizeof(before)) == 0);

	/* Somebody with another identity leads. */
	epochs_close(party[3].epochs);
	party[3].epochs = other;
	other = party[0].epochs;
	T_INT(epochs_open(&party[0].epochs, "stranger", why, sizeof(why)), 0);
	T_INT(run(1, 10000), SEC_ERR_AUTH);
	T_INT(party[1].err, SEC_ERR_AUTH);
	epochs_close(party[0].epochs);
	party[0].epochs = other;
	state_of_disk(after);
	T(memcmp(before, after, sizeof(before)) == 0);
	teardown();
	remove_tree();
}

/* S079: what was held back is refused for its time, and nothing is stored. */
static void
test_late(void)
{
	int message, r;

	for (message = 1; message <= 3; message++) {
		setup(2);
		tamper.late = message;
		r = run(1, 10000);
		T_OK(r != 0, "m%d late: %d at server 1, %d at 2", message, r,
		    party[1].err);
		T_INT(message == 2 ? party[1].led_err : party[1].err,
		    SEC_ERR_EXPIRED);
		T_INT(epochs_last(party[1].epochs), 0);
		skew = 0;
		tamper.late = 0;
		T_INT(run(1, 10000), 0);
		teardown();
		remove_tree();
	}
}

/* With equal psk files it works, with different ones it does not. */
static void
test_psk(void)
{
	static const char one[] =
	    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
	static const char two[] =
	    "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
	char dir[PATH_LEN], path[PATH_LEN + 16];

	setup(2);
	snprintf(path, sizeof(path), "%s/psk.2", path_keys(dir, "confctl"));
	T_INT(proc_write_file(path, one, sizeof(one) - 1, 0400), 0);
	T_INT(epochs_reload(party[0].epochs, why, sizeof(why)), 0);
	T(run(1, 10000) != 0);
	snprintf(path, sizeof(path), "%s/psk.1", path_keys(dir, "pal"));
	T_INT(proc_write_file(path, two, sizeof(two) - 1, 0400), 0);
	T_INT(epochs_reload(party[1].epochs, why, sizeof(why)), 0);
	T_INT(run(1, 10000), SEC_ERR_AUTH);
	T_INT(proc_write_file(path, one, sizeof(one) - 1, 0400), 0);
	T_INT(epochs_reload(party[1].epochs, why, sizeof(why)), 0);
	T_INT(run(1, 10000), 0);
	teardown();
	remove_tree();
}

/*
 * Single bits of m1..m4: each of the clear head, one of each byte behind it
 * (all of them with SEC_LONG in the environment: 3000 handshakes).
 */
static void
test_flips(int message)
{
	uint8_t before[SHA512_SIZE], after[SHA512_SIZE];
	const int all_bits = getenv("SEC_LONG") != NULL;
	int refused = 0, tried = 0, same;

	setup(2);
	T_INT(run(1, 10000), 0);
	state_of_disk(before);
	memset(&tamper, 0, sizeof(tamper));
	tamper.message = message;
	tamper.size = 1;
	for (tamper.byte = 0; tamper.byte < tamper.size; tamper.byte++) {
		for (tamper.bit = 0; tamper.bit < 8; tamper.bit++) {
			if (tamper.byte >= HS_NOISE_HEAD && !all_bits &&
			    tamper.bit != (int)(tamper.byte & 7))
				continue;
			tried++;
			refused += run(0, 10000) != 0;
			/* m4 is the one after which it is stored. */
			refused -= message < 4 && party[1].err == 0;
		}
	}
	T_OK(tried > 60 && refused == tried, "m%d: %d of %d flips refused",
	    message, refused, tried);
	state_of_disk(after);
	same = memcmp(before, after, sizeof(before)) == 0;
	T_OK(same || message == 4, "m%d: nothing has changed", message);
	/* Every prefix, then the end. */
	tamper.cut = 1;
	for (refused = tried = 0, tamper.byte = 0; tamper.byte < tamper.size;
	     tamper.byte += all_bits || tamper.byte < 12 ? 1 : 9) {
		tried++;
		refused += run(0, 10000) != 0;
	}
	T_OK(refused == tried, "m%d: %d of %d prefixes refused", message,
	    refused, tried);
	memset(&tamper, 0, sizeof(tamper));
	T_INT(run(0, 10000), 0);
	teardown();
	remove_tree();
}

int
main(void)
{
	int i;

	crypto_init();
	if (mkdtemp(top) == NULL)
		return 1;
	setenv("SEC_DIR", top, 1);
	loop = loop_new();
	test_good(2);
	test_good(4);
	test_newcomer();
	test_rollback();
	test_leap();
	test_failures();
	test_late();
	test_psk();
	for (i = 1; i <= 4; i++)
		test_flips(i);
	loop_free(loop);
	T_INT(secret_count(), 0);
	remove_tree();
	return t_done();
}
