/** What a Dockerfile offers: its stages (`--call targets`), and what one of them takes (`--call outline`). Pure. */
import { hint } from './suggest.ts';
import { errors } from './errors.ts';
import type { SourceRange } from '../graph.ts';
import type { ArgInstruction, Dockerfile, Stage } from './parse/instruction.ts';
import { mountFields } from './parse/mount-fields.ts';
import { sourceNames } from './plan/stage-links.ts';

export interface BuildTarget {
  /** '' for a stage without a name. */
  readonly name: string;
  /** Built when no target is asked for. */
  readonly isDefault: boolean;
  /** From the comment above: `# name what it is`. */
  readonly description: string;
  /** As written. */
  readonly base: string;
  readonly platform: string;
  readonly range: SourceRange;
}

export interface OutlineArg {
  readonly name: string;
  /** The default, or the value given. */
  readonly value: string | undefined;
  readonly description: string;
  readonly range: SourceRange;
}

export interface OutlineMount {
  readonly id: string;
  readonly isRequired: boolean;
  readonly range: SourceRange;
}

export interface Outline {
  readonly name: string;
  readonly description: string;
  readonly args: readonly OutlineArg[];
  readonly secrets: readonly OutlineMount[];
  readonly ssh: readonly OutlineMount[];
  readonly caches: readonly OutlineMount[];
}

export function listTargets({ stages }: Dockerfile): BuildTarget[] {
  return stages.map(({ from }, index) => ({
    name: from.name,
    isDefault: index === stages.length - 1,
    description: describe(from.name, from.comments),
    base: from.base,
    platform: from.platform,
    range: from.range,
  }));
}

/** `target` as in a request. Throws `dockerfile.noTarget`. */
export function outline(
  dockerfile: Dockerfile,
  target = '',
  buildArgs: Readonly<Record<string, string>> = {},
): Outline {
  const { stages } = dockerfile;
  const index = target === '' ? stages.length - 1 : indexOf(stages, target);
  if (index < 0)
    throw errors.noTarget(
      target,
      hint(
        target,
        stages.map(({ from }) => from.name),
      ),
    );
  const needed = neededStages(stages, index).map((one) => stages[one]!);
  const instructions = needed.flatMap((stage) => stage.instructions);
  const args = [
    ...usedGlobals(dockerfile.globalArgs, needed),
    ...instructions.flatMap((one) => (one.kind === 'arg' ? argsOf(one) : [])),
  ];
  const mounts = instructions.flatMap((one) =>
    one.kind === 'run' ? one.mounts.map((mount) => ({ mount, range: one.range })) : [],
  );
  const ofType = (type: string): OutlineMount[] =>
    unique(mounts.flatMap(({ mount, range }) => mountOf(type, mount, range)));
  const { from } = stages[index]!;
  return {
    name: from.name,
    description: describe(from.name, from.comments),
    args: unique(args.map((arg) => ({ id: arg.name, arg }))).map(({ arg }) => ({
      ...arg,
      value: Object.hasOwn(buildArgs, arg.name) ? buildArgs[arg.name] : arg.value,
    })),
    secrets: ofType('secret'),
    ssh: ofType('ssh'),
    caches: ofType('cache'),
  };
}

/** What follows the name in the comment line that begins with it. */
function describe(name: string, comments: readonly string[]): string {
  if (name === '') return '';
  const line = comments.find((comment) => comment.toLowerCase().startsWith(`${name.toLowerCase()} `));
  return line?.slice(name.length + 1).trim() ?? '';
}

function indexOf(stages: readonly Stage[], target: string): number {
  if (/^\d+$/.test(target) && Number(target) < stages.length) return Number(target);
  return stages.findLastIndex(({ from }) => from.name === target.toLowerCase());
}

/** By the names as written: without values for variables. */
function neededStages(stages: readonly Stage[], target: number): number[] {
  const needed = new Set([target]);
  for (const index of needed) {
    const { from, instructions } = stages[index]!;
    const before = stages.slice(0, index);
    const base = before.findLastIndex((stage) => stage.from.name !== '' && stage.from.name === from.base.toLowerCase());
    if (base >= 0) needed.add(base);
    for (const name of instructions.flatMap(sourceNames)) {
      const source = indexOf(before, name);
      if (source >= 0) needed.add(source);
    }
  }
  return [...needed].sort((a, b) => a - b);
}

/** Those that FROM lines mention, or stages take over. */
function usedGlobals(globals: readonly ArgInstruction[], stages: readonly Stage[]): OutlineArg[] {
  const taken = new Set(
    stages
      .flatMap(({ instructions }) =>
        instructions.flatMap((one) => (one.kind === 'arg' ? one.args.filter(({ value }) => value === undefined) : [])),
      )
      .map(({ name }) => name),
  );
  const isMentioned = (name: string): boolean =>
    stages.some(({ from }) => new RegExp(`\\$\\{?${RegExp.escape(name)}(?!\\w)`).test(`${from.base} ${from.platform}`));
  return globals.flatMap(argsOf).filter(({ name }) => taken.has(name) || isMentioned(name));
}

function argsOf({ args, comments, range }: ArgInstruction): OutlineArg[] {
  return args.map(({ name, value }) => ({ name, value, description: describe(name, comments), range }));
}

function mountOf(type: string, mount: string, range: SourceRange): OutlineMount[] {
  const fields = new Map(mountFields(mount).map(({ key, value }) => [key, value]));
  if (fields.get('type') !== type) return [];
  const target = fields.get('target') ?? fields.get('dst') ?? fields.get('destination') ?? '';
  const named = fields.get('id') ?? (type === 'cache' ? undefined : (fields.get('source') ?? fields.get('src')));
  const fallback = type === 'ssh' ? 'default' : type === 'secret' ? (target.split('/').at(-1) ?? '') : target;
  const isRequired = fields.has('required') && (fields.get('required') ?? 'true') !== 'false';
  return [{ id: named || fallback, isRequired, range }];
}

/** The first of each, but one that is required if any is. */
function unique<T extends { readonly id: string; readonly isRequired?: boolean }>(items: readonly T[]): T[] {
  const found = new Map<string, T>();
  for (const item of items) {
    const known = found.get(item.id);
    if (!known) found.set(item.id, item);
    else if (item.isRequired && !known.isRequired) found.set(item.id, { ...known, isRequired: true });
  }
  return [...found.values()];
}
