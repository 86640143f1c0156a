/** What one image is and how it came to be. */
import { parseTimeNs, ZERO_TIME } from '#base';
import type { EngineParts } from '#engine';
import type { ImageConfig, ImageRecord } from '#images';
import type { RequestContext } from '#rpc';
import { formatPlatform, selectPlatform } from '#specs';
import { errors } from '../../errors.ts';
import { sendJson } from '../../http-status.ts';
import { platformOf } from './platform.ts';

export async function inspectImage(parts: EngineParts, { params, query, response }: RequestContext): Promise<void> {
  const name = params['name']!;
  const image = await parts.images.find(name);
  if (!image) throw errors.noSuchImage(name);
  const wanted = platformOf(query);
  if (wanted && !selectPlatform([image], wanted)) {
    throw errors.otherPlatform(name, formatPlatform(wanted), formatPlatform(image.platform));
  }
  sendJson(response, 200, imageJson(image));
}

function imageJson(image: ImageRecord): object {
  const { platform } = image;
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: image.repoDigests,
    Parent: image.parent ?? '',
    Comment: image.comment,
    Created: image.createdAt === '' ? ZERO_TIME : image.createdAt,
    DockerVersion: image.dockerVersion,
    Author: image.author,
    Config: configJson(image.config),
    Architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { Variant: platform.variant }),
    Os: platform.os,
    ...(platform.osVersion === undefined ? {} : { OsVersion: platform.osVersion }),
    Size: image.sizeBytes,
    GraphDriver: { Data: null, Name: 'overlay2' },
    RootFS: { Type: 'layers', Layers: image.layers.map(({ diffId }) => diffId) },
    Metadata: { LastTagTime: image.taggedAt === '' ? ZERO_TIME : image.taggedAt },
  };
}

/** compat: absent lists are null, absent ports and volumes are left out (moby's container.Config). */
export function configJson(config: ImageConfig): object {
  const set = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, {}]));
  const orNull = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list);
  const { healthcheck } = config;
  return {
    Hostname: '',
    Domainname: '',
    User: config.user,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(config.exposedPorts.length === 0 ? {} : { ExposedPorts: set(config.exposedPorts) }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: orNull(config.env),
    Cmd: orNull(config.command),
    ...(healthcheck
      ? {
          Healthcheck: {
            Test: healthcheck.test,
            ...nonZero({
              Interval: healthcheck.interval,
              Timeout: healthcheck.timeout,
              StartPeriod: healthcheck.startPeriod,
              StartInterval: healthcheck.startInterval,
              Retries: healthcheck.retries,
            }),
          },
        }
      : {}),
    Image: '',
    Volumes: config.volumes.length === 0 ? null : set(config.volumes),
    WorkingDir: config.workingDirectory,
    Entrypoint: orNull(config.entrypoint),
    OnBuild: orNull(config.onBuild),
    Labels: Object.keys(config.labels).length === 0 ? null : config.labels,
    ...(config.stopSignal === '' ? {} : { StopSignal: config.stopSignal }),
    ...(config.shell.length === 0 ? {} : { Shell: config.shell }),
  };
}

function nonZero(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0));
}

export async function imageHistory(parts: EngineParts, { params, response }: RequestContext): Promise<void> {
  const rows = await parts.images.history(params['name']!);
  sendJson(
    response,
    200,
    rows.map(({ id, created, createdBy, tags, sizeBytes, comment }) => ({
      Comment: comment ?? '',
      Created: Number((parseTimeNs(created ?? '') ?? 0n) / 1_000_000_000n),
      CreatedBy: createdBy ?? '',
      Id: id,
      Size: sizeBytes,
      Tags: tags.length === 0 ? null : tags,
    })),
  );
}
