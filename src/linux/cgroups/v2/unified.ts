/**
 * v2 `unified`: files written as the config says (config-linux.md, "Unified").
 */
import { errors } from '../errors.ts';
import type { CgroupResources, Setting } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

/** Written last, so that they have the final say. Throws `cgroup.invalid` for a key that is no file of a cgroup. */
export function settings({ unified = {} }: CgroupResources): Setting[] {
  return Object.entries(unified).map(([file, value]) => {
    const what = `unified resource '${file}'`;
    if (file.includes('/') || file.includes('\0')) throw errors.invalid(what, 'must be a file name');
    if (!/^[^.]+\../.test(file)) throw errors.invalid(what, 'must be of the form controller.parameter');
    return { file, value };
  });
}

/** The controller a key belongs to; `cgroup` is the core, which is always there. */
export function controllerOf(file: string): string {
  return file.slice(0, file.indexOf('.'));
}

export function stats(): CgroupStats {
  return {};
}
