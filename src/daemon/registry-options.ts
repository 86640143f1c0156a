/** The options about registries → the settings of the registry client. */
import { messageOf } from '#base';
import {
  checkInsecureRegistry,
  checkMirror,
  defaultRegistryConfig,
  HUB_HOST,
  proxiesFromEnvironment,
  type RegistryConfig,
} from '#registry';
import { errors } from './errors.ts';
import { type GivenOptions, valueOf } from './options/given.ts';
import { integer, list, map, text } from './options/kinds.ts';
import { skiffVersion } from './version.ts';

const MOST = 9999;

/** Throws `daemon.badFlag` naming the value. */
export function registryConfig(
  given: GivenOptions,
  environment: Readonly<Record<string, string | undefined>>,
): RegistryConfig {
  try {
    const mirrors = (valueOf(given, 'registry-mirrors', list) ?? []).map(checkMirror);
    return {
      ...defaultRegistryConfig,
      insecureRegistries: (valueOf(given, 'insecure-registries', list) ?? []).map(checkInsecureRegistry),
      mirrors: mirrors.length === 0 ? {} : { [HUB_HOST]: mirrors },
      proxies: proxies(given, environment),
      userAgent: `skiff/${skiffVersion} node/${process.versions.node} os/linux`,
      maxConcurrentDownloads: count(given, 'concurrent downloads', defaultRegistryConfig.maxConcurrentDownloads),
      maxConcurrentUploads: count(given, 'concurrent uploads', defaultRegistryConfig.maxConcurrentUploads),
      maxAttempts: count(given, 'download attempts', defaultRegistryConfig.maxAttempts),
    };
  } catch (error) {
    throw errors.badFlag(messageOf(error));
  }
}

/** compat: 0 is the default; refused in dockerd's words. */
function count(given: GivenOptions, what: string, byDefault: number): number {
  const value = valueOf(given, `max-${what.replace(' ', '-')}`, integer) ?? 0;
  if (value < 0) throw new Error(`invalid max ${what}: ${value}`);
  if (value > MOST) throw new Error(`invalid max ${what}: ${value}: give at most ${MOST}`);
  return value === 0 ? byDefault : value;
}

function proxies(
  given: GivenOptions,
  environment: Readonly<Record<string, string | undefined>>,
): RegistryConfig['proxies'] {
  const inherited = proxiesFromEnvironment(environment);
  const inFile = valueOf(given, 'proxies', map) ?? {};
  const unknown = Object.keys(inFile).find((key) => !['http-proxy', 'https-proxy', 'no-proxy'].includes(key));
  if (unknown !== undefined) throw new Error(`there is no proxy setting '${unknown}'`);
  const pick = (key: string): string | undefined => valueOf(given, key, text) ?? inFile[key];
  return {
    httpProxy: pick('http-proxy') ?? inherited.httpProxy,
    httpsProxy: pick('https-proxy') ?? inherited.httpsProxy,
    noProxy: pick('no-proxy') ?? inherited.noProxy,
  };
}
