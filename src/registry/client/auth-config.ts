/** Credentials as Docker's clients send them: base64url JSON in `X-Registry-Auth`, JSON in `POST /auth`. Pure. */
import { Fields, parseDocument } from '#specs';
import { messageOf } from '#base';
import { errors } from '../errors.ts';
import { type AuthConfig, HUB_HOST } from './config.ts';

/** Docker Hub's key in every list of credentials, older than its API. */
export const HUB_SERVER_KEY = 'https://index.docker.io/v1/';

/** What is in the header; nobody's when it is absent or empty. Throws `registry.badAuth`. */
export function decodeAuthHeader(header: string | undefined): AuthConfig {
  if (header === undefined || header.trim() === '') return {};
  const text = Buffer.from(header, 'base64url').toString('utf8');
  // compat: clients without credentials send an empty object, or `null`.
  if (text.trim() === 'null') return {};
  try {
    return readAuthConfig(parseDocument(text, 'the decoded header'));
  } catch (error) {
    throw errors.badAuth(messageOf(error));
  }
}

/** The header's value for credentials. */
export function encodeAuthHeader(auth: AuthConfig): string {
  const json = {
    ...(auth.username ? { username: auth.username } : {}),
    ...(auth.password ? { password: auth.password } : {}),
    ...(auth.serverAddress ? { serveraddress: auth.serverAddress } : {}),
    ...(auth.identityToken ? { identitytoken: auth.identityToken } : {}),
    ...(auth.registryToken ? { registrytoken: auth.registryToken } : {}),
  };
  return Buffer.from(JSON.stringify(json)).toString('base64url');
}

/** Docker's JSON form. `auth` is user and password in base64, of old clients. Throws `oci.malformed`. */
export function readAuthConfig(value: unknown): AuthConfig {
  const fields = new Fields(value, 'the credentials', '');
  const [user = '', password = ''] = splitBasic(fields.text('auth') ?? '') ?? [];
  return withoutEmpty({
    username: fields.text('username') || user,
    password: fields.text('password') || password,
    identityToken: fields.text('identitytoken') ?? '',
    registryToken: fields.text('registrytoken') ?? '',
    serverAddress: fields.text('serveraddress') ?? '',
  });
}

/** User and password of `base64(user:password)`; undefined when it is no such thing. */
export function splitBasic(encoded: string): [string, string] | undefined {
  if (encoded === '') return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  // compat: Docker's files have passwords padded with NUL.
  return [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, '')];
}

/** The host of a server address as people and clients write it: with or without scheme and path. */
export function hostOfServer(serverAddress: string): string {
  const host = serverAddress.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? HUB_HOST : host;
}

function withoutEmpty(all: Required<AuthConfig>): AuthConfig {
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ''));
}

/** Whether anything in it identifies somebody. */
export function isAnonymous(auth: AuthConfig | undefined): boolean {
  return !auth || (!auth.username && !auth.identityToken && !auth.registryToken);
}
