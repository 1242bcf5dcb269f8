/*
 * attach, files, fetch, detach: the tool opens the file and hands it to the
 * agent; bytes of a pipe go through a pair of sockets, whose end says whether
 * they were all.
 */
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/agent.h"
#include "client_verbs.h"
#include "crypto/digest.h"
#include "wire/filename.h"

#define PIECE	 65536
#define OUT_PATH 4096
#define POLL_MS	 100
#define BAR	 20

/* One file on its way. */
struct move {
	struct cli *c;
	struct ctl_client *a;
	char conf[AGENT_CONF_MAX];
	char name[FILENAME_SIZE];
	char part[OUT_PATH]; /* fetch: until it is whole */
	char file[64], sha256[SHA256_TEXT];
	uint64_t size;
	int sized;
	int fd; /* here */
	int stream; /* the agent cannot have it itself */
	int sock; /* then */
	int bar; /* there is a progress bar */
	int64_t began;
	uint64_t first; /* bytes that were there before */
};

static int
complain(const struct move *m, int err, const char *what)
{
	return emit_error(cli_mode(m->c), err, "%s: %s", what, strerror(errno));
}

/* --- progress, for people --- */

/* [################----] 78%  2.3 MB of 2.9 MB  1.1 MB/s */
static void
draw(struct move *m, uint64_t bytes)
{
	char done[16], size[16], rate[16], bar[BAR + 1];
	int64_t ms = clock_mono() - m->began;
	uint64_t moved = bytes > m->first ? bytes - m->first : 0;
	size_t i, full;

	if (!m->bar)
		return;
	text_bytes(done, bytes);
	text_bytes(size, m->size);
	text_bytes(rate, ms > 0 ? moved * 1000 / (uint64_t)ms : 0);
	if (!m->sized) {
		fprintf(stderr, "\r%s  %s/s\033[K", done, rate);
		return;
	}
	full = m->size > 0 ? (size_t)(bytes * BAR / m->size) : BAR;
	for (i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '-';
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %3u%%  %s of %s  %s/s\033[K", bar,
	    m->size > 0 ? (unsigned)(bytes * 100 / m->size) : 100, done, size,
	    rate);
}

static void
on_progress(struct move *m, const struct line *row)
{
	uint64_t bytes;

	if (line_get_u64(row, "bytes", &bytes) != 0)
		return;
	if (m->began == 0) {
		m->began = clock_mono();
		m->first = bytes;
	}
	draw(m, bytes);
}

static void
say_begin(struct move *m)
{
	char size[16];
	struct buf b = BUF_INIT;

	m->bar = isatty(STDERR_FILENO) && cli_mode(m->c) == EMIT_TABLE;
	emit_put_visible(&b, m->name);
	if (m->sized)
		emit_note(cli_mode(m->c), "%s  %s", buf_cstr(&b),
		    text_bytes(size, m->size));
	buf_free(&b);
}

static void
say_json(struct move *m, int fd)
{
	struct json j;

	json_begin(&j);
	json_str(&j, "conf", m->conf);
	json_str(&j, "file", m->name);
	json_int(&j, "size", (int64_t)m->size);
	json_str(&j, "sha256", m->sha256);
	json_end(&j, fd);
}

/* What is attached now. */
static void
say_answer(struct move *m)
{
	char size[16];

	switch (cli_mode(m->c)) {
	case EMIT_JSON: say_json(m, STDOUT_FILENO); break;
	case EMIT_QUIET: emit_line("%s", m->name); break;
	case EMIT_TABLE:
		emit_line("%s  %s  %s", m->name, text_bytes(size, m->size),
		    m->sha256);
	}
}

/* What was fetched: the answer are its bytes. */
static void
say_note(struct move *m)
{
	char size[16];

	if (cli_mode(m->c) == EMIT_JSON)
		say_json(m,
		    m->fd == STDOUT_FILENO ? STDERR_FILENO : STDOUT_FILENO);
	emit_note(cli_mode(m->c), "%s  %s  %s", m->name,
	    text_bytes(size, m->size), m->sha256);
}

/* --- the bytes of a pipe --- */

/* One piece of input to the agent; 0 when it is all. */
static int
push(struct move *m)
{
	char piece[PIECE];
	ssize_t n, k, i;

	do
		n = read(m->fd, piece, sizeof(piece));
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return SEC_ERR_SYS;
	if (n == 0)
		(void)shutdown(m->sock, SHUT_WR);
	for (i = 0; i < n; i += k)
		if ((k = send(m->sock, piece + i, (size_t)(n - i),
			 MSG_NOSIGNAL)) <= 0)
			return 0; /* the agent says why */
	return n > 0;
}

/* One piece of the file to its place; 0 when there is no more. */
static int
pull(struct move *m)
{
	char piece[PIECE];
	ssize_t n;

	do
		n = recv(m->sock, piece, sizeof(piece), 0);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		emit_write(m->fd, piece, (size_t)n);
	return n > 0;
}

/* The agent's rows to the last, and pieces (NULL: the agent has the file). */
static int
carry(struct move *m, int (*piece)(struct move *m), int from, struct line *ok)
{
	int64_t limit = cli_timeout(m->c, -1), until = -1;
	struct pollfd p[2];
	int r;

	if (limit >= 0)
		until = clock_mono() + limit;
	for (;;) {
		p[0] = (struct pollfd) { ctl_client_fd(m->a), POLLIN, 0 };
		p[1] = (struct pollfd) { piece != NULL ? from : -1, POLLIN, 0 };
		if (!ctl_client_pending(m->a) && poll(p, 2, POLL_MS) == -1)
			return SEC_ERR_SYS;
		if (until >= 0 && clock_mono() > until)
			return SEC_ERR_TIMEOUT;
		if (p[1].revents != 0) {
			if ((r = piece(m)) < 0)
				return r;
			if (r == 0)
				piece = NULL;
		}
		if (!ctl_client_pending(m->a) && p[0].revents == 0)
			continue;
		r = ctl_client_next(m->a, ok, 0);
		if (r == 1)
			on_progress(m, ok);
		else if (r != SEC_ERR_TIMEOUT)
			return r;
	}
}

/* --- the call --- */

static void
put_call(struct move *m, const char *verb)
{
	struct buf *b = ctl_client_begin(m->a, verb);

	line_put(b, "conf", m->conf);
	line_put(b, "name", m->name);
	line_put(b, "file", m->file[0] != '\0' ? m->file : NULL);
	if (m->sized) {
		line_put_u64(b, "size", m->size);
		line_put(b, "sha256", m->sha256);
	}
}

/* upload or download with our half of a pair of sockets. */
static int
move_stream(struct move *m, const char *verb, struct line *ok)
{
	int up = strcmp(verb, "upload") == 0, pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return SEC_ERR_SYS;
	m->sock = pair[0];
	put_call(m, verb);
	r = ctl_client_send(m->a, pair[1]);
	close(pair[1]);
	if (r == 0)
		r = carry(m, up ? push : pull, up ? m->fd : m->sock, ok);
	/* The agent has said its last; its bytes may still stand here. */
	while (!up && r == 0 && pull(m) > 0)
		;
	close(m->sock);
	return r;
}

/* To its end: 0, and what it is now; or SEC_ERR_*. */
static int
move_file(struct move *m, const char *verb)
{
	struct line ok;
	int r;

	if (m->stream)
		r = move_stream(m, verb, &ok);
	else {
		put_call(m, verb);
		r = ctl_client_send(m->a, m->fd);
		if (r == 0)
			r = carry(m, NULL, -1, &ok);
	}
	if (m->bar)
		fprintf(stderr, "\r\033[K");
	if (r == 0) {
		text_copy(m->sha256, line_get_or(&ok, "sha256", ""),
		    sizeof(m->sha256));
		(void)line_get_u64(&ok, "size", &m->size);
	}
	return r;
}

static int
move_open(struct move *m, struct cli *c)
{
	int r;

	m->c = c;
	m->fd = -1;
	if ((r = agent_open(c, &m->a)) != 0)
		return r;
	if ((r = agent_conf(c, m->a, cli_argv(c)[0], m->conf)) != 0)
		ctl_client_close(m->a);
	return r;
}

static void
move_close(struct move *m)
{
	ctl_client_close(m->a);
	if (m->fd > STDERR_FILENO)
		close(m->fd);
}

/* --- attach --- */

/* A file is named by its content from the beginning, so that it can go on
 * later. 0, or an exit code. */
static int
take_sum(struct move *m, const char *path)
{
	static uint8_t piece[PIECE];
	struct sha256_run *h = sha256_begin();
	uint8_t sum[SHA256_SIZE];
	ssize_t n;

	while ((n = pread(m->fd, piece, sizeof(piece), (off_t)m->size)) > 0) {
		sha256_put(h, piece, (size_t)n);
		m->size += (uint64_t)n;
	}
	sha256_end(h, sum);
	sha256_text(m->sha256, sum);
	sha256_free(h);
	m->sized = 1;
	return n == 0 ? 0 : complain(m, SEC_ERR_SYS, path);
}

static int
open_source(struct move *m, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		m->fd = STDIN_FILENO;
	else
		m->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (m->fd == -1 || fstat(m->fd, &st) == -1)
		return complain(m,
		    errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_SYS, path);
	if (S_ISDIR(st.st_mode))
		return cli_usage(m->c, "%s: a directory", path);
	m->stream = m->fd == STDIN_FILENO || !S_ISREG(st.st_mode);
	return m->stream ? 0 : take_sum(m, path);
}

int
run_attach(struct cli *c)
{
	const char *path = cli_argv(c)[1], *as = cli_value(c, "as");
	struct move m = { 0 };
	int r;

	if (as == NULL && strcmp(path, "-") == 0)
		return cli_usage(c, "which name? --as NAME");
	if (as != NULL && !filename_is(as))
		return cli_usage(c, "%s: cannot be the name of a file there",
		    as);
	if (as != NULL)
		text_copy(m.name, as, sizeof(m.name));
	else
		filename_of(m.name, path);
	if ((r = move_open(&m, c)) != 0)
		return r;
	if ((r = open_source(&m, path)) == 0) {
		say_begin(&m);
		if ((r = move_file(&m, "upload")) != 0)
			r = agent_fail(c, m.a, r);
		else
			say_answer(&m);
	}
	move_close(&m);
	return r;
}

/* --- fetch --- */

static int
on_found(void *arg, const struct line *row)
{
	struct move *m = arg;

	text_copy(m->file, line_get_or(row, "file", ""), sizeof(m->file));
	text_copy(m->sha256, line_get_or(row, "sha256", ""), sizeof(m->sha256));
	m->sized = line_get_u64(row, "size", &m->size) == 0;
	return 0;
}

/* Which of them is it? 0, or an exit code. */
static int
find_file(struct move *m)
{
	struct buf *b = ctl_client_begin(m->a, "files");
	int r;

	line_put(b, "conf", m->conf);
	line_put(b, "name", m->name);
	r = agent_rows(m->a, cli_timeout(m->c, CALL_MS), on_found, m, NULL);
	if (r == 0 && (!m->sized || !sha256_is(m->sha256)))
		r = SEC_ERR_NOTHING;
	return r != 0 ? agent_fail(m->c, m->a, r) : 0;
}

/* The file to be: until it is whole it has another name, by which what is
 * there already is found again. 0, or an exit code. */
static int
open_part(struct move *m, const char *path)
{
	if (snprintf(m->part, sizeof(m->part), "%s.%.12s.part", path,
		m->sha256) >= (int)sizeof(m->part))
		return cli_usage(m->c, "%.40s...: too long", path);
	m->fd = open(m->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (m->fd == -1)
		return complain(m, SEC_ERR_SYS, m->part);
	if (flock(m->fd, LOCK_EX | LOCK_NB) == -1)
		return emit_error(cli_mode(m->c), SEC_ERR_NO,
		    "%s: it is being fetched already", m->part);
	return 0;
}

static int
open_target(struct move *m, const char *out)
{
	const char *path = out != NULL ? out : m->name;
	struct stat st;
	int there;

	if (strcmp(path, "-") == 0) {
		m->fd = STDOUT_FILENO;
		m->stream = 1;
		return 0;
	}
	there = stat(path, &st) == 0;
	if (there && out == NULL)
		return emit_error(cli_mode(m->c), SEC_ERR_NO,
		    "%s: is here already; -o FILE says where to", path);
	if (there && !S_ISREG(st.st_mode)) {
		m->stream = 1;
		m->fd = open(path, O_WRONLY | O_CLOEXEC);
		return m->fd == -1 ? complain(m, SEC_ERR_SYS, path) : 0;
	}
	return open_part(m, path);
}

/* It is whole: its name. Or it never will be. */
static int
settle(struct move *m, const char *path, int r)
{
	if (r == 0 && m->part[0] != '\0' && rename(m->part, path) != 0)
		return complain(m, SEC_ERR_SYS, path);
	if (sec_err_exit(r) == sec_err_exit(SEC_ERR_DATA) && m->part[0] != '\0')
		(void)unlink(m->part);
	if (r != 0)
		return agent_fail(m->c, m->a, r);
	say_note(m);
	return 0;
}

int
run_fetch(struct cli *c)
{
	const char *out = cli_value(c, "output");
	struct move m = { 0 };
	int r;

	if (!filename_is(cli_argv(c)[1]))
		return emit_error(cli_mode(c), SEC_ERR_NOTHING, "no such file");
	text_copy(m.name, cli_argv(c)[1], sizeof(m.name));
	if ((r = move_open(&m, c)) != 0)
		return r;
	if ((r = find_file(&m)) == 0 && (r = open_target(&m, out)) == 0) {
		say_begin(&m);
		r = settle(&m, out != NULL ? out : m.name,
		    move_file(&m, "download"));
	}
	move_close(&m);
	return r;
}

/* --- files, detach --- */

struct files {
	struct cli *c;
	struct ctl_client *a;
	struct table *table;
	char last[FILENAME_SIZE];
};

static int
on_file(void *arg, const struct line *row)
{
	const char *name = line_get_or(row, "name", "");
	const char *sha = line_get_or(row, "sha256", "");
	char who[AGENT_SHORT_MAX], size[16], at[16], sum[16];
	struct files *f = arg;
	struct json j;

	text_copy(f->last, name, sizeof(f->last));
	if (cli_mode(f->c) == EMIT_QUIET)
		emit_line("%s", name);
	if (cli_mode(f->c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "file", name);
		json_int(&j, "size", agent_int(row, "size"));
		json_str(&j, "user", line_get(row, "by"));
		json_time(&j, "time", agent_int(row, "at"));
		json_str(&j, "sha256", sha);
		json_end(&j, STDOUT_FILENO);
	}
	if (f->table == NULL)
		return 0;
	snprintf(sum, sizeof(sum), "%.8s%s", sha,
	    emit_is_ascii() ? "..." : "\xe2\x80\xa6");
	table_cell(f->table, name);
	table_cell(f->table,
	    text_bytes(size, (uint64_t)agent_int(row, "size")));
	table_cell(f->table, agent_short(f->a, who, line_get(row, "by"), 0));
	table_cell(f->table, clock_hhmm(agent_int(row, "at"), at));
	table_cell(f->table, sum);
	return 0;
}

/* All of them, as many calls as it takes. */
static int
list_files(struct move *m, struct files *f)
{
	struct line ok;
	struct buf *b;
	int r;

	do {
		b = ctl_client_begin(m->a, "files");
		line_put(b, "conf", m->conf);
		line_put(b, "after", f->last[0] != '\0' ? f->last : NULL);
		r = agent_rows(m->a, cli_timeout(m->c, CALL_MS), on_file, f,
		    &ok);
	} while (r == 0 && line_get(&ok, "more") != NULL);
	return r;
}

int
run_files(struct cli *c)
{
	static const char *const columns[] = { "NAME", "SIZE", "BY", "AT",
		"SHA256" };
	struct files f = { .c = c };
	struct move m = { 0 };
	int r;

	if ((r = move_open(&m, c)) != 0)
		return r;
	f.a = m.a;
	if (cli_mode(c) == EMIT_TABLE)
		f.table = table_new(columns, 5);
	r = list_files(&m, &f);
	if (f.table != NULL)
		table_print(f.table, STDOUT_FILENO);
	if (r != 0)
		r = agent_fail(c, m.a, r);
	move_close(&m);
	return r;
}

int
run_detach(struct cli *c)
{
	struct move m = { 0 };
	struct buf *b;
	int r;

	if ((r = move_open(&m, c)) != 0)
		return r;
	b = ctl_client_begin(m.a, "detach");
	line_put(b, "conf", m.conf);
	line_put(b, "name", cli_argv(c)[1]);
	r = agent_rows(m.a, cli_timeout(c, CALL_MS), NULL, NULL, NULL);
	if (r != 0)
		r = agent_fail(c, m.a, r);
	move_close(&m);
	return r;
}
