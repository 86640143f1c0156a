/** Everything the content store can refuse. */
import { defineErrors } from '#base';

export const errors = defineErrors('content', {
  noSuch: { kind: 'not-found', message: (digest: string) => `blob ${digest} is not in the content store` },
  busy: {
    kind: 'conflict',
    message: (key: string) => `'${key}' is being written already: wait for that to end, or cancel it`,
  },
  tooLarge: {
    kind: 'invalid',
    message: (what: string, limitBytes: number) => `${what} is larger than the ${limitBytes} bytes it may have`,
  },
  wrongSize: {
    kind: 'invalid',
    message: (what: string, expected: number, actual: number) =>
      `${what} has ${actual} bytes where ${expected} were announced: the transfer was cut off, or the source is wrong`,
  },
  wrongDigest: {
    kind: 'invalid',
    message: (what: string, expected: string, actual: string) =>
      `${what} has the digest ${actual} where ${expected} was announced: it was damaged on the way, or the source is wrong`,
  },
  damaged: {
    kind: 'internal',
    message: (digest: string, path: string, why: string) =>
      `blob ${digest} is damaged on this disk (${path}: ${why}): check the content store with repair, then get it again`,
  },
  noSpace: {
    kind: 'unavailable',
    message: (path: string, free: string) => `no space left to write ${path} (${free} free): make room and try again`,
  },
  cannotWrite: { kind: 'internal', message: (path: string, why: string) => `cannot write ${path}: ${why}` },
});
