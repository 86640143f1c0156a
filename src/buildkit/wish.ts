/** Attributes of a front end, as clients send them → what the builder is asked. Each is honoured, or refused by its name. */
import { type AttestWish, type BuildRequest, defaultRunSettings, readAttestWish, type RunSettings } from '#build';
import { hostPlatform } from '#images';
import { formatPlatform, parsePlatform, type Platform, type Rlimit } from '#specs';
import { type CacheEntryOption, readCacheImports } from './caches.ts';
import { errors } from './errors.ts';

export interface BuildWish {
  /** In the folder the client sends as `dockerfile`. */
  readonly dockerfile: string;
  readonly request: Omit<BuildRequest, 'buildPlatform'>;
  readonly settings: RunSettings;
  readonly alwaysPulls: boolean;
  /** The id of an upload that is the context; '' for a folder of the client's. */
  readonly uploadId: string;
  /** What the client calls the folders with the context and the Dockerfile. */
  readonly contextFolder: string;
  readonly dockerfileFolder: string;
  /** Several platforms were asked for, or a list of one: results are lists. */
  readonly isList: boolean;
  readonly attest: AttestWish;
  readonly cacheImports: readonly CacheEntryOption[];
  /** The client gives the Dockerfile although the context is somewhere else. */
  readonly hasOwnDockerfile: boolean;
}

type Attributes = Readonly<Record<string, string>>;

/** Known and without effect here: told by the client for records and caches of its own, or its own bookkeeping. */
const IDLE =
  /^(?:(?:local-sessionid|sharedkey|vcs):.*|frontend\.caps|contextkey|dockerfilekey|source|cmdline|requestid|input-metadata:.*)$/;

/** Throws `buildkit.unsupported`, and `image.*` for platforms that are none. */
export function readWish(attributes: Attributes, entitlements: readonly string[]): BuildWish {
  const buildArgs = prefixed(attributes, 'build-arg:');
  const hostname = attributes['hostname'] ?? '';
  const context = attributes['context'] ?? '';
  const upload = /^https?:\/\/buildkit-session\/(.+)$/.exec(context);
  refuseOthers(attributes);
  const noCache = attributes['no-cache'];
  const platforms = platformsOf(attributes['platform']);
  return {
    dockerfile: attributes['filename'] || 'Dockerfile',
    request: {
      ...(platforms ? { targetPlatforms: platforms } : {}),
      // compat: a name for the containers of RUN comes as an attribute, too.
      buildArgs: hostname === '' ? buildArgs : { BUILDKIT_SANDBOX_HOSTNAME: hostname, ...buildArgs },
      target: attributes['target'] ?? '',
      labels: prefixed(attributes, 'label:'),
      ...(noCache === undefined ? {} : { noCache: noCache === '' ? true : noCache.split(',') }),
      ...(context === '' || upload ? {} : { mainContext: context }),
      namedContexts: prefixed(attributes, 'context:'),
    },
    settings: settingsOf(attributes, entitlements),
    alwaysPulls: attributes['image-resolve-mode'] === 'pull',
    uploadId: upload?.[1] ?? '',
    contextFolder: attributes['contextkey'] || 'context',
    dockerfileFolder: attributes['dockerfilekey'] || 'dockerfile',
    isList: (platforms?.length ?? 0) > 1 || /^(?:1|t|true)$/i.test(attributes['multi-platform'] ?? ''),
    attest: readAttestWish(attributes),
    cacheImports: readCacheImports(attributes),
    hasOwnDockerfile: (attributes['dockerfilekey'] ?? '') !== '',
  };
}

const KNOWN = new Set([
  ...['filename', 'target', 'platform', 'no-cache', 'image-resolve-mode', 'context', 'add-hosts', 'shm-size', 'ulimit'],
  ...['cgroup-parent', 'force-network-mode', 'memory', 'memswap', 'cpushares', 'cpuperiod', 'cpuquota'],
  ...['cpusetcpus', 'cpusetmems', 'hostname', 'cache-imports', 'cache-from', 'multi-platform'],
]);

function refuseOthers(attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (KNOWN.has(name) || IDLE.test(name) || /^(?:build-arg|label|context|attest):/.test(name)) continue;
    if (name === 'contextsubdir') {
      if (value === '') continue;
      throw errors.unsupported('a folder within the context', 'name it in the URL');
    }
    throw errors.unsupported(`the attribute ${name}=${value}`, 'leave it out');
  }
}

function settingsOf(attributes: Attributes, entitlements: readonly string[]): RunSettings {
  const number = (name: string): number => {
    const value = Number(attributes[name] ?? 0);
    if (!Number.isSafeInteger(value)) throw errors.unsupported(`${name}=${attributes[name]}`, 'give a whole number');
    return value;
  };
  const limit = number('memory');
  const swap = number('memswap');
  const [shares, period, quota] = [number('cpushares'), number('cpuperiod'), number('cpuquota')];
  const [cpus, mems] = [attributes['cpusetcpus'] ?? '', attributes['cpusetmems'] ?? ''];
  const rights = entitlements.map((right) => {
    if (right === 'network.host' || right === 'security.insecure') return right;
    throw errors.unsupported(`the right ${right}`, 'leave it out');
  });
  return {
    networkMode: attributes['force-network-mode'] || defaultRunSettings.networkMode,
    extraHosts: (attributes['add-hosts'] ?? '').split(',').filter((each) => each !== ''),
    shmSizeBytes: number('shm-size') || defaultRunSettings.shmSizeBytes,
    resources: {
      memory: limit === 0 ? {} : { limit, ...(swap === 0 ? {} : { swap }) },
      cpu: {
        ...(shares === 0 ? {} : { shares }),
        ...(period === 0 ? {} : { period }),
        ...(quota === 0 ? {} : { quota }),
        ...(cpus === '' ? {} : { cpus }),
        ...(mems === '' ? {} : { mems }),
      },
    },
    rlimits: rlimitsOf(attributes['ulimit'] ?? ''),
    cgroupParent: attributes['cgroup-parent'] || undefined,
    rights,
  };
}

/** `nofile=1024:2048,nproc=10`. */
function rlimitsOf(text: string): Rlimit[] {
  return text
    .split(',')
    .filter((each) => each !== '')
    .map((each) => {
      const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(each);
      if (!match) throw errors.unsupported(`the limit ${each}`, 'write name=soft:hard');
      const soft = Number(match[2]);
      return {
        type: `RLIMIT_${match[1]!.toUpperCase()}`,
        soft,
        hard: match[3] === undefined ? soft : Number(match[3]),
      };
    });
}

function platformsOf(text: string | undefined): Platform[] | undefined {
  if (text === undefined || text === '') return undefined;
  const platforms = text.split(',').map((each) => parsePlatform(each, hostPlatform()));
  // compat: one that is named twice is built once.
  return [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()];
}

const prefixed = (attributes: Attributes, prefix: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
