/*
 * Whose word for a line of kept text counts (SECURITY.md 3.5): that of the
 * router that has the conference's text, or has passed it on just now. What
 * another one says is not stored, and what comes under a number that another
 * line has is not told to be. The rest of the controller is played by what
 * stands here.
 */
#define ctl_peer_number peer_number
#define history_put	put
#define links_peer	peer_of
#include "../../../cmd/sec-confctl/history.c"
#include "../test.h"

#define ALICE "sip:alice@lab.test"

static struct service service;
static struct focus focus = { .s = &service };
static struct conference conf = { .focus = &focus, .nmedia = 1 };
static int speaker; /* number of the router */
static uint64_t last; /* line that was put */
static struct buf text = BUF_INIT; /* its body */
static struct secret *key;
static commit_h waits; /* for the commit */

int
peer_number(const struct ctl_peer *p)
{
	(void)p;
	return speaker;
}

struct ctl_peer *
peer_of(struct links *l, int number)
{
	(void)l, (void)number;
	return NULL;
}

/* One line lies there. */
int
put(struct db *d, const struct history_line *l)
{
	(void)d;
	if (l->line == last &&
	    (l->n != buf_len(&text) ||
		memcmp(l->body, buf_data(&text), l->n) != 0))
		return SEC_ERR_NO;
	last = l->line;
	buf_reset(&text);
	buf_put(&text, l->body, l->n);
	return 0;
}

int
commit_begin(struct focus *f)
{
	(void)f;
	return 0;
}

void
commit_then(struct focus *f, commit_h cb, uint64_t id)
{
	(void)f, (void)id;
	waits = cb;
}

struct conference *
conf_find(struct focus *f, const char *uri)
{
	(void)f, (void)uri;
	return &conf;
}

struct device *
conf_device(struct conference *c, uint32_t q)
{
	(void)c, (void)q;
	return NULL;
}

int
dbk_need(struct focus *f)
{
	(void)f;
	return SEC_ERR_SYS;
}

void
receipts_drop(struct conference *c)
{
	(void)c;
}

struct session *
session_find(struct focus *f, const char *user, const char *instance)
{
	(void)f, (void)user, (void)instance;
	return NULL;
}

/* --- */

/* That router says so; is it told that it is stored? */
static int
kept(int server, uint64_t number, const char *words)
{
	struct buf b = BUF_INIT, body = BUF_INIT;
	struct ctl_req r = { .line = NULL };
	struct line l;
	int told;

	speaker = server;
	line_begin(&b, "kept");
	line_put(&b, "conf", "sip:a@conf.lab.test");
	line_put_u64(&b, "line", number);
	line_put(&b, "at", "1700000000000");
	line_put(&b, "user", ALICE);
	text_seal(&body, key, conf.row.id, 1, 0x01000002, 1, words,
	    strlen(words), 1700000000000);
	line_put_bytes(&b, "body", buf_data(&body), buf_len(&body));
	T_INT(line_parse(&l, buf_cstr(&b), buf_len(&b)), 0);
	r.line = &l;
	on_kept(&service, &r);
	line_free(&l);
	buf_free(&b);
	buf_free(&body);
	told = !TAILQ_EMPTY(&focus.stored);
	if (told)
		waits(&focus, 0, SEC_ERR_CLOSED);
	return told;
}

static void
test_router(void)
{
	/* It is no matter of another one, which may forget it. */
	T_INT(kept(4, 10, "one"), 1);
	T_INT(last, 0);
	T_INT(kept(3, 10, "one"), 1);
	T_INT(last, 10);
	/* What was on its way when the text moved. */
	conf.media[0].server = 4;
	conf.media[0].from = 3;
	conf.media[0].moved = clock_mono();
	T_INT(kept(3, 11, "one"), 1);
	T_INT(last, 11);
	conf.media[0].moved -= LINK_DEADLINE;
	T_INT(kept(3, 12, "one"), 1);
	T_INT(last, 11);
	T_INT(kept(4, 13, "one"), 1);
	T_INT(last, 13);
}

static void
test_number(void)
{
	T_INT(kept(4, 13, "one"), 1);
	T_INT(kept(4, 13, "two"), 0);
	T_INT(kept(4, 13, "one"), 1);
}

int
main(void)
{
	service.priv = &focus;
	TAILQ_INIT(&focus.stored);
	conf.row.history = 100;
	conf.row.epoch = 1;
	key = secret_copy("0123456789abcdef0123456789abcdef", 32);
	text_copy(conf.media[0].medium, "text", sizeof conf.media[0].medium);
	conf.media[0].server = 3;
	test_router();
	test_number();
	buf_free(&text);
	secret_free(key);
	return t_done();
}
