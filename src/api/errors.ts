/** What the API itself refuses: requests it cannot read, and options this version does not have. */
import { defineErrors } from '#base';

export const errors = defineErrors('api', {
  invalid: { kind: 'invalid', message: (what: string) => what },
  invalidJson: { kind: 'invalid', message: (why: string) => `invalid JSON: ${why}` },
  tooLarge: { kind: 'invalid', message: (limit: number) => `http: request body too large (at most ${limit} bytes)` },
  noLogReading: { kind: 'not-implemented', message: () => 'configured logging driver does not support reading' },
  noSuchImage: { kind: 'not-found', message: (name: string) => `No such image: ${name}` },
  otherPlatform: {
    kind: 'not-found',
    message: (name: string, wanted: string, actual: string) =>
      `image with reference ${name} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`,
  },
  nothingToDownload: {
    kind: 'not-found',
    message: (url: string, status: string, body: string) => `failed to GET ${url} with status ${status}: ${body}`,
  },
  notDownloaded: {
    kind: 'invalid',
    message: (url: string, status: string, body: string) => `failed to GET ${url} with status ${status}: ${body}`,
  },
  cannotDownload: { kind: 'invalid', message: (url: string, why: string) => `cannot download ${url}: ${why}` },
  notFound: { kind: 'not-found', message: () => 'page not found' },
  noNetworkInScope: { kind: 'not-found', message: (ref: string) => `network ${ref} not found` },
  unsupported: {
    kind: 'not-implemented',
    message: (what: string, hint: string) => `${what} is not supported by this version of Skiff: ${hint}`,
  },
});
