/** Builds of our own client in the list of past builds (`docker buildx history`). */
import { type DockerfileWork, recordedProvenance } from '#build';
import type { BuildKitDoor } from './buildkit.ts';
import type { BuildQuery } from './build-query.ts';
import { attributesOf, type openExtras } from './extras.ts';

type Extras = Awaited<ReturnType<typeof openExtras>>['work'];

/** Undefined where the client does not ask for it: the classic builder's builds are in no list. */
export async function openRecord(buildKit: BuildKitDoor, query: BuildQuery) {
  if (!query.isRecorded) return undefined;
  const attributes = attributesOf(query);
  const exporters = query.outputs.map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs }));
  const store = { type: 'image', attributes: query.names.length === 0 ? {} : { name: query.names.join(',') } };
  return (await buildKit()).record({ attributes, exporters: exporters.length > 0 ? exporters : [store] });
}

export type OpenedRecord = NonNullable<Awaited<ReturnType<typeof openRecord>>>;

/** What is wanted of the build, with what its record is made of. */
export function recordedWork(record: OpenedRecord, query: BuildQuery, work: Extras): Partial<DockerfileWork> {
  const { attest = { wish: {}, attributes: attributesOf(query), invocationId: record.ref }, onExport } = work;
  return {
    attest: { ...attest, record: recordedProvenance(attest.wish) },
    onExport: {
      during: (name, run) =>
        record.export(name, (keep) => {
          const both = (tell: (what: string) => void) => (what: string) => {
            keep(what);
            tell(what);
          };
          return onExport ? onExport.during(name, (tell) => run(both(tell))) : run(keep);
        }),
    },
  };
}
