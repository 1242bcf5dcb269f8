/* Names of attached files. */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#include "wire/filename.h"

static int
may_stand(uint32_t c)
{
	return c != '/' && c != 0xfffd && !text_is_unsafe(c);
}

int
filename_is(const char *s)
{
	size_t n = strlen(s), i;
	uint32_t c;
	int k;

	if (n == 0 || n >= FILENAME_SIZE || strchr(".- ", s[0]) != NULL ||
	    s[n - 1] == ' ')
		return 0;
	for (i = 0; i < n; i += (size_t)k)
		if ((k = text_decode(s + i, n - i, &c)) < 0 || !may_stand(c))
			return 0;
	return 1;
}

/* The last part of a path: dir/a/ is a. */
static const char *
last_part(const char *path, size_t *n)
{
	const char *p = path + strlen(path), *end;

	while (p > path && p[-1] == '/')
		p--;
	for (end = p; p > path && p[-1] != '/'; p--)
		;
	*n = (size_t)(end - p);
	return p;
}

void
filename_of(char out[FILENAME_SIZE], const char *path)
{
	struct buf b = BUF_INIT;
	const char *s;
	size_t n, i, len;
	uint32_t c;
	int k;

	s = last_part(path, &n);
	for (i = 0; i < n; i += (size_t)(k < 0 ? -k : k)) {
		k = text_decode(s + i, n - i, &c);
		if (k > 0 && may_stand(c))
			buf_put(&b, s + i, (size_t)k);
		else
			buf_put_u8(&b, '_');
	}
	len = text_cut((const char *)buf_data(&b), buf_len(&b),
	    FILENAME_SIZE - 1);
	if (len > 0)
		memcpy(out, buf_data(&b), len);
	else
		out[len++] = '_';
	out[len] = '\0';
	if (strchr(".- ", out[0]) != NULL)
		out[0] = '_';
	if (out[len - 1] == ' ')
		out[len - 1] = '_';
	buf_free(&b);
}
