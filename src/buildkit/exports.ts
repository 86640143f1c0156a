/** What a client wants to become of a build → wishes of the builder. Each option is honoured, or refused by its name. */
import { type Annotation, type ExportWish, type FilesForm, type ImageForm, readAnnotation } from '#build';
import { hostPlatform } from '#images';
import { type AuthConfig, parseTag } from '#registry';
import { Options } from './options.ts';
import { sendArchive, sendFolder, type SendTarget } from './send-files.ts';
import { SessionContent } from './session-content.ts';
import type { Session } from './sessions.ts';

/** As it is sent. */
export interface ExporterEntry {
  readonly Type: string;
  readonly Attrs: Readonly<Record<string, string>>;
}

export interface ExportPaths {
  readonly session: () => Session;
  readonly credentialsFor: (name: string) => Promise<AuthConfig>;
  readonly signal: AbortSignal;
  /** Bytes that went to the client. */
  readonly onBytes: (total: number) => void;
}

/** Throws `buildkit.badOption`, `reference.*` for names that are none. */
export function readExports(entries: readonly ExporterEntry[], paths: ExportPaths): ExportWish[] {
  return entries.flatMap((entry, exporter) => readOne(entry, exporter, paths));
}

function readOne({ Type, Attrs }: ExporterEntry, exporter: number, paths: ExportPaths): ExportWish[] {
  const options = new Options(`--output type=${Type}`, Attrs);
  const target = (): SendTarget => ({ ...paths, session: paths.session(), exporter });
  const wishes = ((): ExportWish[] => {
    switch (Type) {
      case 'moby':
      case 'image':
        return imageWishes(options, paths);
      case 'oci':
      case 'docker':
        return [archiveWish(options, Type === 'docker', target, paths)];
      case 'local':
        return [folderWish(options, target)];
      case 'tar':
        return [
          {
            kind: 'tar',
            files: filesForm(options),
            send: (bytes, facts) => sendArchive(target(), bytes, facts),
          },
        ];
      default:
        return options.refuse('type', Type, 'use image, oci, docker, local or tar');
    }
  })();
  options.end();
  return wishes;
}

/** The image store, a registry, or both. */
function imageWishes(options: Options, { credentialsFor }: ExportPaths): ExportWish[] {
  const pushes = options.flag('push') ?? false;
  const isByDigest = options.flag('push-by-digest') ?? false;
  const stores = options.flag('store') ?? true;
  // compat: told by clients for stores whose ids are digests of manifests.
  options.flag('prefer-image-digest');
  // compat: Compose says so of images for the store, which is where they go in any case.
  if (options.flag('load') === false) options.refuse('load', 'false', 'add push=true,store=false');
  // The store keeps `name@digest` of what is pushed in any case.
  if (options.flag('name-canonical') === true && !pushes) options.refuse('name-canonical', 'true', 'add push=true');
  // compat: clients that push say so; here an image of the store is unpacked in any case.
  if (options.flag('unpack') === false && !pushes) options.refuse('unpack', 'false', 'images are kept unpacked here');
  if (options.flag('registry.insecure') === true) {
    options.refuse('registry.insecure', 'true', 'start the daemon with --insecure-registry');
  }
  // compat: statements nobody asked for are only in what goes to a registry: an image that stays needs no compressing then.
  const form = imageForm(options, pushes);
  const names = form.names.filter((name) => name !== '');
  if (!pushes || (stores && !isByDigest)) for (const name of names) parseTag(name);
  const store: ExportWish = { kind: 'store', names: isByDigest ? [] : names, form };
  const push: ExportWish = { kind: 'push', form, isByDigest, credentialsFor };
  return [...(stores ? [store] : []), ...(pushes ? [push] : [])];
}

function archiveWish(
  options: Options,
  isDocker: boolean,
  target: () => SendTarget,
  { session, signal }: ExportPaths,
): ExportWish {
  const isTar = options.flag('tar') ?? true;
  const form = imageForm(options, false);
  if (isTar) return { kind: 'archive', form, isDocker, send: (bytes, facts) => sendArchive(target(), bytes, facts) };
  return {
    kind: 'layout',
    form,
    isDocker,
    write: (blob, bytes) => new SessionContent(session(), 'export', signal).write(blob, bytes),
  };
}

function folderWish(options: Options, target: () => SendTarget): ExportWish {
  const mode = options.text('mode') || 'copy';
  if (mode !== 'copy' && mode !== 'delete') options.refuse('mode', mode, 'use copy or delete');
  const files = filesForm(options);
  return { kind: 'folder', files, send: (folder) => sendFolder(target(), folder, mode === 'delete') };
}

function filesForm(options: Options): FilesForm {
  return {
    isSplit: options.flag('platform-split'),
    attestationPrefix: options.text('attestation-prefix'),
    source: options.text('src'),
    epochNs: options.epochNs(),
  };
}

function imageForm(options: Options, hasInlineAttestations: boolean): ImageForm {
  const annotations: Annotation[] = [];
  for (const [name, value] of options.rest()) {
    const annotation = readAnnotation(name, value, hostPlatform());
    if (!annotation) continue;
    options.take(name);
    annotations.push(annotation);
  }
  const compression = options.compression();
  const isOci = options.flag('oci-mediatypes');
  const isOciArtifact = options.flag('oci-artifact');
  if (isOciArtifact === true && isOci === false)
    options.refuse('oci-artifact', 'true', 'leave out oci-mediatypes=false');
  if (options.flag('prefer-nondist-layers') === true) {
    options.refuse('prefer-nondist-layers', 'true', 'layers are always distributable here');
  }
  // With a date, times of new layers are never later than it.
  if (options.flag('rewrite-timestamp') === false) {
    options.refuse('rewrite-timestamp', 'false', 'with SOURCE_DATE_EPOCH times of new layers are always cut to it');
  }
  return {
    names: options
      .text('name')
      .split(',')
      .filter((name) => name !== ''),
    isOci,
    isOciArtifact,
    compression,
    annotations,
    hasInlineAttestations: options.flag('attestation-inline') ?? hasInlineAttestations,
    epochNs: options.epochNs(),
  };
}
