/** Everything the registry module can refuse, in Docker's own words where Docker has some. */
import { defineErrors, type ErrorKind, SkiffError } from '#base';

export const referenceErrors = defineErrors('reference', {
  badReference: { kind: 'invalid', message: () => 'invalid reference format' },
  upperCaseName: {
    kind: 'invalid',
    message: (name: string) => `invalid reference format: repository name (${name}) must be lowercase`,
  },
  nameTooLong: { kind: 'invalid', message: () => 'repository name must not be more than 255 characters' },
  nameIsId: {
    kind: 'invalid',
    message: (name: string) => `invalid repository name (${name}), cannot specify 64-byte hexadecimal strings`,
  },
  algorithmTag: {
    kind: 'invalid',
    message: () => 'refusing to create an ambiguous tag using digest algorithm as name',
  },
  digestTag: { kind: 'invalid', message: () => 'cannot import digest reference' },
});

export const errors = defineErrors('registry', {
  /** A request that did not come to an answer, in Go's words: `Get "https://host/v2/": dial tcp …`. */
  unreachable: { kind: 'unavailable', message: (what: string, why: string) => `${what}: ${why}` },
  broken: { kind: 'unavailable', message: (what: string, why: string) => `${what}: ${why}` },
  stalled: {
    kind: 'unavailable',
    message: (what: string, seconds: number) => `${what}: nothing came for ${seconds} seconds`,
  },
  noConnection: {
    kind: 'unavailable',
    message: (what: string, host: string) => `${what}: dial tcp: ${host}: i/o timeout`,
  },
  truncated: {
    kind: 'unavailable',
    message: (what: string, got: number, expected: number) =>
      `${what}: unexpected EOF after ${got} of ${expected} bytes`,
  },
  badUrl: { kind: 'invalid', message: (what: string, url: string, why: string) => `${what} '${url}': ${why}` },
  badCertificates: { kind: 'invalid', message: (what: string) => what },
  badAuth: { kind: 'invalid', message: (why: string) => `cannot read the X-Registry-Auth header: ${why}` },
  noCredentials: { kind: 'unauthorized', message: () => 'no basic auth credentials' },
  unknownScheme: {
    kind: 'unauthorized',
    message: (host: string, schemes: string) =>
      `${host} asks for authentication by ${schemes}, of which none is known: only Basic and Bearer are`,
  },
  badTokenAnswer: {
    kind: 'unauthorized',
    message: (realm: string, why: string) => `the token server ${realm} gave no usable token: ${why}`,
  },
  insecureRealm: {
    kind: 'unauthorized',
    message: (realm: string) => `refused to send credentials to the token server ${realm}: it is not encrypted`,
  },
  loginFailed: {
    kind: 'unauthorized',
    message: (url: string, status: string) => `login attempt to ${url} failed with status: ${status}`,
  },
  tooManyRedirects: { kind: 'unavailable', message: (url: string) => `${url}: stopped after 10 redirects` },
  badRedirect: {
    kind: 'unavailable',
    message: (from: string, to: string, why: string) => `${from} redirects to '${to}': ${why}`,
  },
  tooLarge: {
    kind: 'invalid',
    message: (what: string, limit: number) => `${what} is larger than ${limit} bytes, the most that is read`,
  },
  wrongDigest: {
    kind: 'invalid',
    message: (what: string, got: string, expected: string) =>
      `${what} has the digest ${got} instead of ${expected}: damaged on the way, or not what the registry says`,
  },
  wrongSize: {
    kind: 'invalid',
    message: (what: string, got: number, expected: number) => `${what} has ${got} bytes instead of ${expected}`,
  },
  layerDamaged: {
    kind: 'invalid',
    message: (digest: string) => `filesystem layer verification failed for digest ${digest}`,
  },
  unsupportedDigest: {
    kind: 'invalid',
    message: (digest: string) => `unsupported digest '${digest}': only sha256 and sha512 are known`,
  },
  badAnswer: { kind: 'unavailable', message: (what: string, why: string) => `${what}: cannot use the answer: ${why}` },
  unexpectedStatus: {
    kind: 'unavailable',
    message: (what: string, status: number, text: string) =>
      `${what}: unexpected status ${`${status} ${text}`.trimEnd()}`,
  },
  noPlatform: {
    kind: 'not-found',
    message: (platform: string) => `no matching manifest for ${platform} in the manifest list entries`,
  },
  notAnImage: {
    kind: 'invalid',
    message: (name: string, mediaType: string) => `${name} is no image: its config is of type '${mediaType}'`,
  },
  nestedIndex: {
    kind: 'invalid',
    message: (name: string) => `${name}: an index within an index within an index is not followed`,
  },
  pullDenied: {
    kind: 'not-found',
    message: (name: string, why: string) =>
      `pull access denied for ${name}, repository does not exist or may require 'docker login': ${why}`,
  },
  manifestNotFound: {
    kind: 'not-found',
    message: (name: string, why: string) => `manifest for ${name} not found: ${why}`,
  },
  repositoryNotFound: {
    kind: 'not-found',
    message: (name: string, why: string) => `repository ${name} not found: ${why}`,
  },
  noContent: {
    kind: 'not-found',
    message: (digest: string) => `content digest ${digest}: not found, neither here nor at the registry`,
  },
  uploadLost: { kind: 'unavailable', message: (what: string) => `${what}: the registry has forgotten the upload` },
  badLimit: {
    kind: 'invalid',
    message: (limit: number) => `Limit ${limit} is outside the range of [1, 100]`,
  },
  searchFailed: { kind: 'internal', message: (status: number) => `Unexpected status code ${status}` },
  badConfigFile: {
    kind: 'invalid',
    message: (path: string, why: string) => `cannot use Docker's configuration file ${path}: ${why}`,
  },
  helperFailed: {
    kind: 'internal',
    message: (doing: string, why: string) => `error ${doing} credentials - err: ${why}`,
  },
  badSetting: {
    kind: 'invalid',
    message: (what: string, value: string, why: string) => `invalid ${what} '${value}': ${why}`,
  },
});

/** What a registry refused: its status, its code (`MANIFEST_UNKNOWN`, empty when it gave none) and its words. */
export class RegistryRefusal extends SkiffError {
  readonly status: number;
  readonly registryCode: string;
  /** What it wants to be waited for; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(refusal: {
    readonly status: number;
    readonly registryCode: string;
    readonly message: string;
    readonly retryAfterMs: number | undefined;
  }) {
    super(refusalKind(refusal.status), 'registry.refused', refusal.message, { details: { status: refusal.status } });
    this.status = refusal.status;
    this.registryCode = refusal.registryCode;
    this.retryAfterMs = refusal.retryAfterMs;
  }
}

function refusalKind(status: number): ErrorKind {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  return status === 429 || status >= 500 ? 'unavailable' : 'invalid';
}
