/** How this builder describes itself. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { hostPlatform } from '#images';
import type { control } from '#specs/buildkit';

type WorkerRecord = NonNullable<MessageInitShape<typeof control.ListWorkersResponseSchema>['record']>[number];

/** Without the label of a snapshotter: then clients export to the image store and nowhere else. */
export function workerRecord(version: string) {
  const { os, architecture, variant } = hostPlatform();
  return {
    ID: 'skiff',
    Labels: {
      'org.mobyproject.buildkit.worker.executor': 'skiff',
      'org.mobyproject.buildkit.worker.hostname': 'skiff',
    },
    platforms: [{ OS: os, Architecture: architecture, ...(variant === undefined ? {} : { Variant: variant }) }],
    BuildkitVersion: { package: 'skiff', version: `v${version}-moby`, revision: '' },
  } satisfies WorkerRecord;
}
