/* The terminal of a voice device. */
#include <sys/ioctl.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "meter.h"

#define BARS	  8
#define LOUDEST	  6 /* dB below overload: all bars */
#define BAR_DB	  6
#define NARROWEST 20

struct meter {
	struct termios before, ours;
	int ascii, colour;
	size_t width;
	struct buf drawn; /* what stands there */
};

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
	tcsetattr(STDIN_FILENO, TCSADRAIN, &m->ours);
	meter_print(m, first);
	return m;
}

void
meter_suspend(struct meter *m)
{
	emit_write(STDERR_FILENO, "\r\033[K", 4);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &m->before);
}

void
meter_resume(struct meter *m)
{
	tcsetattr(STDIN_FILENO, TCSADRAIN, &m->ours);
	meter_resize(m);
}

void
meter_close(struct meter *m)
{
	if (m == NULL)
		return;
	meter_suspend(m);
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

/* "standup: alice bob*"; a user with several devices stands there once. */
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
	buf_put_str(b, blinks ? "\033[m:" : ":");
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

int
meter_keys(struct meter *m, char *out, int n)
{
	ssize_t k;

	(void)m;
	while ((k = read(STDIN_FILENO, out, (size_t)n)) == -1 && errno == EINTR)
		;
	/* VMIN 0: no byte is a hang-up, since poll(2) said that there is
	 * something. */
	return k > 0 ? (int)k : k == -1 && errno == EAGAIN ? 0 : -1;
}
