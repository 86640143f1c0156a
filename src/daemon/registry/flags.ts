/** The command line of skiff-registry. A flag we cannot honour is refused with what to do. */
import { parseArgs } from 'node:util';
import { logLevels, messageOf, parseDurationMs } from '#base';
import { type Environment, type ReadConfiguration, readConfigFile, readEnvironment } from './config-file.ts';
import { errors, parseListen, type RegistryConfiguration, registryDefaults } from './configuration.ts';

export const registryHelp = `Usage: skiff-registry [OPTIONS]
       skiff-registry serve [CONFIG] [OPTIONS]
       skiff-registry check [--data-root DIR] [--deep] [--repair]

An OCI registry. Prints one line "registry listen on ADDRESS" when it is ready. CONFIG is a configuration file with the
keys of Docker's registry (distribution); variables such as REGISTRY_HTTP_ADDR override it, options override both.
'check' looks for damage in the data of a registry that is not running.

Options:
      --data-root DIR        What is kept (default ${registryDefaults.dataRoot})
      --listen HOST:PORT     Where to listen; :PORT for all addresses, port 0 for a free one (default 127.0.0.1:5000)
      --tls-cert FILE        Serve HTTPS with this certificate, read again at SIGHUP
      --tls-key FILE         The certificate's key
      --htpasswd FILE        Ask for passwords (bcrypt, as 'htpasswd -B' makes them)
      --read-only            Nothing can be pushed or deleted
      --no-delete            Nothing can be deleted
      --sparse WHICH         Manifests that may refer to what is not here: none, indexes or all (default none)
      --grace DURATION       How long blobs stay that no manifest refers to (default 24h)
      --remove-untagged      Manifests that lost their tag go after that time too, unless something refers to them
  -l, --log-level LEVEL      ${logLevels.join(', ')} (default info)
      --deep                 check: read everything and compare it with its digest
      --repair               check: remove what is damaged, so that it can be pushed or fetched again
  -v, --version              Print the version and exit
      --help                 Print this
`;

export type RegistryCommand =
  | { readonly kind: 'help' | 'version' }
  | ({ readonly kind: 'serve' } & ReadConfiguration)
  | { readonly kind: 'check'; readonly dataRoot: string; readonly deep: boolean; readonly repair: boolean };

/** Throws `registry-config.*`. */
export function parseRegistryFlags(args: readonly string[], environment: Environment): RegistryCommand {
  const { values, positionals } = parse(args);
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  const [command = 'serve', file, ...more] = positionals;
  if (more.length > 0) throw badFlag(`unexpected argument '${more[0]}'`);
  if (command === 'check') {
    if (file !== undefined) throw badFlag(`unexpected argument '${file}'`);
    const { configuration } = readEnvironment(environment);
    const { dataRoot } = withFlags(configuration, values);
    return { kind: 'check', dataRoot, deep: values.deep ?? false, repair: values.repair ?? false };
  }
  if (command !== 'serve') throw badFlag(`unknown command '${command}'`);
  if (values.deep || values.repair) throw badFlag(`--deep and --repair go with 'check'`);
  const path = file ?? environment['REGISTRY_CONFIGURATION_PATH'];
  const read = path === undefined ? readEnvironment(environment) : readConfigFile(path, environment);
  return { kind: 'serve', configuration: withFlags(read.configuration, values), ignored: read.ignored };
}

type Values = ReturnType<typeof parse>['values'];

function withFlags(base: RegistryConfiguration, values: Values): RegistryConfiguration {
  const listen = values.listen === undefined ? base.listen : parseListen(values.listen);
  if (!listen) throw badFlag(`cannot listen on '${values.listen}': give HOST:PORT, such as 127.0.0.1:5000`);
  const certificate = values['tls-cert'];
  const key = values['tls-key'];
  if ((certificate === undefined) !== (key === undefined)) throw badFlag('--tls-cert and --tls-key go together');
  const htpasswd = values.htpasswd;
  return {
    ...base,
    dataRoot: values['data-root'] === undefined ? base.dataRoot : absolute('--data-root', values['data-root']),
    listen,
    logLevel: oneOf('--log-level', values['log-level'] ?? base.logLevel, logLevels),
    settings: {
      ...base.settings,
      ...(values['read-only'] ? { readOnly: true } : {}),
      ...(values['no-delete'] ? { allowDelete: false } : {}),
      sparse: oneOf('--sparse', values.sparse ?? base.settings.sparse, ['none', 'indexes', 'all']),
    },
    ...(certificate !== undefined && key !== undefined
      ? {
          tls: {
            certificate: absolute('--tls-cert', certificate),
            key: absolute('--tls-key', key),
            clientAuthorities: base.tls?.clientAuthorities ?? [],
            minimumVersion: base.tls?.minimumVersion ?? 'TLSv1.2',
          },
        }
      : {}),
    ...(htpasswd === undefined ? {} : { htpasswd: { realm: 'Registry', path: absolute('--htpasswd', htpasswd) } }),
    graceMs: values.grace === undefined ? base.graceMs : durationOf(values.grace),
    removeUntagged: values['remove-untagged'] ?? base.removeUntagged,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'data-root': { type: 'string' },
        listen: { type: 'string' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        htpasswd: { type: 'string' },
        'read-only': { type: 'boolean' },
        'no-delete': { type: 'boolean' },
        sparse: { type: 'string' },
        grace: { type: 'string' },
        'remove-untagged': { type: 'boolean' },
        'log-level': { type: 'string', short: 'l' },
        deep: { type: 'boolean' },
        repair: { type: 'boolean' },
        version: { type: 'boolean', short: 'v' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw badFlag(messageOf(error));
  }
}

const badFlag = (what: string): Error => errors.badFlag(`${what}\nSee 'skiff-registry --help'.`);

function oneOf<const T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw badFlag(`invalid ${flag} '${value}': use ${allowed.join(', ')}`);
  return found;
}

function durationOf(text: string): number {
  try {
    return parseDurationMs(text);
  } catch (error) {
    throw badFlag(`--grace: ${messageOf(error)}`);
  }
}

function absolute(flag: string, path: string): string {
  if (!path.startsWith('/')) throw badFlag(`${flag} '${path}' is not an absolute path`);
  return path.replace(/(.)\/+$/, '$1');
}
