// Linux calls that Swift's Glibc module lacks or that Swift cannot call (variadic functions, macros), and nothing else.
// Unless it says otherwise, a function returns -1 with errno set when it fails.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/types.h>

// A resource limit of a new process. setrlimit(2)
struct clinux_limit {
  int resource;
  uint64_t soft;
  uint64_t hard;
};

// What to start, and how: clinux_spawn.
struct clinux_spawn {
  const char *path;
  // An open executable to run instead of what `path` names now; -1: run `path`.
  int executable;
  char *const *argv;
  char *const *envp;
  // These become descriptors 0, 1, 2 … of the new process, at most 64. It inherits no others.
  const int *descriptors;
  size_t descriptor_count;
  // The working directory, entered with the new identity, or "/" if that fails. NULL: that of the parent.
  const char *directory;
  // Lead a new session. setsid(2)
  int new_session;
  // Make descriptor 0 the controlling terminal; requires new_session.
  int controlling_terminal;
  // Set the following ids. setgroups(2), setresgid(2), setresuid(2)
  int change_identity;
  uid_t uid;
  gid_t gid;
  const gid_t *groups;
  size_t group_count;
  // Keep CAP_SYS_CHROOT, and no other capability, across execve(2) (ambient). Applies with change_identity only.
  int keep_chroot;
  // oom_score_adj of proc(5) in digits, written before the identity changes; NULL: that of the parent.
  const char *oom_score;
  // The mode of umask(2); negative: that of the parent.
  int umask;
  const struct clinux_limit *limits;
  size_t limit_count;
};

// Starts a process with vfork(2) or fork(2), and execve(2) or execveat(2): all signals are unblocked and have their
// default action, and only the given descriptors are open.
//
// Returns its process id, or -1 with the errno of the call that failed, here or in the new process. With
// change_identity, later failures, from the change of identity on, are written to the process's descriptor 2, and it
// exits with 127: so nobody with the new identity can block the caller.
pid_t clinux_spawn(const struct clinux_spawn *request);
// execveat(2) with AT_EMPTY_PATH: replaces this process's program with `executable`. Returns only when it fails.
int clinux_execute(int executable, char *const *argv, char *const *envp);

int clinux_open(const char *path, int flags, mode_t mode);
// openat(2) with O_PATH | O_NOFOLLOW | O_CLOEXEC.
int clinux_open_entry(int directory, const char *name);
// F_SETPIPE_SZ.
int clinux_grow_pipe(int fd, int bytes);
int clinux_pidfd_open(pid_t pid);
int clinux_close_range(unsigned first, unsigned last);
// prctl(2) with integer arguments.
int clinux_prctl(int operation, unsigned long argument);
// The version of Landlock that the kernel has.
int clinux_landlock_version(void);
// Landlock: forbids every access to files by path. -1 with ENOSYS or EOPNOTSUPP where the kernel has no Landlock. Needs
// no_new_privs.
int clinux_landlock_no_files(void);
// Landlock: forbids executing files, changing files outside of `root` (or anywhere, unless `may_change`), and reading
// files outside of `root` and the directories `readable`. `root` -1: everything can be read, and nothing changed. -1
// with ENOSYS or EOPNOTSUPP where the kernel has no Landlock, or only its first version. Needs no_new_privs.
int clinux_landlock_files(int root, int may_change, const int *readable, size_t readable_count);
// Landlock: forbids executing files, and changing files except for creating regular files in `directories` and below,
// and writing to files there. Reading is not restricted. -1 with ENOSYS or EOPNOTSUPP where the kernel has no Landlock.
// Needs no_new_privs.
int clinux_landlock_additions(const int *directories, size_t directory_count);
// fcntl(2) with an integer argument.
int clinux_fcntl(int fd, int command, long argument);
int clinux_set_window_size(int fd, uint16_t rows, uint16_t columns, uint16_t x_pixels, uint16_t y_pixels);
// Opens the terminal side of this pseudo-terminal master. TIOCGPTPEER of ioctl_tty(2)
int clinux_open_terminal(int master);
// Bytes in a socket or pipe that can be read. FIONREAD
int clinux_readable_bytes(int fd);

// Progress of a TCP connection. tcp(7), TCP_INFO
struct clinux_tcp_progress {
  // Bytes that the peer has acknowledged since the connection began.
  uint64_t acknowledged;
  // Bytes that were written and not acknowledged yet. SIOCOUTQ
  uint64_t outstanding;
  // Bytes that the peer has room for beyond those; 0 where the kernel does not report it.
  uint32_t window;
  // Retransmissions and probes since the peer last answered.
  uint32_t unanswered;
  // Milliseconds since its last acknowledgement.
  uint32_t silence;
  // Not 0: closed in both directions. After a reset by the peer, outstanding bytes are forgotten.
  int is_closed;
};
int clinux_tcp_progress(int fd, struct clinux_tcp_progress *progress);
// Bytes written to a socket that the peer has not acknowledged (TCP) or not read (Unix socket). SIOCOUTQ
int clinux_outstanding_bytes(int fd);

// Precedes each message between processes of ours: "bssh" and the message version, most significant byte first.
enum { CLINUX_MESSAGE_HEADER_SIZE = 8 };
extern const unsigned char clinux_message_header[CLINUX_MESSAGE_HEADER_SIZE];

// sendmsg(2) of one message, `header` (which may be empty) and `bytes`, with at most 253 descriptors, with MSG_NOSIGNAL,
// and MSG_DONTWAIT if `wait` is 0.
ssize_t clinux_send_message(int fd, const void *header, size_t header_size, const void *bytes, size_t count,
                            const int *descriptors, size_t descriptor_count, int wait);
// recvmsg(2) of one message, with MSG_DONTWAIT if `wait` is 0; descriptors are close-on-exec. Fills `header`, then `bytes`,
// and returns the size of both. `*truncated` is not 0 when bytes or descriptors were lost; the descriptors that arrived are
// stored even then, and the caller closes them.
ssize_t clinux_receive_message(int fd, void *header, size_t header_size, void *bytes, size_t capacity, int *descriptors,
                               size_t descriptor_capacity, size_t *descriptor_count, int *truncated, int wait);

// WIFEXITED(3) and its siblings.
int clinux_wait_exited(int status);
int clinux_wait_exit_code(int status);
int clinux_wait_signal(int status);
int clinux_wait_core_dumped(int status);
// waitid(2) with WNOWAIT and WNOHANG. When the child has ended: `pid`, and its status as in waitpid(2), without reaping
// it. 0 while it runs; -1.
pid_t clinux_wait_peek(pid_t pid, int *status);
// waitid(2) with WSTOPPED: 1 while a stop signal suspends the child, else 0.
int clinux_is_stopped(pid_t pid);
// The name of a signal without SIG, or NULL: sigabbrev_np(3).
const char *clinux_signal_name(int number);

// memfd_create(2) with MFD_CLOEXEC | MFD_ALLOW_SEALING.
int clinux_memory_file(const char *name);
// Seals a memory file against every change.
int clinux_seal(int fd);
// Seals a memory file against changes of its size.
int clinux_seal_size(int fd);
// Not 0 when the descriptor is a memory file that nobody can change.
int clinux_is_sealed(int fd);

// Overwrites memory in a way that the compiler does not optimize away. explicit_bzero(3)
void clinux_wipe(void *bytes, size_t count);
// Drops all capabilities, including ambient ones. capset(2)
int clinux_drop_capabilities(void);
// pipe2(2) with O_CLOEXEC.
int clinux_pipe(int ends[2]);
// accept4(2) with SOCK_CLOEXEC | SOCK_NONBLOCK.
int clinux_accept(int listener);
// Creates a pseudo-terminal and returns its master, close-on-exec; the terminal side is unlocked. posix_openpt(3)
int clinux_open_pty(void);
// The path of a master's terminal side. ptsname_r(3)
int clinux_pty_name(int master, char *name, size_t capacity);
// pidfd_send_signal(2).
int clinux_pidfd_signal(int pidfd, int signal);
// fork(2), which Swift does not offer.
pid_t clinux_fork(void);
// Non-blocking, close-on-exec Unix sockets with a path, or an abstract name that begins with '@'. unix(7)
// A datagram socket that sends to it.
int clinux_connect_datagram(const char *path);
// A stream socket that is connected to it.
int clinux_connect_stream(const char *path);
// A datagram socket that receives at it; the path must not exist.
int clinux_bind_datagram(const char *path);
// The environment, terminated by NULL. environ(7)
char **clinux_environment(void);
// Copies this process as a child of its own parent. clone3(2), CLONE_PARENT. Returns 0 in the copy, and the copy's id
// in the original. Only for a process with one thread.
pid_t clinux_fork_sibling(void);
// setgroups(2), setresgid(2), setresuid(2), for a process with one thread. Then checks that the change is complete, and
// that a user other than root cannot undo it. When it fails, the identity is undefined: end the process. EINVAL for the
// id 4294967295, which the kernel takes as "leave as it is".
int clinux_become(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count);
// seccomp(2): applies a filter of `count` instructions, `struct sock_filter`, of 8 bytes each. Needs no_new_privs.
int clinux_apply_filter(const void *instructions, size_t count);
// seccomp(2): makes calls fail with EPERM that start programs or processes, signal, slow down or inspect other
// processes, or create sockets. Needs no_new_privs.
int clinux_forbid_programs_and_sockets(void);
// seccomp(2): makes calls fail with EPERM that start programs or processes (not threads), signal, slow down or inspect
// other processes, accept connections, or reach rarely needed parts of the kernel. Needs no_new_privs.
int clinux_forbid_programs_and_listening(void);
// seccomp(2): makes calls fail with EPERM that open a file for writing, unless it is a new one (O_CREAT | O_EXCL), or
// change a file by its name. Needs no_new_privs.
int clinux_open_only_new_files(void);
// Joins a new, empty session keyring. keyctl(2), KEYCTL_JOIN_SESSION_KEYRING
int clinux_join_new_keyring(void);

// openat2(2) with O_CLOEXEC; `resolve` consists of the CLINUX_RESOLVE bits.
#define CLINUX_RESOLVE_NO_MAGICLINKS 0x02
#define CLINUX_RESOLVE_NO_SYMLINKS 0x04
#define CLINUX_RESOLVE_IN_ROOT 0x10
int clinux_openat2(int directory, const char *path, int flags, mode_t mode, uint64_t resolve);
int clinux_openat(int directory, const char *name, int flags, mode_t mode);
// The file system type, f_type of fstatfs(2).
int64_t clinux_file_system_type(int fd);
// faccessat2(2) of an entry with the effective identity, following no symbolic link; or faccessat(2) where that is not
// available. With `as_other`, this thread, of a root process, takes on the identity of that user and group, without
// other groups, for the duration of the call.
int clinux_access_as(int as_other, uid_t uid, gid_t gid, int directory, const char *name, int mode);
// O_PATH.
extern const int clinux_path_only;
// renameat2(2) with RENAME_NOREPLACE.
int clinux_rename_new(int from_directory, const char *from, int to_directory, const char *to);
// fchownat(2) and utimensat(2) with AT_EMPTY_PATH, also for O_PATH descriptors.
int clinux_chown_descriptor(int fd, uid_t uid, gid_t gid);
int clinux_set_times(int fd, int64_t access_seconds, int64_t access_nanoseconds, int64_t seconds, int64_t nanoseconds);
// fstatat(2) with AT_SYMLINK_NOFOLLOW.
int clinux_stat_entry(int directory, const char *name, struct stat *result);
// copy_file_range(2).
ssize_t clinux_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count);
// getdents64(2): the number of bytes of entries; 0 at the end.
ssize_t clinux_read_entries(int directory, void *entries, size_t count);
// getrandom(2).
ssize_t clinux_random(void *bytes, size_t count);

// Fields of shadow(5), without the password. Days are counted from 1970-01-01; -1: not set.
struct clinux_shadow {
  long last_change;
  long maximum;
  long inactive;
  long expiration;
  // The password begins with "!" or "*LK*".
  int is_locked;
};

// getspnam_r(3); for an account without such an entry, the password field of passwd(5). Returns 1, or 0 when there is
// neither.
int clinux_shadow_entry(const char *name, struct clinux_shadow *entry);
