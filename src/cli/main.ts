/** The command line from argv to exit code: finds the command, reads its flags, runs it, reports how it failed. */
import { createClient, DEFAULT_HOST, parseHost, type SkiffClient } from '#client';
import type { Command, CommandContext, Surroundings } from './command.ts';
import type { CommandEntry } from './command-entry.ts';
import { commandGroups, topCommands } from './command-tree.ts';
import { targetOf } from './contexts/current-context.ts';
import { dialThroughSsh } from './contexts/ssh-connection.ts';
import { runsAtDoor } from './door/door-commands.ts';
import { CommandFailure, describe, errors, exitCode, isKind, UsageError } from './errors.ts';
import { parseFlags } from './flags.ts';
import { type GlobalFlags, globalFlags } from './global-flags.ts';
import { packageVersion } from './package.ts';
import { NeedsOwnProcess } from './user-files.ts';

interface Found {
  readonly path: string;
  readonly command: Command;
  readonly args: readonly string[];
}

/**
 * Runs one command line; the exit code. Writes only to the streams it is given. In a daemon it throws NeedsOwnProcess
 * for what it cannot do for somebody else.
 */
export async function main(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  let debug = false;
  try {
    const { values, positionals, help } = parseFlags(globalFlags, argv, { interspersed: false });
    debug = values.debug;
    if (values.version) {
      stdout.write(`Skiff version ${packageVersion()}\n`);
      return 0;
    }
    const found = await find(positionals, help, surroundings.connect ? runsAtDoor : () => true);
    if (typeof found === 'string') {
      stdout.write(found);
      return 0;
    }
    return await runCommand(found, withConfig(surroundings, values), checked(values));
  } catch (error) {
    if (error instanceof NeedsOwnProcess) throw error;
    stderr.write(`skiff: ${describe(error)}\n`);
    if (debug) stderr.write(causes(error));
    if (error instanceof UsageError) stderr.write("\nRun 'skiff --help' for more information\n");
    return error instanceof UsageError || error instanceof CommandFailure ? error.exitCode : exitCode.failed;
  }
}

/** The command, or the help text that is wanted instead. Throws UsageError for a command nobody knows. */
async function find(
  words: readonly string[],
  help: boolean,
  mayRun: (name: string) => boolean,
): Promise<Found | string> {
  const [name, ...rest] = words;
  if (name === undefined) return (await import('./help.ts')).topHelp();
  if (name === 'help') return find(rest, true, mayRun);
  const group = Object.hasOwn(commandGroups, name) ? commandGroups[name]! : undefined;
  if (!group) {
    const entry = Object.hasOwn(topCommands, name) ? topCommands[name]! : undefined;
    if (!mayRun(name)) throw new NeedsOwnProcess();
    if (!entry) throw new UsageError(`unknown command: skiff ${name}`, exitCode.failed);
    return load(`skiff ${name}`, entry, rest, help);
  }
  const path = `skiff ${name}`;
  const [sub, ...args] = rest;
  if (sub === undefined && group.bare && !help) {
    if (!mayRun(name)) throw new NeedsOwnProcess();
    return load(path, group.bare, [], help);
  }
  if (sub === undefined || sub === '--help' || sub === '-h') return (await import('./help.ts')).groupHelp(path, group);
  const canonical = group.aliases?.[sub] ?? sub;
  if (!mayRun(`${name} ${canonical}`)) throw new NeedsOwnProcess();
  const entry = Object.hasOwn(group.commands, canonical) ? group.commands[canonical]! : undefined;
  if (!entry) throw new UsageError(`unknown command: ${path} ${sub}`, exitCode.failed);
  return load(`${path} ${sub}`, entry, args, help);
}

async function load(
  path: string,
  entry: CommandEntry,
  args: readonly string[],
  help: boolean,
): Promise<Found | string> {
  const command = await entry.load();
  return help ? (await import('./help.ts')).commandHelp(path, command) : { path, command, args };
}

async function runCommand(found: Found, surroundings: Surroundings, globals: GlobalFlags): Promise<number> {
  const { path, command } = found;
  const { stdout, stderr } = surroundings;
  let client: SkiffClient | undefined;
  const context: CommandContext = {
    stdout,
    stderr,
    environment: surroundings.environment,
    workingDirectory: surroundings.workingDirectory,
    files: surroundings.files,
    signals: surroundings.signals,
    // Opened when somebody reads it: most commands never do.
    get stdin() {
      return surroundings.stdin;
    },
    path,
    globals,
    client: () => (client ??= connect(globals, surroundings)),
    print: (line) => stdout.write(`${line}\n`),
    complain: (line) => stderr.write(`${line}\n`),
  };
  try {
    const { flags } = command;
    const { values, given, positionals, help } = parseFlags(flags, found.args, {
      interspersed: command.interspersed ?? true,
    });
    if (help) {
      stdout.write((await import('./help.ts')).commandHelp(path, command));
      return 0;
    }
    checkArguments(path, command, positionals.length);
    return await command.run(context, { flags: values, given, args: positionals });
  } catch (error) {
    return await report(error, found, context, globals.debug);
  } finally {
    client?.close();
  }
}

function checkArguments(path: string, { arguments: [least, most] }: Command, count: number): void {
  if (count >= least && count <= most) return;
  const plural = (number: number): string => `${number} argument${number === 1 ? '' : 's'}`;
  const rule =
    most === 0
      ? 'accepts no arguments'
      : least === most
        ? `requires ${plural(least)}`
        : count < least
          ? `requires at least ${plural(least)}`
          : `requires at most ${plural(most)}`;
  throw new UsageError(`'${path}' ${rule}`, exitCode.failed);
}

/** compat: mistakes in the grammar come with the usage line, failures of `run` with where to look. */
async function report(
  error: unknown,
  { path, command }: Found,
  context: CommandContext,
  debug: boolean,
): Promise<number> {
  if (error instanceof NeedsOwnProcess) throw error;
  const message = describe(error);
  const prefixed =
    command.failureCode !== undefined && !(error instanceof CommandFailure) ? `skiff: ${message}` : message;
  // compat: flags that are not understood are told without a name in front.
  if (message !== '')
    context.complain(
      error instanceof UsageError ? (error.exitCode === exitCode.usage ? message : `skiff: ${message}`) : prefixed,
    );
  if (debug) context.stderr.write(causes(error));
  if (error instanceof UsageError) {
    const { usageLine } = await import('./help.ts');
    context.complain(`\n${usageLine(path, command)}\n\nRun '${path} --help' for more information`);
    return error.exitCode;
  }
  if (error instanceof CommandFailure) return error.exitCode;
  if (command.failureCode !== undefined && !isKind(error, 'unavailable'))
    context.complain(`\nRun '${path} --help' for more information`);
  return command.failureCode ?? exitCode.failed;
}

/** Throws `cli.invalid` for flags that contradict each other. */
function checked(globals: GlobalFlags): GlobalFlags {
  if (globals.host.length > 1) throw errors.invalid('specify only one -H');
  if (globals.host.length > 0 && globals.context !== '') {
    throw errors.invalid('conflicting options: cannot specify both --host and --context');
  }
  return globals;
}

/** `--config` counts wherever the variable does. Anything else is handed on as it is: stdin is opened when it is read. */
function withConfig(surroundings: Surroundings, { config }: GlobalFlags): Surroundings {
  if (config === '') return surroundings;
  const environment = { ...surroundings.environment, DOCKER_CONFIG: config };
  return Object.create(surroundings, { environment: { value: environment } }) as Surroundings;
}

function connect(globals: GlobalFlags, { environment, connect: toOwnDaemon }: Surroundings): SkiffClient {
  const apiVersion = environment['DOCKER_API_VERSION'] || undefined;
  if (toOwnDaemon) return toOwnDaemon(apiVersion);
  const { host, tls } = targetOf(globals, environment);
  const endpoint = parseHost(host, { tls: tls !== undefined });
  return createClient({
    host,
    tls,
    dial: endpoint.kind === 'ssh' ? () => dialThroughSsh(endpoint) : undefined,
    apiVersion,
    headers: { 'User-Agent': `Skiff-Client/${packageVersion()} (linux)` },
    // Only the daemon of this machine that nobody named is ours to start.
    onUnreachable: host === DEFAULT_HOST ? async () => (await import('./start-daemon.ts')).startDaemon() : undefined,
  });
}

function causes(error: unknown): string {
  let text = '';
  for (let each = error; each instanceof Error; each = each.cause) text += `${each.stack ?? each.message}\n`;
  return text;
}
