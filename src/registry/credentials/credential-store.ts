/** Credentials of a user by registry, wherever their configuration says they are kept. */
import { encodeAuthHeader, HUB_SERVER_KEY, hostOfServer, isAnonymous } from '../client/auth-config.ts';
import { type AuthConfig, HUB_HOST } from '../client/config.ts';
import type { Reference } from '../reference.ts';
import { changeEntry, dockerConfigPath, loadDockerConfig } from './config-file.ts';
import { CredentialHelper, defaultHelper } from './helper-program.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export class CredentialStore {
  /** The configuration file. */
  readonly path: string;
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.path = dockerConfigPath(environment);
    this.#environment = environment;
  }

  /** The credentials for a server's key, empty when there are none. Throws `registry.badConfigFile`, `.helperFailed`. */
  async get(server: string): Promise<AuthConfig> {
    const { auths } = loadDockerConfig(this.path);
    const helper = this.#helperFor(server);
    if (helper) return (await helper.get(server)) ?? {};
    const exact = auths.get(server);
    if (exact) return exact;
    // compat: what was written for https://host/v1/ is found for host.
    const host = hostOfServer(server);
    for (const [key, auth] of auths) if (hostOfServer(key) === host) return auth;
    return {};
  }

  /** All there are, by server, for who does not know yet which it will need. Throws as `get`. */
  async all(): Promise<Map<string, AuthConfig>> {
    const { auths, credentialHelpers } = loadDockerConfig(this.path);
    const found = new Map<string, AuthConfig>();
    for (const server of new Set([...auths.keys(), ...credentialHelpers.keys()])) {
      const auth = await this.get(server);
      if (!isAnonymous(auth)) found.set(server, auth);
    }
    return found;
  }

  /** Keeps them. `isEncrypted` is false when they are now in a file as they are. */
  async store(server: string, auth: AuthConfig): Promise<{ isEncrypted: boolean }> {
    const helper = this.#helperFor(server);
    if (!helper) {
      changeEntry(this.path, server, auth);
      return { isEncrypted: false };
    }
    await helper.store(server, auth);
    // compat: an empty entry tells whose credentials the helper has.
    changeEntry(this.path, server, {});
    return { isEncrypted: true };
  }

  /** Removes what is kept for a server, under all forms of its name. What is not there is no error. */
  async erase(server: string): Promise<void> {
    const helper = this.#helperFor(server);
    const forms =
      server === HUB_SERVER_KEY ? [server] : [server, hostOfServer(server), `http://${server}`, `https://${server}`];
    for (const form of new Set(forms)) {
      if (helper) await helper.erase(form);
      if (loadDockerConfig(this.path).auths.has(form)) changeEntry(this.path, form, undefined);
    }
  }

  #helperFor(server: string): CredentialHelper | undefined {
    const { credentialStore, credentialHelpers, saysCredentials } = loadDockerConfig(this.path);
    const name =
      credentialHelpers.get(server) ?? (saysCredentials ? credentialStore : defaultHelper(this.#environment));
    return name === '' ? undefined : new CredentialHelper(name, this.#environment);
  }
}

/** The key credentials of a registry are kept under. */
export function serverKeyOf(host: string): string {
  return host === HUB_HOST ? HUB_SERVER_KEY : host;
}

/** `X-Registry-Auth` for a reference; undefined when its registry has no credentials here. Throws as `get`. */
export async function authHeaderFor(
  store: CredentialStore,
  { host }: Pick<Reference, 'host'>,
): Promise<string | undefined> {
  const auth = await store.get(serverKeyOf(host));
  return isAnonymous(auth) ? undefined : encodeAuthHeader({ ...auth, serverAddress: serverKeyOf(host) });
}

/** The value of the header X-Registry-Config; undefined when there are no credentials. Throws as `CredentialStore.get`. */
export async function registryConfigHeader(store: CredentialStore): Promise<string | undefined> {
  const all = await store.all();
  if (all.size === 0) return undefined;
  const entries = [...all].map(([server, auth]) => [server, JSON.parse(decoded(encodeAuthHeader(auth))) as unknown]);
  return Buffer.from(JSON.stringify(Object.fromEntries(entries))).toString('base64url');
}

const decoded = (header: string): string => Buffer.from(header, 'base64url').toString();
