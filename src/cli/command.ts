/** What a command is: its place in the tree, its flags, and how it runs. */
import type { Readable, Writable } from 'node:stream';
import type { SkiffClient } from '#client';
import type { FlagValues } from './flags.ts';
import type { GlobalFlags } from './global-flags.ts';
import type { UserFiles } from './user-files.ts';

/** The surroundings of a command. Tests give their own. */
export interface Surroundings {
  readonly stdin: TerminalInput;
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly files: UserFiles;
  readonly signals: SignalSource;
  /** Present where the command runs in a daemon: that is the one it talks to, and no other. */
  readonly connect?: ((apiVersion: string | undefined) => SkiffClient) | undefined;
}

export interface SignalSource {
  /** Calls back instead of ending the process, until it is disposed. */
  watch(names: readonly NodeJS.Signals[], caught: (name: NodeJS.Signals) => void): Disposable;
}

export interface TerminalInput extends Readable {
  readonly isTTY?: boolean;
  /** Its raw mode leaves nothing to translate, of what is written either. */
  readonly rawIsWhole?: boolean;
  setRawMode?(on: boolean): unknown;
}

export interface TerminalOutput extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface CommandContext extends Surroundings {
  /** `skiff run`, as it was called. */
  readonly path: string;
  /** What stood in front of the command. */
  readonly globals: GlobalFlags;
  /** Made on first use; starts the local daemon when that is what is asked and it does not run. */
  client(): SkiffClient;
  /** Writes a line to stdout. */
  print(line: string): void;
  /** Writes a line to stderr. */
  complain(line: string): void;
}

export interface Invocation<Table> {
  readonly flags: FlagValues<Table>;
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
}

export interface Command<Table = unknown> {
  /** Arguments of the usage line, such as `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: Table;
  /** Least and most arguments; the most is Infinity unless it is given. */
  readonly arguments: readonly [number, number];
  /** False: the first argument ends the flags. */
  readonly interspersed?: boolean;
  /** The code of a failure before the container's program runs; 1 unless it is `run` or `create`. */
  readonly failureCode?: number;
  /** The exit code. Throws what is reported. */
  run(context: CommandContext, invocation: Invocation<Table>): Promise<number>;
}

/** Keeps the types of the flags while the command's are forgotten. */
export function defineCommand<const Table>(command: Command<Table>): Command {
  return command;
}
