/** Help texts, made from the tables of commands and flags. */
import type { Command } from './command.ts';
import type { CommandGroup } from './command-entry.ts';
import { commandGroups, ownPrograms, topCommands } from './command-tree.ts';
import type { Flag, FlagTable } from './flags.ts';
import { globalFlags } from './global-flags.ts';

const WIDTH = 100;

export function topHelp(): string {
  const groups = Object.fromEntries(Object.entries(commandGroups).map(([name, { summary }]) => [name, summary]));
  return [
    'Usage:  skiff [OPTIONS] COMMAND',
    'Containers for Linux.',
    section('Commands:', summaries(topCommands)),
    section('Groups of commands:', columns([...Object.entries(groups), ...Object.entries(ownPrograms)])),
    section('Options:', flagLines(globalFlags as unknown as FlagTable)),
    "Run 'skiff COMMAND --help' for what a command can do.\n",
  ].join('\n\n');
}

export function groupHelp(path: string, group: CommandGroup): string {
  return [
    `Usage:  ${path} COMMAND`,
    group.summary,
    section('Commands:', summaries(group.commands)),
    `Run '${path} COMMAND --help' for what a command can do.\n`,
  ].join('\n\n');
}

export function commandHelp(path: string, command: Command): string {
  const flags = flagLines(command.flags as FlagTable);
  const parts = [usageLine(path, command), command.summary, ...(flags.length > 0 ? [section('Options:', flags)] : [])];
  return `${parts.join('\n\n')}\n`;
}

export function usageLine(path: string, command: Command): string {
  return `Usage:  ${path} ${command.usage}`.trimEnd();
}

const section = (title: string, lines: readonly string[]): string => [title, ...lines].join('\n');

function summaries(commands: CommandGroup['commands']): string[] {
  return columns(Object.entries(commands).map(([name, { summary }]) => [name, summary]));
}

function flagLines(table: FlagTable): string[] {
  const rows = Object.entries(table as unknown as Readonly<Record<string, Flag<unknown>>>)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]): [string, string] => {
      const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
      return [`${short}--${name}${flag.type === '' ? '' : ` ${flag.type}`}`, flag.help + defaultOf(flag)];
    });
  return columns(rows);
}

function defaultOf({ initial }: Flag<unknown>): string {
  if (typeof initial === 'string' && initial !== '') return ` (default "${initial}")`;
  return initial === true ? ' (default true)' : '';
}

/** Two columns, the second wrapped. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 3;
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, WIDTH - width - 2);
    return lines.map((line, index) => `  ${(index === 0 ? name : '').padEnd(width)}${line}`);
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
