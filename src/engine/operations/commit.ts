/** Makes an image of what a container has changed. */
import type { ImageConfig, ImageRecord } from '#images';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, findContainer } from '../parts.ts';

export interface CommitRequest {
  readonly container: string;
  /** `name:tag`; undefined leaves the image without a name. */
  readonly reference?: string;
  readonly comment: string;
  readonly author: string;
  readonly changes: readonly string[];
  /** Freeze a running container meanwhile, so that what is read belongs together. */
  readonly pause: boolean;
  /** Replaces parts of the container's own settings (compat: the body of POST /commit). */
  readonly overrides?: Partial<ImageConfig>;
  readonly signal?: AbortSignal;
}

/** Throws `container.noSuch`, `image.noSuch`, `image.badChange` and what reading the layer throws. */
export async function commitContainer(parts: EngineParts, request: CommitRequest): Promise<ImageRecord> {
  const { id } = findContainer(parts, request.container);
  return parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    if (record.status === 'removing' || record.status === 'dead') throw errors.cannotCommit(id, record.status);
    const parent = parts.images.get(record.imageId);
    if (!parent) throw errors.noSuchImage(record.imageId);
    await using _thawed = await frozen(parts, record, request.pause);
    const image = await parts.images.commit({
      layer: parts.snapshots.pack(id, record.imageId),
      parent,
      config: merged(configOf(record, parent.config), request.overrides ?? {}),
      containerId: id,
      createdBy: (record.program.command ?? []).join(' '),
      author: request.author,
      comment: request.comment,
      changes: request.changes,
      ...(request.reference === undefined ? {} : { reference: request.reference }),
      ...(request.signal ? { signal: request.signal } : {}),
    });
    parts.events.emit('container', 'commit', id, {
      ...eventAttributes(record),
      comment: request.comment,
      imageID: image.id,
      imageRef: request.reference ?? '',
    });
    return image;
  });
}

/** Frozen until disposed, when it runs and that is wished. A paused container stays as it is. */
async function frozen(parts: EngineParts, record: ContainerRecord, pause: boolean): Promise<AsyncDisposable> {
  const isFrozen = pause && record.status === 'running';
  const path = cgroupsPathOf(parts.options, record);
  if (isFrozen) {
    try {
      await parts.runtime.freeze(path);
    } catch (error) {
      parts.runtime.thaw(path);
      throw error;
    }
  }
  return {
    [Symbol.asyncDispose]: async () => {
      if (isFrozen) parts.runtime.thaw(path);
    },
  };
}

/** What the container was asked to be, over what its image is. */
function configOf({ settings, program }: ContainerRecord, image: ImageConfig): ImageConfig {
  return {
    ...image,
    user: program.user,
    env: settings.env.length === 0 ? image.env : mergedEnv(image.env, settings.env),
    entrypoint: program.entrypoint ?? [],
    command: program.command ?? [],
    workingDirectory: settings.workingDirectory || image.workingDirectory,
    labels: program.labels,
    stopSignal: settings.stopSignal ?? image.stopSignal,
    exposedPorts: program.exposedPorts ?? image.exposedPorts,
    volumes: program.volumes ?? image.volumes,
    onBuild: settings.onBuild ?? image.onBuild,
    shell: program.shell ?? [],
    ...(program.healthcheck ? { healthcheck: program.healthcheck } : {}),
  };
}

/** compat: what the request names replaces the single values and joins the lists (moby's merge of configs). */
function merged(config: ImageConfig, own: Partial<ImageConfig>): ImageConfig {
  const united = (key: 'exposedPorts' | 'volumes') => [...new Set([...config[key], ...(own[key] ?? [])])];
  return {
    ...config,
    ...own,
    env: mergedEnv(config.env, own.env ?? []),
    labels: { ...config.labels, ...own.labels },
    exposedPorts: united('exposedPorts'),
    volumes: united('volumes'),
  };
}

function mergedEnv(image: readonly string[], own: readonly string[]): string[] {
  const name = (entry: string): string => entry.split('=', 1)[0]!;
  const replaced = new Set(own.map(name));
  return [...image.filter((entry) => !replaced.has(name(entry))), ...own.filter((entry) => entry.includes('='))];
}
