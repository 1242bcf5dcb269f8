/*
 * Plaintext of a text message (SECURITY.md 3.6):
 *  0 2 type (1 text, 2 file, 3 edit)
 *  2 4 numbers before it that are no text
 *  6 4 q of the user addressed, 0 = all
 * 10 n UTF-8, n <= 16384
 */
#include "base/err.h"
#include "base/text.h"
#include "wire/message.h"

int
message_encode(struct buf *out, const struct message *m)
{
	if (m->n > MESSAGE_MAX)
		return SEC_ERR_LIMIT;
	if (!text_is_utf8(m->text, m->n))
		return SEC_ERR_FORMAT;
	buf_put_be16(out, m->type);
	buf_put_be32(out, m->skipped);
	buf_put_be32(out, m->to);
	buf_put(out, m->text, m->n);
	return buf_error(out);
}

int
message_decode(struct message *m, const uint8_t *p, size_t n)
{
	uint16_t type;

	if (n < MESSAGE_HEAD)
		return SEC_ERR_FORMAT;
	type = get_be16(p);
	if (type < MESSAGE_TEXT || type > MESSAGE_EDIT)
		return SEC_ERR_VERSION;
	if (n > MESSAGE_HEAD + MESSAGE_MAX)
		return SEC_ERR_LIMIT;
	if (!text_is_utf8(p + MESSAGE_HEAD, n - MESSAGE_HEAD))
		return SEC_ERR_FORMAT;
	m->type = type;
	m->skipped = get_be32(p + 2);
	m->to = get_be32(p + 6);
	m->text = (const char *)p + MESSAGE_HEAD;
	m->n = n - MESSAGE_HEAD;
	return 0;
}
