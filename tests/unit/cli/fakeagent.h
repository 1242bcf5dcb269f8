#ifndef TESTS_UNIT_CLI_FAKEAGENT_H
#define TESTS_UNIT_CLI_FAKEAGENT_H

/*
 * An agent that answers by a table, in a process of its own, so that the
 * tools can be tried without a realm. In the table a blank stands for TAB
 * and %20 for a blank.
 *
 *	want   "say text=hi": verb, and fields that the request has; the first
 *	       row that fits counts
 *	give   lines, each gets the request's id; ">row ..." goes to everybody
 *	       who listens (verbs `listen` and `events`) instead; "!close"
 *	       closes the connection
 *
 * Every request is a line of the file LOG in its directory, and `closed`
 * when a connection ends.
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>

#include "../test.h"
#include "base/path.h"
#include "base/sock.h"

#define FAKE_CONNS 16

struct fake {
	const char	*want, *give;
};

static char fake_dir[64];
static pid_t fake_pid[4];
static int fake_n;

struct fake_conn {
	int	 fd;
	char	 in[200000];
	size_t	 n;
	char	 listens[32];          /* id of the call, "" */
};

__attribute__((unused)) static void
fake_begin(void)
{
	snprintf(fake_dir, sizeof(fake_dir), "/tmp/sec-fake.XXXXXX");
	if (mkdtemp(fake_dir) == NULL)
		exit(1);
	setenv("SEC_DIR", fake_dir, 1);
	unsetenv("SEC_USER");
	unsetenv("SEC_CONF");
}

static void
fake_log(const char *p, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", fake_dir);
	if ((f = fopen(path, "a")) == NULL)
		_exit(1);
	fwrite(p, 1, n, f);
	fclose(f);
}

/* A line of the table as it goes out: TABs, and the id behind the verb. */
static void
fake_line(int fd, const char *s, size_t n, const char *id)
{
	char out[70000];
	size_t i, k = 0;
	int first = 1;

	for (i = 0; i < n && k < sizeof(out) - 64; i++) {
		if (s[i] != ' ')
			out[k++] = s[i];
		if ((s[i] == ' ' || i == n - 1) && first) {
			k += (size_t)sprintf(out + k, "\tid=%s", id);
			first = 0;
		}
		if (s[i] == ' ')
			out[k++] = '\t';
	}
	out[k++] = '\n';
	if (send(fd, out, k, MSG_NOSIGNAL) != (ssize_t)k)
		fake_log("cut\n", 4);
}

static int
fake_has(const char *line, const char *want)
{
	char copy[512], *s = copy, *w, field[520];
	int first = 1;

	snprintf(copy, sizeof(copy), "%s", want);
	while ((w = strsep(&s, " ")) != NULL) {
		snprintf(field, sizeof(field), "%s%s\t", first ? "" : "\t", w);
		if (first ? strncmp(line, field, strlen(field)) != 0 :
			    strstr(line, field) == NULL)
			return 0;
		first = 0;
	}
	return 1;
}

static void
fake_answer(struct fake_conn *conns, struct fake_conn *c, const char *line,
    const struct fake *table)
{
	const char *id, *s, *end;
	char number[32];
	size_t n;
	int i;

	if ((id = strstr(line, "\tid=")) == NULL)
		return; /* an event */
	snprintf(number, sizeof(number), "%.*s", (int)strcspn(id + 4, "\t"),
	    id + 4);
	for (; table->want != NULL && !fake_has(line, table->want); table++)
		;
	s = table->want != NULL ? table->give : "error code=501 reason=fake";
	for (; *s != '\0'; s = end + (*end != '\0')) {
		end = s + strcspn(s, "\n");
		n = (size_t)(end - s);
		if (*s == '>') {
			for (i = 0; i < FAKE_CONNS; i++)
				if (conns[i].fd >= 0 && *conns[i].listens)
					fake_line(conns[i].fd, s + 1, n - 1,
					    conns[i].listens);
		} else if (strncmp(s, "!close", 6) == 0) {
			close(c->fd);
			c->fd = -1;
			return;
		} else
			fake_line(c->fd, s, n, number);
	}
	if (strncmp(line, "listen\t", 7) == 0 ||
	    strncmp(line, "events\t", 7) == 0)
		snprintf(c->listens, sizeof(c->listens), "%s", number);
}

static void
fake_input(struct fake_conn *conns, struct fake_conn *c,
    const struct fake *table)
{
	static char line[200002];
	ssize_t n = recv(c->fd, c->in + c->n, sizeof(c->in) - c->n - 1, 0);
	char *lf;
	size_t k;

	if (n <= 0) {
		fake_log("closed\n", 7);
		close(c->fd);
		c->fd = -1;
		return;
	}
	c->n += (size_t)n;
	while ((lf = memchr(c->in, '\n', c->n)) != NULL) {
		fake_log(c->in, (size_t)(lf - c->in) + 1);
		/* So that every field is followed by a TAB. */
		*lf = '\t';
		k = (size_t)(lf - c->in) + 1;
		memcpy(line, c->in, k);
		line[k] = '\0';
		memmove(c->in, c->in + k, c->n - k);
		c->n -= k;
		fake_answer(conns, c, line, table);
		if (c->fd < 0)
			return;
	}
}

__attribute__((noreturn)) static void
fake_serve(int fd, const struct fake *table)
{
	static struct fake_conn c[FAKE_CONNS];
	struct pollfd p[FAKE_CONNS + 1];
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	sock_set_nonblock(fd, 0);
	for (i = 0; i < FAKE_CONNS; i++)
		c[i].fd = -1;
	for (;;) {
		for (i = 0; i < FAKE_CONNS; i++)
			p[i] = (struct pollfd) { c[i].fd, POLLIN, 0 };
		p[i] = (struct pollfd) { fd, POLLIN, 0 };
		if (poll(p, FAKE_CONNS + 1, -1) < 0)
			_exit(1);
		for (i = 0; i < FAKE_CONNS; i++)
			if (c[i].fd >= 0 && p[i].revents != 0)
				fake_input(c, &c[i], table);
		if ((p[FAKE_CONNS].revents & POLLIN) == 0)
			continue;
		for (i = 0; i < FAKE_CONNS && c[i].fd >= 0; i++)
			;
		if (i == FAKE_CONNS)
			_exit(1);
		c[i].n = 0;
		c[i].listens[0] = '\0';
		c[i].fd = accept(fd, NULL, NULL);
	}
}

/* Start one for user@lab.test. */
__attribute__((unused)) static void
fake_start(const char *user, const struct fake *table)
{
	char path[PATH_LEN];
	int fd;

	path_agent(path, user, "lab.test");
	if ((fd = sock_unix_listen(path, 0600)) < 0)
		exit(1);
	fflush(stdout);
	if ((fake_pid[fake_n] = fork()) == 0)
		fake_serve(fd, table);
	fake_n++;
	close(fd);
}

/* End them all; their sockets stay. */
__attribute__((unused)) static void
fake_stop(void)
{
	while (fake_n > 0) {
		kill(fake_pid[--fake_n], SIGKILL);
		waitpid(fake_pid[fake_n], NULL, 0);
	}
}

/* What was asked so far, with blanks for TABs; forgets it. */
__attribute__((unused)) static char *
fake_asked(void)
{
	static char text[400000];
	char path[128], *s;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/log", fake_dir);
	if ((fd = open(path, O_RDONLY)) >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		unlink(path);
	}
	text[n > 0 ? n : 0] = '\0';
	for (s = text; *s != '\0'; s++)
		if (*s == '\t')
			*s = ' ';
	return text;
}

__attribute__((unused)) static void
fake_end(void)
{
	char command[128];

	fake_stop();
	snprintf(command, sizeof(command), "rm -rf %s", fake_dir);
	if (system(command) != 0)
		exit(1);
}

#define FAKE_STATUS                                                            \
	{ "status", "ok user=sip:alice@lab.test domain=lab.test" }

#endif
