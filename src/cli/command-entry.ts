/** What the table of commands knows of each before its file is loaded. */
import type { Command } from './command.ts';

export interface CommandEntry {
  readonly summary: string;
  load(): Promise<Command>;
}

export interface CommandGroup {
  readonly summary: string;
  /** What its name alone does; without it that shows help. */
  readonly bare?: CommandEntry;
  readonly commands: Readonly<Record<string, CommandEntry>>;
  /** Other names of its commands, not listed. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** The whole command line. */
export interface CommandTree {
  readonly topCommands: Readonly<Record<string, CommandEntry>>;
  readonly commandGroups: Readonly<Record<string, CommandGroup>>;
  /** Words that are no commands of this command line, with what they are for. */
  readonly ownPrograms: Readonly<Record<string, string>>;
}
