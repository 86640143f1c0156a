/**
 * What the BPF compilers refuse.
 */
import { defineErrors } from '#base';

export const errors = defineErrors('bpf', {
  action: { kind: 'invalid', message: (action: string) => `seccomp: unknown action ${action}` },
  flag: { kind: 'invalid', message: (flag: string) => `seccomp: unknown flag ${flag}` },
  architecture: { kind: 'invalid', message: (arch: string) => `seccomp: no system call table for ${arch}` },
  comparison: {
    kind: 'invalid',
    message: (where: string, op: string) => `seccomp: ${where}: unknown comparison ${op}`,
  },
  argumentIndex: {
    kind: 'invalid',
    message: (where: string, index: number) => `seccomp: ${where}: argument index ${index} is not in 0 ... 5`,
  },
  argumentValue: {
    kind: 'invalid',
    message: (where: string, value: string) => `seccomp: ${where}: ${value} is not an unsigned 64-bit integer`,
  },
  tooLong: {
    kind: 'invalid',
    message: (length: number, limit: number) =>
      `seccomp: the filter needs ${length} BPF instructions, the kernel takes ${limit}`,
  },
  deviceRule: {
    kind: 'invalid',
    message: (index: number, reason: string) => `device rule ${index}: ${reason}`,
  },
});
