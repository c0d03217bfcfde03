#include "FaultVFS.h"

/* The allocator that SQLite uses in a process of tests: its own, until a thread asks for failures. */

static sqlite3_mem_methods original;
static int installed;

static _Thread_local int64_t nth, calls;
static _Thread_local int is_armed, stays_failing, has_fired;

static int fails(void) {
  if (!is_armed) return 0;
  calls++;
  if (calls != nth && !(stays_failing && calls > nth)) return 0;
  has_fired = 1;
  return 1;
}

static void *m_malloc(int size) { return fails() ? 0 : original.xMalloc(size); }
static void *m_realloc(void *old, int size) { return fails() ? 0 : original.xRealloc(old, size); }

/* An allocator can only be given to SQLite before it is first used (sqlite.org/c3ref/config.html), so this runs before
   main. Without lookaside, which serves small allocations from memory that is there, every one of them can fail. */
__attribute__((constructor)) static void install(void) {
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &original) != SQLITE_OK) return;
  sqlite3_mem_methods failing = original;
  failing.xMalloc = m_malloc;
  failing.xRealloc = m_realloc;
  /* Nor is memory counted, for which every thread waits for one lock. */
  installed = sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK &&
              sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK &&
              sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK;
}

void fault_arm_memory(int64_t number, int stays) {
  nth = number;
  calls = 0;
  stays_failing = stays;
  has_fired = 0;
  is_armed = 1;
}

int64_t fault_disarm_memory(void) {
  is_armed = 0;
  return calls;
}

int fault_memory_fired(void) { return has_fired; }
int fault_has_memory(void) { return installed; }
