/* JSON that is JSON, tables that align, lines in one write. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <locale.h>
#include <signal.h>

#include "../test.h"
#include "base/err.h"
#include "capture.h"
#include "cli/args.h"
#include "cli/emit.h"

static const char *
json_of(void (*fill)(struct json *j))
{
	struct json j;

	capture_begin();
	json_begin(&j);
	fill(&j);
	json_end(&j, STDOUT_FILENO);
	capture_end();
	return capture_out;
}

static void
nothing(struct json *j)
{
	json_str(j, "left_out", NULL);
}

static void
escapes(struct json *j)
{
	json_str(j, "a", "q\" b\\ \b\f\n\r\t \x01\x1b[2J\x7f");
	json_strn(j, "b", "x\0y", 3);
	/* U+009B, U+202E and a letter */
	json_str(j, "c", "\xc2\x9b \xe2\x80\xae \xc3\xb6 \xf0\x9f\x98\x80");
	json_str(j, "d", "\xff\xc3");
}

static void
numbers(struct json *j)
{
	json_int(j, "a", 0);
	json_int(j, "b", -1234567);
	json_int(j, "c", INT64_MAX);
	json_int(j, "d", INT64_MIN);
	json_bool(j, "e", 1);
	json_bool(j, "f", 0);
	json_time(j, "g", 1795357987120);
	json_number(j, "h", "-20.5");
}

static void
lists(struct json *j)
{
	json_list(j, "a", NULL);
	json_list(j, "b", "");
	json_list(j, "c", "text");
	json_list(j, "d", "text,voice");
	json_list(j, "e", ",x,,y\",");
}

static void
nested(struct json *j)
{
	json_array(j, "members");
	json_object(j);
	json_str(j, "user", "a");
	json_list(j, "media", "text");
	json_close(j, '}');
	json_object(j);
	json_close(j, '}');
	json_close(j, ']');
	json_array(j, "none");
	json_close(j, ']');
	json_int(j, "n", 1);
}

static const char *const all_numbers =
    "{\"v\":1,\"a\":0,\"b\":-1234567,\"c\":9223372036854775807,"
    "\"d\":-9223372036854775808,\"e\":true,\"f\":false,"
    "\"g\":\"2026-11-22T14:33:07.120Z\",\"h\":-20.5}\n";

static void
test_json(void)
{
	T_STR(json_of(nothing), "{\"v\":1}\n");
	T_STR(json_of(escapes),
	    "{\"v\":1,"
	    "\"a\":\"q\\\" b\\\\ \\b\\f\\n\\r\\t \\u0001\\u001b[2J\\u007f\","
	    "\"b\":\"x\\u0000y\","
	    "\"c\":\"\\u009b \\u202e \xc3\xb6 \xf0\x9f\x98\x80\","
	    "\"d\":\"\xef\xbf\xbd\xef\xbf\xbd\"}\n");
	T_STR(json_of(numbers), all_numbers);
	T_STR(json_of(lists),
	    "{\"v\":1,\"a\":[],\"b\":[],\"c\":[\"text\"],"
	    "\"d\":[\"text\",\"voice\"],\"e\":[\"x\",\"y\\\"\"]}\n");
	T_STR(json_of(nested),
	    "{\"v\":1,\"members\":[{\"user\":\"a\",\"media\":[\"text\"]},{}],"
	    "\"none\":[],\"n\":1}\n");
	/* A locale with commas and groups, where the machine has one. */
	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
		printf("# no German locale here\n");
	T_STR(json_of(numbers), all_numbers);
	setlocale(LC_ALL, "C");
}

static const char *
table_of(const char *const *cells, int n)
{
	static const char *const columns[] = { "NAME", "NOTE", "AGE" };
	struct table *t = table_new(columns, 3);
	int i;

	for (i = 0; i < n; i++)
		table_cell(t, cells[i]);
	capture_begin();
	table_print(t, STDOUT_FILENO);
	capture_end();
	return capture_out;
}

static void
test_table(void)
{
	static const char *const plain[] = { "bob", "", "4s", "alice", NULL,
		NULL, "x", "y z", "" };
	static const char *const wide[] = { "\xe6\xbc\xa2\xe5\xad\x97", "a",
		"1", "o\xcc\x88o", "b", "2" };
	static const char *const nasty[] = { "\x1b[2J", "a\tb\n", "1" };

	T_STR(table_of(NULL, 0), "");
	T_STR(table_of(plain, 9), "bob         4s\nalice\nx      y z\n");
	T_STR(table_of(nasty, 3), "\\x1b[2J  a\\x09b\\x0a  1\n");
	T_STR(table_of(wide, 6),
	    "\\u{6f22}\\u{5b57}  a  1\n"
	    "o\\u{308}o         b  2\n");
	if (setlocale(LC_CTYPE, "C.UTF-8") != NULL)
		T_STR(table_of(wide, 6),
		    "\xe6\xbc\xa2\xe5\xad\x97  a  1\n"
		    "o\xcc\x88o    b  2\n");
	setlocale(LC_CTYPE, "C");
}

static const char *
shortened(const char *s)
{
	static const char *const columns[] = { "NOTE" };
	struct table *t = table_new(columns, 1);

	table_cell_short(t, s, 10);
	capture_begin();
	table_print(t, STDOUT_FILENO);
	capture_end();
	return capture_out;
}

static void
test_short(void)
{
	T_STR(shortened("ten_chars_"), "ten_chars_\n");
	T_STR(shortened("eleven_char"), "eleven_...\n");
	T_STR(shortened(""), "\n");
	/* What is cut is what is seen, not in the middle of a character. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return;
	T_STR(shortened("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
			"\xe6\xbc\xa2\xe6\xbc\xa2"),
	    "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2...\n");
	setlocale(LC_CTYPE, "C");
}

static void
test_errors(void)
{
	int r;

	cli_prog_name = "sec-x";
	capture_begin();
	r = emit_error(EMIT_TABLE, SEC_ERR_BUSY, "%s: in \x1b review", "carol");
	capture_end();
	T_INT(r, 7);
	T_STR(capture_err, "sec-x: carol: in \\x1b review\n");
	T_STR(capture_out, "");
	capture_begin();
	r = emit_error(EMIT_JSON, SEC_ERR_FORMAT, "a \"b\"");
	capture_end();
	T_INT(r, 11);
	T_STR(capture_err,
	    "{\"v\":1,\"error\":\"bad data\",\"code\":11,"
	    "\"message\":\"a \\\"b\\\"\"}\n");
	capture_begin();
	emit_note(EMIT_TABLE, "%s accepted", "bob");
	emit_note(EMIT_QUIET, "not this");
	emit_note(EMIT_JSON, "not this");
	emit_line("%s", "answer");
	capture_end();
	T_STR(capture_err, "bob accepted\n");
	T_STR(capture_out, "answer\n");
	T_STR(emit_word(SEC_ERR_NO), "no");
	T_STR(emit_word(SEC_ERR_CLOCK), "login");
	T_STR(emit_word(SEC_ERR_VERSION), "version");
}

/* A line is one write, so one packet on a socket of packets. */
static void
test_one_write(void)
{
	char got[256];
	int sv[2], saved;
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) != 0)
		exit(1);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(sv[1], STDOUT_FILENO);
	emit_line("%s %d", "first", 1);
	json_of(numbers);
	emit_line("second");
	dup2(saved, STDOUT_FILENO);
	n = read(sv[0], got, sizeof(got));
	T_OK(n == 8 && memcmp(got, "first 1\n", 8) == 0, "one write per line");
	n = read(sv[0], got, sizeof(got));
	T_OK(n == 7 && memcmp(got, "second\n", 7) == 0, "and for the next");
	close(sv[0]);
	close(sv[1]);
	close(saved);
}

/* `sec-watch | head -1` ends without a word, even where SIGPIPE is ignored. */
static void
test_pipe(void)
{
	int fd[2], err[2], status;
	char c;
	pid_t pid;

	if (pipe(fd) != 0 || pipe(err) != 0)
		exit(1);
	close(fd[0]); /* before it writes, not while */
	fflush(stdout);
	if ((pid = fork()) == 0) {
		signal(SIGPIPE, SIG_IGN);
		dup2(fd[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		close(err[0]);
		emit_line("x");
		_exit(0);
	}
	close(fd[1]);
	close(err[1]);
	T(waitpid(pid, &status, 0) == pid);
	T(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	T_INT(read(err[0], &c, 1), 0);
	close(err[0]);
}

int
main(void)
{
	test_json();
	test_table();
	test_short();
	test_errors();
	test_one_write();
	test_pipe();
	return t_done();
}
