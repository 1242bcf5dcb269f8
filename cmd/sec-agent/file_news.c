/*
 * file_news: somebody has attached a file to a conference of mine, or
 * detached one, as the controller says.
 */
#include <string.h>

#include "agent.h"

void
file_news(struct conf_in *c, const struct line *l)
{
	static const char *const fields[] = { "size", "sha256", "user" };
	const char *what = line_get_or(l, "what", "");
	const char *name = line_get_or(l, "name", "");
	int added = strcmp(what, "attached") == 0;
	struct buf *b;
	size_t i;

	if (c->state != CONF_OPEN || (!added && strcmp(what, "detached") != 0))
		return;
	b = event_begin(c->a, added ? "file.add" : "file.rm");
	line_put(b, "conf", c->uri);
	line_put(b, "file", name);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		line_put(b, fields[i], line_get(l, fields[i]));
	event_end(c->a);
	conf_notice(c, what, line_get(l, "user"), name);
}
