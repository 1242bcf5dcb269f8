#ifndef SEC_AGENT_FILES_PRIV_H
#define SEC_AGENT_FILES_PRIV_H

#include "agent.h"
#include "crypto/chunk.h"
#include "crypto/digest.h"
#include "wire/filename.h"

/* What the files of transfers have in common: files.c (which there are, what
 * they send in turn, and their end), file_up.c, file_down.c. */

#define FLYING 4 /* requests of all transfers together */

enum state { BEGIN, MOVE, LAST };

struct transfer {
	struct agent *a;
	uint64_t number;
	struct ctl_handle who;
	int up;
	enum state state;
	int fd;
	int is_file; /* can be read and written anywhere */
	char conf[URI_MAX];
	char name[FILENAME_SIZE], file[FILE_ID];
	char sha256[SHA256_TEXT]; /* as told at the beginning, or "" */
	uint64_t size;
	struct secret *fk;
	struct sha256_run *hash;
	uint64_t hashed; /* chunks */
	uint64_t next; /* to be sent or asked for */
	uint64_t done; /* answered */
	unsigned flying;
	int again; /* from where it is, when all answers are there */
	int ended; /* stream up: its end was read; its last chunk was sent */
	int sealed_last;
	struct buf data; /* stream: read and not sent, or opened and not
			  * written */
	struct io io;
	struct timer later;
	int64_t moved, told; /* mono ms */
	TAILQ_ENTRY(transfer) entry;
};

struct files {
	TAILQ_HEAD(, transfer) list;
	unsigned flying;
	struct hook pump;
	uint8_t clear[CHUNK_BYTES]; /* the chunk at hand */
};

/* --- files.c */
/* Its line and bytes; 0, or SEC_ERR_UNREACHABLE. */
int	transfer_send(struct transfer *t, int64_t deadline, struct buf *body);
/* Its ends: it is gone then. Spoilt: it cannot go on later either. */
void	transfer_ok(struct transfer *t, const char sha256[SHA256_TEXT]);
void	transfer_fail(struct transfer *t, int status, const char *why);
void	transfer_spoil(struct transfer *t, int status, const char *why);
/* Its answer will not come: at a later time, from where it is; or never. */
void	transfer_retry(struct transfer *t);
/* It went a step forward; its tool is told now and then. */
void	transfer_progress(struct transfer *t);
/* FK as the controller wraps it for us. 0 or SEC_ERR_*. */
int	transfer_take_key(struct transfer *t, const char *b64);
/* n bytes of chunk number `chunk` of the file; less is an error. */
int	transfer_read(struct transfer *t, uint64_t chunk, uint8_t *p,
	    size_t n);

/* --- file_up.c */
/* Begin as the verb's line says. It may be gone then. */
void	upload_open(struct transfer *t, const struct line *l);
int	upload_is_ready(const struct transfer *t);
/* Send one more. 0 or SEC_ERR_*; of SEC_ERR_DATA it is gone. */
int	upload_next(struct transfer *t);
int	upload_is_whole(const struct transfer *t);
/* All its chunks are there. */
void	upload_commit(struct transfer *t);
void	upload_answer(struct transfer *t, const struct line *l);
/* The controller need not keep what nobody will go on with. */
void	upload_drop(struct transfer *t);

/* --- file_down.c */
void	download_open(struct transfer *t, const struct line *l);
int	download_is_ready(const struct transfer *t);
int	download_next(struct transfer *t);
/* `ok file= n= size= sha256= bytes= [key=]`, and the bytes. 0, or an error:
 * it is no answer. */
int	download_answer(struct transfer *t, const struct line *l,
	    const uint8_t *p, size_t n);

#endif
