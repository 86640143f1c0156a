/**
 * `cgroupsPath` of a config: a plain path, or systemd's `slice:prefix:name`.
 *
 * The systemd form only becomes the folder where systemd would put the unit; it is made by us, as with the cgroupfs
 * driver, and no unit is registered over D-Bus: `systemctl` shows nothing of it.
 */
import { errors } from './errors.ts';

/** The cgroup's path: absolute, or relative to the own cgroup. Throws `cgroup.invalid`. */
export function parseCgroupsPath(text: string): string {
  if (text.includes('\0')) throw errors.invalid(`cgroupsPath ${JSON.stringify(text)}`, 'contains a NUL character');
  if (!isSystemdPath(text)) return text;
  const [slice = '', prefix = '', name = ''] = text.split(':');
  // compat: runc's defaults for the systemd driver as root.
  return `${slicePath(slice === '' ? 'system.slice' : slice)}/${unitName(prefix, name)}`;
}

/** Three parts without a slash, as in `system.slice:docker:0123`. */
export function isSystemdPath(text: string): boolean {
  return /^[^/:]*:[^/:]*:[^/:]+$/.test(text);
}

/** systemd.slice(5): dashes nest, `a-b.slice` is /a.slice/a-b.slice; `-.slice` is the root. */
function slicePath(slice: string): string {
  const base = slice.endsWith('.slice') ? slice.slice(0, -'.slice'.length) : undefined;
  if (base === '-') return '';
  const parts = base?.split('-') ?? [];
  if (parts.length === 0 || parts.includes('')) throw errors.invalid(`slice '${slice}'`, 'is not a systemd slice name');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

/** compat: a name that is a slice stands alone, everything else is a scope (runc, crun). */
function unitName(prefix: string, name: string): string {
  if (name.endsWith('.slice')) return name;
  return prefix === '' ? `${name}.scope` : `${prefix}-${name}.scope`;
}
