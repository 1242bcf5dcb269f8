/* The terminal of a voice device. */
#include <sys/ioctl.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "meter.h"
#include "terminal.h"

#define BARS	  8
#define LOUDEST	  6 /* dB below overload: all bars */
#define BAR_DB	  6
#define NARROWEST 20

struct meter {
	struct termios before, ours;
	int ascii, colour;
	size_t width;
	struct buf drawn; /* what stands there */
	int kitty; /* it has told that it speaks that protocol */
	char seq[32]; /* an escape sequence that is not complete */
	size_t nseq;
};

/* Does it? Then: all keys as sequences, with press and release. */
#define KITTY_ASK "\033[?u"
#define KITTY_ON  "\033[>11u"
#define KITTY_OFF "\033[<u"

static size_t
width(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
		return 80;
	return w.ws_col < NARROWEST ? NARROWEST : w.ws_col;
}

struct meter *
meter_open(const char *first)
{
	const char *term = getenv("TERM");
	struct termios t;
	struct meter *m;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) || term == NULL ||
	    strcmp(term, "dumb") == 0 || tcgetattr(STDIN_FILENO, &t) != 0)
		return NULL;
	m = mem_new(sizeof(*m));
	m->before = t;
	m->ascii = emit_is_ascii();
	m->colour = getenv("NO_COLOR") == NULL;
	m->width = width();
	/* Keys at once and unseen; ctrl-c stays what it is. */
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	m->ours = t;
	terminal_hold();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &m->ours);
	emit_write(STDERR_FILENO, KITTY_ASK, strlen(KITTY_ASK));
	meter_print(m, first);
	return m;
}

static void
set_kitty(const struct meter *m, int on)
{
	if (m->kitty)
		emit_write(STDERR_FILENO, on ? KITTY_ON : KITTY_OFF,
		    strlen(on ? KITTY_ON : KITTY_OFF));
}

void
meter_suspend(struct meter *m)
{
	set_kitty(m, 0);
	emit_write(STDERR_FILENO, "\r\033[K", 4);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &m->before);
}

void
meter_resume(struct meter *m)
{
	tcsetattr(STDIN_FILENO, TCSADRAIN, &m->ours);
	set_kitty(m, 1);
	meter_resize(m);
}

void
meter_close(struct meter *m)
{
	if (m == NULL)
		return;
	meter_suspend(m);
	terminal_release();
	buf_free(&m->drawn);
	free(m);
}

void
meter_resize(struct meter *m)
{
	m->width = width();
	buf_reset(&m->drawn);
}

void
meter_print(struct meter *m, const char *line)
{
	struct buf b = BUF_INIT;

	/* One write, so that nothing is seen half drawn. */
	buf_putf(&b, "\r\033[K%s", line);
	buf_put(&b, buf_data(&m->drawn), buf_len(&m->drawn));
	emit_write(STDERR_FILENO, buf_data(&b), buf_len(&b));
	buf_free(&b);
}

static void
put_bars(const struct meter *m, struct buf *b, int level)
{
	int i, n = BARS - (level - LOUDEST + BAR_DB - 1) / BAR_DB;

	for (i = 0; i < BARS; i++)
		buf_put_str(b,
		    i < n ? (m->ascii ? "#" : "\u25ae") :
			    (m->ascii ? "." : "\u25af"));
}

static void
put_visible(const struct meter *m, struct buf *b, const char *s)
{
	text_put_visible(b, s, strlen(s), 0, m->ascii);
}

/* "standup: alice bob*" or "standup (held): ..."; a user with several devices
 * stands there once. */
static void
put_seat(const struct meter *m, struct buf *b, const struct seat *s,
    int64_t now)
{
	const struct speaker *k, *other;
	char name[AGENT_SHORT_MAX];
	int blinks, talks;

	blinks = s->mode == SEAT_LIGHT && seat_is_talking(s) && m->colour &&
	    now / 500 % 2 == 0;
	buf_put_str(b, blinks ? "  \033[7m" : "  ");
	put_visible(m, b, s->name);
	buf_put_str(b, blinks ? "\033[m" : "");
	buf_put_str(b,
	    s->mute			? " (muted):" :
		s->unfocused || s->held ? " (held):" :
					  ":");
	buf_put_u8(b, ' ');
	put_visible(m, b, agent_short(s->a, name, s->me, 0));
	if (s->self.talking)
		buf_put_u8(b, '*');
	TAILQ_FOREACH(k, &s->speakers, entry) {
		if (!k->in || strcmp(k->user, s->me) == 0)
			continue;
		talks = k->talking;
		TAILQ_FOREACH(other, &s->speakers, entry) {
			if (other == k)
				break;
			if (other->in && strcmp(other->user, k->user) == 0)
				break;
		}
		if (other != k)
			continue;
		TAILQ_FOREACH(other, &s->speakers, entry)
			talks |=
			    other->talking && strcmp(other->user, k->user) == 0;
		buf_put_u8(b, ' ');
		put_visible(m, b, agent_short(s->a, name, k->user, 0));
		if (talks)
			buf_put_u8(b, '*');
	}
}

/* Not more than fits into the line; escapes take no room. */
static void
cut_to_width(struct buf *b, size_t most)
{
	const char *s = buf_cstr(b);
	size_t n = buf_len(b), i = 0, w = 0;

	while (i < n) {
		size_t k = 1;

		if (s[i] == '\033') {
			while (i + k < n && s[i + k - 1] != 'm')
				k++;
		} else {
			while (i + k < n && (s[i + k] & 0xc0) == 0x80)
				k++;
			if (++w > most) {
				buf_truncate(b, i);
				buf_put_str(b, "\033[m");
				return;
			}
		}
		i += k;
	}
}

void
meter_draw(struct meter *m, const struct meter_view *v)
{
	struct buf b = BUF_INIT;
	size_t i;

	buf_putf(&b, "[mic %s ",
	    v->mic < 0	   ? "OFF" :
		v->latched ? "ON+" :
			     "ON ");
	put_bars(m, &b, v->mic < 0 ? LEVEL_SILENCE : v->level);
	buf_put_str(&b, "]");
	if (v->n > 1 && v->mic >= 0) {
		buf_put_str(&b, m->ascii ? " " : " \u2192 ");
		put_visible(m, &b, v->seats[v->mic]->name);
	}
	for (i = 0; i < v->n; i++)
		put_seat(m, &b, v->seats[i], v->now);
	cut_to_width(&b, m->width - 1);
	if (buf_len(&b) != buf_len(&m->drawn) ||
	    memcmp(buf_data(&b), buf_data(&m->drawn), buf_len(&b)) != 0) {
		buf_reset(&m->drawn);
		buf_put(&m->drawn, buf_data(&b), buf_len(&b));
		meter_print(m, "");
	}
	buf_free(&b);
}

/* CSI code ; modifiers : event u (kitty's keyboard protocol). The key, or 0:
 * nothing that means anything here. */
static char
kitty_key(const char *s)
{
	long code, mods = 1, event = 1;
	char *end;

	code = strtol(s, &end, 10);
	/* code:alternatives ; mods:event ; text */
	end += strcspn(end, ";u");
	if (*end == ';') {
		mods = strtol(end + 1, &end, 10);
		if (*end == ':')
			event = strtol(end + 1, &end, 10);
	}
	/* What the terminal would have made signals of (bits: 4 is ctrl). */
	if (event != 3 && ((mods - 1) & 4) != 0) {
		if (code == 'c')
			raise(SIGINT);
		else if (code == 'z')
			raise(SIGTSTP);
		return 0;
	}
	if (code == ' ')
		return event == 1 ? ' ' : event == 3 ? METER_UP : 0;
	return event == 1 && code > ' ' && code < 127 ? (char)code : 0;
}

/* A byte more of an escape sequence; a key if it is complete and is one. */
static char
sequence(struct meter *m, char c)
{
	const char *s = m->seq + 2;

	m->seq[m->nseq++] = c;
	m->seq[m->nseq] = '\0';
	if (m->nseq == 1 || (m->nseq == 2 && c == '['))
		return 0;
	if (m->nseq < sizeof(m->seq) - 1 && m->nseq > 2 &&
	    ((c >= '0' && c <= '?') || c == ' '))
		return 0;
	m->nseq = 0;
	if (c != 'u')
		return 0;
	if (*s != '?')
		return kitty_key(s);
	if (!m->kitty) {
		m->kitty = 1;
		set_kitty(m, 1);
	}
	return 0;
}

int
meter_keys(struct meter *m, char *out, int n)
{
	char in[32], c;
	ssize_t k, i;
	int keys = 0;

	while ((k = read(STDIN_FILENO, in,
		    (size_t)n < sizeof(in) ? (size_t)n : sizeof(in))) == -1 &&
	    errno == EINTR)
		;
	/* VMIN 0: no byte is a hang-up, since poll(2) said that there is
	 * something. */
	if (k <= 0)
		return k == -1 && errno == EAGAIN ? 0 : -1;
	for (i = 0; i < k; i++) {
		c = in[i];
		if (c == '\033' || m->nseq > 0) {
			if (c == '\033')
				m->nseq = 0;
			c = sequence(m, c);
		} else if (c == METER_UP)
			c = 0;
		if (c != 0)
			out[keys++] = c;
	}
	return keys;
}
