/** `RUN --mount=type=cache,target=/x`: its fields, and what can be said of them before variables have values. Pure. */
import { errors } from '../errors.ts';

export interface MountField {
  /** As written. */
  readonly text: string;
  /** In lower case. */
  readonly key: string;
  /** Undefined when the key stands alone. */
  readonly value: string | undefined;
}

/** Fields at commas; one in double quotes may hold commas. Throws `dockerfile.mountCsv`. */
export function mountFields(mount: string): MountField[] {
  return csvFields(mount).map((text) => {
    const at = text.indexOf('=');
    if (at < 0) return { text, key: text.toLowerCase(), value: undefined };
    return { text, key: text.slice(0, at).toLowerCase(), value: text.slice(at + 1) };
  });
}

/** The value of `from`, which is known before the build: it takes no variables. '' for none. */
export function mountSource(mount: string): string {
  return mountFields(mount).findLast(({ key }) => key === 'from')?.value ?? '';
}

/** Throws `dockerfile.mountCsv`, `.mountVariable`. */
export function checkMount(mount: string): void {
  if (/\$./.test(mountSource(mount))) throw errors.mountVariable('from');
}

function csvFields(text: string): string[] {
  if (text.trim() === '') throw errors.mountCsv('EOF');
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const [, inner] = /^"((?:[^"]|"")*)"(?=,|$)/.exec(text.slice(at)) ?? [];
      if (inner === undefined) throw errors.mountCsv(`extraneous or missing " in quoted-field at character ${at + 1}`);
      fields.push(inner.replaceAll('""', '"'));
      at += inner.length + 2;
    } else {
      const comma = text.indexOf(',', at);
      const end = comma < 0 ? text.length : comma;
      const field = text.slice(at, end);
      if (field.includes('"')) throw errors.mountCsv(`bare " in non-quoted-field at character ${at + 1}`);
      fields.push(field);
      at = end;
    }
    if (at >= text.length) return fields;
    at += 1;
    if (at === text.length) return [...fields, ''];
  }
}
