/**
 * One endpoint of a registry: where it answers, how it wants to be asked, and requests with what it wants.
 *
 * It is pinged once (compat: as Docker does) to learn whether it speaks HTTPS and which authentication it asks for;
 * the answer is kept for a while.
 */
import { because, messageOf, SkiffError } from '#base';
import { errors, RegistryRefusal } from '../errors.ts';
import { isAnonymous } from './auth-config.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { AuthConfig } from './config.ts';
import {
  type Connections,
  discard,
  type HttpAnswer,
  type HttpBody,
  type HttpRequest,
  readSmall,
} from './connections.ts';
import type { Endpoint } from './endpoints.ts';
import { requestName } from './failures.ts';
import { followRedirects, redirectTarget } from './redirects.ts';
import { refusalOf } from './refusals.ts';
import { basicHeader, type Token, type TokenRequest, type Tokens } from './tokens.ts';

const PING_HOLDS_MS = 5 * 60_000;
const MAX_ERROR_BYTES = 64 * 1024;

export interface ApiRequest {
  readonly method: HttpRequest['method'];
  /** Below the base, beginning with `/`, with its query; or a whole URL, of an upload. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  readonly answerMs?: number;
}

/** Who asks for what: the same for all requests of an operation. */
export interface Access {
  readonly auth: AuthConfig | undefined;
  /** `repository:a/b:pull`. */
  readonly scopes: readonly string[];
  readonly signal: AbortSignal | undefined;
}

interface Ping {
  readonly base: string;
  readonly challenges: readonly Challenge[];
  readonly untilMs: number;
}

export class RegistryHost {
  readonly endpoint: Endpoint;
  readonly #connections: Connections;
  readonly #tokens: Tokens;
  #ping: Ping | undefined;

  constructor(endpoint: Endpoint, connections: Connections, tokens: Tokens) {
    this.endpoint = endpoint;
    this.#connections = connections;
    this.#tokens = tokens;
  }

  get stallMs(): number {
    return this.#connections.stallMs;
  }

  /**
   * The answer with a status below 400, redirects followed. Throws `RegistryRefusal` for others, `registry.noCredentials`,
   * and what connections, token servers and redirects throw.
   */
  async send(request: ApiRequest, access: Access): Promise<HttpAnswer> {
    const answer = await this.sendRaw(request, access);
    if (answer.status < 400) return answer;
    throw await this.#refusal(answer, access.signal);
  }

  /** As `send`, with whatever status. */
  async sendRaw(request: ApiRequest, access: Access): Promise<HttpAnswer> {
    const { base, challenges } = await this.#reached(access.signal);
    const url = request.path instanceof URL ? request.path : new URL(base + request.path);
    try {
      const first = await this.#sendOnce(request, url, challenges, access);
      const asked = this.#askedAnew(first, url, challenges, access);
      if (!asked) return first;
      this.#forgetTokens([...challenges, ...asked], access);
      discard(first);
      return await this.#sendOnce(request, url, asked, access);
    } catch (error) {
      // It may answer elsewhere now, or by another protocol.
      if (error instanceof SkiffError && error.code === 'registry.unreachable') this.#ping = undefined;
      throw error;
    }
  }

  async #sendOnce(
    request: ApiRequest,
    url: URL,
    challenges: readonly Challenge[],
    access: Access,
  ): Promise<HttpAnswer> {
    const authorization = await this.#authorization(challenges, url, request.method, access);
    const headers = { ...request.headers, ...(authorization ? { Authorization: authorization } : {}) };
    const { method, body, answerMs } = request;
    return followRedirects(this.#connections, { method, url, headers, body, answerMs, signal: access.signal });
  }

  /** What a refusal asks for that asking once more may give; undefined when it is final. */
  #askedAnew(
    answer: HttpAnswer,
    url: URL,
    before: readonly Challenge[],
    access: Access,
  ): readonly Challenge[] | undefined {
    // Storage behind a redirect that refuses has no say in whether our token is good.
    if (answer.status !== 401 || answer.url.origin !== url.origin) return undefined;
    const asked = challengesOf(answer);
    if (!asked.some(({ scheme }) => scheme === 'bearer')) {
      // The ping was open, the resource is not: the password has not been sent yet.
      return before.length === 0 && hasPassword(access.auth) && asked.length > 0 ? asked : undefined;
    }
    const isInsufficient = asked.some(({ parameters }) => parameters.get('error') === 'insufficient_scope');
    // The token has run out, or this resource wants more than the ping said: once more with a fresh one.
    return isInsufficient && !wantsMore(asked, access) ? undefined : asked;
  }

  /** The first answer of `GET /v2/` with these credentials, whatever it is, for a login. */
  async login(
    auth: AuthConfig,
    signal: AbortSignal | undefined,
  ): Promise<{ url: string; answer: HttpAnswer; identityToken: string }> {
    const { base, challenges } = await this.#reached(signal);
    const url = new URL(`${base}/v2/`);
    const name = requestName('GET', url);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    let token: Token | undefined;
    if (bearer) {
      const request = tokenRequest(bearer, { auth, scopes: [], signal }, this.#isEncrypted(url), url);
      token = await named(name, () => this.#tokens.fetch({ ...request, scopes: [], offline: true }));
    }
    const authorization = token
      ? `Bearer ${token.token}`
      : await this.#authorization(challenges, url, 'GET', { auth, scopes: [], signal });
    const headers = authorization ? { Authorization: authorization } : {};
    const answer = await followRedirects(this.#connections, { method: 'GET', url, headers, signal });
    return { url: url.href, answer, identityToken: token?.identityToken ?? '' };
  }

  /** A URL a registry gave, absolute or relative to the request it answered. Throws `registry.badRedirect`. */
  resolveLocation(answer: HttpAnswer): URL {
    const location = answer.headers.location;
    if (location === undefined) throw errors.badAnswer(requestName('POST', answer.url), 'it has no Location');
    return redirectTarget(answer.url, location);
  }

  async #reached(signal: AbortSignal | undefined): Promise<Ping> {
    if (this.#ping && this.#ping.untilMs > Date.now()) return this.#ping;
    const { bases } = this.endpoint;
    for (const [index, base] of bases.entries()) {
      try {
        const url = new URL(`${base}/v2/`);
        const answer = await followRedirects(this.#connections, { method: 'GET', url, signal });
        discard(answer);
        if (answer.status === 429 || answer.status >= 500) throw refusalOf({ ...answer, body: '' }, Date.now());
        this.#ping = { base, challenges: challengesOf(answer), untilMs: Date.now() + PING_HOLDS_MS };
        return this.#ping;
      } catch (error) {
        signal?.throwIfAborted();
        if (index === bases.length - 1 || error instanceof RegistryRefusal) throw error;
      }
    }
    throw new Error('an endpoint has at least one base');
  }

  /** The header's value for the first challenge that can be met; undefined when nothing is asked for. */
  async #authorization(
    challenges: readonly Challenge[],
    url: URL,
    method: string,
    access: Access,
  ): Promise<string | undefined> {
    const { auth } = access;
    // An upload may go on at another host, which then is authorised by its URL.
    if (!this.#isOurs(url)) return undefined;
    if (auth?.registryToken) return `Bearer ${auth.registryToken}`;
    if (challenges.length === 0) return undefined;
    const name = requestName(method, url);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) {
      const request = tokenRequest(bearer, access, this.#isEncrypted(url), url);
      return named(name, async () => `Bearer ${(await this.#tokens.get(request)).token}`);
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic')) {
      throw errors.unknownScheme(url.host, challenges.map(({ scheme }) => scheme).join(', '));
    }
    if (!hasPassword(auth)) return named(name, () => Promise.reject(errors.noCredentials()));
    return basicHeader(auth);
  }

  #isOurs(url: URL): boolean {
    return this.#ping !== undefined && new URL(this.#ping.base).origin === url.origin;
  }

  /** Credentials that go to this registry encrypted are not to go to its token server otherwise. */
  #isEncrypted(url: URL): boolean {
    return url.protocol === 'https:' && !this.endpoint.insecure;
  }

  #forgetTokens(challenges: readonly Challenge[], access: Access): void {
    for (const challenge of challenges.filter(({ scheme }) => scheme === 'bearer')) {
      this.#tokens.forget(tokenRequest(challenge, access, false, new URL(this.#ping?.base ?? 'http://none')));
    }
  }

  async #refusal(answer: HttpAnswer, signal: AbortSignal | undefined): Promise<RegistryRefusal> {
    let body = '';
    try {
      body = (await readSmall(answer, MAX_ERROR_BYTES, this.stallMs, signal)).toString('utf8');
    } catch (error) {
      signal?.throwIfAborted();
      // Its status says enough.
      if (!(error instanceof SkiffError)) throw error;
    }
    return refusalOf({ ...answer, body }, Date.now());
  }
}

function challengesOf({ status, headers }: HttpAnswer): Challenge[] {
  return status === 401 ? parseChallenges(headers['www-authenticate'] ?? '') : [];
}

const splitScopes = (text: string | undefined): string[] => (text ?? '').split(' ').filter((each) => each !== '');

function wantsMore(challenges: readonly Challenge[], access: Access): boolean {
  return challenges.some(({ parameters }) =>
    splitScopes(parameters.get('scope')).some((each) => !access.scopes.includes(each)),
  );
}

const hasPassword = (auth: AuthConfig | undefined): auth is AuthConfig => Boolean(auth?.username && auth.password);

/** What is asked for: what the operation needs and what the registry says it needs. Throws for a realm not to trust. */
function tokenRequest(challenge: Challenge, access: Access, mustEncrypt: boolean, registry: URL): TokenRequest {
  const text = challenge.parameters.get('realm') ?? '';
  if (!URL.canParse(text, registry)) throw errors.badTokenAnswer(text, 'its realm is no URL');
  const realm = new URL(text, registry);
  if (realm.protocol !== 'https:' && realm.protocol !== 'http:')
    throw errors.badTokenAnswer(text, 'its realm is no web URL');
  if (mustEncrypt && realm.protocol !== 'https:' && !isAnonymous(access.auth)) throw errors.insecureRealm(realm.origin);
  const scopes = [...new Set([...access.scopes, ...splitScopes(challenge.parameters.get('scope'))])].sort();
  return {
    realm,
    service: challenge.parameters.get('service') ?? '',
    scopes,
    auth: access.auth,
    signal: access.signal,
  };
}

/** compat: Go's client names the request that wanted authentication when it cannot be had. */
async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SkiffError) || error.kind !== 'unauthorized') throw error;
    throw because(new SkiffError('unauthorized', error.code, `${name}: ${messageOf(error)}`), error);
  }
}
