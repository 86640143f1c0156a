/**
 * What is refused about a seccomp profile, always naming the place in it.
 */
import { defineErrors } from '#base';

export const errors = defineErrors('seccomp', {
  syntax: { kind: 'invalid', message: (reason: string) => `seccomp profile is not valid JSON: ${reason}` },
  profile: { kind: 'invalid', message: (where: string, reason: string) => `seccomp profile: ${where}: ${reason}` },
  architecture: {
    kind: 'not-implemented',
    message: (arch: string) => `seccomp filters are not implemented for ${arch}`,
  },
  noListener: {
    kind: 'invalid',
    message: () => 'seccomp profile: SCMP_ACT_NOTIFY needs a listenerPath to send the notify fd to',
  },
});
