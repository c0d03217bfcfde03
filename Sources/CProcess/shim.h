/* What Swift does not import of the system's own calls for processes: fork(2), and the variadic prctl(2). */
#ifndef PHASEDB_CPROCESS_SHIM_H
#define PHASEDB_CPROCESS_SHIM_H

#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Only for a process of one thread: in a child of several, any lock may be held for ever. */
static inline pid_t phasedb_fork(void) { return fork(); }

/* Lets this process be killed when its parent ends. Kept across execve(2), so it counts for the program, too. */
static inline void phasedb_end_with_parent(void) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

/* A pipe that no program inherits. pipe2(2), where there is one, leaves no moment in which another thread's child could. */
#ifdef __linux__
extern int pipe2(int ends[2], int flags);
static inline int phasedb_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }
#else
static inline int phasedb_pipe(int *ends) {
  if (pipe(ends) != 0) return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
}
#endif

/* Makes this process the parent of every descendant whose own parent ends, in place of process 1. */
static inline void phasedb_adopt_orphans(void) {
#ifdef __linux__
  prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
}

#endif
