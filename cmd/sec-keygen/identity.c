/* init and add: an identity, and its line in the file servers. */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "ctl/epochs.h"
#include "wire/base64.h"

#include "verbs.h"

#define INPUT_MAX 65536

static const struct {
	const char *role, *user;
} users[] = {
	{ "gw", "sec-gwproxy" },
	{ "web", "sec-webproxy" },
};

/*
 * On a system's own places a key belongs to its daemon's user, if the
 * package has made that.
 */
static int
give_to_daemon(const struct server *s)
{
	char dir[PATH_LEN], path[PATH_LEN + 16], user[32];
	const struct passwd *pw;
	size_t i;

	if (geteuid() != 0 || getenv("SEC_DIR") != NULL)
		return 0;
	snprintf(user, sizeof(user), "sec-%s", s->role);
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (strcmp(users[i].role, s->role) == 0)
			text_copy(user, users[i].user, sizeof(user));
	if ((pw = getpwnam(user)) == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s/identity", path_keys(dir, s->name));
	if (chown(path, pw->pw_uid, pw->pw_gid) == -1 ||
	    chown(dir, pw->pw_uid, pw->pw_gid) == -1)
		return fail(SEC_ERR_SYS, "%s: %s", dir, strerror(errno));
	return 0;
}

/* NAME ROLE ADDR [NUMBER] as a line with a key that is not there yet. */
static int
parse_operands(const struct options *o, struct server *s)
{
	static const char nokey[] =
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	struct buf b = BUF_INIT;
	char why[160];
	int r;

	buf_putf(&b, "%s %s %s %s %s", o->argc > 3 ? o->argv[3] : "-",
	    o->argv[0], o->argv[1], o->argv[2], nokey);
	r = servers_parse_line(s, buf_cstr(&b), buf_len(&b), why, sizeof(why));
	buf_free(&b);
	return r == 0 ? 0 : usage_error("%s", why);
}

static void
print_server(const struct options *o, const struct server *s)
{
	struct buf b = BUF_INIT;
	struct json j;

	if (o->mode == EMIT_JSON) {
		base64_put(&b, s->pub, sizeof(s->pub));
		json_begin(&j);
		json_int(&j, "number", s->number);
		json_str(&j, "name", s->name);
		json_str(&j, "role", s->role);
		json_str(&j, "addr", s->addr);
		json_str(&j, "public", buf_cstr(&b));
		json_end(&j, 1);
	} else if (o->mode == EMIT_QUIET)
		emit_line("%s", s->name);
	else {
		servers_put_line(&b, s);
		emit_line("%s", buf_cstr(&b));
	}
	buf_free(&b);
}

int
verb_init(const struct options *o)
{
	struct server s;
	char why[400];
	int r;

	if ((r = parse_operands(o, &s)) != 0)
		return r;
	if ((r = epochs_init(s.name, s.pub, why, sizeof(why))) != 0)
		return fail(r, "%s", why);
	if ((r = give_to_daemon(&s)) != 0)
		return r;
	print_server(o, &s);
	return 0;
}

/* The number of a line that has none: one above the highest, else the
 * lowest that is free. */
static int
next_number(const struct servers *s)
{
	int i;

	if (s->n == 0)
		return 1;
	if (s->server[s->n - 1].number < SERVERS_MAX)
		return s->server[s->n - 1].number + 1;
	for (i = 1; i <= SERVERS_MAX; i++)
		if (servers_by_number(s, i) == NULL)
			return i;
	return 0;
}

/* Would this line be the file's second of its name or number? */
static int
check_new(const struct servers *s, const struct server *e)
{
	const struct server *old;

	if ((old = servers_by_name(s, e->name)) != NULL)
		return fail(SEC_ERR_NO, "%s is in servers already, number %d",
		    e->name, old->number);
	if ((old = servers_by_number(s, e->number)) != NULL)
		return fail(SEC_ERR_NO, "number %d is %s's already", e->number,
		    old->name);
	if (e->number == 0)
		return fail(SEC_ERR_NO, "servers is full");
	return 0;
}

/* One more line at the end of text; *s is what text says then. */
static int
append(struct buf *text, struct servers *s, const char *line, size_t n,
    struct server *e)
{
	char why[200];
	int r;

	if (servers_parse_line(e, line, n, why, sizeof(why)) != 0)
		return fail(SEC_ERR_FORMAT, "%s", why);
	if (e->number == 0)
		e->number = (uint8_t)next_number(s);
	if ((r = check_new(s, e)) != 0)
		return r;
	if (buf_len(text) > 0 && buf_data(text)[buf_len(text) - 1] != '\n')
		buf_put_u8(text, '\n');
	servers_put_line(text, e);
	buf_put_u8(text, '\n');
	if (servers_parse(s, buf_cstr(text), buf_len(text), why, sizeof(why)) !=
	    0)
		return fail(SEC_ERR_FORMAT, "%s", why);
	return 0;
}

/* Lines of the input in the form of the file. */
struct added {
	struct server server[SERVERS_MAX];
	size_t n;
};

/* Add every line of input to text. */
static int
add_lines(struct buf *text, struct servers *s, struct added *a,
    const char *input, size_t n)
{
	const char *end;
	size_t len;
	int r;

	for (; n > 0; input += len, n -= len) {
		end = memchr(input, '\n', n);
		len = end != NULL ? (size_t)(end - input) + 1 : n;
		if (len == 1 && *input == '\n')
			continue;
		if (a->n == SERVERS_MAX)
			return fail(SEC_ERR_NO, "servers is full");
		r = append(text, s, input, len, &a->server[a->n++]);
		if (r != 0)
			return r;
	}
	if (a->n == 0)
		return fail(SEC_ERR_FORMAT,
		    "no line on stdin; sec-keygen init prints one");
	return 0;
}

static int
read_input(char **text, size_t *n)
{
	struct buf b = BUF_INIT;
	uint8_t *p;
	ssize_t r = 1;

	while (r > 0 && buf_len(&b) <= INPUT_MAX) {
		if ((p = buf_reserve(&b, 4096)) == NULL)
			break;
		if ((r = read(0, p, 4096)) > 0)
			buf_commit(&b, (size_t)r);
	}
	if (r != 0)
		return fail(r < 0 ? SEC_ERR_SYS : SEC_ERR_LIMIT, "stdin: %s",
		    r < 0 ? strerror(errno) : "too long");
	*text = strdup(buf_cstr(&b));
	*n = buf_len(&b);
	buf_free(&b);
	return *text != NULL ? 0 : fail(SEC_ERR_SYS, "no memory");
}

/* Two `add` at once must not lose a line. */
static int
lock_dir(const char *path)
{
	char dir[PATH_LEN];
	char *slash;
	int fd;

	text_copy(dir, path, sizeof(dir));
	if ((slash = strrchr(dir, '/')) != NULL)
		*slash = '\0';
	(void)proc_mkdirs(dir, 0775);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1)
		(void)flock(fd, LOCK_EX);
	return fd;
}

static int
add_to_file(const char *path, struct added *a, const char *input, size_t n)
{
	struct servers s;
	struct buf text = BUF_INIT;
	char *old = NULL, why[320];
	size_t len;
	int r;

	memset(&s, 0, sizeof(s));
	r = proc_read_file(path, INPUT_MAX * 8, &old, &len);
	if (r == 0) {
		buf_put(&text, old, len);
		if (servers_parse(&s, old, len, why, sizeof(why)) != 0)
			r = fail(SEC_ERR_CONFIG, "%s: %s", path, why);
		free(old);
	} else if (r == SEC_ERR_NOTHING)
		r = 0;
	else
		r = fail(r, "%s: %s", path, strerror(errno));
	if (r == 0)
		r = add_lines(&text, &s, a, input, n);
	if (r == 0 &&
	    (r = proc_write_file(path, buf_data(&text), buf_len(&text),
		 0644)) != 0)
		r = fail(r, "%s: %s", path, strerror(errno));
	buf_free(&text);
	return r;
}

int
verb_add(const struct options *o)
{
	static struct added a;
	char path[PATH_LEN], *input = NULL;
	size_t i, n = 0;
	int fd, r;

	if ((r = read_input(&input, &n)) != 0)
		return r;
	fd = lock_dir(path_servers(path));
	r = add_to_file(path, &a, input, n);
	if (fd != -1)
		close(fd);
	free(input);
	for (i = 0; i < a.n && r == 0; i++)
		print_server(o, &a.server[i]);
	return r;
}
