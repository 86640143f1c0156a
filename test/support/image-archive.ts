/** Archives of images made by hand, in the form of `docker save`, from tars of their layers. */
import { execFileSync } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { copyFileSync, createReadStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';

export interface ArchiveImage {
  readonly tag: string;
  /** Paths of tars, lowest first. */
  readonly layers: readonly string[];
  /** Docker's keys, such as Cmd. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** RFC 3339. */
  readonly created?: string;
}

/** The hash of a file as a digest. */
export async function fileDigest(path: string): Promise<string> {
  const hash: Hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** Writes `path`; gives the image's id. */
export async function writeArchive(path: string, image: ArchiveImage): Promise<string> {
  const folder = mkdtempSync(`${path}.parts-`);
  try {
    const diffIds: string[] = [];
    const names: string[] = [];
    for (const [index, tar] of image.layers.entries()) {
      const name = `layer-${index}/layer.tar`;
      mkdirSync(`${folder}/layer-${index}`);
      copyFileSync(tar, `${folder}/${name}`);
      diffIds.push(await fileDigest(tar));
      names.push(name);
    }
    const created = image.created ?? '2026-01-02T03:04:05Z';
    const config = JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : 'arm64',
      config: image.config ?? {},
      created,
      history: names.map((_, index) => ({ created, created_by: `step ${index}` })),
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: diffIds },
    });
    const id = createHash('sha256').update(config).digest('hex');
    writeFileSync(`${folder}/${id}.json`, config);
    writeFileSync(
      `${folder}/manifest.json`,
      JSON.stringify([{ Config: `${id}.json`, RepoTags: [image.tag], Layers: names }]),
    );
    execFileSync('tar', ['-C', folder, '-cf', path, '.']);
    return `sha256:${id}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const sizeOf = (path: string): number => statSync(path).size;
