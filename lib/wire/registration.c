/*
 * Bodies of REGISTER and of its 200 (SECURITY.md 3.4).
 * request  0 4 "SR01" | 4 32 eC | 36 record (type 6, dir 0)
 * answer   0 4 "SR02" | 4 2 k | 6 k KRB_AP_REP | 6+k 32 eP |
 *          38+k record (type 6, dir 1)
 *          both records: key id 0, sequence 1, to the end of the body
 * session  0 32 Kc | 32 4 key id | 36 8 not_after | 44 8 server time |
 *          52 rows: control lines
 */
#include <string.h>

#include "base/err.h"
#include "wire/record.h"
#include "wire/registration.h"

#define SESSION_HEAD 52

/* The record must be the rest of the body, to the byte. */
static int
check_record(const uint8_t *p, size_t n, uint8_t dir)
{
	struct record r = { 0 };

	if (n < RECORD_HEAD + RECORD_TAG || record_decode(&r, p) != 0 ||
	    r.type != RECORD_REGISTER || r.dir != dir || r.keyid != 0 ||
	    r.seq != 1 || n != RECORD_HEAD + (size_t)r.n + RECORD_TAG)
		return SEC_ERR_FORMAT;
	return 0;
}

void
reg_request_encode(struct buf *out, const uint8_t ec[32], const void *record,
    size_t n)
{
	buf_put(out, "SR01", 4);
	buf_put(out, ec, 32);
	buf_put(out, record, n);
}

int
reg_request_decode(struct reg_request *r, const uint8_t *p, size_t n)
{
	if (n < 36 || memcmp(p, "SR01", 4) != 0 ||
	    check_record(p + 36, n - 36, 0) != 0)
		return SEC_ERR_FORMAT;
	memcpy(r->ec, p + 4, 32);
	r->record = p + 36;
	r->recordlen = n - 36;
	return 0;
}

void
reg_answer_encode(struct buf *out, const void *aprep, size_t aplen,
    const uint8_t ep[32], const void *record, size_t n)
{
	if (aplen > UINT16_MAX) {
		out->err = SEC_ERR_LIMIT;
		return;
	}
	buf_put(out, "SR02", 4);
	buf_put_be16(out, (uint16_t)aplen);
	buf_put(out, aprep, aplen);
	buf_put(out, ep, 32);
	buf_put(out, record, n);
}

int
reg_answer_decode(struct reg_answer *r, const uint8_t *p, size_t n)
{
	size_t head, aplen;

	if (n < 6 || memcmp(p, "SR02", 4) != 0)
		return SEC_ERR_FORMAT;
	aplen = get_be16(p + 4);
	head = 6 + aplen + 32;
	if (aplen == 0 || n < head || check_record(p + head, n - head, 1) != 0)
		return SEC_ERR_FORMAT;
	r->aprep = p + 6;
	r->apreplen = aplen;
	memcpy(r->ep, p + 6 + aplen, 32);
	r->record = p + head;
	r->recordlen = n - head;
	return 0;
}

void
reg_session_encode(struct buf *out, const struct reg_session *s)
{
	buf_put(out, secret_data(s->kc), 32);
	buf_put_be32(out, s->keyid);
	buf_put_be64(out, (uint64_t)s->not_after);
	buf_put_be64(out, (uint64_t)s->time);
	buf_put(out, s->rows, s->rowslen);
}

int
reg_session_decode(struct reg_session *s, const uint8_t *p, size_t n)
{
	if (n < SESSION_HEAD || n > RECORD_MAX ||
	    get_be64(p + 36) > INT64_MAX || get_be64(p + 44) > INT64_MAX)
		return SEC_ERR_FORMAT;
	s->keyid = get_be32(p + 32);
	s->not_after = (int64_t)get_be64(p + 36);
	s->time = (int64_t)get_be64(p + 44);
	s->rows = (const char *)p + SESSION_HEAD;
	s->rowslen = n - SESSION_HEAD;
	s->kc = secret_copy(p, 32);
	return 0;
}
