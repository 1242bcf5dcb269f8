/*
 * history: lines that a conference has kept, fetched from the controller page
 * by page from the newest back, opened with the keys that come with them, and
 * given to the tool in the order in which they were said (SECURITY.md 3.5).
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/confkey.h"
#include "crypto/wrap.h"
#include "sip/event.h"
#include "wire/message.h"

#define LINES_MAX  100000
#define BYTES_MAX  67108864 /* of what a tool waits for */
#define PAGE_MAX   1000
#define EPOCHS_MAX 28
#define MAGIC	   "SCH1"

struct old_line {
	uint64_t line;
	uint32_t to; /* q addressed, 0: all */
	struct buf row; /* its fields */
	TAILQ_ENTRY(old_line) entry;
};

struct history {
	struct agent *a;
	struct ctl_handle who;
	char conf[URI_MAX];
	int is_event; /* rows of that form */
	uint64_t before; /* 0: from the newest */
	uint64_t left; /* lines that are still wanted */
	size_t bytes;
	unsigned unread; /* could not be opened */
	struct map *seen; /* an author may have had to say it again */
	struct map *authors; /* q -> strdup'ed URI, of who is out by now too */
	TAILQ_HEAD(, old_line) lines; /* oldest first */
	TAILQ_ENTRY(history) entry;
};

struct histories {
	TAILQ_HEAD(, history) list;
};

/* The keys of one page: epoch and T_e. */
struct page_keys {
	uint32_t epoch[EPOCHS_MAX];
	struct secret *key[EPOCHS_MAX];
	size_t n;
};

static void
keys_free(struct page_keys *k)
{
	while (k->n > 0)
		secret_free(k->key[--k->n]);
}

static void
history_free(struct history *h)
{
	struct old_line *o;
	char *user;
	size_t i = 0;

	while ((user = map_next(h->authors, &i)) != NULL)
		free(user);
	map_free(h->authors);
	while ((o = TAILQ_FIRST(&h->lines)) != NULL) {
		TAILQ_REMOVE(&h->lines, o, entry);
		buf_free(&o->row);
		free(o);
	}
	TAILQ_REMOVE(&h->a->histories->list, h, entry);
	map_free(h->seen);
	free(h);
}

static void
history_fail(struct history *h, int status, const char *why)
{
	struct ctl_req r;

	if (ctl_again(h->a->ctl, h->who, &r) == 0)
		ctl_error(&r, status, why);
	history_free(h);
}

/* Who has or had that q, as far as can be told. */
static const char *
user_of(const struct history *h, uint32_t q)
{
	struct conf_in *c = conf_find(h->a, h->conf);
	const char *user = c != NULL ? conf_user(c, q) : NULL;

	return user != NULL ? user : map_get_u64(h->authors, q);
}

static void
history_done(struct history *h)
{
	struct old_line *o;
	struct ctl_req r;
	struct buf *b;

	if (ctl_again(h->a->ctl, h->who, &r) == 0) {
		TAILQ_FOREACH(o, &h->lines, entry) {
			b = ctl_row(&r);
			buf_put(b, buf_data(&o->row), buf_len(&o->row));
			if (o->to != 0)
				line_put(b, "to", user_of(h, o->to));
			ctl_end(&r);
		}
		b = ctl_ok_begin(&r);
		line_putf(b, "unread", "%u", h->unread);
		ctl_end(&r);
	}
	history_free(h);
}

/* --- a page --- */

/* "SCH1" || conference || n * (epoch || T_e) */
static int
keys_read(struct page_keys *k, const struct secret *plain, uint64_t conf)
{
	const uint8_t *p = secret_data(plain);
	size_t n = secret_size(plain);

	/* One row of them to a page. */
	if (k->n > 0 || n < 12 || (n - 12) % 36 != 0 ||
	    (n - 12) / 36 > EPOCHS_MAX || memcmp(p, MAGIC, 4) != 0 ||
	    get_be64(p + 4) != conf)
		return SEC_ERR_FORMAT;
	for (p += 12, n -= 12; n > 0; p += 36, n -= 36) {
		k->epoch[k->n] = get_be32(p);
		k->key[k->n++] = secret_copy(p + 4, 32);
	}
	return 0;
}

static int
keys_take(struct page_keys *k, const struct conf_in *c, const struct line *l)
{
	struct wrap w = { .label = KDF_HISTORY_WRAP,
		.dir = 1,
		.whose = c->a->uri,
		.conf = c->uri };
	struct secret *plain = NULL;
	int r;

	r = session_unwrap(c->a, line_get_or(l, "key", ""), &w, &plain);
	if (r == 0)
		r = keys_read(k, plain, c->id);
	secret_free(plain);
	return r;
}

static const struct secret *
key_of(const struct page_keys *k, uint32_t epoch)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->epoch[i] == epoch)
			return k->key[i];
	return NULL;
}

/* As listeners get it, or as the event is. */
static void
row_of(const struct history *h, struct buf *b, const struct line *l,
    const struct message *m)
{
	line_put(b, h->is_event ? "time" : "at", line_get(l, "at"));
	line_put(b, h->is_event ? "event" : "what", "text");
	line_put(b, "conf", h->is_event ? h->conf : NULL);
	line_put(b, "user", line_get(l, "user"));
	text_put(b, m->text, m->n);
	line_put(b, "line", line_get(l, "line"));
	line_put(b, "old", "1");
}

/* Its author's connection was lost, and he said it twice: the newest is
 * here already. */
static int
is_again(struct history *h, const struct text_head *head)
{
	uint64_t key = (uint64_t)head->q << 32 | (uint32_t)head->seq;

	if (map_get_u64(h->seen, key) != NULL)
		return 1;
	map_put_u64(h->seen, key, h);
	return 0;
}

static void
author_note(struct history *h, uint32_t q, const char *user)
{
	char *copy;

	if (user == NULL || map_get_u64(h->authors, q) != NULL)
		return;
	if ((copy = strdup(user)) == NULL)
		abort();
	map_put_u64(h->authors, q, copy);
}

/* One line of a page, before those that are there already. 0, or why it
 * cannot be read. */
static int
line_open(struct history *h, const struct conf_in *c, const struct line *l,
    const struct page_keys *k)
{
	struct buf body = BUF_INIT, plain = BUF_INIT;
	const struct secret *key;
	struct text_head head;
	struct old_line *o;
	struct message m;
	int r;

	if ((r = line_get_bytes(l, "body", &body)) != 0 ||
	    (r = text_peek(&head, buf_data(&body), buf_len(&body))) != 0)
		goto out;
	r = SEC_ERR_SUBKEY;
	if ((key = key_of(k, head.epoch)) == NULL)
		goto out;
	if ((r = text_open(key, c->id, buf_data(&body), buf_len(&body),
		 &plain)) != 0 ||
	    (r = message_decode(&m, buf_data(&plain), buf_len(&plain))) != 0)
		goto out;
	if (is_again(h, &head))
		goto out;
	o = agent_alloc(sizeof(*o));
	o->to = m.to;
	row_of(h, &o->row, l, &m);
	author_note(h, head.q, line_get(l, "user"));
	h->bytes += buf_len(&o->row);
	TAILQ_INSERT_HEAD(&h->lines, o, entry);
out:
	buf_free(&plain);
	buf_free(&body);
	return r;
}

/* The keys stand behind the lines: they are looked for first. */
static int
page_keys_find(struct page_keys *k, const struct conf_in *c,
    const struct sip_msg *answer)
{
	const char *p = answer->body, *end = p + answer->bodylen;
	int r = SEC_ERR_FORMAT;
	struct line l;

	while (line_next(&l, &p, end) == 1) {
		if (strcmp(l.verb, "keys") == 0)
			r = keys_take(k, c, &l);
		line_free(&l);
	}
	return r;
}

/* How many lines it had, or SEC_ERR_*. */
static int
page_take(struct history *h, const struct conf_in *c,
    const struct sip_msg *answer)
{
	const char *p = answer->body, *end = p + answer->bodylen;
	struct page_keys keys = { .n = 0 };
	struct line l;
	uint64_t line;
	int n = 0, r;

	r = page_keys_find(&keys, c, answer);
	while (r == 0 && line_next(&l, &p, end) == 1) {
		if (strcmp(l.verb, "line") == 0 &&
		    line_get_u64(&l, "line", &line) == 0 && line > 0 &&
		    (h->before == 0 || line < h->before)) {
			h->before = line;
			h->unread += line_open(h, c, &l, &keys) != 0;
			n++;
		}
		line_free(&l);
	}
	keys_free(&keys);
	return r != 0 ? r : n;
}

static void page_ask(struct history *h);

static void
on_page(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct history *h = ctx;
	struct conf_in *c = conf_find(h->a, h->conf);
	struct ctl_req r;
	int n;

	(void)cookie;
	if (ctl_again(h->a->ctl, h->who, &r) != 0)
		history_free(h); /* nobody waits for more */
	else if (c == NULL)
		history_fail(h, 404, "you are not in it any more");
	else if (answer->status / 100 != 2)
		history_fail(h, answer->status,
		    answer->note != NULL ? answer->note :
					   sec_sip_reason(answer->status));
	else if ((n = page_take(h, c, answer)) < 0) {
		log_warn("history.bad", "conf=%s reason=%s", c->name,
		    log_quote(sec_strerror(n)));
		history_fail(h, 400, "its keys cannot be read");
	} else if (n == 0 || (uint64_t)n >= h->left || h->bytes > BYTES_MAX)
		history_done(h);
	else {
		h->left -= (uint64_t)n;
		page_ask(h);
	}
}

static void
page_ask(struct history *h)
{
	struct buf body = BUF_INIT;
	int r;

	line_begin(&body, "history");
	if (h->before > 0)
		line_put_u64(&body, "before", h->before);
	line_put_u64(&body, "n", h->left < PAGE_MAX ? h->left : PAGE_MAX);
	line_end(&body);
	r = conf_publish(h->a, h->conf, &body, on_page, h, 0);
	buf_free(&body);
	if (r != 0)
		history_fail(h, 503, "controller unreachable");
}

void
history_start(struct agent *a, struct ctl_req *r)
{
	struct conf_in *c;
	struct history *h;
	uint64_t n;

	if ((c = tool_my_conf(a, r)) == NULL)
		return;
	if (line_get_u64(r->line, "n", &n) != 0 || n < 1 || n > LINES_MAX) {
		ctl_error(r, 400, "how many lines? 1 to 100000");
		return;
	}
	h = agent_alloc(sizeof(*h));
	h->a = a;
	h->who = ctl_keep(r);
	h->left = n;
	h->seen = map_new();
	h->authors = map_new();
	h->is_event = strcmp(line_get_or(r->line, "form", ""), "event") == 0;
	text_copy(h->conf, c->uri, sizeof(h->conf));
	TAILQ_INIT(&h->lines);
	TAILQ_INSERT_TAIL(&a->histories->list, h, entry);
	page_ask(h);
}

void
history_init(struct agent *a)
{
	a->histories = agent_alloc(sizeof(*a->histories));
	TAILQ_INIT(&a->histories->list);
}

void
history_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->histories->list))
		history_free(TAILQ_FIRST(&a->histories->list));
	free(a->histories);
}
