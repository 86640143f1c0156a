/** What `inspect` commands show: JSON of all that was found, or a template for each. */
import { formatJson64, parseJson64 } from '#specs';
import type { CommandContext } from './command.ts';
import { describe, exitCode } from './errors.ts';
import { reportingTemplateErrors } from './output/rows.ts';
import { compileTemplate } from './output/template/template.ts';

/** compat: what was found is shown, then the reasons for what was not. */
export async function showAll(
  context: CommandContext,
  names: readonly string[],
  formatText: string,
  read: (name: string) => Promise<string>,
  /** What is written as JSON goes through this last. */
  finish: (json: string) => string = (json) => json,
): Promise<number> {
  const show = formatter(formatText, finish);
  const found: unknown[] = [];
  const reasons: string[] = [];
  for (const name of names) {
    try {
      found.push(parseJson64(await read(name)));
    } catch (error) {
      reasons.push(describe(error));
    }
  }
  context.stdout.write(show(found));
  for (const reason of reasons) context.complain(reason);
  return reasons.length > 0 ? exitCode.failed : 0;
}

function formatter(formatText: string, finish: (json: string) => string): (found: readonly unknown[]) => string {
  if (formatText === '') return (found) => finish(`${found.length === 0 ? '[]' : formatJson64(found, 4)}\n`);
  if (formatText === 'json') return (found) => finish(`${formatJson64(found)}\n`);
  const template = reportingTemplateErrors(
    () => compileTemplate(formatText, { openMaps, nullText, absent }),
    exitCode.template,
  );
  return (found) => reportingTemplateErrors(() => found.map((object) => `${template.execute(object)}\n`).join(''));
}

/** compat: Docker knows the types of these fields, JSON does not tell them. Maps with keys of the user's choice. */
const openMaps: ReadonlySet<string> = new Set([
  'Annotations',
  'Data',
  'DriverOpts',
  'ExposedPorts',
  'Labels',
  'Networks',
  'OnBuild',
  'Options',
  'PortBindings',
  'Ports',
  'StorageOpt',
  'Sysctls',
  'Tmpfs',
  'Volumes',
]);

const pointers: ReadonlySet<string> = new Set([
  'Health',
  'Healthcheck',
  'Init',
  'MemorySwappiness',
  'OomKillDisable',
  'PidsLimit',
  'SizeRootFs',
  'SizeRw',
  'StopTimeout',
]);

/** compat: Docker has these fields in any case; JSON leaves them out when they are empty. */
const absent: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...[...pointers, 'Annotations', 'ExposedPorts', 'Labels', 'Mounts', 'OnBuild', 'Shell', 'StorageOpt'].map(
    (name) => [name, null] as const,
  ),
  ...['Sysctls', 'Tmpfs', 'Volumes'].map((name) => [name, null] as const),
  ...['Author', 'Comment', 'DockerVersion', 'Parent', 'StopSignal'].map((name) => [name, ''] as const),
]);

/** compat: Go prints a null map as `map[]`, a null pointer as `<nil>`, a null list as `[]`. */
function nullText(field: string): string {
  if (openMaps.has(field)) return 'map[]';
  return pointers.has(field) ? '<nil>' : '[]';
}
