/** Images in OCI layouts, as a comparison wants them: what they say, and layer by layer which files they have. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { TarLines } from './tar-lines.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly platform?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  /** Null for an empty root file system. */
  readonly layers: readonly Descriptor[] | null;
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly { readonly created?: string; readonly created_by: string }[];
  readonly [name: string]: unknown;
}

/** A folder with an OCI layout. */
export class ImageLayout {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  blob(digest: string): Buffer {
    return readFileSync(`${this.folder}/blobs/${digest.replace(':', '/')}`);
  }

  has(digest: string): boolean {
    return existsSync(`${this.folder}/blobs/${digest.replace(':', '/')}`);
  }

  json<T>(digest: string): T {
    return JSON.parse(this.blob(digest).toString()) as T;
  }

  get index(): { readonly manifests: readonly Descriptor[] } {
    return JSON.parse(readFileSync(`${this.folder}/index.json`, 'utf8')) as { manifests: Descriptor[] };
  }

  /** The only one. */
  get root(): Manifest {
    return this.json(this.index.manifests[0]!.digest);
  }

  config(manifest: Manifest): ImageConfig {
    return this.json(manifest.config.digest);
  }

  /** Of a layer, a line per entry, sorted; times only where they are older than `nowSeconds` by a day. */
  files(layer: Descriptor, nowSeconds: number): string[] {
    const bytes = this.blob(layer.digest);
    return tarLines(layer.mediaType.endsWith('gzip') ? gunzipSync(bytes) : bytes, nowSeconds);
  }
}

/** A line per entry of an archive, sorted. */
export function tarLines(tar: Buffer, nowSeconds: number): string[] {
  const lines = new TarLines(({ type, linkPath, mtimeNs, xattrs }, sha256) => {
    const seconds = Number(mtimeNs / 1_000_000_000n);
    const isNow = Math.abs(nowSeconds - seconds) < 86_400;
    // Of a folder it changes with what is put into it, when an engine does so.
    const time = type === 'directory' ? '' : isNow ? 'now' : String(mtimeNs);
    const attributes = JSON.stringify([...xattrs].map(([name, value]) => [name, value.toString()]));
    return [type === 'hard-link' ? 'hard' : linkPath, time, sha256.slice(0, 12), attributes];
  });
  lines.push(tar);
  return lines.end();
}
