/** What a build's client refuses over its session. */
import { defineErrors } from '#base';

export const errors = defineErrors('session', {
  badListing: { kind: 'invalid', message: (why: string) => `the daemon's list of files cannot be used: ${why}` },
  device: {
    kind: 'not-implemented',
    message: (path: string) => `${path} is a device or pipe and cannot be made here: use --output type=tar`,
  },
  inTheWay: { kind: 'conflict', message: (path: string) => `${path} is in the way: it is a folder` },
  cannotWrite: { kind: 'unavailable', message: (path: string, why: string) => `cannot write ${path}: ${why}` },
  incomplete: { kind: 'invalid', message: (path: string, why: string) => `${path} is incomplete: ${why}` },
  noOutput: { kind: 'not-found', message: (index: string) => `there is no output number ${index}` },
  noStore: { kind: 'not-found', message: (id: string) => `there is no store of blobs ${id}` },
  noBlob: { kind: 'not-found', message: (digest: string) => `content ${digest}: not found` },
  hasBlob: { kind: 'conflict', message: (digest: string) => `content ${digest}: already exists` },
  wrongBlob: {
    kind: 'invalid',
    message: (digest: string, actual: string) => `content ${digest}: what came is ${actual}`,
  },
  noSecret: { kind: 'not-found', message: (id: string) => `secret ${id} not found` },
  noAgent: { kind: 'not-found', message: (id: string) => `unset ssh forward key ${id}` },
  badLayout: { kind: 'invalid', message: (path: string, why: string) => `${path} is no OCI layout: ${why}` },
});
