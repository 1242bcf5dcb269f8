#include <math.h>

#include "base/text.h"

#include "svg.h"

/* Colours that colour-blind people tell apart (Okabe and Ito, 2008). */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
	"#cc79a7", "#e69f00", "#56b4e9", "#6f6f6f", "#8a6d00" };
#define NCOLOURS ((int)(sizeof(colours) / sizeof(*colours)))

static const char style[] =
    "text{font:12px sans-serif;fill:#222}"
    ".h{font-size:16px;font-weight:bold}.s{font-size:11px;fill:#555}"
    ".bg{fill:#fff}.grid{stroke:#ddd}.axis{stroke:#888}"
    ".there{stroke:#bbb;stroke-width:2}"
    ".join{stroke:#009e73;stroke-width:2}"
    ".leave{stroke:#d55e00;stroke-width:2}"
    ".path{fill:none;stroke-width:1.5}";

/* One decimal, with a point in every locale. */
static void
put_number(struct buf *b, double v)
{
	long long tenths = llround(v * 10);

	if (tenths < 0) {
		buf_put_str(b, "-");
		tenths = -tenths;
	}
	buf_putf(b, "%lld", tenths / 10);
	if (tenths % 10 != 0)
		buf_putf(b, ".%lld", tenths % 10);
}

static void
put_attr(struct buf *b, const char *name, double v)
{
	buf_putf(b, " %s=\"", name);
	put_number(b, v);
	buf_put_str(b, "\"");
}

/* Strangers' text: XML has no way to write most control characters. */
static void
put_text(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '<': buf_put_str(b, "&lt;"); break;
		case '>': buf_put_str(b, "&gt;"); break;
		case '&': buf_put_str(b, "&amp;"); break;
		case '"': buf_put_str(b, "&quot;"); break;
		default:
			if ((unsigned char)*s < ' ' && *s != '\n')
				buf_put_str(b, "\xef\xbf\xbd");
			else
				buf_put(b, s, 1);
		}
	}
}

static void
put_tip(struct buf *b, const char *element, const char *tip)
{
	if (tip == NULL) {
		buf_put_str(b, "/>\n");
		return;
	}
	buf_put_str(b, "><title>");
	put_text(b, tip);
	buf_putf(b, "</title></%s>\n", element);
}

void
svg_begin(struct svg *s, int width, int height, const char *title,
    const char *desc)
{
	buf_init(&s->b);
	s->width = width;
	s->height = height;
	buf_putf(&s->b,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
	    "aria-labelledby=\"title desc\">\n<title id=\"title\">",
	    width, height, width, height);
	put_text(&s->b, title);
	buf_put_str(&s->b, "</title>\n<desc id=\"desc\">");
	put_text(&s->b, desc);
	buf_putf(&s->b, "</desc>\n<style>%s</style>\n", style);
	svg_rect(s, "bg", 0, 0, width, height, -1, NULL);
	svg_text(s, "h", 16, 28, SVG_START, title);
}

void
svg_end(struct svg *s)
{
	buf_put_str(&s->b, "</svg>\n");
}

void
svg_rect(struct svg *s, const char *class, double x, double y, double w,
    double h, int colour, const char *tip)
{
	buf_putf(&s->b, "<rect class=\"%s\"", class);
	put_attr(&s->b, "x", x);
	put_attr(&s->b, "y", y);
	put_attr(&s->b, "width", w);
	put_attr(&s->b, "height", h);
	if (colour >= 0)
		buf_putf(&s->b, " fill=\"%s\"", colours[colour % NCOLOURS]);
	put_tip(&s->b, "rect", tip);
}

void
svg_line(struct svg *s, const char *class, double x1, double y1, double x2,
    double y2)
{
	buf_putf(&s->b, "<line class=\"%s\"", class);
	put_attr(&s->b, "x1", x1);
	put_attr(&s->b, "y1", y1);
	put_attr(&s->b, "x2", x2);
	put_attr(&s->b, "y2", y2);
	buf_put_str(&s->b, "/>\n");
}

void
svg_text(struct svg *s, const char *class, double x, double y,
    enum svg_anchor a, const char *text)
{
	static const char *const anchors[] = { "start", "middle", "end" };

	buf_putf(&s->b, "<text class=\"%s\" text-anchor=\"%s\"", class,
	    anchors[a]);
	put_attr(&s->b, "x", x);
	put_attr(&s->b, "y", y);
	buf_put_str(&s->b, ">");
	put_text(&s->b, text);
	buf_put_str(&s->b, "</text>\n");
}

void
svg_mark(struct svg *s, double x, double y, int n, const char *tip)
{
	static const char *const shapes[] = {
		"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", /* circle */
		"m-3.5-3.5h7v7h-7z", "m0-5l4.5 8h-9z", /* square, triangle */
		"m0-5l5 5l-5 5l-5-5z", /* diamond */
	};

	buf_put_str(&s->b, "<path d=\"M");
	put_number(&s->b, x);
	buf_put_str(&s->b, " ");
	put_number(&s->b, y);
	buf_putf(&s->b, "%s\" fill=\"%s\"", shapes[n % 4],
	    colours[n % NCOLOURS]);
	put_tip(&s->b, "path", tip);
}

void
svg_path(struct svg *s, const double *xy, size_t n, int colour)
{
	size_t i;

	if (n < 2)
		return;
	buf_putf(&s->b, "<polyline class=\"path\" stroke=\"%s\" points=\"",
	    colours[colour % NCOLOURS]);
	for (i = 0; i < n; i++) {
		put_number(&s->b, xy[2 * i]);
		buf_put_str(&s->b, ",");
		put_number(&s->b, xy[2 * i + 1]);
		buf_put_str(&s->b, i + 1 < n ? " " : "\"/>\n");
	}
}

double
svg_text_width(const char *text)
{
	return 7.0 * (double)text_width(text);
}
