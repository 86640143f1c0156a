/** What of a container goes along with its lines: a tag, chosen labels and variables. */
import { hostname } from 'node:os';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import type { LogOptions, LogOrigin } from './driver.ts';

/** compat: fields of the template of `tag`; the short forms are twelve digits. */
const fields: Readonly<Record<string, (record: ContainerRecord) => string>> = {
  ID: ({ id }) => id.slice(0, 12),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => hexOf(imageId).slice(0, 12),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ settings }) => settings.image,
  DaemonName: () => 'docker',
};

const FIELD = /\{\{\s*\.(\w+)\s*\}\}/g;

/** Throws for a field there is not, and for the parts of Go's template language there are not. */
export function checkTag(template: string): void {
  for (const [all, name] of template.matchAll(FIELD)) {
    if (!Object.hasOwn(fields, name!)) {
      throw errors.invalid(`log opt 'tag': there is no field ${all}: use one of .${Object.keys(fields).join(', .')}`);
    }
  }
  if (/\{\{|\}\}/.test(template.replace(FIELD, ''))) {
    throw errors.invalid(`log opt 'tag': '${template}': only fields such as {{.Name}} are understood`);
  }
}

export function tagOf(record: ContainerRecord, template: string): string {
  return template.replace(FIELD, (_, name: string) => fields[name]!(record));
}

export function originOf(record: ContainerRecord, options: LogOptions): LogOrigin {
  return {
    id: record.id,
    name: record.name,
    imageId: record.imageId,
    imageName: record.settings.image,
    command: record.program.args.join(' '),
    createdAt: record.createdAt,
    hostname: hostname(),
    tag: tagOf(record, options['tag'] ?? '{{.ID}}'),
    attributes: chosenAttributes(record, options),
  };
}

/** compat: Docker's json-file has a tag only where one was asked for. */
export function fileAttributes(record: ContainerRecord, options: LogOptions): Record<string, string> {
  const template = options['tag'] ?? '';
  return {
    ...chosenAttributes(record, options),
    ...(template === '' ? {} : { tag: tagOf(record, template) }),
  };
}

/** `labels` and `env` name them, `labels-regex` and `env-regex` match their names. */
function chosenAttributes({ program }: ContainerRecord, options: LogOptions): Record<string, string> {
  const variables = Object.fromEntries(
    program.env.map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
  return { ...chosen(program.labels, options, 'labels'), ...chosen(variables, options, 'env') };
}

function chosen(
  all: Readonly<Record<string, string>>,
  options: LogOptions,
  key: 'labels' | 'env',
): Record<string, string> {
  const names = new Set((options[key] ?? '').split(',').filter((name) => name !== ''));
  const pattern = options[`${key}-regex`] ?? '';
  const expression = pattern === '' ? undefined : new RegExp(pattern);
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name) || expression?.test(name) === true));
}

const hexOf = (id: string): string => id.slice(id.indexOf(':') + 1);
