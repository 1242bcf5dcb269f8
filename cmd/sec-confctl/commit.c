/*
 * commit: rows of one turn of the loop share one commit (synchronous FULL,
 * so one fsync), and answers that depend on them go out after it.
 */

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"

#include "focus.h"

struct commit_wait {
	commit_h cb;
	uint64_t id;
};

static void
commit_end(void *arg)
{
	struct focus *f = arg;
	struct commit_wait *w;
	size_t i, n;
	int r = f->commit_failed;

	f->commit_failed = 0;
	if (f->in_commit && r != 0)
		db_rollback(f->s->db);
	else if (f->in_commit && (r = db_commit(f->s->db)) != 0)
		log_error("db.commit", "file=conf.db why=%s",
		    log_quote(db_why(f->s->db)));
	f->in_commit = 0;
	if (r != 0)
		confs_rolled_back(f);
	f->commits++;
	w = f->waits;
	n = f->nwaits;
	f->waits = NULL;
	f->nwaits = f->capwaits = 0;
	for (i = 0; i < n; i++)
		w[i].cb(f, w[i].id, r);
	free(w);
}

int
commit_begin(struct focus *f)
{
	int r;

	if (f->commit_hook.cb == NULL)
		hook_init(&f->commit_hook, f->s->loop, commit_end, f);
	if (f->in_commit || f->commit_failed != 0)
		return f->commit_failed;
	if ((r = db_begin(f->s->db)) != 0) {
		log_error("db.begin", "file=conf.db why=%s",
		    log_quote(db_why(f->s->db)));
		/* Whoever waits for this turn's commit must hear of it. */
		f->commit_failed = r;
		hook_arm(&f->commit_hook);
		return r;
	}
	f->in_commit = 1;
	hook_arm(&f->commit_hook);
	return 0;
}

int
commit_fail(struct focus *f, int r)
{
	if (f->in_commit && f->commit_failed == 0) {
		log_error("db.write", "file=conf.db why=%s",
		    log_quote(db_why(f->s->db)));
		f->commit_failed = r;
	}
	return r;
}

void
commit_then(struct focus *f, commit_h cb, uint64_t id)
{
	struct commit_wait *grown;

	if (f->commit_hook.cb == NULL)
		hook_init(&f->commit_hook, f->s->loop, commit_end, f);
	if (f->nwaits == f->capwaits) {
		size_t cap = f->capwaits ? f->capwaits * 2 : 16;

		grown = reallocarray(f->waits, cap, sizeof *grown);
		if (grown == NULL) {
			cb(f, id, SEC_ERR_LIMIT);
			return;
		}
		f->waits = grown;
		f->capwaits = cap;
	}
	f->waits[f->nwaits].cb = cb;
	f->waits[f->nwaits++].id = id;
	hook_arm(&f->commit_hook);
}

void
commit_answer(struct focus *f, uint64_t id, int err)
{
	struct sip_txn *txn = sip_txn_find(f->s->sip, id);

	if (txn != NULL)
		sip_answer_status(txn, err != 0 ? sec_err_sip(err) : 200);
}

void
commit_now(struct focus *f)
{
	if (f->commit_hook.cb != NULL) {
		hook_cancel(&f->commit_hook);
		commit_end(f);
	}
}
