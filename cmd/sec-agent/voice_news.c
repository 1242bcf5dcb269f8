/* What devices are told of their conference: keys, each other, who calls. */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "voice_priv.h"
#include "wire/ids.h"

struct peer {
	uint32_t q;
	int seen;
};

void
voice_put_key(struct buf *b, const char *name, const struct secret *s)
{
	line_put_bytes(b, name, secret_data(s), secret_size(s));
}

void
voice_epoch(struct conf_in *c, int wait)
{
	struct attachment *v;
	struct ctl_req r;
	struct buf *b;

	TAILQ_FOREACH(v, &c->a->voice.list, entry) {
		if (v->conf_number != c->number || v->state != ATTACH_ON ||
		    (b = voice_row(v, "epoch", &r)) == NULL)
			continue;
		line_putf(b, "epoch", "%u", (unsigned)keyring_epoch(c->keys));
		voice_put_key(b, "key", keyring_key(c->keys));
		line_putf(b, "wait", "%d", wait);
		ctl_end(&r);
	}
}

static void
peer_row(struct attachment *v, struct conf_in *c, uint32_t q, const char *state)
{
	char number[Q_STRLEN];
	struct ctl_req r;
	struct buf *b;

	if ((b = voice_row(v, "peer", &r)) == NULL)
		return;
	line_put(b, "q", q_format(q, number));
	line_put(b, "user", conf_user(c, q));
	line_put(b, "state", state);
	ctl_end(&r);
}

static void
peer_seen(struct attachment *v, struct conf_in *c, uint32_t q)
{
	struct peer *p;

	if (q == v->q)
		return;
	if ((p = map_get_u64(v->peers, q)) == NULL) {
		p = agent_alloc(sizeof(*p));
		p->q = q;
		(void)map_put_u64(v->peers, q, p);
		peer_row(v, c, q, "in");
	}
	p->seen = 1;
}

void
peers_tell(struct attachment *v, struct conf_in *c)
{
	const struct pal_entry *e;
	char one[Q_STRLEN];
	const char *s;
	struct peer *p;
	size_t i = 0, n;
	uint32_t q;

	while ((p = map_next(v->peers, &i)) != NULL)
		p->seen = 0;
	for (i = 0; (e = mirror_next(c->roster, &i)) != NULL;) {
		if ((s = pal_entry_attr(e, "voice")) == NULL)
			continue;
		for (; *s != '\0'; s += n + (s[n] == ',')) {
			if ((n = strcspn(s, ",")) >= sizeof(one))
				continue;
			memcpy(one, s, n);
			one[n] = '\0';
			if (q_parse(&q, one) == 0)
				peer_seen(v, c, q);
		}
	}
	for (i = 0; (p = map_next(v->peers, &i)) != NULL;) {
		if (p->seen)
			continue;
		peer_row(v, c, p->q, "left");
		(void)map_del_u64(v->peers, p->q);
		free(p);
	}
}

void
voice_roster(struct conf_in *c)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &c->a->voice.list, entry)
		if (v->conf_number == c->number && v->state == ATTACH_ON)
			peers_tell(v, c);
}

/* Is my name in it, as @alice? */
static int
names_me(const struct agent *a, const char *p, size_t n)
{
	size_t len = strlen(a->user), i;

	for (i = 0; i + len < n; i++)
		if (p[i] == '@' && memcmp(p + i + 1, a->user, len) == 0 &&
		    (i + 1 + len == n ||
			strchr("abcdefghijklmnopqrstuvwxyz0123456789_-",
			    p[i + 1 + len]) == NULL))
			return 1;
	return 0;
}

void
voice_addressed(struct conf_in *c, const char *user, const char *p, size_t n,
    uint32_t to)
{
	struct agent *a = c->a;
	const char *to_user = to != 0 ? conf_user(c, to) : NULL;
	struct attachment *v;
	struct ctl_req r;
	struct buf *b;

	if (strcmp(user, a->uri) == 0 ||
	    ((to_user == NULL || strcmp(to_user, a->uri) != 0) &&
		!names_me(a, p, n)))
		return;
	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->conf_number == c->number && v->state == ATTACH_ON &&
		    (b = voice_row(v, "addressed", &r)) != NULL) {
			line_put(b, "user", user);
			ctl_end(&r);
		}
}

void
voice_policy(struct conf_in *c)
{
	struct attachment *v;
	struct ctl_req r;
	struct buf *b;

	TAILQ_FOREACH(v, &c->a->voice.list, entry)
		if (v->conf_number == c->number && v->state == ATTACH_ON &&
		    (b = voice_row(v, "policy", &r)) != NULL) {
			line_put(b, "level", c->level);
			ctl_end(&r);
		}
}
