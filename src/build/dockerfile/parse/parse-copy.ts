/** COPY and ADD: flags, sources, heredocs, destination. Pure. */
import { errors } from '../errors.ts';
import { type FlagKinds, Flags, type FlaggedText } from './flags.ts';
import { heredocStart } from './heredoc.ts';
import type { CopyInstruction, CopySource, Heredoc, Statement } from './instruction.ts';
import { blankWords, jsonWords } from './words.ts';

const BOTH: FlagKinds = { chown: 'text', chmod: 'text', link: 'boolean', exclude: 'list' };
const COPY: FlagKinds = { ...BOTH, from: 'text', parents: 'boolean' };
const ADD: FlagKinds = { ...BOTH, 'keep-git-dir': 'boolean', checksum: 'text', unpack: 'boolean' };

/** Throws what `Flags` throws, `dockerfile.noDestination`, `.heredocTarget`, `.fromVariable`, `.notStrings`. */
export function parseCopy(
  statement: Statement,
  kind: 'copy' | 'add',
  { flags: texts, rest }: FlaggedText,
  heredocs: readonly Heredoc[],
): CopyInstruction {
  const name = kind.toUpperCase();
  const words = jsonWords(rest) ?? blankWords(rest);
  if (words.length < 2) throw errors.noDestination(name);
  const flags = new Flags(texts, kind === 'copy' ? COPY : ADD);
  const target = words.at(-1)!;
  if (heredocStart(target)) throw errors.heredocTarget(name);
  const from = flags.text('from');
  if (/\$./.test(from)) throw errors.fromVariable();
  return {
    ...statement,
    kind,
    sources: words.slice(0, -1).map((word) => sourceOf(word, heredocs)),
    target,
    from,
    owner: flags.text('chown'),
    mode: flags.text('chmod'),
    isLinked: flags.boolean('link') ?? false,
    keepsParents: flags.boolean('parents') ?? false,
    excludes: flags.list('exclude'),
    keepsGitFolder: flags.boolean('keep-git-dir'),
    checksum: flags.text('checksum'),
    unpacks: flags.boolean('unpack'),
  };
}

function sourceOf(word: string, heredocs: readonly Heredoc[]): CopySource {
  const start = heredocStart(word);
  // The last of several with the same name.
  return (start && heredocs.findLast(({ name }) => name === start.name)) ?? word;
}
