/** An image's config file, OCI's and Docker's. spec: image-spec, config.md; compat: moby's image.Image. */
import { type Digest, parseDigest } from '#base';
import { errors } from './errors.ts';
import { type Platform, readPlatform } from './platform.ts';
import { Fields, type Json, parseDocument } from './reading.ts';

export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly emptyLayer?: boolean;
}

export interface Healthcheck {
  readonly test: readonly string[];
  /** Nanoseconds; 0 is the default. */
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

/** The `config` object of the file, in our own words. */
export interface ImageExecution {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string;
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck?: Healthcheck;
  readonly onBuild: readonly string[];
  readonly shell: readonly string[];
}

export interface ImageConfigFile {
  readonly platform: Platform;
  /** RFC 3339; empty when the file does not say. */
  readonly created: string;
  readonly author: string;
  readonly comment: string;
  readonly dockerVersion: string;
  readonly execution: ImageExecution;
  /** Lowest first. */
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
  /** The whole document, with what we do not know. */
  readonly document: Json;
}

/** Throws `oci.notJson`, `oci.malformed`. */
export function parseImageConfig(bytes: Uint8Array): ImageConfigFile {
  const what = 'image config';
  const document = parseDocument(bytes, what);
  const fields = new Fields(document, what, '');
  const rootfs = fields.object('rootfs');
  const diffIds = (rootfs?.texts('diff_ids') ?? []).map((text, index) => {
    const digest = parseDigest(text);
    if (!digest) throw errors.malformed(what, `rootfs.diff_ids[${index}]`, `'${text}' is no sha256 or sha512 digest`);
    return digest;
  });
  if (!rootfs) throw fields.fail('rootfs', 'is missing');
  return {
    platform: readPlatform(fields),
    created: fields.text('created') ?? '',
    author: fields.text('author') ?? '',
    comment: fields.text('comment') ?? '',
    dockerVersion: fields.text('docker_version') ?? '',
    execution: readExecution(fields.object('config')),
    diffIds,
    history: (fields.objects('history') ?? []).map(readHistory),
    document,
  };
}

function readHistory(fields: Fields): HistoryEntry {
  const created = fields.text('created');
  const createdBy = fields.text('created_by');
  const author = fields.text('author');
  const comment = fields.text('comment');
  return {
    ...(created === undefined ? {} : { created }),
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(author === undefined ? {} : { author }),
    ...(comment === undefined ? {} : { comment }),
    ...(fields.bool('empty_layer') === true ? { emptyLayer: true } : {}),
  };
}

export function readExecution(config: Fields | undefined): ImageExecution {
  const healthcheck = config?.object('Healthcheck');
  return {
    user: config?.text('User') ?? '',
    env: config?.texts('Env') ?? [],
    entrypoint: config?.texts('Entrypoint') ?? [],
    command: config?.texts('Cmd') ?? [],
    workingDirectory: config?.text('WorkingDir') ?? '',
    labels: config?.map('Labels') ?? {},
    stopSignal: config?.text('StopSignal') ?? '',
    exposedPorts: config?.names('ExposedPorts') ?? [],
    volumes: config?.names('Volumes') ?? [],
    ...(healthcheck ? { healthcheck: readHealthcheck(healthcheck) } : {}),
    onBuild: config?.texts('OnBuild') ?? [],
    shell: config?.texts('Shell') ?? [],
  };
}

function readHealthcheck(fields: Fields): Healthcheck {
  return {
    test: fields.texts('Test') ?? [],
    interval: fields.size('Interval') ?? 0,
    timeout: fields.size('Timeout') ?? 0,
    startPeriod: fields.size('StartPeriod') ?? 0,
    startInterval: fields.size('StartInterval') ?? 0,
    retries: fields.size('Retries') ?? 0,
  };
}
