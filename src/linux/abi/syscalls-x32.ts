/**
 * System calls of x32 (32-bit pointers on x86-64) by name: the x86-64 numbers with bit 30 set,
 * except for the calls that need translation and those that were dropped.
 *
 * kernel: arch/x86/entry/syscalls/syscall_64.tbl, ABI column "64" against "x32" and "common".
 */
import { syscallsX64 } from './syscalls-x64.ts';

/** __X32_SYSCALL_BIT of asm/unistd.h. */
export const X32_SYSCALL_BIT = 0x40000000;

/** In the x86-64 table only. */
const ABSENT = new Set([
  '_sysctl',
  'create_module',
  'epoll_ctl_old',
  'epoll_wait_old',
  'get_kernel_syms',
  'get_thread_area',
  'nfsservctl',
  'query_module',
  'set_thread_area',
  'uselib',
  'vserver',
]);

/** Calls with an entry point of their own. */
const OWN: Readonly<Record<string, number>> = {
  rt_sigaction: 512,
  rt_sigreturn: 513,
  ioctl: 514,
  readv: 515,
  writev: 516,
  recvfrom: 517,
  sendmsg: 518,
  recvmsg: 519,
  execve: 520,
  ptrace: 521,
  rt_sigpending: 522,
  rt_sigtimedwait: 523,
  rt_sigqueueinfo: 524,
  sigaltstack: 525,
  timer_create: 526,
  mq_notify: 527,
  kexec_load: 528,
  waitid: 529,
  set_robust_list: 530,
  get_robust_list: 531,
  vmsplice: 532,
  move_pages: 533,
  preadv: 534,
  pwritev: 535,
  rt_tgsigqueueinfo: 536,
  recvmmsg: 537,
  sendmmsg: 538,
  process_vm_readv: 539,
  process_vm_writev: 540,
  setsockopt: 541,
  getsockopt: 542,
  io_setup: 543,
  io_submit: 544,
  execveat: 545,
  preadv2: 546,
  pwritev2: 547,
};

export const syscallsX32: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries({ ...syscallsX64, ...OWN })
    .filter(([name]) => !ABSENT.has(name))
    .map(([name, number]) => [name, X32_SYSCALL_BIT + number]),
);
