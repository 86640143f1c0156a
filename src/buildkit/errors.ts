/** Everything BuildKit's doors can refuse. */
import { defineErrors } from '#base';

export const errors = defineErrors('buildkit', {
  noSession: { kind: 'not-found', message: (id: string) => `no active session for ${id}: context deadline exceeded` },
  sessionTaken: { kind: 'conflict', message: (id: string) => `session ${id} already exists` },
  sessionGone: {
    kind: 'unavailable',
    message: (id: string) => `the client of session ${id} has gone: the build was ended`,
  },
  noBuild: { kind: 'not-found', message: (ref: string) => `no such job ${ref}` },
  noInput: { kind: 'invalid', message: (input: string) => `invalid input ${input}: no such result was given` },
  resultGone: {
    kind: 'not-found',
    message: (input: string) => `the result ${input} is not there any more: its build has ended, or never was`,
  },
  noInputPlatform: {
    kind: 'invalid',
    message: (input: string, platform: string, others: string) =>
      `the result ${input} is for ${others}, and not for ${platform}: build its target for that platform as well`,
  },
  buildTaken: { kind: 'conflict', message: (ref: string) => `job ID ${ref} already exists` },
  badListing: { kind: 'invalid', message: (why: string) => `the client's list of files cannot be used: ${why}` },
  clientFailed: { kind: 'invalid', message: (what: string, why: string) => `${what}: ${why}` },
  noPolicyFile: {
    kind: 'not-found',
    message: () => 'files of a remote context are not shown before it is built: policy not found',
  },
  unsupported: {
    kind: 'not-implemented',
    message: (what: string, instead: string) => `${what} is not supported by this builder: ${instead}`,
  },
  noSubrequest: { kind: 'not-implemented', message: (name: string) => `unsupported request ${name}` },
  badFilter: {
    kind: 'invalid',
    message: (text: string) =>
      `the filter ${text} is not known: use id, parents, type, description, inuse, shared or private`,
  },
  badHistoryFilter: {
    kind: 'invalid',
    message: (text: string) =>
      `the filter ${text} is not known: use ref, repository or status with ==, != or ~=, and startedAt, completedAt or duration with <, <=, > or >=`,
  },
  badHistoryLimit: { kind: 'invalid', message: (limit: number) => `invalid limit ${limit}` },
  noRecord: { kind: 'not-found', message: (ref: string) => `no record of a build found for ref ${ref}` },
  noContent: { kind: 'not-found', message: (digest: string) => `content ${digest}: not found` },
  tooSlow: {
    kind: 'unavailable',
    message: () => 'too many changes of builds wait for this client to read them: list them again',
  },
  badOption: {
    kind: 'invalid',
    message: (what: string, name: string, value: string, instead: string) =>
      `${what}: ${name}${value === '' ? '' : `=${value}`}: ${instead}`,
  },
  noStore: { kind: 'invalid', message: (id: string) => `the client offers no store of blobs: ${id}` },
  needsSession: {
    kind: 'invalid',
    message: () =>
      'outputs and caches in files of the client need a session beside the request: use skiff build, or buildx',
  },
  noFileSend: { kind: 'invalid', message: () => 'the client of this build takes no files' },
  noFiles: { kind: 'invalid', message: (name: string) => `no local sources enabled: ${name}` },
});
