/** What one image is and how it came to be. */
import { parseTimeNs, ZERO_TIME } from '#base';
import type { EngineParts } from '#engine';
import { dockerConfig, emptyImageConfig, type ImageConfig, type ImageRecord } from '#images';
import type { RequestContext } from '#rpc';
import { errors } from '../../errors.ts';
import { sendJson } from '../../http-status.ts';
import { boolean } from '../../query.ts';
import { minorVersion } from '../../version.ts';
import { manifestsOf } from './manifests.ts';
import { imageOf, platformOf } from './platform.ts';

export async function inspectImage(
  parts: EngineParts,
  { params, query, url, response }: RequestContext,
): Promise<void> {
  const name = params['name']!;
  const wantsManifests = boolean(query, 'manifests');
  if (wantsManifests && query.has('platform')) {
    throw errors.invalid('conflicting options: manifests and platform options cannot both be set');
  }
  const image = await imageOf(parts, name, query);
  sendJson(response, 200, {
    ...imageJson(image, minorVersion(url)),
    ...(wantsManifests ? { Manifests: await manifestsOf(parts, image) } : {}),
  });
}

/**
 * compat: what older API versions had besides: the container it was committed from, the size once more, and until 1.51
 * what is empty.
 */
function imageJson(image: ImageRecord, minor: number): object {
  const { platform } = image;
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: image.repoDigests,
    ...named('Parent', image.parent ?? '', minor),
    ...named('Comment', image.comment, minor),
    ...(image.createdAt !== '' ? { Created: image.createdAt } : minor < 44 ? { Created: ZERO_TIME } : {}),
    ...(minor < 45 ? { Container: '', ContainerConfig: configJson(emptyImageConfig, minor) } : {}),
    ...named('DockerVersion', image.dockerVersion, minor),
    ...named('Author', image.author, minor),
    Config: minor < 52 ? configJson(image.config, minor) : dockerConfig(image.config),
    Architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { Variant: platform.variant }),
    Os: platform.os,
    ...(platform.osVersion === undefined ? {} : { OsVersion: platform.osVersion }),
    Size: image.sizeBytes,
    ...(minor < 44 ? { VirtualSize: image.sizeBytes } : {}),
    GraphDriver: { Data: null, Name: 'overlay2' },
    RootFS: { Type: 'layers', Layers: image.layers.map(({ diffId }) => diffId) },
    Metadata: { LastTagTime: image.taggedAt === '' ? ZERO_TIME : image.taggedAt },
  };
}

const named = (key: string, value: string, minor: number): object =>
  value === '' && minor >= 52 ? {} : { [key]: value };

/**
 * Before API 1.52. compat: absent lists are null, absent ports are left out; before 1.50 a container's fields were there
 * too (moby's container.Config).
 */
function configJson(config: ImageConfig, minor: number): object {
  const set = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, {}]));
  const orNull = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list);
  const { healthcheck } = config;
  const ofContainer = (fields: object): object => (minor < 50 ? fields : {});
  return {
    ...ofContainer({ Hostname: '', Domainname: '' }),
    User: config.user,
    ...ofContainer({ AttachStdin: false, AttachStdout: false, AttachStderr: false }),
    ...(config.exposedPorts.length === 0 ? {} : { ExposedPorts: set(config.exposedPorts) }),
    ...ofContainer({ Tty: false, OpenStdin: false, StdinOnce: false }),
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
    ...ofContainer({ Image: '' }),
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

export async function imageHistory(parts: EngineParts, { params, query, response }: RequestContext): Promise<void> {
  const rows = await parts.images.history(params['name']!, platformOf(query));
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
