/** URLs of git repositories in ADD, and as build contexts. Pure. compat: what BuildKit takes for one. */
import { errors } from '../errors.ts';

export interface GitSource {
  /** Without fragment and query. */
  readonly url: string;
  /** A branch, tag or commit; '' for the repository's own. */
  readonly ref: string;
  readonly subfolder: string;
  /** '' for none. */
  readonly checksum: string;
  /** Undefined when the URL does not say. */
  readonly keepsGitFolder: boolean | undefined;
  readonly hasSubmodules: boolean;
  readonly time: 'checkout' | 'commit';
  readonly fetchesByCommit: boolean;
}

/** Undefined for what is no git URL. Throws `dockerfile.gitUrl` for one with a malformed query. */
export function parseGitUrl(text: string): GitSource | undefined {
  const [, address, query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(?:#([^]*))?$/.exec(text) ?? [];
  if (address === undefined || !isRepository(address)) return undefined;
  const colon = fragment.indexOf(':');
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const subfolder = colon < 0 ? '' : fragment.slice(colon + 1);
  const source: GitSource = {
    url: address,
    ref,
    subfolder,
    checksum: '',
    keepsGitFolder: undefined,
    hasSubmodules: true,
    time: 'checkout',
    fetchesByCommit: false,
  };
  return query === '' ? source : withQuery(source, new URLSearchParams(query), text);
}

function isRepository(address: string): boolean {
  if (/^(?:git|ssh):\/\/[^/]/i.test(address)) return true;
  if (/^https?:\/\/[^/]+\/.*\.git$/i.test(address)) return true;
  return /^[\w-]+@[\w.-]+:[^]+$/.test(address);
}

const READERS: Readonly<Record<string, (source: GitSource, value: string) => GitSource>> = {
  ref: (source, ref) => ({ ...source, ref: same('ref', source.ref, ref) }),
  tag: (source, tag) => ({ ...source, ref: same('ref', source.ref, prefixed('refs/tags/', tag)) }),
  branch: (source, branch) => ({ ...source, ref: same('ref', source.ref, prefixed('refs/heads/', branch)) }),
  subdir: (source, subfolder) => ({ ...source, subfolder: same('subdir', source.subfolder, subfolder) }),
  checksum: (source, checksum) => ({ ...source, checksum: commitId(same('checksum', source.checksum, checksum)) }),
  commit: (source, checksum) => ({ ...source, checksum: commitId(same('checksum', source.checksum, checksum)) }),
  'keep-git-dir': (source, value) => ({ ...source, keepsGitFolder: booleanOf('keep-git-dir', value) }),
  submodules: (source, value) => ({ ...source, hasSubmodules: booleanOf('submodules', value) }),
  'fetch-by-commit': (source, value) => ({ ...source, fetchesByCommit: booleanOf('fetch-by-commit', value) }),
  mtime: (source, value) => {
    if (value !== 'checkout' && value !== 'commit') throw new Error(`invalid mtime value: ${JSON.stringify(value)}`);
    return { ...source, time: value };
  },
};
const MAY_BE_BARE = ['keep-git-dir', 'submodules', 'fetch-by-commit'];

function withQuery(source: GitSource, query: URLSearchParams, text: string): GitSource {
  let result = source;
  try {
    if (query.has('tag') && query.has('branch')) throw new Error('branch conflicts with tag');
    for (const key of new Set(query.keys())) {
      const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
      if (!read) throw new Error(`unexpected query ${JSON.stringify(key)}`);
      const [value = '', ...more] = query.getAll(key);
      if (more.length > 0) throw new Error(`query ${JSON.stringify(key)} has multiple values`);
      if (value === '' && !MAY_BE_BARE.includes(key)) throw new Error(`query ${JSON.stringify(key)} has no value`);
      result = read(result, value);
    }
  } catch (error) {
    throw errors.gitUrl(text, (error as Error).message);
  }
  // A commit is enough to say what is wanted.
  return result.ref === '' && result.checksum !== '' ? { ...result, ref: result.checksum } : result;
}

function same(what: string, before: string, now: string): string {
  if (before !== '' && before !== now) {
    throw new Error(`${what} conflicts: ${JSON.stringify(before)} vs ${JSON.stringify(now)}`);
  }
  return now;
}

const prefixed = (prefix: string, name: string): string => (name.startsWith(prefix) ? name : prefix + name);

/** Throws an `Error` saying why not. */
function commitId(text: string): string {
  if (!/^[0-9a-f]{4,64}$/i.test(text)) throw new Error(`${JSON.stringify(text)} is no beginning of a commit's id`);
  return text;
}

function booleanOf(key: string, value: string): boolean {
  if (value === '' || /^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  throw new Error(`invalid ${key} value: ${JSON.stringify(value)}`);
}
