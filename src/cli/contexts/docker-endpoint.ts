/** `--docker`: the endpoint of a context, as `host=…,ca=…,cert=…,key=…,skip-tls-verify=…` or `from=CONTEXT`. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf } from '#base';
import { parseHost } from '#client';
import { errors, fileError } from '../errors.ts';
import { parseBoolean } from '../flag-types.ts';
import type { Flag } from '../flags.ts';
import { type ContextEndpoint, type ContextStore, DEFAULT_CONTEXT, DOCKER } from './context-store.ts';

export type EndpointWishes = ReadonlyMap<string, string>;

/** compat: pairs in one value, separated by commas, or in several. */
export function endpointFlag(help: string): Flag<EndpointWishes | undefined> {
  return {
    type: 'stringToString',
    help,
    initial: undefined,
    set: (before, text) => {
      const pairs = text.split(',').map((pair): [string, string] => {
        const at = pair.indexOf('=');
        if (at < 0) throw new Error(`${pair} must be formatted as key=value`);
        return [pair.slice(0, at), pair.slice(at + 1)];
      });
      return new Map([...(before ?? []), ...pairs]);
    },
  };
}

export interface DescribedEndpoint {
  readonly endpoint: ContextEndpoint;
  /** PEM files by name. */
  readonly tls: Readonly<Record<string, Buffer>>;
}

const KEYS = ['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify'];

/** Throws `cli.invalid` in Docker's words. */
export function describeEndpoint(
  wishes: EndpointWishes,
  store: ContextStore,
  defaultEndpoint: () => ContextEndpoint,
): DescribedEndpoint {
  try {
    const unknown = [...wishes.keys()].find((key) => !KEYS.includes(key));
    if (unknown !== undefined) throw errors.invalid(`unrecognized config key: ${unknown}`);
    const from = wishes.get('from');
    if (from === DEFAULT_CONTEXT) return { endpoint: defaultEndpoint(), tls: {} };
    if (from !== undefined) {
      const endpoint = store.read(from).Endpoints[DOCKER];
      if (!endpoint) throw errors.invalid(`unable to get endpoint from context "${from}"`);
      return { endpoint, tls: store.tls(from)[DOCKER] ?? {} };
    }
    const host = wishes.get('host') ?? '';
    const skip = booleanOf(wishes.get('skip-tls-verify') ?? 'false');
    const tls = tlsFiles(wishes);
    checkEndpoint(host, tls);
    return { endpoint: { ...(host === '' ? {} : { Host: host }), SkipTLSVerify: skip }, tls };
  } catch (error) {
    throw errors.invalid(`unable to create docker endpoint config: ${messageOf(error)}`);
  }
}

function booleanOf(text: string): boolean {
  try {
    return parseBoolean(text);
  } catch {
    throw errors.invalid(`skip-tls-verify: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
}

function tlsFiles(wishes: EndpointWishes): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (const key of ['ca', 'cert', 'key']) {
    const path = wishes.get(key) ?? '';
    if (path === '') continue;
    try {
      files[`${key}.pem`] = readFileSync(path);
    } catch (error) {
      throw fileError('open', path, error);
    }
  }
  return files;
}

/** Found out now rather than by the first command that goes there. */
function checkEndpoint(host: string, files: Readonly<Record<string, Buffer>>): void {
  const fail = (why: string): never => {
    throw errors.invalid(`invalid docker endpoint options: ${why}`);
  };
  try {
    if (host !== '') parseHost(host);
  } catch (error) {
    fail(messageOf(error));
  }
  const { 'ca.pem': authority, 'cert.pem': cert, 'key.pem': key } = files;
  try {
    if (authority) void new X509Certificate(authority);
  } catch {
    fail('failed to retrieve context tls info: ca.pem seems invalid');
  }
  try {
    if (cert || key) createSecureContext({ ...(cert ? { cert } : {}), ...(key ? { key } : {}) });
  } catch (error) {
    fail(`failed to retrieve context tls info: ${messageOf(error)}`);
  }
}
