#ifndef DB_DB_H
#define DB_DB_H

#include <stddef.h>
#include <stdint.h>

/*
 * One SQLite file (COMMANDS.md 4, LIBRARIES.md 13): WAL, pre-created 0660,
 * schema version in user_version, refused on NFS and SMB. Statements are
 * prepared once and live with their tables' functions.
 */
struct db;

enum db_mode { DB_WRITER, DB_READER };

/*
 * name: "pal.db", "conf.db" (synchronous FULL), "dir.db". 0, SEC_ERR_DISK,
 * SEC_ERR_VERSION (newer schema), SEC_ERR_DATA (corrupt), SEC_ERR_NOTHING
 * (reader: no file). why: one sentence.
 */
int	db_open(struct db **out, const char *name, enum db_mode mode,
	    char *why, size_t whylen);
/* The same of a file elsewhere, of the kind that is called name. */
int	db_open_at(struct db **out, const char *path, const char *name,
	    enum db_mode mode, char *why, size_t whylen);
void	db_close(struct db *d);
/* All of it as it stands, in one file that must not exist yet, while others
 * write (VACUUM INTO). 0 or SEC_ERR_*. */
int	db_copy(struct db *d, const char *to);
/* Has anybody this file open as a database, idle or not? 1, or 0: nobody, or
 * it is none. What its log had is in it then. */
int	db_in_use(const char *path);
/* PRAGMA integrity_check: 0 or SEC_ERR_DATA. */
int	db_check(struct db *d);
/* Schema version built in for a name. */
int	db_schema(const char *name);
int64_t	db_size(struct db *d);        /* bytes, with its log */
/* 1 if statfs(2)'s f_type is one of NFS, SMB, AFS and their like, where
 * SQLite's locks do not hold. */
int	db_is_remote(unsigned long magic);

/*
 * Transactions. db_begin() may be nested by counting; the outermost
 * db_commit() commits. 0 or SEC_ERR_DISK (full, read-only: everything since
 * the outermost begin is rolled back) or SEC_ERR_DATA. A db_rollback() inside
 * an outer transaction dooms that one too.
 */
int	db_begin(struct db *d);
int	db_commit(struct db *d);
void	db_rollback(struct db *d);
/* Last error as one sentence. */
const char *db_why(struct db *d);

#endif
