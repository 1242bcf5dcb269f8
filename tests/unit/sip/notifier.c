/*
 * NOTIFYs of one subscription, printed once (S062, S120): two stacks in one
 * process, over a socketpair.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

#include "sip/event.h"
#include "sip/notifier.h"

#include "../test.h"

static struct loop *l;
static char seen[1024], answers[128];
static uint32_t cseq;

static void
on_notify(void *ctx, struct sip_txn *t, const struct sip_msg *m)
{
	(void)ctx;
	cseq = m->cseq;
	snprintf(seen, sizeof seen, "%s %s;%s %s;%s %s %s %s %s %.*s", m->uri,
	    m->from, m->from_tag, m->to, m->to_tag, m->call_id, m->event,
	    m->sub_state, m->content_type, (int)m->bodylen,
	    m->body != NULL ? (const char *)m->body : "");
	sip_answer_status(t, m->cseq == 12 ? 481 : 200);
}

static const struct sip_method methods[] = {
	{ "NOTIFY", NEED_SERVER, on_notify },
	{ NULL, 0, NULL },
};

static void
on_status(void *ctx, uint64_t cookie, int status)
{
	size_t n = strlen(answers);

	(void)ctx;
	snprintf(answers + n, sizeof answers - n, "%d:%d ", (int)cookie,
	    status);
}

static const struct stream_ops no_ops = { NULL, NULL, NULL };

static struct sip_conn *
conn_on(struct sip_stack *s, int fd, unsigned proof)
{
	struct sip_peer peer = { .proof = proof, .user = "alice" };
	struct sip_conn *c = sip_conn_new(s, &peer);
	struct stream *str;

	str = stream_new(l, fd, 65536, 65536, &no_ops, NULL);
	sip_conn_attach(c,
	    channel_plain(l, str, sip_frame, &sip_channel_ops, c));
	return c;
}

int
main(void)
{
	struct dialog d = { .call_id = "abc@x",
		.local_tag = "us",
		.remote_tag = "them",
		.local_uri = "sip:alice@lab.test",
		.remote_uri = "sip:alice@lab.test",
		.target = "sip:alice@01020304.invalid",
		.local_cseq = 10 };
	struct sip_stack *pal, *agent;
	struct buf body = BUF_INIT;
	struct notifier *n;
	struct sip_conn *c;
	int sv[2], i;

	l = loop_new();
	pal = sip_stack_new(l, NULL, NULL, NULL);
	agent = sip_stack_new(l, methods, NULL, NULL);
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	c = conn_on(pal, sv[0], NEED_SESSION);
	conn_on(agent, sv[1], NEED_SERVER);
	loop_turn(l, 0);

	n = notifier_new(&d, EVENT_PRESENCE, EVENT_PAL_TYPE);
	T(n != NULL);
	T_INT(d.local_cseq, 10);
	buf_put_str(&body, "doc\n");
	T(notifier_send(n, &d, c, 59, &body, on_status, NULL, 1) != 0);
	for (i = 0; i < 1000 && answers[0] == '\0'; i++)
		loop_turn(l, 10);
	T_STR(answers, "1:200 ");
	T_INT(cseq, 11);
	T_STR(seen,
	    "sip:alice@01020304.invalid sip:alice@lab.test;us "
	    "sip:alice@lab.test;them abc@x presence active;expires=59 "
	    "application/sec-pal doc\n");

	/* The next number; what is left of the time is never below 0. */
	buf_reset(&body);
	T(notifier_send(n, &d, c, -3, &body, on_status, NULL, 2) != 0);
	for (i = 0; i < 1000 && strcmp(answers, "1:200 ") == 0; i++)
		loop_turn(l, 10);
	T_STR(answers, "1:200 2:481 ");
	T(strstr(seen, " active;expires=0 ") != NULL);
	T_INT(cseq, 12);
	notifier_free(n);
	notifier_free(NULL);

	/* Nothing that would add a line to a message. */
	snprintf(d.target, sizeof d.target, "sip:x>\r\nEvil: y");
	T(notifier_new(&d, EVENT_PRESENCE, EVENT_PAL_TYPE) == NULL);

	/* A connection that has gone. */
	snprintf(d.target, sizeof d.target, "sip:x@y");
	n = notifier_new(&d, EVENT_PRESENCE, EVENT_PAL_TYPE);
	sip_conn_close(c, 0);
	T_INT(notifier_send(n, &d, c, 1, &body, on_status, NULL, 3), 0);
	notifier_free(n);
	buf_free(&body);
	sip_stack_free(pal);
	sip_stack_free(agent);
	loop_turn(l, 0);
	loop_free(l);
	return t_done();
}
