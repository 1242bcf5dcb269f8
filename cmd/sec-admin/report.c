/*
 * What init, check and health say: one line per thing, ok or WARN. With -q
 * only the names of those with a WARN.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

#include "admin.h"

struct report {
	enum emit_mode mode;
	struct table *table;
	int warned;
};

struct report *
report_new(struct cli *c)
{
	static const char *const columns[] = { "WHAT", "STATE", "" };
	struct report *r = calloc(1, sizeof(*r));

	if (r == NULL)
		die(10, "no memory");
	r->mode = cli_mode(c);
	if (r->mode == EMIT_TABLE)
		r->table = table_new(columns, 3);
	return r;
}

void
report_line(struct report *r, const char *name, int warn, const char *fmt, ...)
{
	char words[1024];
	struct json j;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	r->warned |= warn;
	switch (r->mode) {
	case EMIT_TABLE:
		table_cell(r->table, name);
		table_cell(r->table, warn ? "WARN" : "ok");
		table_cell(r->table, words);
		break;
	case EMIT_QUIET:
		if (warn)
			emit_line("%s", name);
		break;
	case EMIT_JSON:
		json_begin(&j);
		json_str(&j, "service", name);
		json_str(&j, "status", warn ? "WARN" : "ok");
		json_str(&j, "message", words);
		json_end(&j, STDOUT_FILENO);
		break;
	}
}

int
report_end(struct report *r)
{
	int warned = r->warned;

	if (r->table != NULL)
		table_print(r->table, STDOUT_FILENO);
	free(r);
	return warned ? sec_err_exit(SEC_ERR_NO) : 0;
}
