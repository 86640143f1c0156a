/** What each `prune` removes and says of it, for the commands of one kind and for `system prune`, which has them all. */
import type { Filters } from '#client';
import type { CommandContext } from './command.ts';

/** Removes what matches, tells what went, and answers how many bytes are free again. */
export type Prune = (context: CommandContext, filters: Filters) => Promise<number>;

export const pruneContainers: Prune = async (context, filters) => {
  const { deleted, freedBytes } = await context.client().containers.prune(filters);
  tell(context, 'Deleted Containers:', deleted);
  return freedBytes;
};

export const pruneNetworks: Prune = async (context, filters) => {
  tell(context, 'Deleted Networks:', await context.client().networks.prune(filters));
  return 0;
};

export const pruneVolumes: Prune = async (context, filters) => {
  const { deleted, freedBytes } = await context.client().volumes.prune(filters);
  tell(context, 'Deleted Volumes:', deleted);
  return freedBytes;
};

/** `all`: also those with names that no container uses. */
export const pruneImages =
  (all: boolean): Prune =>
  async (context, given) => {
    const filters = new Map([...given, ['dangling', [...(given.get('dangling') ?? []), String(!all)]]] as const);
    const { untagged, deleted, freedBytes } = await context.client().images.prune(filters);
    const lines = [...untagged.map((name) => `untagged: ${name}`), ...deleted.map((id) => `deleted: ${id}`)];
    tell(context, 'Deleted Images:', lines);
    return freedBytes;
  };

export interface BuildCachePrune {
  readonly all: boolean;
  readonly reservedBytes?: number | undefined;
  readonly mostBytes?: number | undefined;
  readonly freeBytes?: number | undefined;
}

export const pruneBuildCache =
  (options: BuildCachePrune): Prune =>
  async (context, filters) => {
    const { deleted, freedBytes } = await context.client().builds.prune({ ...options, filters });
    tell(context, 'Deleted build cache objects:', deleted);
    return freedBytes;
  };

function tell(context: CommandContext, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  context.print(title);
  for (const line of lines) context.print(line);
  context.print('');
}
