/**
 * Tokens for registries that ask with `Bearer`: fetched from the token server they name, kept until they expire.
 *
 * compat: GET with Basic credentials for a password, POST as OAuth2 for an identity token. spec: distribution, token
 * authentication.
 */
import { digestOf, messageOf } from '#base';
import { Fields, parseDocument } from '#specs';
import { errors } from '../errors.ts';
import { isAnonymous } from './auth-config.ts';
import type { AuthConfig } from './config.ts';
import { type Connections, type HttpAnswer, readSmall } from './connections.ts';
import { followRedirects } from './redirects.ts';
import { refusalOf } from './refusals.ts';

export interface TokenRequest {
  readonly realm: URL;
  readonly service: string;
  /** `repository:a/b:pull,push`, sorted; none for a login. */
  readonly scopes: readonly string[];
  readonly auth: AuthConfig | undefined;
  /** Ask for an identity token too. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Token {
  readonly token: string;
  /** Empty when the server gave none. */
  readonly identityToken: string;
  readonly expiresAtMs: number;
}

const MAX_TOKEN_BYTES = 1024 * 1024;
const MAX_KEPT = 256;
/** spec: a token without `expires_in` lives a minute, and none less. */
const LEAST_SECONDS = 60;
/** Renewed this much before its end, for clocks and the way. */
const MARGIN_MS = 10_000;

export class Tokens {
  readonly #connections: Connections;
  readonly #kept = new Map<string, Token>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** A token that still holds, from memory when there is one. Throws as `fetch`. */
  async get(request: TokenRequest): Promise<Token> {
    const key = keyOf(request);
    const known = this.#kept.get(key);
    if (known && known.expiresAtMs > Date.now()) return known;
    const token = await this.fetch(request);
    this.#kept.delete(key);
    this.#kept.set(key, token);
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return token;
  }

  /** Forgets a token a registry did not take. */
  forget(request: TokenRequest): void {
    this.#kept.delete(keyOf(request));
  }

  /** Always asks the server. Throws its refusal, `registry.badTokenAnswer`, and as `Connections.send`. */
  async fetch(request: TokenRequest): Promise<Token> {
    const { realm, auth, signal } = request;
    const answer = auth?.identityToken ? await this.#post(request, auth) : await this.#get(request);
    const body = await readSmall(answer, MAX_TOKEN_BYTES, this.#connections.stallMs, signal);
    if (answer.status !== 200) throw refusalOf({ ...answer, body: body.toString('utf8') }, Date.now());
    return parseToken(body, `${realm.origin}${realm.pathname}`, Date.now());
  }

  #get(request: TokenRequest): Promise<HttpAnswer> {
    const { realm, service, scopes, auth, offline, signal } = request;
    const url = new URL(realm);
    if (service !== '') url.searchParams.set('service', service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    if (offline) {
      url.searchParams.set('offline_token', 'true');
      url.searchParams.set('client_id', 'docker');
    }
    if (auth?.username) url.searchParams.set('account', auth.username);
    const headers = auth?.username ? { Authorization: basicHeader(auth) } : {};
    return followRedirects(this.#connections, { method: 'GET', url, headers, signal });
  }

  #post({ realm, service, scopes, offline, signal }: TokenRequest, auth: AuthConfig): Promise<HttpAnswer> {
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: auth.identityToken ?? '' });
    form.set('client_id', 'docker');
    if (service !== '') form.set('service', service);
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    if (offline) form.set('access_type', 'offline');
    const bytes = Buffer.from(form.toString());
    const body = { bytes: bytes.length, open: () => bytes, contentType: 'application/x-www-form-urlencoded' };
    return this.#connections.send({ method: 'POST', url: realm, body, signal });
  }
}

/** `Basic …` for a user with a password. */
export function basicHeader({ username = '', password = '' }: AuthConfig): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A token server's answer. Throws `registry.badTokenAnswer`. */
export function parseToken(body: Uint8Array, realm: string, nowMs: number): Token {
  const { token, identityToken, seconds } = readToken(body, realm);
  if (token === '') throw errors.badTokenAnswer(realm, 'authorization server did not include a token in the response');
  // It becomes a header: nothing may break out of it.
  if (!/^[\x21-\x7e]+$/.test(token)) throw errors.badTokenAnswer(realm, 'the token has characters no header may have');
  // Our own clock, not the server's `issued_at`, which may be wrong by any amount.
  return { token, identityToken, expiresAtMs: nowMs + Math.max(LEAST_SECONDS, seconds) * 1000 - MARGIN_MS };
}

function readToken(body: Uint8Array, realm: string): { token: string; identityToken: string; seconds: number } {
  try {
    const fields = new Fields(parseDocument(body, 'the answer'), 'the answer', '');
    const given = fields.value['expires_in'];
    return {
      // spec: OAuth2's name and the older one.
      token: fields.text('token') || fields.text('access_token') || '',
      identityToken: fields.text('refresh_token') ?? '',
      seconds: typeof given === 'number' && Number.isFinite(given) ? given : LEAST_SECONDS,
    };
  } catch (error) {
    throw errors.badTokenAnswer(realm, messageOf(error));
  }
}

/** Credentials are part of it as a hash: what one user may do says nothing of another. */
function keyOf({ realm, service, scopes, auth }: TokenRequest): string {
  const who = isAnonymous(auth) ? '' : digestOf(JSON.stringify([auth?.username, auth?.password, auth?.identityToken]));
  return JSON.stringify([realm.href, service, [...scopes].sort(), who]);
}
