/*
 * receipt: how far a member who lets the others know has read the text that
 * the conference keeps (SECURITY.md 3.5). A mark is shown once it is on the
 * disk, only goes up, and goes with his last device.
 *
 *	agent -- PUBLISH read line= --> commit --> sec-pal: member read=
 */

#include "base/err.h"
#include "base/log.h"
#include "db/history_store.h"
#include "wire/line.h"

#include "focus.h"
#include "policy.h"

/* The number of the newest line that it keeps, of this run or before. */
static int
newest(struct conference *c, uint64_t *line)
{
	int r = 0;

	if (c->newest == 0)
		r = history_newest(c->focus->s->db, c->row.id, &c->newest);
	*line = c->newest;
	return r;
}

/* number: a device of his. He, or the text, may be gone in this turn. */
static void
receipt_committed(struct focus *f, uint64_t number, int err)
{
	struct device *d = device_of(f, number);
	struct member *m = d != NULL ? d->member : NULL;

	if (m == NULL || m->reading == m->read)
		return;
	if (err != 0) {
		m->reading = m->read;
		return;
	}
	m->read = m->reading;
	deal_marks(m);
}

static int
receipt_store(struct member *m, uint64_t line)
{
	struct focus *f = m->conf->focus;
	int r;

	if ((r = commit_begin(f)) != 0 ||
	    (r = receipt_put(f->s->db, m->conf->row.id, m->user, line)) != 0)
		return r;
	m->reading = line;
	commit_then(f, receipt_committed, TAILQ_FIRST(&m->own)->number);
	return 0;
}

int
policy_read(struct conference *c, struct asker *by, const struct line *l)
{
	struct member *m = conf_member(c, by->user);
	uint64_t line, last = 0;

	if (c->row.history == 0) {
		by->why = "it keeps no text";
		return 404;
	}
	if (line_get_u64(l, "line", &line) != 0 || line == 0)
		return 400;
	if (newest(c, &last) != 0)
		return 503;
	/* The router may have told him first. */
	if (line > last) {
		by->why = "no line of this number is kept yet";
		return 409;
	}
	if (line <= m->reading)
		return 200;
	return receipt_store(m, line) != 0 ? 503 : 200;
}

void
receipt_left(struct member *m)
{
	struct conference *c = m->conf;
	struct focus *f = c->focus;
	int r;

	if (m->reading == 0)
		return;
	m->reading = m->read = 0;
	if ((r = commit_begin(f)) != 0 ||
	    (r = receipt_rm(f->s->db, c->row.id, m->user)) != 0)
		log_error("receipt.left", "conf=%s user=%s why=%s",
		    log_quote(c->row.name), log_quote(m->user),
		    log_quote(sec_strerror(r)));
}

/* The lines are gone, and what was said of them. */
static void
receipts_dropped(struct focus *f, uint64_t conf, int err)
{
	struct conference *c = conf_find_id(f, conf);
	struct member *m;

	if (c == NULL || err != 0)
		return;
	c->newest = 0;
	TAILQ_FOREACH(m, &c->member_list, entry) {
		if (m->reading == 0)
			continue;
		m->reading = m->read = 0;
		deal_marks(m);
	}
}

void
receipts_drop(struct conference *c)
{
	commit_then(c->focus, receipts_dropped, c->row.id);
}

/* --- after a restart --- */

static int
load_receipt(void *arg, uint64_t conf, const char *user, uint64_t line)
{
	struct conference *c = conf_find_id(arg, conf);
	struct member *m = c != NULL ? conf_member(c, user) : NULL;

	if (m != NULL)
		m->reading = m->read = line;
	return 0;
}

int
receipts_load(struct focus *f)
{
	return receipt_each(f->s->db, load_receipt, f);
}
