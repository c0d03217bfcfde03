/* What stands between SQLite and the machine in the tests of faults: a VFS that writes down what is done to the files
   of one folder, or makes the N-th call fail, and an allocator that makes the N-th allocation fail.

   Everything belongs to the thread that asked for it, and to files of the folder it named. Every other file and thread
   gets the system's own VFS, so that other tests in the same process notice nothing. */
#ifndef PHASEDB_FAULT_VFS_H
#define PHASEDB_FAULT_VFS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/* MARK: Recording */

enum {
  FAULT_CREATE = 1, /* a file came to be: name, inode */
  FAULT_WRITE,      /* inode, offset, size, bytes */
  FAULT_TRUNCATE,   /* inode, size */
  FAULT_SYNC,       /* inode; flag is 1 when its folder was synced, too */
  FAULT_DELETE,     /* name; flag is 1 when the folder was synced */
  FAULT_MARK,       /* what the test noted: size */
};

/* One thing that was done to a file, in the order in which it was done. */
typedef struct {
  int kind;
  int name;  /* a number for fault_name */
  int inode; /* tells files of one name from each other, when one was deleted and another made */
  int flag;
  int64_t offset;
  int64_t size;
  const uint8_t *bytes;
} fault_operation;

typedef struct fault_session fault_session;

/* Watches the files of a folder for this thread, until it is ended. Files that are there have inodes from 0 on, in the
   order in which they are opened. NULL when the VFS cannot be registered. */
fault_session *fault_begin(const char *folder);
/* Connections must be closed before. */
void fault_end(fault_session *session);

void fault_mark(fault_session *session, int64_t number);
int fault_operation_count(const fault_session *session);
fault_operation fault_operation_at(const fault_session *session, int index);
/* The name of a file, without its folder. */
const char *fault_name(const fault_session *session, int name);

/* MARK: Failing calls */

enum {
  FAULT_NONE = 0,
  FAULT_IO,   /* an I/O error of whatever kind the call has; a write is done by half */
  FAULT_FULL, /* no room: writes, done by half */
  FAULT_BUSY, /* another process holds the lock */
};

/* Makes the N-th call from now on fail that can fail in this way, and all after it when `stays` is 1. */
void fault_arm(fault_session *session, int kind, int64_t nth, int stays);
/* Ends it. Returns how many calls there were that could have failed in the way that was armed. */
int64_t fault_disarm(fault_session *session);
/* How many there were until now. */
int64_t fault_calls(const fault_session *session);
/* 1 once a call has failed since fault_arm. */
int fault_fired(const fault_session *session);

/* Makes the N-th allocation of SQLite in this thread fail, and all after it when `stays` is 1. */
void fault_arm_memory(int64_t nth, int stays);
/* Ends it. Returns how many allocations were asked for. */
int64_t fault_disarm_memory(void);
int fault_memory_fired(void);
/* 1 when SQLite took the allocator. */
int fault_has_memory(void);

/* MARK: Looking at a database */

/* What a database holds, as SQLite alone sees it. */
typedef struct {
  int code;             /* of the first call that failed, or SQLITE_OK */
  int violations;       /* rows without their parent */
  uint64_t everything;  /* schema and every value with its type */
  uint64_t users;       /* the same without tables that begin with phasedb_ */
  char trouble[160];    /* the first line of integrity_check unless it is "ok", or SQLite's message */
} fault_contents;

/* Opens a file with the system's VFS, which rolls back or replays what a cut left, and reads all of it. */
fault_contents fault_examine(const char *path);

uint64_t fault_hash(uint64_t seed, const void *bytes, size_t size);

#endif
