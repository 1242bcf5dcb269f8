/* A ring of events, the newest in the place of the oldest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/proc.h"
#include "ua/ring.h"

struct ring {
	char name[RING_NAMELEN];
	size_t max;
	uint64_t last;
	struct ring_event *event; /* number n is at n % max */
};

struct ring *
ring_new(size_t max)
{
	struct ring *r = mem_new(sizeof(*r));
	uint64_t name;

	proc_random(&name, sizeof(name));
	snprintf(r->name, sizeof(r->name), "%016llx", (unsigned long long)name);
	r->max = max;
	r->event = mem_need(calloc(max, sizeof(*r->event)));
	return r;
}

static void
forget(struct ring_event *e)
{
	free((void *)(uintptr_t)e->fields);
	e->fields = NULL;
}

void
ring_free(struct ring *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->max; i++)
		forget(&r->event[i]);
	free(r->event);
	free(r);
}

const char *
ring_name(const struct ring *r)
{
	return r->name;
}

uint64_t
ring_add(struct ring *r, int64_t time, const char *fields)
{
	struct ring_event *e;

	e = &r->event[++r->last % r->max];
	forget(e);
	e->seq = r->last;
	e->time = time;
	e->fields = mem_need(strdup(fields));
	return r->last;
}

uint64_t
ring_last(const struct ring *r)
{
	return r->last;
}

const struct ring_event *
ring_get(const struct ring *r, uint64_t seq)
{
	const struct ring_event *e = &r->event[seq % r->max];

	return seq != 0 && e->fields != NULL && e->seq == seq ? e : NULL;
}

int
ring_since(const struct ring *r, const char *name, uint64_t since,
    uint64_t *next, uint64_t *from, uint64_t *to)
{
	uint64_t first = r->last > r->max ? r->last - r->max + 1 : 1;

	if ((name != NULL && *name != '\0' && strcmp(name, r->name) != 0) ||
	    since > r->last) {
		/* A mark of another life: all that it may have missed. */
		*next = r->last + 1;
		*from = since + 1;
		*to = r->last;
		return 1;
	}
	*next = since + 1;
	if (since + 1 >= first)
		return 0;
	*next = first;
	*from = since + 1;
	*to = first - 1;
	return 1;
}
