#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

#include "chart.h"
#include "svg.h"

#define TOP   48 /* below the title */
#define ROW   26
#define PANEL 180
#define RIGHT 24
#define TICKS 5 /* of a panel */

struct axis {
	int64_t from, to; /* ms */
	double x, width; /* pixels */
};

static double
axis_x(const struct axis *a, int64_t t)
{
	return a->x +
	    a->width * (double)(t - a->from) / (double)(a->to - a->from);
}

/* 14:02:33 */
static const char *
clock_text(char s[32], int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(s, 32, "%H:%M:%S", &tm);
	return s;
}

/* Tenths without the locale's comma. */
static void
put_tenths(struct buf *b, double v)
{
	long long t = llround(v * 10);

	buf_putf(b, "%lld.%lld", t / 10, t % 10);
}

/* A round step, of which about n cover the span. */
static int64_t
time_step(int64_t span, int n)
{
	static const int64_t steps[] = { 100, 200, 500, 1000, 2000, 5000, 10000,
		15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000,
		3600000, 7200000, 21600000, 43200000 };
	int64_t step;
	size_t i;

	for (i = 0; i + 1 < sizeof(steps) / sizeof(*steps); i++)
		if (span / steps[i] <= n)
			return steps[i];
	/* Years: one clock at least was wrong. */
	for (step = steps[i]; span / step > (n > 0 ? n : 1); step *= 2)
		;
	return step;
}

static void
time_axis(struct svg *s, const struct axis *a, double top, double bottom)
{
	int64_t step = time_step(a->to - a->from, (int)(a->width / 90)), t;
	char text[32];

	for (t = (a->from + step - 1) / step * step; t <= a->to; t += step) {
		svg_line(s, "grid", axis_x(a, t), top, axis_x(a, t), bottom);
		if (t % 1000 == 0)
			svg_text(s, "s", axis_x(a, t), bottom + 16, SVG_MIDDLE,
			    clock_text(text, t));
	}
	svg_line(s, "axis", a->x, bottom, a->x + a->width, bottom);
}

static struct axis
axis_of(const struct call *c, double x, double width)
{
	struct axis a = { c->from, c->to, x, width };

	if (a.width < 50)
		a.width = 50;
	if (a.to - a.from < 1000)
		a.to = a.from + 1000;
	return a;
}

static double
names_width(const struct call *c)
{
	double w = 40;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (svg_text_width(c->people[i].name) > w)
			w = svg_text_width(c->people[i].name);
	return w + 32;
}

static void
title_of(const struct call *c, const char *given, const char *what,
    struct buf *out)
{
	if (given != NULL)
		buf_put_str(out, given);
	else if (c->conf != NULL)
		buf_putf(out, "%s: %s", c->conf, what);
	else
		buf_put_str(out, what);
}

static void
finish(struct svg *s, struct buf *title, struct buf *desc, struct buf *out)
{
	svg_end(s);
	buf_put(out, buf_data(&s->b), buf_len(&s->b));
	if (buf_error(&s->b) != 0 || buf_error(out) != 0)
		die(10, "out of memory");
	buf_free(&s->b);
	buf_free(title);
	buf_free(desc);
}

static void
nothing(struct svg *s, const char *what)
{
	svg_text(s, "s", 16, TOP + 12, SVG_START, what);
}

/* --- timeline: who spoke when --- */

static void
timeline_desc(const struct call *c, struct buf *b)
{
	const struct person *p;
	char text[32];
	size_t i, k;

	buf_put_str(b, "name; utterances; seconds spoken; joined and left\n");
	for (i = 0; i < c->n; i++) {
		p = &c->people[i];
		buf_putf(b, "%s; %zu; ", p->name, p->nsaid);
		put_tenths(b, (double)p->spoken / 1000);
		buf_put_str(b, ";");
		for (k = 0; k < p->nthere; k++) {
			if (p->there[k].from != -1)
				buf_putf(b, " joined %s",
				    clock_text(text, p->there[k].from));
			if (p->there[k].to != -1)
				buf_putf(b, " left %s",
				    clock_text(text, p->there[k].to));
		}
		buf_put_str(b, "\n");
	}
}

static void
timeline_row(struct svg *s, const struct axis *a, const struct person *p,
    int number, double y)
{
	struct buf tip = BUF_INIT;
	const struct utterance *u;
	double from, to;
	char text[32];
	size_t k;

	svg_text(s, "", a->x - 12, y + 4, SVG_END, p->name);
	for (k = 0; k < p->nthere; k++) {
		from =
		    p->there[k].from == -1 ? a->x : axis_x(a, p->there[k].from);
		to = p->there[k].to == -1 ? a->x + a->width :
					    axis_x(a, p->there[k].to);
		svg_line(s, "there", from, y, to, y);
		if (p->there[k].from != -1)
			svg_line(s, "join", from, y - 10, from, y + 10);
		if (p->there[k].to != -1)
			svg_line(s, "leave", to, y - 10, to, y + 10);
	}
	for (k = 0; k < p->nsaid; k++) {
		u = &p->said[k];
		from = axis_x(a, u->from);
		to = axis_x(a, u->to);
		buf_reset(&tip);
		buf_putf(&tip, "%s %s, ", p->name, clock_text(text, u->from));
		put_tenths(&tip, (double)(u->to - u->from) / 1000);
		buf_put_str(&tip, " s");
		svg_rect(s, "said", from, y - 7, to - from < 2 ? 2 : to - from,
		    14, number, buf_cstr(&tip));
	}
	buf_free(&tip);
}

void
chart_timeline(const struct call *c, int width, const char *title,
    struct buf *out)
{
	struct buf head = BUF_INIT, desc = BUF_INIT;
	double bottom = TOP + ROW * (double)c->n, x = names_width(c);
	struct axis a = axis_of(c, x, width - x - RIGHT);
	struct svg s;
	size_t i;

	title_of(c, title, "who spoke when", &head);
	timeline_desc(c, &desc);
	svg_begin(&s, width, (int)bottom + 56, buf_cstr(&head),
	    buf_cstr(&desc));
	if (c->n == 0) {
		nothing(&s, "nobody was there");
	} else {
		time_axis(&s, &a, TOP, bottom);
		for (i = 0; i < c->n; i++)
			timeline_row(&s, &a, &c->people[i], (int)i,
			    TOP + ROW * ((double)i + 0.5));
		svg_line(&s, "join", 16, bottom + 32, 16, bottom + 46);
		svg_text(&s, "s", 24, bottom + 43, SVG_START, "joined");
		svg_line(&s, "leave", 76, bottom + 32, 76, bottom + 46);
		svg_text(&s, "s", 84, bottom + 43, SVG_START, "left");
	}
	finish(&s, &head, &desc, out);
}

/* --- quality: loss and jitter of each speaker --- */

static double
lost_of(const struct utterance *u)
{
	return u->lost;
}

static double
jitter_of(const struct utterance *u)
{
	return u->jitter;
}

static double
most(const struct person *p, double (*of)(const struct utterance *))
{
	double max = -1;
	size_t k;

	for (k = 0; k < p->nsaid; k++)
		if (of(&p->said[k]) > max)
			max = of(&p->said[k]);
	return max;
}

static double
mean(const struct person *p, double (*of)(const struct utterance *))
{
	double sum = 0;
	size_t k, n = 0;

	for (k = 0; k < p->nsaid; k++)
		if (of(&p->said[k]) >= 0) {
			sum += of(&p->said[k]);
			n++;
		}
	return n > 0 ? sum / (double)n : 0;
}

static void
quality_desc(const struct call *c, struct buf *b)
{
	const struct person *p;
	size_t i;

	buf_put_str(b, "name; mean loss %; most; mean jitter ms; most\n");
	for (i = 0; i < c->n; i++) {
		p = &c->people[i];
		if (most(p, lost_of) < 0 && most(p, jitter_of) < 0)
			continue;
		buf_putf(b, "%s; ", p->name);
		put_tenths(b, mean(p, lost_of));
		buf_put_str(b, "; ");
		put_tenths(b, fmax(0, most(p, lost_of)));
		buf_put_str(b, "; ");
		put_tenths(b, mean(p, jitter_of));
		buf_put_str(b, "; ");
		put_tenths(b, fmax(0, most(p, jitter_of)));
		buf_put_str(b, "\n");
	}
}

/* 1, 2 or 5 times a power of ten, at least v. */
static double
round_up(double v)
{
	double p = pow(10, floor(log10(v)));

	return p >= v ? p : 2 * p >= v ? 2 * p : 5 * p >= v ? 5 * p : 10 * p;
}

static void
panel(struct svg *s, const struct call *c, const struct axis *a, double top,
    const char *what, double (*of)(const struct utterance *))
{
	struct buf tip = BUF_INIT;
	double max = 1, bottom = top + PANEL, *xy;
	const struct person *p;
	size_t i, k, n;

	for (i = 0; i < c->n; i++)
		max = fmax(max, most(&c->people[i], of));
	max = round_up(max);
	svg_text(s, "s", a->x, top - 6, SVG_START, what);
	for (i = 0; i <= TICKS; i++) {
		double y = bottom - PANEL * (double)i / TICKS;

		svg_line(s, "grid", a->x, y, a->x + a->width, y);
		buf_reset(&tip);
		put_tenths(&tip, max * (double)i / TICKS);
		svg_text(s, "s", a->x - 8, y + 4, SVG_END, buf_cstr(&tip));
	}
	time_axis(s, a, top, bottom);
	for (i = 0; i < c->n; i++) {
		p = &c->people[i];
		xy = calloc(p->nsaid + 1, 2 * sizeof(*xy));
		if (xy == NULL)
			die(10, "out of memory");
		for (n = 0, k = 0; k < p->nsaid; k++) {
			if (of(&p->said[k]) < 0)
				continue;
			xy[2 * n] = axis_x(a, p->said[k].to);
			xy[2 * n + 1] = bottom - PANEL * of(&p->said[k]) / max;
			n++;
		}
		svg_path(s, xy, n, (int)i);
		for (n = 0, k = 0; k < p->nsaid; k++) {
			if (of(&p->said[k]) < 0)
				continue;
			buf_reset(&tip);
			buf_putf(&tip, "%s ", p->name);
			put_tenths(&tip, of(&p->said[k]));
			svg_mark(s, xy[2 * n], xy[2 * n + 1], (int)i,
			    buf_cstr(&tip));
			n++;
		}
		free(xy);
	}
	buf_free(&tip);
}

/* Who has which mark, from height y on; s NULL: only measured. Returns the
 * height of its end. */
static double
legend(struct svg *s, const struct call *c, const struct axis *a, double y)
{
	double x = a->x, w;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (c->people[i].nsaid == 0)
			continue;
		w = svg_text_width(c->people[i].name) + 36;
		if (x + w > a->x + a->width && x > a->x) {
			x = a->x;
			y += 20;
		}
		if (s != NULL) {
			svg_mark(s, x + 6, y, (int)i, NULL);
			svg_text(s, "", x + 18, y + 4, SVG_START,
			    c->people[i].name);
		}
		x += w;
	}
	return y + 20;
}

void
chart_quality(const struct call *c, int width, const char *title,
    struct buf *out)
{
	const double first = TOP + 16, second = first + PANEL + 64,
		     end = second + PANEL + 38;
	struct buf head = BUF_INIT, desc = BUF_INIT;
	struct axis a = axis_of(c, 64, width - 64 - RIGHT);
	struct svg s;

	title_of(c, title, "loss and jitter", &head);
	quality_desc(c, &desc);
	svg_begin(&s, width,
	    c->spoken > 0 ? (int)legend(NULL, c, &a, end) : TOP + 40,
	    buf_cstr(&head), buf_cstr(&desc));
	if (c->spoken == 0) {
		nothing(&s, "nobody spoke");
	} else {
		panel(&s, c, &a, first,
		    "lost, per cent of an utterance's packets", lost_of);
		panel(&s, c, &a, second, "jitter, ms", jitter_of);
		legend(&s, c, &a, end);
	}
	finish(&s, &head, &desc, out);
}

/* --- talk-share: who spoke how much --- */

static int
by_share(const void *a, const void *b)
{
	const struct person *const *p = a, *const *q = b;

	return (*p)->spoken < (*q)->spoken ? 1 :
	    (*p)->spoken > (*q)->spoken	   ? -1 :
					     0;
}

void
chart_talk_share(const struct call *c, int width, const char *title,
    struct buf *out)
{
	struct buf head = BUF_INIT, desc = BUF_INIT, words = BUF_INIT;
	double x = names_width(c), y, full, most_spoken;
	const struct person **row, *p;
	struct svg s;
	size_t i;

	if ((row = calloc(c->n + 1, sizeof(*row))) == NULL)
		die(10, "out of memory");
	for (i = 0; i < c->n; i++)
		row[i] = &c->people[i];
	qsort(row, c->n, sizeof(*row), by_share);
	title_of(c, title, "who spoke how much", &head);
	buf_put_str(&desc, "name; seconds spoken; per cent\n");
	for (i = 0; i < c->n; i++) {
		buf_putf(&desc, "%s; ", row[i]->name);
		put_tenths(&desc, (double)row[i]->spoken / 1000);
		buf_put_str(&desc, "; ");
		put_tenths(&desc,
		    c->spoken > 0 ?
			100.0 * (double)row[i]->spoken / (double)c->spoken :
			0);
		buf_put_str(&desc, "\n");
	}
	svg_begin(&s, width, TOP + ROW * ((int)c->n + 1), buf_cstr(&head),
	    buf_cstr(&desc));
	if (c->spoken == 0)
		nothing(&s, "nobody spoke");
	full = fmax(50, width - x - RIGHT - 130);
	most_spoken = c->n > 0 ? (double)row[0]->spoken : 1;
	for (i = 0; i < c->n && c->spoken > 0; i++) {
		p = row[i];
		y = TOP + ROW * ((double)i + 0.5);
		svg_text(&s, "", x - 12, y + 4, SVG_END, p->name);
		svg_rect(&s, "share", x, y - 8,
		    full * (double)p->spoken / most_spoken, 16,
		    (int)(p - c->people), NULL);
		buf_reset(&words);
		put_tenths(&words,
		    100.0 * (double)p->spoken / (double)c->spoken);
		buf_put_str(&words, " %, ");
		put_tenths(&words, (double)p->spoken / 1000);
		buf_put_str(&words, " s");
		svg_text(&s, "s",
		    x + full * (double)p->spoken / most_spoken + 8, y + 4,
		    SVG_START, buf_cstr(&words));
	}
	buf_free(&words);
	free(row);
	finish(&s, &head, &desc, out);
}
