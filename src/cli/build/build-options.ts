/** Options of a build that are lists of fields: `type=oci,dest=FILE`. Pure, but for the environment's values of secrets. */
import { errors } from '../errors.ts';

/** As the daemon has it. */
export interface TypedOption {
  readonly Type: string;
  readonly Attrs: Readonly<Record<string, string>>;
}

export interface Output extends TypedOption {
  /** A file or folder of the user's, `-` for stdout; '' where nothing comes back. */
  readonly dest: string;
}

/** Fields with commas between them; one with commas of its own in quotes, a quote in it doubled. spec: RFC 4180. */
export function csvFields(text: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= text.length; ) {
    if (text[at] !== '"') {
      const end = text.indexOf(',', at);
      fields.push(text.slice(at, end < 0 ? undefined : end));
      at = end < 0 ? text.length + 1 : end + 1;
      continue;
    }
    const [whole, quoted] = /^"((?:[^"]|"")*)"(?:,|$)/.exec(text.slice(at)) ?? [];
    if (whole === undefined || quoted === undefined)
      throw errors.invalid(`invalid value ${text}: a quote is not closed`);
    fields.push(quoted.replaceAll('""', '"'));
    at += whole.endsWith(',') ? whole.length : whole.length + 1;
  }
  return fields;
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of csvFields(text)) {
    const at = field.indexOf('=');
    if (at < 0) throw errors.invalid(`invalid value ${field}: write it as name=value`);
    fields.set(field.slice(0, at).trim().toLowerCase(), field.slice(at + 1));
  }
  return fields;
}

/** compat: a folder or `-` alone is enough. */
export function parseOutput(text: string): Output {
  if (text === '-') return { Type: 'tar', Attrs: {}, dest: '-' };
  if (!text.includes('=')) return { Type: 'local', Attrs: {}, dest: text };
  const fields = fieldsOf(text);
  const given = fields.get('type') ?? '';
  if (given === '') throw errors.invalid('type is required for output');
  const type = given === 'registry' ? 'image' : given;
  const dest = fields.get('dest') ?? '';
  fields.delete('type');
  fields.delete('dest');
  if (given === 'registry' && !fields.has('push')) fields.set('push', 'true');
  // compat: without a file an archive in Docker's format is for the image store.
  if (type === 'docker' && dest === '') return { Type: 'image', Attrs: Object.fromEntries(fields), dest: '' };
  const isLayout = fields.get('tar') === 'false';
  if ((type === 'local' || isLayout) && (dest === '' || dest === '-'))
    throw errors.invalid(`dest is required for ${given} exporter: name a folder`);
  if (type === 'image' && dest !== '') throw errors.invalid('dest: an image goes to the image store or a registry');
  const needsFile = type === 'tar' || type === 'oci' || type === 'docker';
  return { Type: type, Attrs: Object.fromEntries(fields), dest: dest === '' && needsFile ? '-' : dest };
}

/** compat: a name alone is a registry's. */
export function parseCache(text: string): TypedOption {
  if (!text.includes('=')) return { Type: 'registry', Attrs: { ref: text } };
  const fields = fieldsOf(text);
  const type = fields.get('type') ?? '';
  if (type === '') throw errors.invalid(`type required for cache: ${text}`);
  fields.delete('type');
  return { Type: type, Attrs: Object.fromEntries(fields) };
}

export interface Annotation {
  /** As exports have it: `annotation-index.KEY`. */
  readonly name: string;
  readonly value: string;
}

/** `[PLACE[,PLACE][[PLATFORM]]:]KEY=VALUE`; compat: without a place it is the manifest's. */
export function parseAnnotation(text: string): Annotation[] {
  const [, places, key = '', value = ''] =
    /^(?:((?:manifest|index|manifest-descriptor|index-descriptor)(?:\[[^\]]+\])?(?:,(?:manifest|index|manifest-descriptor|index-descriptor)(?:\[[^\]]+\])?)*):)?([^=]+)=(.*)$/s.exec(
      text,
    ) ?? [];
  if (key === '') throw errors.invalid(`invalid annotation ${text}: write it as KEY=VALUE`);
  if (places === undefined) return [{ name: `annotation.${key}`, value }];
  return places.split(/,(?![^[]*\])/).map((place) => ({ name: `annotation-${place}.${key}`, value }));
}

/** `--attest type=sbom,…`, and the short forms: `--provenance=mode=max`, `--sbom=true`. By type; compat: false takes it away. */
export function parseAttests(all: readonly { readonly type: string; readonly text: string }[]): Record<string, string> {
  const attests: Record<string, string> = {};
  for (const { type, text } of all) {
    const isSwitch = /^(?:|1|t|true|0|f|false)$/i.test(text);
    const fields = isSwitch ? new Map<string, string>() : fieldsOf(text);
    const name = type === '' ? (fields.get('type') ?? '') : type;
    if (name === '') throw errors.invalid(`attestation type not specified: ${text}`);
    fields.delete('type');
    const isOff = /^(?:0|f|false)$/i.test(text) || /^(?:1|t|true)$/i.test(fields.get('disabled') ?? '');
    fields.delete('disabled');
    if (isOff) delete attests[name];
    else attests[name] = [...fields].map(([field, value]) => `${field}=${value}`).join(',');
  }
  return attests;
}

export interface SecretOption {
  readonly id: string;
  readonly source:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'environment'; readonly name: string };
}

/** `id=NAME[,src=FILE][,env=VARIABLE]`; compat: without a source a variable of that name, else a file. */
export function parseSecret(text: string, environment: Readonly<Record<string, string | undefined>>): SecretOption {
  const fields = fieldsOf(text);
  const type = fields.get('type') ?? '';
  const path = fields.get('src') ?? fields.get('source') ?? '';
  const variable = fields.get('env') ?? '';
  const id = fields.get('id') || path.replace(/^.*\//, '');
  if (id === '') throw errors.invalid(`invalid secret ${text}: it has no id`);
  for (const name of fields.keys()) {
    if (!['type', 'id', 'src', 'source', 'env'].includes(name))
      throw errors.invalid(`unexpected key '${name}' in '${text}'`);
  }
  if (variable !== '' || type === 'env' || (path === '' && environment[id] !== undefined)) {
    return { id, source: { kind: 'environment', name: variable || path || id } };
  }
  return { id, source: { kind: 'file', path: path || id } };
}

/** `default`, or `NAME=SOCKET`. */
export function parseAgent(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly [string, string] {
  const at = text.indexOf('=');
  const id = at < 0 ? text : text.slice(0, at);
  const path = (at < 0 ? '' : text.slice(at + 1)) || environment['SSH_AUTH_SOCK'] || '';
  if (path === '')
    throw errors.invalid(`invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set, or write ${id}=SOCKET`);
  return [id || 'default', path];
}
