/** What the table of commands knows of each before its file is loaded. */
import type { Command } from './command.ts';

export interface CommandEntry {
  readonly summary: string;
  load(): Promise<Command>;
}

export interface CommandGroup {
  readonly summary: string;
  readonly commands: Readonly<Record<string, CommandEntry>>;
  /** Other names of its commands, not listed. */
  readonly aliases?: Readonly<Record<string, string>>;
}
