/** A volume's record → Docker's JSON. */
import type { EngineParts } from '#engine';
import type { VolumeJson } from '#specs';
import type { VolumeRecord } from '#volumes';

/** compat: its time in whole seconds. */
export function volumeJson({ volumes }: Pick<EngineParts, 'volumes'>, record: VolumeRecord): VolumeJson {
  return {
    CreatedAt: record.createdAt.replace(/\.\d+/, ''),
    Driver: record.driver,
    Labels: record.labels,
    Mountpoint: volumes.pathOf(record.name),
    Name: record.name,
    Options: record.options,
    Scope: 'local',
  };
}
