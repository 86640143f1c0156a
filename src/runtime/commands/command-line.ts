/**
 * The OCI command line in runc's grammar: global flags, then a command, whose file is loaded only when it is called.
 *
 * Errors: one line on standard error (see ./log.ts) and exit code 1; `exec` has 255 as runc has.
 */
import { causeChain, messageOf, SkiffError } from '#base';
import { OCI_RUNTIME_VERSION } from '#specs';
import { errors } from '../errors.ts';
import type { Command, CommandContext } from './command.ts';
import { type FlagTable, type FlagValues, parseFlags } from './flags.ts';
import { type LogFormat, openLog, type RuntimeLog, writeAll } from './log.ts';

const globalFlags = {
  root: { names: ['root'], kind: 'text', about: 'folder of container states (default: /run/skiff-runtime)' },
  log: { names: ['log'], kind: 'text', about: 'file that gets messages, too (default: standard error only)' },
  logFormat: { names: ['log-format'], kind: 'text', about: 'text (default) or json' },
  debug: { names: ['debug'], kind: 'switch', about: 'log causes and steps' },
  systemdCgroup: {
    names: ['systemd-cgroup'],
    kind: 'switch',
    about: 'cgroupsPath has the form slice:prefix:name; the folders are made without systemd',
  },
  rootless: { names: ['rootless'], kind: 'text', about: 'live without cgroup rights: true, false or auto (default)' },
  help: { names: ['help', 'h'], kind: 'switch', about: 'show help' },
  version: { names: ['version', 'v'], kind: 'switch', about: 'show the version' },
} as const satisfies FlagTable;

/** compat: as runc, a user without root rights has a place of his own. */
function defaultRoot(): string {
  const own = process.env['XDG_RUNTIME_DIR'];
  return own !== undefined && own !== '' && process.getuid?.() !== 0 ? `${own}/skiff-runtime` : '/run/skiff-runtime';
}

const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  create: () => import('./create.ts'),
  delete: () => import('./delete.ts'),
  events: () => import('./events.ts'),
  exec: () => import('./exec.ts'),
  features: () => import('./features.ts'),
  kill: () => import('./kill.ts'),
  list: () => import('./list.ts'),
  pause: () => import('./pause.ts'),
  ps: () => import('./ps.ts'),
  resume: () => import('./resume.ts'),
  run: () => import('./run.ts'),
  spec: () => import('./spec.ts'),
  start: () => import('./start.ts'),
  state: () => import('./state.ts'),
  update: () => import('./update.ts'),
};

/** Performs one call, `argv` without the program; gives the exit code. `version` gives this package's. */
export async function runCommandLine(argv: readonly string[], version: () => string): Promise<number> {
  let log = openLog({ format: 'text', debug: false });
  let name = '';
  try {
    const { values: flags, args } = parseFlags(globalFlags, argv);
    log = logOf(flags);
    if (flags.version) return print(`skiff-runtime version ${version()}\nspec: ${OCI_RUNTIME_VERSION}\n`);
    name = args[0] ?? 'help';
    if (flags.help || name === 'help') return print(await helpText(flags.help ? undefined : args[1]));
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!load) throw errors.usage(`no such command: ${name} (see 'skiff-runtime --help')`);
    const { command } = await load();
    const rest = args.slice(1);
    if (rest[0] === '--help' || rest[0] === '-h') return print(await helpText(name));
    return await command.run(contextOf(flags, log), rest);
  } catch (error) {
    return report(error, name, log);
  }
}

function report(error: unknown, name: string, log: RuntimeLog): number {
  const isUsage = error instanceof SkiffError && error.code === 'runtime.usage';
  log.error(messageOf(error));
  if (error instanceof AggregateError) for (const inner of error.errors) log.error(messageOf(inner));
  log.debug(error instanceof SkiffError || !(error instanceof Error) ? causeChain(error) : (error.stack ?? ''));
  if (isUsage && Object.hasOwn(commands, name)) writeAll(2, `see 'skiff-runtime ${name} --help'\n`);
  return name === 'exec' ? 255 : 1;
}

function logOf({ log, logFormat = 'text', debug }: FlagValues<typeof globalFlags>): RuntimeLog {
  if (logFormat !== 'text' && logFormat !== 'json') {
    throw errors.usage(`invalid log-format "${logFormat}": text or json`);
  }
  const format: LogFormat = logFormat;
  const file = log === undefined || log === '' || log === '/dev/stderr' ? undefined : log;
  return openLog({ format, debug, ...(file !== undefined && { file }) });
}

function contextOf(flags: FlagValues<typeof globalFlags>, log: RuntimeLog): CommandContext {
  const root = flags.root ?? defaultRoot();
  return {
    root: root.startsWith('/') ? root : `${process.cwd()}/${root}`,
    rootless: isRootless(flags.rootless ?? 'auto'),
    systemdCgroup: flags.systemdCgroup,
    warn: log.warn,
    print,
  };
}

function isRootless(text: string): boolean {
  if (text === 'auto') return process.getuid?.() !== 0;
  if (/^(1|t|true|0|f|false)$/i.test(text)) return /^(1|t|true)$/i.test(text);
  throw errors.usage(`invalid value "${text}" for --rootless: true, false or auto`);
}

function print(text: string): 0 {
  writeAll(1, text);
  return 0;
}

async function helpText(name: string | undefined): Promise<string> {
  if (name !== undefined && !Object.hasOwn(commands, name)) throw errors.usage(`no such command: ${name}`);
  if (name !== undefined) {
    const { command } = await commands[name]!();
    return `skiff-runtime ${name} ${command.usage}\n\n${command.about}\n${flagsHelp(command.flags)}`;
  }
  const list = await Promise.all(
    Object.entries(commands).map(async ([each, load]) => `  ${each.padEnd(10)} ${(await load()).command.about}\n`),
  );
  const head = 'skiff-runtime [global flags] <command> [flags] [arguments]\n\nAn OCI runtime, to be used like runc.\n';
  return `${head}\nCommands:\n${list.join('')}${flagsHelp(globalFlags)}`;
}

function flagsHelp(table: FlagTable): string {
  const rows = Object.values(table).map(({ names, kind, about }) => {
    const spelled = names.map((flag) => (flag.length === 1 ? `-${flag}` : `--${flag}`)).join(', ');
    return `  ${(kind === 'switch' ? spelled : `${spelled} value`).padEnd(30)} ${about}\n`;
  });
  return rows.length === 0 ? '' : `\nFlags:\n${rows.join('')}`;
}
