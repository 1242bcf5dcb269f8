#ifndef SEC_TALK_CAPTURE_H
#define SEC_TALK_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "audio/codec.h"

/*
 * What is said: a sound card, a file or a pipe, or nothing. 20 ms at a time,
 * at the pace of whoever takes them; a pipe is not read faster than that, so
 * that its writer waits.
 */
struct capture;

enum capture_kind { CAPTURE_NONE, CAPTURE_CARD, CAPTURE_FILE };

/*
 * src: NULL the card, "alsa:DEV", "-" standard input, "null" nothing, else a
 * file. raw: no head is looked for. 0, or SEC_ERR_* with a sentence in why
 * (256 bytes). No card is no error: the kind is then NONE, and why says so.
 */
int	capture_open(struct capture **out, const char *src, int raw, int rate,
	    char *why);
void	capture_close(struct capture *c);
enum capture_kind capture_kind(const struct capture *c);
/* For the first line: "default". */
const char *capture_name(const struct capture *c);

/* Descriptor to wait for, -1: none now. */
int	capture_fd(const struct capture *c);
/* It is readable: 0, or SEC_ERR_* (why). */
int	capture_input(struct capture *c, char *why);
/* The mic was opened: what was said before belongs to nobody. */
void	capture_flush(struct capture *c);
/* The mic was closed: a card hears nothing until it is opened. */
void	capture_rest(struct capture *c);
/* heard: what the loudspeaker got in these 20 ms (a card's echo), or NULL.
 * 1: s is filled; 0: nothing yet; SEC_ERR_CLOSED: that was all. */
int	capture_frame(struct capture *c, int16_t s[AUDIO_FRAME],
	    const int16_t *heard);

#endif
