/** What a command of the OCI command line is: its grammar for the help text, and what it does. */
import type { OciContext } from '../oci/context.ts';
import { type FlagTable, type FlagValues, parseFlags } from './flags.ts';
import { errors } from '../errors.ts';

/** What the global flags say. */
export interface CommandContext extends OciContext {
  /** Prints to standard output, all of it. */
  readonly print: (text: string) => void;
}

export interface Command {
  /** Behind the command's name in the help text. */
  readonly usage: string;
  readonly about: string;
  readonly flags: FlagTable;
  /** Gives the exit code. */
  readonly run: (context: CommandContext, argv: readonly string[]) => Promise<number> | number;
}

interface Definition<Table extends FlagTable> {
  readonly usage: string;
  readonly about: string;
  readonly flags: Table;
  /** How many arguments there may be. */
  readonly args: readonly [least: number, most: number];
  /** Flags end at the first argument: what follows is another program's. */
  readonly flagsFirst?: boolean;
  readonly action: (
    context: CommandContext,
    flags: FlagValues<Table>,
    args: readonly string[],
  ) => Promise<number | void> | number | void;
}

/** A command whose action gets parsed flags and the right number of arguments. */
export function defineCommand<const Table extends FlagTable>(definition: Definition<Table>): Command {
  const { usage, about, flags, args: range, flagsFirst, action } = definition;
  return {
    usage,
    about,
    flags,
    run: async (context, argv) => {
      const { values, args } = parseFlags(flags, argv, flagsFirst !== true);
      if (args.length < range[0] || args.length > range[1]) throw errors.usage(`wrong number of arguments: ${usage}`);
      return (await action(context, values, args)) ?? 0;
    },
  };
}
