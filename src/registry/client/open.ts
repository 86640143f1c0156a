/** Makes the client: shared connections, tokens and limits, and a repository for each operation. */
import type { Log } from '#base';
import { errors } from '../errors.ts';
import type { Reference } from '../reference.ts';
import { hostOfServer } from './auth-config.ts';
import { fetchSmallBlob } from './blobs.ts';
import { type AuthConfig, type CallOptions, HUB_HOST, type RegistryConfig } from './config.ts';
import { Connections, discard } from './connections.ts';
import { listReferrers, listRepositories, listTags } from './discovery.ts';
import { checkInsecureRegistry, checkMirror, type Endpoint, endpointsFor } from './endpoints.ts';
import { inspectImage } from './inspect.ts';
import { LayerDownloads } from './layer-downloads.ts';
import { deleteManifest, fetchManifest, locateManifest } from './manifests.ts';
import { inDockersWords, pullImage } from './pull.ts';
import { pushImage } from './push.ts';
import type { LoginResult, RegistryClient } from './registry-client.ts';
import { RegistryHost } from './registry-host.ts';
import { Repository, type RepositoryName } from './repository.ts';
import { retrying } from './retry.ts';
import { searchImages } from './search.ts';
import { Slots } from './slots.ts';
import { Tokens } from './tokens.ts';

/** Throws `registry.badSetting` for mirrors and insecure registries that cannot be meant. */
export function openRegistryClient(initial: RegistryConfig, log: Log): RegistryClient {
  // One object for all who hold it: `reconfigure` changes what it says.
  const config = { ...initial };
  check(config);
  const connections = new Connections(config);
  const tokens = new Tokens(connections);
  const downloads = new LayerDownloads(config, connections);
  const slots = new Slots(config.maxConcurrentUploads);
  const hosts = new Map<string, RegistryHost>();
  const resting = new Map<RegistryHost, number>();

  const hostOf = (endpoint: Endpoint): RegistryHost =>
    // Few in practice; a client that is sent to ever new hosts does not remember them all.
    remember(hosts, JSON.stringify(endpoint), () => new RegistryHost(endpoint, connections, tokens));
  const repository = (name: RepositoryName, actions: string, options: CallOptions): Repository =>
    new Repository({
      name,
      hosts: endpointsFor(name.host, actions === 'pull' ? 'pull' : 'push', config).map(hostOf),
      resting,
      scopes: [`repository:${name.path}:${actions}`],
      options,
      log,
    });
  const reading = <T>(reference: Reference, options: CallOptions, read: (from: Repository) => Promise<T>): Promise<T> =>
    retrying(() => read(repository(reference, 'pull', options)), config, { signal: options.signal });

  return {
    config,
    reconfigure: (next) => {
      check(next);
      Object.assign(config, next);
      slots.resize(config.maxConcurrentUploads);
      downloads.resize(config.maxConcurrentDownloads);
      // Whether a host is trusted is part of how it was reached.
      hosts.clear();
      resting.clear();
    },
    resolve: (reference, options = {}) =>
      reading(reference, options, async (from) => (await locateManifest(from, reference)).descriptor),
    fetchManifest: (reference, options = {}) => reading(reference, options, (from) => fetchManifest(from, reference)),
    inspect: (reference, options = {}) => reading(reference, options, (from) => inspectImage(from, reference)),
    fetchBlob: (reference, descriptor, limitBytes, options = {}) =>
      reading(reference, options, (from) => fetchSmallBlob(from, descriptor, limitBytes)),
    fetchLayer: (reference, layer, target, { lease, onProgress, ...options }) =>
      downloads.fetch({
        ...{ target, lease, layer },
        repository: repository(reference, 'pull', options),
        tell: onProgress ?? (() => {}),
      }),
    pull: (reference, target, options) =>
      pullImage(
        { downloads, backOff: config, repository: (signal) => repository(reference, 'pull', { ...options, signal }) },
        reference,
        target,
        options,
      ),
    push: (reference, root, source, options = {}) =>
      pushImage(
        { config, slots, repository: (signal) => repository(reference, 'pull,push', { ...options, signal }) },
        reference,
        root,
        source,
        options,
      ),
    tags: async (reference, options = {}) => {
      try {
        return await reading(reference, options, listTags);
      } catch (error) {
        throw inDockersWords(error, reference);
      }
    },
    catalog: async (host, options = {}) => {
      const name = { name: host, host, path: '' };
      const parts = { hosts: endpointsFor(host, 'push', config).map(hostOf), resting, options, log };
      return listRepositories(new Repository({ ...parts, name, scopes: ['registry:catalog:*'] }));
    },
    referrers: (reference, digest, artifactType, options = {}) =>
      reading(reference, options, (from) => listReferrers(from, digest, artifactType)),
    deleteManifest: async (reference, options = {}) =>
      deleteManifest(repository(reference, 'delete,pull', options), reference),
    login: async (auth, { signal } = {}) =>
      login(hostOf(endpointsFor(serverOf(auth), 'push', config)[0]!), auth, signal),
    search: (term, limit, options = {}) => searchImages(connections, config, term, limit, options),
    [Symbol.asyncDispose]: async () => connections[Symbol.dispose](),
  };
}

function check({ mirrors, insecureRegistries }: RegistryConfig): void {
  for (const mirror of Object.values(mirrors).flat()) checkMirror(mirror);
  for (const entry of insecureRegistries) checkInsecureRegistry(entry);
}

const MOST_HOSTS = 128;

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make();
  known.delete(key);
  known.set(key, value);
  if (known.size > MOST_HOSTS) known.delete(known.keys().next().value!);
  return value;
}

const serverOf = ({ serverAddress = '' }: AuthConfig): string =>
  serverAddress === '' ? HUB_HOST : hostOfServer(serverAddress);

async function login(host: RegistryHost, auth: AuthConfig, signal: AbortSignal | undefined): Promise<LoginResult> {
  const { url, answer, identityToken } = await host.login(auth, signal);
  discard(answer);
  if (answer.status !== 200) throw errors.loginFailed(url, `${answer.status} ${answer.statusText}`);
  return { status: 'Login Succeeded', identityToken };
}
