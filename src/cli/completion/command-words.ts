/** The grammar of the whole command line as words, for the shells' completions. Loads every command. */
import type { CommandEntry, CommandTree } from '../command-entry.ts';
import type { Flag, FlagTable } from '../flags.ts';
import { globalFlags } from '../global-flags.ts';

export interface FlagWord {
  readonly name: string;
  readonly short?: string;
  readonly takesValue: boolean;
  readonly help: string;
}

/** What may follow a command's words. */
export interface CommandWords {
  /** Empty for `skiff` itself, `container run` for a command of a group. */
  readonly path: string;
  readonly help: string;
  /** Words that go on: the commands of a group. */
  readonly next: readonly { readonly name: string; readonly help: string }[];
  readonly flags: readonly FlagWord[];
  /** What its arguments name. */
  readonly objects: 'containers' | 'images' | 'contexts' | 'volumes' | 'files';
}

export async function allCommandWords(tree: CommandTree): Promise<CommandWords[]> {
  const { topCommands, commandGroups, ownPrograms } = tree;
  const groups = Object.entries(commandGroups);
  const summaries = (table: Readonly<Record<string, { readonly summary: string }>>) =>
    Object.entries(table).map(([name, { summary }]) => ({ name, help: summary }));
  const own = Object.entries(ownPrograms).map(([name, help]) => ({ name, help }));
  const root: CommandWords = {
    path: '',
    help: '',
    next: [...summaries(topCommands), ...summaries(commandGroups), ...own],
    flags: flagWords(globalFlags as unknown as FlagTable),
    objects: 'files',
  };
  const commands = [
    ...Object.entries(topCommands),
    ...groups.flatMap(([group, { commands: each }]) =>
      Object.entries(each).map(([name, entry]): [string, CommandEntry] => [`${group} ${name}`, entry]),
    ),
  ];
  return [
    root,
    ...groups.map(([path, { summary, commands: each }]): CommandWords => {
      return { path, help: summary, next: summaries(each), flags: [], objects: 'files' };
    }),
    ...(await Promise.all(commands.map(([path, entry]) => wordsOf(path, entry)))),
  ];
}

async function wordsOf(path: string, entry: CommandEntry): Promise<CommandWords> {
  const { usage, flags } = await entry.load();
  return { path, help: entry.summary, next: [], flags: flagWords(flags as FlagTable), objects: objectsOf(usage) };
}

/** The usage line says what is meant. */
function objectsOf(usage: string): CommandWords['objects'] {
  const word = /^(?:\[OPTIONS\] )?\[?([A-Z|]+)/.exec(usage)?.[1] ?? '';
  if (word.startsWith('CONTAINER')) return 'containers';
  if (word.startsWith('IMAGE')) return 'images';
  if (word.startsWith('VOLUME')) return 'volumes';
  return word.startsWith('CONTEXT') ? 'contexts' : 'files';
}

function flagWords(table: FlagTable): FlagWord[] {
  const flags = Object.entries(table as unknown as Readonly<Record<string, Flag<unknown>>>);
  return [
    ...flags.map(([name, { short, bare, help }]) => {
      return { name, ...(short === undefined ? {} : { short }), takesValue: bare === undefined, help };
    }),
    { name: 'help', takesValue: false, help: 'Print what it can do' },
  ];
}
