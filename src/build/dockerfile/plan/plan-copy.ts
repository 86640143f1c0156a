/** COPY and ADD as steps: sources by kind, flags checked, `--link` as a layer of its own. */
import { posix } from 'node:path';
import type { CopyAction, StepId } from '../../graph.ts';
import { errors } from '../errors.ts';
import { cleanPath, hasWildcards } from '#base';
import { finding } from '../lint/linter.ts';
import type { CopyInstruction, Heredoc } from '../parse/instruction.ts';
import { fileNameOf } from './contexts.ts';
import { displayText } from './display-text.ts';
import { parseGitUrl } from './git-url.ts';
import type { PlanParts } from './plan-parts.ts';
import type { StageState } from './stage-state.ts';

type Facts = ReturnType<StageState['stepFacts']>;

/** An instruction with its variables replaced. */
interface Expanded {
  readonly instruction: CopyInstruction;
  readonly target: string;
  readonly checksum: string;
  /** What all of its actions have. */
  readonly action: Pick<CopyAction, 'kind' | 'target' | 'mode' | 'owner' | 'excludes' | 'isLinked'>;
  readonly facts: Facts;
}

/** Throws `dockerfile.badChmod`, `.copyUrl`, `.checksum…` and what variables and sources throw. */
export async function planCopy(parts: PlanParts, stage: StageState, instruction: CopyInstruction): Promise<void> {
  const word = (text: string): string => stage.expand(text, instruction);
  const mode = word(instruction.mode);
  const owner = word(instruction.owner);
  const target = word(instruction.target);
  const checksum = word(instruction.checksum);
  checkMode(mode);
  if (owner.split(':').length > 2) throw errors.badChown(owner);
  // compat: a layer of its own has no list of users to look into.
  if (instruction.isLinked && owner.split(':').some((each) => /\D/.test(each))) throw errors.linkedChown(owner);
  // compat: with a mode there is no layer of its own.
  const isLinked = instruction.isLinked && mode === '';
  const expanded: Expanded = {
    instruction,
    target,
    checksum,
    action: {
      kind: 'copy',
      target: absoluteTarget(target, stage.workingDirectory),
      mode,
      owner,
      excludes: instruction.excludes.map(word),
      isLinked,
    },
    facts: stage.stepFacts(displayText(stage, instruction), instruction.range),
  };
  const paths = instruction.sources.flatMap((source) => (typeof source === 'string' ? word(source) : []));
  const heredocs = instruction.sources.flatMap((source) => (typeof source === 'string' ? [] : source));
  const name = instruction.kind.toUpperCase();
  if (checksum !== '' && paths.length + heredocs.length !== 1) throw errors.checksumSources();

  const actions: CopyAction[] = [];
  for (const path of paths) actions.push(await actionFor(parts, stage, path, expanded));
  for (const heredoc of heredocs) actions.push(inlineFile(parts, stage, heredoc, expanded));
  const groups = joined(actions);
  // compat: files of one source may go into a folder that is there; the solver, which sees it, refuses others.
  if (groups.length > 1 && !expanded.action.target.endsWith('/')) throw errors.manySources(name);
  stage.root = addFiles(parts, stage, groups, expanded);

  const words = [
    name,
    ...(instruction.keepsParents ? ['--parents'] : []),
    ...(owner === '' ? [] : [`--chown=${owner}`]),
    ...(mode === '' ? [] : [`--chmod=${mode}`]),
    ...paths,
    ...heredocs.map((heredoc) => `<<${heredoc.name}`),
    target,
  ];
  stage.note(`${words.join(' ')} # buildkit`, 'layer');
}

async function actionFor(parts: PlanParts, stage: StageState, path: string, expanded: Expanded): Promise<CopyAction> {
  const { instruction, checksum, action, facts } = expanded;
  const isAdd = instruction.kind === 'add';
  const git = parseGitUrl(path);
  if (git) {
    if (!isAdd) throw errors.copyGit();
    const flag = instruction.keepsGitFolder;
    if (flag !== undefined && git.keepsGitFolder !== undefined && flag !== git.keepsGitFolder) {
      throw errors.keepGitConflict();
    }
    if (checksum !== '' && git.checksum !== '' && checksum !== git.checksum) {
      throw errors.checksumConflict(checksum, git.checksum);
    }
    if (checksum !== '' && !/^[0-9a-f]{4,64}$/i.test(checksum)) throw errors.badChecksum(checksum);
    const pinned = { ...git, checksum: git.checksum || checksum };
    const from = parts.sources.git(pinned, {
      ...sourceNaming(facts),
      keepsGitFolder: git.keepsGitFolder ?? flag ?? false,
    });
    return { ...action, from, sources: ['/'], keepsParents: false, unpacks: false };
  }
  if (/^https?:\/\//i.test(path)) {
    if (!isAdd) throw errors.copyUrl();
    if (checksum !== '' && !/^sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})$/.test(checksum)) {
      throw errors.badChecksum(checksum);
    }
    const fileName = fileNameOf(path);
    const from = parts.sources.http(path, { ...sourceNaming(facts), fileName, checksum });
    return {
      ...action,
      from,
      sources: [escaped(`/${fileName}`)],
      keepsParents: false,
      unpacks: instruction.unpacks ?? false,
    };
  }
  if (checksum !== '') throw errors.checksumKind();
  const from = instruction.from === '' ? await parts.context() : await parts.copySource(stage, instruction.from);
  if (instruction.from === '') await warnIfIgnored(parts, path, instruction);
  const source = sourcePath(path, instruction.keepsParents);
  parts.graph.use(from, cleanPath(posix.join('/', source.replace('/./', '/'))));
  return {
    ...action,
    from,
    sources: [source],
    keepsParents: instruction.keepsParents,
    unpacks: instruction.unpacks ?? isAdd,
  };
}

/** compat: a file of its own, copied like any other, so that the target may be a folder that is there. */
function inlineFile(
  parts: PlanParts,
  stage: StageState,
  heredoc: Heredoc,
  { action, facts, instruction }: Expanded,
): CopyAction {
  const path = `/${heredoc.name.replace(/^\/+/, '')}`;
  const content = stage.expandBody(heredoc, instruction);
  const from = parts.graph.add({
    kind: 'files',
    ...sourceNaming(facts),
    name: '[internal] preparing inline document',
    root: undefined,
    actions: [{ kind: 'write', path, content, mode: '0644', owner: '' }],
  });
  return { ...action, from, sources: [escaped(path)], keepsParents: false, unpacks: false };
}

function addFiles(
  parts: PlanParts,
  stage: StageState,
  actions: readonly CopyAction[],
  { action, facts }: Expanded,
): StepId {
  if (!action.isLinked) return parts.graph.add({ kind: 'files', ...facts, root: stage.root, actions });
  const layer = parts.graph.add({ kind: 'files', ...facts, root: undefined, actions });
  if (stage.root === undefined) return layer;
  const name = facts.name.replace(/\] /, '] LINK ');
  return parts.graph.add({ kind: 'merge', ...facts, name, layers: [stage.root, layer] });
}

/** Of one instruction: neighbours that differ in nothing but their sources are one action. */
function joined(actions: readonly CopyAction[]): CopyAction[] {
  const groups: { readonly key: string; readonly action: CopyAction; readonly sources: string[] }[] = [];
  for (const action of actions) {
    const key = `${action.from} ${action.keepsParents} ${action.unpacks}`;
    const last = groups.at(-1);
    if (last?.key === key) last.sources.push(...action.sources);
    else groups.push({ key, action, sources: [...action.sources] });
  }
  return groups.map(({ action, sources }) => ({ ...action, sources }));
}

const sourceNaming = ({ name, source, ignoresCache }: Facts): Facts => ({ name, source, ignoresCache });

/** From the root of what is copied from; a pivot of `--parents` stays. */
function sourcePath(path: string, keepsParents: boolean): string {
  const pivot = keepsParents ? path.indexOf('/./') : -1;
  if (pivot < 0) return cleanPath(posix.join('/', path));
  const before = cleanPath(posix.join('/', path.slice(0, pivot)));
  const after = cleanPath(posix.join('/', path.slice(pivot + 2)));
  return `${before === '/' ? '' : before}/.${after}`;
}

/** A trailing slash, or `.`, says that it is a folder. */
function absoluteTarget(target: string, workingDirectory: string): string {
  const path = cleanPath(posix.resolve('/', workingDirectory, target));
  const isFolder = target === '' || /(?:^|\/)\.{0,2}$/.test(target);
  return isFolder && path !== '/' ? `${path}/` : path;
}

/** A name that means itself, wildcards or not. */
const escaped = (path: string): string => path.replace(/[\\*?[]/g, '\\$&');

function checkMode(mode: string): void {
  const isOctal = /^[0-7]+$/.test(mode) && Number.parseInt(mode, 8) <= 0o7777;
  const isSymbolic = /^[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*$/.test(mode);
  if (mode !== '' && !isOctal && !isSymbolic) throw errors.badChmod(mode);
}

async function warnIfIgnored(parts: PlanParts, path: string, instruction: CopyInstruction): Promise<void> {
  const matcher = await parts.contextIgnore();
  if (!matcher || hasWildcards(path) || !matcher.excludes(path)) return;
  const verb = instruction.kind === 'add' ? 'Add' : 'Copy';
  const detail = `Attempting to ${verb} file ${JSON.stringify(path)} that is excluded by .dockerignore`;
  parts.findings.push(finding('CopyIgnoredFile', instruction, detail));
}
