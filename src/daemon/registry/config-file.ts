/** Reads a configuration file and the environment that overrides it. compat: distribution's `REGISTRY_SECTION_KEY`. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { messageOf } from '#base';
import { errors, type RegistryConfiguration, registryDefaults } from './configuration.ts';
import { applyTree, type Draft, emptyDraft, keys, listenOf, sections } from './keys.ts';

const VARIABLE = 'REGISTRY_';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadConfiguration {
  readonly configuration: RegistryConfiguration;
  /** Variables that look like ours and are nobody's, such as those Kubernetes makes for a service called registry. */
  readonly ignored: readonly string[];
}

/** The file's settings, overridden by the environment's. Throws `registry-config.*`. */
export function readConfigFile(path: string, environment: Environment): ReadConfiguration {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw errors.cannotRead(path, messageOf(error));
  }
  return parseConfiguration(content, path, environment);
}

/** Settings from the environment alone. Throws `registry-config.*`. */
export function readEnvironment(environment: Environment): ReadConfiguration {
  return complete(emptyDraft(), environment);
}

/** From the text of a file. Throws `registry-config.*`. */
export function parseConfiguration(content: string, path: string, environment: Environment): ReadConfiguration {
  // compat: distribution does not allow deletions unless told to.
  const draft: Draft = { ...emptyDraft(), settings: { allowDelete: false } };
  applyTree(draft, parseYaml(content, path), path);
  return complete(draft, environment);
}

function complete(draft: Draft, environment: Environment): ReadConfiguration {
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(VARIABLE) || value === undefined || name === 'REGISTRY_CONFIGURATION_PATH') continue;
    if (!applyVariable(draft, name, value)) ignored.push(name);
  }
  return { configuration: putTogether(draft), ignored };
}

/** Whether the variable is one of ours. */
function applyVariable(draft: Draft, name: string, value: string): boolean {
  // compat: the kind of a section is chosen by its value alone: REGISTRY_AUTH=htpasswd.
  if (name === 'REGISTRY_AUTH' && value === 'htpasswd') return true;
  if (name === 'REGISTRY_STORAGE' && value === 'filesystem') return true;
  const key = Object.keys(keys).find((each) => name === VARIABLE + each.toUpperCase().replaceAll('.', '_'));
  if (key !== undefined) {
    keys[key]!(draft, { key, where: name, value: parseYaml(value, name) });
    return true;
  }
  const section = name.slice(VARIABLE.length).split('_')[0]!.toLowerCase();
  if (sections.includes(section)) throw errors.unsupported(name, 'environment');
  return false;
}

function putTogether(draft: Draft): RegistryConfiguration {
  const { tls, proxy, realm, htpasswd, settings } = draft;
  if ((tls.certificate === undefined) !== (tls.key === undefined)) {
    throw errors.incomplete('http.tls.certificate', 'http.tls.key');
  }
  if (tls.certificate === undefined && Object.keys(tls).length > 0) {
    throw errors.incomplete('http.tls', 'http.tls.certificate');
  }
  if ((realm === undefined) !== (htpasswd === undefined)) {
    throw errors.incomplete('auth.htpasswd.realm', 'auth.htpasswd.path');
  }
  if (proxy.url === undefined && Object.keys(proxy).length > 0) throw errors.incomplete('proxy', 'proxy.remoteurl');
  const { address, network = 'tcp', purgeUploads = true } = draft;
  const defaults = registryDefaults;
  return {
    dataRoot: draft.dataRoot ?? defaults.dataRoot,
    listen: address === undefined ? defaults.listen : listenOf(address, network, 'http.net'),
    logLevel: draft.logLevel ?? defaults.logLevel,
    logFields: draft.logFields ?? {},
    settings: { ...defaults.settings, ...settings },
    ...(tls.certificate !== undefined && tls.key !== undefined
      ? {
          tls: {
            certificate: tls.certificate,
            key: tls.key,
            clientAuthorities: tls.clientAuthorities ?? [],
            minimumVersion: tls.minimumVersion ?? 'TLSv1.2',
          },
        }
      : {}),
    ...(realm !== undefined && htpasswd !== undefined ? { htpasswd: { realm, path: htpasswd } } : {}),
    ...(proxy.url === undefined
      ? {}
      : {
          proxy: {
            url: proxy.url,
            username: proxy.username ?? '',
            password: proxy.password ?? '',
            // compat: distribution's week.
            ttlMs: proxy.ttlMs ?? defaults.uploadsKeptMs,
          },
        }),
    drainMs: draft.drainMs ?? defaults.drainMs,
    graceMs: defaults.graceMs,
    removeUntagged: defaults.removeUntagged,
    uploadsKeptMs: purgeUploads ? (draft.uploadsKeptMs ?? defaults.uploadsKeptMs) : Number.MAX_SAFE_INTEGER,
  };
}

function parseYaml(text: string, where: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw errors.badFile(where, messageOf(error));
  }
}
