/* sec-mcu: voice routing (124). A table of contents. */

#include <stdlib.h>

#include "base/err.h"
#include "base/text.h"

#include "mcu.h"

/* No client speaks SIP here: members come by the controller's deal. */
static const struct sip_method methods[] = {
	{ NULL, 0, NULL },
};

static int
mcu_open(struct service *s)
{
	struct mcu *m;

	if ((m = calloc(1, sizeof *m)) == NULL)
		return SEC_ERR_SYS;
	m->s = s;
	s->priv = m;
	members_open(m); /* members.c */
	if (forward_open(m) != 0) /* forward.c */
		return SEC_ERR_SYS;
	timer_init(&m->sweep, s->loop, report_sweep, m); /* report.c */
	timer_set(&m->sweep, SWEEP_MS);
	return s->udp != -1 ? arrive_open(m) : 0; /* arrive.c */
}

static void
mcu_close(struct service *s)
{
	struct mcu *m = s->priv;

	if (m == NULL)
		return;
	timer_cancel(&m->sweep);
	dealt_free(s->dealt);
	arrive_close(m);
	forward_close(m);
	free(m);
	s->priv = NULL;
}

static int
mcu_busy(struct service *s)
{
	return (int)dealt_rooms(s->dealt);
}

static void
mcu_drain(struct service *s, int on)
{
	(void)on;
	dealt_load(s->dealt);
}

static int
mcu_health(struct service *s, struct buf *words)
{
	size_t rooms = dealt_rooms(s->dealt), devices = dealt_devices(s->dealt);

	buf_putf(words, "%zu conference%s, %zu device%s", rooms,
	    text_plural(rooms), devices, text_plural(devices));
	return 0;
}

static void
mcu_link_up(struct service *s, int number, struct ctl_peer *p)
{
	struct dealt_room *r;
	size_t i;

	(void)p;
	if (number != 1)
		return;
	for (i = 0; (r = dealt_room_next(s->dealt, &i)) != NULL;)
		report_anew((struct room *)r);
	dealt_link_up(s->dealt);
}

static const char *const asks[] = { "conferences", "streams", NULL };

static const struct service_def def = {
	.prog = "sec-mcu",
	.role = "mcu",
	.port = 7323,
	.takes_udp = 1,
	.max = MCU_DEVICES,
	.methods = methods,
	.verbs = report_verbs,
	.open = mcu_open,
	.close = mcu_close,
	.busy = mcu_busy,
	.drain = mcu_drain,
	.health = mcu_health,
	.status = report_status,
	.link_up = mcu_link_up,
	.asks = asks,
};

int
main(int argc, char **argv)
{
	return service_main(&def, argc, argv);
}
