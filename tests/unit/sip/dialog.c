/* Dialogs (S049; RFC 3261 12). */
#include <string.h>

#include "base/err.h"
#include "sip/dialog.h"

#include "../test.h"

static void
request(struct sip_msg *m)
{
	sip_msg_init(m);
	m->method = "INVITE";
	m->uri = "sip:standup@conf.example.org";
	m->from = "sip:alice@example.org";
	m->from_tag = "fa";
	m->to = "sip:standup@conf.example.org";
	m->call_id = "call1";
	m->cseq = 5;
	m->contact = "sip:alice@00000001.invalid";
}

static void
test_both_sides(void)
{
	struct dialog uas, uac;
	struct sip_msg req, answer, bye;
	char key[176];

	request(&req);
	T_INT(dialog_from_request(&uas, &req, "tb"), 0);
	T_STR(uas.target, "sip:alice@00000001.invalid");
	T_STR(uas.local_uri, req.to);
	T_STR(uas.remote_uri, req.from);
	T_STR(uas.local_tag, "tb");
	T_STR(uas.remote_tag, "fa");
	T_INT(uas.remote_cseq, 5);

	answer = req;
	answer.status = 200;
	answer.to_tag = "tb";
	answer.contact = "sip:ctl@host";
	T_INT(dialog_from_answer(&uac, &req, &answer), 0);
	T_STR(uac.target, "sip:ctl@host");
	T_STR(uac.local_tag, "fa");
	T_INT(uac.local_cseq, 5);
	T_STR(dialog_key(key, uac.call_id, uac.local_tag), "call1\nfa");

	/* ACK has the INVITE's number, the next request a higher one. */
	sip_msg_init(&bye);
	dialog_ack(&uac, &bye, 5);
	T_STR(bye.method, "ACK");
	T_INT(bye.cseq, 5);
	T_INT(dialog_check(&uas, &bye), 0);
	T_INT(uas.remote_cseq, 5);
	sip_msg_init(&bye);
	bye.body = "kept";
	bye.bodylen = 4;
	dialog_request(&uac, &bye, "BYE");
	T_INT(bye.cseq, 6);
	T_STR(bye.uri, "sip:ctl@host");
	T_STR(bye.to_tag, "tb");
	T_INT(bye.bodylen, 4);
	T_INT(dialog_check(&uas, &bye), 0);
	T_INT(uas.remote_cseq, 6);
	T_INT(dialog_check(&uas, &bye), SEC_ERR_REPLAY);
	bye.cseq = 3;
	T_INT(dialog_check(&uas, &bye), SEC_ERR_REPLAY);
	bye.cseq = 9;
	bye.from_tag = "other";
	T_INT(dialog_check(&uas, &bye), SEC_ERR_NOTHING);
	bye.from_tag = NULL;
	T_INT(dialog_check(&uas, &bye), SEC_ERR_NOTHING);
	bye.from_tag = "fa";
	bye.call_id = "call2";
	T_INT(dialog_check(&uas, &bye), SEC_ERR_NOTHING);
	bye.call_id = "call1";
	bye.to_tag = NULL;
	T_INT(dialog_check(&uas, &bye), SEC_ERR_NOTHING);

	/* The other direction starts its own numbers. */
	sip_msg_init(&bye);
	dialog_request(&uas, &bye, "INFO");
	T_INT(bye.cseq, 1);
	T_STR(bye.uri, "sip:alice@00000001.invalid");
	T_STR(bye.from, "sip:standup@conf.example.org");
	T_INT(dialog_check(&uac, &bye), 0);
	T_INT(dialog_check(&uac, &bye), SEC_ERR_REPLAY);
}

static void
test_refused(void)
{
	char longone[300];
	struct sip_msg req;
	struct dialog d;

	memset(longone, 'a', sizeof(longone) - 1);
	longone[sizeof(longone) - 1] = '\0';
	memset(&d, 0x55, sizeof(d));
	request(&req);
	req.call_id = longone;
	T_INT(dialog_from_request(&d, &req, "t"), SEC_ERR_LIMIT);
	T_INT(d.remote_cseq, 0x55555555); /* not written */
	request(&req);
	req.contact = longone;
	T_INT(dialog_from_request(&d, &req, "t"), SEC_ERR_LIMIT);
	request(&req);
	req.from_tag = NULL;
	T_INT(dialog_from_request(&d, &req, "t"), SEC_ERR_FORMAT);
	request(&req);
	T_INT(dialog_from_answer(&d, &req, &req), SEC_ERR_FORMAT);
	req.contact = NULL;
	T_INT(dialog_from_request(&d, &req, "t"), 0);
	T_STR(d.target, "sip:alice@example.org");
}

int
main(void)
{
	test_both_sides();
	test_refused();
	return t_done();
}
