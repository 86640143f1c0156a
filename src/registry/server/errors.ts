/** Everything the registry server can refuse, and the code of the specification each refusal has. */
import { defineErrors } from '#base';

export const errors = defineErrors('distribution', {
  nameInvalid: { kind: 'invalid', message: (name: string) => `invalid repository name '${name}'` },
  nameUnknown: { kind: 'not-found', message: (name: string) => `repository '${name}' is not known to this registry` },
  tagInvalid: {
    kind: 'invalid',
    message: (tag: string) =>
      `invalid tag '${tag}': at most 128 letters, digits, '_', '.' and '-', not '.' or '-' first`,
  },
  digestInvalid: {
    kind: 'invalid',
    message: (text: string) => `'${text}' is no sha256 or sha512 digest`,
  },
  algorithmUnknown: {
    kind: 'invalid',
    message: (name: string) => `digest algorithm '${name}' is not supported: use sha256 or sha512`,
  },
  blobUnknown: { kind: 'not-found', message: (name: string, digest: string) => `blob ${digest} is not in '${name}'` },
  manifestUnknown: {
    kind: 'not-found',
    message: (name: string, reference: string) => `manifest ${reference} is not in '${name}'`,
  },
  manifestBlobUnknown: {
    kind: 'not-found',
    message: (name: string, digest: string) =>
      `the manifest refers to ${digest}, which is not in '${name}': push that first`,
  },
  manifestInvalid: { kind: 'invalid', message: (why: string) => why },
  manifestTooLarge: {
    kind: 'invalid',
    message: (limitBytes: number) => `the manifest is larger than the ${limitBytes} bytes a manifest may have`,
  },
  sizeInvalid: {
    kind: 'invalid',
    message: (digest: string, said: number, actual: number) =>
      `the manifest gives ${said} bytes for ${digest}, which has ${actual}`,
  },
  digestMismatch: {
    kind: 'invalid',
    message: (expected: string, actual: string) => `the content has the digest ${actual}, not ${expected}`,
  },
  tagsWithTag: {
    kind: 'invalid',
    message: () => `'tag' parameters go with a manifest that is pushed by digest`,
  },
  tooManyTags: { kind: 'invalid', message: (limit: number) => `at most ${limit} tags go with one manifest` },
  uploadUnknown: {
    kind: 'not-found',
    message: (id: string) => `there is no upload ${id}: it has ended, or never began`,
  },
  uploadInvalid: { kind: 'invalid', message: (why: string) => why },
  rangeInvalid: {
    kind: 'invalid',
    message: (range: string, sizeBytes: number) =>
      `the chunk '${range}' does not go on behind the ${sizeBytes} bytes that are here`,
  },
  rangeUnsatisfiable: {
    kind: 'invalid',
    message: (range: string, sizeBytes: number) => `'${range}' is no part of the ${sizeBytes} bytes of the blob`,
  },
  pageInvalid: {
    kind: 'invalid',
    message: (value: string) => `invalid page size '${value}': give a whole number, 0 or more`,
  },
  unauthorized: { kind: 'unauthorized', message: () => 'authentication required' },
  readOnly: { kind: 'not-implemented', message: () => 'this registry is read-only' },
  isCache: {
    kind: 'not-implemented',
    message: (upstream: string) => `this registry is a cache of ${upstream}: push there`,
  },
  noDelete: {
    kind: 'not-implemented',
    message: () => 'deleting is disabled in this registry: set storage.delete.enabled',
  },
  methodUnknown: { kind: 'not-implemented', message: (method: string) => `${method} is not supported here` },
  routeUnknown: { kind: 'not-found', message: (path: string) => `there is nothing at ${path}` },
  upstreamFailed: {
    kind: 'unavailable',
    message: (upstream: string, why: string) =>
      `the upstream registry ${upstream} does not answer as it should: ${why}`,
  },
  tooManyRequests: {
    kind: 'unavailable',
    message: (upstream: string) => `the upstream registry ${upstream} wants fewer requests: try again later`,
  },
});
