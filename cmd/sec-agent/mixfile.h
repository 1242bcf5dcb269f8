#ifndef SEC_AGENT_MIXFILE_H
#define SEC_AGENT_MIXFILE_H

#include <stddef.h>

#include "wire/uri.h"

/*
 * mix.json: what was set by sec-mix, one JSON object a line.
 *   {"v":1,"conf":URI,"id":CID,"mode":MODE,"vol_db":N,"sound":FILE}
 *   {"v":1,"user":URI,"sound":FILE}
 */
#define MIX_FILE 512                   /* a sound's path */

enum mix_mode { MIX_HEAR, MIX_EARCON, MIX_LIGHT, MIX_ALERT };
extern const char *const mix_modes[];
/* MIX_*, or -1. */
int	mix_mode_of(const char *word);

struct mix_line {
	char		uri[URI_MAX];
	int		is_user;
	char		cid[20];       /* of the conference of that name */
	enum mix_mode	mode;
	int		vol;
	char		sound[MIX_FILE];       /* "": the usual one */
};

/* One line; 0 or SEC_ERR_FORMAT. Fields that we do not know are skipped. */
int	mix_line_parse(struct mix_line *m, const char *p, size_t n);
struct buf;
void	mix_line_put(const struct mix_line *m, struct buf *out);

#endif
