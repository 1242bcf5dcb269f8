/*
 * Names of people as operands; `-` is one per line on standard input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/agent.h"
#include "cli/emit.h"
#include "client_verbs.h"

static void
read_names(void (*add)(void *arg, const char *name), void *arg)
{
	char *s = NULL, *name;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&s, &cap, stdin)) > 0) {
		while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
			s[--n] = '\0';
		for (name = s; *name == ' ' || *name == '\t'; name++)
			;
		if (*name != '\0')
			add(arg, name);
	}
	free(s);
}

void
names_each(char **names, void (*add)(void *arg, const char *name), void *arg)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, "-") == 0)
			read_names(add, arg);
		else
			add(arg, *names);
}

void
names_put(const struct ctl_client *a, const char *users, struct buf *b)
{
	char uri[AGENT_CONF_MAX], name[AGENT_SHORT_MAX];
	size_t n;

	for (; *users != '\0'; users += n + (users[n] == ',')) {
		n = strcspn(users, ",");
		text_copy(uri, users, n < sizeof(uri) ? n + 1 : sizeof(uri));
		agent_short(a, name, uri, 0);
		emit_put_visible(b, name);
		if (users[n] == ',')
			buf_put_str(b, ", ");
	}
}
