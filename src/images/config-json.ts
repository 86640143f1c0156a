/**
 * An image's config file: JSON as Docker writes it; its SHA-256 is the image's id.
 *
 * Pure. spec: OCI image-spec, config.md. Empty values are left out, keys always come in the same order.
 */
import type { Digest } from '#base';
import type { ImageConfig } from './image-record.ts';

export interface ImageDescription {
  readonly createdAt: string;
  readonly architecture: string;
  readonly os: string;
  readonly config: ImageConfig;
  readonly layers: readonly Digest[];
  readonly comment: string;
}

/** The file's content. */
export function encodeImageConfig(image: ImageDescription): string {
  const { createdAt, architecture, os, comment, layers } = image;
  return JSON.stringify({
    architecture,
    ...(comment === '' ? {} : { comment }),
    config: dockerConfig(image.config),
    created: createdAt,
    history: [{ created: createdAt, ...(comment === '' ? {} : { comment }) }],
    os,
    rootfs: { type: 'layers', diff_ids: layers },
  });
}

function dockerConfig(config: ImageConfig): Record<string, unknown> {
  const all: Record<string, unknown> = {
    User: config.user,
    ExposedPorts: asSet(config.exposedPorts),
    Env: config.env,
    Entrypoint: config.entrypoint,
    Cmd: config.command,
    Volumes: asSet(config.volumes),
    WorkingDir: config.workingDirectory,
    Labels: config.labels,
    StopSignal: config.stopSignal,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => !isEmpty(value)));
}

/** Go's map[string]struct{}. */
const asSet = (keys: readonly string[]): Record<string, object> => Object.fromEntries(keys.map((key) => [key, {}]));

const isEmpty = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  loong64: 'loong64',
  ppc64: 'ppc64le',
};

/** Go's name of the architecture this process runs on. */
export function hostArchitecture(): string {
  return ARCHITECTURES[process.arch] ?? process.arch;
}
