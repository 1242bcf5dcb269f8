#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "../test.h"

static char out[8192];
static int saved_fd;
static FILE *capture;

static void
begin(void)
{
	fflush(stderr);
	saved_fd = dup(2);
	capture = tmpfile();
	if (saved_fd < 0 || capture == NULL || dup2(fileno(capture), 2) < 0)
		exit(1);
}

static const char *
end(void)
{
	ssize_t n;

	dup2(saved_fd, 2);
	close(saved_fd);
	n = pread(fileno(capture), out, sizeof(out) - 1, 0);
	out[n < 0 ? 0 : n] = '\0';
	fclose(capture);
	return out;
}

static const struct {
	const char *in, *want;
} quotes[] = {
	{ "alice", "alice" },
	{ "sip:alice@example.org", "sip:alice@example.org" },
	{ "a=b\\c", "a=b\\c" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "", "\"\"" },
	{ "in review", "\"in review\"" },
	{ "a\"b", "\"a\\x22b\"" },
	{ "a b\\c", "\"a b\\x5cc\"" },
	{ "a\nb", "\"a\\x0ab\"" },
	{ "\x1b[31m", "\"\\x1b[31m\"" },
	{ "a\xff", "\"a\\xff\"" },
	{ "\xc2\x9b", "\"\\xc2\\x9b\"" },
	{ "\xe2\x80\xae"
	  "evil",
	    "\"\\xe2\\x80\\xaeevil\"" },
};

/* What strangers cause does not fill the disk. */
static void
test_noise(void)
{
	const char *p, *s;
	int i, n = 0, other = 0;

	log_open("t", LOG_L_INFO);
	begin();
	for (i = 0; i < 1000; i++)
		log_noise(LOG_L_INFO, "noise", "n=%d", i);
	log_noise(LOG_L_INFO, "other", "n=1");
	log_noise(LOG_L_DEBUG, "quiet", "n=1");
	s = end();
	for (p = s; (p = strstr(p, "t: noise n=")) != NULL; p++)
		n++;
	/* A second may end meanwhile. */
	T(n >= LOG_BURST && n <= 2 * LOG_BURST);
	for (p = s; (p = strstr(p, "t: other n=1\n")) != NULL; p++)
		other++;
	T_INT(other, 1);
	T(strstr(s, "quiet") == NULL);
}

static void
test_quote(void)
{
	char longer[400];
	const char *q, *first;
	size_t i;

	for (i = 0; i < sizeof(quotes) / sizeof(*quotes); i++)
		T_STR(log_quote(quotes[i].in), quotes[i].want);
	T_STR(log_quote(NULL), "-");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	q = log_quote(longer);
	T(strlen(q) < 256 && strlen(q) > 240);
	T(strcmp(q + strlen(q) - 4, "x...") == 0);
	longer[5] = ' ';
	q = log_quote(longer);
	T(strlen(q) < 256 && strlen(q) > 240);
	T(*q == '"' && strcmp(q + strlen(q) - 5, "x...\"") == 0);
	longer[255] = '\0';
	memset(longer, '\n', 255);
	T(strlen(log_quote(longer)) < 256);
	first = log_quote("one two");
	for (i = 0; i < 7; i++)
		log_quote("x");
	T_STR(first, "\"one two\"");
}

/* The lines of the file without their times, each of which is one. */
static const char *
end_timed(void)
{
	static char bare[sizeof(out)];
	const char *s = end();
	size_t n = 0, k;

	for (; *s != '\0'; s += k + (s[k] == '\n')) {
		k = strcspn(s, "\n");
		T(k > 25 && s[10] == 'T' && s[23] == 'Z' && s[24] == ' ');
		n += (size_t)snprintf(bare + n, sizeof(bare) - n, "%.*s\n",
		    (int)k - 25, s + 25);
	}
	bare[n] = '\0';
	return bare;
}

/* A pipe's reader notes the time himself. */
static void
test_pipe(void)
{
	char line[256];
	ssize_t n;
	int fd[2];

	saved_fd = dup(2);
	if (pipe(fd) != 0 || dup2(fd[1], 2) < 0)
		exit(1);
	log_open("sec-test", LOG_L_INFO);
	log_info("a", "n=1");
	dup2(saved_fd, 2);
	close(saved_fd);
	close(fd[1]);
	n = read(fd[0], line, sizeof(line) - 1);
	line[n < 0 ? 0 : n] = '\0';
	close(fd[0]);
	T_STR(line, "sec-test: a n=1\n");
}

static void
test_lines(void)
{
	char longer[5000];

	begin();
	log_open("sec-test", LOG_L_INFO);
	log_info("conf.join", "conf=%s user=%s", "c-7f3k9q", "bob");
	log_debug("no", "shown=no");
	log_warn("peer.bad", "text=%s", "two\nlines\x1b[0m");
	log_error("disk", NULL);
	T_STR(end_timed(),
	    "sec-test: conf.join conf=c-7f3k9q user=bob\n"
	    "sec-test: peer.bad text=two?lines?[0m\n"
	    "sec-test: disk\n");
	T_INT(log_level(), LOG_L_INFO);
	log_set_level(LOG_L_DEBUG);
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	begin();
	log_debug("long", "%s", longer);
	end();
	T(strlen(out) < 2049 && strlen(out) > 2000);
	T_STR(out + strlen(out) - 5, "y...\n");
}

/* S-prefixes only when stderr is what $JOURNAL_STREAM names. */
static void
test_journal(void)
{
	struct stat st;
	char name[64];

	begin();
	fstat(2, &st);
	snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", name, 1);
	log_open("sec-test", LOG_L_DEBUG);
	log_error("a", "n=1");
	log_debug("b", "n=2");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open("sec-test", LOG_L_DEBUG);
	log_info("c", "n=3");
	T(strncmp(end(), "<3>a n=1\n<7>b n=2\n2", 19) == 0);
	T(strstr(out, "Z sec-test: c n=3\n") != NULL);
	unsetenv("JOURNAL_STREAM");
}

static void
test_die(void)
{
	int status = 0;
	pid_t pid;

	begin();
	fflush(stdout);
	if ((pid = fork()) == 0)
		die(11, "cannot read %s", "x");
	waitpid(pid, &status, 0);
	T_STR(end(), "sec-test: cannot read x\n");
	T(WIFEXITED(status) && WEXITSTATUS(status) == 11);
}

int
main(void)
{
	test_quote();
	test_noise();
	test_lines();
	test_pipe();
	test_journal();
	test_die();
	return t_done();
}
