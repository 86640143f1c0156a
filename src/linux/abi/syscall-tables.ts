/**
 * The system call tables a seccomp filter can be compiled for, by libseccomp's architecture name.
 *
 * Source: include/uapi/linux/audit.h (AUDIT_ARCH_), net/socket.c and ipc/syscall.c (selectors).
 */
import type { SyscallTable } from '#wire';
import { syscallsArm } from './syscalls-arm.ts';
import { syscallsArm64 } from './syscalls-arm64.ts';
import { syscallsX32, X32_SYSCALL_BIT } from './syscalls-x32.ts';
import { syscallsX64 } from './syscalls-x64.ts';
import { syscallsX86 } from './syscalls-x86.ts';

const AUDIT_ARCH_X86_64 = 0xc000003e;
const AUDIT_ARCH_I386 = 0x40000003;
const AUDIT_ARCH_AARCH64 = 0xc00000b7;
const AUDIT_ARCH_ARM = 0x40000028;

const LAST_NUMBER = 0xffffffff;

/** kernel: SYS_SOCKET ... SYS_SENDMMSG of include/uapi/linux/net.h, in order from 1. */
const SOCKET_CALLS = [
  'socket',
  'bind',
  'connect',
  'listen',
  'accept',
  'getsockname',
  'getpeername',
  'socketpair',
  'send',
  'recv',
  'sendto',
  'recvfrom',
  'shutdown',
  'setsockopt',
  'getsockopt',
  'sendmsg',
  'recvmsg',
  'accept4',
  'recvmmsg',
  'sendmmsg',
];

/** kernel: include/uapi/linux/ipc.h. */
const IPC_CALLS: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

const MULTIPLEXED = Object.fromEntries([
  ...SOCKET_CALLS.map((name, index) => [name, { call: 'socketcall', selector: index + 1 }] as const),
  ...Object.entries(IPC_CALLS).map(([name, selector]) => [name, { call: 'ipc', selector }] as const),
]);

/**
 * The arguments of socket(2) and socketpair(2) are ints, so the kernel drops their high halves.
 *
 * compat: libseccomp compares all 64 bits. A rule "family above 40 is allowed" then lets 2^32 + 38 through, which
 * the kernel takes for 38 (AF_ALG): comparing what the kernel looks at is what the profile means.
 */
const NARROW = { socket: [0, 1, 2], socketpair: [0, 1, 2] };

/** By SCMP_ARCH_ name. */
export const syscallTables: Readonly<Record<string, SyscallTable>> = {
  SCMP_ARCH_X86_64: {
    auditArch: AUDIT_ARCH_X86_64,
    numbers: syscallsX64,
    range: { first: 0, last: X32_SYSCALL_BIT - 1 },
    argumentBits: 64,
    narrowArguments: NARROW,
  },
  SCMP_ARCH_X32: {
    auditArch: AUDIT_ARCH_X86_64,
    numbers: syscallsX32,
    range: { first: X32_SYSCALL_BIT, last: LAST_NUMBER },
    argumentBits: 32,
  },
  SCMP_ARCH_X86: {
    auditArch: AUDIT_ARCH_I386,
    numbers: syscallsX86,
    range: { first: 0, last: LAST_NUMBER },
    argumentBits: 32,
    multiplexed: MULTIPLEXED,
  },
  SCMP_ARCH_AARCH64: {
    auditArch: AUDIT_ARCH_AARCH64,
    numbers: syscallsArm64,
    range: { first: 0, last: LAST_NUMBER },
    argumentBits: 64,
    narrowArguments: NARROW,
  },
  SCMP_ARCH_ARM: {
    auditArch: AUDIT_ARCH_ARM,
    numbers: syscallsArm,
    range: { first: 0, last: LAST_NUMBER },
    argumentBits: 32,
    // kernel: __ARM_NR_BASE of arch/arm/include/uapi/asm/unistd.h.
    privateFrom: 0x0f0000,
  },
};
