/** What the API itself refuses: requests it cannot read, and options this version does not have. */
import { defineErrors } from '#base';

export const errors = defineErrors('api', {
  invalid: { kind: 'invalid', message: (what: string) => what },
  invalidJson: { kind: 'invalid', message: (why: string) => `invalid JSON: ${why}` },
  // compat: dockerd has this as a failure of its own.
  noBuildId: { kind: 'internal', message: () => 'build ID not provided' },
  tooLarge: { kind: 'invalid', message: (limit: number) => `http: request body too large (at most ${limit} bytes)` },
  noLogReading: { kind: 'not-implemented', message: () => 'configured logging driver does not support reading' },
  noSuchImage: { kind: 'not-found', message: (name: string) => `No such image: ${name}` },
  nothingToDownload: {
    kind: 'not-found',
    message: (url: string, status: string, body: string) => `failed to GET ${url} with status ${status}: ${body}`,
  },
  notDownloaded: {
    kind: 'invalid',
    message: (url: string, status: string, body: string) => `failed to GET ${url} with status ${status}: ${body}`,
  },
  noDebugSession: { kind: 'not-found', message: (name: string) => `no such debug session: ${name}` },
  cannotDownload: { kind: 'invalid', message: (url: string, why: string) => `cannot download ${url}: ${why}` },
  notManager: {
    kind: 'unavailable',
    message: () =>
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  },
  notInSwarm: { kind: 'unavailable', message: () => 'This node is not part of a swarm' },
  noSuchPlugin: { kind: 'not-found', message: (name: string) => `plugin "${name}" not found` },
  notFound: { kind: 'not-found', message: () => 'page not found' },
  noNetworkInScope: { kind: 'not-found', message: (ref: string) => `network ${ref} not found` },
  badStatement: {
    kind: 'internal',
    message: (digest: string) => `the statement ${digest} about this image is no JSON: build or load the image again`,
  },
  unsupported: {
    kind: 'not-implemented',
    message: (what: string, hint: string) => `${what} is not supported by this version of Skiff: ${hint}`,
  },
});
