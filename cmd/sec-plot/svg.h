#ifndef SEC_PLOT_SVG_H
#define SEC_PLOT_SVG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* SVG 1.1, one self-contained document: no script, no font, no reference to
 * anywhere else. Numbers never depend on the locale. */
struct svg {
	struct buf	b;
	int		width, height;
};

/* desc: a table in words, for who does not see the picture. */
void	svg_begin(struct svg *s, int width, int height, const char *title,
	    const char *desc);
void	svg_end(struct svg *s);        /* then write s->b, and free it */
/* class: of the style sheet in svg.c; tip: shown on hovering, NULL: none. */
void	svg_rect(struct svg *s, const char *class, double x, double y,
	    double w, double h, int colour, const char *tip);
void	svg_line(struct svg *s, const char *class, double x1, double y1,
	    double x2, double y2);
enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };
void	svg_text(struct svg *s, const char *class, double x, double y,
	    enum svg_anchor a, const char *text);
/* A mark whose shape and colour tell the n-th person. */
void	svg_mark(struct svg *s, double x, double y, int n, const char *tip);
/* Through n points of x, y. */
void	svg_path(struct svg *s, const double *xy, size_t n, int colour);
/* Width of text in pixels, as far as one can know. */
double	svg_text_width(const char *text);

#endif
