#include "FaultVFS.h"

#include <stdio.h>
#include <string.h>

uint64_t fault_hash(uint64_t seed, const void *bytes, size_t size) {
  const unsigned char *next = bytes;
  uint64_t hash = seed ^ (0x9E3779B97F4A7C15u * (size + 1));
  for (; size >= 8; size -= 8, next += 8) {
    uint64_t word;
    memcpy(&word, next, 8);
    hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
    hash ^= hash >> 29;
  }
  for (; size > 0; size--, next++) hash = (hash ^ *next) * 0x100000001B3u;
  hash = (hash ^ hash >> 30) * 0x94D049BB133111EBu;
  return hash ^ hash >> 31;
}

/* Every value of every row of a statement, with its type. */
static int hash_rows(sqlite3 *db, const char *sql, uint64_t *hash) {
  sqlite3_stmt *rows;
  int code = sqlite3_prepare_v2(db, sql, -1, &rows, 0);
  if (code) return code;
  while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
    for (int column = 0; column < sqlite3_column_count(rows); column++) {
      int type = sqlite3_column_type(rows, column);
      const void *bytes = sqlite3_column_blob(rows, column);
      *hash = fault_hash(*hash + (uint64_t)type, bytes, bytes ? (size_t)sqlite3_column_bytes(rows, column) : 0);
    }
    *hash = fault_hash(*hash, "row", 3);
  }
  sqlite3_finalize(rows);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int hash_everything(sqlite3 *db, fault_contents *contents) {
  sqlite3_stmt *objects;
  int code = sqlite3_prepare_v2(
      db, "SELECT name, type, sql, tbl_name FROM sqlite_schema ORDER BY type, name", -1, &objects, 0);
  if (code) return code;
  while ((code = sqlite3_step(objects)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(objects, 0);
    const char *type = (const char *)sqlite3_column_text(objects, 1);
    const char *sql = (const char *)sqlite3_column_text(objects, 2);
    const char *table = (const char *)sqlite3_column_text(objects, 3);
    uint64_t hash = fault_hash(7, name, strlen(name));
    if (sql) hash = fault_hash(hash, sql, strlen(sql));
    if (!strcmp(type, "table")) {
      char *select = sqlite3_mprintf("SELECT * FROM \"%w\"", name);
      if (!select) return SQLITE_NOMEM;
      code = hash_rows(db, select, &hash);
      sqlite3_free(select);
      if (code) break;
    }
    contents->everything = fault_hash(contents->everything, &hash, sizeof hash);
    if (strncmp(table, "phasedb_", 8)) contents->users = fault_hash(contents->users, &hash, sizeof hash);
  }
  sqlite3_finalize(objects);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int examine(sqlite3 *db, fault_contents *contents) {
  sqlite3_stmt *rows;
  int code = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &rows, 0);
  if (code) return code;
  if ((code = sqlite3_step(rows)) == SQLITE_ROW) {
    const char *line = (const char *)sqlite3_column_text(rows, 0);
    if (line && strcmp(line, "ok")) snprintf(contents->trouble, sizeof contents->trouble, "%s", line);
    code = SQLITE_DONE;
  }
  sqlite3_finalize(rows);
  if (code != SQLITE_DONE || contents->trouble[0]) return code == SQLITE_DONE ? SQLITE_CORRUPT : code;

  code = sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &rows, 0);
  if (code) return code;
  while ((code = sqlite3_step(rows)) == SQLITE_ROW) contents->violations++;
  sqlite3_finalize(rows);
  return code == SQLITE_DONE ? hash_everything(db, contents) : code;
}

fault_contents fault_examine(const char *path) {
  fault_contents contents = {0};
  sqlite3 *db = 0;
  contents.code =
      sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, "unix");
  if (!contents.code) contents.code = examine(db, &contents);
  if (contents.code && !contents.trouble[0])
    snprintf(contents.trouble, sizeof contents.trouble, "%s", db ? sqlite3_errmsg(db) : "out of memory");
  sqlite3_close(db);
  return contents;
}
