/** Carries out what is to become of a build: one export after the other, each whole or not at all where it can be. */
import { formatTimeNs, nowNs } from '#base';
import { hostPlatform, type ImageRecord } from '#images';
import { fullName, parseReference, parseTag } from '#registry';
import { descriptorJson, selectPlatform } from '#specs';
import { errors } from '../errors.ts';
import type { Built } from './built.ts';
import type { ExportFacts, ExportWish, ImageForm } from './export-wish.ts';
import { openExportedFolder } from './exported-folder.ts';
import { type ImageRoot, type ImageRoots, isIndex } from './image-root.ts';

/** What an export does meanwhile, for those who watch: `exporting manifest sha256:…`. */
export type ExportTell = (what: string) => void;

export interface ExportResult {
  readonly facts: ExportFacts;
  /** Of the image store. */
  readonly images: readonly ImageRecord[];
}

/** What exports are made of. */
export interface ExportSource {
  readonly built: Built;
  readonly roots: ImageRoots;
}

/** Throws what the first failing one throws; those before it have happened. */
export async function runExport(source: ExportSource, wish: ExportWish, tell: ExportTell): Promise<ExportResult> {
  const { built } = source;
  switch (wish.kind) {
    case 'store':
      return toStore(source, wish, tell);
    case 'push':
      return { facts: await push(source, wish, tell), images: [] };
    case 'archive':
    case 'layout':
      return { facts: await toArchive(source, wish, tell), images: [] };
    case 'folder': {
      await using folder = await openExportedFolder(built, wish.files);
      tell('copying files');
      await wish.send(folder);
      return { facts: {}, images: [] };
    }
    case 'tar': {
      await using folder = await openExportedFolder(built, wish.files);
      tell('sending tarball');
      await wish.send(folder.tar(), {});
      return { facts: {}, images: [] };
    }
  }
}

/** What cannot be had is said before anything is run. Throws `build.pushNeedsName`, `build.noListInDocker`. */
export function checkExports(
  wishes: readonly ExportWish[],
  { isList, hasAttestations }: { readonly isList: boolean; readonly hasAttestations: boolean },
): void {
  for (const wish of wishes) {
    if (wish.kind === 'push' && wish.form.names.length === 0) throw errors.pushNeedsName();
    if ((wish.kind === 'archive' || wish.kind === 'layout') && wish.isDocker && (isList || hasAttestations)) {
      throw errors.noListInDocker();
    }
  }
}

/** One image, which need not be compressed before it goes somewhere; or more than that under its names. */
async function toStore(
  source: ExportSource,
  wish: ExportWish & { kind: 'store' },
  tell: ExportTell,
): Promise<ExportResult> {
  const { built } = source;
  const names = wish.names.map((name) => parseTag(name));
  if (isIndex(built, wish.form) || wish.form.annotations.length > 0) return rootToStore(source, wish, names, tell);
  const images: ImageRecord[] = [];
  for (const output of built.outputs) images.push(await built.store(output, names));
  const id = images[0]?.id ?? '';
  tellStored(tell, id, names);
  const named = names.length === 0 ? {} : { 'image.name': names.map((name) => fullName(name)).join(',') };
  return { facts: { 'containerimage.digest': id, 'containerimage.config.digest': id, ...named }, images };
}

/** The image for this host, or the first where none is, with the index under its names. */
async function rootToStore(
  { built, roots }: ExportSource,
  { form }: ExportWish & { kind: 'store' },
  names: readonly string[],
  tell: ExportTell,
): Promise<ExportResult> {
  const root = await prepared(roots, form, tell);
  const own = selectPlatform(root.images, hostPlatform()) ?? root.images[0]!;
  const image = await built.exporter.store({ manifest: own.manifest, root: root.descriptor, names });
  tellStored(tell, image.id, names);
  return { facts: { ...factsOf(root, names), 'containerimage.config.digest': image.id }, images: [image] };
}

function tellStored(tell: ExportTell, id: string, names: readonly string[]): void {
  tell(`writing image ${id}`);
  for (const name of names) tell(`naming to ${fullName(name)}`);
}

async function push(
  { built, roots }: ExportSource,
  wish: ExportWish & { kind: 'push' },
  tell: ExportTell,
): Promise<ExportFacts> {
  const { form, isByDigest, credentialsFor } = wish;
  const names = form.names.map((name) => (isByDigest ? untagged(name) : parseTag(name)));
  const root = await prepared(roots, form, tell);
  for (const name of names) {
    const target = isByDigest ? `${name}@${root.descriptor.digest}` : name;
    tell(`pushing ${fullName(target)}`);
    const credentials = await credentialsFor(name);
    await built.exporter.push(target, root.descriptor, { credentials });
    // compat: an image of the store is known under what it is called there, as after a push of its own.
    for (const { config, manifest } of root.images) {
      await built.exporter.remember(config, `${repositoryName(name)}@${root.descriptor.digest}`, manifest);
    }
    tell(`pushed manifest for ${fullName(name)}@${root.descriptor.digest}`);
  }
  return factsOf(root, names);
}

/** Throws `build.taggedDigest` for a name that has a tag. */
function untagged(text: string): string {
  const { name, tag } = parseReference(text);
  if (tag !== undefined) throw errors.taggedDigest(text);
  return name;
}

const repositoryName = (text: string): string => parseReference(text).name;

async function toArchive(
  { built, roots }: ExportSource,
  wish: ExportWish & { kind: 'archive' | 'layout' },
  tell: ExportTell,
): Promise<ExportFacts> {
  const { form, isDocker } = wish;
  const names = form.names.map((name) => parseTag(name));
  const epochNs = form.epochNs ?? built.epochNs;
  const createdAt = formatTimeNs(((epochNs ?? nowNs()) / 1_000_000_000n) * 1_000_000_000n);
  const root = dated(await prepared(roots, form, tell), createdAt);
  if (isDocker && root.isIndex) throw errors.noListInDocker();
  const facts = factsOf(root, names);
  const blobs = await built.exporter.reachable(root.descriptor);
  if (wish.kind === 'layout') {
    tell('copying blobs');
    for (const blob of blobs) {
      await wish.write(blob, () => built.exporter.blobs.open(blob.digest) as AsyncIterable<Buffer>);
    }
    return facts;
  }
  tell('sending tarball');
  await wish.send(built.exporter.archive({ root: root.descriptor, blobs, names, isDocker, createdAt }), facts);
  return facts;
}

/** compat: what a layout has in its list says when it was made, unless somebody has said it already. */
function dated(root: ImageRoot, createdAt: string): ImageRoot {
  const annotations = { 'org.opencontainers.image.created': createdAt, ...root.descriptor.annotations };
  return { ...root, descriptor: { ...root.descriptor, annotations } };
}

async function prepared(roots: ImageRoots, form: ImageForm, tell: ExportTell): Promise<ImageRoot> {
  tell('exporting layers');
  const root = await roots.get(form);
  for (const { config } of root.images) tell(`exporting config ${config}`);
  tell(`exporting manifest${root.isIndex ? ' list' : ''} ${root.descriptor.digest}`);
  return root;
}

/** compat: keys clients read. */
function factsOf({ descriptor, images, isIndex }: ImageRoot, names: readonly string[]): ExportFacts {
  const config = isIndex ? undefined : images[0]?.config;
  return {
    'containerimage.digest': descriptor.digest,
    ...(config === undefined ? {} : { 'containerimage.config.digest': config }),
    'containerimage.descriptor': Buffer.from(JSON.stringify(descriptorJson(descriptor))).toString('base64'),
    ...(names.length === 0 ? {} : { 'image.name': names.map((name) => fullName(name)).join(',') }),
  };
}
