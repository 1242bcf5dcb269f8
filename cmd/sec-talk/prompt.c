/*
 * The door to libedit: its native interface in unbuffered mode, as its
 * imitation of readline loses characters that are not ASCII. It edits; what
 * is seen is drawn here, as it cannot know what is printed above its line.
 */
#include <sys/ioctl.h>

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"
#include "cli/emit.h"

#include "prompt.h"
#include "terminal.h"

#define PROMPT	   "> "
#define HISTORY	   200
#define SEQ_MS	   100 /* for the rest of what a key sends */
#define START_OVER L'\a' /* bound to ed-start-over */
#define PASTE	   "\033[200~"
#define PASTE_END  "\033[201~"
#define PASTE_LEN  (sizeof(PASTE) - 1)
#define PASTE_ON   "\033[?2004h"
#define PASTE_OFF  "\033[?2004l"
#define TAB	   8

struct prompt {
	EditLine *el;
	History *history;
	FILE *nowhere; /* where libedit draws */
	void (*line)(void *arg, const char *s);
	void (*space)(void *arg);
	void *arg;
	struct buf raw; /* read, not taken yet */
	wchar_t inject; /* the next key, 0: none */
	int in_seq; /* ESC was the key, or its first part */
	int pasting;
	int eof; /* ctrl-d */
	int gone; /* the terminal is */
	size_t row, col; /* of the cursor, from where the prompt begins */
	size_t cols; /* of the terminal, when it was drawn */
};

/* --- what is seen --- */

/* The line as rows, none of which reaches the margin, where terminals
 * differ. */
struct view {
	struct buf text;
	size_t *at; /* where each row begins */
	size_t n, cap;
	size_t width, col; /* of a row; of the next character */
	size_t row_c, col_c; /* of the cursor */
};

static void
next_row(struct view *v)
{
	if (v->n == v->cap) {
		v->cap = v->cap > 0 ? 2 * v->cap : 16;
		if ((v->at = reallocarray(v->at, v->cap, sizeof(*v->at))) ==
		    NULL)
			abort();
	}
	v->at[v->n++] = buf_len(&v->text);
	v->col = 0;
}

/* One character, as it is shown: a TAB as spaces, ctrl-x as ^X. */
static void
put_char(struct view *v, const char *s, size_t n, uint32_t c, int is_cursor)
{
	char shown[TAB + 1] = "";
	int w = wcwidth((wchar_t)c);
	size_t cells = w > 0 ? (size_t)w : 0;

	if (c == '\t') {
		cells = TAB - v->col % TAB;
		snprintf(shown, sizeof(shown), "%*s", (int)cells, "");
	} else if (c < 0x20 || c == 0x7f) {
		cells = 2;
		snprintf(shown, sizeof(shown), "^%c", (int)(c ^ 0x40));
	} else if (w < 0 || text_is_unsafe(c)) {
		cells = 1;
		snprintf(shown, sizeof(shown), "?");
	}
	if (v->col + cells > v->width)
		next_row(v);
	if (is_cursor) {
		v->row_c = v->n - 1;
		v->col_c = v->col;
	}
	if (shown[0] != '\0')
		buf_put_str(&v->text, shown);
	else
		buf_put(&v->text, s, n);
	v->col += cells;
}

static void
lay_out(const struct prompt *p, struct view *v)
{
	const LineInfo *l = el_line(p->el);
	const char *s = l->buffer;
	uint32_t c;
	size_t n;
	int k;

	next_row(v);
	buf_put_str(&v->text, PROMPT);
	v->col = strlen(PROMPT);
	for (; s < l->lastchar; s += n) {
		k = text_decode(s, (size_t)(l->lastchar - s), &c);
		n = (size_t)(k < 0 ? -k : k);
		if (k < 0)
			put_char(v, "?", 1, '?', s == l->cursor);
		else
			put_char(v, s, n, c, s == l->cursor);
	}
	if (l->cursor >= l->lastchar) {
		if (v->col >= v->width)
			next_row(v);
		v->row_c = v->n - 1;
		v->col_c = v->col;
	}
}

static void
put_row(const struct view *v, size_t i, struct buf *out)
{
	size_t end = i + 1 < v->n ? v->at[i + 1] : buf_len(&v->text);

	buf_put(out, (const char *)buf_data(&v->text) + v->at[i],
	    end - v->at[i]);
	buf_put_str(out, "\033[K");
}

/* To where the prompt begins. */
static void
put_home(struct prompt *p, struct buf *out)
{
	if (p->row > 0)
		buf_putf(out, "\033[%zuA", p->row);
	buf_put_u8(out, '\r');
	p->row = p->col = 0;
}

static void
terminal_size(size_t *cols, size_t *rows)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0)
		memset(&w, 0, sizeof(w));
	*cols = w.ws_col > 0 ? w.ws_col : 80;
	*rows = w.ws_row > 0 ? w.ws_row : 24;
}

/*
 * The line, from where the cursor is. It takes half of the terminal at most:
 * a longer one is seen around its cursor. done: all of it, and the cursor
 * below.
 */
static void
put_line(struct prompt *p, struct buf *out, int done)
{
	struct view v = { .text = BUF_INIT };
	size_t rows, most, i, top = 0, end;

	terminal_size(&p->cols, &rows);
	v.width = p->cols > 2 * TAB ? p->cols - 1 : 2 * TAB - 1;
	lay_out(p, &v);
	most = rows / 2 > 0 ? rows / 2 : 1;
	if (!done && v.row_c >= most)
		top = v.row_c - most + 1;
	end = !done && v.n - top > most ? top + most : v.n;
	for (i = top; i < end; i++) {
		put_row(&v, i, out);
		if (i + 1 < end || done)
			buf_put_str(out, "\r\n");
	}
	buf_put_str(out, "\033[J");
	if (!done) {
		p->row = v.row_c - top;
		p->col = v.col_c;
		if (end - 1 > v.row_c)
			buf_putf(out, "\033[%zuA", end - 1 - v.row_c);
		buf_put_u8(out, '\r');
		if (p->col > 0)
			buf_putf(out, "\033[%zuC", p->col);
	}
	buf_free(&v.text);
	free(v.at);
}

/* One write, so that nothing is seen half drawn. */
static void
draw(struct prompt *p, const char *above, int done)
{
	struct buf b = BUF_INIT;

	put_home(p, &b);
	if (above != NULL)
		buf_putf(&b, "\033[J%s", above);
	put_line(p, &b, done);
	emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
}

/* --- keys --- */

/* Read what there is, waiting for ms; 0 if nothing came. */
static int
read_more(struct prompt *p, int ms)
{
	struct pollfd fd = { STDIN_FILENO, POLLIN, 0 };
	uint8_t *s;
	ssize_t n;

	if (poll(&fd, 1, ms) <= 0 || (s = buf_reserve(&p->raw, 4096)) == NULL)
		return 0;
	if ((n = read(STDIN_FILENO, s, 4096)) > 0) {
		buf_commit(&p->raw, (size_t)n);
		return 1;
	}
	p->gone = n == 0 || (errno != EINTR && errno != EAGAIN);
	return 0;
}

/* libedit asks for a key, or for the rest of one. Where that may have been
 * ESC alone it does not wait for long: none ends el_gets(). */
static int
get_key(EditLine *el, wchar_t *key)
{
	struct prompt *p;
	mbstate_t state;
	size_t n;

	el_get(el, EL_CLIENTDATA, &p);
	if (p->inject != 0) {
		*key = p->inject;
		p->inject = 0;
		return 1;
	}
	for (;;) {
		memset(&state, 0, sizeof(state));
		n = buf_len(&p->raw) > 0 ?
		    mbrtowc(key, (const char *)buf_data(&p->raw),
			buf_len(&p->raw), &state) :
		    (size_t)-2;
		if (n != (size_t)-2)
			break;
		if (!read_more(p, p->in_seq ? SEQ_MS : -1)) {
			buf_reset(&p->raw);
			return -1;
		}
	}
	if (n == 0 || n == (size_t)-1) {
		*key = n == 0 ? L'\0' : L'?';
		n = 1;
	}
	buf_consume(&p->raw, n);
	p->in_seq |= *key == L'\033';
	return 1;
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

/* Alone: more that came with it is a paste. */
static unsigned char
on_space(EditLine *el, int c)
{
	const LineInfo *l = el_line(el);
	struct prompt *p;

	(void)c;
	el_get(el, EL_CLIENTDATA, &p);
	if (l->lastchar > l->buffer || p->pasting || buf_len(&p->raw) > 0)
		return el_insertstr(el, " ") == 0 ? CC_REFRESH : CC_ERROR;
	p->space(p->arg);
	return CC_NORM;
}

void
prompt_on_space(struct prompt *p, void (*space)(void *arg))
{
	p->space = space;
	el_wset(p->el, EL_ADDFN, L"sec-space", L"switch", on_space);
	el_set(p->el, EL_BIND, " ", "sec-space", NULL);
}

static void
bind_keys(struct prompt *p)
{
	static const char *const never[] = { "^R", "^S", "^[x", "^[X" };
	size_t i;

	/* el_set() would copy these two, and lose the copies. */
	el_wset(p->el, EL_ADDFN, L"sec-end", L"end of input", on_ctrl_d);
	el_set(p->el, EL_BIND, "^D", "sec-end", NULL);
	el_set(p->el, EL_BIND, "^I", "ed-insert", NULL);
	el_set(p->el, EL_BIND, "^G", "ed-start-over", NULL);
	el_set(p->el, EL_BIND, "-a", "^G", "ed-start-over", NULL);
	/* Dialogues of their own, which nobody would see. */
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		el_set(p->el, EL_BIND, "-r", never[i], NULL);
	el_set(p->el, EL_BIND, "^R", "ed-search-prev-history", NULL);
	el_set(p->el, EL_BIND, "^S", "ed-search-next-history", NULL);
}

/* The line is complete, and a new one begins. */
static void
take_line(struct prompt *p)
{
	const LineInfo *l = el_line(p->el);
	size_t n = (size_t)(l->lastchar - l->buffer);
	HistEvent ev;
	char *copy;
	int k;

	if (n > 0 && l->buffer[n - 1] == '\n')
		n--;
	if ((copy = strndup(l->buffer, n)) == NULL)
		abort();
	el_replacestr(p->el, copy);
	draw(p, NULL, 1);
	if (n > 0) {
		if (p->history != NULL)
			history(p->history, &ev, H_ENTER, copy);
		p->line(p->arg, copy);
	}
	free(copy);
	p->inject = START_OVER;
	(void)el_gets(p->el, &k);
}

/* Is this what begins, or could be once more of it has been read? */
static int
comes(struct prompt *p, const char *what)
{
	size_t n;

	for (;;) {
		n = buf_len(&p->raw) < PASTE_LEN ? buf_len(&p->raw) : PASTE_LEN;
		if (n == 0 || memcmp(buf_data(&p->raw), what, n) != 0)
			return 0;
		if (n == PASTE_LEN) {
			buf_consume(&p->raw, n);
			return 1;
		}
		if (!read_more(p, SEQ_MS))
			return 0;
	}
}

/* How many bytes at the end are the beginning of a character. */
static size_t
cut_off(const uint8_t *s, size_t n)
{
	size_t i, want;

	for (i = 1; i <= 3 && i <= n; i++) {
		if ((s[n - i] & 0xc0) == 0x80)
			continue;
		want = s[n - i] >= 0xf0 ? 4 :
		    s[n - i] >= 0xe0	? 3 :
		    s[n - i] >= 0xc0	? 2 :
					  1;
		return want > i ? i : 0;
	}
	return 0;
}

/* What is pasted is text, whatever keys it may look like. */
static void
take_pasted(struct prompt *p)
{
	struct buf b = BUF_INIT;
	size_t n = 0;

	if (comes(p, PASTE_END)) {
		p->pasting = 0;
		return;
	}
	while (n < buf_len(&p->raw) &&
	    strchr("\r\n\033", buf_data(&p->raw)[n]) == NULL)
		n++;
	if (n == buf_len(&p->raw)) {
		if (cut_off(buf_data(&p->raw), n) == n && read_more(p, SEQ_MS))
			return;
		if (cut_off(buf_data(&p->raw), n) < n)
			n -= cut_off(buf_data(&p->raw), n);
	}
	if (n > 0) {
		text_put_utf8(&b, buf_data(&p->raw), n);
		(void)el_insertstr(p->el, buf_cstr(&b));
		buf_free(&b);
		buf_consume(&p->raw, n);
		return;
	}
	if (buf_data(&p->raw)[0] != '\033' && buf_data(&p->raw)[0] != '\0')
		take_line(p);
	buf_consume(&p->raw, 1);
}

static void
take_key(struct prompt *p)
{
	const char *s;
	int n = 0;

	if (comes(p, PASTE)) {
		p->pasting = 1;
		return;
	}
	p->in_seq = 0;
	s = el_gets(p->el, &n);
	if (s != NULL && n > 0 && s[n - 1] == '\n')
		take_line(p);
}

int
prompt_input(struct prompt *p)
{
	(void)read_more(p, 0);
	while (buf_len(&p->raw) > 0 && !p->eof) {
		if (p->pasting)
			take_pasted(p);
		else
			take_key(p);
	}
	draw(p, NULL, 0);
	return p->eof || p->gone;
}

/* --- life --- */

static void
begin(struct prompt *p)
{
	el_set(p->el, EL_PREP_TERM, 1);
	emit_write(STDOUT_FILENO, PASTE_ON, strlen(PASTE_ON));
	draw(p, NULL, 0);
}

static void
end(struct prompt *p)
{
	struct buf b = BUF_INIT;

	put_home(p, &b);
	buf_put_str(&b, "\033[J" PASTE_OFF);
	emit_write(STDOUT_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
	el_set(p->el, EL_PREP_TERM, 0);
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
	if ((p->nowhere = fopen("/dev/null", "we")) == NULL ||
	    (p->el = el_init_fd("sec-talk", stdin, p->nowhere, p->nowhere,
		 STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO)) == NULL) {
		if (p->nowhere != NULL)
			fclose(p->nowhere);
		free(p);
		return NULL;
	}
	el_set(p->el, EL_CLIENTDATA, p);
	el_set(p->el, EL_SIGNAL, 0);
	el_set(p->el, EL_EDITOR, "emacs");
	el_wset(p->el, EL_GETCFN, get_key);
	if ((p->history = history_init()) != NULL) {
		history(p->history, &ev, H_SETSIZE, HISTORY);
		history(p->history, &ev, H_SETUNIQUE, 1);
		el_set(p->el, EL_HIST, history, p->history);
	}
	(void)el_source(p->el, NULL);
	bind_keys(p);
	terminal_hold();
	el_set(p->el, EL_UNBUFFERED, 1);
	begin(p);
	return p;
}

void
prompt_close(struct prompt *p)
{
	if (p == NULL)
		return;
	end(p);
	if (p->history != NULL)
		history_end(p->history);
	el_end(p->el);
	terminal_release();
	fclose(p->nowhere);
	buf_free(&p->raw);
	free(p);
}

void
prompt_print(struct prompt *p, const char *text)
{
	draw(p, text, 0);
}

void
prompt_resize(struct prompt *p)
{
	size_t cols, rows;

	terminal_size(&cols, &rows);
	/* Most terminals have broken up what is too wide now. */
	if (cols < p->cols)
		p->row = p->row * ((p->cols - 2) / cols + 1) + p->col / cols;
	el_resize(p->el);
	draw(p, NULL, 0);
}

void
prompt_suspend(struct prompt *p)
{
	end(p);
}

void
prompt_resume(struct prompt *p)
{
	/* Who stopped us otherwise has left it as it was. */
	el_set(p->el, EL_PREP_TERM, 0);
	el_resize(p->el);
	p->row = p->col = 0;
	begin(p);
}
