/** How this builder describes itself. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { hostPlatform } from '#images';
import type { control } from '#specs/buildkit';

type WorkerRecord = NonNullable<MessageInitShape<typeof control.ListWorkersResponseSchema>['record']>[number];

/** compat: the label of a snapshotter tells clients that they may export to archives and registries, and caches as well. */
export function workerRecord(version: string) {
  const { os, architecture, variant } = hostPlatform();
  return {
    ID: 'skiff',
    Labels: {
      'org.mobyproject.buildkit.worker.executor': 'skiff',
      'org.mobyproject.buildkit.worker.hostname': 'skiff',
      'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs',
    },
    platforms: [{ OS: os, Architecture: architecture, ...(variant === undefined ? {} : { Variant: variant }) }],
    BuildkitVersion: { package: 'skiff', version: `v${version}-moby`, revision: '' },
  } satisfies WorkerRecord;
}
