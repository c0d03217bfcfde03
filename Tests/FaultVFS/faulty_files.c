#include "FaultVFS.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* MARK: The session of a thread */

struct fault_session {
  char *folder;
  size_t folder_length;
  fault_operation *operations;
  int count, capacity;
  char *names[16];
  int inodes[16]; /* of the file that has the name now; -1 when there is none */
  int name_count, inode_count;
  int kind, stays, fired;
  int64_t nth, calls;
};

static _Thread_local fault_session *session_of_thread;
static sqlite3_vfs *system_vfs;
static sqlite3_vfs fault_vfs;

/* A file of the watched folder; the system's own file follows it in memory. */
typedef struct {
  sqlite3_file base;
  fault_session *session;
  int name, inode;
  int syncs_folder; /* the next sync syncs the folder, too */
} watched_file;

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((watched_file *)file + 1); }

static int is_watched(const fault_session *session, const char *path) {
  return session && path && !strncmp(path, session->folder, session->folder_length) &&
         path[session->folder_length] == '/';
}

static int number_of_name(fault_session *session, const char *path) {
  const char *name = path + session->folder_length + 1;
  for (int i = 0; i < session->name_count; i++)
    if (!strcmp(session->names[i], name)) return i;
  if (session->name_count == (int)(sizeof session->names / sizeof *session->names)) abort();
  session->names[session->name_count] = strdup(name);
  session->inodes[session->name_count] = -1;
  return session->name_count++;
}

static void note(fault_session *session, fault_operation operation) {
  if (session->count == session->capacity) {
    session->capacity = session->capacity ? 2 * session->capacity : 1024;
    session->operations = realloc(session->operations, (size_t)session->capacity * sizeof(fault_operation));
    if (!session->operations) abort();
  }
  session->operations[session->count++] = operation;
}

/* MARK: Failing */

/* The ways in which a call can fail. */
enum { CAN_IO = 1 << FAULT_IO, CAN_FULL = 1 << FAULT_FULL, CAN_BUSY = 1 << FAULT_BUSY };

/* What a call has to answer instead of being done, or SQLITE_OK. */
static int fault(fault_session *session, int can, int io_error) {
  if (session->kind == FAULT_NONE || !(can & 1 << session->kind)) return SQLITE_OK;
  session->calls++;
  if (session->calls != session->nth && !(session->stays && session->calls > session->nth)) return SQLITE_OK;
  session->fired = 1;
  switch (session->kind) {
    case FAULT_FULL: return SQLITE_FULL;
    case FAULT_BUSY: return SQLITE_BUSY;
    default: return io_error;
  }
}

/* MARK: Files */

static int f_close(sqlite3_file *file) { return real(file)->pMethods->xClose(real(file)); }

static int f_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset) {
  int code = fault(((watched_file *)file)->session, CAN_IO, SQLITE_IOERR_READ);
  return code ? code : real(file)->pMethods->xRead(real(file), bytes, size, offset);
}

static int f_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
  watched_file *watched = (watched_file *)file;
  int failed = fault(watched->session, CAN_IO | CAN_FULL, SQLITE_IOERR_WRITE);
  if (failed) size /= 2;
  int code = size ? real(file)->pMethods->xWrite(real(file), bytes, size, offset) : SQLITE_OK;
  if (code == SQLITE_OK && size) {
    uint8_t *copy = malloc((size_t)size);
    if (!copy) abort();
    memcpy(copy, bytes, (size_t)size);
    note(watched->session, (fault_operation){FAULT_WRITE, watched->name, watched->inode, 0, offset, size, copy});
  }
  return failed ? failed : code;
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size) {
  watched_file *watched = (watched_file *)file;
  int code = fault(watched->session, CAN_IO, SQLITE_IOERR_TRUNCATE);
  if (!code) code = real(file)->pMethods->xTruncate(real(file), size);
  if (!code) note(watched->session, (fault_operation){FAULT_TRUNCATE, watched->name, watched->inode, 0, 0, size, 0});
  return code;
}

static int f_sync(sqlite3_file *file, int flags) {
  watched_file *watched = (watched_file *)file;
  int code = fault(watched->session, CAN_IO, SQLITE_IOERR_FSYNC);
  if (!code) code = real(file)->pMethods->xSync(real(file), flags);
  if (!code) {
    note(watched->session,
         (fault_operation){FAULT_SYNC, watched->name, watched->inode, watched->syncs_folder, 0, 0, 0});
    watched->syncs_folder = 0;
  }
  return code;
}

static int f_size(sqlite3_file *file, sqlite3_int64 *size) {
  int code = fault(((watched_file *)file)->session, CAN_IO, SQLITE_IOERR_FSTAT);
  return code ? code : real(file)->pMethods->xFileSize(real(file), size);
}

static int f_lock(sqlite3_file *file, int level) {
  int code = fault(((watched_file *)file)->session, CAN_IO | CAN_BUSY, SQLITE_IOERR_LOCK);
  return code ? code : real(file)->pMethods->xLock(real(file), level);
}

static int f_unlock(sqlite3_file *file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }

static int f_reserved(sqlite3_file *file, int *is_reserved) {
  int code = fault(((watched_file *)file)->session, CAN_IO, SQLITE_IOERR_CHECKRESERVEDLOCK);
  return code ? code : real(file)->pMethods->xCheckReservedLock(real(file), is_reserved);
}

static int f_control(sqlite3_file *file, int operation, void *argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int f_sector(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }

static int f_characteristics(sqlite3_file *file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

/* The memory that processes share in WAL mode holds nothing that must survive a cut: it is rebuilt from the log. */
static int f_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **pointer) {
  int code = fault(((watched_file *)file)->session, CAN_IO, SQLITE_IOERR_SHMMAP);
  return code ? code : real(file)->pMethods->xShmMap(real(file), page, size, extend, pointer);
}

static int f_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  int code = flags & SQLITE_SHM_UNLOCK
                 ? SQLITE_OK
                 : fault(((watched_file *)file)->session, CAN_IO | CAN_BUSY, SQLITE_IOERR_SHMLOCK);
  return code ? code : real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void f_shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }
static int f_shm_unmap(sqlite3_file *file, int delete) { return real(file)->pMethods->xShmUnmap(real(file), delete); }

/* Version 2: without the calls that map a file into memory, so that every read and write is seen. */
static const sqlite3_io_methods watched_methods = {
    2,         f_close,   f_read,     f_write,   f_truncate, f_sync,           f_size,    f_lock,     f_unlock,
    f_reserved, f_control, f_sector, f_characteristics, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap, 0, 0};

/* MARK: The VFS */

static int v_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
  fault_session *session = session_of_thread;
  if (!is_watched(session, path)) return system_vfs->xOpen(system_vfs, path, file, flags, out_flags);
  watched_file *watched = (watched_file *)file;
  file->pMethods = 0;
  int code = fault(session, CAN_IO, SQLITE_CANTOPEN);
  if (code) return code;
  int is_there = 0;
  system_vfs->xAccess(system_vfs, path, SQLITE_ACCESS_EXISTS, &is_there);
  real(file)->pMethods = 0;
  code = system_vfs->xOpen(system_vfs, path, real(file), flags, out_flags);
  if (code) return code;
  int name = number_of_name(session, path);
  if (session->inodes[name] < 0 || !is_there) {
    session->inodes[name] = session->inode_count++;
    if (!is_there) note(session, (fault_operation){FAULT_CREATE, name, session->inodes[name], 0, 0, 0, 0});
  }
  watched->base.pMethods = &watched_methods;
  watched->session = session;
  watched->name = name;
  watched->inode = session->inodes[name];
  /* The system's VFS syncs the folder with the first sync of a journal or log that it may have made
     (UNIXFILE_DIRSYNC in sqlite3.c). */
  watched->syncs_folder =
      (flags & SQLITE_OPEN_CREATE) &&
      (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *vfs, const char *path, int syncs_folder) {
  fault_session *session = session_of_thread;
  if (!is_watched(session, path)) return system_vfs->xDelete(system_vfs, path, syncs_folder);
  int code = fault(session, CAN_IO, SQLITE_IOERR_DELETE);
  if (!code) code = system_vfs->xDelete(system_vfs, path, syncs_folder);
  if (!code) {
    int name = number_of_name(session, path);
    note(session, (fault_operation){FAULT_DELETE, name, session->inodes[name], syncs_folder, 0, 0, 0});
    session->inodes[name] = -1;
  }
  return code;
}

static int v_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
  fault_session *session = session_of_thread;
  int code = is_watched(session, path) ? fault(session, CAN_IO, SQLITE_IOERR_ACCESS) : SQLITE_OK;
  return code ? code : system_vfs->xAccess(system_vfs, path, flags, result);
}

/* MARK: Sessions */

static int registered = SQLITE_ERROR;

static void register_vfs(void) {
  system_vfs = sqlite3_vfs_find(0);
  if (!system_vfs) return;
  fault_vfs = *system_vfs;
  fault_vfs.pNext = 0;
  fault_vfs.zName = "phasedb-faults";
  fault_vfs.szOsFile = (int)sizeof(watched_file) + system_vfs->szOsFile;
  fault_vfs.xOpen = v_open;
  fault_vfs.xDelete = v_delete;
  fault_vfs.xAccess = v_access;
  /* Everybody's, because the doors under test open files by the default; whoever is not watched passes through. */
  registered = sqlite3_vfs_register(&fault_vfs, 1);
}

fault_session *fault_begin(const char *folder) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_vfs);
  if (registered != SQLITE_OK || session_of_thread) return 0;
  fault_session *session = calloc(1, sizeof *session);
  if (!session) return 0;
  session->folder = strdup(folder);
  session->folder_length = strlen(folder);
  return session_of_thread = session;
}

void fault_end(fault_session *session) {
  if (session_of_thread == session) session_of_thread = 0;
  for (int i = 0; i < session->count; i++) free((void *)session->operations[i].bytes);
  for (int i = 0; i < session->name_count; i++) free(session->names[i]);
  free(session->operations);
  free(session->folder);
  free(session);
}

void fault_mark(fault_session *session, int64_t number) {
  note(session, (fault_operation){FAULT_MARK, 0, 0, 0, 0, number, 0});
}

int fault_operation_count(const fault_session *session) { return session->count; }

fault_operation fault_operation_at(const fault_session *session, int index) { return session->operations[index]; }

const char *fault_name(const fault_session *session, int name) { return session->names[name]; }

void fault_arm(fault_session *session, int kind, int64_t nth, int stays) {
  session->kind = kind;
  session->nth = nth;
  session->stays = stays;
  session->calls = 0;
  session->fired = 0;
}

int64_t fault_disarm(fault_session *session) {
  session->kind = FAULT_NONE;
  return session->calls;
}

int64_t fault_calls(const fault_session *session) { return session->calls; }

int fault_fired(const fault_session *session) { return session->fired; }
