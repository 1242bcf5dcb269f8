/*
 * The door to libedit: its native interface in unbuffered mode, as its
 * imitation of readline loses characters that are not ASCII.
 */
#include <sys/ioctl.h>

#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/emit.h"

#include "prompt.h"

#define PROMPT	"> "
#define HISTORY 200

struct prompt {
	EditLine *el;
	History *history;
	void (*line)(void *arg, const char *s);
	void *arg;
	int eof;
};

static char *
prompt_text(EditLine *el)
{
	static char text[] = PROMPT;

	(void)el;
	return text;
}

/* ctrl-d: the end in an empty line, else as usual. */
static unsigned char
on_ctrl_d(EditLine *el, int c)
{
	const LineInfo *l = el_line(el);
	struct prompt *p;

	(void)c;
	if (l->lastchar > l->buffer)
		return CC_ERROR;
	el_get(el, EL_CLIENTDATA, &p);
	p->eof = 1;
	return CC_EOF;
}

struct prompt *
prompt_open(void (*line)(void *arg, const char *s), void *arg)
{
	struct prompt *p;
	HistEvent ev;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->line = line;
	p->arg = arg;
	if ((p->el = el_init("sec-talk", stdin, stdout, stderr)) == NULL) {
		free(p);
		return NULL;
	}
	el_set(p->el, EL_CLIENTDATA, p);
	el_set(p->el, EL_PROMPT, prompt_text);
	el_set(p->el, EL_SIGNAL, 0);
	el_set(p->el, EL_EDITOR, "emacs");
	/* el_set() would copy these two, and lose the copies. */
	el_wset(p->el, EL_ADDFN, L"sec-end", L"end of input", on_ctrl_d);
	el_set(p->el, EL_BIND, "^D", "sec-end", NULL);
	if ((p->history = history_init()) != NULL) {
		history(p->history, &ev, H_SETSIZE, HISTORY);
		history(p->history, &ev, H_SETUNIQUE, 1);
		el_set(p->el, EL_HIST, history, p->history);
	}
	/* Draws the prompt; el_gets() would wait for a key. */
	el_set(p->el, EL_UNBUFFERED, 1);
	return p;
}

void
prompt_close(struct prompt *p)
{
	if (p == NULL)
		return;
	el_set(p->el, EL_UNBUFFERED, 0);
	emit_write(STDOUT_FILENO, "\r\033[J", 4);
	if (p->history != NULL)
		history_end(p->history);
	el_end(p->el);
	free(p);
}

static void
take_line(struct prompt *p, const char *s, size_t n)
{
	HistEvent ev;
	char *copy;

	el_set(p->el, EL_UNBUFFERED, 0);
	if ((copy = strndup(s, n)) != NULL && n > 0) {
		if (p->history != NULL)
			history(p->history, &ev, H_ENTER, copy);
		p->line(p->arg, copy);
	}
	free(copy);
	el_set(p->el, EL_UNBUFFERED, 1);
}

int
prompt_input(struct prompt *p)
{
	const char *s;
	int n = 0;
	struct pollfd hup = { STDIN_FILENO, 0, 0 };

	s = el_gets(p->el, &n);
	/* NULL is an empty line as well as a terminal that is gone. */
	if (p->eof || (s == NULL && poll(&hup, 1, 0) > 0))
		return 1;
	if (s != NULL && n > 0 && s[n - 1] == '\n')
		take_line(p, s, (size_t)n - 1);
	return 0;
}

/* In which row of the line being typed the cursor is. */
static size_t
cursor_row(const struct prompt *p)
{
	const LineInfo *l = el_line(p->el);
	struct winsize w;
	size_t width;
	char *s;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
		return 0;
	s = strndup(l->buffer, (size_t)(l->cursor - l->buffer));
	width = strlen(PROMPT) + (s != NULL ? text_width(s) : 0);
	free(s);
	return width / w.ws_col;
}

void
prompt_print(struct prompt *p, const char *text)
{
	struct buf b = BUF_INIT;
	size_t row = cursor_row(p);

	/* One write, so that nothing is seen half drawn. */
	if (row > 0)
		buf_putf(&b, "\033[%zuA", row);
	buf_putf(&b, "\r\033[J%s", text);
	emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
	el_set(p->el, EL_REFRESH);
}

void
prompt_resize(struct prompt *p)
{
	el_resize(p->el);
}
