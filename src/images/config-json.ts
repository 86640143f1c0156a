/**
 * An image's config file: JSON as Docker writes it; its SHA-256 is the image's id.
 *
 * Pure. spec: OCI image-spec, config.md. Empty values are left out, keys always come in the same order.
 */
import type { Digest } from '#base';
import { type Healthcheck, type HistoryEntry, normalizePlatform, type Platform } from '#specs';
import type { ImageConfig } from './image-record.ts';

export interface ImageDescription {
  readonly createdAt: string;
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
  readonly author: string;
  readonly comment: string;
  /** compat: BuildKit's records of which step gave which layer, base64 of JSON. */
  readonly inlineCache?: string | undefined;
}

/** The file's content. */
export function encodeImageConfig(image: ImageDescription): string {
  const { createdAt, platform, author, comment, diffIds, history } = image;
  return JSON.stringify({
    architecture: platform.architecture,
    ...present({ author, comment }),
    config: dockerConfig(image.config),
    created: createdAt,
    history: history.map(historyJson),
    ...present({ 'moby.buildkit.cache.v0': image.inlineCache ?? '' }),
    os: platform.os,
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...present({ variant: platform.variant ?? '' }),
  });
}

/** The `config` object with Docker's keys; what is empty is left out. */
export function dockerConfig(config: ImageConfig): Record<string, unknown> {
  return present({
    User: config.user,
    ExposedPorts: asSet(config.exposedPorts),
    Env: config.env,
    Entrypoint: config.entrypoint,
    Cmd: config.command,
    Healthcheck: config.healthcheck ? healthcheckJson(config.healthcheck) : {},
    Volumes: asSet(config.volumes),
    WorkingDir: config.workingDirectory,
    OnBuild: config.onBuild,
    Labels: config.labels,
    StopSignal: config.stopSignal,
    Shell: config.shell,
  });
}

function healthcheckJson(check: Healthcheck): Record<string, unknown> {
  const all: Record<string, unknown> = {
    Test: check.test,
    Interval: check.interval,
    Timeout: check.timeout,
    StartPeriod: check.startPeriod,
    StartInterval: check.startInterval,
    Retries: check.retries,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0 && !isEmpty(value)));
}

function historyJson(entry: HistoryEntry): Record<string, unknown> {
  return {
    ...(entry.created === undefined ? {} : { created: entry.created }),
    ...present({ author: entry.author ?? '', created_by: entry.createdBy ?? '', comment: entry.comment ?? '' }),
    ...(entry.emptyLayer === true ? { empty_layer: true } : {}),
  };
}

/** Go's map[string]struct{}. */
const asSet = (keys: readonly string[]): Record<string, object> => Object.fromEntries(keys.map((key) => [key, {}]));

const present = (all: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => !isEmpty(value)));

const isEmpty = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** The platform this process runs on, in Go's names. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch });
}
