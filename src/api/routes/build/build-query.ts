/** Query and headers of `POST /build` → what is asked for. Everything is honoured, or refused by its name. */
import { defaultRunSettings, type RunSettings } from '#build';
import { hostPlatform } from '#images';
import { type AuthConfig, hostOfServer, readAuthConfig } from '#registry';
import { formatPlatform, parsePlatform, type Platform, type Resources, type Rlimit } from '#specs';
import { errors } from '../../errors.ts';
import { boolean, integer } from '../../query.ts';
import { platformOf } from '../images/platform.ts';

export interface BuildQuery {
  readonly dockerfile: string;
  readonly names: readonly string[];
  /** Where the context is instead of the body; '' for the body. */
  readonly remote: string;
  /** `version=2`: told in BuildKit's traces. */
  readonly isBuildKit: boolean;
  /** A name to end it by; '' for none. */
  readonly buildId: string;
  readonly isQuiet: boolean;
  /** Events instead of the classic builder's lines (`events=1`), which only our client asks for. */
  readonly wantsEvents: boolean;
  /** A step whose program fails stays for a look at it (`keepfailed=1`), which only our client asks for. */
  readonly keepsFailed: boolean;
  /** It is listed among past builds (`record=1`), which only our client asks for. */
  readonly isRecorded: boolean;
  /** What the client calls its context (`contextname`); only for the list. */
  readonly contextName: string;
  readonly noCache: boolean | readonly string[];
  readonly alwaysPulls: boolean;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string;
  /** Several: results are lists. */
  readonly platforms: readonly Platform[];
  readonly settings: RunSettings;
  /** Of a session that is open beside the request; '' for none. */
  readonly sessionId: string;
  /** Exports but the image store, in BuildKit's words; empty: the image store. */
  readonly outputs: readonly ExportOption[];
  readonly cacheExports: readonly ExportOption[];
  readonly cacheImports: readonly ExportOption[];
  /** Statements about the build that are wanted, as `provenance: mode=max`. */
  readonly attests: Readonly<Record<string, string>>;
}

/** compat: of the parameter `outputs`; those of caches are alike. */
export interface ExportOption {
  readonly Type: string;
  readonly Attrs: Readonly<Record<string, string>>;
}

/** Throws `api.invalid` and `api.unsupported`. */
export function readBuildQuery(query: URLSearchParams): BuildQuery {
  refuseOthers(query);
  const isBuildKit = query.get('version') === '2';
  return {
    isBuildKit,
    buildId: query.get('buildid') ?? '',
    dockerfile: query.get('dockerfile') || 'Dockerfile',
    names: query.getAll('t').filter((name) => name !== ''),
    remote: query.get('remote') ?? '',
    isQuiet: boolean(query, 'q'),
    wantsEvents: boolean(query, 'events'),
    keepsFailed: boolean(query, 'keepfailed'),
    // compat: BuildKit's builds are, whoever asks for them.
    isRecorded: isBuildKit || boolean(query, 'record'),
    contextName: (query.get('contextname') ?? '').slice(0, 1024),
    noCache: boolean(query, 'nocache') || (listOf(query, 'nocachefilter').length > 0 && listOf(query, 'nocachefilter')),
    alwaysPulls: boolean(query, 'pull'),
    buildArgs: texts(query, 'buildargs'),
    labels: texts(query, 'labels'),
    target: query.get('target') ?? '',
    platforms: platformsOf(query),
    settings: settingsOf(query),
    sessionId: query.get('session') ?? '',
    // compat: BuildKit's name in dockerd for the image store.
    outputs: optionsOf(query, 'outputs').filter(({ Type }) => Type !== 'moby'),
    cacheExports: optionsOf(query, 'cacheto'),
    cacheImports: [...optionsOf(query, 'cacheimports'), ...listOf(query, 'cachefrom').map(imageOption)],
    attests: texts(query, 'attests'),
  };
}

/** `rm` and `forcerm` speak of containers that are not made here. */
function refuseOthers(query: URLSearchParams): void {
  const version = query.get('version') ?? '';
  if (!['', '1', '2'].includes(version)) throw errors.invalid(`invalid version ${JSON.stringify(version)}`);
  // compat: as a daemon that is not in experimental mode; this one has no such mode.
  if (boolean(query, 'squash')) throw errors.invalid('squash is only supported with experimental mode');
  const isolation = query.get('isolation') ?? '';
  if (isolation !== '' && isolation !== 'default') throw errors.invalid(`Unsupported isolation: "${isolation}"`);
  if (listOf(query, 'securityopt').length > 0) {
    // compat: dockerd's words on Linux.
    throw errors.invalid('The daemon on this platform does not support setting security options on build');
  }
}

/** compat: one, or with commas several. */
function platformsOf(query: URLSearchParams): Platform[] {
  const text = query.get('platform') ?? '';
  if (!text.includes(',') || text.startsWith('{')) return [platformOf(query) ?? hostPlatform()];
  const platforms = text.split(',').map((each) => parsePlatform(each, hostPlatform()));
  return [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()];
}

/** compat: of the classic builder's list, images that are here; others are passed over. */
const imageOption = (ref: string): ExportOption => ({ Type: 'image', Attrs: { ref } });

function optionsOf(query: URLSearchParams, name: string): ExportOption[] {
  return jsonList(query, name).map((value) => {
    const { Type, Attrs } = (value ?? {}) as Record<string, unknown>;
    const attributes = Object.entries(typeof Attrs === 'object' && Attrs !== null ? Attrs : {});
    if (typeof Type !== 'string' || !attributes.every(([, each]) => typeof each === 'string')) {
      throw errors.invalid(`error reading ${name}: no type with attributes: ${JSON.stringify(value)}`);
    }
    return { Type, Attrs: Object.fromEntries(attributes) as Record<string, string> };
  });
}

function settingsOf(query: URLSearchParams): RunSettings {
  const shmSizeBytes = integer(query, 'shmsize') ?? 0;
  if (shmSizeBytes < 0) throw errors.invalid('SHM size can not be less than 0');
  return {
    networkMode: query.get('networkmode') || defaultRunSettings.networkMode,
    extraHosts: listOf(query, 'extrahosts'),
    shmSizeBytes: shmSizeBytes > 0 ? shmSizeBytes : defaultRunSettings.shmSizeBytes,
    resources: resourcesOf(query),
    rlimits: rlimitsOf(query),
    cgroupParent: query.get('cgroupparent') || undefined,
    rights: defaultRunSettings.rights,
  };
}

const LEAST_MEMORY = 6 * 1024 * 1024;

/** compat: zero means no limit; swap is as much again as memory. */
function resourcesOf(query: URLSearchParams): Resources {
  const limit = integer(query, 'memory') ?? 0;
  const swap = integer(query, 'memswap') ?? 0;
  if (limit > 0 && limit < LEAST_MEMORY) throw errors.invalid('Minimum memory limit allowed is 6MB');
  if (limit > 0 && swap > 0 && swap < limit) {
    throw errors.invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (limit === 0 && swap > 0) {
    throw errors.invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  const shares = integer(query, 'cpushares') ?? 0;
  const period = integer(query, 'cpuperiod') ?? 0;
  const quota = integer(query, 'cpuquota') ?? 0;
  const [cpus, mems] = [query.get('cpusetcpus') ?? '', query.get('cpusetmems') ?? ''];
  return {
    memory: limit === 0 ? {} : { limit, swap: swap === 0 ? limit * 2 : swap },
    cpu: {
      ...(shares === 0 ? {} : { shares }),
      ...(period === 0 ? {} : { period }),
      ...(quota === 0 ? {} : { quota }),
      ...(cpus === '' ? {} : { cpus }),
      ...(mems === '' ? {} : { mems }),
    },
  };
}

function rlimitsOf(query: URLSearchParams): Rlimit[] {
  return jsonList(query, 'ulimits').map((value) => {
    const { Name, Soft, Hard } = (value ?? {}) as Record<string, unknown>;
    if (typeof Name !== 'string' || typeof Soft !== 'number' || typeof Hard !== 'number') {
      throw errors.invalid(`invalid ulimit: ${JSON.stringify(value)}`);
    }
    return { type: `RLIMIT_${Name.toUpperCase()}`, soft: Soft, hard: Hard };
  });
}

function jsonOf(query: URLSearchParams, name: string): unknown {
  const text = query.get(name) ?? '';
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw errors.invalid(`error reading ${name}: invalid JSON: ${text}`);
  }
}

function jsonList(query: URLSearchParams, name: string): unknown[] {
  const value = jsonOf(query, name) ?? [];
  if (!Array.isArray(value)) throw errors.invalid(`error reading ${name}: not a list: ${query.get(name)}`);
  return value;
}

/** A list of texts as JSON, or with commas as some clients have it. */
function listOf(query: URLSearchParams, name: string): string[] {
  const text = query.get(name) ?? '';
  if (text !== '' && text !== 'null' && !text.startsWith('[')) return text.split(',');
  return jsonList(query, name).map((value) => {
    if (typeof value !== 'string') throw errors.invalid(`error reading ${name}: not a text: ${JSON.stringify(value)}`);
    return value;
  });
}

/** compat: null is a value the client does not have, as if it had not been named. */
function texts(query: URLSearchParams, name: string): Record<string, string> {
  const value = jsonOf(query, name) ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw errors.invalid(`error reading ${name}: not an object: ${query.get(name)}`);
  }
  const entries = Object.entries(value as Record<string, unknown>).filter(([, each]) => each !== null);
  for (const [key, each] of entries) {
    if (typeof each !== 'string') throw errors.invalid(`error reading ${name}: ${key} is not a text`);
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

/** `X-Registry-Config`: credentials by registry. Throws `api.invalid`. */
export function registryConfigOf(text: string | undefined): (host: string) => AuthConfig {
  if (text === undefined || text === '') return () => ({});
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw errors.invalid('X-Registry-Config is no JSON in base64');
  }
  const byHost = new Map<string, AuthConfig>();
  for (const [server, config] of Object.entries((value ?? {}) as Record<string, unknown>)) {
    byHost.set(hostOfServer(server), readAuthConfig(config));
  }
  return (host) => byHost.get(host) ?? {};
}
