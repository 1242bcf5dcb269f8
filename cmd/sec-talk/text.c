/*
 * Text of one conference, stdin and stdout on one side, the user's agent on
 * the other. Two connections to the agent: one holds the
 * membership and says what was read, the other listens.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/agent.h"

#include "input.h"
#include "prompt.h"
#include "receipt.h"
#include "show.h"
#include "signals.h"
#include "text.h"

#define JOIN_MS	   10000 /* -T when not given */
#define SAY_MS	   60000 /* the agent waits for a text router that comes back */
#define HISTORY_MS 30000
#define ECHO_MS	   1000 /* for what was delivered to be shown as well */

struct talk {
	struct cli *c;
	struct ctl_client *a; /* holds, says */
	struct ctl_client *listen; /* NULL: -s */
	struct shower show;
	char conf[AGENT_CONF_MAX], media[64];
	struct input in;
	int reading; /* stdin is open and ours to read */
	struct prompt *prompt; /* NULL: no line editing */
	char **lines; /* typed, not sent yet */
	size_t nlines;
	int saying; /* a call runs on a */
	int64_t say_until; /* mono ms */
	int64_t stop_at; /* -t: mono ms, -1: no limit */
	int64_t echo_until; /* mono ms, once all is said */
	unsigned said, heard; /* own messages: delivered, shown */
	int64_t line; /* the newest of --history */
	struct receipts *receipts; /* NULL: nobody is told what I read */
	struct voice *voice; /* beside the text; NULL: none */
	int over, code;
};

static void
end(struct talk *t, int code)
{
	if (!t->over)
		t->code = code;
	t->over = 1;
}

/* A line for people: above the prompt, or on stderr. */
static void
notice(struct talk *t, struct buf *b)
{
	if (t->prompt != NULL)
		prompt_print(t->prompt, buf_cstr(b));
	else if (cli_mode(t->c) == EMIT_TABLE)
		emit_write(STDERR_FILENO, buf_data(b), buf_len(b));
}

/* --- listening --- */

static void
on_text(struct talk *t, const struct line *row)
{
	struct buf b = BUF_INIT;

	if (agent_int(row, "line") != 0 && agent_int(row, "line") <= t->line)
		return; /* --history has shown it */
	t->heard +=
	    strcmp(line_get_or(row, "user", ""), agent_user(t->listen)) == 0;
	if (cli_mode(t->c) == EMIT_JSON)
		show_json(&t->show, row, &b);
	else
		show_text(&t->show, row, &b);
	if (t->prompt != NULL)
		prompt_print(t->prompt, buf_cstr(&b));
	else
		emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
	receipts_shown(t->receipts, agent_int(row, "line"));
}

/* The conference is over; so is what was not sent. */
static void
on_end(struct talk *t, const struct line *row)
{
	int left = strcmp(line_get_or(row, "text", ""), "left") == 0;
	int unsent = t->prompt == NULL &&
	    (t->saying || (t->reading && !cli_flag(t->c, "l")));
	char name[AGENT_SHORT_MAX];

	if (unsent)
		end(t,
		    emit_error(cli_mode(t->c),
			left ? SEC_ERR_DENIED : SEC_ERR_NOTHING,
			"%s%s%s; not everything was sent",
			left ? "you have left " : "",
			agent_short(t->a, name, t->conf, 0),
			left ? "" : " has ended"));
	else
		end(t, t->code);
}

static void
on_notice(struct talk *t, const struct line *row)
{
	struct buf b = BUF_INIT;

	if (cli_mode(t->c) == EMIT_JSON) {
		show_json(&t->show, row, &b);
		emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	} else if (strcmp(line_get_or(row, "kind", ""), "read") != 0) {
		show_notice(&t->show, row, &b);
		notice(t, &b);
	}
	buf_free(&b);
	if (strcmp(line_get_or(row, "kind", ""), "end") == 0)
		on_end(t, row);
}

/* `hello: 2 in (alice bob).  ctrl-d leaves.`; in a pipe only if asked for,
 * where it says that whatever comes from now on will be heard. */
static void
greet(const struct talk *t, const struct line *row)
{
	const char *members = line_get_or(row, "members", ""), *s;
	struct buf names = BUF_INIT;
	char name[AGENT_SHORT_MAX];
	int n = *members != '\0';
	int typing = isatty(STDIN_FILENO) && cli_flag(t->c, "l") == 0;
	int keeps = strcmp(line_get_or(row, "history", "off"), "off") != 0;

	if (t->receipts != NULL && !keeps)
		emit_note(cli_mode(t->c),
		    "it keeps no text: its lines have no numbers, and nobody "
		    "is told what I have read");
	if (!typing && cli_flag(t->c, "v") == 0)
		return;
	for (s = members; *s != '\0'; s++)
		n += *s == ',';
	show_names(&t->show, members, " ", &names);
	emit_note(typing ? cli_mode(t->c) : EMIT_TABLE, "%s: %d in (%s).%s",
	    agent_short(t->a, name, t->conf, 0), n, buf_cstr(&names),
	    !typing		 ? "" :
		t->voice != NULL ? "  space: mic on/off; ctrl-d leaves." :
				   "  ctrl-d leaves.");
	buf_free(&names);
	if (keeps)
		emit_note(typing ? cli_mode(t->c) : EMIT_TABLE,
		    "what is typed here is kept: its last %s lines",
		    line_get(row, "history"));
}

static void
on_row(struct talk *t, const struct line *row)
{
	const char *what = line_get_or(row, "what", "");

	if (strcmp(what, "text") == 0)
		on_text(t, row);
	else if (strcmp(what, "notice") == 0)
		on_notice(t, row);
}

/* An error of the agent, with the terminal as people expect it. */
static int
fail(struct talk *t, struct ctl_client *a, int err)
{
	prompt_close(t->prompt);
	t->prompt = NULL;
	return agent_fail(t->c, a, err);
}

static int
is_nothing_yet(int r)
{
	return r == SEC_ERR_TIMEOUT || (r == SEC_ERR_SYS && errno == EINTR);
}

static void
hear(struct talk *t)
{
	struct line l;
	int r;

	do {
		r = ctl_client_next(t->listen, &l, 0);
		if (r == 1)
			on_row(t, &l);
		else if (r == 0)
			on_end(t, &l);
		else if (!is_nothing_yet(r))
			end(t, fail(t, t->listen, r));
	} while (!t->over && ctl_client_pending(t->listen));
}

/* --- saying --- */

static void
say(struct talk *t, const char *text)
{
	struct buf *b = ctl_client_begin(t->a, "say");
	int r;

	line_put(b, "conf", t->conf);
	line_put(b, "text", text);
	line_put(b, "to", cli_value(t->c, "to"));
	if ((r = ctl_client_send(t->a, -1)) != 0) {
		end(t, fail(t, t->a, r));
		return;
	}
	t->saying = 1;
	t->say_until = clock_mono() + cli_timeout(t->c, SAY_MS);
}

/* The next that was read, if any and if the last one is through. */
static void
say_next(struct talk *t)
{
	struct buf text = BUF_INIT;
	int first_part;

	if (t->saying || t->over)
		return;
	if (t->nlines > 0) {
		say(t, t->lines[0]);
		free(t->lines[0]);
		memmove(t->lines, t->lines + 1,
		    --t->nlines * sizeof(*t->lines));
		return;
	}
	if (input_next(&t->in, &text, &first_part)) {
		if (first_part)
			emit_note(cli_mode(t->c),
			    "sec-talk: longer than 16 KiB; sent in parts");
		say(t, buf_cstr(&text));
	}
	buf_free(&text);
}

/* Who did not get it: in a pipe that is the exit code. */
static void
tell_missed(struct talk *t, const struct line *ok)
{
	const char *names = line_get_or(ok, "names", "");
	struct buf b = BUF_INIT, line = BUF_INIT;
	long long n = (long long)agent_int(ok, "missed");
	char hhmm[16];

	if (*names != '\0')
		show_names(&t->show, names, ", ", &b);
	else
		buf_putf(&b, "%lld member%s", n, n == 1 ? "" : "s");
	if (t->prompt != NULL) {
		buf_putf(&line, "%s * not delivered to %s\n",
		    clock_hhmm(clock_real(), hhmm), buf_cstr(&b));
		notice(t, &line);
	} else
		t->code = emit_error(cli_mode(t->c), SEC_ERR_OFFLINE,
		    "not delivered to %s", buf_cstr(&b));
	buf_free(&b);
	buf_free(&line);
}

/* At the prompt one failure is a notice, elsewhere it is the end. */
static void
tell_failed(struct talk *t, int err)
{
	const char *why = ctl_client_why(t->a);
	struct buf b = BUF_INIT;
	char hhmm[16];

	if (t->prompt == NULL || *why == '\0') {
		end(t, fail(t, t->a, err));
		return;
	}
	buf_putf(&b, "%s * not sent: ", clock_hhmm(clock_real(), hhmm));
	emit_put_visible(&b, why);
	buf_put_u8(&b, '\n');
	notice(t, &b);
	buf_free(&b);
}

static void
on_said(struct talk *t)
{
	struct line l;
	int r;

	if (!t->saying) {
		/* Nothing is asked: only its end can have come. */
		end(t, fail(t, t->a, SEC_ERR_CLOSED));
		return;
	}
	do
		r = ctl_client_next(t->a, &l, 0);
	while (r == 1);
	if (is_nothing_yet(r))
		return;
	t->saying = 0;
	if (r != 0) {
		tell_failed(t, r);
		return;
	}
	t->said++;
	if (agent_int(&l, "missed") > 0)
		tell_missed(t, &l);
}

/* --- stdin --- */

static void
on_line(void *arg, const char *s)
{
	struct talk *t = arg;

	t->lines = reallocarray(t->lines, t->nlines + 1, sizeof(*t->lines));
	if (t->lines == NULL || (t->lines[t->nlines++] = strdup(s)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
}

static void
on_input(struct talk *t)
{
	int r;

	if (t->prompt != NULL)
		t->reading = !prompt_input(t->prompt);
	else if ((r = input_read(&t->in)) == SEC_ERR_CLOSED)
		t->reading = 0;
	else if (r != 0)
		end(t,
		    emit_error(cli_mode(t->c), r, "cannot read: %s",
			strerror(errno)));
}

/* Everything was read and said; what was said is to be seen, too. */
static void
check_end(struct talk *t)
{
	if (t->over || t->reading || t->saying || cli_flag(t->c, "l") > 0)
		return;
	if (t->listen == NULL || t->heard >= t->said) {
		end(t, t->code);
		return;
	}
	if (t->echo_until == 0)
		t->echo_until = clock_mono() + ECHO_MS;
	else if (clock_mono() >= t->echo_until)
		end(t, t->code);
}

/* --- the loop --- */

static void
earlier(int64_t *until, int64_t at)
{
	if (at > 0 && (*until < 0 || at < *until))
		*until = at;
}

/* ms to the first of the deadlines, -1: none. */
static int
time_left(const struct talk *t)
{
	int64_t until = -1, left;

	earlier(&until, t->stop_at);
	earlier(&until, t->echo_until);
	earlier(&until, receipts_due(t->receipts));
	if (t->saying)
		earlier(&until, t->say_until);
	if (until < 0)
		return -1;
	left = until - clock_mono();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void
check_time(struct talk *t)
{
	int64_t now = clock_mono();

	if (t->saying && now >= t->say_until)
		end(t, fail(t, t->a, SEC_ERR_TIMEOUT));
	if (t->stop_at > 0 && now >= t->stop_at)
		end(t, t->code);
}

/* ctrl-z, with the terminal in order. */
static void
stop(struct prompt *p)
{
	prompt_suspend(p);
	signals_stop();
	prompt_resume(p);
}

/* What signals have said of the terminal. */
static void
look_after(struct talk *t)
{
	if (t->prompt != NULL && signal_stopping)
		stop(t->prompt);
	else if (t->prompt != NULL && signal_going_on)
		prompt_resume(t->prompt);
	else if (t->prompt != NULL && signal_resized)
		prompt_resize(t->prompt);
	signal_stopping = signal_going_on = signal_resized = 0;
}

/* The voice goes on its own way; when it ends, the text remains. */
static void
turn_voice(struct talk *t, const struct pollfd *p, size_t n)
{
	struct buf b = BUF_INIT;
	char hhmm[16];
	int code;

	if (t->voice == NULL)
		return;
	if (signal_mic)
		voice_toggle_mic(t->voice);
	signal_mic = 0;
	voice_turn(t->voice, p, n);
	if (!voice_is_over(t->voice, &code))
		return;
	voice_close(t->voice);
	t->voice = NULL;
	/* Each of its conferences has said so; a failure has not. */
	if (t->over || code == 0)
		return;
	buf_putf(&b, "%s * no voice any more\n",
	    clock_hhmm(clock_real(), hhmm));
	notice(t, &b);
	buf_free(&b);
}

static void
turn(struct talk *t)
{
	/* What was read but not said yet holds back what comes. */
	int wants = t->reading && (t->prompt != NULL || !t->saying);
	struct pollfd p[4 + VOICE_POLLS] = {
		{ wants ? STDIN_FILENO : -1, POLLIN, 0 },
		{ ctl_client_fd(t->a), POLLIN, 0 },
		{ t->listen != NULL ? ctl_client_fd(t->listen) : -1, POLLIN,
		    0 },
		{ receipts_fd(t->receipts), POLLIN, 0 },
	};
	struct timespec ts;
	int ms = time_left(t);
	size_t n = 0;

	if (t->voice != NULL)
		n = voice_polls(t->voice, p + 4);
	ts.tv_sec = ms / 1000;
	ts.tv_nsec = ms % 1000 * 1000000L;
	(void)signals_poll(p, 4 + n, ms < 0 ? NULL : &ts);
	if (signal_end)
		end(t, 128 + signal_end);
	look_after(t);
	if (!t->over && p[2].revents != 0)
		hear(t);
	if (!t->over && p[1].revents != 0)
		on_said(t);
	if (!t->over && p[0].revents != 0)
		on_input(t);
	receipts_turn(t->receipts);
	turn_voice(t, p + 4, n);
	check_time(t);
	say_next(t);
	check_end(t);
}

static int
edits_lines(const struct talk *t)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && t->reading &&
	    t->listen != NULL && cli_mode(t->c) == EMIT_TABLE &&
	    t->in.mode == INPUT_LINES && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

/* Taken in turn_voice(), outside of libedit. */
static void
on_space(void *arg)
{
	(void)arg;
	signal_mic = 1;
}

static int
loop(struct talk *t)
{
	int edits = edits_lines(t);

	signals_catch(edits);
	if (edits)
		t->prompt = prompt_open(on_line, t);
	if (t->prompt != NULL && t->voice != NULL)
		prompt_on_space(t->prompt, on_space);
	/* Rows may have come together with the answer to `listen`. */
	if (t->listen != NULL && ctl_client_pending(t->listen))
		hear(t);
	while (!t->over)
		turn(t);
	prompt_close(t->prompt);
	t->prompt = NULL;
	return t->code;
}

/* --- beginning and end --- */

/* The note that I wait to be let in is for people. */
static int
on_joining(void *arg, const struct line *row)
{
	struct talk *t = arg;
	struct shower s = { t->a, line_get(row, "waiting"), 0 };
	struct buf b = BUF_INIT;

	if (s.conf == NULL || cli_mode(t->c) != EMIT_JSON)
		return 0;
	show_waiting(&s, &b);
	emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
	return 0;
}

/* Be in it for as long as this connection stands; 0 or an exit code. */
static int
join(struct talk *t)
{
	struct line ok;
	struct buf *b;
	int r;

	if ((r = agent_conf(t->c, t->a, cli_argv(t->c)[0], t->conf)) != 0)
		return r;
	b = ctl_client_begin(t->a, "join");
	line_put(b, "conf", t->conf);
	line_put(b, "hold", "1");
	if ((r = agent_join(t->c, t->a, on_joining, t, &ok)) != 0)
		return agent_fail(t->c, t->a, r);
	text_copy(t->conf, line_get_or(&ok, "conf", t->conf), sizeof(t->conf));
	text_copy(t->media, line_get_or(&ok, "media", "text"),
	    sizeof(t->media));
	t->show.a = t->a;
	t->show.conf = t->conf;
	t->show.ascii = isatty(STDOUT_FILENO) && emit_is_ascii();
	return 0;
}

static int
start_listening(struct talk *t)
{
	struct line l;
	int r;

	if ((r = agent_open(t->c, &t->listen)) != 0)
		return r;
	line_put(ctl_client_begin(t->listen, "listen"), "conf", t->conf);
	if ((r = ctl_client_send(t->listen, -1)) == 0)
		r = ctl_client_next(t->listen, &l, cli_timeout(t->c, JOIN_MS));
	if (r < 0)
		return agent_fail(t->c, t->listen, r);
	if (r == 0)
		end(t, 0);
	else if (strcmp(line_get_or(&l, "what", ""), "open") == 0)
		greet(t, &l);
	else
		on_row(t, &l);
	return 0;
}

/* A line of before; it does not count as heard. */
static int
on_old(void *arg, const struct line *row)
{
	struct talk *t = arg;
	struct buf b = BUF_INIT;

	t->line = agent_int(row, "line");
	if (cli_mode(t->c) == EMIT_JSON)
		show_json(&t->show, row, &b);
	else
		show_text(&t->show, row, &b);
	emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
	receipts_shown(t->receipts, t->line);
	return 0;
}

/* --history N, once nothing new can pass unseen. 0 or an exit code. */
static int
show_history(struct talk *t, const char *n)
{
	struct line ok;
	struct buf *b = ctl_client_begin(t->a, "history");
	int r;

	line_put(b, "conf", t->conf);
	line_put(b, "n", n);
	r = agent_rows(t->a, cli_timeout(t->c, HISTORY_MS), on_old, t, &ok);
	if (r != 0)
		return agent_fail(t->c, t->a, r);
	if (agent_int(&ok, "unread") > 0)
		emit_note(EMIT_TABLE, "%lld of its lines cannot be read",
		    (long long)agent_int(&ok, "unread"));
	return 0;
}

/* 0 or an exit code. */
static int
check_history(struct cli *c)
{
	const char *n = cli_value(c, "history");
	unsigned long long v;

	if (n != NULL && text_number(n, 1, INT64_MAX, &v) != 0)
		return cli_usage(c, "--history %s: not a number of lines", n);
	return 0;
}

int
text_open(struct talk **out, struct cli *c, int64_t seconds)
{
	struct talk *t = mem_new(sizeof(*t));
	int r;

	if ((r = check_history(c)) != 0) {
		free(t);
		return r;
	}
	t->c = c;
	t->in.fd = STDIN_FILENO;
	t->in.mode = cli_flag(c, "1") > 0 ? INPUT_WHOLE :
	    cli_flag(c, "0") > 0	  ? INPUT_NULS :
					    INPUT_LINES;
	t->reading = cli_flag(c, "l") == 0;
	if ((r = agent_open(c, &t->a)) != 0 || (r = join(t)) != 0 ||
	    (r = receipts_open(&t->receipts, c, t->conf)) != 0) {
		text_close(t);
		return r;
	}
	/* Who waits to be let in does not lose it. */
	t->stop_at = seconds >= 0 ? clock_mono() + seconds * 1000 : -1;
	*out = t;
	return 0;
}

int
text_has(const struct talk *t, const char *medium)
{
	return strstr(t->media, medium) != NULL;
}

int
text_run(struct talk *t, struct voice *v)
{
	int r;

	t->voice = v; /* closed with t, whatever comes */
	if (!text_has(t, "text"))
		return emit_error(cli_mode(t->c), SEC_ERR_OFFLINE,
		    "no text in this conference");
	if (cli_flag(t->c, "s") == 0 && (r = start_listening(t)) != 0)
		return r;
	if (cli_value(t->c, "history") != NULL && !t->over &&
	    (r = show_history(t, cli_value(t->c, "history"))) != 0)
		return r;
	return loop(t);
}

void
text_notice(void *arg, const char *line)
{
	struct buf b = BUF_INIT;

	buf_put_str(&b, line);
	notice(arg, &b);
	buf_free(&b);
}

void
text_close(struct talk *t)
{
	if (t == NULL)
		return;
	input_free(&t->in);
	while (t->nlines > 0)
		free(t->lines[--t->nlines]);
	free(t->lines);
	voice_close(t->voice);
	receipts_close(t->receipts);
	/* Leaves, if it was this that joined. */
	ctl_client_close(t->listen);
	ctl_client_close(t->a);
	free(t);
}
