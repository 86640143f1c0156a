/**
 * Which daemon a command is for.
 *
 * compat: --context; -H; SKIFF_HOST, DOCKER_HOST; DOCKER_CONTEXT; the context in use; the local daemon.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '#base';
import { type ClientTls, DEFAULT_HOST } from '#client';
import { currentContext, dockerConfigPath } from '#registry/credentials';
import { errors } from '../errors.ts';
import type { GlobalFlags } from '../global-flags.ts';
import { ContextStore, DEFAULT_CONTEXT, DOCKER } from './context-store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How a daemon is reached. */
export interface Target {
  readonly host: string;
  readonly tls?: ClientTls;
}

/** The name of the context a command is for; `default` when hosts are named without one. Throws `cli.invalid`. */
export function contextName(flags: GlobalFlags, environment: Environment): string {
  if (flags.context !== '') return flags.context;
  if (flags.host.length > 0 || hostVariable(environment) !== undefined) return DEFAULT_CONTEXT;
  if (environment['DOCKER_CONTEXT']) return environment['DOCKER_CONTEXT'];
  const path = dockerConfigPath(environment);
  return (existsSync(path) ? currentContext(path) : '') || DEFAULT_CONTEXT;
}

/** Throws `cli.noContext` and what is wrong with its files. */
export function targetOf(flags: GlobalFlags, environment: Environment): Target {
  const name = contextName(flags, environment);
  return name === DEFAULT_CONTEXT ? defaultTarget(flags, environment) : targetOfContext(name, environment);
}

/** What the default context stands for at this moment. Throws `cli.invalid` for certificates that cannot be read. */
export function defaultTarget(flags: GlobalFlags, environment: Environment): Target {
  const host = flags.host[0] || hostVariable(environment)?.value || DEFAULT_HOST;
  const tls = host.startsWith('tcp:') || host.startsWith('http') ? tlsOfFlags(flags, environment) : undefined;
  return { host, ...(tls ? { tls } : {}) };
}

/** The variable that names a host, ours before Docker's. */
export function hostVariable(environment: Environment): { readonly name: string; readonly value: string } | undefined {
  for (const name of ['SKIFF_HOST', 'DOCKER_HOST']) {
    const value = environment[name];
    if (value) return { name, value };
  }
  return undefined;
}

function targetOfContext(name: string, environment: Environment): Target {
  const store = new ContextStore(environment);
  const { Host: host = '', SkipTLSVerify: skip = false } = store.read(name).Endpoints[DOCKER] ?? {};
  if (host === '') throw errors.invalid(`context "${name}" has no docker endpoint: docker context update ${name}`);
  const { [DOCKER]: files = {} } = store.tls(name);
  if (Object.keys(files).length === 0 && !skip) return { host };
  return {
    host,
    tls: { authority: files['ca.pem'], certificate: files['cert.pem'], key: files['key.pem'], verify: !skip },
  };
}

/** compat: --tls alone believes anybody; a certificate is shown when there is one. */
function tlsOfFlags(flags: GlobalFlags, environment: Environment): ClientTls | undefined {
  const verify = flags.tlsverify ?? (environment['DOCKER_TLS_VERIFY'] ?? '') !== '';
  if (!verify && !flags.tls && !environment['DOCKER_TLS'] && flags.tlsverify === undefined) return undefined;
  const folder = environment['DOCKER_CERT_PATH'] || dirname(dockerConfigPath(environment));
  const optional = (given: string, name: string): Buffer | undefined => {
    if (given !== '') return readPem(given);
    const path = `${folder}/${name}`;
    return existsSync(path) ? readPem(path) : undefined;
  };
  return {
    authority: verify ? readPem(flags.tlscacert || `${folder}/ca.pem`) : undefined,
    certificate: optional(flags.tlscert, 'cert.pem'),
    key: optional(flags.tlskey, 'key.pem'),
    verify,
  };
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw errors.invalid(`cannot read the certificate or key ${path}: ${messageOf(error)}`);
  }
}
