/**
 * Writes settings into a cgroup's folder, in order, and says in words what the kernel refused.
 */
import { because } from '#base';
import { errors } from './errors.ts';
import { type CgroupFiles, hasErrno, readOptional } from './files.ts';
import type { ReadFile, Setting } from './resources.ts';

/** Reads files of one folder, undefined where they do not exist. */
export function reader(files: CgroupFiles, folder: string): ReadFile {
  return (file) => readOptional(files, `${folder}/${file}`);
}

/** Writes all settings. Throws `cgroup.*` errors with the kernel's refusal as their cause. */
export function apply(files: CgroupFiles, folder: string, settings: readonly Setting[]): void {
  const again: Setting[] = [];
  for (const setting of settings) {
    try {
      files.write(`${folder}/${setting.file}`, setting.value);
    } catch (error) {
      if (setting.optional && hasErrno(error, 'ENOENT')) continue;
      if (setting.retry && hasErrno(error, 'EINVAL')) again.push(setting);
      else throw refusal(files, folder, setting, error);
    }
  }
  for (const setting of again) {
    try {
      files.write(`${folder}/${setting.file}`, setting.value);
    } catch (error) {
      throw refusal(files, folder, setting, error);
    }
  }
}

function refusal(files: CgroupFiles, folder: string, { file, value }: Setting, error: unknown): unknown {
  const path = `${folder}/${file}`;
  // kernel: a limit below what is in use is refused when nothing can be reclaimed.
  if (file === 'memory.limit_in_bytes' && hasErrno(error, 'EBUSY')) {
    const usage = readOptional(files, `${folder}/memory.usage_in_bytes`) ?? 'unknown';
    return because(errors.memoryBusy(value, usage), error);
  }
  if (hasErrno(error, 'EINVAL', 'ERANGE', 'ENODEV')) {
    return because(errors.write(path, value, 'the kernel does not take this value'), error);
  }
  // kernel: a weight is the I/O scheduler's, and not every device has one that knows weights.
  if (hasErrno(error, 'EOPNOTSUPP')) {
    return because(errors.write(path, value, "the device's I/O scheduler does not support it"), error);
  }
  if (hasErrno(error, 'ENOENT')) {
    return because(errors.write(path, value, 'this kernel has no such file'), error);
  }
  if (hasErrno(error, 'EACCES', 'EPERM', 'EBUSY')) {
    return because(errors.write(path, value, 'the kernel does not permit it'), error);
  }
  return error;
}
