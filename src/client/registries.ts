/** Registries as the daemon reaches them: whether credentials are taken, and search. */
import type { SearchResultJson } from '#specs';
import { type Filters, formatFilters } from './filters.ts';
import type { Transport } from './transport.ts';

export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly identityToken?: string | undefined;
  /** The registry they are for; absent: Docker Hub. */
  readonly serverAddress?: string | undefined;
}

export interface SearchImages {
  /** 1 to 100; absent: the daemon's choice. */
  readonly limit?: number | undefined;
  readonly filters?: Filters | undefined;
  /** `X-Registry-Auth` of the registry that is searched. */
  readonly auth?: string | undefined;
}

export interface Registries {
  /** What the registry says of them, and the token to keep instead of the password (empty: none). Throws its refusal. */
  checkAuth(credentials: Credentials): Promise<{ readonly status: string; readonly identityToken: string }>;
  search(term: string, options?: SearchImages): Promise<SearchResultJson[]>;
}

export function registriesOf(transport: Transport): Registries {
  return {
    checkAuth: async ({ username, password, identityToken, serverAddress }) => {
      const body = { username, password, identitytoken: identityToken, serveraddress: serverAddress };
      type Answer = { readonly Status?: string; readonly IdentityToken?: string };
      const { Status = '', IdentityToken = '' } = await transport.json<Answer>('POST', '/auth', { body });
      return { status: Status, identityToken: IdentityToken };
    },
    search: (term, { limit, filters, auth } = {}) =>
      transport.json('GET', '/images/search', {
        query: { term, limit, filters: formatFilters(filters) },
        ...(auth === undefined ? {} : { headers: { 'X-Registry-Auth': auth } }),
      }),
  };
}
