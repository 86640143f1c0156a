/** Volumes: list, inspect, create, remove, prune; and what Docker has not: snapshot, clone, rename. */
import type { VolumeCopyBody, VolumeCreateBody, VolumeJson, VolumeListAnswer, VolumePruneAnswer } from '#specs';
import { type Filters, formatFilters } from './filters.ts';
import type { Transport } from './transport.ts';

export interface Volumes {
  list(filters?: Filters): Promise<readonly VolumeJson[]>;
  /** As the daemon wrote it. */
  inspectText(name: string): Promise<string>;
  create(body: VolumeCreateBody): Promise<VolumeJson>;
  /** `force`: one that is not there is no error. */
  remove(name: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Removes volumes nobody uses: without `all=true` among the filters only those nobody has named. */
  prune(filters?: Filters): Promise<{ readonly deleted: readonly string[]; readonly freedBytes: number }>;
  /** Not Docker's. A new volume with what another has; its blocks are shared where the file system can. */
  clone(name: string, body: VolumeCopyBody): Promise<VolumeJson>;
  /** Not Docker's. A clone with a label that says of which volume it is; its name has the time unless one is given. */
  snapshot(name: string, body: VolumeCopyBody): Promise<VolumeJson>;
  /** Not Docker's. Of a volume no container has. */
  rename(name: string, to: string): Promise<VolumeJson>;
}

export function volumesOf(transport: Transport): Volumes {
  const at = (name: string): string => `/volumes/${encodeURIComponent(name)}`;
  return {
    list: async (filters) => {
      const query = { filters: formatFilters(filters) };
      return (await transport.json<VolumeListAnswer>('GET', '/volumes', { query })).Volumes;
    },
    inspectText: (name) => transport.text('GET', at(name)),
    create: (body) => transport.json('POST', '/volumes/create', { body }),
    remove: async (name, { force } = {}) => void (await transport.status('DELETE', at(name), { query: { force } })),
    clone: (name, body) => transport.json('POST', `/skiff${at(name)}/clone`, { body }),
    snapshot: (name, body) => transport.json('POST', `/skiff${at(name)}/snapshot`, { body }),
    rename: (name, to) => transport.json('POST', `/skiff${at(name)}/rename`, { body: { Name: to } }),
    prune: async (filters) => {
      const query = { filters: formatFilters(filters) };
      const answer = await transport.json<VolumePruneAnswer>('POST', '/volumes/prune', { query });
      return { deleted: answer.VolumesDeleted ?? [], freedBytes: answer.SpaceReclaimed };
    },
  };
}
