#ifndef DB_STMT_H
#define DB_STMT_H

#include <stdint.h>

#include <sqlite3.h>

#include "db/db.h"

/*
 * Inside lib/db only: statements, prepared once per database and found
 * again by the address of their text.
 *
 * types, one letter per bound parameter: t text (NULL: null), i int, l
 * int64_t, b blob (pointer, then size_t).
 */

/* Run a statement that gives no rows. 0, SEC_ERR_NO (a constraint),
 * SEC_ERR_DISK, SEC_ERR_DATA. */
int	stmt_run(struct db *d, const char *sql, const char *types, ...);

/*
 * A statement that gives rows: stmt_open(), stmt_next() until it is not 1,
 * stmt_close() in any case. stmt_next(): 1 a row, 0 no more, SEC_ERR_*.
 * The same text may not be open twice.
 */
int	stmt_open(struct db *d, sqlite3_stmt **out, const char *sql,
	    const char *types, ...);
int	stmt_next(struct db *d, sqlite3_stmt *s);
void	stmt_close(sqlite3_stmt *s);

/* Column as text into a field of size bytes; null gives "". */
void	stmt_text(sqlite3_stmt *s, int col, char *out, size_t size);

/* Rows changed by the last statement. */
int	stmt_changes(struct db *d);

/* A conference's id as the text that the tables hold; 0 is ''. */
#define CONF_ID_LEN 17
const char *conf_id_text(uint64_t id, char out[CONF_ID_LEN]);
/* The other way, of a column. */
uint64_t conf_id_of(sqlite3_stmt *s, int col);

/* End of a change that began with db_begin(): commit if r is 0, else roll
 * back; returns r or the commit's error. */
int	db_finish(struct db *d, int r);

#endif
