/* What Swift cannot import from sqlite3.h by itself: variadic functions, function-like macros, and
   functions that older SQLite libraries do not have. */
#ifndef PHASEDB_CSQLITE_SHIM_H
#define PHASEDB_CSQLITE_SHIM_H

#include <sqlite3.h>

/* sqlite3_db_config is variadic. VALUE is 0, 1 or -1 (ask only); RESULT receives what is in force.
   https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
static inline int phasedb_db_config_flag(sqlite3 *db, int operation, int value, int *result) {
  return sqlite3_db_config(db, operation, value, result);
}

/* sqlite3_config is variadic, too. https://www.sqlite.org/c3ref/config.html */
static inline int phasedb_config_memory_statistics(int value) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, value);
}

/* SQLITE_TRANSIENT is a cast of -1 to a function pointer, which Swift does not import. An empty Swift string
   may have no address, and SQLite takes a null pointer for NULL. */
static inline int phasedb_bind_text(sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 length) {
  return sqlite3_bind_text64(statement, index, text ? text : "", length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline int phasedb_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 length) {
  return sqlite3_bind_blob64(statement, index, bytes, length, SQLITE_TRANSIENT);
}

static inline void phasedb_result_text(sqlite3_context *context, const char *text, sqlite3_uint64 length) {
  sqlite3_result_text64(context, text ? text : "", length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline void phasedb_result_blob(sqlite3_context *context, const void *bytes, sqlite3_uint64 length) {
  sqlite3_result_blob64(context, bytes, length, SQLITE_TRANSIENT);
}

/* The file format version that a reader must know, byte 19 of the header: 2 says that the database is in WAL mode
   (sqlite.org/fileformat2.html#file_format_version_numbers). Read through SQLite's own file: a descriptor of our own would
   take SQLite's locks with it when it is closed (sqlite.org/howtocorrupt.html, 2.2). -1 when it cannot be read. */
static inline int phasedb_format_version(sqlite3 *db) {
  sqlite3_file *file = 0;
  unsigned char header[20];
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) return -1;
  if (!file || !file->pMethods || file->pMethods->xRead(file, header, sizeof header, 0) != SQLITE_OK) return -1;
  return header[19];
}

/* Whole UTF-16 code units in the byte order of the machine. SQLite drops a byte order mark at the front, so one of ours goes
   there and what follows stays as it is. */
static inline int phasedb_bind_text16(sqlite3_stmt *statement, int index, const void *marked, sqlite3_uint64 length) {
  return sqlite3_bind_text64(statement, index, marked, length, SQLITE_TRANSIENT, SQLITE_UTF16);
}

static inline void phasedb_result_text16(sqlite3_context *context, const void *marked, sqlite3_uint64 length) {
  sqlite3_result_text64(context, marked, length, SQLITE_TRANSIENT, SQLITE_UTF16);
}

/* sqlite3_value_encoding came with 3.40. Before that text counts as UTF-8, which is what every database without PRAGMA encoding
   holds. https://www.sqlite.org/c3ref/value_encoding.html */
extern int sqlite3_value_encoding(sqlite3_value *value) __attribute__((weak));
static inline int phasedb_value_is_utf16(sqlite3_value *value) {
  return sqlite3_value_encoding && sqlite3_value_encoding(value) != SQLITE_UTF8;
}

/* sqlite3_error_offset came with 3.38. Weak, so that a library from 3.35 on still loads and answers -1,
   "no position known". https://www.sqlite.org/c3ref/errcode.html */
extern int sqlite3_error_offset(sqlite3 *db) __attribute__((weak));
static inline int phasedb_error_offset(sqlite3 *db) {
  return sqlite3_error_offset ? sqlite3_error_offset(db) : -1;
}

/* The pre-update hook is there only in libraries that are built with it, and sqlite3.h declares it only when
   SQLITE_ENABLE_PREUPDATE_HOOK is defined. Weak, or looked up where a weak name has to be in the library's list: the
   answer is 0 where it is missing. https://www.sqlite.org/c3ref/preupdate_blobwrite.html */
typedef void (*phasedb_preupdate_callback)(void *, sqlite3 *, int, const char *, const char *, sqlite3_int64,
                                           sqlite3_int64);
#ifdef __APPLE__
#include <dlfcn.h>
#define PHASEDB_FIND(name, type) ((type)dlsym(RTLD_DEFAULT, #name))
#else
extern void *sqlite3_preupdate_hook(sqlite3 *, phasedb_preupdate_callback, void *) __attribute__((weak));
extern int sqlite3_preupdate_old(sqlite3 *, int, sqlite3_value **) __attribute__((weak));
extern int sqlite3_preupdate_new(sqlite3 *, int, sqlite3_value **) __attribute__((weak));
#define PHASEDB_FIND(name, type) ((type)name)
#endif

/* Returns 1 when SQLite calls the callback from now on. A null callback ends the calls. */
static inline int phasedb_preupdate_hook(sqlite3 *db, phasedb_preupdate_callback callback, void *context) {
  typedef void *(*hook)(sqlite3 *, phasedb_preupdate_callback, void *);
  hook set = PHASEDB_FIND(sqlite3_preupdate_hook, hook);
  if (!set) return 0;
  set(db, callback, context);
  return 1;
}

/* A column of the row that a callback is told of, before its change or after it. */
static inline sqlite3_value *phasedb_preupdate_value(sqlite3 *db, int is_new, int column) {
  typedef int (*reader)(sqlite3 *, int, sqlite3_value **);
  reader old_value = PHASEDB_FIND(sqlite3_preupdate_old, reader);
  reader new_value = PHASEDB_FIND(sqlite3_preupdate_new, reader);
  reader read = is_new ? new_value : old_value;
  sqlite3_value *value = 0;
  return read && read(db, column, &value) == SQLITE_OK ? value : 0;
}

#endif
