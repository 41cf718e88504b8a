#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <shadow.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int clinux_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
int clinux_open_entry(int directory, const char *name) {
  return openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}
int clinux_grow_pipe(int fd, int bytes) { return fcntl(fd, F_SETPIPE_SZ, bytes); }
int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
int clinux_pidfd_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }
pid_t clinux_fork(void) { return fork(); }
char **clinux_environment(void) { return environ; }
int clinux_close_range(unsigned first, unsigned last) { return (int)syscall(SYS_close_range, first, last, 0); }
int clinux_prctl(int operation, unsigned long argument) { return prctl(operation, argument, 0UL, 0UL, 0UL); }
int clinux_fcntl(int fd, int command, long argument) { return fcntl(fd, command, argument); }
int clinux_wait_exited(int status) { return WIFEXITED(status); }
int clinux_wait_exit_code(int status) { return WEXITSTATUS(status); }
int clinux_wait_signal(int status) { return WTERMSIG(status); }
int clinux_wait_core_dumped(int status) { return WCOREDUMP(status) != 0; }
pid_t clinux_wait_peek(pid_t pid, int *status) {
  siginfo_t info;
  info.si_pid = 0;
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return -1;
  bool exited = info.si_code == CLD_EXITED;
  *status = exited ? info.si_status << 8 : info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
  return info.si_pid;
}
int clinux_is_stopped(pid_t pid) {
  siginfo_t info;
  info.si_pid = 0;
  return waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}
const char *clinux_signal_name(int number) { return sigabbrev_np(number); }
void clinux_wipe(void *bytes, size_t count) { explicit_bzero(bytes, count); }

int clinux_set_window_size(int fd, uint16_t rows, uint16_t columns, uint16_t x_pixels, uint16_t y_pixels) {
  struct winsize size = {.ws_row = rows, .ws_col = columns, .ws_xpixel = x_pixels, .ws_ypixel = y_pixels};
  return ioctl(fd, TIOCSWINSZ, &size);
}

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
int clinux_open_terminal(int master) { return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC); }

int clinux_readable_bytes(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) < 0 ? -1 : count;
}

int clinux_outstanding_bytes(int fd) {
  int count = 0;
  return ioctl(fd, SIOCOUTQ, &count) < 0 ? -1 : count;
}

int clinux_tcp_progress(int fd, struct clinux_tcp_progress *progress) {
  // Older kernels fill only a part of it.
  struct tcp_info info;
  memset(&info, 0, sizeof info);
  socklen_t size = sizeof info;
  // In this order, an acknowledgement that arrives in between makes the sum of both too large, never too small.
  int outstanding = clinux_outstanding_bytes(fd);
  if (outstanding < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return -1;
  progress->acknowledged = info.tcpi_bytes_acked;
  progress->outstanding = (uint64_t)outstanding;
  progress->window = info.tcpi_snd_wnd;
  progress->unanswered = (uint32_t)info.tcpi_retransmits + info.tcpi_probes;
  progress->silence = info.tcpi_last_ack_recv;
  // TCP_CLOSE of netinet/tcp.h, which cannot be included together with linux/tcp.h.
  progress->is_closed = info.tcpi_state == 7;
  return 0;
}

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
int clinux_seal(int fd) { return fcntl(fd, F_ADD_SEALS, ALL_SEALS); }
int clinux_seal_size(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW); }
int clinux_is_sealed(int fd) {
  int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
int clinux_landlock_version(void) {
  return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

int clinux_landlock_no_files(void) {
  int version = clinux_landlock_version();
  if (version < 0) return -1;
  struct landlock_ruleset_attr attributes = {.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
  if (version >= 2) attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (ruleset < 0) return -1;
  int result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
  int saved = errno;
  close(ruleset);
  errno = saved;
  return result;
}

int clinux_landlock_files(int root, int may_change, const int *readable, size_t readable_count) {
  int version = clinux_landlock_version();
  if (version < 0) return -1;
  if (version < 2) {
    // The first version forbids renaming from one directory into another, whatever its rules say.
    errno = EOPNOTSUPP;
    return -1;
  }
  const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  all |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) all |= LANDLOCK_ACCESS_FS_TRUNCATE;
  uint64_t changing = all & ~reading & ~LANDLOCK_ACCESS_FS_EXECUTE;
  struct landlock_ruleset_attr attributes = {.handled_access_fs = root < 0 ? all & ~reading : all};
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (ruleset < 0) return -1;
  int result = 0;
  if (root >= 0) {
    struct landlock_path_beneath_attr rule = {.allowed_access = reading | (may_change ? changing : 0), .parent_fd = root};
    result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    for (size_t i = 0; i < readable_count && result == 0; i++) {
      struct landlock_path_beneath_attr other = {.allowed_access = reading, .parent_fd = readable[i]};
      result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &other, 0);
    }
  }
  if (result == 0) result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
  int saved = errno;
  close(ruleset);
  errno = saved;
  return result;
}

int clinux_landlock_additions(const int *directories, size_t directory_count) {
  int version = clinux_landlock_version();
  if (version < 0) return -1;
  const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  if (version >= 2) all |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) all |= LANDLOCK_ACCESS_FS_TRUNCATE;
  struct landlock_ruleset_attr attributes = {.handled_access_fs = all & ~reading};
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (ruleset < 0) return -1;
  int result = 0;
  for (size_t i = 0; i < directory_count && result == 0; i++) {
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE, .parent_fd = directories[i]};
    result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  if (result == 0) result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
  int saved = errno;
  close(ruleset);
  errno = saved;
  return result;
}

ssize_t clinux_send_message(int fd, const void *header, size_t header_size, const void *bytes, size_t count,
                            const int *descriptors, size_t descriptor_count, int wait) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(253 * sizeof(int))];
  } control;
  struct iovec parts[2] = {{.iov_base = (void *)header, .iov_len = header_size},
                           {.iov_base = (void *)bytes, .iov_len = count}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  if (descriptor_count > 253) {
    errno = EINVAL;
    return -1;
  }
  if (descriptor_count > 0) {
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
    memset(control.space, 0, message.msg_controllen);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
    memcpy(CMSG_DATA(rights), descriptors, descriptor_count * sizeof(int));
  }
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
  while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t clinux_receive_message(int fd, void *header, size_t header_size, void *bytes, size_t capacity, int *descriptors,
                               size_t descriptor_capacity, size_t *descriptor_count, int *truncated, int wait) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(253 * sizeof(int))];
  } control;
  struct iovec parts[2] = {{.iov_base = header, .iov_len = header_size}, {.iov_base = bytes, .iov_len = capacity}};
  struct msghdr message = {
      .msg_iov = parts, .msg_iovlen = 2, .msg_control = control.space, .msg_controllen = sizeof control.space};
  *descriptor_count = 0;
  *truncated = 0;
  ssize_t received;
  // After a peer has closed with a message of ours unread, ECONNRESET is reported once, before what it had sent.
  do received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  while (received < 0 && (errno == EINTR || errno == ECONNRESET));
  if (received < 0) return -1;
  *truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (struct cmsghdr *rights = CMSG_FIRSTHDR(&message); rights; rights = CMSG_NXTHDR(&message, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int received_fd;
      memcpy(&received_fd, CMSG_DATA(rights) + i * sizeof(int), sizeof received_fd);
      if (*descriptor_count < descriptor_capacity) {
        descriptors[(*descriptor_count)++] = received_fd;
      } else {
        close(received_fd);
        *truncated = 1;
      }
    }
  }
  return received;
}

// From here on, only system calls: after vfork(2) the child shares the parent's memory until execve(2). Raw system
// calls change the identity of this task only, while glibc's wrappers would signal other threads.
enum { MOST_GROUPS = 65536 };

// True when this task has exactly these groups. The kernel returns them sorted; so the search begins where a sorted
// list would have each of them.
static bool has_groups(const gid_t *groups, size_t count) {
  gid_t held[MOST_GROUPS];
  long found = syscall(SYS_getgroups, MOST_GROUPS, held);
  if (found < 0 || (size_t)found != count) return false;
  for (size_t i = 0; i < count; i++) {
    size_t steps = 0;
    while (steps < count && groups[(i + steps) % count] != held[i]) steps++;
    if (steps == count) return false;
  }
  return true;
}

static bool can_become(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count) {
  bool is_possible = uid != (uid_t)-1 && gid != (gid_t)-1 && group_count <= MOST_GROUPS;
  for (size_t i = 0; i < group_count && is_possible; i++) is_possible = groups[i] != (gid_t)-1;
  return is_possible;
}

int clinux_become(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count) {
  const uid_t unchanged = (uid_t)-1;
  if (!can_become(uid, gid, groups, group_count)) {
    errno = EINVAL;
    return -1;
  }
  if (syscall(SYS_setgroups, group_count, groups) < 0) return -1;
  if (syscall(SYS_setresgid, gid, gid, gid) < 0) return -1;
  if (syscall(SYS_setresuid, uid, uid, uid) < 0) return -1;
  uid_t uids[3] = {unchanged, unchanged, unchanged};
  gid_t gids[3] = {(gid_t)-1, (gid_t)-1, (gid_t)-1};
  if (syscall(SYS_getresuid, &uids[0], &uids[1], &uids[2]) < 0) return -1;
  if (syscall(SYS_getresgid, &gids[0], &gids[1], &gids[2]) < 0) return -1;
  bool is_taken = has_groups(groups, group_count);
  for (int i = 0; i < 3; i++) is_taken = is_taken && uids[i] == uid && gids[i] == gid;
  // Check that there is no way back to root, its group or other groups.
  if (is_taken && uid != 0) {
    is_taken = syscall(SYS_setresuid, 0, 0, 0) < 0 && syscall(SYS_setresuid, unchanged, 0, unchanged) < 0 &&
               (gid == 0 || syscall(SYS_setresgid, 0, 0, 0) < 0) && syscall(SYS_setgroups, 0, NULL) < 0;
  }
  if (is_taken) return 0;
  errno = EPERM;
  return -1;
}

int64_t clinux_file_system_type(int fd) {
  struct statfs status;
  return fstatfs(fd, &status) < 0 ? -1 : (int64_t)status.f_type;
}

// Checks with the effective identity, following no symbolic link. Containers' seccomp filters may forbid faccessat2(2),
// and kernels before 5.8 lack it. faccessat(2) checks the real identity and follows symbolic links; so with
// `become_real` that is set first, and a symbolic link, whose permissions do not matter, always passes.
static int access_entry(int directory, const char *name, int mode, bool become_real) {
  int result = (int)syscall(SYS_faccessat2, directory, name, mode, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
  if (result == 0 || (errno != ENOSYS && errno != EPERM)) return result;
  struct stat status;
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return -1;
  if (S_ISLNK(status.st_mode)) return 0;
  if (become_real && (syscall(SYS_setresgid, getegid(), -1, -1) < 0 || syscall(SYS_setresuid, geteuid(), -1, -1) < 0))
    return -1;
  return (int)syscall(SYS_faccessat, directory, name, mode);
}

int clinux_access_as(int as_other, uid_t uid, gid_t gid, int directory, const char *name, int mode) {
  gid_t groups[65536];
  int count = 0;
  if (!as_other) return access_entry(directory, name, mode, false);
  if (!can_become(uid, gid, NULL, 0)) {
    errno = EINVAL;
    return -1;
  }
  if ((count = (int)syscall(SYS_getgroups, sizeof groups / sizeof *groups, groups)) < 0) return -1;
  gid_t own_group = getegid(), real_group = getgid();
  uid_t own_user = geteuid(), real_user = getuid();
  int result = -1;
  if (syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, -1, gid, -1) == 0 &&
      syscall(SYS_setresuid, -1, uid, -1) == 0 && geteuid() == uid && getegid() == gid)
    result = access_entry(directory, name, mode, true);
  int saved = errno;
  // If the identity cannot be restored, the process must not go on.
  if (syscall(SYS_setresuid, real_user, own_user, -1) < 0 || syscall(SYS_setresgid, real_group, own_group, -1) < 0 ||
      syscall(SYS_setgroups, count, groups) < 0)
    abort();
  errno = saved;
  return result;
}

static int become(const struct clinux_spawn *request) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[2] = {{0}};
  if (request->keep_chroot && prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL) < 0) return -1;
  if (clinux_become(request->uid, request->gid, request->groups, request->group_count) < 0) return -1;
  if (!request->keep_chroot) return 0;
  data[CAP_TO_INDEX(CAP_SYS_CHROOT)].permitted = CAP_TO_MASK(CAP_SYS_CHROOT);
  data[CAP_TO_INDEX(CAP_SYS_CHROOT)].effective = CAP_TO_MASK(CAP_SYS_CHROOT);
  data[CAP_TO_INDEX(CAP_SYS_CHROOT)].inheritable = CAP_TO_MASK(CAP_SYS_CHROOT);
  if (syscall(SYS_capset, &header, data) < 0) return -1;
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)CAP_SYS_CHROOT, 0UL, 0UL);
}

// Above all final descriptor numbers of the child, so that moving one never overwrites another.
enum { FIRST_TEMPORARY = 64, MOST_DESCRIPTORS = 64 };
// Above those too: descriptors that the child needs until execve(2).
enum { FIRST_KEPT = FIRST_TEMPORARY + MOST_DESCRIPTORS };

// A copy of `descriptor` above all final and temporary numbers.
static int keep(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_KEPT); }

// Closes all descriptors from `first` on, except `kept`, which are in ascending order; -1: none.
static int close_from(unsigned first, const int kept[2]) {
  for (int i = 0; i < 2; i++) {
    if (kept[i] < 0) continue;
    if ((unsigned)kept[i] > first && clinux_close_range(first, (unsigned)kept[i] - 1) < 0) return -1;
    first = (unsigned)kept[i] + 1;
  }
  return clinux_close_range(first, ~0U);
}

// After vfork(2) this applies to the child alone: the kernel does not apply it to processes that share memory this way.
static int set_oom_score(const char *digits) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t written = write(file, digits, strlen(digits));
  int code = errno;
  close(file);
  errno = code;
  return written < 0 ? -1 : 0;
}

// Prepares everything but the identity. `kept`, made by keep(), stay open.
static int prepare(const struct clinux_spawn *request, const int kept[2]) {
  int moved[MOST_DESCRIPTORS];
  for (size_t i = 0; i < request->descriptor_count; i++) {
    moved[i] = fcntl(request->descriptors[i], F_DUPFD_CLOEXEC, FIRST_TEMPORARY);
    if (moved[i] < 0) return -1;
  }
  for (size_t i = 0; i < request->descriptor_count; i++)
    if (dup2(moved[i], (int)i) < 0) return -1;
  if (close_from((unsigned)request->descriptor_count, kept) < 0) return -1;
  if (request->new_session && setsid() < 0) return -1;
  if (request->controlling_terminal && ioctl(0, TIOCSCTTY, 0) < 0) return -1;
  for (size_t i = 0; i < request->limit_count; i++) {
    struct rlimit limit = {request->limits[i].soft, request->limits[i].hard};
    if (setrlimit((__rlimit_resource_t)request->limits[i].resource, &limit) < 0) return -1;
  }
  if (request->oom_score && set_oom_score(request->oom_score) < 0) return -1;
  if (request->umask >= 0) umask((mode_t)request->umask);
  return 0;
}

int clinux_execute(int executable, char *const *argv, char *const *envp) {
  return (int)syscall(SYS_execveat, executable, "", argv, envp, AT_EMPTY_PATH);
}

static int start(const struct clinux_spawn *request, int executable) {
  if (request->directory && chdir(request->directory) < 0 && chdir("/") < 0) return -1;
  if (request->executable >= 0) return clinux_execute(executable, request->argv, request->envp);
  return execve(request->path, request->argv, request->envp);
}

static void reset_signals(void) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static int wait_for_failure(pid_t pid, int failure) {
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  errno = failure;
  return -1;
}

// Starts a process with our identity: the parent waits until the child has called execve(2).
static pid_t spawn_as_we_are(const struct clinux_spawn *request) {
  volatile int failure = 0;
  pid_t pid = vfork();
  if (pid == 0) {
    reset_signals();
    const int kept[2] = {request->executable < 0 ? -1 : keep(request->executable), -1};
    if ((request->executable < 0 || kept[0] >= 0) && prepare(request, kept) == 0) start(request, kept[0]);
    failure = errno;
    _exit(127);
  }
  return pid < 0 || failure == 0 ? pid : wait_for_failure(pid, failure);
}

// Starts a process with another identity. Once the child has it, processes of the same user can stop the child, and so
// could stop a parent that waits for execve(2). So the parent waits only while the child still has the parent's
// identity.
static pid_t spawn_as_another(const struct clinux_spawn *request) {
  int ends[2];
  if (request->executable < 0 && access(request->path, X_OK) < 0) return -1;
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    reset_signals();
    const int executable = request->executable < 0 ? -1 : keep(request->executable);
    const int report = request->executable >= 0 && executable < 0 ? -1 : keep(ends[1]);
    int failure = report < 0 || prepare(request, (const int[2]){executable, report}) < 0 ? errno : 0;
    if (write(report < 0 ? ends[1] : report, &failure, sizeof failure) != sizeof failure || failure) _exit(127);
    close(report);
    if (become(request) == 0) start(request, executable);
    dprintf(STDERR_FILENO, "%s cannot be started: %s\n", request->path, strerror(errno));
    _exit(127);
  }
  int saved = errno;
  close(ends[1]);
  int failure = EPIPE;
  ssize_t count = -1;
  if (pid > 0) {
    do count = read(ends[0], &failure, sizeof failure);
    while (count < 0 && errno == EINTR);
  }
  close(ends[0]);
  errno = saved;
  if (pid < 0) return -1;
  if (count == (ssize_t)sizeof failure && failure == 0) return pid;
  return wait_for_failure(pid, count == (ssize_t)sizeof failure ? failure : EPIPE);
}

pid_t clinux_spawn(const struct clinux_spawn *request) {
  bool is_possible = request->descriptor_count <= MOST_DESCRIPTORS;
  if (request->change_identity)
    is_possible = is_possible && can_become(request->uid, request->gid, request->groups, request->group_count);
  if (!is_possible) {
    errno = EINVAL;
    return -1;
  }
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = request->change_identity ? spawn_as_another(request) : spawn_as_we_are(request);
  int saved = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  errno = saved;
  return pid;
}

int clinux_drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[2] = {{0}};
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) < 0) return -1;
  return (int)syscall(SYS_capset, &header, data);
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
int clinux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int clinux_open_pty(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) return -1;
  if (grantpt(master) == 0 && unlockpt(master) == 0) return master;
  int saved = errno;
  close(master);
  errno = saved;
  return -1;
}

int clinux_pty_name(int master, char *name, size_t capacity) {
  int result = ptsname_r(master, name, capacity);
  if (result != 0) errno = result;
  return result == 0 ? 0 : -1;
}

// A Unix socket of this type, bound or connected to this address by `attach`.
static int unix_socket(int type, const char *path, int (*attach)(int, const struct sockaddr *, socklen_t)) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, length + 1);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  // An abstract name begins with a zero byte, and has the length of the address.
  if (path[0] == '@') {
    address.sun_path[0] = 0;
    size -= 1;
  }
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (attach(fd, (struct sockaddr *)&address, size) == 0) return fd;
  int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

int clinux_connect_datagram(const char *path) { return unix_socket(SOCK_DGRAM, path, connect); }
int clinux_connect_stream(const char *path) { return unix_socket(SOCK_STREAM, path, connect); }
int clinux_bind_datagram(const char *path) { return unix_socket(SOCK_DGRAM, path, bind); }

pid_t clinux_fork_sibling(void) {
  struct clone_args arguments = {.flags = CLONE_PARENT};
  return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

int clinux_apply_filter(const void *instructions, size_t count) {
  struct sock_fprog program = {.len = (unsigned short)count, .filter = (struct sock_filter *)instructions};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the constant of <linux/audit.h> for this architecture, please"
#endif

// A seccomp filter under construction. Between rules, its accumulator holds the system call number.
struct filter {
  struct sock_filter code[256];
  unsigned short count;
};

#define LOW_HALF(index) (offsetof(struct seccomp_data, args) + (index) * sizeof(uint64_t))
#define ALLOW ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW))
#define REFUSE ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM))
#define LOAD(offset) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset)))
// Skips `yes` instructions if the accumulator equals `value`, else `no`.
#define WHEN(value, yes, no) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no)))

static void add(struct filter *filter, struct sock_filter instruction) { filter->code[filter->count++] = instruction; }

static void begin_filter(struct filter *filter) {
  filter->count = 0;
  add(filter, LOAD(offsetof(struct seccomp_data, arch)));
  add(filter, WHEN(OUR_ARCHITECTURE, 1, 0));
  add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  add(filter, LOAD(offsetof(struct seccomp_data, nr)));
  // Numbers from 2^30 on are x32's, where the same calls have other numbers.
  add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
  add(filter, REFUSE);
}

static void refuse_calls(struct filter *filter, const unsigned *calls, size_t count) {
  for (size_t i = 0; i < count; i++) {
    add(filter, WHEN(calls[i], 0, 1));
    add(filter, REFUSE);
  }
}

// Refuses a call when the lower half of an argument is one of `values`; the kernel uses only that half of an int.
static void refuse_values(struct filter *filter, unsigned call, unsigned index, const unsigned *values, size_t count) {
  add(filter, WHEN(call, 0, (unsigned char)(2 * count + 2)));
  add(filter, LOAD(LOW_HALF(index)));
  refuse_calls(filter, values, count);
  add(filter, ALLOW);
}

// Allows a call only if the lower half of its first argument is `value`.
static void allow_first(struct filter *filter, unsigned call, unsigned value) {
  add(filter, WHEN(call, 0, 4));
  add(filter, LOAD(LOW_HALF(0)));
  add(filter, WHEN(value, 0, 1));
  add(filter, ALLOW);
  add(filter, REFUSE);
}

// Calls that no confined process needs: they start programs, or signal, slow down or inspect processes of the same
// user.
static void refuse_reaching_others(struct filter *filter) {
  static const unsigned calls[] = {
      SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_listen, SYS_accept,
      SYS_accept4, SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal,
      SYS_pidfd_getfd, SYS_setpriority, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam,
      SYS_sched_setattr, SYS_ioprio_set, SYS_migrate_pages, SYS_move_pages, SYS_io_uring_setup, SYS_bpf,
      SYS_userfaultfd, SYS_perf_event_open, SYS_unshare, SYS_setns, SYS_mount, SYS_keyctl, SYS_add_key,
#ifdef SYS_process_madvise
      SYS_process_madvise,
#endif
#if defined(__x86_64__)
      SYS_fork, SYS_vfork,
#endif
  };
  // These choose who gets SIGIO, or another signal, when a descriptor is ready.
  static const unsigned commands[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
  static const unsigned requests[] = {FIOSETOWN, SIOCSPGRP};
  refuse_calls(filter, calls, sizeof calls / sizeof *calls);
  refuse_values(filter, SYS_fcntl, 1, commands, sizeof commands / sizeof *commands);
  refuse_values(filter, SYS_ioctl, 1, requests, sizeof requests / sizeof *requests);
  // A low limit could end another process.
  allow_first(filter, SYS_prlimit64, 0);
  // Signals to itself stay allowed, for abort(3).
  allow_first(filter, SYS_tgkill, (unsigned)getpid());
}

static int load_filter(struct filter *filter) {
  add(filter, ALLOW);
  struct sock_fprog program = {.len = filter->count, .filter = filter->code};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int clinux_forbid_programs_and_sockets(void) {
  static const unsigned calls[] = {SYS_clone, SYS_clone3, SYS_socket, SYS_socketpair, SYS_connect, SYS_bind};
  struct filter filter;
  begin_filter(&filter);
  refuse_calls(&filter, calls, sizeof calls / sizeof *calls);
  refuse_reaching_others(&filter);
  return load_filter(&filter);
}

int clinux_forbid_programs_and_listening(void) {
  struct filter filter;
  begin_filter(&filter);
  // clone3(2) has its arguments in memory, which a filter cannot read. With ENOSYS the C library uses clone(2) instead.
  add(&filter, WHEN(SYS_clone3, 0, 1));
  add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  // clone(2) may create threads, but no processes.
  add(&filter, WHEN(SYS_clone, 0, 4));
  add(&filter, LOAD(LOW_HALF(0)));
  add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
  add(&filter, ALLOW);
  add(&filter, REFUSE);
  refuse_reaching_others(&filter);
  return load_filter(&filter);
}

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
int clinux_open_only_new_files(void) {
  // openat2(2) has its arguments in memory, which a filter cannot read.
  static const unsigned calls[] = {
      SYS_openat2, SYS_open_by_handle_at, SYS_truncate, SYS_fchmod, SYS_fchmodat, SYS_fchmodat2, SYS_fchown,
      SYS_fchownat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
      SYS_utimensat, SYS_unlinkat, SYS_renameat2, SYS_linkat,
#ifdef SYS_renameat
      SYS_renameat,
#endif
#if defined(__x86_64__)
      SYS_open, SYS_creat, SYS_chmod, SYS_chown, SYS_lchown, SYS_unlink, SYS_rmdir, SYS_rename, SYS_link, SYS_utime,
      SYS_utimes, SYS_futimesat,
#endif
  };
  struct filter filter;
  begin_filter(&filter);
  refuse_calls(&filter, calls, sizeof calls / sizeof *calls);
  add(&filter, WHEN(SYS_openat, 0, 7));
  add(&filter, LOAD(LOW_HALF(2)));
  // O_TRUNC truncates a file even if it is opened for reading.
  add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_ACCMODE | O_TRUNC, 1, 0));
  add(&filter, ALLOW);
  add(&filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_CREAT | O_EXCL));
  add(&filter, WHEN(O_CREAT | O_EXCL, 0, 1));
  add(&filter, ALLOW);
  add(&filter, REFUSE);
  return load_filter(&filter);
}

int clinux_join_new_keyring(void) { return (int)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL); }

int clinux_openat2(int directory, const char *path, int flags, mode_t mode, uint64_t resolve) {
  struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

const int clinux_path_only = O_PATH;

int clinux_openat(int directory, const char *name, int flags, mode_t mode) {
  return openat(directory, name, flags | O_CLOEXEC, mode);
}

int clinux_rename_new(int from_directory, const char *from, int to_directory, const char *to) {
  return renameat2(from_directory, from, to_directory, to, RENAME_NOREPLACE);
}

int clinux_chown_descriptor(int fd, uid_t uid, gid_t gid) { return fchownat(fd, "", uid, gid, AT_EMPTY_PATH); }

int clinux_set_times(int fd, int64_t access_seconds, int64_t access_nanoseconds, int64_t seconds, int64_t nanoseconds) {
  struct timespec times[2] = {{.tv_sec = access_seconds, .tv_nsec = access_nanoseconds},
                              {.tv_sec = seconds, .tv_nsec = nanoseconds}};
  return utimensat(fd, "", times, AT_EMPTY_PATH);
}

int clinux_stat_entry(int directory, const char *name, struct stat *result) {
  return fstatat(directory, name, result, AT_SYMLINK_NOFOLLOW);
}

ssize_t clinux_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count) {
  off_t source = from_offset, target = to_offset;
  return copy_file_range(from, &source, to, &target, count, 0);
}

ssize_t clinux_read_entries(int directory, void *entries, size_t count) {
  return syscall(SYS_getdents64, directory, entries, count);
}

ssize_t clinux_random(void *bytes, size_t count) { return getrandom(bytes, count, 0); }

// useradd(8), passwd(1) and usermod(8) write `!`; other systems and their directory services write `*LK*`.
static int is_locked(const char *password) {
  return password && (password[0] == '!' || strncmp(password, "*LK*", 4) == 0);
}

// Returns 1 when found, 0 when there is no entry, or -1.
static int shadow_in(const char *name, struct clinux_shadow *entry, char *buffer, size_t size) {
  struct spwd shadow;
  struct spwd *found = NULL;
  int code = getspnam_r(name, &shadow, buffer, size, &found);
  if (found) {
    entry->last_change = found->sp_lstchg;
    entry->maximum = found->sp_max;
    entry->inactive = found->sp_inact;
    entry->expiration = found->sp_expire;
    entry->is_locked = is_locked(found->sp_pwdp);
    return 1;
  }
  if (code != 0 && code != ENOENT && code != ESRCH) {
    errno = code;
    return -1;
  }
  struct passwd account;
  struct passwd *known = NULL;
  code = getpwnam_r(name, &account, buffer, size, &known);
  if (known) {
    entry->is_locked = is_locked(known->pw_passwd);
    return 1;
  }
  if (code == 0 || code == ENOENT || code == ESRCH) return 0;
  errno = code;
  return -1;
}

int clinux_shadow_entry(const char *name, struct clinux_shadow *entry) {
  *entry = (struct clinux_shadow){.last_change = -1, .maximum = -1, .inactive = -1, .expiration = -1};
  for (size_t size = 4096; size <= 1 << 20; size *= 4) {
    char *buffer = malloc(size);
    if (!buffer) return -1;
    int result = shadow_in(name, entry, buffer, size);
    int code = errno;
    explicit_bzero(buffer, size);
    free(buffer);
    errno = code;
    if (result >= 0 || code != ERANGE) return result;
  }
  return -1;
}
