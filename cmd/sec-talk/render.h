#ifndef SEC_TALK_RENDER_H
#define SEC_TALK_RENDER_H

#include <stddef.h>
#include <stdint.h>

#include "audio/wav.h"

/*
 * Where what is heard goes: a sound card, a file, a pipe, or nowhere; and
 * the files of single speakers.
 */
struct render;

enum render_kind { RENDER_NONE, RENDER_CARD, RENDER_FILE };

/* dst: NULL the card, "alsa:DEV", "-" standard output, "null" nothing, else a
 * file. kind: for files and pipes. As capture_open(). */
int	render_open(struct render **out, const char *dst, enum wav_kind kind,
	    int rate, char *why);
/* There is something to hear: until then a file keeps what is in it. As
 * render_put(). */
int	render_begin(struct render *r);
/* That was all: what waits for a pipe's reader gets RENDER_LAST_MS more, heads
 * get their lengths. As render_put(). */
#define RENDER_LAST_MS 2000
int	render_finish(struct render *r);
void	render_close(struct render *r);
enum render_kind render_kind(const struct render *r);
const char *render_name(const struct render *r);
/* Descriptor that has to become writable, -1: none. */
int	render_fd(const struct render *r);
/* n samples more. 0, SEC_ERR_CLOSED: nobody reads or the card has gone,
 * SEC_ERR_DISK: cannot be written (errno). */
int	render_put(struct render *r, const int16_t *s, size_t n);
/* It is writable: as render_put(). */
int	render_flush(struct render *r);
/* Samples that were lost because a pipe's reader is too slow. */
uint64_t render_lost(const struct render *r);

/* One speaker alone, in a WAV file that begins with the device: what is not
 * written is silence. */
struct stem;

/* NULL: errno says. Never over another file. */
struct stem *stem_open(const char *dir, const char *conf, const char *user,
	    int rate);
/* n samples at this time (samples of 48 kHz since the beginning). 0 or
 * SEC_ERR_DISK. */
int	stem_put(struct stem *s, uint64_t at, const int16_t *p, size_t n);
/* He has gone, and may come back: its descriptor is closed until then. */
void	stem_rest(struct stem *s, uint64_t end);
/* As long as all the others. */
void	stem_close(struct stem *s, uint64_t end);

#endif
