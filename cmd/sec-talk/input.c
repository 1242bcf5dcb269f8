/* Standard input as messages. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/message.h"

#include "input.h"

#define READ_SIZE 65536

/* Move what is complete from raw to text; what is no UTF-8 becomes U+FFFD,
 * and so does NUL where it ends nothing. */
static void
clean(struct input *in)
{
	const uint8_t *p;
	uint32_t c;
	size_t n;
	int k;

	while ((n = buf_len(&in->raw)) > 0) {
		p = buf_data(&in->raw);
		k = text_decode(p, n, &c);
		/* Perhaps its rest has not been read yet. */
		if (k < 0 && n < 4 && (size_t)-k == n && !in->eof)
			break;
		if (k < 0 || (c == 0 && in->mode != INPUT_NULS))
			buf_put(&in->text, "\xef\xbf\xbd", 3);
		else
			buf_put(&in->text, p, (size_t)k);
		buf_consume(&in->raw, (size_t)(k < 0 ? -k : k));
	}
}

int
input_read(struct input *in)
{
	uint8_t *p;
	ssize_t n;

	if ((p = buf_reserve(&in->raw, READ_SIZE)) == NULL)
		return SEC_ERR_LIMIT;
	while ((n = read(in->fd, p, READ_SIZE)) == -1 && errno == EINTR)
		;
	if (n == -1)
		return errno == EAGAIN ? 0 : SEC_ERR_SYS;
	buf_commit(&in->raw, (size_t)n);
	in->eof = n == 0;
	clean(in);
	return in->eof ? SEC_ERR_CLOSED : 0;
}

static const char *
find_end(const struct input *in, const char *s, size_t n)
{
	switch (in->mode) {
	case INPUT_LINES: return memchr(s, '\n', n);
	case INPUT_NULS: return memchr(s, '\0', n);
	case INPUT_WHOLE: break;
	}
	return NULL;
}

/* Where a message that is too long is cut: behind a line, else behind a
 * character. *skip is the newline that the cut replaces. */
static size_t
cut(const char *s, size_t n, size_t *skip)
{
	const char *lf = memrchr(s, '\n', MESSAGE_MAX + 1);

	*skip = lf != NULL && lf > s;
	return *skip ? (size_t)(lf - s) : text_cut(s, n, MESSAGE_MAX);
}

int
input_next(struct input *in, struct buf *out, int *first_part)
{
	const char *s = (const char *)buf_data(&in->text), *end;
	size_t n = buf_len(&in->text), len = n, skip = 0;

	*first_part = 0;
	if (n == 0)
		return 0;
	if ((end = find_end(in, s, n)) != NULL) {
		len = (size_t)(end - s);
		skip = 1;
	} else if (in->eof && in->mode == INPUT_WHOLE && s[n - 1] == '\n') {
		len = n - 1;
		skip = 1;
	}
	if (len > MESSAGE_MAX) {
		len = cut(s, len, &skip);
		*first_part = !in->split;
		in->split = 1;
	} else if (end == NULL && !in->eof)
		return 0;
	else
		in->split = 0;
	buf_reset(out);
	buf_put(out, s, len);
	buf_consume(&in->text, len + skip);
	return 1;
}

void
input_free(struct input *in)
{
	buf_free(&in->raw);
	buf_free(&in->text);
}
