/**
 * `system fsck`: compares images, layers and blobs with the disk. With `repair`, what is missing is made again where
 * its source is here, and what cannot be made whole goes.
 */
import { collectGarbage } from './collect.ts';
import { checkContent, type ContentProblem } from './content/fsck.ts';
import type { DiskContentStore } from './content/disk-content-store.ts';
import { type ImageParts, STORE } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { isWhole } from './image-roots.ts';
import type { CheckOptions, Fault } from './images.ts';
import { readImage } from './adopt.ts';
import type { LayerFault } from './layers/layer-store.ts';
import { unpackLayers } from './unpack-layers.ts';

const LAYER_FAULTS: Readonly<Record<LayerFault['kind'], string>> = {
  'record-without-folder': 'its folder is missing',
  'folder-without-record': 'it belongs to no record',
  leftover: 'it is left of an unpacking that broke off',
};

export type CheckParts = ImageParts & { readonly content: DiskContentStore };

export async function checkImages(parts: CheckParts, options: CheckOptions): Promise<Fault[]> {
  const faults: Fault[] = [];
  const { repair, deep, signal } = options;
  for (const problem of await checkContent(parts.content, { repair, deep, ...(signal ? { signal } : {}) })) {
    // An index names images for platforms nobody asked for; what an image lacks is told below.
    if (problem.kind !== 'dangling-reference') faults.push(contentFault(problem));
  }
  for (const { kind, name, path } of repair ? parts.layers.repair() : parts.layers.check()) {
    faults.push({ kind, subject: name, message: `layer ${name}: ${LAYER_FAULTS[kind]}: ${path}`, isRepaired: repair });
  }
  for (const image of parts.index.list()) {
    signal?.throwIfAborted();
    faults.push(...(await checkImage(parts, image, options)));
  }
  if (repair) await collectGarbage(parts);
  return faults;
}

/** An image needs a manifest whose blobs are all here, and its layers unpacked. */
async function checkImage(
  parts: CheckParts,
  image: ImageRecord,
  { repair, inUse = () => undefined }: CheckOptions,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  const isHere = (digest: ImageRecord['id']): boolean => {
    const blob = parts.content.stat(digest);
    return blob?.references.every((child) => parts.content.stat(child) !== undefined) ?? false;
  };
  const whole = image.manifests.filter(({ digest }) => isHere(digest));
  if (whole.length < image.manifests.length) {
    const isRepaired = repair && whole.length > 0;
    for (const { digest } of image.manifests.filter((each) => !whole.includes(each))) {
      const message = `image ${name(image)}: manifest ${digest} or something it refers to is missing`;
      faults.push({ kind: 'image-manifest', subject: image.id, message, isRepaired });
    }
    if (isRepaired) await update(parts, image.id, { manifests: whole });
  }
  const broken = (image.roots ?? []).filter(({ root }) => !isWhole(parts.content, root.digest));
  for (const { tag, root } of broken) {
    const message = `image ${name(image)}: something of ${root.digest}, which ${tag || 'it'} stands for, is missing`;
    faults.push({ kind: 'image-root', subject: image.id, message, isRepaired: repair });
  }
  // Without it the name stands for the image alone, which is told above and below.
  if (repair && broken.length > 0) {
    await update(parts, image.id, { roots: (image.roots ?? []).filter((each) => !broken.includes(each)) });
  }
  const lost = image.layers.filter(({ key }) => !parts.layers.get(key));
  for (const { diffId } of lost) {
    const isRepaired = repair && whole.length > 0 && (await unpackedAgain(parts, image, whole[0]!));
    const message = `image ${name(image)}: layer ${diffId} is not unpacked`;
    faults.push({ kind: 'image-layer', subject: image.id, message, isRepaired });
  }
  if (whole.length === 0 && lost.length > 0) {
    // Nothing can be started from it or given away: a record that promises it only misleads. A container that was made
    // of it keeps it, with what is left.
    const isRemoved = repair && inUse(image.id) === undefined;
    if (isRemoved) parts.index.delete([image.id]);
    const message = `image ${name(image)} cannot be made whole: pull or load it again`;
    faults.push({ kind: 'image-lost', subject: image.id, message, isRepaired: isRemoved });
  }
  return faults;
}

async function unpackedAgain(
  parts: CheckParts,
  image: ImageRecord,
  descriptor: ImageRecord['manifests'][number],
): Promise<boolean> {
  try {
    const { manifest } = await readImage(parts, descriptor);
    const wanted = image.layers.map(({ diffId }, index) => ({ diffId, blob: manifest.layers[index]!.digest }));
    using held = await unpackLayers(parts, { wanted });
    await update(parts, image.id, { layers: held.layers });
    return true;
  } catch {
    return false;
  }
}

/** Changes the record as it is by now, if it is still there. */
async function update(
  parts: CheckParts,
  id: string,
  change: Partial<Pick<ImageRecord, 'manifests' | 'layers' | 'roots'>>,
): Promise<void> {
  await parts.locks.run(STORE, async () => {
    const now = parts.index.get(id);
    if (now) parts.index.put([{ ...now, ...change }]);
  });
}

const name = ({ tags, id }: ImageRecord): string => tags[0] ?? id;

function contentFault(problem: Exclude<ContentProblem, { readonly kind: 'dangling-reference' }>): Fault {
  const { kind, repaired: isRepaired } = problem;
  const fault = (subject: string, message: string): Fault => ({ kind, subject, message, isRepaired });
  switch (problem.kind) {
    case 'orphan-file':
      return fault(problem.path, `${problem.path} belongs to no record`);
    case 'stale-ingest':
      return fault(problem.path, `${problem.path} is left of a download nobody goes on with`);
    case 'missing-file':
      return fault(problem.digest, `blob ${problem.digest} has no file: ${problem.path} is missing`);
    case 'wrong-size':
      return fault(
        problem.digest,
        `blob ${problem.digest} has ${problem.actualBytes} bytes instead of ${problem.expectedBytes}: ${problem.path}`,
      );
    case 'wrong-digest':
      return fault(
        problem.digest,
        `blob ${problem.digest} is damaged, its bytes have ${problem.actual}: ${problem.path}`,
      );
  }
}
