/** Looks through the files of a result for lists of installed software. */
import { resolvePath } from '#linux';
import { isFile, isFolder, readLink, type SourceTree } from '../../files/source-tree.ts';
import {
  type Distribution,
  type InstalledPackage,
  parseApkInstalled,
  parseDpkgStatus,
  parseOsRelease,
} from './packages.ts';

export interface Scanned {
  readonly packages: readonly InstalledPackage[];
  readonly distribution: Distribution;
}

/** What is larger is no list of packages. */
const MAX_BYTES = 64 * 1024 * 1024;
const LISTS = [
  ['var/lib/dpkg/status', parseDpkgStatus],
  ['lib/apk/db/installed', parseApkInstalled],
  ['usr/lib/apk/db/installed', parseApkInstalled],
] as const;
/** One file per package, where there is no package manager. */
const FOLDER = 'var/lib/dpkg/status.d';

export async function scan(tree: SourceTree): Promise<Scanned> {
  const packages = new Map<string, InstalledPackage>();
  const add = (found: readonly InstalledPackage[]): void => {
    for (const each of found) packages.set(`${each.manager} ${each.name} ${each.version} ${each.architecture}`, each);
  };
  for (const [path, parse] of LISTS) add(parse((await text(tree, path)) ?? ''));
  for (const path of await filesIn(tree, FOLDER)) {
    if (!path.endsWith('.md5sums')) add(parseDpkgStatus((await text(tree, path)) ?? ''));
  }
  const release = (await text(tree, 'etc/os-release')) ?? (await text(tree, 'usr/lib/os-release')) ?? '';
  return { packages: [...packages.values()], distribution: parseOsRelease(release) };
}

/** Undefined where there is no such file. */
async function text(tree: SourceTree, written: string): Promise<string | undefined> {
  const path = await resolvePath(written, (each) => readLink(tree, each), true);
  const item = await tree.stat(path);
  if (!item || !isFile(item) || item.size > MAX_BYTES) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of tree.content(path)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

async function filesIn(tree: SourceTree, folder: string): Promise<string[]> {
  const item = await tree.stat(folder);
  if (!item || !isFolder(item)) return [];
  const paths: string[] = [];
  for await (const each of tree.below(folder)) if (isFile(each)) paths.push(each.path);
  return paths;
}
