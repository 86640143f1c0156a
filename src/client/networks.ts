/** Networks: list, inspect, create, remove, prune, connect, disconnect. */
import type { EndpointSettingsBody, NetworkCreateBody, NetworkJson } from '#specs';
import { type Filters, formatFilters } from './filters.ts';
import type { Transport } from './transport.ts';

export interface Networks {
  list(filters?: Filters): Promise<NetworkJson[]>;
  /** As the daemon wrote it. */
  inspectText(ref: string): Promise<string>;
  /** Resolves with its id. */
  create(body: NetworkCreateBody): Promise<string>;
  remove(ref: string): Promise<void>;
  /** Resolves with the names of those removed. */
  prune(filters?: Filters): Promise<string[]>;
  connect(ref: string, container: string, endpoint?: EndpointSettingsBody): Promise<void>;
  disconnect(ref: string, container: string, options?: { readonly force?: boolean }): Promise<void>;
}

export function networksOf(transport: Transport): Networks {
  const at = (ref: string): string => `/networks/${encodeURIComponent(ref)}`;
  return {
    list: (filters) => transport.json('GET', '/networks', { query: { filters: formatFilters(filters) } }),
    inspectText: (ref) => transport.text('GET', at(ref)),
    create: async (body) => (await transport.json<{ Id: string }>('POST', '/networks/create', { body })).Id,
    remove: async (ref) => void (await transport.status('DELETE', at(ref))),
    prune: async (filters) => {
      type Answer = { NetworksDeleted: string[] | null };
      const query = { filters: formatFilters(filters) };
      return (await transport.json<Answer>('POST', '/networks/prune', { query })).NetworksDeleted ?? [];
    },
    connect: async (ref, container, endpoint = {}) => {
      const body = { Container: container, EndpointConfig: endpoint };
      await transport.status('POST', `${at(ref)}/connect`, { body });
    },
    disconnect: async (ref, container, { force = false } = {}) => {
      await transport.status('POST', `${at(ref)}/disconnect`, { body: { Container: container, Force: force } });
    },
  };
}
