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

#endif
