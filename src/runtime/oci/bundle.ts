/** A bundle: `config.json` and the root file system beside it (bundle.md). Reading and checking, nothing else. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoCode, messageOf } from '#base';
import { type NamespaceType, parseJson64, type Process, type Resources, type RuntimeConfig } from '#specs';
import { errors } from '../errors.ts';
import { configShape, processShape, resourcesShape } from './config-shape.ts';
import { misfit, type Shape, withoutNulls } from './shape.ts';

export interface Bundle {
  /** Absolute, without symlinks. */
  readonly path: string;
  readonly rootfs: string;
  readonly config: RuntimeConfig;
}

/** Throws `runtime.badBundle` and `runtime.invalidSpec`. */
export function readBundle(path: string): Bundle {
  const bundle = realFolder(path, path);
  const config = readConfig(`${bundle}/config.json`);
  checkConfig(config);
  const rootfs = posix.resolve(bundle, config.root?.path ?? '');
  return { path: bundle, config, rootfs: realFolder(rootfs, 'root file system') };
}

/** Throws `runtime.badBundle` and `runtime.invalidSpec` for values of a wrong type. */
export function readConfig(file: string): RuntimeConfig {
  return parseAs<RuntimeConfig>(readText(file), configShape, file);
}

/** The body of `exec --process`. Throws the same. */
export function readProcess(file: string): Process {
  return parseAs<Process>(readText(file), processShape, file);
}

/** The body of `update --resources`. Throws the same. */
export function parseResources(text: string, file: string): Resources {
  return parseAs<Resources>(text, resourcesShape, file);
}

/** What every config must have; the rest is checked where it is compiled. Throws `runtime.invalidSpec`. */
export function checkConfig(config: RuntimeConfig): void {
  checkVersion(config.ociVersion);
  if (!config.root?.path) throw errors.invalidSpec('root.path', 'missing', "give the root file system's folder");
  const { process } = config;
  if (!process) throw errors.invalidSpec('process', 'missing', 'name the program to run');
  if (!process.args || process.args.length === 0 || process.args[0] === '') {
    throw errors.invalidSpec('process.args', JSON.stringify(process.args ?? []), 'name a program to run');
  }
  if (config.vm) throw errors.unsupported('vm', 'this runtime starts no virtual machines');
  if (config.hostname && !hasNamespace(config, 'uts')) {
    throw errors.invalidSpec('hostname', `"${config.hostname}"`, 'it needs a uts namespace, else it would be the host');
  }
}

const NEWEST_MINOR = 3;

/** semver.org: `1.0.2-dev` and `1.2.0+build` are versions, too. */
function checkVersion(version: string | undefined): void {
  const match = /^(\d+)\.(\d+)\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?$/.exec(version ?? '');
  if (match && match[1] === '1' && Number(match[2]) <= NEWEST_MINOR) return;
  throw errors.invalidSpec(
    'ociVersion',
    version === undefined ? 'missing' : `"${version}"`,
    `this runtime follows versions 1.0.0 to 1.${NEWEST_MINOR}`,
  );
}

/** Whether the container has a namespace of this kind, its own or another's that it joins. */
export const hasNamespace = (config: RuntimeConfig, type: NamespaceType): boolean =>
  (config.linux?.namespaces ?? []).some((namespace) => namespace.type === type);

function parseAs<Value>(text: string, shape: Shape, file: string): Value {
  let value: unknown;
  try {
    value = parseJson64(text);
  } catch (error) {
    throw errors.badBundle(file, `not JSON: ${messageOf(error)}`);
  }
  if (value === null) throw errors.badBundle(file, 'null is no object');
  const found = misfit(value, shape, '');
  if (found)
    throw errors.invalidSpec(found.path === '' ? file : found.path, found.found, `it has to be ${found.wanted}`);
  return withoutNulls(value) as Value;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // compat: Podman's tests and users know these words.
    if (errnoCode(error) === 'ENOENT') throw errors.badBundle(file, 'no such file or directory');
    throw errors.badBundle(file, messageOf(error));
  }
}

function realFolder(path: string, name: string): string {
  try {
    const real = realpathSync(path);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw errors.badBundle(name, `${path}: ${errnoCode(error) ?? messageOf(error)}`);
  }
  throw errors.badBundle(name, `${path} is not a folder`);
}
