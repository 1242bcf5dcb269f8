#ifndef SEC_ADMIN_ARCHIVE_H
#define SEC_ADMIN_ARCHIVE_H

#include <stdint.h>
#include <stdio.h>

#include "db/attachment_store.h"
#include "wire/tar.h"

/*
 * The file of backup and restore: a tar file with these and nothing else.
 *
 *	sec-backup		one line: version, domain, when
 *	pal.db conf.db dir.db	those that the host has
 *	rules types		the same
 *	files/CONF/FILE		attached, sealed as they lie
 */
#define ARCHIVE_HEAD	"sec-backup"
#define ARCHIVE_VERSION 1

enum archive_kind {
	ARCHIVE_NONE,          /* nothing of ours */
	ARCHIVE_DB,
	ARCHIVE_TEXT,
	ARCHIVE_FILE,
};

enum archive_kind archive_kind(const char *name);
/* rules, types: NULL behind the last. */
extern const char *const archive_texts[];
char	*archive_text_path(char out[PATH_LEN], const char *name);
/* files/CONF/FILE */
void	archive_file_name(char out[TAR_NAME], const struct attachment_row *a);

/* dir/name; ends the program if that is too long. */
char	*archive_path(char out[PATH_LEN], const char *dir, const char *name);
/* A directory of our own beside the databases, NAME.XXXXXX; and away with
 * it and all that is in it. From then on signals end a copy, not us. 0 or
 * SEC_ERR_DISK. */
int	archive_stage(char out[PATH_LEN], const char *name);
void	archive_unstage(const char *dir);
int	archive_stopped(void);         /* by a signal */

/* --- writing: 0, SEC_ERR_DISK, _SYS (errno) or _LIMIT --- */
int	archive_put_head(FILE *f, const char *domain);
/* SEC_ERR_NOTHING: there is no such file. */
int	archive_put(FILE *f, const char *name, const char *path);
int	archive_put_end(FILE *f);

/* --- reading: 0, or an error and a sentence --- */
struct archive_in {
	FILE	*f;
	char	 why[256];
};
/* The head: SEC_ERR_DATA, _VERSION. */
int	archive_get_head(struct archive_in *in, char *domain, size_t size);
/* The next member, or SEC_ERR_NOTHING: that was all, whole. */
int	archive_get(struct archive_in *in, struct tar_entry *e);
/* Its bytes into a new file. */
int	archive_get_bytes(struct archive_in *in, const struct tar_entry *e,
	    const char *path);

#endif
