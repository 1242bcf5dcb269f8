#ifndef AUDIO_WAV_H
#define AUDIO_WAV_H

#include <stddef.h>
#include <stdint.h>

/*
 * Heads of sound files: WAV (RIFF), Au (.snd), or none at all. Whatever the
 * file holds comes out as s16 mono; what we write is s16 mono.
 *
 * In a pipe nobody knows the length when the head is written: WAV has then
 * 0xFFFFFFFF, Au its defined "unknown", and its head is 28 bytes, since
 * readers exist that refuse 24. On input, a size of 0 or from 0x7FFFF000 on
 * means "until the end".
 */
enum wav_kind { WAV_RAW, WAV_RIFF, WAV_AU };
enum wav_coding { WAV_S16, WAV_U8, WAV_S8, WAV_S24, WAV_S32, WAV_F32,
	WAV_ULAW, WAV_ALAW };

#define WAV_UNTIL_END	UINT64_MAX
#define WAV_HEAD_MAX	44             /* of what we write */
#define WAV_PARSE_MAX	65536          /* a head is found within these */

struct wav {
	enum wav_kind	kind;
	enum wav_coding	coding;
	int		big_endian;
	int		channels;      /* 1..8 */
	int		rate;          /* 1000..384000 */
	uint64_t	size;          /* bytes of sound, WAV_UNTIL_END */
};

/* Raw s16le mono. */
void	wav_raw(struct wav *w, int rate);
/*
 * Parse the head in the n bytes that a file begins with. Returns the length
 * of the head (sound follows), 0: more bytes are needed, or SEC_ERR_FORMAT:
 * this is no WAV or Au file, or one of a kind that we do not read.
 */
int	wav_parse(struct wav *w, const uint8_t *p, size_t n);
/* Could these first n bytes be, or become, a head? Else the input is raw. */
int	wav_is_head(const uint8_t *p, size_t n);
/* Bytes of one sample of all channels. */
size_t	wav_step(const struct wav *w);
/* n samples from p (n * wav_step() bytes), channels averaged. */
void	wav_decode(const struct wav *w, const uint8_t *p, size_t n,
	    int16_t *out);

/* The head for s16 mono at rate: size bytes of sound, or WAV_UNTIL_END;
 * returns its length, which does not depend on size. */
size_t	wav_head(enum wav_kind kind, int rate, uint64_t size,
	    uint8_t out[WAV_HEAD_MAX]);
/* n samples as such a file has them; out: 2 * n bytes. */
void	wav_encode(enum wav_kind kind, const int16_t *s, size_t n,
	    uint8_t *out);
/* By name: .wav, .au and .snd, .raw and .s16; 0 or SEC_ERR_FORMAT. Case
 * does not matter. */
int	wav_kind_of(const char *path, enum wav_kind *kind);

#endif
