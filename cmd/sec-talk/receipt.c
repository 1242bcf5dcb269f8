/* How far I have read, told to the conference by my agent. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include "receipt.h"

#define TELL_MS	 1000 /* lines of this time share one mark */
#define AGAIN_MS 5000 /* after a refusal that may pass */
#define LAST_MS	 2000 /* for the last one, at the end */

struct receipts {
	struct ctl_client *a; /* NULL: it has gone */
	char conf[AGENT_CONF_MAX];
	int64_t shown, asked, told; /* lines */
	int asking; /* a call runs */
	int64_t due; /* mono ms, 0: nothing is */
};

int
receipts_open(struct receipts **out, struct cli *c, const char *conf)
{
	struct receipts *r;
	int e;

	*out = NULL;
	if (cli_flag(c, "receipts") == 0)
		return 0;
	r = mem_new(sizeof(*r));
	text_copy(r->conf, conf, sizeof(r->conf));
	if ((e = agent_open(c, &r->a)) != 0) {
		free(r);
		return e;
	}
	*out = r;
	return 0;
}

static void
lost(struct receipts *r)
{
	ctl_client_close(r->a);
	r->a = NULL;
	r->asking = 0;
	r->due = 0;
}

/* More lines were shown meanwhile, or this one is to be told again. */
static void
next_in(struct receipts *r, int64_t ms)
{
	r->due = r->shown != r->told ? clock_mono() + ms : 0;
}

void
receipts_shown(struct receipts *r, int64_t line)
{
	if (r == NULL || r->a == NULL || line <= 0)
		return;
	r->shown = line;
	if (!r->asking && r->due == 0)
		next_in(r, TELL_MS);
}

int
receipts_fd(const struct receipts *r)
{
	return r != NULL && r->a != NULL ? ctl_client_fd(r->a) : -1;
}

int64_t
receipts_due(const struct receipts *r)
{
	return r != NULL ? r->due : 0;
}

static void
tell(struct receipts *r)
{
	struct buf *b = ctl_client_begin(r->a, "read");

	line_put(b, "conf", r->conf);
	line_put_u64(b, "line", (uint64_t)r->shown);
	r->due = 0;
	r->asking = 1;
	r->asked = r->shown;
	if (ctl_client_send(r->a, -1) != 0)
		lost(r);
}

/* The answer, within ms. */
static void
take(struct receipts *r, int64_t ms)
{
	struct line l;
	int e, code;

	do
		e = ctl_client_next(r->a, &l, ms);
	while (e == 1);
	/* It still has that of the last call when none runs. */
	code = r->asking ? ctl_client_code(r->a) : 0;
	if (e != 0 && code == 0) {
		if (e != SEC_ERR_TIMEOUT &&
		    (e != SEC_ERR_SYS || errno != EINTR))
			lost(r);
		return;
	}
	r->asking = 0;
	/* 409: the controller has that line in a moment; 503: it is away. */
	if (e == 0 || (code != 409 && code != 503))
		r->told = r->asked;
	next_in(r, e == 0 ? TELL_MS : AGAIN_MS);
}

void
receipts_turn(struct receipts *r)
{
	if (r == NULL || r->a == NULL)
		return;
	/* Nothing is asked: only its end can have come. */
	take(r, 0);
	if (r->a != NULL && r->due > 0 && clock_mono() >= r->due)
		tell(r);
}

void
receipts_close(struct receipts *r)
{
	if (r == NULL)
		return;
	if (r->asking)
		take(r, LAST_MS);
	if (r->a != NULL && !r->asking && r->shown != r->told) {
		tell(r);
		if (r->a != NULL)
			take(r, LAST_MS);
	}
	ctl_client_close(r->a);
	free(r);
}
