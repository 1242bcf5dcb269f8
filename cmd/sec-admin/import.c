/*
 * user import: a file of people, CSV or LDIF, into the directory; all of it
 * or nothing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include "admin.h"
#include "import.h"

#define FILE_MAX   (256u << 20)
#define ERRORS_MAX 20 /* that are told */

void
intake_error(struct intake *in, unsigned line, const char *fmt, ...)
{
	char words[256], at[320];
	struct buf b = BUF_INIT;
	va_list ap;

	if (in->errors++ >= ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	emit_put_visible(&b, words);
	emit_error(cli_mode(in->c), SEC_ERR_DATA, "%s: %s",
	    intake_at(in, line, at), buf_cstr(&b));
	buf_free(&b);
}

char *
intake_at(const struct intake *in, unsigned line, char out[320])
{
	const char *slash = strrchr(in->file, '/');

	snprintf(out, 320, "%.250s:%u", slash != NULL ? slash + 1 : in->file,
	    line);
	return out;
}

static void
keep_user(struct intake *in, const char *user)
{
	if (in->nusers == in->cap) {
		in->cap = in->cap > 0 ? 2 * in->cap : 256;
		in->users =
		    reallocarray(in->users, in->cap, sizeof(*in->users));
	}
	if (in->users == NULL ||
	    (in->users[in->nusers++] = strdup(user)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
}

int
intake_person(struct intake *in, unsigned line, struct dir_person *p)
{
	char at[320];

	if (in->errors > 0)
		return 0;
	load_names(p);
	if (in->is_kept)
		keep_user(in, p->user);
	return load_person(in->load, p, intake_at(in, line, at));
}

/* --- the file --- */

/* 0 or an exit code after saying why. */
static int
read_all(struct cli *c, const char *file, struct buf *out)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
	uint8_t *p;
	size_t n;

	if (f == NULL)
		return emit_error(cli_mode(c), SEC_ERR_NOTHING, "%s: %s", file,
		    strerror(errno));
	do {
		if ((p = buf_reserve(out, 65536)) == NULL)
			break;
		n = fread(p, 1, 65536, f);
		buf_commit(out, n);
	} while (n > 0 && buf_len(out) <= FILE_MAX);
	n = (size_t)ferror(f);
	if (f != stdin)
		fclose(f);
	if (n != 0)
		return emit_error(cli_mode(c), SEC_ERR_DISK,
		    "%s: cannot be read", file);
	if (buf_error(out) != 0 || buf_len(out) > FILE_MAX)
		return emit_error(cli_mode(c), SEC_ERR_DATA,
		    "%s: more than 256 MiB", file);
	return 0;
}

/* LDIF begins with `dn:` or `version:`, behind comments. */
static int
is_ldif(const char *p, size_t n)
{
	const char *end = p + n, *nl;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end && (*p == '#' || *p == '\n' || *p == '\r')) {
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl != NULL ? nl + 1 : end;
	}
	n = (size_t)(end - p);
	return (n > 3 && strncasecmp(p, "dn:", 3) == 0) ||
	    (n > 8 && strncasecmp(p, "version:", 8) == 0);
}

/* --- what was done --- */

static void
summary(struct intake *in, const struct loaded *n, int dry)
{
	unsigned long long people = n->added + n->changed;
	struct buf b = BUF_INIT;
	struct json j;

	switch (cli_mode(in->c)) {
	case EMIT_JSON:
		json_begin(&j);
		json_int(&j, "people", (int64_t)people);
		json_int(&j, "added", (int64_t)n->added);
		json_int(&j, "changed", (int64_t)n->changed);
		json_int(&j, "orgs", (int64_t)n->orgs);
		json_int(&j, "groups", (int64_t)n->groups);
		json_int(&j, "skipped", in->skipped);
		json_bool(&j, "dry_run", dry);
		json_end(&j, STDOUT_FILENO);
		break;
	case EMIT_TABLE:
		buf_putf(&b, "%s%llu %s, %llu new, %llu changed",
		    dry ? "would import " : "", people,
		    people == 1 ? "person" : "people",
		    (unsigned long long)n->added,
		    (unsigned long long)n->changed);
		if (n->orgs > 0)
			buf_putf(&b, "; %llu organisation%s",
			    (unsigned long long)n->orgs, text_plural(n->orgs));
		if (n->groups > 0)
			buf_putf(&b, "; %llu group%s",
			    (unsigned long long)n->groups,
			    text_plural(n->groups));
		if (in->skipped > 0)
			buf_putf(&b, "; %u entries passed over", in->skipped);
		emit_line("%s", buf_cstr(&b));
		buf_free(&b);
		break;
	case EMIT_QUIET: break;
	}
}

/* 0, or an exit code after saying why. */
static int
take(struct intake *in, int dry)
{
	char why[640];
	struct loaded n;
	int r;

	if ((r = load_open(&in->load, dry, why, sizeof(why))) != 0)
		return emit_error(cli_mode(in->c), r, "%s", why);
	r = is_ldif(in->text, in->n) ? intake_ldif(in) : intake_csv(in);
	if (in->errors > ERRORS_MAX)
		emit_note(cli_mode(in->c), "and %u more",
		    in->errors - ERRORS_MAX);
	if (in->errors > 0)
		return sec_err_exit(SEC_ERR_DATA);
	if (r != 0 || (r = load_end(in->load, &n)) != 0)
		/* What sec-pal will not have is the file's fault. */
		return emit_error(cli_mode(in->c),
		    r == SEC_ERR_NO ? SEC_ERR_DATA : r, "%s",
		    load_why(in->load));
	summary(in, &n, dry);
	return 0;
}

int
import_file(struct cli *c, const char *file,
    int (*each)(struct cli *c, const char *user))
{
	int dry = cli_flag(c, "dry-run"), r;
	struct intake in = { .c = c, .file = file, .is_kept = each && !dry };
	struct buf text = BUF_INIT;
	size_t i;

	if ((r = read_all(c, file, &text)) == 0) {
		in.text = (const char *)buf_data(&text);
		in.n = buf_len(&text);
		r = take(&in, dry);
		load_close(in.load);
	}
	for (i = 0; i < in.nusers; i++) {
		if (r == 0)
			r = each(c, in.users[i]);
		free(in.users[i]);
	}
	free(in.users);
	buf_free(&text);
	return r;
}
